"""Python's syntax trees, as `probe` and `split` take them apart and put them together again. Pure."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from exams.autograde.leaves import Leaves, SplitError, names_bound


def rebuilt(node: Any, replace: Callable[[Any], Any]) -> Any:
    """A copy of `node`; wherever `replace` gives a node (not None), that one instead. Lists are put into lists."""
    if isinstance(node, list):
        new = []
        for own in node:
            made = rebuilt(own, replace)
            new += made if isinstance(made, list) else [made]
        return new
    if not isinstance(node, ast.AST):
        return node
    if (made := replace(node)) is not None:
        return made
    copy = type(node)(**{name: rebuilt(value, replace) for name, value in ast.iter_fields(node)})
    for name in ("body", "finalbody"):
        if isinstance(getattr(copy, name, None), list) and not getattr(copy, name) and getattr(node, name):
            setattr(copy, name, [ast.Pass()])
    return ast.copy_location(copy, node)


def call(name: str, *arguments: ast.expr) -> ast.Call:
    """The call of a function by its name."""
    return ast.Call(ast.Name(name, ast.Load()), list(arguments), [])


def written(statement: ast.stmt, leaves: Leaves) -> tuple[ast.AST, ast.expr, ast.expr] | None:
    """(leaf, value, expression that does it) of a statement that writes to a student's object; None for any other."""
    targets: list[ast.expr] = getattr(statement, "targets", None) or [getattr(statement, "target", ast.Constant(0))]
    held = [one for one in targets for own in ast.walk(one) if own in leaves.number and _stored(own)]
    if not held or isinstance(statement, (ast.For, ast.AsyncFor)):
        return None
    [target], line = targets if len(targets) == 1 else [None], statement.lineno
    if target not in leaves.number or not isinstance(target, (ast.Attribute, ast.Subscript)):
        raise SplitError("A student's object is written to together with something else.", line)
    value: ast.expr = getattr(statement, "value", None) or ast.Constant(None)
    loaded: ast.expr = rebuilt(target, lambda own: ast.Load() if isinstance(own, (ast.Store, ast.Del)) else None)
    if isinstance(statement, ast.AugAssign):
        value = ast.BinOp(loaded, statement.op, value)
    deletes = isinstance(statement, ast.Delete)
    if isinstance(target, ast.Attribute):
        place = [target.value, ast.Constant(target.attr)]
        return target, value, call("delattr", *place) if deletes else call("setattr", *place, value)
    method = ast.Attribute(target.value, "__delitem__" if deletes else "__setitem__", ast.Load())
    return target, value, ast.Call(method, [_index(target.slice), *([] if deletes else [value])], [])


def _stored(node: ast.AST) -> bool:
    return isinstance(getattr(node, "ctx", None), (ast.Store, ast.Del))


def _index(index: ast.expr) -> ast.expr:
    if isinstance(index, ast.Slice):
        return call("slice", *(own or ast.Constant(None) for own in (index.lower, index.upper, index.step)))
    if isinstance(index, ast.Tuple):
        return ast.Tuple([_index(own) for own in index.elts], ast.Load())
    return index


def root(node: ast.AST) -> str | None:
    """The name that a chain of calls, attributes and subscripts begins at."""
    while isinstance(node, (ast.Call, ast.Attribute, ast.Subscript)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


def loaded_names(tree: ast.AST) -> set[str]:
    """The names that `tree` reads or calls `global`."""
    names = {own.id for own in ast.walk(tree) if isinstance(own, ast.Name) and isinstance(own.ctx, ast.Load)}
    added = [own.target for own in ast.walk(tree) if isinstance(own, ast.AugAssign)]
    names |= {own.id for own in added if isinstance(own, ast.Name)}
    return names.union(*(own.names for own in ast.walk(tree) if isinstance(own, (ast.Global, ast.Nonlocal))))


def imported(tree: ast.Module) -> set[str]:
    """The names that a cell imports."""
    return names_bound(tree.body) - names_bound(tree.body, imports=False)


def loaded_or_deleted(node: ast.AST) -> set[str]:
    """Every name in `node`."""
    return {own.id for own in ast.walk(node) if isinstance(own, ast.Name)}
