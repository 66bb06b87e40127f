"""Giving answers to markers, within a writer's transaction: no answer goes to more of them than it needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from exams.change import RefusedError
from exams.panel.change import Claim, Handed
from exams.panel.rules import Kind, Marker, State, kind_for
from exams.panel.tables import answers, claims, counting, handed_on, holders, marks, scripts

NONE_OF: tuple[str, ...] = ("",)
"""No school's name: SQL knows no empty list."""


def claim(connection: sa.Connection, change: Claim) -> list[Handed]:
    """The answers that `change` asks for, at most so many: first those that the marker has been given before."""
    kinds = {Kind.ADJUDICATION} if change.disputes else {Kind.MARK, Kind.CHECK}
    before = _given_before(connection, change, kinds)
    fresh = [row for row in before if row.code not in change.holding][: change.wanted]
    room = change.wanted - len(fresh)
    if room > 0:
        line = _disputed(change) if change.disputes else _open(change)
        rows = connection.execute(line.limit(room)).all()
        allowed = _kinds(connection, change, rows)
        fresh += [row for row in rows if allowed.get(row.id) in kinds]
        if not change.disputes and rows:
            fresh = _with_check(connection, change, fresh)
    kept = [row for row in before if row.code in change.holding]
    _hold(connection, change, [*kept, *fresh])
    return [_handed(connection, row, change.disputes) for row in fresh]


def _kinds(connection: sa.Connection, change: Claim, rows: Sequence[sa.Row[Any]]) -> dict[int, Kind]:
    """By id, what a mark of the marker's would be for now; those to which they may give none are left out."""
    ids = [row.id for row in rows]
    others = holders(connection, ids, change.at_ms, change.marker.user)
    found: dict[int, Kind] = {}
    for own, script in scripts(connection, ids).items():
        with suppress(RefusedError):
            found[own] = kind_for(script, change.marker, others[own])
    return found


def _given_before(connection: sa.Connection, change: Claim, kinds: set[Kind]) -> list[sa.Row[Any]]:
    """What the marker was given of the item and has not done, and may still do; its time may be over."""
    query = (
        sa.select(answers)
        .join(claims, claims.c.answer == answers.c.id)
        .where(answers.c.exam == change.exam, answers.c.item == change.item, claims.c.marker == change.marker.user)
        .order_by(answers.c.place)
    )
    rows = connection.execute(query).all()
    allowed = _kinds(connection, change, rows)
    return [row for row in rows if allowed.get(row.id) in kinds]


def strange(marker: Marker) -> sa.ColumnElement[bool]:
    """That an answer is of no school of the marker's, and they have neither marked nor handed it on."""
    done = [
        ~sa.exists().where(counting(table), table.c.marker == marker.user).correlate(answers)
        for table in (marks, handed_on)
    ]
    return sa.and_(answers.c.school.not_in(sorted(marker.schools) or NONE_OF), *done)


def _line(change: Claim, state: State) -> sa.Select[Any]:
    """The answers of the item in that state which the marker was not given yet, in their order."""
    held = sa.exists().where(claims.c.answer == answers.c.id, claims.c.marker == change.marker.user).correlate(answers)
    here = (answers.c.exam == change.exam, answers.c.item == change.item, answers.c.state == state)
    return sa.select(answers).where(*here, strange(change.marker), ~held).order_by(answers.c.place)


def _others(change: Claim, kind: Kind) -> sa.ScalarSelect[int]:
    """How many others hold an answer for such a mark."""
    live = (claims.c.until_ms > change.at_ms, claims.c.marker != change.marker.user, claims.c.kind == kind)
    count = sa.select(sa.func.count()).select_from(claims).where(claims.c.answer == answers.c.id, *live)
    return count.correlate(answers).scalar_subquery()


def _open(change: Claim) -> sa.Select[Any]:
    """Answers that need a mark more than are given or under way."""
    given = sa.select(sa.func.count()).select_from(marks).where(counting(marks), marks.c.kind == Kind.MARK)
    under_way = given.correlate(answers).scalar_subquery() + _others(change, Kind.MARK)
    return _line(change, State.OPEN).where(under_way < answers.c.needed)


def _disputed(change: Claim) -> sa.Select[Any]:
    """Answers that nobody is deciding."""
    return _line(change, State.DISPUTED).where(_others(change, Kind.ADJUDICATION) == 0)


def _with_check(connection: sa.Connection, change: Claim, fresh: Sequence[sa.Row[Any]]) -> list[sa.Row[Any]]:
    """`fresh` with a check script among them where the marker has come so far that one is due."""
    if not change.check_every or not fresh:
        return list(fresh)
    counts = {kind: _count(connection, change, kind) for kind in (Kind.MARK, Kind.CHECK)}
    if (counts[Kind.MARK] + len(fresh)) // change.check_every <= counts[Kind.CHECK]:
        return list(fresh)
    standard = sa.exists().where(counting(marks), marks.c.kind == Kind.STANDARD).correlate(answers)
    left = connection.execute(_line(change, State.DONE).where(standard)).all()
    if not left:
        return list(fresh)
    place = change.draw % len(fresh)  # instead of one that the next claim gives
    others = [row for index, row in enumerate(fresh) if index != place]
    return [*others[:place], left[change.draw % len(left)], *others[place:]]


def _count(connection: sa.Connection, change: Claim, kind: Kind) -> int:
    """How many answers of the item the marker has marked, or was given, as `kind`."""
    here = (answers.c.exam == change.exam, answers.c.item == change.item)
    done = sa.select(marks.c.answer).where(marks.c.marker == change.marker.user, marks.c.kind == kind)
    given = sa.select(claims.c.answer).where(claims.c.marker == change.marker.user, claims.c.kind == kind)
    chosen = sa.or_(answers.c.id.in_(done), answers.c.id.in_(given))
    return connection.scalar(sa.select(sa.func.count()).select_from(answers).where(*here, chosen)) or 0


def _hold(connection: sa.Connection, change: Claim, rows: Sequence[sa.Row[Any]]) -> None:
    """Note that the marker holds these, until their time is over."""
    user = change.marker.user
    kinds = _kinds(connection, change, rows)
    for row in rows:
        own = (claims.c.answer == row.id, claims.c.marker == user)
        values = {"kind": kinds[row.id], "until_ms": change.until_ms}
        if not connection.execute(sa.update(claims).where(*own).values(values)).rowcount:
            connection.execute(sa.insert(claims), {"answer": row.id, "marker": user, **values})


def _handed(connection: sa.Connection, row: sa.Row[Any], disputed: bool) -> Handed:
    if not disputed:
        return Handed(row.code, row.edition, row.text)
    here = (marks.c.answer == row.id, marks.c.edition == row.edition, marks.c.holds)
    given = connection.execute(sa.select(marks).where(*here).order_by(marks.c.total, marks.c.at_ms))
    passed = (handed_on.c.answer == row.id, handed_on.c.edition == row.edition)
    said = connection.execute(sa.select(handed_on).where(*passed).order_by(handed_on.c.at_ms))
    return Handed(
        row.code,
        row.edition,
        row.text,
        tuple({"points": one.points, "total": one.total, "comment": one.comment} for one in given),
        tuple({"reason": one.reason, "note": one.note} for one in said),
    )
