"""Sentences that the modules below the desk make in English, said in the reader's language.

Those modules read files as well as forms, and fill values into their sentences as they raise them. So the desk knows
the sentences by their shape (`sentences`), and puts the same values into the translation.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from exams.bankdesk.fields import LABELS
from exams.bankdesk.sentences import FILES, ITEMS, KEYS, WORDS
from widgets import i18n

PLACE = re.compile(r"\{\w+\}")


@functools.cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Every sentence with what it looks like when it is filled in; of those that fit the one with most words holds."""
    longest_first = sorted((*ITEMS, *FILES, *KEYS), key=lambda text: len(PLACE.sub("", text)), reverse=True)
    return tuple(
        (text, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(text)), re.DOTALL)) for text in longest_first
    )


def shape(sentence: str) -> tuple[str, Mapping[str, str]] | None:
    """The shape of a sentence, and the values in it; None where it has none of ours."""
    for text, pattern in _shapes():
        if found := pattern.fullmatch(sentence):
            return text, found.groupdict()
    return None


def said(sentence: str, language: str) -> str:
    """A sentence, or a word of one, in `language`; one that is not ours stays as it is."""
    return sentence if language == "en" else _said(sentence, i18n.translations("exams", language).gettext)


def _said(text: str, gettext: Callable[[str], str]) -> str:
    bare = text.strip("'\"")
    if bare in LABELS:
        return f"“{gettext(LABELS[bare])}”"
    if text in WORDS:
        return gettext(text)
    if (found := shape(text)) is None:
        return text
    pattern, values = found
    return gettext(pattern).format(**{name: _said(value, gettext) for name, value in values.items()})
