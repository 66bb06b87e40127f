"""nbgrader courses with code in them, and what their Gradebooks hold."""

import sys
from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook

SANDBOX = [sys.executable, "-m", "hub.cli", "answers"]


def marks(course: Path, name: str) -> dict[str | tuple[str, str, str], Any]:
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        submissions = book.assignment_submissions(name)
        grades = [grade for one in submissions for notebook in one.notebooks for grade in notebook.grades]
        comments = [own for one in submissions for notebook in one.notebooks for own in notebook.comments]
        where = [(own.assignment.student.id, own.notebook.name, own.name) for own in (*grades, *comments)]
        said: list[tuple[Any, ...]] = [(own.auto_score, own.needs_manual_grade, own.score) for own in grades]
        said += [(own.auto_comment,) for own in comments]
        times = {one.student.id: one.timestamp for one in submissions}
        return dict(zip(where, said, strict=False)) | times


def notebook(*cells: str, tests: str, points: float = 2) -> Any:
    """A source notebook: students' cells, and a test named `test`."""
    flags = {"schema_version": 3, "task": False, "locked": False}
    own = [
        new_code_cell(text, metadata={"nbgrader": {**flags, "grade_id": f"c{at}", "solution": True, "grade": False}})
        for at, text in enumerate(cells)
    ]
    graded = flags | {"grade_id": "test", "grade": True, "solution": False, "locked": True, "points": points}
    return new_notebook(cells=[*own, new_code_cell(tests, metadata={"nbgrader": graded})])
