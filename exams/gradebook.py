"""Marks in nbgrader's Gradebook, keyed by candidate number, so that formgrader and `nbgrader export` show them.

Objective marks are written in bulk, in one transaction, with what `nbgrader autograde` would have written item by item;
short answers are left for a marker. A marker's points and comments stay until a ruling takes them back, or the sitting
was opened again and closed later.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic.script import ScriptDirectory
from nbgrader import api, dbutil

from exams import gradebook_rows as rows
from exams import paper
from exams.exam import GRADEBOOK
from exams.exchange import TIMESTAMP, submitted_folder
from exams.form import Form
from exams.items import Item
from exams.marking import BLANK, Mark
from widgets.i18n import translations

NO_RESPONSE = "No response."  # nbgrader's own words for it
FEEDBACK_LANGUAGE = "zh"  # of what is kept with the marks and so is said to everybody
CONFIG = Path(__file__).parents[1] / "configs" / paper.CONFIG


class GradebookError(Exception):
    """What is missing before marks can be written or read, in one sentence."""


@dataclass(frozen=True)
class Result:
    """Points of one item as they stand in the gradebook, with the marker's comment; pending: it is yet to be marked."""

    item: str
    points: float
    pending: bool
    maximum: float
    comment: str


def prepare(course: Path, home: Path) -> None:
    """Make the course root `course` with its nbgrader_config.py; its name is the course's id. `home`: $XINGLIN_HOME."""
    (course / GRADEBOOK).parent.mkdir(parents=True, exist_ok=True)
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
    return f"sqlite:///{course / GRADEBOOK}"


@contextmanager
def opened_at(url: str, course_id: str | None) -> Iterator[Any]:
    """The Gradebook at `url` (an SQLAlchemy address), created if it does not exist."""
    _create(url)
    book = api.Gradebook(url, course_id)
    try:
        yield book
    finally:
        book.close()


def _create(url: str) -> None:
    """Create the tables of an empty database at `url`, at the newest revision of nbgrader's schema.

    `nbgrader.api.Gradebook` would start an `alembic` process (2.7 s, and it must be on PATH) to learn that revision.
    """
    engine = sa.create_engine(url)
    try:
        with engine.begin() as connection:
            if sa.inspect(connection).get_table_names():
                return
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("BEGIN")  # Python's sqlite3 starts no transaction for CREATE TABLE
            version = sa.Column("version_num", sa.String(32), nullable=False)
            alembic_version = sa.Table("alembic_version", sa.MetaData(), version)
            api.Base.metadata.create_all(connection)
            alembic_version.create(connection)
            newest = ScriptDirectory(dbutil.ALEMBIC_DIR).get_current_head()
            connection.execute(alembic_version.insert().values(version_num=newest))
    finally:
        engine.dispose()


def opened(course: Path) -> AbstractContextManager[Any]:
    """The course's Gradebook, created if it does not exist."""
    return opened_at(database_url(course), course.name)


def record(
    course: Path,
    form: Form,
    marks: Mapping[str, Mapping[str, Mark]],
    submitted: Mapping[str, datetime],
    retaken: Mapping[str, Collection[str]],
) -> None:
    """Write `marks` (candidate number -> item id -> mark) of submissions handed in at `submitted` (aware UTC).

    Markers see nothing of a candidate but the number. Marks written before are brought up to date, but for items that
    are not among `marks`. What people gave is taken away on the items `retaken` (by candidate number), and on all of a
    submission that was handed in at another time before. Raises GradebookError where the form was not released to
    nbgrader.
    """
    with opened(course) as book:
        cells = _cells(book, form)
        session = book.db
        _add_students(session, set(marks))
        known = _submissions(session, cells)
        new = dict(zip(sorted(marks.keys() - known.keys()), rows.ids(), strict=False))
        _add_submissions(session, cells, new, submitted)
        for notebooks, write in ((new, rows.insert_marks), (known, rows.update_marks)):
            own = {notebook: marks[number] for number, notebook in sorted(notebooks.items()) if number in marks}
            if own:
                write(session, list(own), *_columns(cells, form, list(own.values())))
        again = _handed_in_again(session, cells, {number: submitted[number] for number in known.keys() & marks.keys()})
        # a short answer has here what everybody is given, for `nbgrader autograde` has no test for it to run
        free = {item.id: item.points for item in form.items if item.void and item.type == "short"}
        every = [item.id for item in form.items]
        rows.write_manual(
            session,
            {
                (notebook, cells.grades[item], cells.solution(item)): (free.get(item), "")
                for number, notebook in (*new.items(), *known.items())
                if number in marks
                for item in {*free, *(every if number in again else retaken.get(number, ()))}
            },
        )
        session.commit()


