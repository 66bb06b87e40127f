"""What an answer needs next, what its mark is, and who may give which mark. Pure.

An answer is marked by several markers independently. Where they agree within the tolerance its mark is their mean;
where they do not, or two of them handed it on, an adjudicator decides. An answer that the group lead has marked as a
standard is a check script: its mark is the lead's, and markers mark it only to be held against it. All marks of one
answer that are told here are of its present edition, one a marker.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from exams.change import RefusedError

MOST_HANDED_ON = 2
"""Markers who hand an answer on before it goes to an adjudicator."""

LAST_OWN = 10
"""Of their own last marks markers may correct so many."""

UNKNOWN, WITHDRAWN, RENEWED = "unknown", "withdrawn", "renewed"
OWN_SCHOOL, MARKED_ALREADY, HANDED_ON, NOT_NEEDED, NOT_GIVEN = (
    "own_school",
    "marked_already",
    "handed_on",
    "not_needed",
    "not_given",
)
TOO_LATE, SETTLED = "too_late", "settled"


class Kind(StrEnum):
    """What a mark is for."""

    MARK = "mark"
    ADJUDICATION = "adjudication"
    CHECK = "check"
    STANDARD = "standard"


class State(StrEnum):
    """What an answer needs: marks, an adjudicator's word, or nothing."""

    OPEN = "open"
    DISPUTED = "disputed"
    DONE = "done"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class Given:
    """A mark that was given; total: its points."""

    marker: str
    kind: Kind
    total: float


@dataclass(frozen=True)
class Marker:
    """Somebody of the panel.

    schools: whose candidates they are not given. marks, adjudicates: what they are named for.
    """

    user: str
    schools: frozenset[str] = frozenset()
    marks: bool = True
    adjudicates: bool = False


@dataclass(frozen=True)
class Script:
    """An answer as the rules see it. needed: marks; tolerance: in points; handed_on: by whom."""

    school: str
    needed: int
    tolerance: float
    marks: tuple[Given, ...] = ()
    handed_on: frozenset[str] = frozenset()
    withdrawn: bool = False

    def of_kind(self, kind: Kind) -> list[Given]:
        """The marks of one kind."""
        return [mark for mark in self.marks if mark.kind is kind]


def final(script: Script) -> float | None:
    """The mark of an answer, exact; None while it has none."""
    if script.withdrawn:
        return None
    for kind in (Kind.STANDARD, Kind.ADJUDICATION):
        for mark in script.of_kind(kind):
            return mark.total
    totals = [mark.total for mark in script.of_kind(Kind.MARK)]
    if len(script.handed_on) >= MOST_HANDED_ON or len(totals) < script.needed:
        return None
    return None if max(totals) - min(totals) > script.tolerance else sum(totals) / len(totals)


def state(script: Script) -> State:
    """What an answer needs."""
    if script.withdrawn:
        return State.WITHDRAWN
    if final(script) is not None:
        return State.DONE
    marked = len(script.of_kind(Kind.MARK)) >= script.needed
    return State.DISPUTED if marked or len(script.handed_on) >= MOST_HANDED_ON else State.OPEN


def kind_for(script: Script, marker: Marker, others: Mapping[str, Kind]) -> Kind:
    """What a mark by `marker` would be for. others: who else holds the answer now, and for what.

    Raises RefusedError where `marker` may give it none.
    """
    if script.withdrawn:
        raise RefusedError(WITHDRAWN)
    if script.school in marker.schools:
        raise RefusedError(OWN_SCHOOL)
    if any(mark.marker == marker.user for mark in script.marks):
        raise RefusedError(MARKED_ALREADY)
    if marker.user in script.handed_on:
        raise RefusedError(HANDED_ON)
    if script.of_kind(Kind.STANDARD) and marker.marks:
        return Kind.CHECK
    here = state(script)
    if here is State.DISPUTED and marker.adjudicates and Kind.ADJUDICATION not in others.values():
        return Kind.ADJUDICATION
    under_way = len(script.of_kind(Kind.MARK)) + list(others.values()).count(Kind.MARK)
    if here is State.DONE or not marker.marks or under_way >= script.needed:
        raise RefusedError(NOT_NEEDED)
    return Kind.MARK


def corrected(script: Script, marker: Marker, recent: bool, others: Mapping[str, Kind], released: bool) -> Kind:
    """The kind of the mark that takes the place of one `marker` has given. recent: it is one of their `LAST_OWN`.

    Raises RefusedError where it stays as it is: it is not recent, an adjudicator has decided or is at it, the candidate
    turned out to be of the marker's school, or the answer is done and the results are `released`.
    """
    if script.withdrawn:
        raise RefusedError(WITHDRAWN)
    if script.school in marker.schools:
        raise RefusedError(OWN_SCHOOL)
    if released and state(script) is State.DONE:
        raise RefusedError(SETTLED)
    (own,) = [mark for mark in script.marks if mark.marker == marker.user]
    decided = script.of_kind(Kind.ADJUDICATION) or Kind.ADJUDICATION in others.values()
    if own.kind is Kind.STANDARD or not recent or (decided and own.kind is Kind.MARK):
        raise RefusedError(TOO_LATE)
    return own.kind
