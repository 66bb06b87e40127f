"""Marking an nbgrader assignment in bulk: what `nbgrader autograde` does to a course, without its kernels.

Submissions under `submitted/` become marks in the course's Gradebook and notebooks under `autograded/`, with the
points, the comments and the need of a marker that nbgrader would have given, cell by cell. The notebooks have the
outputs of the students' cells, and no hidden tests. A submission is marked as a whole: its marks are one transaction,
and its folder appears by one renaming after it, so that whoever starts again goes on where it ended.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
from nbgrader import api, utils
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import AssignLatePenalties, ClearHiddenTests
from traitlets.config import Config

from exams import gradebook, paper
from exams.autograde import verdict
from exams.autograde.assignment import Assignment, Cell, Notebook, assignment
from exams.autograde.cluster import HERE, Cluster
from exams.autograde.marker import Marked, Marker, Outcome, Refusal
from exams.autograde.queue import NO_NOTEBOOK, Submission, opened

READ_ONLY = 0o444
HANDED_IN = "timestamp.txt"
NOT_KEPT = (
    ("BaseConverter", "exclude_overwriting"),
    ("CourseDirectory", "student_id_exclude"),
    ("IgnorePattern", "pattern"),
    ("OverwriteCells", "add_missing_cells"),
)
"""Settings of nbgrader that would change marks, and are not heeded here."""
Progress = Callable[[int, int], None]
"""`progress(done, of)`: submissions that are marked, and how many are to be."""


class CourseError(Exception):
    """Why an assignment cannot be marked, in one sentence."""


@dataclass(frozen=True)
class Report:
    """What was done. failed: student -> why their submission could not be marked; it is as it was."""

    marked: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Task:
    """An assignment of a course: its notebooks by name, and their tests as students have them, by grade_id."""

    folders: CourseDirectory
    name: str
    notebooks: Mapping[str, Assignment]
    public: Mapping[str, Mapping[str, str]]
    sources: Mapping[str, Notebook]


def mark_assignment(
    course: Path, name: str, answers: Sequence[str], progress: Progress | None = None, cluster: Cluster = HERE
) -> Report:
    """Mark what was handed in of the assignment `name` of the nbgrader course in `course` and is not marked yet.

    `answers`: the command that runs students' code on this machine, where the tests are checked in any case. Raises
    CourseError where the assignment has not been generated, or holds tests that cannot be marked apart from the
    students' code; UnavailableError where the command or the cluster does not work.
    """

    async def marked() -> Report:
        async with Marker(answers) as marker:
            return await mark(course, name, marker, progress or _silent, cluster)

    return asyncio.run(marked())


def _silent(done: int, of: int) -> None:
    """Where nobody wants to know."""


async def mark(course: Path, name: str, marker: Marker, progress: Progress, cluster: Cluster = HERE) -> Report:
    """`mark_assignment` by a marker that may have been started before."""
    folders = _folders(course.absolute(), name)
    with gradebook.opened_at(folders.db_url, folders.course_id or None) as book:
        task = _task(folders, name, book)
        report = Report()
        waiting = _waiting(task, report.failed)
        due = [student for student, to_mark in waiting.items() if to_mark]
        report.skipped.extend(student for student, to_mark in waiting.items() if not to_mark)
        marked: set[str] = set()
        async with opened(cluster, marker) as queue:
            if refusals := await _check(marker, task):
                raise CourseError("\n".join(map(str, refusals)))
            handed = _handed(task, due, report.failed)
            async with aclosing(queue.marks(task.notebooks, handed)) as results:
                async for result in results:
                    if failed := result.failed or _recorded(task, book, result.name, result.marked):
                        report.failed[result.name] = failed
                    else:
                        marked.add(result.name)
                    progress(len(marked) + len(report.failed), len(due))
        report.marked.extend(student for student in due if student in marked)
    return report


def _handed(task: Task, students: Iterable[str], failed: dict[str, str]) -> Iterator[Submission]:
    """What students have handed in, read one by one; whose cannot be read is put into `failed`."""
    for student in students:
        try:
            yield _submission(task, student)
        except (OSError, ValueError) as error:
            failed[student] = f"{type(error).__name__}: {error}"


def _folders(course: Path, name: str) -> CourseDirectory:
    config = paper.course_config(course) if (course / paper.CONFIG).exists() else Config()
    for section, setting in NOT_KEPT:
        if section in config and setting in config[section]:
            raise CourseError(
                f"The course sets {section}.{setting}, which is not known here: use `nbgrader autograde`."
            )
    return CourseDirectory(config=config, root=str(course), assignment_id=name)


def _task(folders: CourseDirectory, name: str, book: Any) -> Task:
    """The assignment as nbgrader has noted it down, with the solutions of its source."""
    try:
        known = book.find_assignment(name)
    except api.MissingEntry as error:
        raise CourseError(f"The course has no assignment {name}: run `nbgrader generate_assignment {name}`.") from error
    notebooks, public, sources = {}, {}, {}
    for own in known.notebooks:
        path = Path(folders.format_path(folders.source_directory, ".", name), f"{own.name}.ipynb")
        if not path.exists():
            raise CourseError(f"The source {path} is missing: it has the solution that tests are checked with.")
        sources[own.name] = nbformat.read(path, as_version=4)
        notebooks[own.name] = _noted(assignment(sources[own.name]), own)
        public[own.name] = _public(folders, notebooks[own.name])
    if not notebooks:
        raise CourseError(f"The assignment {name} has no notebooks: run `nbgrader generate_assignment {name}`.")
    return Task(folders, name, notebooks, public, sources)


def _noted(own: Assignment, notebook: Any) -> Assignment:
    """The source's cells as they were when the assignment was generated: what nbgrader marks by."""
    noted = {cell.name: cell for cell in notebook.source_cells}
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    if missing := sorted({cell.name for cell in own.cells if cell.name} ^ noted.keys()):
        raise CourseError(f"The source has changed since the assignment was generated: see the cell {missing[0]}.")
    cells: list[Cell] = []
    for cell in own.cells:
        if cell.name:
            there = noted[cell.name]
            text = there.source if cell.locked else cell.source  # of the others, nbgrader has noted no solution
            cell = replace(cell, source=text, checksum=there.checksum, points=points.get(cell.name, 0.0))
        cells.append(cell)
    return Assignment(tuple(cells))


