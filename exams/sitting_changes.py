"""The changes that a sitting can undergo, each within the transaction that makes it durable.

A change that the rules do not allow is a `RefusedError`, decided before anything of it is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from exams import audit, knock
from exams.attendance import NOTHING, Attendance, Key, after, of_keys, write
from exams.change import (
    CLOSED,
    CONFLICT,
    ELSEWHERE,
    INCOMPLETE,
    NOT_ENTERED,
    PAUSED,
    TAKEN_OVER,
    Credit,
    Enter,
    Force,
    Note,
    RefusedError,
    Save,
    Submit,
)
from exams.knock import Knock
from exams.response import Response, canonical
from exams.sitting_attend import Attend, attend
from exams.sitting_tables import Sitting, find, response_of, responses, selected, sitting_of, sittings
from exams.timing import GRACE_MS, Allowance

Change = Enter | Save | Submit | Force | Credit | Attend | Note | Knock


def apply(connection: sa.Connection, changes: Sequence[Change]) -> list[object]:
    """Make `changes`; those of a kind are made together, as they come in thousands."""
    outcomes: list[object] = [None] * len(changes)
    for wave in _waves(changes):
        for kind, places in wave.items():
            made = _MAKE[kind](connection, [changes[place] for place in places])
            for place, outcome in zip(places, made, strict=True):
                outcomes[place] = outcome
    return outcomes


def _waves(changes: Sequence[Change]) -> Iterator[dict[type, list[int]]]:
    """The places of `changes` by kind, in waves that come one after the other.

    What different candidates do can be made in any order. What one of them does stays in the order it came in, and so
    does what is done to many.
    """
    wave: dict[type, list[int]] = {}
    met: dict[Key, type] = {}
    for place, change in enumerate(changes):
        kind = type(change)
        about, alone = _about(change), isinstance(change, Credit) or (kind is Attend and _about(change) is None)
        if alone or (about is not None and met.get(about, kind) is not kind):
            yield wave
            wave, met = {}, {}
        wave.setdefault(kind, []).append(place)
        if alone:
            yield wave
            wave = {}
        elif about is not None:
            met[about] = kind
    yield wave


def _about(change: Change) -> Key | None:
    """The candidate that a change is about, None where it is about none or about many."""
    if isinstance(change, Attend):
        return (change.exam, change.numbers[0]) if len(change.numbers) == 1 else None
    return None if isinstance(change, Credit | Note | Knock) else (change.exam, change.number)


def _key(change: Enter | Save | Submit) -> Key:
    """The candidate that a change is about."""
    return change.exam, change.number


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


def _submit(connection: sa.Connection, changes: Sequence[Submit]) -> list[object]:
    """Close the sittings of those who have handed in."""
    known = _sittings_of(connection, changes)
    outcomes: list[object] = []
    acts: list[audit.Act] = []
    closed: dict[int, int] = {}
    for change in changes:
        sitting, last = known.get(_key(change), (None, 0))
        try:
            sitting = _open(sitting, change.seat, change.at_ms)
            if last < change.sequence:
                raise RefusedError(INCOMPLETE)
        except RefusedError as refusal:
            outcomes.append(refusal)
            continue
        known[_key(change)] = (replace(sitting, submitted_ms=change.at_ms), last)
        outcomes.append(known[_key(change)][0])
        closed[sitting.id] = change.at_ms
        told = {"number": change.number, "sequence": last}
        acts.append(audit.Act(change.at_ms, change.exam, change.actor, "submitted", told))
    _close(connection, closed)
    audit.append(connection, acts)
    return outcomes


def _close(connection: sa.Connection, closed: Mapping[int, int]) -> None:
    """Note when each of the sittings `closed` (by id) was closed, in one statement."""
    if closed:
        at = sa.case({sitting: sa.literal(ms, sa.BigInteger) for sitting, ms in closed.items()}, value=sittings.c.id)
        connection.execute(sa.update(sittings).where(sittings.c.id.in_(closed)).values(submitted_ms=at))


def _force(connection: sa.Connection, change: Force) -> Sitting:
    sitting = _open(find(connection, change.exam, change.number), None, change.at_ms)
    _close(connection, {sitting.id: change.at_ms})
    told = {"number": change.number, "reason": change.reason}
    audit.append(connection, [audit.Act(change.at_ms, change.exam, change.actor, "forced", told)])
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


def _note(connection: sa.Connection, changes: Sequence[Note]) -> list[object]:
    acts = [audit.Act(change.at_ms, change.exam, change.actor, change.act, change.detail) for change in changes]
    return list(audit.append(connection, acts))


_LAST = sa.func.coalesce(
    sa.select(sa.func.max(responses.c.sequence)).where(responses.c.sitting == sittings.c.id).scalar_subquery(), 0
)
_CHOSEN = (
    selected()
    .add_columns(_LAST.label("last"))
    .where(sittings.c.exam == sa.bindparam("of_exam"), sittings.c.number.in_(sa.bindparam("numbers", expanding=True)))
)


def _sittings_of(
    connection: sa.Connection, changes: Sequence[Enter | Save | Submit]
) -> dict[tuple[str, str], tuple[Sitting, int]]:
    """The sittings that `changes` are about and the last sequence of each, by exam and candidate number.

    Those that are not begun are left out.
    """
    found: dict[tuple[str, str], tuple[Sitting, int]] = {}
    for exam in {change.exam for change in changes}:
        numbers = sorted({change.number for change in changes if change.exam == exam})
        for row in connection.execute(_CHOSEN, {"of_exam": exam, "numbers": numbers}):
            found[exam, row.number] = sitting_of(row), row.last
    return found


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
                act = _again(known[key][0] if key in known else None, here, change)
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
    return [refused.get(place) or now[_key(change)][0] for place, change in enumerate(entries)]


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
    known = _sittings_of(connection, saves)
    held = _held(connection, saves, known)
    fresh: dict[str, list[dict[str, object]]] = {}
    outcomes: list[object] = []
    for save in saves:
        try:
            sitting = _open(known.get(_key(save), (None, 0))[0], save.seat, save.at_ms)
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


def _held(
    connection: sa.Connection, saves: Sequence[Save], known: Mapping[tuple[str, str], tuple[Sitting, int]]
) -> dict[tuple[int, int], Response]:
    """Those of the responses sent that are kept already, by sitting and sequence: numbers up to the last may be."""
    wanted = {
        (sitting.id, response.sequence)
        for save in saves
        for sitting, last in [known.get(_key(save), (None, 0))]
        if sitting is not None
        for response in save.responses
        if response.sequence <= last
    }
    if not wanted:
        return {}
    chosen = sa.tuple_(responses.c.sitting, responses.c.sequence).in_(wanted)
    rows = connection.execute(sa.select(responses).where(chosen))
    return {(row.sitting, row.sequence): response_of(row) for row in rows}


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
    connection.execute(_ADD, [{**response, "entry": entry.id} for response in news])


_ADD = sa.insert(responses)


_DIGESTED = ("sitting", "sequence", "item", "value", "flagged", "device", "received_ms")


def digest(rows: Iterable[Mapping[str, Any]]) -> str:
    """SHA-256 (hex) of rows of `responses`, in the order of their key."""
    bodies = sorted([row[name] for name in _DIGESTED] for row in rows)
    return hashlib.sha256(canonical(bodies)).hexdigest()


def _each(make: Callable[[sa.Connection, Any], object]) -> Callable[[sa.Connection, Sequence[Any]], list[object]]:
    """`make` for changes that come one at a time."""

    def made(connection: sa.Connection, changes: Sequence[Any]) -> list[object]:
        outcomes: list[object] = []
        for change in changes:
            try:
                outcomes.append(make(connection, change))
            except RefusedError as refusal:
                outcomes.append(refusal)
        return outcomes

    return made


_MAKE: dict[type, Callable[[sa.Connection, Sequence[Any]], list[object]]] = {
    Enter: _enter,
    Save: _save,
    Submit: _submit,
    Note: _note,
    Knock: knock.answer,
    Force: _each(_force),
    Credit: _each(_credit),
    Attend: _each(attend),
}
