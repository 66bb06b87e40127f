"""The changes that a sitting can undergo, each within the transaction that makes it durable.

A change that the rules do not allow is a `RefusedError`, decided before anything of it is written.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from exams import audit
from exams.attendance import NOTHING, Attendance, Key, after, of_keys, write
from exams.response import Response, canonical
from exams.sitting_attend import Attend, attend
from exams.sitting_tables import Sitting, find, response_of, responses, selected, sitting_of, sittings
from exams.timing import GRACE_MS, Allowance


class RefusedError(Exception):
    """The rules do not allow a change; `code` says which rule, for the browser and the tests."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


CLOSED, NOT_ENTERED, TAKEN_OVER, CONFLICT, INCOMPLETE = "closed", "not_entered", "taken_over", "conflict", "incomplete"
ELSEWHERE, PAUSED = "elsewhere", "paused"


@dataclass(frozen=True)
class Origin:
    """Where somebody comes from: a name that this browser keeps, its network address, and what it says that it is."""

    device: str
    address: str
    agent: str


@dataclass(frozen=True)
class Enter:
    """Open a sitting or enter it again, and take its seat."""

    at_ms: int
    exam: str
    number: str
    actor: str
    form: str
    seed: int
    allowance: Allowance
    seat: str
    origin: Origin


@dataclass(frozen=True)
class Save:
    """Append responses."""

    at_ms: int
    exam: str
    number: str
    seat: str
    responses: tuple[Response, ...]


@dataclass(frozen=True)
class Submit:
    """Close a sitting."""

    at_ms: int
    exam: str
    number: str
    actor: str
    seat: str
    sequence: int


@dataclass(frozen=True)
class Force:
    """Close a sitting on the word of those who watch over the exam."""

    at_ms: int
    exam: str
    number: str
    actor: str
    reason: str


@dataclass(frozen=True)
class Credit:
    """Give time back to one candidate, or to all of an exam who have not submitted."""

    at_ms: int
    exam: str
    actor: str
    seconds: int
    reason: str
    number: str | None


@dataclass(frozen=True)
class Note:
    """Write into the audit log only."""

    at_ms: int
    exam: str
    actor: str
    act: str
    detail: Mapping[str, object]


Change = Enter | Save | Submit | Force | Credit | Attend | Note


def apply(connection: sa.Connection, changes: Sequence[Change]) -> list[object]:
    """Make `changes` in their order; saves in a row and entries in a row are made together: they come in thousands."""
    outcomes: list[object] = []
    for kind, run in itertools.groupby(changes, type):
        if kind is Save:
            outcomes.extend(_save(connection, [change for change in run if isinstance(change, Save)]))
        elif kind is Enter:
            outcomes.extend(_enter(connection, [change for change in run if isinstance(change, Enter)]))
        else:
            outcomes.extend(_one(connection, change) for change in run)
    return outcomes


def _one(connection: sa.Connection, change: Change) -> object:
    try:
        return _MAKE[type(change)](connection, change)
    except RefusedError as refusal:
        return refusal


def _open(sitting: Sitting | None, seat: str | None, at_ms: int) -> Sitting:
    """The sitting, where it is open and, unless `seat` is None, that seat may write.

    Raises RefusedError otherwise.
    """
    if sitting is None:
        raise RefusedError(NOT_ENTERED)
    if sitting.closed_at(at_ms) is not None:
        raise RefusedError(CLOSED)
    if seat is not None and sitting.paused_ms is not None and at_ms > sitting.paused_ms + GRACE_MS:
        raise RefusedError(PAUSED)  # what was on its way when it was paused has come by then
    if seat is not None and sitting.seat != seat:
        raise RefusedError(TAKEN_OVER)
    return sitting


def _submit(connection: sa.Connection, change: Submit) -> Sitting:
    sitting = _open(find(connection, change.exam, change.number), change.seat, change.at_ms)
    last = connection.execute(
        sa.select(sa.func.max(responses.c.sequence)).where(responses.c.sitting == sitting.id)
    ).scalar_one()
    if (last or 0) < change.sequence:
        raise RefusedError(INCOMPLETE)
    return _closed(connection, sitting, change, "submitted", {"sequence": last or 0})


