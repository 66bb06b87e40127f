"""Verdicts: the replay of a submission's tests over what the sandbox emitted, and the points that come of it.

No student's code runs here, but what it gave is hostile data, which the teacher's code then works on: a test that
computes `10 ** given` may never end. So each submission is decided in a process of its own, forked from this one, with
limits of time and memory; where one dies, the test it was at has no points, and the others are decided without it.

Points are what nbgrader's `determine_grade` gives for a cell that has been run: none where it raised an error or wrote
to stderr; the number that its last expression gives, if it is one from 0 to the cell's points; else all of them.

`python -m exams.autograde.verdict` reads a submission a line from stdin (JSON) and answers with a line:

    {"id": str, "imports": str, "cells": [{"code": str, "points": float | null, "quiet": bool, "stderr": bool,
                                           "leaves": [[k, {...}], ...]}, ...]}
    {"id": str, "cells": [{"points": float | null, "reason": str, "line": int | null, "error": str}, ...]}

points: what the test is worth, null for a cell that is not graded. stderr: the test's calls wrote there in the sandbox.
reason: an English msgid that holds no text of a test. line: of `code`, where it stopped. error: for the teacher alone.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import gc
import io
import json
import os
import resource
import select
import signal
import time
from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from courses.values import Opaque, decode

CPU_S, WALL_S = 5, 10.0
"""Of one submission's tests; what nbgrader's documentation calls long for a whole notebook is half a minute."""
MEMORY = 512 << 20
"""Bytes that a submission's values and the tests may take beyond what this process has."""
LONGEST_REPLY = 1 << 20

PASSED = "Correct."
PARTLY = "Partly correct."
FAILED = "A test of the code failed."
RAISED = "The code stopped with an error while it was tested."
MISSING = "A name that is tested is not defined."
NO_DATA = "The code gave something that is no plain value."
WROTE = "The code wrote a warning or an error message while it was tested."
TOO_MUCH = "Deciding on what the code gave took too long, or too much memory."
INCOMPLETE = "The code ended its own run before all tests had been made."
BEYOND = "The test gives more points than there are."
NOT_GRADED = ""

REASONS = (PASSED, PARTLY, FAILED, RAISED, MISSING, NO_DATA, WROTE, TOO_MUCH, INCOMPLETE, BEYOND)


@dataclass(frozen=True)
class Verdict:
    """What a cell earns, and why; see the module's text."""

    points: float | None
    reason: str
    line: int | None = None
    error: str = ""


class GapError(BaseException):
    """A leaf has no value left; it is no `Exception`, so that no test takes it for an error of the student's code."""


def partial_credit(value: object, points: float) -> float | None:
    """What nbgrader makes of the value that a test's last expression has; None where that is more than `points`."""
    try:
        number = float(repr(value))
    except ValueError:
        return points
    if not number >= 0:
        return points
    return number if number <= points else None


class Given:
    """What the sandbox emitted for one cell's leaves."""

    def __init__(self, leaves: Sequence[Any], classes: dict[str, type[BaseException]]):
        self._waiting: dict[int, deque[Any]] = defaultdict(deque)
        self._classes = classes
        self.raised: BaseException | None = None
        self.gap = self.opaque = self.any_opaque = False
        for number, outcome in leaves:
            self._waiting[number].append(outcome)

    def given(self, number: int) -> Any:
        """The next value of a leaf; what it raised, raised anew."""
        if not self._waiting[number]:
            self.gap = True
            raise GapError
        outcome = self._waiting[number].popleft()
        if "raised" in outcome:
            self.raised = self._error(outcome["raised"])
            raise self.raised
        try:
            value = decode(outcome["value"])
        except (ValueError, KeyError) as error:
            self.gap = True
            raise GapError from error
        self.opaque = isinstance(value, Opaque) or '"opaque": ' in json.dumps(outcome["value"])
        self.any_opaque |= self.opaque
        return value

    def caught(self, name: str) -> type[BaseException]:
        """The class that stands for the student's class of errors `name`."""
        return self._classes.setdefault(name, type(name, (Exception,), {}))

    def _error(self, raised: Any) -> BaseException:
        """An error of the same name, of the nearest built-in class, and of classes that stand for those between."""
        text, names = str(raised.get("text", ""))[:500], [str(raised["type"]), *map(str, raised["bases"])]
        names = [name for name in dict.fromkeys(names) if name.isidentifier()][:20]
        known = next((at for at, name in enumerate(names) if _is_error(getattr(builtins, name, None))), len(names))
        made: type[BaseException] = getattr(builtins, names[known]) if known < len(names) else Exception
        for name in reversed(names[:known]):
            there = self._classes.get(name)
            made = there if there and issubclass(there, made) else type(name, (made,), {})
            self._classes[name] = made
        if made.__str__ is not BaseException.__str__:
            made = type(made.__name__, (made,), {"__str__": lambda self: self.args[0]})
        error = made.__new__(made, text)
        error.args = (text,)
        return error


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


