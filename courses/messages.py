"""Sentences for people: the English text is the catalogue's msgid, values are filled in after translation."""

from __future__ import annotations

from dataclasses import dataclass, field

from widgets.i18n import LANGUAGES, translations


@dataclass(frozen=True)
class Message:
    """One sentence, translatable at the moment it is shown.

    `text` is the English msgid with `{name}` fields; `values` fills them.
    """

    text: str
    values: dict[str, str | int | float] = field(default_factory=dict)

    def say(self, language: str) -> str:
        """The sentence in `language` (a key of `widgets.i18n.LANGUAGES`)."""
        return translations("courses", language).gettext(self.text).format(**self.values)

    def everywhere(self) -> dict[str, str]:
        """The sentence in every language, for a browser that knows its reader's."""
        return {language: self.say(language) for language in LANGUAGES}


class Refusal(Exception):  # noqa: N818 - the word of the domain
    """What was asked for cannot be done: one clear sentence, what is wrong and what to do."""

    def __init__(self, text: str, **values: str | int | float):
        self.message = Message(text, values)
        super().__init__(self.message.say("en"))