def _force(connection: sa.Connection, change: Force) -> Sitting:
    sitting = _open(find(connection, change.exam, change.number), None, change.at_ms)
    return _closed(connection, sitting, change, "forced", {"reason": change.reason})


def _closed(
    connection: sa.Connection, sitting: Sitting, change: Submit | Force, act: str, detail: Mapping[str, object]
) -> Sitting:
    connection.execute(sa.update(sittings).where(sittings.c.id == sitting.id).values(submitted_ms=change.at_ms))
    told = {"number": change.number, **detail}
    audit.append(connection, [audit.Act(change.at_ms, change.exam, change.actor, act, told)])
    return replace(sitting, submitted_ms=change.at_ms)


def _credit(connection: sa.Connection, change: Credit) -> int:
    chosen = sa.and_(sittings.c.exam == change.exam, sittings.c.submitted_ms.is_(None))
    if change.number is not None:
        chosen = sa.and_(chosen, sittings.c.number == change.number)
    given = connection.execute(
        sa.update(sittings).where(chosen).values(credit_s=sittings.c.credit_s + change.seconds)
    ).rowcount
    detail = {"number": change.number, "seconds": change.seconds, "reason": change.reason, "sittings": given}
    audit.append(connection, [audit.Act(change.at_ms, change.exam, change.actor, "credited", detail)])
    return given


def _note(connection: sa.Connection, change: Note) -> audit.Entry:
    (entry,) = audit.append(connection, [audit.Act(change.at_ms, change.exam, change.actor, change.act, change.detail)])
    return entry


_MAKE: dict[type, Callable[[sa.Connection, Any], object]] = {
    Submit: _submit,
    Force: _force,
    Credit: _credit,
    Attend: attend,
    Note: _note,
}


def _sittings_of(connection: sa.Connection, changes: Sequence[Enter | Save]) -> dict[tuple[str, str], Sitting]:
    """The sittings that `changes` are about, by exam and number; those that are not begun are left out."""
    keys = {(change.exam, change.number) for change in changes}
    rows = connection.execute(selected().where(sa.tuple_(sittings.c.exam, sittings.c.number).in_(keys)))
    return {(row.exam, row.number): sitting_of(row) for row in rows}


def _enter(connection: sa.Connection, entries: Sequence[Enter]) -> list[object]:
    """Open the sittings that are not begun, take the seats of those that are, and tell the audit log."""
    known = _sittings_of(connection, entries)
    before = of_keys(connection, {(change.exam, change.number) for change in entries})
    attending: dict[Key, Attendance] = {}
    opened: dict[Key, dict[str, object]] = {}
    seats: list[dict[str, object]] = []
    acts: list[audit.Act] = []
    refused: dict[int, RefusedError] = {}
    for place, change in enumerate(entries):
        key = (change.exam, change.number)
        here = attending.get(key) or before.get(key, NOTHING)
        act = "entered" if key in known or key in opened else "opened"
        detail: dict[str, object] = {"number": change.number, "seat": change.seat, **vars(change.origin)}
        try:
            if act == "opened":
                extra = change.allowance.extra_minutes + here.extra_minutes
                opened[key] = _row(change, allowance := replace(change.allowance, extra_minutes=extra))
                detail |= {"form": change.form, "seed": change.seed, "allowance": vars(allowance)}
            else:
                act = _again(known.get(key), here, change)
        except RefusedError as refusal:
            refused[place] = refusal
            continue
        if act == "asked":
            refused[place] = RefusedError(ELSEWHERE)
            if here.asked == change.origin.device:
                continue  # the page asks on and on until it is let in
        else:
            seats.append({"in_exam": change.exam, "of_number": change.number, "taken": change.seat})
        attending[key] = after(here, act, change.at_ms, detail)
        acts.append(audit.Act(change.at_ms, change.exam, change.actor, act, detail))
    if opened:
        connection.execute(sa.insert(sittings), list(opened.values()))
    if len(seats) > len(opened):  # somebody came again; the last to come has the seat
        where = sa.and_(sittings.c.exam == sa.bindparam("in_exam"), sittings.c.number == sa.bindparam("of_number"))
        connection.execute(sa.update(sittings).where(where).values(seat=sa.bindparam("taken")), seats)
    write(connection, before, attending)
    audit.append(connection, acts)
    now = _sittings_of(connection, entries)
    return [refused.get(place) or now[change.exam, change.number] for place, change in enumerate(entries)]