class Replay:
    """The namespace of a submission's tests, in which its cells are decided one after the other."""

    def __init__(self, imports: str):
        self._names: dict[str, Any] = {"__name__": "__main__"}
        self._classes: dict[str, type[BaseException]] = {}
        # a module that is not there is missed where it is used
        with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
            exec(imports, self._names)  # noqa: S102 - the teacher's imports

    def decide(self, cell: Any) -> Verdict:
        """The verdict on one cell."""
        given, wrote = Given(cell["leaves"], self._classes), io.StringIO()
        self._names |= {"__given__": given.given, "__caught__": given.caught}
        value: Any = None
        points = cell["points"]
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(wrote):
                value = self._run(cell["code"], cell["quiet"])
                shown = None if value is None else partial_credit(value, points or 0.0)
        except MemoryError:
            raise
        except BaseException as error:  # what an answer raised is raised anew here, SystemExit and its like too
            reason, line = _reason(error, given), _line(error)
            return Verdict(None if points is None else 0.0, reason, line, f"{type(error).__name__}: {error}"[:500])
        if points is None:
            return Verdict(None, NOT_GRADED)
        if given.gap:
            return Verdict(0.0, INCOMPLETE)
        if cell["stderr"] or wrote.getvalue():
            return Verdict(0.0, WROTE, None, wrote.getvalue()[:500])
        if value is None:
            return Verdict(points, PASSED)
        if shown is None:
            return Verdict(0.0, BEYOND)
        return Verdict(shown, PASSED if shown == points else PARTLY if shown else FAILED)

    def _run(self, code: str, quiet: bool) -> Any:
        """Run a cell as IPython does; gives the value of its last expression, None where it shows none."""
        tree = ast.parse(code)
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) and not quiet else None
        exec(compile(tree, "<test>", "exec"), self._names)  # noqa: S102 - the teacher's test
        if last is None:
            return None
        assert isinstance(last, ast.Expr)  # noqa: S101
        return eval(compile(ast.Expression(last.value), "<test>", "eval"), self._names)  # noqa: S307


def _reason(error: BaseException, given: Given) -> str:
    if given.gap:
        return INCOMPLETE
    if error is given.raised:
        return MISSING if isinstance(error, NameError) else RAISED
    failed = isinstance(error, AssertionError)
    if given.opaque if failed else given.any_opaque:
        return NO_DATA
    return FAILED


def _line(error: BaseException) -> int | None:
    """The line of the test's own text at which it stopped: the outermost."""
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == "<test>":
            return trace.tb_lineno
        trace = trace.tb_next
    return getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None


def decide(request: Any, run: Callable[[Any, set[int]], list[Verdict]]) -> list[Verdict]:
    """The verdicts on a submission's cells. `run(request, without)` gives them up to the one at which it dies."""
    killed: set[int] = set()
    while True:
        verdicts = run(request, killed)
        if len(verdicts) == len(request["cells"]):
            return verdicts
        killed.add(len(verdicts))


def apart(request: Any, without: set[int]) -> list[Verdict]:
    """Decide in a forked process with limits; cells of `without` are not run, they have no points."""
    reader, writer = os.pipe()
    if not (child := os.fork()):
        os.close(reader)
        _child(request, without, writer)
    os.close(writer)
    try:
        said = _read(reader, time.monotonic() + WALL_S)
    finally:
        os.close(reader)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return [Verdict(**json.loads(line)) for line in said.split(b"\n")[:-1]]


def _child(request: Any, without: set[int], writer: int) -> None:
    """The forked process: a line for each verdict as soon as there is one."""
    status = 1
    try:
        signal.signal(signal.SIGXCPU, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_AS, (_size() + MEMORY,) * 2)
        os.chdir("/")  # what the student's code wrote is not here, and what is here is not the test's
        replay = Replay(request["imports"])
        for index, cell in enumerate(request["cells"]):
            lost = Verdict(None if cell["points"] is None else 0.0, TOO_MUCH)
            verdict = lost if index in without else replay.decide(cell)
            os.write(writer, json.dumps(asdict(verdict)).encode() + b"\n")
        status = 0
    finally:
        os._exit(status)


def _size() -> int:
    """Bytes of address space this process has."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _read(reader: int, until: float) -> bytes:
    """What a child says before it ends, or before its time is over."""
    said = b""
    while len(said) < LONGEST_REPLY and (left := until - time.monotonic()) > 0:
        if not select.select([reader], [], [], left)[0] or not (more := os.read(reader, 1 << 16)):
            break
        said += more
    return said


def warm(imports: str, known: set[str]) -> None:
    """Import what a teacher's tests import here, once, so that the forked processes have it."""
    if imports not in known:
        known.add(imports)
        Replay(imports)
        gc.freeze()


def main() -> None:
    """Decide on submissions, one after the other, until stdin ends."""
    known: set[str] = set()
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    requests = os.fdopen(os.dup(0), encoding="utf-8")
    with open(os.devnull, "r+b") as nowhere:  # what a test reads and prints is not what is asked and answered here
        os.dup2(nowhere.fileno(), 0)
        os.dup2(nowhere.fileno(), 1)
    for line in requests:
        request = json.loads(line)
        warm(request["imports"], known)
        verdicts = decide(request, apart)
        print(json.dumps({"id": request["id"], "cells": [asdict(one) for one in verdicts]}), file=replies, flush=True)


if __name__ == "__main__":
    main()
