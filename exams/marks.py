"""Marks 评分 by rule in their versions: what each candidate was given for each item under each version of the key.

nbgrader's Gradebook holds the newest alone. A row is one candidate's whole sheet, so none is ever half there, and it
says which sitting it is of (when that was closed): who is marked already, and who not, is read off the rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import sqlalchemy as sa

from exams import audit
from exams.audit import metadata
from exams.database import connect
from exams.response import digest
from exams.sitting import now_ms

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("exam", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.String, primary_key=True),
    sa.Column("form", sa.String, nullable=False),
    sa.Column("closed_ms", sa.BigInteger, nullable=False),
    sa.Column("points", sa.JSON, nullable=False),
    sa.Column("entry", sa.ForeignKey("audit.id"), nullable=False),
)


@dataclass(frozen=True)
class Sheet:
    """One candidate's marks. points: item id -> points, None where a person marks. closed_ms: of the sitting."""

    number: str
    form: str
    closed_ms: int
    points: Mapping[str, float | None]


class MarkStore:
    """The marks of all exams in the database at `url` (an SQLAlchemy address); one process marks an exam at a time."""

    def __init__(self, url: str) -> None:
        self._engine = connect(url, metadata)

    def close(self) -> None:
        """Let the database go."""
        self._engine.dispose()

    def marked(self, exam: str, version: int) -> dict[str, int]:
        """Candidate number -> when the sitting was closed that is marked (ms since 1970 UTC), under a version."""
        query = sa.select(marks.c.number, marks.c.closed_ms).where(marks.c.exam == exam, marks.c.version == version)
        with self._engine.connect() as connection:
            return dict(connection.execute(query).all())

    def sheets(self, exam: str, version: int) -> dict[str, Sheet]:
        """Candidate number -> sheet under a version, of those who were marked then."""
        query = sa.select(marks).where(marks.c.exam == exam, marks.c.version == version).order_by(marks.c.number)
        with self._engine.connect() as connection:
            rows = connection.execute(query)
            return {row.number: Sheet(row.number, row.form, row.closed_ms, row.points) for row in rows}

    def write(self, exam: str, version: int, sheets: Iterable[Sheet], by: str) -> None:
        """Keep sheets, in place of earlier ones of the same candidates under the same version; all or none.

        The audit log says how many there were and by whose word, with a digest over them.
        """
        sheets = sorted(sheets, key=lambda sheet: sheet.number)
        if not sheets:
            return
        told = digest([[sheet.number, sheet.closed_ms, sheet.points] for sheet in sheets])
        with self._engine.connect().execution_options(writing=True) as connection, connection.begin():
            act = audit.Act(now_ms(), exam, by, "marked", {"version": version, "sheets": len(sheets), "digest": told})
            [entry] = audit.append(connection, [act])
            here = (marks.c.exam == exam) & (marks.c.version == version)
            gone = sa.delete(marks).where(here & (marks.c.number == sa.bindparam("gone")))
            connection.execute(gone, [{"gone": sheet.number} for sheet in sheets])
            common = {"exam": exam, "version": version, "entry": entry.id}
            connection.execute(sa.insert(marks), [{**common, **vars(sheet)} for sheet in sheets])
