"""Marks in nbgrader's Gradebook, keyed by candidate number, so that formgrader and `nbgrader export` show them.

Objective marks are written in bulk, in one transaction, with what `nbgrader autograde` would have written item by item;
short answers are left for a marker. A marker's points and comments are never overwritten.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from nbgrader import api
from nbgrader.utils import setenv

from exams import paper
from exams.exchange import TIMESTAMP, submitted_folder
from exams.form import Form
from exams.marking import BLANK, Mark

NO_RESPONSE = "No response."  # nbgrader's own words for it
FOLDER = "gradebook"
CONFIG = Path(__file__).parents[1] / "configs" / paper.CONFIG


class GradebookError(Exception):
    """What is missing before marks can be written or read, in one sentence."""


@dataclass(frozen=True)
class Result:
    """Points of one item as they stand in the gradebook, with the marker's comment; pending: it is yet to be marked."""

    item: str
    points: float
    maximum: float
    comment: str
    pending: bool


def prepare(course: Path, home: Path) -> None:
    """Make the course root `course` with its nbgrader_config.py; its name is the course's id. `home`: $XINGLIN_HOME."""
    (course / FOLDER).mkdir(parents=True, exist_ok=True)
    own = {
        "CourseDirectory.course_id": course.name,
        "CourseDirectory.db_url": database_url(course),
        "SittingCollect.home": str(home),
    }
    own_lines = "".join(f"c.{name} = {value!r}\n" for name, value in own.items())
    (course / paper.CONFIG).write_text(CONFIG.read_text(encoding="utf-8") + "\n" + own_lines, encoding="utf-8")
    with opened(course):
        pass


def database_url(course: Path) -> str:
    """The Gradebook of `course`: in a folder of its own, the one thing in the course root that formgrader writes."""
    return f"sqlite:///{course / FOLDER / 'gradebook.db'}"


@contextmanager
def opened(course: Path) -> Iterator[Any]:
    """The course's Gradebook, made where it does not exist."""
    # a new gradebook calls `alembic`, which lies beside this Python and need not be on PATH
    with setenv(PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])):
        book = api.Gradebook(database_url(course), course.name)
    try:
        yield book
    finally:
        book.close()


def record(
    course: Path,
    form: Form,
    marks: Mapping[str, Mapping[str, Mark]],
    submitted: Mapping[str, datetime],
) -> None:
    """Write `marks` (candidate number -> item id -> mark) of submissions handed in at `submitted` (aware UTC).

    Markers see nothing of a candidate but the number. Marks written before are brought up to date. Raises
    GradebookError where the form was not released to nbgrader.
    """
    with opened(course) as book:
        cells = _cells(book, form)
        session = book.db
        _add_students(session, set(marks))
        notebooks = _add_submissions(session, cells, submitted, set(marks))
        _write_grades(session, cells, notebooks, marks)
        session.commit()


@dataclass(frozen=True)
class _Cells:
    """nbgrader's ids of an assignment, its notebook, and of graded and solution cells by name."""

    assignment: str
    notebook: str
    grades: dict[str, str]
    solutions: dict[str, str]


def _cells(book: Any, form: Form) -> _Cells:
    name = paper.assignment_name(form)
    try:
        notebook = book.find_notebook(name, name)
    except api.MissingEntry as error:
        raise GradebookError(f"{name} is not in the gradebook: run `xinglin exam build {form.exam}` first.") from error
    grades = {cell.name: cell.id for cell in notebook.grade_cells}
    if grades.keys() != {item.id for item in form.items}:
        raise GradebookError(f"The items of {name} changed since it was built: run `xinglin exam build {form.exam}`.")
    solutions = {cell.name: cell.id for cell in notebook.solution_cells}
    return _Cells(notebook.assignment.id, notebook.id, grades, solutions)


def _add_students(session: Any, numbers: set[str]) -> None:
    known = set(session.scalars(sa.select(api.Student.id)))
    _insert(session, api.Student, [{"id": number} for number in sorted(numbers - known)])


def _insert(session: Any, table: Any, rows: list[dict[str, Any]]) -> None:
    """Many rows by one statement: the ORM's way takes a statement a row."""
    if rows:
        session.execute(sa.insert(table.__table__), rows)


def _add_submissions(
    session: Any, cells: _Cells, submitted: Mapping[str, datetime], numbers: set[str]
) -> dict[str, str]:
    """Candidate number -> id of the submitted notebook; what is missing is added, with its grades and comments."""
    query = (
        sa.select(api.SubmittedAssignment.student_id, api.SubmittedNotebook.id)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
        .where(api.SubmittedAssignment.assignment_id == cells.assignment)
    )
    notebooks: dict[str, str] = dict(session.execute(query).all())
    new = {number: (uuid4().hex, uuid4().hex) for number in sorted(numbers - notebooks.keys())}
    _insert(
        session,
        api.SubmittedAssignment,
        [
            {
                "id": submission,
                "assignment_id": cells.assignment,
                "student_id": number,
                "timestamp": submitted[number].astimezone(UTC).replace(tzinfo=None),
            }
            for number, (submission, _) in new.items()
        ],
    )
    _insert(
        session,
        api.SubmittedNotebook,
        [
            {"id": notebook, "assignment_id": submission, "notebook_id": cells.notebook}
            for submission, notebook in new.values()
        ],
    )
    added = [notebook for _, notebook in new.values()]
    _insert(
        session,
        api.Grade,
        [
            {"id": uuid4().hex, "cell_id": cell, "notebook_id": notebook}
            for notebook in added
            for cell in cells.grades.values()
        ],
    )
    _insert(
        session,
        api.Comment,
        [
            {"id": uuid4().hex, "cell_id": cell, "notebook_id": notebook}
            for notebook in added
            for cell in cells.solutions.values()
        ],
    )
    return notebooks | {number: notebook for number, (_, notebook) in new.items()}


