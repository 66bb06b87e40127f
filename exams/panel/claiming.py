"""Giving answers to markers, within a writer's transaction: no answer goes to more of them than it needs."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa

from exams.change import RefusedError
from exams.panel.change import Claim, Handed
from exams.panel.rules import Kind, Marker, State, kind_for
from exams.panel.tables import answers, came, claims, counting, handed_on, holders, marks, scripts


def claim(connection: sa.Connection, change: Claim) -> list[Handed]:
    """The answers that `change` asks for, at most so many: first those that the marker has been given before."""
    _note_schools(connection, change)
    kinds = {Kind.ADJUDICATION} if change.disputes else {Kind.MARK, Kind.CHECK}
    before = _given_before(connection, change)
    there = line(change.exam, change.marker, change.at_ms, change.disputes).where(_not_given(change))
    rows = connection.execute(there.order_by(answers.c.place).limit(change.wanted)).all() if change.wanted else []
    given = _allowed(connection, change, [*before, *rows], kinds)
    kept = [one for one in given if one[0].code in change.holding]
    fresh = [one for one in given if one[0].code not in change.holding][: change.wanted]
    if rows and not change.disputes:
        fresh = _with_check(connection, change, fresh)
    _hold(connection, change, [*kept, *fresh])
    return [_handed(connection, row, change.disputes) for row, _kind in fresh]


def _note_schools(connection: sa.Connection, change: Claim) -> None:
    """Keep of which schools the marker comes, for the lead: the hub tells it of whoever asks alone."""
    own, schools = (came.c.exam == change.exam, came.c.marker == change.marker.user), sorted(change.marker.schools)
    known = connection.scalar(sa.select(came.c.schools).where(*own))
    if known is None:
        row = {"exam": change.exam, "marker": change.marker.user, "schools": schools}
        connection.execute(sa.insert(came), row)
    elif known != schools:
        connection.execute(sa.update(came).where(*own).values(schools=schools))


Given = tuple[sa.Row[Any], Kind]
"""An answer, and what a mark of it is for."""


def _allowed(connection: sa.Connection, change: Claim, rows: Sequence[sa.Row[Any]], kinds: set[Kind]) -> list[Given]:
    """Those of `rows` that the marker may give a mark of `kinds`."""
    if not rows:
        return []
    allowed = _kinds(connection, change, rows)
    return [(row, allowed[row.id]) for row in rows if allowed.get(row.id) in kinds]


def _kinds(connection: sa.Connection, change: Claim, rows: Sequence[sa.Row[Any]]) -> dict[int, Kind]:
    """By id, what a mark of the marker's would be for now; those to which they may give none are left out."""
    ids = [row.id for row in rows]
    others = holders(connection, ids, change.at_ms, change.marker.user)
    found: dict[int, Kind] = {}
    for own, script in scripts(connection, ids).items():
        with suppress(RefusedError):
            found[own] = kind_for(script, change.marker, others[own])
    return found


def _given_before(connection: sa.Connection, change: Claim) -> Sequence[sa.Row[Any]]:
    """What the marker was given of the item and has not done; its time may be over."""
    query = (
        sa.select(answers)
        .join(claims, claims.c.answer == answers.c.id)
        .where(answers.c.exam == change.exam, answers.c.item == change.item, claims.c.marker == change.marker.user)
        .order_by(answers.c.place)
    )
    return connection.execute(query).all()


