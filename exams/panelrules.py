"""How the answers that people mark are marked: what `[marking]` in an exam.toml says, set by the group lead."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from math import floor
from typing import Any

from exams.documents import Fields
from exams.items import POINTS_STEP

MOST_MARKS = 2
"""Independent marks an answer: with two the mean is exact, and a third that differs is the adjudicator's."""


@dataclass(frozen=True)
class Marking:
    """The panel of an exam and its rules. Without markers there is no panel, and answers are marked in formgrader.

    markers, adjudicators: the hub's user names. marks: independent marks an answer needs. tolerance: the greatest
    difference of two marks that is no dispute, as a share of the item's points. check_every: after so many marks of an
    item a marker is given a check script of it; 0: never.
    """

    markers: tuple[str, ...] = ()
    adjudicators: tuple[str, ...] = ()
    marks: int = 2
    tolerance: float = 0.2
    check_every: int = 20

    @property
    def everybody(self) -> frozenset[str]:
        """All who are named."""
        return frozenset((*self.markers, *self.adjudicators))

    def tolerance_of(self, points: float) -> float:
        """The tolerance for an item of so many `points`, to the nearest step that points are given in."""
        return floor(self.tolerance * points / POINTS_STEP + 0.5) * POINTS_STEP

    def lines(self) -> list[str]:
        """The lines of exam.toml that say so; none where nothing was set."""
        if self == Marking():
            return []
        own = [f"{name} = {json.dumps(value, ensure_ascii=False)}" for name, value in vars(self).items()]
        return ["", "[marking]", *own]


def parse_marking(inner: Fields) -> Marking:
    """What `[marking]` says. Raises DocumentError."""
    plain: dict[str, Any] = {one.name: one.default for one in fields(Marking)}
    made = Marking(
        markers=inner.texts("markers", ()),
        adjudicators=inner.texts("adjudicators", ()),
        marks=inner.whole("marks", plain["marks"], minimum=1),
        tolerance=inner.number("tolerance", plain["tolerance"]),
        check_every=inner.whole("check_every", plain["check_every"]),
    )
    inner.done()
    if made.marks > MOST_MARKS:
        raise inner.fail("marks", f"An answer is marked once or twice, not {made.marks} times.")
    if not 0 <= made.tolerance <= 1:
        raise inner.fail("tolerance", "The tolerance is a share of the points, between 0 and 1.")
    for name in ("markers", "adjudicators"):
        named = getattr(made, name)
        if len(set(named)) < len(named) or not all(one and one == one.strip() for one in named):
            raise inner.fail(name, "Each name stands there once, and none is blank.")
    return made
