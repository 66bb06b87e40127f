"""Attendance 考场登记: what those who watch over an exam decide about each candidate, and what the service notices.

Being checked in, coming late, changing machines, pausing, being annulled: each is an act in the audit log, and what
holds is those acts told in their order (`after`). So the table is the log's sum, and verifying the log verifies it too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import sqlalchemy as sa

from exams.audit import metadata

attendance = sa.Table(
    "attendance",
    metadata,
    sa.Column("exam", sa.String, primary_key=True),
    sa.Column("number", sa.String, primary_key=True),
    sa.Column("checked_ms", sa.BigInteger),
    sa.Column("late_ms", sa.BigInteger),
    sa.Column("paused_ms", sa.BigInteger),
    sa.Column("annulled_ms", sa.BigInteger),
    sa.Column("extra_minutes", sa.Integer, nullable=False),
    sa.Column("device", sa.String, nullable=False),
    sa.Column("asked", sa.String, nullable=False),
    sa.Column("address", sa.String, nullable=False),
    sa.Column("moves", sa.Integer, nullable=False),
    sa.Column("left", sa.Integer, nullable=False),
    sa.Column("left_s", sa.Integer, nullable=False),
    sa.Column("left_seat", sa.String, nullable=False),
    sa.Column("left_count", sa.Integer, nullable=False),
)


@dataclass(frozen=True)
class Attendance:
    """What holds of one candidate.

    checked_ms: when an invigilator, or the code of the room, vouched for them. late_ms: when they were let in late.
    paused_ms: since when their time stands still. extra_minutes: given on the day, beside those of the roster.
    device: the browser that sits the exam; asked: another one that wants to. address: of the network, seen last; moves:
    how often it changed. left, left_s: how often and for how many seconds together the page was left; left_seat,
    left_count: the last such report, by which one that comes twice is known.
    """

    checked_ms: int | None = None
    late_ms: int | None = None
    paused_ms: int | None = None
    annulled_ms: int | None = None
    extra_minutes: int = 0
    device: str = ""
    asked: str = ""
    address: str = ""
    moves: int = 0
    left: int = 0
    left_s: int = 0
    left_seat: str = ""
    left_count: int = 0


NOTHING = Attendance()
Detail = Mapping[str, Any]
Step = Callable[[Attendance, int, Detail], Attendance]


def _entered(known: Attendance, _at_ms: int, detail: Detail) -> Attendance:
    return replace(known, device=detail.get("device", ""), asked="", address=detail.get("address", ""))


def _left(known: Attendance, _at_ms: int, detail: Detail) -> Attendance:
    away = known.left_s + detail["seconds"]
    return replace(known, left=known.left + 1, left_s=away, left_seat=detail["seat"], left_count=detail["count"])


STEPS: dict[str, Step] = {
    "opened": _entered,
    "entered": _entered,
    "checked_in": lambda known, at_ms, _: replace(known, checked_ms=at_ms),
    "admitted_late": lambda known, at_ms, _: replace(known, late_ms=at_ms),
    "asked": lambda known, _, detail: replace(known, asked=detail["device"]),
    "allowed": lambda known, _, detail: replace(known, device=detail["device"], asked=""),
    "paused": lambda known, at_ms, _: replace(known, paused_ms=at_ms),
    "resumed": lambda known, _at_ms, _: replace(known, paused_ms=None),
    "annulled": lambda known, at_ms, _: replace(known, annulled_ms=at_ms),
    "reinstated": lambda known, _at_ms, _: replace(known, annulled_ms=None),
    "extended": lambda known, _, detail: replace(known, extra_minutes=known.extra_minutes + detail["minutes"]),
    "left": _left,
    "moved": lambda known, _, detail: replace(known, address=detail["to"], moves=known.moves + 1),
}
"""What each act makes of an attendance, by the act's name in the audit log."""


def after(known: Attendance, act: str, at_ms: int, detail: Detail) -> Attendance:
    """The attendance after an act."""
    return STEPS[act](known, at_ms, detail)


def attendance_of(row: sa.Row[Any]) -> Attendance:
    """A row of `attendance`."""
    return Attendance(**{name: getattr(row, name) for name in NAMES})


NAMES = tuple(asdict(NOTHING))


def of_exam(connection: sa.Connection, exam: str) -> dict[str, Attendance]:
    """The attendance of an exam by candidate number; who is not in it has not been seen."""
    rows = connection.execute(sa.select(attendance).where(attendance.c.exam == exam))
    return {row.number: attendance_of(row) for row in rows}


Key = tuple[str, str]
"""Exam and candidate number."""


def of_keys(connection: sa.Connection, keys: Iterable[Key]) -> dict[Key, Attendance]:
    """The attendance of these candidates; who is not in it has not been seen."""
    found: dict[Key, Attendance] = {}
    for exam, own in itertools.groupby(sorted(keys), lambda key: key[0]):
        rows = connection.execute(_CHOSEN, {"of_exam": exam, "numbers": [number for _, number in own]})
        found |= {(exam, row.number): attendance_of(row) for row in rows}
    return found


_CHOSEN = sa.select(attendance).where(
    attendance.c.exam == sa.bindparam("of_exam"), attendance.c.number.in_(sa.bindparam("numbers", expanding=True))
)


def write(connection: sa.Connection, known: Mapping[Key, Attendance], now: Mapping[Key, Attendance]) -> None:
    """Keep what holds `now`; `known` are those that have a row."""
    new = [_row(key, one) for key, one in now.items() if key not in known]
    changed = [_row(key, one) for key, one in now.items() if key in known and known[key] != one]
    if new:
        connection.execute(sa.insert(attendance), new)
    if changed:
        here = sa.and_(attendance.c.exam == sa.bindparam("exam_"), attendance.c.number == sa.bindparam("number_"))
        values: dict[str, Any] = {name: sa.bindparam(name) for name in NAMES}
        rows: Sequence[dict[str, object]] = [
            {**{name: row[name] for name in NAMES}, "exam_": row["exam"], "number_": row["number"]} for row in changed
        ]
        connection.execute(sa.update(attendance).where(here).values(values), rows)


def _row(key: Key, one: Attendance) -> dict[str, object]:
    return {"exam": key[0], "number": key[1], **vars(one)}
