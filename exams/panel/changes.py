"""The changes of the panel, each decided and made within one writer's transaction (see `exams.database`).

A change that the rules do not allow is a `RefusedError`, decided before anything of it is written.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from exams import audit
from exams.change import RefusedError
from exams.panel.change import Claim, Govern, HandOn, Mark, Open, Standard
from exams.panel.claiming import claim
from exams.panel.lining import govern, note, open_answers
from exams.panel.rules import (
    LAST_OWN,
    MARKED_ALREADY,
    NOT_GIVEN,
    NOT_NEEDED,
    RENEWED,
    UNKNOWN,
    WITHDRAWN,
    Given,
    Kind,
    Script,
    State,
    corrected,
    kind_for,
    state,
)
from exams.panel.tables import answers, claims, find, handed_on, holders, marks, scripts

Change = Open | Govern | Claim | Mark | HandOn | Standard


def apply(connection: sa.Connection, changes: Sequence[Change]) -> list[object]:
    """Make `changes` one after the other; gives what each came to."""
    outcomes: list[object] = []
    for change in changes:
        try:
            outcomes.append(_MAKE[type(change)](connection, change))
        except RefusedError as refusal:
            outcomes.append(refusal)
    return outcomes


def told(row: Mapping[str, Any], code: str, item: str) -> dict[str, object]:
    """What the audit log says of a mark, a row of `marks`. It names no candidate: whoever watches over one reads the
    entries about them, and is no marker.
    """
    said = hashlib.sha256(row["comment"].encode()).hexdigest()
    own = {name: row[name] for name in ("edition", "kind", "points", "client")}
    return {"answer": code, "item": item, **own, "comment": said}


def _mark(connection: sa.Connection, change: Mark) -> None:
    if _kept(connection, change.marker.user, change.client):
        return
    if change.unless:
        raise RefusedError(change.unless)
    answer, script = _answer(connection, change)
    user = change.marker.user
    others = holders(connection, [answer.id], change.at_ms, user)[answer.id]
    if any(mark.marker == user for mark in script.marks):
        if not change.again:
            raise RefusedError(MARKED_ALREADY)
        kind = corrected(script, change.marker, _recent(connection, change, answer.id), others, change.released)
    else:
        given_for = _given_for(connection, answer.id, user)
        kind = kind_for(script, change.marker, others)
        # whoever decides has seen what the others gave, and why
        if kind is Kind.ADJUDICATION and given_for is not kind:
            raise RefusedError(NOT_NEEDED)
    _write(connection, change, user, answer, script, kind, change.seconds)


def _standard(connection: sa.Connection, change: Standard) -> None:
    if _kept(connection, change.actor, change.client):
        return
    answer, script = _answer(connection, change)
    for mark in script.of_kind(Kind.STANDARD):  # there is one standard, whoever has the lead
        script = _without(connection, answer, script, mark.marker)
    _write(connection, change, change.actor, answer, script, Kind.STANDARD, 0.0)


def _hand_on(connection: sa.Connection, change: HandOn) -> None:
    answer, script = _answer(connection, change)
    user = change.marker.user
    if user in script.handed_on:
        return
    if change.unless or script.withdrawn:
        raise RefusedError(change.unless or WITHDRAWN)
    if any(mark.marker == user for mark in script.marks):
        raise RefusedError(MARKED_ALREADY)
    _given_for(connection, answer.id, user)
    if state(script) is State.DONE and not script.of_kind(Kind.STANDARD):  # check scripts look like any other answer
        raise RefusedError(NOT_NEEDED)
    detail = {"answer": change.code, "item": change.item, "edition": change.edition, "reason": change.reason}
    (entry,) = audit.append(connection, [audit.Act(change.at_ms, change.exam, user, "panel_handed_on", detail)])
    row = {"answer": answer.id, "marker": user, "edition": change.edition, "reason": change.reason}
    connection.execute(sa.insert(handed_on), {**row, "note": change.note, "at_ms": change.at_ms, "entry": entry.id})
    _let_go(connection, answer.id, user)
    note(connection, answer, replace(script, handed_on=script.handed_on | {user}))


def _answer(connection: sa.Connection, change: Mark | HandOn | Standard) -> tuple[sa.Row[Any], Script]:
    """The answer that `change` is about. Raises RefusedError where there is none, or it was put in line anew."""
    answer = find(connection, change.exam, change.item, change.code)
    if answer is None:
        raise RefusedError(UNKNOWN)
    if answer.edition != change.edition:
        raise RefusedError(RENEWED)
    return answer, scripts(connection, [answer.id])[answer.id]


def _kept(connection: sa.Connection, marker: str, client: str) -> bool:
    """Whether the mark is here already: a browser sends it until it hears so."""
    query = sa.select(marks.c.id).where(marks.c.marker == marker, marks.c.client == client)
    return connection.execute(query).first() is not None


def _given_for(connection: sa.Connection, answer: int, marker: str) -> Kind:
    """What the marker was given the answer for, its time may be over. Raises RefusedError if not at all."""
    query = sa.select(claims.c.kind).where(claims.c.answer == answer, claims.c.marker == marker)
    kind = connection.scalar(query)
    if kind is None:
        raise RefusedError(NOT_GIVEN)
    return Kind(kind)


def _recent(connection: sa.Connection, change: Mark, answer: int) -> bool:
    """Whether the answer is one of those that the marker marked last."""
    return answer in recent(connection, change.exam, change.item, change.marker.user)


def recent(connection: sa.Connection, exam: str, item: str, marker: str) -> list[int]:
    """The answers of an item that `marker` marked last, the newest first; those corrected stay where they were."""
    first = sa.func.min(marks.c.id)
    query = (
        sa.select(marks.c.answer)
        .join(answers, marks.c.answer == answers.c.id)
        .where(answers.c.exam == exam, answers.c.item == item, marks.c.marker == marker)
        .where(marks.c.edition == answers.c.edition, marks.c.kind != Kind.STANDARD)
        .group_by(marks.c.answer)
        .order_by(first.desc())
        .limit(LAST_OWN)
    )
    return list(connection.scalars(query))


def _without(connection: sa.Connection, answer: sa.Row[Any], script: Script, marker: str) -> Script:
    """The answer without the mark of `marker`, which holds no more; it stays to be read."""
    left = tuple(mark for mark in script.marks if mark.marker != marker)
    if len(left) < len(script.marks):
        own = (marks.c.answer == answer.id, marks.c.marker == marker, marks.c.edition == answer.edition)
        connection.execute(sa.update(marks).where(*own, marks.c.holds.is_(True)).values(holds=False))
    return replace(script, marks=left)


def _write(
    connection: sa.Connection,
    change: Mark | Standard,
    marker: str,
    answer: sa.Row[Any],
    script: Script,
    kind: Kind,
    seconds: float,
) -> None:
    """Keep a mark, in the audit log too, and note what the answer needs now."""
    script = _without(connection, answer, script, marker)
    row: dict[str, object] = {
        "answer": answer.id,
        "edition": change.edition,
        "marker": marker,
        "kind": kind,
        "points": list(change.points),
        "total": sum(change.points),
        "comment": change.comment,
        "seconds": seconds,
        "client": change.client,
        "holds": True,
        "at_ms": change.at_ms,
    }
    detail = told(row, answer.code, answer.item)
    (entry,) = audit.append(connection, [audit.Act(change.at_ms, change.exam, marker, "panel_marked", detail)])
    connection.execute(sa.insert(marks), {**row, "entry": entry.id})
    _let_go(connection, answer.id, marker)
    note(connection, answer, replace(script, marks=(*script.marks, Given(marker, kind, sum(change.points)))))


def _let_go(connection: sa.Connection, answer: int, marker: str) -> None:
    connection.execute(sa.delete(claims).where(claims.c.answer == answer, claims.c.marker == marker))


_MAKE: dict[type, Callable[[sa.Connection, Any], object]] = {
    Open: open_answers,
    Govern: govern,
    Claim: claim,
    Mark: _mark,
    HandOn: _hand_on,
    Standard: _standard,
}
