"""The report of an import or export: what was not carried as it stood, item by item."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

ALL = "*"
"""In place of an item: said of every item of the file."""

WHOLE = "item"
"""In place of a field: the item as a whole is left out."""


@dataclass(frozen=True)
class Loss:
    """What of an item was lost, filled in or carried otherwise, and why; each `why` is a clause."""

    item: str
    what: str
    why: str

    def plain(self) -> dict[str, str]:
        """As JSON writes it."""
        return asdict(self)


def lines(losses: Iterable[Loss]) -> list[str]:
    """The report for people: one line for each field and reason, with the items that it concerns."""
    grouped: dict[tuple[str, str], list[str]] = {}
    for loss in losses:
        grouped.setdefault((loss.what, loss.why), []).append(loss.item)
    said = [f"{what}: {why}{_concerned(items)}" for (what, why), items in grouped.items()]
    # a name in a file may hold what a terminal takes for a command
    return ["".join(char if char.isprintable() else "?" for char in line) for line in said]


def _concerned(items: list[str]) -> str:
    names = [name for name in dict.fromkeys(items) if name != ALL]
    return f" ({len(names)} item{'s' * (len(names) > 1)}: {', '.join(names)})" if names else ""
