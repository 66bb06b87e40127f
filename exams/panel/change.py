"""What can be asked of the panel, as data, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from exams.panel.rules import Marker
from exams.panelrules import Marking


@dataclass(frozen=True)
class Opening:
    """An answer to be marked.

    text: without what tells whose it is; worth: the item's points; version: of its rubric, from 1.
    """

    number: str
    school: str
    item: str
    form: str
    text: str
    worth: float
    version: int = 1


@dataclass(frozen=True)
class Drawn:
    """An opening with what chance gives it: the code that markers know it by, and its place in line."""

    opening: Opening
    code: str
    place: int


@dataclass(frozen=True)
class Open:
    """These are all the answers of an exam that are to be marked, by these rules."""

    at_ms: int
    exam: str
    actor: str
    rules: Marking
    drawn: tuple[Drawn, ...]


@dataclass(frozen=True)
class Govern:
    """The rules of an exam are others now; worth: the points of its items."""

    at_ms: int
    exam: str
    actor: str
    rules: Marking
    worth: Mapping[str, float]


@dataclass(frozen=True)
class Claim:
    """Give a marker answers of an item, `wanted` besides those `holding` (codes), which they keep.

    disputes: such as an adjudicator decides, else such as need marks. until_ms: when they go to others. draw: a number
    by chance, which says which check script comes and where among the others.
    """

    at_ms: int
    exam: str
    item: str
    marker: Marker
    wanted: int
    holding: tuple[str, ...]
    disputes: bool
    check_every: int
    until_ms: int
    draw: int


@dataclass(frozen=True)
class Mark:
    """Points for each criterion of the rubric. client: the browser's name of it; again: instead of an earlier one.

    seconds: how long the marker had the answer before them. unless: why it is not taken unless it is here already, a
    code of `rules`; "" where it is. released: the results are, so that what is done stays.
    """

    at_ms: int
    exam: str
    item: str
    code: str
    edition: int
    marker: Marker
    points: tuple[float, ...]
    comment: str
    seconds: float
    client: str
    again: bool = False
    unless: str = ""
    released: bool = False


@dataclass(frozen=True)
class HandOn:
    """An answer goes to somebody else. unless: see `Mark`."""

    at_ms: int
    exam: str
    item: str
    code: str
    edition: int
    marker: Marker
    reason: str
    note: str
    unless: str = ""


@dataclass(frozen=True)
class Standard:
    """The group lead's own mark of an answer, which makes it a check script."""

    at_ms: int
    exam: str
    item: str
    code: str
    edition: int
    actor: str
    points: tuple[float, ...]
    comment: str
    client: str


@dataclass(frozen=True)
class Handed:
    """An answer as it is handed to a marker. given: marks of those who do not agree, the lowest first; said: why it was
    handed on. Both are told to adjudicators alone.
    """

    code: str
    edition: int
    text: str
    given: tuple[Mapping[str, object], ...] = ()
    said: tuple[Mapping[str, str], ...] = ()
