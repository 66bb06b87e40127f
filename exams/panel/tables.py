"""The tables of the panel: answers to be marked, marks, who holds which answer, who handed one on; and reading them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from exams.audit import metadata
from exams.panel.rules import Given, Kind, Script

answers = sa.Table(
    "panel_answers",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("exam", sa.String, nullable=False),
    sa.Column("number", sa.String, nullable=False),
    sa.Column("school", sa.String, nullable=False),
    sa.Column("item", sa.String, nullable=False),
    sa.Column("form", sa.String, nullable=False),
    sa.Column("code", sa.String, nullable=False, unique=True),  # what markers know it by
    sa.Column("place", sa.Integer, nullable=False),  # in the order in which it is given, by chance
    sa.Column("text", sa.Text, nullable=False),  # without what tells whose it is; the original is in the responses
    sa.Column("needed", sa.Integer, nullable=False),  # the rules it is marked by stand with it: one writer decides
    sa.Column("tolerance", sa.Float, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the item's rubric
    sa.Column("edition", sa.Integer, nullable=False),  # how often it was put in line; marks of an older one count not
    sa.Column("state", sa.String, nullable=False),  # what `rules.state` makes of the rest
    sa.Column("given", sa.Integer, nullable=False),  # independent marks of this edition, so that a claim need not count
    sa.UniqueConstraint("exam", "number", "item"),
    sa.Index("panel_line", "exam", "item", "state", "place"),
)

marks = sa.Table(
    "panel_marks",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("answer", sa.ForeignKey("panel_answers.id"), nullable=False, index=True),
    sa.Column("edition", sa.Integer, nullable=False),
    sa.Column("marker", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("points", sa.JSON, nullable=False),  # a number for each criterion of the rubric
    sa.Column("total", sa.Float, nullable=False),
    sa.Column("comment", sa.Text, nullable=False),
    sa.Column("seconds", sa.Float, nullable=False),
    sa.Column("client", sa.String, nullable=False),  # what the browser called it: sent twice it is one
    sa.Column("holds", sa.Boolean, nullable=False),  # until its marker corrects it
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("entry", sa.ForeignKey("audit.id"), nullable=False),
    sa.UniqueConstraint("marker", "client"),
)
_HOLDS = marks.c.holds.is_(True)
sa.Index(
    "panel_one_mark_a_marker",
    marks.c.answer,
    marks.c.marker,
    marks.c.edition,
    unique=True,
    sqlite_where=_HOLDS,
    postgresql_where=_HOLDS,
)

claims = sa.Table(
    "panel_claims",
    metadata,
    sa.Column("answer", sa.ForeignKey("panel_answers.id"), primary_key=True, autoincrement=False),
    sa.Column("marker", sa.String, primary_key=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("until_ms", sa.BigInteger, nullable=False),
    sa.Index("panel_claims_of_marker", "marker"),
)

handed_on = sa.Table(
    "panel_handed_on",
    metadata,
    sa.Column("answer", sa.ForeignKey("panel_answers.id"), primary_key=True, autoincrement=False),
    sa.Column("marker", sa.String, primary_key=True),
    sa.Column("edition", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("entry", sa.ForeignKey("audit.id"), nullable=False),
)

came = sa.Table(
    "panel_came",
    metadata,
    sa.Column("exam", sa.String, primary_key=True),
    sa.Column("marker", sa.String, primary_key=True),
    sa.Column("schools", sa.JSON, nullable=False),  # as the hub spelt them when the marker last asked for answers
)

AT_ONCE = 1000
"""Ids in one statement: a statement takes only so many values."""


def in_parts(ids: Collection[int]) -> Iterator[Sequence[int]]:
    """`ids` in parts that one statement takes."""
    ordered = sorted(ids)
    for first in range(0, len(ordered), AT_ONCE):
        yield ordered[first : first + AT_ONCE]


def counting(table: sa.Table) -> sa.ColumnElement[bool]:
    """That a row of `marks` or `handed_on` is of its answer's present edition, and holds."""
    here = (table.c.answer == answers.c.id) & (table.c.edition == answers.c.edition)
    return here & table.c.holds.is_(True) if "holds" in table.c else here


def scripts(connection: sa.Connection, ids: Collection[int]) -> dict[int, Script]:
    """The answers `ids` as the rules see them."""
    found: dict[int, Script] = {}
    for part in in_parts(ids):
        given: dict[int, list[Given]] = defaultdict(list)
        kept = sa.select(marks).join(answers, counting(marks)).where(marks.c.answer.in_(part))
        for row in connection.execute(kept):
            given[row.answer].append(Given(row.marker, Kind(row.kind), row.total))
        passed: dict[int, set[str]] = defaultdict(set)
        gone = sa.select(handed_on).join(answers, counting(handed_on)).where(handed_on.c.answer.in_(part))
        for row in connection.execute(gone):
            passed[row.answer].add(row.marker)
        for row in connection.execute(sa.select(answers).where(answers.c.id.in_(part))):
            own = (tuple(given[row.id]), frozenset(passed[row.id]), row.state == "withdrawn")
            found[row.id] = Script(row.school, row.needed, row.tolerance, *own)
    return found


def holders(connection: sa.Connection, ids: Collection[int], now_ms: int, but: str) -> dict[int, dict[str, Kind]]:
    """Who but `but` holds each of the answers `ids` now, and for what."""
    found: dict[int, dict[str, Kind]] = {own: {} for own in ids}
    live = (claims.c.until_ms > now_ms) & (claims.c.marker != but)
    for part in in_parts(ids):
        for row in connection.execute(sa.select(claims).where(live, claims.c.answer.in_(part))):
            found[row.answer][row.marker] = Kind(row.kind)
    return found


def find(connection: sa.Connection, exam: str, item: str, code: str) -> sa.Row[Any] | None:
    """The answer that markers know by `code`."""
    chosen = (answers.c.code == code, answers.c.exam == exam, answers.c.item == item)
    return connection.execute(sa.select(answers).where(*chosen)).one_or_none()
