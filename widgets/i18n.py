"""Texts in two languages: gettext catalogues, one a package, in `<package>/locale/<language>.po`.

A msgid is the English text, so English needs no catalogue; Chinese is the default. The language a person chose is
kept in one cookie that every service of the host reads.
"""

from __future__ import annotations

import functools
import gettext
import io
from importlib import resources

from babel.messages import mofile, pofile

LANGUAGES = {"zh": "中文", "en": "English"}
DEFAULT_LANGUAGE = "zh"
COOKIE = "xinglin_language"


def language_of(cookie: str | None) -> str:
    """The language to answer in: the cookie's where it names one of ours, else Chinese."""
    return cookie if cookie in LANGUAGES else DEFAULT_LANGUAGE


@functools.cache
def translations(package: str, language: str) -> gettext.NullTranslations:
    """The catalogue of `package` in `language`.

    Raises FileNotFoundError where a package has no catalogue for a language other than English.
    """
    if language == "en":
        return gettext.NullTranslations()
    with resources.files(package).joinpath("locale", f"{language}.po").open("rb") as source:
        catalogue = pofile.read_po(source, locale=language, abort_invalid=True)
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
