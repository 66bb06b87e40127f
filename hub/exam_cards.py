"""A person's exams for the portal: what is next, when, how long, and what came of it."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from exams.exam import Exam
from exams.hall import Hall
from exams.key import form_at
from exams.release import released, result
from exams.sitting import SittingStore


@dataclass(frozen=True)
class ExamCard:
    """One exam as one person sees it; `points` of `maximum` once released to a candidate, else None."""

    id: str
    title: str
    opens: datetime
    closes: datetime
    minutes: int
    phase: str
    submitted: bool = False
    released: bool = False
    panel: frozenset[str] | None = None
    points: float | None = None
    maximum: float | None = None

    @property
    def url(self) -> str:
        """The exam's page at the exam service."""
        return f"/services/exams/{self.id}/"


def phase_of(opens: datetime, closes: datetime, now: datetime) -> str:
    """`upcoming`, `open` or `over`."""
    return "over" if now >= closes else "upcoming" if now < opens else "open"


class Examinations:
    """The exams below $XINGLIN_HOME as the portal reads them."""

    def __init__(self, home: Path, database: str) -> None:
        folder = home / "exams"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._hall = Hall(folder)
        self._sittings = SittingStore(database)

    def of_candidate(self, user: str, now: datetime, zone: ZoneInfo) -> list[ExamCard]:
        """The exams that `user` sits, by opening time."""
        cards = []
        for exam in self._hall.exams():
            if (candidate := self._hall.candidates(exam).get(user)) is None:
                continue
            sitting = self._sittings.sitting(exam.id, candidate.number)
            annulled = sitting is not None and sitting.annulled_ms is not None
            own = (
                None
                if annulled
                else result(exam.folder, functools.partial(form_at, exam, candidate.form), candidate.number)
            )
            cards.append(
                ExamCard(
                    **_common(exam, exam.window(candidate), now, zone),
                    submitted=sitting is not None and sitting.closed_at(self._sittings.now()) is not None,
                    released=own is not None,
                    points=None if own is None else own.points,
                    maximum=None if own is None else own.maximum,
                )
            )
        return cards

    def watched(self, school: str | None, now: datetime, zone: ZoneInfo) -> list[ExamCard]:
        """The exams that `school` takes part in, for its teachers; every exam where `school` is None."""
        return [
            ExamCard(
                **_common(exam, (exam.opens, exam.closes), now, zone),
                released=released(exam.folder) is not None,
                panel=exam.marking.everybody if exam.marking.markers else None,
            )
            for exam in self._hall.exams()
            if school is None or school in exam.schools
        ]


def _common(exam: Exam, window: tuple[datetime, datetime], now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    opens, closes = window
    return {
        "id": exam.id,
        "title": exam.title,
        "opens": opens.astimezone(zone),
        "closes": closes.astimezone(zone),
        "minutes": exam.minutes,
        "phase": phase_of(opens, closes, now),
    }


@functools.cache
def examinations(home: Path, database: str) -> Examinations:
    """The exams of this installation; files and database stay open between requests."""
    return Examinations(home, database)


def next_first(cards: Iterable[ExamCard]) -> list[ExamCard]:
    """What is still to be done first: open exams, then coming ones, then those that are over."""
    order = {"open": 0, "upcoming": 1, "over": 2}
    return sorted(cards, key=lambda card: (card.submitted, order[card.phase], card.opens))
