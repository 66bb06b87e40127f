"""Knocking: a number with a code that is right or wrong, counted where all processes of the service see it.

After LIMIT wrong codes in a row for a number the next one waits, each time twice as long, right or wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from exams import audit

LIMIT, FIRST_S, LONGEST_S = 5, 30, 900

tries = sa.Table(
    "tries",
    audit.metadata,
    sa.Column("number", sa.String, primary_key=True),
    sa.Column("wrong", sa.Integer, nullable=False),
    sa.Column("last_ms", sa.BigInteger, nullable=False),
)


@dataclass(frozen=True)
class Knock:
    """Somebody with a code that is right or wrong for `number`: a candidate's, or what else a code stands for.

    The audit log tells `welcome` of a right one, and `alarm` of the wrong one that makes the next wait.
    """

    at_ms: int
    number: str
    right: bool
    welcome: tuple[audit.Act, ...] = ()
    alarm: tuple[audit.Act, ...] = ()


def pause_ms(wrong: int) -> int:
    """How long after the last of so many wrong codes in a row the next waits."""
    return 1000 * min(LONGEST_S, FIRST_S << min(wrong - LIMIT, 10)) if wrong >= LIMIT else 0


def answer(connection: sa.Connection, knocks: Sequence[Knock]) -> list[object]:
    """For each of `knocks` the milliseconds that it must wait: 0 where it was heard."""
    numbers = sorted({knock.number for knock in knocks})
    known = {row.number: (row.wrong, row.last_ms) for row in connection.execute(_KNOWN, {"numbers": numbers})}
    counted = dict(known)
    acts: list[audit.Act] = []
    waits: list[object] = []
    for knock in knocks:
        wrong, last_ms = counted.get(knock.number, (0, 0))
        waits.append(max(0, last_ms + pause_ms(wrong) - knock.at_ms))
        if waits[-1]:
            continue
        if knock.right:
            counted.pop(knock.number, None)
            acts += knock.welcome
            continue
        counted[knock.number] = (wrong + 1, knock.at_ms)
        if wrong + 1 == LIMIT:
            acts += knock.alarm
    _count(connection, known, counted)
    audit.append(connection, acts)
    return waits


_KNOWN = sa.select(tries).where(tries.c.number.in_(sa.bindparam("numbers", expanding=True)))


def _count(connection: sa.Connection, known: dict[str, tuple[int, int]], counted: dict[str, tuple[int, int]]) -> None:
    """Write what has changed."""
    stale = [number for number, row in known.items() if counted.get(number) != row]
    if stale:
        connection.execute(sa.delete(tries).where(tries.c.number.in_(stale)))
    fresh = [
        {"number": number, "wrong": wrong, "last_ms": last_ms}
        for number, (wrong, last_ms) in counted.items()
        if known.get(number) != (wrong, last_ms)
    ]
    if fresh:
        connection.execute(sa.insert(tries), fresh)