def _write_grades(
    session: Any, cells: _Cells, notebooks: Mapping[str, str], marks: Mapping[str, Mapping[str, Mark]]
) -> None:
    """The points and nbgrader's own comment on what was left out, over whatever automatic ones were there."""
    grade, comment = api.Grade.__table__, api.Comment.__table__
    grades: list[dict[str, Any]] = []
    comments: list[dict[str, Any]] = []
    for number, own in marks.items():
        for item, mark in own.items():
            place = {"in_notebook": notebooks[number]}
            pending = mark.correct is None
            grades.append(place | {"in_cell": cells.grades[item], "points": None if pending else mark.points})
            solution = cells.solutions.get(item) or cells.solutions[item + paper.ANSWER]
            said = NO_RESPONSE if mark.reason == BLANK else None
            comments.append(place | {"in_cell": solution, "said": said})
    if not grades:
        return
    here = (grade.c.notebook_id == sa.bindparam("in_notebook")) & (grade.c.cell_id == sa.bindparam("in_cell"))
    # nbgrader would ask for every manual mark again, for a submission may have changed; a closed sitting cannot
    manual = grade.c.manual_score.is_(None) & sa.bindparam("points").is_(None)
    connection = session.connection()
    connection.execute(
        sa.update(grade).where(here).values(auto_score=sa.bindparam("points"), needs_manual_grade=manual), grades
    )
    here = (comment.c.notebook_id == sa.bindparam("in_notebook")) & (comment.c.cell_id == sa.bindparam("in_cell"))
    connection.execute(sa.update(comment).where(here).values(auto_comment=sa.bindparam("said")), comments)


def write_autograded(course: Path, form: Form, marks: Mapping[str, Mapping[str, Mark]]) -> None:
    """Write `autograded/<number>/<assignment>/`, which formgrader shows, from the submissions collected."""
    name = paper.assignment_name(form)
    for number, own in marks.items():
        folder = submitted_folder(course, form, number)
        target = course / "autograded" / number / name
        submitted = paper.read(folder / f"{name}.ipynb")
        paper.write(target / f"{name}.ipynb", paper.graded(submitted, form, own))
        shutil.copyfile(folder / TIMESTAMP, target / TIMESTAMP)


def results(course: Path, form: Form) -> dict[str, list[Result]]:
    """Candidate number -> results in the order of the form, as they stand in the gradebook now."""
    with opened(course) as book:
        cells = _cells(book, form)
        grades = (
            sa.select(
                api.SubmittedAssignment.student_id,
                api.Grade.cell_id,
                api.Grade.score,
                api.Grade.needs_manual_grade,
            )
            .select_from(api.SubmittedAssignment)
            .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .join(api.Grade, api.Grade.notebook_id == api.SubmittedNotebook.id)
            .where(api.SubmittedAssignment.assignment_id == cells.assignment)
        )
        comments = (
            sa.select(api.SubmittedAssignment.student_id, api.Comment.cell_id, api.Comment.manual_comment)
            .select_from(api.SubmittedAssignment)
            .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .join(api.Comment, api.Comment.notebook_id == api.SubmittedNotebook.id)
            .where(api.SubmittedAssignment.assignment_id == cells.assignment)
        )
        said = {(student, cell): text or "" for student, cell, text in book.db.execute(comments)}
        found = {(student, cell): (score, pending) for student, cell, score, pending in book.db.execute(grades)}
    return {
        student: [_result(item, student, cells, found, said) for item in form.items]
        for student in sorted({student for student, _ in found})
    }


def _result(
    item: Any,
    student: str,
    cells: _Cells,
    found: Mapping[tuple[str, str], tuple[float, bool]],
    said: Mapping[tuple[str, str], str],
) -> Result:
    score, pending = found[student, cells.grades[item.id]]
    solution = cells.solutions.get(item.id) or cells.solutions[item.id + paper.ANSWER]
    return Result(item.id, score, item.points, said[student, solution], pending)


def mark_by_hand(course: Path, form: Form, number: str, item: str, points: float, comment: str) -> None:
    """A marker's points and comment on one item of one candidate, as formgrader writes them.

    Raises GradebookError for points outside 0 to the item's, or a candidate without a submission.
    """
    if not 0 <= points <= form.item(item).points:
        raise GradebookError(f"{points:g} points are not between 0 and the {form.item(item).points:g} of {item}.")
    name = paper.assignment_name(form)
    with opened(course) as book:
        try:
            grade = book.find_grade(item, name, name, number)
            remark = book.find_comment(item, name, name, number)
        except api.MissingEntry as error:
            raise GradebookError(f"Candidate {number} has no submission of {name} to mark.") from error
        grade.manual_score = points
        grade.needs_manual_grade = False
        remark.manual_comment = comment
        book.db.commit()
