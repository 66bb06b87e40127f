"""Marking code in bulk: `nbgrader autograde` beside ours, on the same submissions, marks compared cell by cell.

Two assignments: nbgrader's own quickstart, with the two submissions that its documentation has, and a lab of ours, with
answers put together of right, wrong, partly right and broken ones. Each is handed in by as many students as asked for.
Ours is the command that a teacher gives, from its start to its end; and, as `..._each`, what a submission costs once
the sandbox has started, from the first that is marked to the last. With `--kernel`, nbgrader's command runs once more
with our forked kernels, and that is its own figure.

    python -m benchmarks autograde --students 40
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import jupytext
import nbformat
import nbgrader
from nbgrader.api import Gradebook

from hub.serve import program_path

GUIDE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
LAB = Path(__file__).parents[1] / "exams" / "assignments" / "01_heart_rate.py"
SEED = 11
ANSWERS = {
    "rr": [
        "def rr_intervals(peaks):\n    if len(peaks) < 2:\n        raise ValueError('too few')\n"
        "    return [b - a for a, b in zip(peaks, peaks[1:])]",
        "import numpy as np\ndef rr_intervals(peaks):\n    return np.diff(peaks)",
        "def rr_intervals(peaks):\n    return [peaks[i] - peaks[i - 1] for i in range(len(peaks))]",
        "def rr_intervals(peaks):\n    return [b - a for a b in peaks]",
        "def rr_intervals(peaks):\n    # YOUR CODE HERE\n    raise NotImplementedError()",
    ],
    "rate": [
        "def mean_rate(peaks):\n    rr = rr_intervals(peaks)\n    return 60 * len(rr) / sum(rr)",
        "def mean_rate(peaks):\n    return 60 * (len(peaks) - 1) / (peaks[-1] - peaks[0])",
        "def mean_rate(peaks):\n    return 60 * len(peaks) / (peaks[-1] - peaks[0])",
        "def mean_rate(peaks):\n    return undefined_name",
    ],
    "variability": [
        "def rmssd(peaks):\n    d = [b - a for a, b in zip(rr_intervals(peaks), rr_intervals(peaks)[1:])]\n"
        "    return 1000 * (sum(x * x for x in d) / len(d)) ** 0.5",
        "def rmssd(peaks):\n    return np.std(rr_intervals(peaks)) * 1000",
        "def rmssd(peaks):\n    print('rmssd')\n    return str(peaks)",
    ],
    "rhythm": [
        "def rhythm(rate):\n    return '过缓' if rate < 60 else '过速' if rate > 100 else '正常'",
        "def rhythm(rate):\n    return '过缓' if rate <= 60 else '过速' if rate >= 100 else '正常'",
        "def rhythm(rate):\n    return None",
    ],
}


def quickstart(folder: Path, kernel: str, students: int) -> str:
    """A course with nbgrader's quickstart assignment and its submissions; gives the assignment's name."""
    name = "ps1"
    shutil.copytree(GUIDE / "source" / name, folder / "source" / name)
    answers = sorted(path / name for path in (GUIDE / "submitted").iterdir())
    for number in range(students):
        shutil.copytree(answers[number % len(answers)], folder / "submitted" / f"student{number:03}" / name)
    for path in folder.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        nbformat.write(notebook, path)
    run(folder, "nbgrader", "generate_assignment", name, "--create")
    return name


def lab(folder: Path, kernel: str, students: int) -> str:
    """A course with the lab and generated submissions; gives the assignment's name."""
    name, chance = "heart_rate", random.Random(SEED)
    source = jupytext.read(LAB)
    source.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
    path = folder / "source" / name / f"{name}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(source, path)
    run(folder, "nbgrader", "generate_assignment", name, "--create")
    for number in range(students):
        notebook = nbformat.read(folder / "release" / name / f"{name}.ipynb", as_version=4)
        for cell in notebook.cells:
            if own := ANSWERS.get(cell.metadata.get("nbgrader", {}).get("grade_id")):
                cell.source = chance.choice([own[0], *own])  # the right one twice as often
        handed_in = folder / "submitted" / f"student{number:03}" / name / f"{name}.ipynb"
        handed_in.parent.mkdir(parents=True)
        nbformat.write(notebook, handed_in)
    return name


def run(folder: Path, *command: str) -> tuple[float, list[float]]:
    """Seconds that a command took in the course's folder, and after which it said a line on stderr.

    RuntimeError with its last lines where it fails.
    """
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PATH": program_path(), "JUPYTER_CONFIG_DIR": str(folder / "no-configuration")}
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    begun = time.perf_counter()
    arguments = [sys.executable, "-m", *command]
    said, times = [], []
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        arguments, cwd=folder, env=environment, stdout=quiet, stderr=subprocess.PIPE, text=True
    ) as one:
        for line in one.stderr or ():
            said.append(line)
            times.append(time.perf_counter() - begun)
    if one.returncode:
        raise RuntimeError(f"{' '.join(command)}: {''.join(said)[-2000:]}")
    return time.perf_counter() - begun, times


def marks(folder: Path, assignment: str) -> dict[tuple[str, str, str], tuple[float | None, bool]]:
    """The automatic mark of each cell and whether a marker is needed: by student, notebook and cell."""
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        return {
            (submission.student_id, notebook.name, grade.name): (grade.auto_score, grade.needs_manual_grade)
            for submission in gradebook.assignment_submissions(assignment)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def measured(name: str, make: Callable[[Path, str, int], str], students: int, kernel: bool) -> None:
    """Print the figures of one assignment."""
    seconds: dict[str, float] = {}
    found: dict[str, dict[tuple[str, str, str], tuple[float | None, bool]]] = {}
    each = 0.0
    with tempfile.TemporaryDirectory() as place:
        for way in ("ours", "stock", "kernel") if kernel else ("ours", "stock"):
            folder = Path(place) / way
            folder.mkdir()
            assignment = make(folder, "xinglin" if way == "kernel" else "python3", students)
            if way == "ours":
                seconds[way], said = run(folder, "hub.cli", "exam", "mark", "--course", str(folder), assignment)
                each = (said[-1] - said[0]) / (len(said) - 1)
            else:
                seconds[way], _ = run(folder, "nbgrader", "autograde", assignment)
            found[way] = marks(folder, assignment)
    stock = found.pop("stock")
    for way, own in found.items():
        title = f"autograde_{name}" + ("" if way == "ours" else "_kernel")
        if way == "ours":
            print(
                f"{title}_each {each:.3f} {seconds['stock'] / students:.3f} {seconds['stock'] / students / each:.1f} s"
            )
        equal = sum(own.get(key) == mark for key, mark in stock.items())
        print(f"{title} {seconds[way]:.1f} {seconds['stock']:.1f} {seconds['stock'] / seconds[way]:.1f} s")
        print(f"{title}_equal_marks {equal} {len(stock)} {equal / len(stock):.3f} cells", flush=True)


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    parser.add_argument("--students", type=int, default=2, help="submissions, in the quickstart of two notebooks each")
    parser.add_argument("--kernel", action="store_true", help="nbgrader's command with our kernels, too")
    options = parser.parse_args()
    for name, make in (("quickstart", quickstart), ("lab", lab)):
        measured(name, make, options.students, options.kernel)


if __name__ == "__main__":
    main()
