"""An nbgrader assignment as it is marked: the cells of the source, a submission over them, and what is run of it. Pure.

Notebooks are nbformat's, of version 4. A *test* is a graded code cell that is no solution; what a submission has in
place of one does not count. A *shown* cell is locked and not graded: the teacher's imports and helpers.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from exams.autograde.split import Split, SplitError, import_lines, shown_code, split, student_names

Notebook = Any  # nbformat.NotebookNode, which has no types
NOTHING = "pass"  # what runs in place of a cell that was stopped


@dataclass(frozen=True)
class Cell:
    """A cell of the source notebook. name: its grade_id, "" where it has none; points: of a graded one."""

    name: str
    type: str
    source: str
    grade: bool = False
    solution: bool = False
    locked: bool = False
    points: float = 0.0
    checksum: str = ""

    @property
    def test(self) -> bool:
        """Whether it decides on answers."""
        return self.grade and not self.solution and self.type == "code"

    @property
    def shown(self) -> bool:
        """Whether it is a teacher's code that decides nothing."""
        return self.locked and not self.grade and not self.solution and self.type == "code"

    @property
    def students(self) -> bool:
        """Whether it is code that a student may write."""
        return self.type == "code" and not self.test and not self.shown


@dataclass(frozen=True)
class Assignment:
    """The cells of one notebook's source, in order, with solutions and hidden tests."""

    cells: tuple[Cell, ...]

    @cached_property
    def named(self) -> dict[str, Cell]:
        """The cells that nbgrader knows, by grade_id."""
        return {own.name: own for own in self.cells if own.name}

    @cached_property
    def student(self) -> frozenset[str]:
        """The names that the student's cells are to define."""
        return student_names(own.source for own in self.cells if own.students)

    @cached_property
    def defined(self) -> frozenset[str]:
        """The names that the teacher's shown cells define, which a student's code may use."""
        return student_names(own.source for own in self.cells if own.shown)

    @cached_property
    def imports(self) -> str:
        """What the notebook imports besides its tests, for tests that use it."""
        every = [import_lines(own.source) for own in self.cells if own.type == "code" and not own.test]
        return "\n".join(filter(None, every))

    def split(self, name: str) -> Split:
        """The two programs of a test. Raises SplitError."""
        return split(self.named[name].source, self.student, self.defined)


def assignment(source: Notebook) -> Assignment:
    """The assignment that a source notebook is."""
    return Assignment(tuple(_cell(own) for own in source.cells))


def _cell(own: Any) -> Cell:
    known = own.metadata.get("nbgrader", {})
    grade, solution = bool(known.get("grade")), bool(known.get("solution"))
    locked = not solution and (grade or bool(known.get("locked")))
    points = float(known.get("points", 0.0)) if grade else 0.0
    name = known.get("grade_id", "") if grade or solution or locked else ""
    return Cell(name, own.cell_type, own.source, grade, solution, locked, points, known.get("checksum", ""))


def overwritten(assignment: Assignment, submission: Notebook) -> Notebook:
    """A submission with the teacher's cells as they are in the source, and without outputs.

    As nbgrader does it: of cells with the same name the last counts, and what a submission says of a cell's kind, of
    its points or of its being locked does not.
    """
    notebook, seen = deepcopy(submission), set()
    for cell in reversed(notebook.cells):
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        known = cell.metadata.get("nbgrader")
        if known is None:
            continue
        own = assignment.named.get(known.get("grade_id"))
        if own is None or own.name in seen:
            del cell.metadata["nbgrader"]
            continue
        seen.add(own.name)
        _put_back(cell, own)
    return notebook


def _put_back(cell: Any, own: Cell) -> None:
    known = cell.metadata["nbgrader"]
    known.update(grade=own.grade, solution=own.solution, locked=own.locked, checksum=own.checksum)
    if own.grade:
        known["points"] = own.points
    if own.locked:
        cell.source = own.source
    if cell.cell_type != own.type:
        cell.cell_type = own.type
        for name in ("outputs", "execution_count", "attachments"):
            cell.pop(name, None)
        if own.type == "code":
            cell.outputs, cell.execution_count = [], None


@dataclass(frozen=True)
class Step:
    """A code cell that is run. at: its place in the notebook; name: the grade_id of a teacher's cell, "" for others."""

    at: int
    name: str
    source: str
    probe: bool


def steps(assignment: Assignment, notebook: Notebook) -> list[Step]:
    """What runs of a submission that was `overwritten`. A test that cannot be split does not run."""
    made = []
    for at, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        own = assignment.named.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if own is not None and own.test:
            try:
                made.append(Step(at, own.name, assignment.split(own.name).probe or NOTHING, True))
            except SplitError:
                made.append(Step(at, own.name, NOTHING, True))
        else:
            made.append(Step(at, own.name if own is not None and own.shown else "", cell.source, False))
    return made


def job(steps: list[Step], without: set[int], limits: Mapping[str, float]) -> dict[str, Any]:
    """The request to the sandbox; steps of `without` (by their place in the list) run nothing."""
    cells = [
        {"source": NOTHING if number in without else own.source, "probe": own.probe} for number, own in enumerate(steps)
    ]
    return {"cells": cells, **limits}


Replays = tuple[dict[str, Any], list[Step]]


def replays(assignment: Assignment, steps: list[Step], replies: Mapping[int, Any]) -> Replays:
    """The request to the judge, and the steps that its cells are of. `replies`: of the sandbox, by the step's place."""
    cells, of = [], []
    for number, own in enumerate(steps):
        if not own.name or (own.probe and number not in replies):
            continue
        if own.probe:
            try:
                made = assignment.split(own.name)
            except SplitError:
                continue
            reply, points = replies[number], assignment.named[own.name].points
            cells.append(
                {
                    "code": made.replay,
                    "points": points,
                    "quiet": made.quiet,
                    "stderr": _wrote(reply["outputs"]),
                    "leaves": reply["leaves"],
                }
            )
        else:
            code = shown_code(own.source, assignment.student)
            cells.append({"code": code, "points": None, "quiet": True, "stderr": False, "leaves": []})
        of.append(own)
    return {"imports": assignment.imports, "cells": cells}, of


def _wrote(outputs: list[Any]) -> bool:
    return any(own["output_type"] == "stream" and own["name"] == "stderr" for own in outputs)
