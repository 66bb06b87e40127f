"""Marks in the Gradebook's own tables (SQLite), by the hundred thousand.

nbgrader has a row a grade and a row a comment for every cell of every candidate. Handed over one by one they cost most
of the time, so a whole column, the marks of one cell, goes over as one JSON array, and SQLite makes the rows of it.
They come in the order of both their indexes (new ids ascend; cells and notebooks are sorted), so these grow at the end.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from nbgrader import api

CACHE_KIB = 262_144
"""Of the indexes: with SQLite's own 2 MB every other row would be read from disk first."""

_NOTEBOOKS = "CREATE TEMP TABLE marked (place INTEGER PRIMARY KEY, notebook TEXT)"
_GRADES = """
INSERT INTO grade (id, notebook_id, cell_id, auto_score, needs_manual_grade)
SELECT ? || printf('%08x', marked.place), marked.notebook, ?, given.value, given.value IS NULL
FROM json_each(?) AS given CROSS JOIN marked ON marked.place = given.key
"""
_COMMENTS = """
INSERT INTO comment (id, notebook_id, cell_id, auto_comment)
SELECT ? || printf('%08x', marked.place), marked.notebook, ?, given.value
FROM json_each(?) AS given CROSS JOIN marked ON marked.place = given.key
"""

Column = tuple[str, Sequence[object]]
"""A cell's id, and its value for each notebook."""


def ids() -> Iterator[str]:
    """New ids as nbgrader has them (32 hexadecimal digits), ascending: random ones cost the indexes twice the time."""
    prefix = uuid4().hex[:24]
    return (f"{prefix}{number:08x}" for number in itertools.count())


def insert(session: Any, table: Any, rows: list[dict[str, Any]]) -> None:
    """Many rows by one statement: the ORM's way takes a statement a row."""
    if rows:
        session.execute(sa.insert(table.__table__), rows)


def insert_marks(session: Any, notebooks: Sequence[str], grades: Sequence[Column], comments: Sequence[Column]) -> None:
    """Rows for new `notebooks` (ids, ascending): points (None: a person marks) and what is said to each."""
    connection = session.connection()
    connection.exec_driver_sql(f"PRAGMA cache_size = -{CACHE_KIB}")
    connection.exec_driver_sql(_NOTEBOOKS)
    connection.exec_driver_sql("INSERT INTO marked VALUES (?, ?)", list(enumerate(notebooks)))
    for statement, columns in ((_GRADES, grades), (_COMMENTS, comments)):
        for cell, values in sorted(columns, key=lambda column: column[0]):
            connection.exec_driver_sql(statement, (uuid4().hex[:24], cell, json.dumps(values)))
    connection.exec_driver_sql("DROP TABLE marked")


def update_marks(session: Any, notebooks: Sequence[str], grades: Sequence[Column], comments: Sequence[Column]) -> None:
    """The same for notebooks that have rows: those are written that differ. A person's points stay as they are."""
    grade, comment = api.Grade.__table__, api.Comment.__table__
    # nbgrader would ask for every manual mark again, for a submission may have changed: we know which did
    pending = grade.c.manual_score.is_(None) & sa.bindparam("value").is_(None)
    for table, held, columns, more in (
        (grade, grade.c.auto_score, grades, {"needs_manual_grade": pending}),
        (comment, comment.c.auto_comment, comments, {}),
    ):
        changed = list(_changed(_standing(session, table, held, set(notebooks)), notebooks, columns))
        _update(session, table, {held.name: sa.bindparam("value"), **more}, changed)


def _standing(session: Any, table: Any, held: Any, notebooks: set[str]) -> dict[tuple[str, str], object]:
    """(notebook, cell) -> the value that stands, of `notebooks`."""
    query = sa.select(table.c.notebook_id, table.c.cell_id, held)
    return {(notebook, cell): value for notebook, cell, value in session.execute(query) if notebook in notebooks}


def _changed(
    standing: Mapping[tuple[str, str], object], notebooks: Sequence[str], columns: Sequence[Column]
) -> Iterator[dict[str, object]]:
    for cell, values in columns:
        for notebook, value in zip(notebooks, values, strict=True):
            if standing[notebook, cell] != value:
                yield {"notebook": notebook, "cell": cell, "value": value}


def write_manual(session: Any, wanted: Mapping[tuple[str, str, str], tuple[float | None, str]]) -> set[str]:
    """Points and comments by (notebook, graded cell, commented cell), where they are not so yet.

    Where a person's points are taken away (None) those by rule count, and where there are none a person is awaited.
    Gives the notebooks that changed.
    """
    if not wanted:
        return set()  # what stands need not be read, which takes time
    grade, comment = api.Grade.__table__, api.Comment.__table__
    notebooks = {notebook for notebook, _, _ in wanted}
    points = _standing(session, grade, grade.c.manual_score, notebooks)
    said = _standing(session, comment, comment.c.manual_comment, notebooks)
    scores: list[dict[str, object]] = []
    remarks: list[dict[str, object]] = []
    for (notebook, graded, commented), (value, text) in wanted.items():
        if points[notebook, graded] != value:
            scores.append({"notebook": notebook, "cell": graded, "value": value})
        if (said[notebook, commented] or "") != text:
            remarks.append({"notebook": notebook, "cell": commented, "value": text})
    score = sa.bindparam("value", type_=sa.Float)
    pending = score.is_(None) & grade.c.auto_score.is_(None)
    _update(session, grade, {"manual_score": score, "needs_manual_grade": pending}, scores)
    _update(session, comment, {"manual_comment": sa.bindparam("value", type_=sa.Text)}, remarks)
    return {str(one["notebook"]) for one in (*scores, *remarks)}


def _update(session: Any, table: Any, values: Mapping[str, Any], rows: list[dict[str, object]]) -> None:
    """Set `values` in the rows of `table` that each of `rows` names by its notebook and cell."""
    if rows:
        here = (table.c.notebook_id == sa.bindparam("notebook")) & (table.c.cell_id == sa.bindparam("cell"))
        session.connection().execute(sa.update(table).where(here).values(values), rows)