def _again(sitting: Sitting | None, here: Attendance, change: Enter) -> str:
    """What coming again is: "entered", or "asked" from another device, which takes an invigilator's word.

    Raises RefusedError where the sitting is closed or paused.
    """
    if sitting is not None:
        _open(sitting, None, change.at_ms)
        if sitting.paused_ms is not None:
            raise RefusedError(PAUSED)
    return "entered" if here.device in {"", change.origin.device} else "asked"


def _row(change: Enter, allowance: Allowance) -> dict[str, object]:
    """The row of a sitting that begins with `change`."""
    return {
        "exam": change.exam,
        "number": change.number,
        "form": change.form,
        "seed": change.seed,
        "started_ms": change.at_ms,
        "minutes": allowance.minutes,
        "closes_ms": allowance.closes_ms,
        "extra_minutes": allowance.extra_minutes,
        "credit_s": allowance.credit_s,
        "seat": change.seat,
    }


def _save(connection: sa.Connection, saves: Sequence[Save]) -> list[object]:
    """Append the responses of many saves with one statement and one audit entry an exam."""
    open_by_key = _sittings_of(connection, saves)
    wanted = {
        (sitting.id, response.sequence)
        for save in saves
        if (sitting := open_by_key.get((save.exam, save.number))) is not None
        for response in save.responses
    }
    held = {
        (row.sitting, row.sequence): response_of(row)
        for row in connection.execute(
            sa.select(responses).where(sa.tuple_(responses.c.sitting, responses.c.sequence).in_(wanted))
        )
    }
    fresh: dict[str, list[dict[str, object]]] = {}
    outcomes: list[object] = []
    for save in saves:
        try:
            sitting = _open(open_by_key.get((save.exam, save.number)), save.seat, save.at_ms)
            news = _news(sitting, save.responses, held)
        except RefusedError as refusal:
            outcomes.append(refusal)
            continue
        held |= {(sitting.id, response.sequence): response for response in news}
        fresh.setdefault(save.exam, []).extend(
            {"sitting": sitting.id, "received_ms": save.at_ms, **vars(response)} for response in news
        )
        outcomes.append(sitting)
    for exam, news_of_exam in fresh.items():
        if news_of_exam:
            _append(connection, saves[-1].at_ms, exam, news_of_exam)
    return outcomes


def _news(sitting: Sitting, sent: Sequence[Response], held: Mapping[tuple[int, int], Response]) -> list[Response]:
    """Those of `sent` that are not held yet.

    Raises RefusedError where a sequence is held with other content: two browsers numbered on their own.
    """
    news: dict[int, Response] = {}
    for response in sent:
        known = held.get((sitting.id, response.sequence)) or news.get(response.sequence)
        if known is None:
            news[response.sequence] = response
        elif known != response:
            raise RefusedError(CONFLICT)
    return list(news.values())


def _append(connection: sa.Connection, at_ms: int, exam: str, news: Sequence[Mapping[str, object]]) -> None:
    detail = {"responses": len(news), "digest": digest(news)}
    (entry,) = audit.append(connection, [audit.Act(at_ms, exam, "service", "saved", detail)])
    connection.execute(sa.insert(responses), [{**response, "entry": entry.id} for response in news])


_DIGESTED = ("sitting", "sequence", "item", "value", "flagged", "device", "received_ms")


def digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 (hex) of rows of `responses`, in the order of their key."""
    bodies = sorted([row[name] for name in _DIGESTED] for row in rows)
    return hashlib.sha256(canonical(bodies)).hexdigest()
