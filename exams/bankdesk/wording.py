"""Sentences that the modules below the desk make in English, said in the reader's language.

Those modules read files as well as forms, and fill values into their sentences as they raise them. So the desk knows
the sentences by their shape, and puts the same values into the translation. What it does not know stays English.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping

from exams.bankdesk.fields import LABELS
from exams.web import N_
from widgets import i18n

SENTENCES = (
    N_("The field {name} is blank."),
    N_("The field {name} is missing."),
    N_("The field {name} must be {kind}, not {value}."),
    N_("The field {name} must be a finite number greater than {least}."),
    N_("The field {name} must be at least {least}."),
    N_("The field {name} is a list of texts."),
    N_("The field {name} is unknown here; known are {names}."),
    N_("The {name} {value} may hold only letters a-z, A-Z, digits, - and _."),
    N_("{value} is not one of {choices}."),
    N_("A mapping of fields is expected here."),
    N_("The difficulty is the share expected to get it right, between 0 and 1."),
    N_("Points are multiples of {step}."),
    N_("Group {name} needs either a shared stem or shared options."),
    N_("Options are lettered A, B, C, ... in order, {wanted} of them."),
    N_("Two options say the same."),
    N_("The key of an X item lists two or more of its options, not all, in order."),
    N_("The key {key} is not one of the options {options}."),
    N_("The example is no measurement: {why}."),
    N_("The rubric's points must add up to the item's {points}."),
    N_("There is no group {name} in this file."),
    N_("{type} items share {what}: see {name}."),
    N_("A window is two numbers: centre and width."),
    N_("Leads are some of {leads}."),
    N_("A tracing of {rhythm} has no {name}."),
    N_("The group id {name} stands here twice."),
    N_("The item id {name} stands here twice."),
    N_("Group {name} needs two items or more."),
    N_("The bank has the id {name} already."),
    N_("A text is longer than {most} characters."),
    N_("The text holds {found}: write it in another way."),
    N_("Nobody has put their name to {item} as it is now: its author does that first."),
    N_("{by} wrote {item}: another teacher reviews it."),
    N_("{item} is retired already."),
    N_("{item} is {state}: only a draft is reviewed."),
    N_("{item} is {state}: only a reviewed item goes live."),
    N_("{item} is {state}: only a draft without a name is signed."),
)
"""The shapes; the first that fits is taken."""

VALUES = (
    N_("a control character"),
    N_("an event handler"),
    N_("a picture by its address"),
    N_("an address that runs or holds content"),
    N_("a marker of nbgrader cells"),
    N_("text"),
    N_("a number"),
    N_("a whole number"),
    N_("a list"),
    N_("a mapping"),
    N_("a time"),
    N_("a stem"),
    N_("options"),
    N_("draft"),
    N_("reviewed"),
    N_("live"),
    N_("retired"),
)
"""Values that are words themselves."""


@functools.cache
def _shapes() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple(
        (text, re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.+?)", re.escape(text)), re.DOTALL)) for text in SENTENCES
    )


def shape(sentence: str) -> tuple[str, Mapping[str, str]] | None:
    """The shape of a sentence, and the values in it; None where it has none of ours."""
    for text, pattern in _shapes():
        if found := pattern.fullmatch(sentence):
            return text, found.groupdict()
    return None


def said(sentence: str, language: str) -> str:
    """The sentence in `language`."""
    found = shape(sentence)
    catalogue = i18n.translations("exams", language)
    if found is None or language == "en":
        return sentence
    text, values = found
    return catalogue.gettext(text).format(**{name: _word(value, catalogue.gettext) for name, value in values.items()})


def _word(value: str, gettext: Callable[[str], str]) -> str:
    bare = value.strip("'\"")
    if bare in LABELS:
        return f"“{gettext(LABELS[bare])}”"
    return gettext(bare) if bare in VALUES else value