def line(exam: str, marker: Marker, now_ms: int, disputes: bool, *columns: Any) -> sa.Select[Any]:
    """Of the answers of an exam those that `marker` may be given: `columns` of them, all where none is named.

    Such as need a mark more than are given or under way; with `disputes`, those that nobody is deciding. Nothing here
    is counted answer by answer: a database without statistics of its tables would go through them again and again.
    """
    kind, state = (Kind.ADJUDICATION, State.DISPUTED) if disputes else (Kind.MARK, State.OPEN)
    live = (claims.c.until_ms > now_ms, claims.c.marker != marker.user, claims.c.kind == kind)
    count = sa.func.count().label("count")
    busy = sa.select(claims.c.answer, count).where(*live).group_by(claims.c.answer).subquery()
    under_way = sa.func.coalesce(busy.c["count"], 0)
    lacking = under_way == 0 if disputes else answers.c.given + under_way < answers.c.needed
    both = answers.outerjoin(busy, busy.c.answer == answers.c.id)
    chosen = sa.select(*columns or (answers,)).select_from(both)
    return chosen.where(answers.c.exam == exam, answers.c.state == state, _strange(marker), lacking)


def _strange(marker: Marker) -> sa.ColumnElement[bool]:
    """That an answer is of no school of the marker's, and they have neither marked nor handed it on."""
    own = answers.alias()
    done = [
        sa.select(table.c.answer)
        .join(own, (own.c.id == table.c.answer) & (own.c.edition == table.c.edition))
        .where(table.c.marker == marker.user)
        for table in (marks, handed_on)
    ]
    return sa.and_(elsewhere(marker), *(answers.c.id.not_in(own) for own in done))


def elsewhere(marker: Marker) -> sa.ColumnElement[bool]:
    """That an answer is of no school of the marker's."""
    return answers.c.school.not_in(sorted(marker.schools)) if marker.schools else sa.true()


def _not_given(change: Claim) -> sa.ColumnElement[bool]:
    """That an answer is one of the item, and the marker does not have it yet."""
    held = sa.select(claims.c.answer).where(claims.c.marker == change.marker.user)
    return sa.and_(answers.c.item == change.item, answers.c.id.not_in(held))


def _with_check(connection: sa.Connection, change: Claim, fresh: Sequence[Given]) -> list[Given]:
    """`fresh` with a check script among them where the marker has come so far that one is due."""
    if not change.check_every or not fresh:
        return list(fresh)
    counts = {kind: _count(connection, change, kind) for kind in (Kind.MARK, Kind.CHECK)}
    if (counts[Kind.MARK] + len(fresh)) // change.check_every <= counts[Kind.CHECK]:
        return list(fresh)
    standard = sa.select(answers).join(marks, counting(marks)).where(marks.c.kind == Kind.STANDARD)
    here = (answers.c.exam == change.exam, answers.c.state == State.DONE, _not_given(change), _strange(change.marker))
    left = connection.execute(standard.where(*here).order_by(answers.c.place)).all()
    if not left:
        return list(fresh)
    place = change.draw % len(fresh)  # instead of one that the next claim gives
    others = [one for index, one in enumerate(fresh) if index != place]
    return [*others[:place], (left[change.draw % len(left)], Kind.CHECK), *others[place:]]


def _count(connection: sa.Connection, change: Claim, kind: Kind) -> int:
    """How many answers of the item the marker has marked, or was given, as `kind`."""
    here = (answers.c.exam == change.exam, answers.c.item == change.item)
    done = sa.select(marks.c.answer).where(marks.c.marker == change.marker.user, marks.c.kind == kind)
    given = sa.select(claims.c.answer).where(claims.c.marker == change.marker.user, claims.c.kind == kind)
    chosen = sa.or_(answers.c.id.in_(done), answers.c.id.in_(given))
    return connection.scalar(sa.select(sa.func.count()).select_from(answers).where(*here, chosen)) or 0


def _hold(connection: sa.Connection, change: Claim, given: Sequence[Given]) -> None:
    """Note that the marker holds these, until their time is over."""
    if given:
        own = (claims.c.marker == change.marker.user, claims.c.answer.in_([row.id for row, _ in given]))
        connection.execute(sa.delete(claims).where(*own))
        plain = {"marker": change.marker.user, "until_ms": change.until_ms}
        connection.execute(_ADD, [{"answer": row.id, "kind": kind, **plain} for row, kind in given])


_ADD = sa.insert(claims)


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
