"""The audit log: who did what and when, each entry sealed by a hash over itself and the entry before.

Altering, removing or inserting an entry breaks every seal after it, so whoever keeps one seal can check all that came
before it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import sqlalchemy as sa

from exams.response import canonical

GENESIS = "0" * 64
"""The seal before the first entry."""

metadata = sa.MetaData()

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("exam", sa.String, nullable=False, index=True),
    sa.Column("actor", sa.String, nullable=False),
    sa.Column("act", sa.String, nullable=False),
    sa.Column("detail", sa.JSON, nullable=False),
    sa.Column("seal", sa.String(64), nullable=False),
)


@dataclass(frozen=True)
class Entry:
    """One act. `id` counts from 1 without gaps; `detail` is JSON."""

    id: int
    at_ms: int
    exam: str
    actor: str
    act: str
    detail: Mapping[str, object]
    seal: str = ""

    def sealed(self, previous: str) -> Entry:
        """The entry with the seal it must have after `previous`."""
        body = [previous, self.id, self.at_ms, self.exam, self.actor, self.act, self.detail]
        return replace(self, seal=hashlib.sha256(canonical(body)).hexdigest())


def broken(entries: Iterable[Entry]) -> int | None:
    """The id of the first entry that is not what was written, or None where the chain is whole."""
    previous, expected = GENESIS, 1
    for entry in entries:
        if entry.id != expected or entry.sealed(previous).seal != entry.seal:
            return expected
        previous, expected = entry.seal, expected + 1
    return None


@dataclass(frozen=True)
class Act:
    """What an entry is made of: who (`actor`) did what (`act`) in which exam, and when."""

    at_ms: int
    exam: str
    actor: str
    act: str
    detail: Mapping[str, object]


def append(connection: sa.Connection, acts: Sequence[Act]) -> list[Entry]:
    """Write the next entries, one for each of `acts` in their order, within the transaction of `connection`.

    Two writers that would write the same next entry cannot both commit: the id is the primary key.
    """
    if not acts:
        return []
    last = connection.execute(_HEAD).first()
    number, previous = (last.id, last.seal) if last else (0, GENESIS)
    written: list[Entry] = []
    for act in acts:
        number += 1
        written.append(Entry(number, **vars(act)).sealed(previous))
        previous = written[-1].seal
    connection.execute(_ADD, [vars(entry) for entry in written])
    return written


_HEAD = sa.select(audit.c.id, audit.c.seal).order_by(audit.c.id.desc()).limit(1)
_ADD = sa.insert(audit)


def entries(connection: sa.Connection) -> Iterable[Entry]:
    """All entries, oldest first."""
    for row in connection.execute(sa.select(audit).order_by(audit.c.id)):
        yield Entry(**row._mapping)


def of_candidate(connection: sa.Connection, exam: str, number: str) -> Iterable[Entry]:
    """The entries about one candidate, and those about all of the exam's, oldest first."""
    named = audit.c.detail["number"].as_string()
    about = sa.or_(named == number, sa.and_(audit.c.act == "credited", named.is_(None)))
    for row in connection.execute(sa.select(audit).where(audit.c.exam == exam, about).order_by(audit.c.id)):
        yield Entry(**row._mapping)


def last(connection: sa.Connection) -> Entry | None:
    """The newest entry."""
    row = connection.execute(sa.select(audit).order_by(audit.c.id.desc()).limit(1)).first()
    return None if row is None else Entry(**row._mapping)


def with_seal(connection: sa.Connection, seal: str) -> Entry | None:
    """The entry with that seal."""
    row = connection.execute(sa.select(audit).where(audit.c.seal == seal)).first()
    return None if row is None else Entry(**row._mapping)
