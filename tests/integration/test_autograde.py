"""Code is marked by both halves as nbgrader marks it: the same points, and nothing hidden in the notebooks."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbgrader.api import Gradebook

from benchmarks.autograde import lab, quickstart, run
from exams.autograde import marker as marking
from exams.autograde import verdict
from exams.autograde.answers import check, code_marks
from exams.autograde.assignment import assignment
from exams.autograde.course import CourseError, mark_assignment
from exams.autograde.marker import Marker
from exams.items import load_bank
from exams.marking import BLANK, CORRECT, Mark, examples
from tests.support.code_course import SANDBOX, marks, notebook

ROOT = Path(__file__).parents[2]
PLAIN = [sys.executable, "-m", "tests.support.plain_answers"]  # of our own answers alone
LAB = ROOT / "exams" / "assignments" / "01_heart_rate.py"


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)  # where answers without a sandbox write


def changed(course: Path, student: str, name: str, notebook: str, **cells: str) -> None:
    """Other text in cells of a submission, by grade_id."""
    path = course / "submitted" / student / name / f"{notebook}.ipynb"
    own = nbformat.read(path, 4)
    for cell in own.cells:
        cell.source = cells.get(cell.metadata.get("nbgrader", {}).get("grade_id", ""), cell.source)
    nbformat.write(own, path)


@pytest.mark.timeout(600)
def test_stock_autograde_gives_the_same_marks(tmp_path: Path) -> None:
    courses = [tmp_path / "ours", tmp_path / "stock"]
    for course in courses:
        course.mkdir()
        quickstart(course, "python3", 5)
        (course / "submitted" / "student002" / "ps1" / "problem2.ipynb").unlink()
        changed(course, "student003", "ps1", "problem1", squares="def squares(n)\n    return 'syntax'")
        warns = (
            "import sys\ndef squares(n):\n    print(n, file=sys.stderr)\n    return [i * i for i in range(1, n + 1)]"
        )
        changed(course, "student004", "ps1", "problem1", squares=warns, sum_of_squares_equation="YOUR ANSWER HERE")
    ours, stock = courses
    run(stock, "nbgrader", "autograde", "ps1")
    seen: list[tuple[int, int]] = []
    report = mark_assignment(ours, "ps1", SANDBOX, lambda *progress: seen.append(progress))
    assert report.marked == [f"student{number:03}" for number in range(5)]
    assert seen == [(number, 5) for number in range(1, 6)]
    assert marks(ours, "ps1") == marks(stock, "ps1")

    assert mark_assignment(ours, "ps1", SANDBOX).skipped == report.marked
    shutil.rmtree(ours / "autograded" / "student001")
    stamp = ours / "submitted" / "student002" / "ps1" / "timestamp.txt"
    stamp.write_text("2099-01-01 00:00:00 UTC")
    assert mark_assignment(ours, "ps1", SANDBOX).marked == ["student001", "student002"]


def test_a_lab_and_what_a_marker_sees_of_it(tmp_path: Path) -> None:
    """That its marks are nbgrader's own is in tests/integration/test_benchmarks.py."""
    ours = tmp_path / "ours"
    ours.mkdir()
    name = lab(ours, "python3", 3)
    broken = ours / "submitted" / "broken" / name / f"{name}.ipynb"
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    report = mark_assignment(ours, name, SANDBOX)
    assert list(report.failed) == ["broken"]
    assert not (ours / "autograded" / "broken").exists()
    for student in report.marked:
        text = (ours / "autograded" / student / name / f"{name}.ipynb").read_text()
        for hidden in ("HIDDEN", "0.85", "两个 R 波时没有引发", "kept", "wanted"):
            assert hidden not in text
    run(ours, "nbgrader", "generate_feedback", name)


def refusals(source: Any) -> list[str]:
    async def checked() -> list[str]:
        async with Marker(PLAIN, at_once=1) as marker:
            return [str(one) for one in await marker.check(assignment(source), source)]

    return asyncio.run(checked())


