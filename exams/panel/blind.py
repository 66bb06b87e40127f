"""Taking out of an answer what tells whose it is. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

MASK = "▇▇▇"
"""As long for every name: its length would tell too."""

SHORTEST = 2
"""Characters; a name of one stands in too many words to be taken out."""


def cleaned(text: str) -> str:
    """`text` as every database and page takes it: without control characters and halves of characters."""
    whole = text.encode("utf-8", "replace").decode("utf-8")
    return "".join(one for one in whole if one in "\n\t" or unicodedata.category(one) != "Cc")


def masked(text: str, names: Iterable[str]) -> str:
    """`text` with every one of `names` masked, however it is spaced, in small, large or full-width characters.

    It finds what is written as it stands in the roster; other ways to say who one is are for the marker to hand on.
    """
    wanted = sorted({name.strip() for name in names if len(name.strip()) >= SHORTEST}, key=len, reverse=True)
    if not wanted:
        return text
    return re.sub("|".join(map(_pattern, wanted)), MASK, text, flags=re.IGNORECASE)


def _pattern(name: str) -> str:
    """A name with white space allowed between its characters; a number only where it is no part of a longer one."""
    spelt = r"[\s·]*".join(f"[{re.escape(one)}{re.escape(_wide(one))}]" for one in "".join(name.split()))
    if name.isascii():
        return rf"(?<![A-Za-z0-9]){spelt}(?![A-Za-z0-9])"
    return spelt


def _wide(one: str) -> str:
    """The full-width form of a character; itself where it has none."""
    return chr(ord(one) + 0xFEE0) if "!" <= one <= "~" else one
