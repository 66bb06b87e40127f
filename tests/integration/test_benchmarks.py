"""The benchmarks run, and print what they promise: one line a figure."""

import re
import subprocess
import sys

from benchmarks.__main__ import names
from tests.support.exam_host import ROOT
from tests.support.ports import free_port

FIGURE = re.compile(r"[a-z][a-z0-9_]* -?[\d.e+-]+ -?[\d.e+-]+ -?[\d.e+-]+ \S+")


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_an_unknown_name_is_one_clear_sentence():
    done = run("no_such_thing")
    assert done.returncode == 1
    assert done.stderr == f"There is no benchmark 'no_such_thing'; there are: {', '.join(names())}.\n"


def figures(name, *small):
    """The lines of a small run, each a figure."""
    done = run(name, *small)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if not FIGURE.fullmatch(line)] == []
    return lines


def test_a_small_exam_loses_nothing():
    small = (
        "--candidates",
        20,
        "--every",
        0.5,
        "--seconds",
        6,
        "--within",
        1,
        "--kills",
        1,
        "--port",
        free_port(),
        "--beat",
        1,
        "--database",
        "sqlite",
    )
    assert "exam_room_lost 0 0 1 responses" in figures("exam_room", *small)


def test_a_few_pages_of_a_lab():
    lines = figures("lab_page", "--opens", 1, "--herd", 2)
    assert [line.split()[0] for line in lines] == ["lab_page", "lab_herd", "lab_memory"]


def test_a_few_open_labs_and_a_slider():
    lines = figures("open_labs", "--labs", 2, "--moves", 2, "--seconds", 2)
    assert [line.split()[0] for line in lines] == ["open_labs_slider_p95", "open_labs_memory"]


def test_marks_are_the_same_ours_and_nbgraders():
    lines = figures("autograde", "--students", 2)
    titles = ["quickstart", "lab"]
    equal = {line.split()[0]: line.split()[3] for line in lines if "equal" in line}
    assert equal == {f"autograde_{title}_equal_marks": "1.000" for title in titles}
    assert len(lines) == 2 * len(titles) + 2


def test_a_few_forms_are_assembled():
    (line,) = figures("assembly", "--items", 500, "--forms", 2)
    assert line.split()[0] == "assembly"


def test_a_small_exam_is_marked():
    lines = figures("marking", "--candidates", 10, "--items", 12)
    assert [line.split()[0] for line in lines] == ["marking_10x12", "marking_and_notebooks"]


def test_a_few_answers_at_the_marking_desk():
    small = ("--answers", 60, "--nexts", 5, "--pause", 0, "--every", 0.2, "--database", "sqlite", "--port", free_port())
    lines = figures("marking_desk", *small)
    assert "marking_desk_lost 0 0 1 marks" in lines
    assert "marking_desk_doubled 0 0 1 marks" in lines
