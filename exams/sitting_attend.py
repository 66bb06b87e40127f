"""What happens to the attendance of candidates, with what it does to their sittings, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from exams import audit
from exams.attendance import NOTHING, Attendance, after, of_keys, write
from exams.sitting_tables import Sitting, selected, sitting_of, sittings


@dataclass(frozen=True)
class Attend:
    """An act of `attendance.STEPS` on candidates; `detail` is what the audit log tells of it."""

    at_ms: int
    exam: str
    numbers: tuple[str, ...]
    actor: str
    act: str
    detail: Mapping[str, Any]


Fits = Callable[[Attendance, Sitting | None, int], bool]


def _open(sitting: Sitting | None, at_ms: int) -> bool:
    return sitting is not None and sitting.closed_at(at_ms) is None


FITS: dict[str, Fits] = {
    "checked_in": lambda here, _sitting, _at_ms: here.checked_ms is None,
    "admitted_late": lambda here, sitting, _at_ms: here.late_ms is None and sitting is None,
    "allowed": lambda here, _sitting, _at_ms: bool(here.asked),
    "paused": lambda here, sitting, at_ms: here.paused_ms is None and _open(sitting, at_ms),
    "resumed": lambda here, _sitting, _at_ms: here.paused_ms is not None,
    "annulled": lambda here, sitting, _at_ms: here.annulled_ms is None and sitting is not None,
    "reinstated": lambda here, _sitting, _at_ms: here.annulled_ms is not None,
    "extended": lambda _here, sitting, at_ms: sitting is None or _open(sitting, at_ms),
}
"""To whom each act that people decide can happen; to others nothing is done, so that whole rooms can be meant."""


def fits(act: str, here: Attendance, sitting: Sitting | None, at_ms: int) -> bool:
    """Whether an act that people decide can happen to a candidate now."""
    return FITS[act](here, sitting, at_ms)


def _new(act: str, here: Attendance, detail: Mapping[str, Any]) -> bool:
    """Whether what the service noticed was not told before."""
    if act == "left":
        return bool(detail["seat"] != here.left_seat or detail["count"] > here.left_count)
    return here.address not in {"", detail["to"]}


def attend(connection: sa.Connection, change: Attend) -> list[str]:
    """Make `change`; gives the candidates to whom it happened."""
    keys = [(change.exam, number) for number in dict.fromkeys(change.numbers)]
    before = of_keys(connection, keys)
    rows = connection.execute(selected().where(sittings.c.exam == change.exam, sittings.c.number.in_(change.numbers)))
    known = {row.number: sitting_of(row) for row in rows}
    now, acts = {}, []
    for key in keys:
        here, sitting = before.get(key, NOTHING), known.get(key[1])
        if not (
            fits(change.act, here, sitting, change.at_ms)
            if change.act in FITS
            else _new(change.act, here, change.detail)
        ):
            continue
        detail = {"number": key[1], **_told(change, here)}
        now[key] = after(here, change.act, change.at_ms, detail)
        acts.append(audit.Act(change.at_ms, change.exam, change.actor, change.act, detail))
        if sitting is not None and (given := _given(change.act, detail)):
            connection.execute(sa.update(sittings).where(sittings.c.id == sitting.id).values(given))
    write(connection, before, now)
    audit.append(connection, acts)
    return [number for _, number in now]


def _told(change: Attend, here: Attendance) -> dict[str, Any]:
    """What the log tells of the act done to this candidate."""
    if change.act == "resumed" and here.paused_ms is not None:
        stood_ms = max(0, change.at_ms - here.paused_ms)
        return {**change.detail, "seconds": -(-stood_ms // 1000)}  # rounded up: in favour of the candidate
    if change.act == "allowed":
        return {**change.detail, "device": here.asked}
    if change.act == "moved":
        return {"from": here.address, **change.detail}
    return dict(change.detail)


def _given(act: str, detail: Mapping[str, Any]) -> dict[str, Any]:
    """What the act gives to the sitting."""
    if act == "resumed":
        return {"credit_s": sittings.c.credit_s + detail["seconds"]}
    if act == "extended":
        return {"extra_minutes": sittings.c.extra_minutes + detail["minutes"]}
    return {}