@pytest.mark.parametrize(
    ("cell", "tests", "said"),
    [
        ("def f(n):\n    return n", "assert f(1) == 1", []),
        ("def f(n):\n    print(n)",
         "import io, contextlib\nb = io.StringIO()\nwith contextlib.redirect_stdout(b):\n    f(3)\n"
         "assert b.getvalue() == '3\\n'", ["test, line 5: " + marking.PRINTED]),
        ("def f(n):\n    open('a.txt', 'w').write('3')", "f(3)\nassert open('a.txt').read() == '3'",
         ["test, line 2: " + marking.FILES]),
        ("import random\ndef f():\n    return random.random()", "x = f()\nassert x == f() or x == 0",
         ["test, line 2: " + marking.CHANGES]),
        ("def f(own):\n    own.sort()", "xs = [2, 1]\nf(xs)\nassert xs == [1, 2]",
         ["test, line 3: " + marking.ARGUMENT.format(name="xs")]),
        ("class V:\n    def __add__(self, other):\n        return 3", "assert V() + V() == 3",
         ["test, line 1: " + marking.OBJECT]),
        ("def f():\n    return 1", "f() / 2", ["test, line 1: " + marking.LESS.format(points="0.5", maximum="2")]),
        ("def f():\n    return 1", "\nassert f() == 2",
         ["test, line 2: " + marking.UNSOLVED.format(reason=verdict.FAILED, error="AssertionError: ")]),
        ("def f():\n    return 1", "%time f()", [
            "test, line 1: This is no plain Python: IPython's own commands (`%`, `!`, `?`) cannot stand in it."]),
    ],
)  # fmt: skip
def test_a_test_that_cannot_be_marked_apart_is_refused(cell: str, tests: str, said: list[str]) -> None:
    assert refusals(notebook(cell, tests=tests)) == said


def outcomes(source: Any, **cells: str) -> dict[str, tuple[float, str]]:
    """What a submission earns where students' cells have this text, by both real halves."""
    own = assignment(source)
    for cell in source.cells:
        cell.source = cells.get(cell.metadata["nbgrader"]["grade_id"], cell.source)

    async def marked() -> dict[str, tuple[float, str]]:
        async with Marker(SANDBOX) as marker:
            found = await marker.mark(own, source)
            return {name: (one.points, one.reason) for name, one in found.outcomes.items()}

    return asyncio.run(marked())


YES = "class Yes(int):\n    def __eq__(self, other):\n        return True\ndef f(n):\n    return Yes(n)"


ANSWERS = {
    "def f(n):\n    return n * n": (2.0, verdict.PASSED),
    "def f(n):\n    return n": (0.0, verdict.FAILED),
    "def f(n):\n    raise ValueError('no')": (0.0, verdict.RAISED),
    "x = 1": (0.0, verdict.MISSING),
    "def f(n):\n    return object()": (0.0, verdict.NO_DATA),
    "import sys\ndef f(n):\n    print('!', file=sys.stderr)\n    return n * n": (0.0, verdict.WROTE),
    "def f(n):\n    import os\n    os._exit(0)": (0.0, marking.STOPPED),
    # a value that would say yes to every question, and a number that a test's own arithmetic dies of
    YES: (0.0, verdict.NO_DATA),
    "def f(n):\n    return 9 if n == 3 else 10 ** 1000000": (0.0, verdict.TOO_MUCH),
    # students who reach for what Python tests with, for the test, and for what is to be emitted
    "import builtins\nbuiltins.AssertionError = None\ndef f(n):\n    return 0": (0.0, verdict.FAILED),
    "import sys\ndef f(n):\n    return str(sys._getframe(2).f_globals)": (0.0, verdict.FAILED),
    "import sys\ndef f(n):\n    sys._getframe(1).f_globals['__leaf__'] = print\n    return 0": (0.0, verdict.FAILED),
}


def test_an_answer_earns_what_its_values_are_worth() -> None:
    source = notebook("def f(n):\n    return n * n", tests="assert f(3) == 9\nassert 7 ** f(2) == 2401")
    own = assignment(source)

    async def marked() -> dict[str, tuple[float, str]]:
        async with Marker(SANDBOX) as marker:
            found = {}
            for answer in ANSWERS:
                source.cells[0].source = answer
                outcome = (await marker.mark(own, source)).outcomes["test"]
                found[answer] = (outcome.points, outcome.reason)
            return found

    assert asyncio.run(marked()) == ANSWERS


def test_a_test_that_reads_and_prints_disturbs_nothing() -> None:
    tests = "import this, os\nos.system('echo printed')\nprint(f(3))\ntry:\n    input()\nexcept EOFError:\n    pass\n2"
    source = notebook("import antigravity_of_mars\ndef f(n):\n    return n", "def f(n):\n    return n", tests=tests)

    async def marked() -> list[float]:
        async with Marker(SANDBOX, at_once=1) as marker:
            every = [marker.mark(assignment(source), source) for _ in range(3)]
            return [one.outcomes["test"].points for one in await asyncio.gather(*every)]

    assert asyncio.run(marked()) == [2.0, 2.0, 2.0]


def test_a_loop_without_an_end_costs_its_own_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(marking, "LIMITS", {**marking.LIMITS, "wall_s": 4.0, "cpu_s": 60})
    source = notebook("def f(n):\n    return n", "def g(n):\n    return n", tests="assert f(1) == 1")
    other = notebook(tests="assert g(1) == 1").cells
    other[0].metadata["nbgrader"]["grade_id"] = "other"
    source.cells += other
    found = outcomes(source, c0="def f(n):\n    while True: pass")
    assert found == {"test": (0.0, marking.TIME), "other": (2.0, verdict.PASSED)}


