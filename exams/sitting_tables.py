"""The tables of sittings and of their responses, and reading them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from exams.attendance import attendance
from exams.audit import metadata
from exams.response import PASSED, Json, Response, blank, passed
from exams.timing import Allowance, closed_at, deadline

sittings = sa.Table(
    "sittings",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("exam", sa.String, nullable=False),
    sa.Column("number", sa.String, nullable=False),
    sa.Column("form", sa.String, nullable=False),
    sa.Column("seed", sa.BigInteger, nullable=False),
    sa.Column("started_ms", sa.BigInteger, nullable=False),
    sa.Column("minutes", sa.Integer, nullable=False),
    sa.Column("closes_ms", sa.BigInteger, nullable=False),
    sa.Column("extra_minutes", sa.Integer, nullable=False),
    sa.Column("credit_s", sa.Integer, nullable=False),
    sa.Column("seat", sa.String, nullable=False),
    sa.Column("submitted_ms", sa.BigInteger),
    sa.UniqueConstraint("exam", "number"),
)

responses = sa.Table(
    "responses",
    metadata,
    sa.Column("sitting", sa.ForeignKey("sittings.id"), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("item", sa.String, nullable=False),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("flagged", sa.Boolean, nullable=False),
    sa.Column("device", sa.String, nullable=False),
    sa.Column("received_ms", sa.BigInteger, nullable=False),
    sa.Column("entry", sa.ForeignKey("audit.id"), nullable=False, index=True),
    sqlite_with_rowid=False,
)


@dataclass(frozen=True)
class Progress:
    """How far a sitting is, for those who watch over the exam; `last_ms` is when its last response came in."""

    sitting: Sitting
    answered: int
    flagged: int
    last_ms: int | None


@dataclass(frozen=True)
class Sitting:
    """One candidate's one attempt at an exam; `seat` names the page that may write.

    address: of the network that the candidate was last seen at, "" where it was not noted.
    """

    id: int
    exam: str
    number: str
    form: str
    seed: int
    started_ms: int
    allowance: Allowance
    seat: str
    submitted_ms: int | None
    paused_ms: int | None = None
    annulled_ms: int | None = None
    address: str = ""

    @property
    def deadline_ms(self) -> int:
        """When the time is up, were it not paused any more."""
        return deadline(self.started_ms, self.allowance)

    def deadline_at(self, now_ms: int) -> int:
        """When the time is up as things stand now: while it is paused, ever later."""
        return self.deadline_ms + (0 if self.paused_ms is None else now_ms - self.paused_ms)

    def closed_at(self, now_ms: int) -> int | None:
        """When it was closed, by submitting, by time or by annulment; None while it is open."""
        closed = closed_at(now_ms, self.deadline_ms, self.submitted_ms, self.paused_ms)
        return closed if self.annulled_ms is None else min(self.annulled_ms, closed or self.annulled_ms)


def sitting_of(row: sa.Row[Any]) -> Sitting:
    """A row of `selected`."""
    allowance = Allowance(row.minutes, row.closes_ms, row.extra_minutes, row.credit_s)
    own = (row.id, row.exam, row.number, row.form, row.seed, row.started_ms, allowance, row.seat, row.submitted_ms)
    return Sitting(*own, row.paused_ms, row.annulled_ms, row.address or "")


def selected() -> sa.Select[Any]:
    """The sittings with what an invigilator's word made of each, and where its candidate was last seen."""
    here = sa.and_(sittings.c.exam == attendance.c.exam, sittings.c.number == attendance.c.number)
    both = sittings.outerjoin(attendance, here)
    own = (attendance.c.paused_ms, attendance.c.annulled_ms, attendance.c.address)
    return sa.select(sittings, *own).select_from(both)


def response_of(row: sa.Row[Any]) -> Response:
    """A row of `responses`."""
    return Response(row.sequence, row.item, row.value, row.flagged, row.device)


def find(connection: sa.Connection, exam: str, number: str) -> Sitting | None:
    """The sitting of a candidate."""
    row = connection.execute(_ONE, {"of_exam": exam, "of_number": number}).one_or_none()
    return None if row is None else sitting_of(row)


_ONE = selected().where(sittings.c.exam == sa.bindparam("of_exam"), sittings.c.number == sa.bindparam("of_number"))


def answers(connection: sa.Connection, exam: str, items: Collection[str] | None = None) -> dict[int, dict[str, Json]]:
    """Sitting id -> item id -> the answer that holds (`response.latest`), of those that answered anything.

    To `items` where some are named, else to all.

    For all candidates at once: a value is parsed once however many gave it, so what is given back is not to be altered.
    """
    parsed: dict[str, Json] = {}
    held: dict[int, dict[str, Json]] = {}
    closed: set[str] = set()
    sitting, own = None, {}
    query = _ANSWERS
    if items is not None:
        query = query.where(responses.c.item.in_([*items, *map(passed, items)]))
    # SQLAlchemy's rows would take twice the time of all the rest
    for number, item, text in connection.execute(query, {"of_exam": exam}).cursor.fetchall():
        if number != sitting:
            sitting, closed = number, set()
            own = held[number] = {}
        if item.endswith(PASSED):
            closed.add(item.removesuffix(PASSED))
        elif item not in closed:
            if text not in parsed:
                parsed[text] = json.loads(text)
            own[item] = parsed[text]
    return held


_ANSWERS = (
    sa.select(responses.c.sitting, responses.c.item, sa.cast(responses.c.value, sa.Text))
    .where(responses.c.sitting.in_(sa.select(sittings.c.id).where(sittings.c.exam == sa.bindparam("of_exam"))))
    .order_by(responses.c.sitting, responses.c.sequence)
)


def progress(connection: sa.Connection, exam: str) -> Iterator[Progress]:
    """How far every sitting of an exam is, by candidate number."""
    last = (
        sa.select(responses.c.sitting, sa.func.max(responses.c.sequence).label("sequence"))
        .join(sittings)
        .where(sittings.c.exam == exam)
        .group_by(responses.c.sitting, responses.c.item)
        .subquery()
    )
    holding = sa.and_(responses.c.sitting == last.c.sitting, responses.c.sequence == last.c.sequence)
    rows = connection.execute(sa.select(responses).join(last, holding).order_by(responses.c.sitting))
    held = {sitting: list(own) for sitting, own in itertools.groupby(rows, lambda row: row.sitting)}
    for row in connection.execute(selected().where(sittings.c.exam == exam).order_by(sittings.c.number)):
        own = held.get(row.id, [])
        yield Progress(
            sitting_of(row),
            answered=sum(not blank(response.value) for response in own),
            flagged=sum(response.flagged for response in own),
            last_ms=max((response.received_ms for response in own), default=None),
        )