def _public(folders: CourseDirectory, own: Assignment) -> dict[str, str]:
    """The tests without what is hidden in them."""
    remover = ClearHiddenTests(config=folders.config)
    shown = {}
    for cell in own.cells:
        if cell.test:
            made = nbformat.v4.new_code_cell(cell.source)
            remover._remove_hidden_test_region(made)
            shown[cell.name] = made.source
    return shown


async def _check(marker: Marker, task: Task) -> list[Refusal]:
    found = []
    for name, source in task.sources.items():
        if any(cell.test for cell in task.notebooks[name].cells):
            found += await marker.check(task.notebooks[name], source)
    return found


def _waiting(task: Task, failed: dict[str, str]) -> dict[str, bool]:
    """Who has handed in, and whether it is to be marked: it is not marked yet, or was handed in again.

    Whose time of handing in cannot be read is put into `failed`.
    """
    found = {}
    pattern = Path(task.folders.format_path(task.folders.submitted_directory, "*", task.name))
    at = len(Path(task.folders.format_path(task.folders.submitted_directory, "*", "")).parts) - 1
    for folder in sorted(Path(pattern.anchor).glob(str(pattern.relative_to(pattern.anchor)))):
        student, marked = folder.parts[at], _autograded(task, folder.parts[at])
        try:
            before, now = _handed_in(marked), _handed_in(folder)
        except (OSError, ValueError, OverflowError) as error:
            failed[student] = f"{HANDED_IN}: {error}"
        else:
            found[student] = not marked.exists() or bool(before and now and now > before)
    return found


