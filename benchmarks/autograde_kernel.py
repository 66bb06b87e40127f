"""`nbgrader autograde` with our kernel against the stock one: nbgrader's quickstart assignment, marks compared.

Both runs are nbgrader's own command over the same submissions; the kernel's name in the notebooks is all that differs.
The submissions are the two that nbgrader's documentation has, handed in by as many students as asked for.

    python -m benchmarks autograde_kernel --students 20
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import nbgrader
from nbgrader.api import Gradebook

from hub.serve import program_path

GUIDE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
ASSIGNMENT = "ps1"
MARK_S = 900


def course(folder: Path, kernel: str, students: int) -> None:
    """A course with the released assignment and its submissions, all for `kernel`."""
    shutil.copytree(GUIDE / "source" / ASSIGNMENT, folder / "source" / ASSIGNMENT)
    answers = sorted(path / ASSIGNMENT for path in (GUIDE / "submitted").iterdir())
    for number in range(students):
        shutil.copytree(answers[number % len(answers)], folder / "submitted" / f"student{number:03}" / ASSIGNMENT)
    for path in folder.rglob("*.ipynb"):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata["kernelspec"] = {"name": kernel, "display_name": kernel, "language": "python"}
        nbformat.write(notebook, path)
    run(folder, "generate_assignment", ASSIGNMENT, "--create")


def run(folder: Path, *command: str) -> None:
    """One nbgrader command in the course's folder; RuntimeError with its last lines where it fails."""
    arguments = [sys.executable, "-m", "nbgrader", *command]
    environment = {**os.environ, "PATH": program_path(), "JUPYTER_CONFIG_DIR": str(folder / "no-configuration")}
    done = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=MARK_S)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr[-2000:]}")


def marks(folder: Path) -> dict[tuple[str, str, str], float | None]:
    """The automatic mark of each cell: by student, notebook and cell."""
    with Gradebook(f"sqlite:///{folder}/gradebook.db") as gradebook:
        return {
            (submission.student_id, notebook.name, grade.name): grade.auto_score
            for submission in gradebook.assignment_submissions(ASSIGNMENT)
            for notebook in submission.notebooks
            for grade in notebook.grades
        }


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    parser.add_argument("--students", type=int, default=2, help="submissions, of two notebooks each")
    options = parser.parse_args()
    seconds, found = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        for kernel in ("python3", "xinglin"):
            place = Path(folder) / kernel
            course(place, kernel, options.students)
            begun = time.perf_counter()
            run(place, "autograde", ASSIGNMENT)
            seconds[kernel], found[kernel] = time.perf_counter() - begun, marks(place)
    equal = sum(found["xinglin"].get(key) == mark for key, mark in found["python3"].items())
    ours, stock = seconds["xinglin"], seconds["python3"]
    print(f"autograde_kernel {ours:.1f} {stock:.1f} {stock / ours:.1f} s")
    print(f"autograde_equal_marks {equal} {len(found['python3'])} {equal / len(found['python3']):.3f} cells")


if __name__ == "__main__":
    main()