def _handed_in_again(session: Any, cells: _Cells, submitted: Mapping[str, datetime]) -> set[str]:
    """Those of `submitted` (candidate number -> when) that were handed in at another time before, which is noted."""
    if not submitted:
        return set()
    assignment = api.SubmittedAssignment.__table__
    here = assignment.c.assignment_id == cells.assignment
    held = session.execute(sa.select(assignment.c.student_id, assignment.c.timestamp).where(here))
    now = {number: _naive(at) for number, at in submitted.items()}
    again = {number for number, at in held if number in now and at != now[number]}
    if again:
        whose = here & (assignment.c.student_id == sa.bindparam("number"))
        update = sa.update(assignment).where(whose).values(timestamp=sa.bindparam("at"))
        session.connection().execute(update, [{"number": number, "at": now[number]} for number in again])
    return again


def _naive(at: datetime) -> datetime:
    """A time as nbgrader keeps it."""
    return at.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class _Cells:
    """nbgrader's ids of an assignment, its notebook, and of graded and solution cells by name."""

    assignment: str
    notebook: str
    grades: dict[str, str]
    solutions: dict[str, str]

    def solution(self, item: str) -> str:
        """The cell that holds the answer to `item`: its own for a short answer."""
        return self.solutions.get(item) or self.solutions[item + paper.ANSWER]


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
    rows.insert(session, api.Student, [{"id": number} for number in sorted(numbers - known)])


def _submissions(session: Any, cells: _Cells) -> dict[str, str]:
    """Candidate number -> nbgrader's id of the submitted notebook, of those that are in the gradebook."""
    query = (
        sa.select(api.SubmittedAssignment.student_id, api.SubmittedNotebook.id)
        .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
        .where(api.SubmittedAssignment.assignment_id == cells.assignment)
    )
    return dict(session.execute(query).all())


def _add_submissions(session: Any, cells: _Cells, new: Mapping[str, str], submitted: Mapping[str, datetime]) -> None:
    """Add a submission and its notebook, by the id given, for each candidate number of `new`."""
    ids = dict(zip(new, rows.ids(), strict=False))
    assignments = [
        {
            "id": ids[number],
            "assignment_id": cells.assignment,
            "student_id": number,
            "timestamp": _naive(submitted[number]),
        }
        for number in new
    ]
    notebooks = [
        {"id": notebook, "assignment_id": ids[number], "notebook_id": cells.notebook}
        for number, notebook in new.items()
    ]
    rows.insert(session, api.SubmittedAssignment, assignments)
    rows.insert(session, api.SubmittedNotebook, notebooks)


def _why(item: Item, mark: Mark) -> str | None:
    """What is said to a candidate whose code does not earn all its points: why, without a hidden test's text."""
    return (
        None if item.type != "code" or mark.correct else translations("exams", FEEDBACK_LANGUAGE).gettext(mark.reason)
    )


def _columns(
    cells: _Cells, form: Form, marks: Sequence[Mapping[str, Mark]]
) -> tuple[list[rows.Column], list[rows.Column]]:
    """Grades and comments as `nbgrader autograde` gives them, cell by cell, for each of `marks` (item id -> mark)."""
    grades: list[rows.Column] = []
    comments: list[rows.Column] = []
    for item in form.items:
        if not all(item.id in own for own in marks):
            continue  # what stands is left as it is
        column = [own[item.id] for own in marks]
        grades.append((cells.grades[item.id], [None if one.correct is None else one.points for one in column]))
        said = [NO_RESPONSE if one.reason == BLANK else _why(item, one) for one in column]
        comments.append((cells.solution(item.id), said))
    return grades, comments


def autograded_folder(course: Path, form: Form, number: str) -> Path:
    """Where the marked notebook of candidate `number` lies, which formgrader shows."""
    return course / "autograded" / number / paper.assignment_name(form)


def shown(course: Path, form: Form, number: str) -> bool:
    """Whether the marked notebook of a candidate is there and of now."""
    return (autograded_folder(course, form, number) / TIMESTAMP).exists()


