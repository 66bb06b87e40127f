"""Rescoring: whose marks another key changes, from what to what."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from courses import measure
from exams import marking
from exams.exam import Exam
from exams.form import Form
from exams.key import Changes, newest, ruled_form
from exams.marks import MarkStore
from exams.part import Part
from exams.response import Json, digest

Points = Mapping[str, float | None]


class UnmarkedError(Exception):
    """So many sittings (`count`) are not marked by the newest key: what another changes cannot be told yet."""

    def __init__(self, count: int) -> None:
        super().__init__(f"{count} sittings are not marked yet.")
        self.count = count


class Answers(Protocol):
    """What rescoring needs of the response store (`exams.sitting.SittingStore`)."""

    def responses(self, exam: str, items: Collection[str] | None = None) -> Mapping[str, Mapping[str, Any]]:
        """Candidate number -> item id -> response; only to `items` where some are named."""

    def submitted_at(self, exam: str) -> Mapping[str, int]:
        """Candidate number -> when the sitting was closed (ms since 1970 UTC), of those that count."""


@dataclass(frozen=True)
class Rescored:
    """One candidate whose marks change. items: item id -> (points before, points after).

    Points are None where a person gives them, or a run of the code that is still to come. before and after are the sums
    over all that rules give.
    """

    number: str
    before: float
    after: float
    items: Mapping[str, tuple[float | None, float | None]]

    @property
    def certain(self) -> bool:
        """Whether rules alone change a mark; else it is changed only if a person or a run gives, or gave, another."""
        return any(None not in pair for pair in self.items.values())

    def public(self) -> dict[str, Json]:
        """The same as JSON."""
        items: dict[str, Json] = {name: list(points) for name, points in sorted(self.items.items())}
        return {"number": self.number, "before": self.before, "after": self.after, "items": items}


def differences(
    before: Mapping[str, Points], after: Mapping[str, Points], again: Collection[str] = ()
) -> list[Rescored]:
    """The candidates of `after` (candidate number -> item id -> points) who were marked otherwise before, by number.

    Who was not marked before is not compared. again: the items that are marked anew, which people or a run may give
    other points though nothing is known of them here.
    """
    found = []
    for number in sorted(before.keys() & after.keys()):
        old, new = before[number], after[number]
        items = {
            name: (was, points)
            for name, points in new.items()
            if (was := old.get(name)) != points or (points is None and name in again)
        }
        if items:
            found.append(Rescored(number, _sum(old), _sum(new), items))
    return found


def _sum(points: Points) -> float:
    return sum(one for one in points.values() if one is not None)


def preview(
    form: Form,
    changes: Changes,
    before: Mapping[str, Points],
    responses: Mapping[str, Mapping[str, object]],
    images: Mapping[str, measure.Image],
) -> list[Rescored]:
    """Whose marks `changes` to the key of `form` would change, of those with marks by it (`before`).

    responses: what they answered to the items of `changes`, as `marking.sheets` takes it.
    """
    items = [item for item in ruled_form(form, [changes]).items if item.id in changes]
    after = marking.sheets(items, {number: responses.get(number, {}) for number in before}, images)
    points = {number: {**before[number], **marking.points_of(own)} for number, own in after.items()}
    return differences(before, points, changes)


def of_exam(exam: Exam, parts: Sequence[Part], changes: Changes, sittings: Answers, marks: MarkStore) -> list[Rescored]:
    """The same for a whole exam, over the stores of its responses and marks.

    Raises UnmarkedError where not all that count are marked: who is not would be left out of what is signed.
    """
    sheets, closed = marks.sheets(exam.id, newest(exam)), sittings.submitted_at(exam.id)
    mine = {number for part in parts for number in part.numbers & closed.keys()}
    if waiting := [one for one in mine if one not in sheets or sheets[one].closed_ms != closed[one]]:
        raise UnmarkedError(len(waiting))
    responses = sittings.responses(exam.id, list(changes))
    found: list[Rescored] = []
    for part in parts:
        before = {number: sheets[number].points for number in part.numbers & closed.keys()}
        found += preview(part.form, changes, before, responses, part.images)
    return sorted(found, key=lambda one: one.number)


def signature(changes: Changes, rescored: list[Rescored]) -> str:
    """What one signs who has seen the changes of a key, and whose marks they change."""
    return digest({"changes": changes, "rescored": [one.public() for one in rescored]})
