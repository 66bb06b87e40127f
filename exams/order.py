"""The order of a form's items for one candidate: neighbours see different orders, and a seed explains each of them."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Sequence
from typing import Protocol, TypeVar


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
