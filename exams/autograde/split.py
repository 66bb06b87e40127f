"""Split execution: of a test cell, a probe runs beside the student's code, and a replay of it decides. Pure.

The *probe* runs in the sandbox, in the student's namespace: each leaf (`leaves`) as `__leaf__(k, lambda: ...)`, and of
the rest what the leaves need (`probe`). The *replay* runs in a trusted process that has never run a student's code: it
is the teacher's cell as written, with `__given__(k)` for each leaf, the next value that the sandbox emitted for it, or
the error it raised, raised anew. So the teacher's own comparisons decide, over plain data.

What a student's code can see while it runs: the arguments that the test calls it with, for without them it could not
answer; and, if it looks into the frames above it, the text and the variables of the probe, so the cases that a loop
runs over, and conditions that lead to a leaf. What an `assert` compares with is not among these unless the way to
further leaves needs it. A student's code that emits what it likes gains no more than one that returns what it likes.

What cannot be marked so: values that are no data outside of the chains that end in data (two objects compared, a
function handed to a helper of the test or to a library), printed output, files, arguments that are changed in place,
random numbers without a seed. `check` of the assignment (`assignment`) runs the reference solution through both halves,
so that such a test is refused before a student meets it.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from exams.autograde.leaves import Leaves, SplitError, names_bound
from exams.autograde.probe import probe
from exams.autograde.syntax import call, rebuilt, written

GIVEN, CAUGHT = "__given__", "__caught__"


@dataclass(frozen=True)
class Split:
    """The two programs of a test cell. lines: the cell's line for each line of `replay`, both counted from 1.

    arguments: names of the test's own that it gives to the student's code. calls: how many leaves there are. quiet: the
    cell ends in `;`, so that IPython would show no value of it.
    """

    probe: str
    replay: str
    lines: tuple[int, ...]
    arguments: tuple[str, ...]
    calls: int
    quiet: bool


def parsed(source: str) -> ast.Module:
    """The cell as a tree. Raises SplitError where it is no plain Python, as with IPython's magics in it."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None) or 1
        raise SplitError(
            "This is no plain Python: IPython's own commands (`%`, `!`, `?`) cannot stand in it.", line
        ) from error


def student_names(sources: Iterable[str]) -> frozenset[str]:
    """The names that a student's cells define: functions, classes, variables; not what they import.

    `sources`: the cells as the reference solution has them; those that are no plain Python define nothing.
    """
    names: set[str] = set()
    for source in sources:
        try:
            names |= names_bound(parsed(source).body, imports=False)
        except SplitError:
            continue
    return frozenset(names)


def import_lines(source: str) -> str:
    """The imports at the top level of a cell: a test may use modules that an earlier cell imports."""
    try:
        body = parsed(source).body
    except SplitError:
        return ""
    kept = [own for own in body if isinstance(own, (ast.Import, ast.ImportFrom))]
    return "\n".join(ast.unparse(own) for own in kept)


@functools.lru_cache(maxsize=4096)
def shown_code(source: str, student: frozenset[str]) -> str:
    """What the replay runs of a teacher's cell that is no test: its statements that use no student's code."""
    try:
        tree = parsed(source)
        leaves = Leaves(tree, student)
    except SplitError:
        return ""
    return ast.unparse(ast.Module([own for own in tree.body if not leaves.has(own)], []))


@functools.lru_cache(maxsize=4096)
def split(source: str, student: frozenset[str]) -> Split:
    """The two programs of the test cell `source`, where `student` are the names that the student's cells define.

    Raises SplitError.
    """
    tree = parsed(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Await, ast.AsyncFor, ast.AsyncWith)):
            raise SplitError("`await` cannot stand in a test.", node.lineno)
    leaves = Leaves(tree, student)
    replay = ast.fix_missing_locations(rebuilt(tree, functools.partial(_replayed, leaves)))
    text = ast.unparse(replay)
    return Split(
        ast.unparse(probe(tree, leaves)),
        text,
        _lines(replay, text),
        _arguments(leaves),
        len(leaves.number),
        source.rstrip().endswith(";"),
    )


def _arguments(leaves: Leaves) -> tuple[str, ...]:
    calls = [own for leaf in leaves.number for own in ast.walk(leaf) if isinstance(own, ast.Call)]
    names = [one.id for own in calls for one in own.args if isinstance(one, ast.Name)]
    return tuple(dict.fromkeys(name for name in names if name not in leaves.student))


def _lines(tree: ast.Module, text: str) -> tuple[int, ...]:
    """Where each line of `text` comes from; `text` is `tree`, whose nodes have the lines of the cell."""
    found = dict.fromkeys(range(1, text.count("\n") + 2), 0)
    for old, new in zip(ast.walk(tree), ast.walk(ast.parse(text)), strict=False):
        if isinstance(old, ast.stmt) and isinstance(new, ast.stmt):
            found[new.lineno] = old.lineno
    last, lines = 1, []
    for own in found.values():
        last = own or last
        lines.append(last)
    return tuple(lines)


def _given(leaf: int) -> ast.expr:
    return call(GIVEN, ast.Constant(leaf))


def _replayed(leaves: Leaves, node: ast.AST) -> Any:
    """What stands for `node` in the replay; None where it stays, with what is in it."""
    replace = functools.partial(_replayed, leaves)
    if isinstance(node, ast.stmt) and (found := written(node, leaves)):
        leaf, value, _ = found
        given = [ast.Expr(rebuilt(value, replace))] if not isinstance(node, (ast.Delete, ast.AugAssign)) else []
        if isinstance(node, ast.AugAssign):
            given = [ast.Expr(rebuilt(node.value, replace))]
        return [ast.copy_location(own, node) for own in [*given, ast.Expr(_given(leaves.number[leaf]))]]
    if node in leaves.number:
        return ast.copy_location(_given(leaves.number[node]), node)
    if isinstance(node, ast.AugAssign) and node.target in leaves.others:
        return [ast.copy_location(ast.Expr(rebuilt(node.value, replace)), node)]
    if isinstance(node, ast.Delete) and leaves.others.intersection(node.targets):
        kept = [rebuilt(own, replace) for own in node.targets if own not in leaves.others]
        return [ast.copy_location(ast.Delete(kept) if kept else ast.Pass(), node)]
    if isinstance(node, ast.Assert) and leaves.has(node.msg):  # it would be said of a failed test alone, to nobody
        return [ast.copy_location(ast.Assert(rebuilt(node.test, replace), None), node)]
    if isinstance(node, ast.expr) and node in leaves.others and not isinstance(getattr(node, "ctx", None), ast.Store):
        return ast.copy_location(call(CAUGHT, ast.Constant(ast.unparse(node).rsplit(".", 1)[-1])), node)
    return None


__all__ = ["Split", "SplitError", "import_lines", "parsed", "shown_code", "split", "student_names"]
