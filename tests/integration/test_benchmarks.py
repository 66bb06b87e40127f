"""The benchmarks run, and print what they promise: one line a figure."""

import re
import subprocess
import sys

import pytest

from benchmarks.__main__ import names
from tests.exam_host import ROOT
from tests.platform import free_port

FIGURE = re.compile(r"[a-z][a-z0-9_]* -?[\d.e+-]+ -?[\d.e+-]+ -?[\d.e+-]+ \S+")


def run(*arguments):
    command = [sys.executable, "-m", "benchmarks", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_an_unknown_name_is_one_clear_sentence():
    done = run("no_such_thing")
    assert done.returncode == 1
    assert done.stderr == f"There is no benchmark 'no_such_thing'; there are: {', '.join(names())}.\n"


@pytest.mark.parametrize("name", ["exam_room"])
def test_a_small_run_prints_figures_and_loses_nothing(name):
    small = ("--candidates", 20, "--every", 0.5, "--seconds", 2, "--port", free_port())
    done = run(name, *small)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert [line for line in lines if not FIGURE.fullmatch(line)] == []
    assert "exam_room_lost 0 0 1 responses" in lines