def test_a_runner_that_dies_is_started_again(tmp_path: Path) -> None:
    flag = tmp_path / "died"
    script = tmp_path / "answers.py"
    script.write_text(
        f"import os, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
        f"if not os.path.exists({str(flag)!r}):\n    open({str(flag)!r}, 'w').close()\n"
        "    sys.stdin.readline()\n    os._exit(3)\n"
        "from tests.support.plain_answers import main\nmain()\n"
    )
    source = notebook("def f(n):\n    return n", tests="assert f(1) == 1")

    async def marked() -> float:
        async with Marker([sys.executable, str(script)], at_once=1) as marker:
            found = await marker.mark(assignment(source), source)
            return found.outcomes["test"].points

    assert asyncio.run(marked()) == 2.0
    assert flag.exists()


CODE = [item for folder in sorted((ROOT / "exams" / "bank").iterdir()) if folder.is_dir() for item in load_bank(folder)]
CODE = [item for item in CODE if item.type == "code"]


def test_the_code_items_of_our_banks() -> None:
    async def checked() -> list[str]:
        async with Marker(SANDBOX) as marker:
            return [str(one) for item in CODE for one in await check(marker, item)]

    assert asyncio.run(checked()) == []
    own = {item.id: examples(item) for item in CODE}
    sheets = {
        "right": {name: one.correct for name, one in own.items()},
        "wrong": {name: one.wrong for name, one in own.items()},
        "invalid": {name: one.invalid for name, one in own.items()},
        "blank": {},
        "partly": {"dx-code-003": "def anion_gap(na, cl, hco3, albumin=40):\n    return na - cl - hco3"},
    }
    marks = code_marks(CODE, sheets, SANDBOX)
    for item in CODE:
        assert marks["right"][item.id] == Mark(item.points, item.points, True, CORRECT)
        assert marks["wrong"][item.id] == Mark(0.0, item.points, False, verdict.MISSING)
        assert {marks[number][item.id].reason for number in ("invalid", "blank")} == {BLANK}
    assert marks["partly"]["dx-code-003"] == Mark(2.0, 4.0, False, verdict.PARTLY)


def test_a_bank_whose_solution_does_not_pass_is_refused(tmp_path: Path) -> None:
    text = (ROOT / "exams" / "bank" / "diagnostics" / "programs.yaml").read_text(encoding="utf-8")
    (tmp_path / "one.yaml").write_text(text.replace("rr = 60 / rate", "rr = rate / 60"), encoding="utf-8")
    arguments = [sys.executable, "-m", "hub.cli", "exam", "check", str(tmp_path)]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.strip().startswith("Error: dx-code-002, line 3: The reference solution does not pass this test")


def test_the_lab_passes_its_own_check() -> None:
    assert refusals(jupytext.read(LAB)) == []


@pytest.fixture
def course(tmp_path: Path) -> Path:
    source = notebook("### BEGIN SOLUTION\ndef f():\n    print(1)\n### END SOLUTION", tests="assert f() == 1")
    (tmp_path / "source" / "a").mkdir(parents=True)
    nbformat.write(source, tmp_path / "source" / "a" / "a.ipynb")
    return tmp_path