def _submitted(task: Task, student: str) -> Path:
    return Path(task.folders.format_path(task.folders.submitted_directory, student, task.name))


def _autograded(task: Task, student: str) -> Path:
    return Path(task.folders.format_path(task.folders.autograded_directory, student, task.name))


def _handed_in(folder: Path) -> datetime | None:
    """When a submission was handed in. Raises OSError, ValueError or OverflowError for a file that does not say."""
    path = folder / HANDED_IN
    text = path.read_text(encoding="utf-8").strip() if path.exists() else ""
    found: datetime | None = utils.parse_utc(text) if text else None
    return found


def _submission(task: Task, student: str) -> Submission:
    """The notebooks of a submission. Raises OSError or ValueError where they are not to be read."""
    texts = {}
    for name in task.notebooks:
        path = _submitted(task, student) / f"{name}.ipynb"
        if path.is_symlink():
            raise ValueError(f"{path.name} is a link.")
        if path.exists():
            texts[name] = path.read_text(encoding="utf-8")
    if not texts:
        raise ValueError(f"None of the notebooks is there that the assignment has: {', '.join(task.notebooks)}.")
    return Submission(student, texts)


def _recorded(task: Task, book: Any, student: str, marked: Mapping[str, Marked]) -> str:
    """Why the marks of a submission could not be written; "" where they are. A hostile one costs no other its marks."""
    try:
        _record(task, book, student, marked)
    except (OSError, *NO_NOTEBOOK) as error:
        book.db.rollback()
        return f"{type(error).__name__}: {error}"
    return ""


def _record(task: Task, book: Any, student: str, marked: Mapping[str, Marked]) -> None:
    """Write the marks of a submission, then show its notebooks."""
    target = _autograded(task, student)
    with _drafts(task) as drafts:
        draft = drafts / target.name
        _draft(task, student, marked, draft)
        submission = _noted_submission(book, task, student)
        for notebook in submission.notebooks:
            _notebook_marks(notebook, marked.get(notebook.name))
        book.db.flush()
        for notebook in submission.notebooks:
            if notebook.name in marked:
                _penalise(task, book, submission, notebook)
        book.db.commit()
        if target.exists():  # moved as a whole: half of it would pass for a submission that is marked
            target.replace(drafts / "before")
        target.parent.mkdir(parents=True, exist_ok=True)
        draft.replace(target)


@contextmanager
def _drafts(task: Task) -> Iterator[Path]:
    """A folder beside those that formgrader shows, gone with what is left in it."""
    place = Path(task.folders.format_path(task.folders.autograded_directory, ".draft", "."))
    place.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _noted_submission(book: Any, task: Task, student: str) -> Any:
    """nbgrader's record of a submission, written with its marks: nbgrader's own way of adding one commits at once."""
    try:
        submission = book.find_submission(task.name, student)
    except api.MissingEntry:
        with book.db.no_autoflush:
            known = book.find_assignment(task.name)
            who = book.db.get(api.Student, student) or api.Student(id=student)
            submission = api.SubmittedAssignment(assignment=known, student=who)
            made: list[Any] = [who, submission]
            for own in known.notebooks:
                notebook = api.SubmittedNotebook(notebook=own, assignment=submission)
                grades = [api.Grade(cell=cell, notebook=notebook) for cell in [*own.grade_cells, *own.task_cells]]
                cells = [*own.solution_cells, *own.task_cells]
                made += [notebook, *grades, *(api.Comment(cell=cell, notebook=notebook) for cell in cells)]
            book.db.add_all(made)
    if (handed_in := _handed_in(_submitted(task, student))) is not None:
        submission.timestamp = handed_in
    return submission


