"""A form goes through nbgrader: source, release, submissions, marks; and stock autograde agrees with ours."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import numpy as np
import pytest
import sqlalchemy as sa
from nbgrader import api

from courses.cases import CaseStore
from exams import exchange, gradebook, marking, paper
from exams.autograde.answers import code_marks
from exams.form import Form
from exams.items import TYPES, Item, load_bank
from exams.part import images_of

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
CLOSED_MS = 1_790_000_000_123


class Sheets:
    """Sittings as plain data: what the response store gives."""

    def __init__(self, responses: Mapping[str, Mapping[str, object]]):
        self.held = responses

    def responses(self, exam: str, items: object = None) -> Mapping[str, Mapping[str, object]]:  # noqa: ARG002
        return self.held

    def submitted_at(self, exam: str) -> Mapping[str, int]:  # noqa: ARG002
        return dict.fromkeys(self.held, CLOSED_MS)


@pytest.fixture(scope="module")
def form() -> Form:
    """One or two items of each type, and the case that measuring them needs."""
    chosen: list[Item] = []
    for item in load_bank(BANK):
        same = [other for other in chosen if other.type == item.type]
        if len(same) < 2:
            chosen.append(item)
    assert {item.type for item in chosen} == set(TYPES)
    return Form("A", "small", tuple(chosen))


HOSTILE = "'; import os; answer = 1 #\n### BEGIN HIDDEN TESTS"


def designed(form: Form) -> dict[str, dict[str, object]]:
    """Every item answered in every way by somebody."""
    examples = {item.id: marking.examples(item) for item in form.items}
    return {
        "1001": {name: own.correct for name, own in examples.items()},
        "1002": {name: own.wrong for name, own in examples.items()},
        "1003": {name: own.invalid for name, own in examples.items()},
        "1004": dict.fromkeys(examples, HOSTILE),
        "1005": {
            item.id: list(item.key)[:1] for item in form.items if item.type == "X" and isinstance(item.key, tuple)
        },
        "1006": {},
    }


def drawn(form: Form) -> dict[str, dict[str, object]]:
    """As designed, and by 44 others in ways drawn at random."""
    ways, rng = list(designed(form).values()), np.random.default_rng(7)
    some = {
        str(n): {item.id: ways[rng.integers(len(ways))].get(item.id) for item in form.items} for n in range(2001, 2045)
    }
    return designed(form) | some


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory, form: Form) -> Path:
    home = tmp_path_factory.mktemp("home")
    course = home / "nbgrader" / "diagnostics"
    gradebook.prepare(course, home)
    paper.write_source(course, form)
    paper.release(course, form)
    return course


def test_the_release_holds_no_secret(course: Path, form: Form) -> None:
    source = (course / "source" / "small" / "small.ipynb").read_text(encoding="utf-8")
    release = (course / "release" / "small" / "small.ipynb").read_text(encoding="utf-8")
    cells = nbformat.reads(release, 4).cells
    text = "\n".join(cell.source for cell in cells)
    for item in form.items:
        assert item.stem in text
        secrets = [item.model_answer, *(text for _, text in item.rubric)]
        for secret in filter(None, secrets):
            assert secret in source
            assert secret not in release
        for secret in filter(None, [item.rationale, item.source]):
            assert secret not in release
    graded = [cell for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert all("value" not in cell.source and "right" not in cell.source for cell in graded)
    begun = {f"{item.starter}\nanswer = None" for item in form.items if item.type == "code"}
    solved = {cell.source for cell in cells if cell.metadata.get("nbgrader", {}).get("solution")}
    assert solved == {"answer = None", "（未作答）", *begun}
    for item in form.items:
        hidden = item.tests.partition("BEGIN HIDDEN TESTS")[2].splitlines()
        for secret in filter(None, [item.solution, *(line.strip() for line in hidden if "assert" in line)]):
            assert secret not in text
    assert "HIDDEN" not in release
    assert "SOLUTION" not in release


def scores(course: Path) -> dict[tuple[str, str], float | None]:
    with gradebook.opened(course) as book:
        query = (
            sa.select(api.SubmittedAssignment.student_id, api.GradeCell.name, api.Grade.auto_score)
            .select_from(api.Grade)
            .join(api.SubmittedNotebook, api.Grade.notebook_id == api.SubmittedNotebook.id)
            .join(api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .join(api.GradeCell, api.GradeCell.id == api.Grade.cell_id)
        )
        return {(student, cell): score for student, cell, score in book.db.execute(query)}


def comments(course: Path) -> dict[tuple[str, str], str | None]:
    with gradebook.opened(course) as book:
        query = (
            sa.select(api.SubmittedAssignment.student_id, api.SolutionCell.name, api.Comment.auto_comment)
            .select_from(api.Comment)
            .join(api.SubmittedNotebook, api.Comment.notebook_id == api.SubmittedNotebook.id)
            .join(api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .join(api.SolutionCell, api.SolutionCell.id == api.Comment.cell_id)
        )
        return {(student, cell): said for student, cell, said in book.db.execute(query)}


def nbgrader(course: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "nbgrader", *arguments]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("answers", [designed, drawn])
def test_stock_autograde_gives_the_same_marks(
    course: Path, form: Form, tmp_path: Path, answers: Callable[[Form], dict[str, dict[str, object]]]
) -> None:
    course, sheets = unmarked(course, tmp_path / course.name), answers(form)
    images = images_of(form, CaseStore(tmp_path / "cases").open)
    assert exchange.collect(course, form, set(sheets), Sheets(sheets), images) == sorted(sheets)
    assert exchange.collect(course, form, set(sheets), Sheets(sheets), images) == []
    text = (exchange.submitted_folder(course, form, "1001") / "timestamp.txt").read_text()
    assert datetime.strptime(text, "%Y-%m-%d %H:%M:%S.%f UTC").replace(tzinfo=UTC) == exchange.instant(CLOSED_MS)
    stock = unmarked(course, tmp_path / "stock" / course.name)

    closed = dict.fromkeys(sheets, exchange.instant(CLOSED_MS))
    run = code_marks(form.items, sheets, [sys.executable, "-m", "hub.cli", "answers"])
    marks = {number: own | run[number] for number, own in marking.sheets(form.items, sheets, images).items()}
    gradebook.record(course, form, marks, closed, {})
    ours, remarks = scores(course), comments(course)
    assert ours["1001", form.items[0].id] == form.items[0].points
    assert len(ours) == len(sheets) * len(form.items)

    assert scores(stock) == {}
    nbgrader(stock, "autograde", "small")
    assert scores(stock) == ours
    code = {item.id + paper.ANSWER for item in form.items if item.type == "code"}  # we say why, nbgrader does not
    assert {key: said for key, said in comments(stock).items() if key[1] not in code} == {
        key: said for key, said in remarks.items() if key[1] not in code
    }


def test_who_is_marked_later_gets_no_marks_of_others(course: Path, form: Form, tmp_path: Path) -> None:
    """One run with candidates who were marked before and others who were not."""
    course, sheets = unmarked(course, tmp_path / course.name), designed(form)
    programs = {item.id: marking.mark(item, None) for item in form.items if item.type == "code"}
    images = images_of(form, CaseStore(tmp_path / "cases").open)
    marks = {number: own | programs for number, own in marking.sheets(form.items, sheets, images).items()}
    closed = dict.fromkeys(sheets, exchange.instant(CLOSED_MS))
    for numbers in (("1002", "1005"), sorted(sheets)):
        gradebook.record(course, form, {n: marks[n] for n in numbers}, {n: closed[n] for n in numbers}, {})
    given = {
        (number, item): mark.points
        for number, own in marks.items()
        for item, mark in own.items()
        if mark.correct is not None
    }
    assert {key: points for key, points in scores(course).items() if points is not None} == given
    assert len({sum(given[key] for key in given if key[0] == number) for number in sheets}) > 2


def unmarked(course: Path, to: Path) -> Path:
    """A copy of a course in which nothing is marked yet."""
    shutil.copytree(course, to)
    gradebook.prepare(to, to.parent)
    return to


def tables(path: Path) -> dict[str, object]:
    """The statements that make each table, and what is in them."""
    with closing(sqlite3.connect(path)) as database:
        made: dict[str, str] = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))
        rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in ("alembic_version", "course")}
    return {**{name: " ".join(sql.split()) for name, sql in made.items() if name != "alembic_version"}, **rows}


def test_a_new_gradebook_is_as_nbgrader_makes_it_and_needs_no_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stock = "from nbgrader.api import Gradebook; Gradebook('sqlite:///stock.db', 'course').close()"
    programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])  # it starts `alembic`
    subprocess.run([sys.executable, "-c", stock], cwd=tmp_path, env={**os.environ, "PATH": programs}, check=True)
    monkeypatch.delenv("PATH")
    with gradebook.opened_at(f"sqlite:///{tmp_path}/ours.db", "course"):
        pass
    assert tables(tmp_path / "ours.db") == tables(tmp_path / "stock.db")