def test_an_assignment_is_refused_as_a_whole(course: Path) -> None:
    with pytest.raises(CourseError, match="The course has no assignment a"):
        mark_assignment(course, "a", PLAIN)
    run(course, "nbgrader", "generate_assignment", "a", "--create")
    with pytest.raises(CourseError, match="test, line 1: The reference solution does not pass this test"):
        mark_assignment(course, "a", PLAIN)
    arguments = [sys.executable, "-m", "hub.cli", "exam", "mark", "--course", str(course), "a"]
    done = subprocess.run(arguments, env=os.environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "The reference solution does not pass this test" in done.stderr


def handed_in(course: Path, student: str, text: str = "def f():\n    return 1") -> Path:
    """The folder of a submission with `text` for an answer."""
    folder = course / "submitted" / student / "a"
    folder.mkdir(parents=True)
    own = nbformat.read(course / "release" / "a" / "a.ipynb", 4)
    own.cells[0].source = text
    nbformat.write(own, folder / "a.ipynb")
    return folder


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course with a generated assignment, to be copied."""
    made = tmp_path_factory.mktemp("template")
    source = notebook("### BEGIN SOLUTION\ndef f():\n    return 1\n### END SOLUTION", tests="assert f() == 1")
    (made / "source" / "a" / "data").mkdir(parents=True)
    (made / "source" / "a" / "data" / "x.csv").write_text("1")
    nbformat.write(source, made / "source" / "a" / "a.ipynb")
    run(made, "nbgrader", "generate_assignment", "a", "--create")
    return made


@pytest.fixture
def generated(tmp_path: Path, template: Path) -> Path:
    return shutil.copytree(template, tmp_path, dirs_exist_ok=True)


def test_a_submission_that_cannot_be_read_costs_no_other_its_marks(generated: Path) -> None:
    texts = {
        "half a character": lambda text: text.replace("return 1", "return 1 # \\ud83d"),
        "no text": lambda text: json.dumps({**json.loads(text), "cells": [{"cell_type": "code", "source": 5}]}),
        "too deep": lambda text: text.replace('"nbformat":', '"x": ' + "[" * 100_000 + "]" * 100_000 + ', "nbformat":'),
        "too long": lambda text: text.replace("return 1", "return 1 #" + "长" * (5 << 20)),
        "a list": lambda _: "[]",
    }
    for student, spoilt in texts.items():
        path = handed_in(generated, student) / "a.ipynb"
        path.write_text(spoilt(path.read_text()))
    (handed_in(generated, "a file for a folder") / "data").write_text("x")
    os.mkfifo(handed_in(generated, "a pipe") / "pipe")
    (handed_in(generated, "a time of its own") / "timestamp.txt").write_text("yesterday, I think")
    (handed_in(generated, "another name") / "a.ipynb").rename(
        generated / "submitted" / "another name" / "a" / "b.ipynb"
    )
    handed_in(generated, "zealous")
    report = mark_assignment(generated, "a", PLAIN)
    assert report.marked == ["zealous"]
    assert report.failed.keys() == {*texts, "a file for a folder", "a pipe", "a time of its own", "another name"}
    assert marks(generated, "a")["zealous", "a", "test"] == (2.0, False, 2.0)
    assert mark_assignment(generated, "a", PLAIN).skipped == ["zealous"]
    shown = {path.name for path in (generated / "autograded").iterdir() if not path.name.startswith(".")}
    assert shown == {"zealous"}
    assert list((generated / "autograded" / ".draft").iterdir()) == []


def test_who_is_late_loses_what_nbgrader_takes_off(generated: Path) -> None:
    shutil.copytree(generated, stock := generated.parent / f"{generated.name}-stock")
    for course in (generated, stock):
        (course / "nbgrader_config.py").write_text("c.LateSubmissionPlugin.penalty_method = 'zero'\n")
        for student, day in (("early", 1), ("late", 3)):
            (handed_in(course, student) / "timestamp.txt").write_text(f"2026-06-0{day} 00:00:00 UTC")
        with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
            book.update_or_create_assignment("a", duedate="2026-06-02 00:00:00 UTC")
    run(stock, "nbgrader", "autograde", "a")
    mark_assignment(generated, "a", PLAIN)
    penalties = []
    for course in (generated, stock):
        with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
            found = book.assignment_submissions("a")
            penalties.append({one.student.id: (one.score, one.late_submission_penalty) for one in found})
    assert penalties[0] == penalties[1] == {"early": (2.0, 0.0), "late": (2.0, 2.0)}

    (generated / "submitted" / "late" / "a" / "timestamp.txt").write_text("2026-06-04 00:00:00 UTC")
    with Gradebook(f"sqlite:///{generated}/gradebook.db") as book:
        book.update_or_create_assignment("a", duedate="2026-06-05 00:00:00 UTC")
    assert mark_assignment(generated, "a", PLAIN).marked == ["late"]
    with Gradebook(f"sqlite:///{generated}/gradebook.db") as book:
        assert book.find_submission("a", "late").late_submission_penalty == 0


def test_a_course_that_sets_what_is_not_heeded_is_refused(course: Path) -> None:
    (course / "nbgrader_config.py").write_text("c.IgnorePattern.pattern = 'DeprecationWarning'\n")
    with pytest.raises(CourseError, match="The course sets IgnorePattern"):
        mark_assignment(course, "a", PLAIN)


def test_what_was_shown_before_is_replaced_as_a_whole(generated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process ends just after the old notebooks are out of the way: the next run shows the new ones."""
    folder = handed_in(generated, "s")
    (folder / "timestamp.txt").write_text("2026-06-01 00:00:00 UTC")
    mark_assignment(generated, "a", PLAIN)
    (folder / "timestamp.txt").write_text("2026-06-02 00:00:00 UTC")
    target, replace = generated / "autograded" / "s" / "a", Path.replace

    def ended(path: Path, to: Path) -> Path:
        if to == target:
            raise KeyboardInterrupt
        return replace(path, to)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", ended)
        with pytest.raises(KeyboardInterrupt):
            mark_assignment(generated, "a", PLAIN)
    assert mark_assignment(generated, "a", PLAIN).marked == ["s"]
    assert (target / "timestamp.txt").read_text() == "2026-06-02 00:00:00 UTC"
