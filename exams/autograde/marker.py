"""The marker: a submission goes to the sandbox, what it emitted goes to the judge, and each test has its points.

A submission that is stopped at a cell is run again without that cell, so that a loop without an end costs the tests
that come to it and no others. The check before students see an assignment is the same way, walked by the reference
solution.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any

from exams.autograde import verdict
from exams.autograde.assignment import Assignment, Notebook, Step, job, overwritten, replays, steps
from exams.autograde.runner import Process
from exams.autograde.split import SplitError

ANSWERS = (sys.executable, "-m", "hub.cli", "answers")
"""The command that runs students' code in a sandbox; it is asked over pipes, nothing of it is imported."""
LIMITS: Mapping[str, float] = {
    "wall_s": 30.0,
    "cpu_s": 15,
    "memory_mb": 768,
    "tasks": 64,
    "disk_mb": 32,
    "output_bytes": 1_000_000,
}
"""Of one run of a notebook in the sandbox. nbgrader by itself gives each cell 30 s, and memory without a limit."""
MOST_RUNS = 4
"""Of one submission: tests that would need another are not passed."""
LONGEST_S = 600.0  # until the sandbox has answered, with time in line: it has its own limits

TIME = "The code ran too long."
MEMORY = "The code took too much memory."
OUTPUT = "The code printed too much."
STOPPED = "The code was stopped."
STOPS = {"time": TIME, "cpu": TIME, "memory": MEMORY, "output": OUTPUT}
CANNOT = "This test cannot be made."
BY_HAND = "Every process that marked this answer was ended by it; a teacher has to mark it."
REASONS = (*verdict.REASONS, TIME, MEMORY, OUTPUT, STOPPED, CANNOT, BY_HAND)


@dataclass(frozen=True)
class Outcome:
    """Points of a test, and why: an English msgid of `REASONS`. line: of the test's cell; error: for the teacher."""

    points: float
    reason: str
    line: int = 1
    error: str = ""


@dataclass(frozen=True)
class Marked:
    """A submission with the teacher's cells put back; outcomes by the tests' grade_id, replies by the cell's place."""

    notebook: Notebook
    outcomes: Mapping[str, Outcome]
    replies: Mapping[int, Any] = field(default_factory=dict)


class Marker:
    """Marks submissions, several at once. `answers`: the command of the sandbox."""

    def __init__(self, answers: Sequence[str], at_once: int | None = None):
        self.at_once = at_once or os.cpu_count() or 1
        self._answers = Process(answers, 2 * self.at_once, LONGEST_S)  # it has its own line, kept from being empty
        command = [sys.executable, "-m", "exams.autograde.verdict"]
        self._judges = [Process(command, 1, LONGEST_S) for _ in range(self.at_once)]
        self._asked = 0

    async def __aenter__(self) -> Marker:
        for process in (self._answers, *self._judges):
            await process.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in (self._answers, *self._judges):
            await process.close()

    async def mark(
        self, assignment: Assignment, submission: Notebook, limits: Mapping[str, float] | None = None
    ) -> Marked:
        """The marks of the tests in a submission; `LIMITS` hold unless others are given. Raises UnavailableError."""
        notebook = overwritten(assignment, submission)
        plan = steps(assignment, notebook)
        replies, stops = await self._run(plan, LIMITS if limits is None else limits)
        request, of = replays(assignment, plan, replies)
        self._asked += 1
        decided = await self._judges[self._asked % len(self._judges)](request)
        outcomes = {own.name: Outcome(0.0, stops.get(number, CANNOT)) for number, own in enumerate(plan) if own.probe}
        for own, cell in zip(of, decided["cells"], strict=True):
            if own.probe:
                outcomes[own.name] = _outcome(assignment, own, cell)
        for number, own in enumerate(plan):  # a test misses what was to be defined in a cell that was stopped
            earlier = [why for at, why in sorted(stops.items()) if at < number and not plan[at].probe]
            if own.probe and earlier and not outcomes[own.name].points:
                outcomes[own.name] = replace(outcomes[own.name], reason=earlier[0])
        return Marked(notebook, outcomes, {plan[number].at: reply for number, reply in replies.items()})

    async def _run(self, plan: list[Step], limits: Mapping[str, float]) -> tuple[dict[int, Any], dict[int, str]]:
        """The sandbox's replies by step; and why there is none, of steps it was stopped at."""
        stops: dict[int, str] = {}
        replies: dict[int, Any] = {}
        for _ in range(MOST_RUNS):
            reply = await self._answers(job(plan, set(stops), limits))
            replies |= {number: own for number, own in enumerate(reply["cells"]) if number not in stops}
            if (stopped := reply["stopped"]) is None:
                return replies, stops
            why, at = STOPS.get(stopped["why"], STOPPED), min(stopped["cell"], len(plan) - 1)
            if at in stops:  # not the cell's fault, as where the time for all of them is over
                break
            stops[at] = why
            replies.pop(at, None)
        return replies, dict.fromkeys(range(len(plan)), STOPPED) | stops

    async def check(self, assignment: Assignment, source: Notebook) -> list[Refusal]:
        """Why an assignment cannot be marked so: its own solution, run twice. Empty where it can."""
        refusals = []
        for name, own in assignment.named.items():
            if own.test:
                try:
                    assignment.split(name)
                except SplitError as error:
                    refusals.append(Refusal(name, error.line, error.text))
        if refusals:
            return refusals
        first, second = await self.mark(assignment, source), await self.mark(assignment, source)
        places = {
            cell.metadata["nbgrader"]["grade_id"]: at
            for at, cell in enumerate(first.notebook.cells)
            if cell.metadata.get("nbgrader", {}).get("grade_id") in first.outcomes
        }
        for name, outcome in first.outcomes.items():
            emitted = [own.replies.get(places[name], {}).get("leaves") for own in (first, second)]
            maximum = assignment.named[name].points
            if outcome.points != maximum or second.outcomes[name].points != maximum:
                failed = outcome if outcome.points != maximum else second.outcomes[name]
                refusals.append(_refusal(assignment, name, failed, emitted[0] == emitted[1]))
        return refusals


