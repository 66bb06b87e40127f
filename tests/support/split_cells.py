"""A test cell passed both ways: whole, and split into what runs apart and what compares."""

import ast
import contextlib
import io
from typing import Any

from exams.autograde import verdict
from exams.autograde.split import split, student_names
from tests.support.plain_answers import recorder

SOLUTION = """
def squares(n):
    if n < 1:
        raise ValueError("n must be greater than or equal to 1")
    return [i ** 2 for i in range(1, n + 1)]

def sum_of_squares(n):
    return sum(squares(n))

class EmptyError(Exception):
    pass

class Stack:
    def __init__(self):
        self.own = []
    def push(self, value):
        self.own.append(value)
        return self
    def pop(self):
        if not self.own:
            raise EmptyError("empty")
        return self.own.pop()
    @property
    def size(self):
        return len(self.own)

def evens(n):
    yield from range(0, n, 2)

RATE = 72
"""
STUDENT = student_names([SOLUTION])


def emitted(cell: str, answer: str, student: frozenset[str] = STUDENT) -> tuple[list[Any], str]:
    """What the leaves of `cell` give beside the student's `answer`, with the probe."""
    names: dict[str, Any] = {}
    with contextlib.suppress(Exception):
        exec(answer, names)
    leaves: list[Any] = []
    probe = split(cell, student).probe
    with contextlib.suppress(Exception), contextlib.redirect_stdout(io.StringIO()):
        names["__leaf__"] = recorder(leaves)
        exec(probe, names)
    return leaves, probe


def ours(cell: str, answer: str = SOLUTION, points: float = 4) -> float | None:
    """The points of `answer` by both halves."""
    leaves, _ = emitted(cell, answer)
    own = split(cell, STUDENT)
    request = {"code": own.replay, "points": points, "quiet": own.quiet, "stderr": False, "leaves": leaves}
    return verdict.Replay("").decide(request).points


def as_it_stands(cell: str, answer: str = SOLUTION, points: float = 4) -> float | None:
    """The points of `answer` where the cell is run beside it."""
    names: dict[str, Any] = {}
    with contextlib.suppress(Exception):
        exec(answer, names)
    tree = ast.parse(cell)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) and not cell.rstrip().endswith(";") else None
    shown = ast.Expression(last.value) if isinstance(last, ast.Expr) else None
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(tree, "<cell>", "exec"), names)
            value = eval(compile(shown, "<cell>", "eval"), names) if shown else None
    except Exception:  # as in nbgrader, any error of an answer costs the points of the cell
        return 0.0
    credit = points if value is None else verdict.partial_credit(value, points)
    return 0.0 if credit is None else credit  # nbgrader refuses to mark such a submission at all


WRONG = [
    SOLUTION,
    SOLUTION.replace("range(1, n + 1)", "range(n)"),
    SOLUTION.replace("if n < 1", "if n < -100"),
    SOLUTION.replace("ValueError", "KeyError"),
    SOLUTION.replace("return sum(squares(n))", "return n * (n + 1) * (2 * n + 1) // 6"),
    SOLUTION.replace("raise EmptyError", "return None #"),
    SOLUTION.replace("self.own.append(value)", "self.own = [value]"),
    SOLUTION.replace("range(0, n, 2)", "range(0, n + 1, 2)"),
    SOLUTION.replace("RATE = 72", "RATE = '72'"),
    "def squares(n):\n    return None",
    "squares = 3\ndef sum_of_squares(n):\n    raise NotImplementedError()",
    "",
    "syntax error",
]
