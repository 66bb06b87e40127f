"""The order of a form's items and of their options for one candidate: neighbours see different ones, and a seed
explains each of them.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar


class Ordered(Protocol):
    """What the order looks at: `group` is the id that items with a shared stem or shared options have in common."""

    @property
    def id(self) -> str:
        """Its name in the bank."""

    @property
    def type(self) -> str:
        """A1, B1, numeric, ..."""

    @property
    def group(self) -> object:
        """What it shares with its neighbours, if anything."""


T = TypeVar("T", bound=Ordered)
V = TypeVar("V")


def seed_of(exam: str, number: str) -> int:
    """The seed of a candidate's order, the same on every machine and in every year."""
    return int.from_bytes(hashlib.sha256(f"{exam}/{number}".encode()).digest()[:6], "big")


def ordered(items: Sequence[T], seed: int) -> list[T]:
    """`items` in the candidate's order.

    The sections of the form (runs of one type) stay where they are, a group stays together and in its own order; within
    a section the groups and the single items are shuffled.
    """
    # Mersenne Twister, because its sequence for a seed is fixed by Python's documentation; nothing here is a secret
    shuffler = random.Random(seed)  # noqa: S311
    result: list[T] = []
    for _, section in itertools.groupby(items, key=lambda item: item.type):
        blocks = [list(block) for _, block in itertools.groupby(section, key=lambda item: item.group or item.id)]
        shuffler.shuffle(blocks)
        result.extend(itertools.chain.from_iterable(blocks))
    return result


QUANTITY = re.compile(r"\s*[<>≤≥≈约±-]*\s*\d")
TIED = re.compile("以上|上述|其余|[A-E]项")
"""Options that speak of others stay where they are."""


def own_order(shown: Mapping[str, Any]) -> str | None:
    """The name under which an item as `Item.public()` gives it has its options shuffled; None where they stay.

    Quantities stay in ascending order, as item writers are taught (Haladyna, Downing & Rodriguez 2002, Applied
    Measurement in Education 15:309); so do options that speak of others. Items on shared options have one order.
    """
    texts = [option["text"] for option in shown["options"]]
    if all(map(QUANTITY.match, texts)) or any(map(TIED.search, texts)):
        return None
    name: str = shown["group"] if shown["type"] == "B1" else shown["id"]
    return name


def shuffled(options: Sequence[V], name: str, seed: int) -> list[V]:
    """`options` in the order that the candidate of `seed` sees under `name`."""
    own = int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:6], "big")
    result = list(options)
    random.Random(own).shuffle(result)  # noqa: S311 - as above
    return result


def with_options_ordered(shown: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """An item as `Item.public()` gives it, with its options in the candidate's order; each keeps its `id`.

    Which letter an option is shown with is its place.
    """
    name = own_order(shown)
    return dict(shown) if name is None else {**shown, "options": shuffled(shown["options"], name, seed)}