def fed_back(course: Path, form: Form, number: str) -> bool:
    """Whether the feedback to a candidate is there, and no older than the marks."""
    page, time = paper.feedback_file(course, form, number), autograded_folder(course, form, number) / TIMESTAMP
    return page.exists() and time.exists() and page.stat().st_mtime_ns >= time.stat().st_mtime_ns


def outdate(course: Path, form: Form, number: str) -> None:
    """Note that the marked notebook of a candidate is not of now any more; it can still be read."""
    (autograded_folder(course, form, number) / TIMESTAMP).unlink(missing_ok=True)


def outdate_feedback(course: Path, form: Form, number: str) -> None:
    """Note that the feedback to a candidate, where there is any, is older than the marks."""
    if shown(course, form, number):
        (autograded_folder(course, form, number) / TIMESTAMP).touch()


def show(course: Path, form: Form, number: str, notebook: str) -> None:
    """Write the marked notebook of a candidate; the time of the submission comes last, and says that it is there."""
    folder = autograded_folder(course, form, number)
    paper.write(folder / f"{paper.assignment_name(form)}.ipynb", notebook)
    shutil.copyfile(submitted_folder(course, form, number) / TIMESTAMP, folder / TIMESTAMP)


def by_hand(course: Path, form: Form, given: Mapping[str, Mapping[str, tuple[float | None, str]]]) -> None:
    """Write what markers gave: candidate number -> item id -> points (None: not decided yet) and comment.

    Only what differs is written, in place of what formgrader may have put there; whose marks changed has a new notebook
    coming.
    """
    with opened(course) as book:
        cells = _cells(book, form)
        notebooks = {number: one for number, one in _submissions(book.db, cells).items() if number in given}
        wanted = {
            (notebook, cells.grades[item], cells.solution(item)): told
            for number, notebook in notebooks.items()
            for item, told in given[number].items()
        }
        changed = rows.write_manual(book.db, wanted)
        for number, notebook in notebooks.items():
            if notebook in changed:
                outdate(course, form, number)
        book.db.commit()


def marked_by_hand(course: Path, form: Form) -> set[tuple[str, str]]:
    """(candidate number, item) of the answers to `form` to which people gave points."""
    with opened(course) as book:
        cells = _cells(book, form)
        items = {cell: item for item, cell in cells.grades.items()}
        numbers = {notebook: number for number, notebook in _submissions(book.db, cells).items()}
        given = sa.select(api.Grade.notebook_id, api.Grade.cell_id).where(api.Grade.manual_score.is_not(None))
        rows = book.db.execute(given)
        return {(numbers[notebook], items[cell]) for notebook, cell in rows if notebook in numbers}


def pending(course: Path, form: Form) -> int:
    """How many answers to `form` await a person."""
    with opened(course) as book:
        query = (
            sa.select(sa.func.count())
            .select_from(api.Grade)
            .join(api.SubmittedNotebook, api.SubmittedNotebook.id == api.Grade.notebook_id)
            .where(api.SubmittedNotebook.notebook_id == _cells(book, form).notebook, api.Grade.needs_manual_grade)
        )
        return int(book.db.scalar(query))


def results(course: Path, form: Form) -> dict[str, list[Result]]:
    """Candidate number -> results in the order of the form, as they stand in the gradebook now."""
    with opened(course) as book:
        cells = _cells(book, form)
        numbers = {notebook: number for number, notebook in _submissions(book.db, cells).items()}
        grades = sa.select(api.Grade.notebook_id, api.Grade.cell_id, api.Grade.score, api.Grade.needs_manual_grade)
        auto, manual = api.Comment.auto_comment, api.Comment.manual_comment
        remarks = sa.select(api.Comment.notebook_id, api.Comment.cell_id, sa.func.coalesce(manual, auto))
        here = api.SubmittedNotebook.notebook_id == cells.notebook
        found = {
            (notebook, cell): (score, pending)
            for notebook, cell, score, pending in book.db.execute(grades.join(api.SubmittedNotebook).where(here))
        }
        said = {
            (notebook, cell): "" if text in (None, NO_RESPONSE) else text
            for notebook, cell, text in book.db.execute(remarks.join(api.SubmittedNotebook).where(here))
        }
    return {
        numbers[notebook]: [
            Result(
                item.id,
                *found[notebook, cells.grades[item.id]],
                maximum=item.points,
                comment=said[notebook, cells.solution(item.id)],
            )
            for item in form.items
        ]
        for notebook in sorted(numbers, key=numbers.__getitem__)
    }


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