def _notebook_marks(notebook: Any, marked: Marked | None) -> None:
    """Put marks on nbgrader's records of a submitted notebook; one that was not handed in has no points."""
    if marked is None:
        for grade in notebook.grades:
            grade.auto_score, grade.needs_manual_grade = 0, False
        return
    cells = {
        cell.metadata["nbgrader"]["grade_id"]: cell
        for cell in marked.notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id")
    }
    for grade in notebook.grades:
        cell = cells.get(grade.name)
        if cell is not None and utils.is_grade(cell):
            outcome = marked.outcomes.get(grade.name)
            points = outcome.points if outcome else utils.determine_grade(cell)[0]
            grade.auto_score = points
            grade.needs_manual_grade = grade.manual_score is not None or points is None
    for comment in notebook.comments:
        if (cell := cells.get(comment.name)) is not None:
            same = cell.metadata["nbgrader"].get("checksum") == utils.compute_checksum(cell)
            comment.auto_comment = gradebook.NO_RESPONSE if same and not utils.is_task(cell) else None


def _penalise(task: Task, book: Any, submission: Any, notebook: Any) -> None:
    """What the course takes off for handing in late, by its own plugin (nbgrader's `AssignLatePenalties`)."""
    notebook.late_submission_penalty = None
    if (late := submission.total_seconds_late) > 0:
        book.db.expire(notebook, ["score"])
        rule = AssignLatePenalties(config=task.folders.config)
        rule.init_plugin()
        penalty = rule.plugin_inst.late_submission_penalty(submission.student.id, notebook.score, late)
        if penalty is not None:
            notebook.late_submission_penalty = rule._check_late_penalty(notebook, penalty)


def _draft(task: Task, student: str, marked: Mapping[str, Marked], draft: Path) -> None:
    """Make the folder that formgrader shows, as `draft`."""
    folders = task.folders
    draft.mkdir(mode=0o755)
    sources = Path(folders.format_path(folders.source_directory, ".", task.name))
    for folder in (_submitted(task, student), sources):  # the teacher's files over a student's of the same name
        for name in utils.find_all_files(str(folder), [*folders.ignore, "*.ipynb"]):
            if Path(name).is_symlink():
                continue
            path = draft / Path(name).relative_to(folder)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            shutil.copy(name, path)
    for name, own in marked.items():
        shown = graded(own, task.public[name], task.notebooks[name])
        (draft / f"{name}.ipynb").write_text(nbformat.v4.writes(shown), encoding="utf-8")
    for path in draft.rglob("*"):
        if path.is_file() and not path.is_symlink():
            path.chmod(READ_ONLY)


def graded(marked: Marked, public: Mapping[str, str], own: Assignment) -> Notebook:
    """The submission with outputs, as a marker sees it: tests without what is hidden, and what they gave."""
    notebook = marked.notebook
    for at, cell in enumerate(notebook.cells):
        if at not in marked.replies and cell.cell_type == "code":
            cell.outputs = []
        if at in marked.replies:
            cell.outputs = [nbformat.from_dict(output) for output in marked.replies[at]["outputs"]]
            cell.execution_count = at + 1
            for output in cell.outputs:
                if output.output_type == "execute_result":
                    output.setdefault("execution_count", at + 1)
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        if (outcome := marked.outcomes.get(name)) is not None:
            cell.source = public[name]
            kept = [output for output in cell.outputs if output.output_type == "stream"]
            cell.outputs = [*kept, *_decided(outcome, own.named[name].points)]
    return notebook


def _decided(outcome: Outcome, maximum: float) -> list[Any]:
    """What a test shows of its outcome: nothing, points, or that it failed and why; never the test's text."""
    if outcome.reason == verdict.PASSED:
        return []
    if outcome.points:
        return [nbformat.v4.new_output("execute_result", {"text/plain": f"{outcome.points:g}"}, execution_count=1)]
    failed = f"{outcome.reason} (0 / {maximum:g})"
    return [nbformat.v4.new_output("error", ename="TestFailed", evalue=outcome.reason, traceback=[failed])]


__all__ = ["CourseError", "Report", "mark_assignment"]