@dataclass(frozen=True)
class Refusal:
    """Why a test cannot be marked apart from the student's code: a sentence (an English msgid and its values)."""

    cell: str
    line: int
    text: str
    values: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.cell}, line {self.line}: {self.text.format(**self.values)}"


PRINTED = "The test reads what the code prints: let the code return it."
FILES = "The test reads files: let the code return what is in them."
CHANGES = "The solution gives other values at each run: set a seed in the test."
ARGUMENT = "The test looks at `{name}`, which the code may have changed: let the code return it."
OBJECT = "The test works on something that is no plain value: let it end in numbers, text, lists or the like."
UNSOLVED = "The reference solution does not pass this test: {reason} {error}"
LESS = "The reference solution earns {points} of {maximum} points."
REFUSALS = (PRINTED, FILES, CHANGES, ARGUMENT, OBJECT, UNSOLVED, LESS)

READS_PRINTED = re.compile(r"redirect_stdout|StringIO|capsys|capture_output|sys\.stdout|get_ipython")
READS_FILES = re.compile(r"\bopen\(|read_text|read_bytes|read_csv|loadtxt|os\.path|Path\(")


def _refusal(assignment: Assignment, name: str, outcome: Outcome, same: bool) -> Refusal:
    """What stands in the way of a test that the reference solution does not pass."""
    source, own = assignment.named[name].source, assignment.split(name)
    lines = source.splitlines()
    line = lines[outcome.line - 1] if outcome.line <= len(lines) else ""
    if not same:
        return Refusal(name, outcome.line, CHANGES)
    if outcome.reason == verdict.NO_DATA:
        return Refusal(name, outcome.line, OBJECT)
    if outcome.reason == verdict.FAILED:
        if READS_PRINTED.search(source):
            return Refusal(name, outcome.line, PRINTED)
        if READS_FILES.search(source):
            return Refusal(name, outcome.line, FILES)
        for changed in own.arguments:
            if re.search(rf"\b{changed}\b", line):
                return Refusal(name, outcome.line, ARGUMENT, {"name": changed})
    if outcome.points:
        points = {"points": f"{outcome.points:g}", "maximum": f"{assignment.named[name].points:g}"}
        return Refusal(name, outcome.line, LESS, points)
    return Refusal(name, outcome.line, UNSOLVED, {"reason": outcome.reason, "error": outcome.error})


def _outcome(assignment: Assignment, step: Step, cell: Any) -> Outcome:
    lines = assignment.split(step.name).lines
    line = lines[cell["line"] - 1] if cell["line"] and cell["line"] <= len(lines) else 1
    return Outcome(cell["points"], cell["reason"], line, cell["error"])
