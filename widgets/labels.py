"""The texts of the front ends: every widget hands them to its .js, which picks by the reader's language."""

from __future__ import annotations

import functools
from importlib import resources

from babel.messages import pofile

from widgets.i18n import DEFAULT_LANGUAGE, LANGUAGES


@functools.cache
def labels() -> dict[str, dict[str, str]]:
    """{"zh": {English text: Chinese text}, "en": {}}: English texts stand for themselves."""
    texts: dict[str, dict[str, str]] = {language: {} for language in LANGUAGES}
    with resources.files("widgets").joinpath("locale", f"{DEFAULT_LANGUAGE}.po").open("rb") as source:
        for message in pofile.read_po(source, locale=DEFAULT_LANGUAGE, abort_invalid=True):
            if message.id:
                texts[DEFAULT_LANGUAGE][str(message.id)] = str(message.string)
    return texts
