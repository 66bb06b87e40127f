"""The leaves of a test cell: the expressions in it whose values only the student's code can give. Pure.

A leaf is a chain of calls, attributes and subscripts that begins at a name which the student's cells define, as long as
it goes: `squares(3)`, `rates.mean()`, `Stack().push(1).size`. So are the built-in functions that only hand such a
value on (`list(evens(9))`, `str(card)`, `map(double, rates)`), and names that the test itself binds to a leaf
(`stack = Stack()`; then `stack.size()`). A name is the student's or the test's by scope and by the order of the text:
parameters, comprehension variables and locals of the test's functions are no leaves, whatever they are called.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

HANDS_ON = frozenset(
    {"list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "len", "next", "iter", "map", "filter"}
    | {"str", "repr", "bool", "callable", "hasattr", "getattr"}
)
"""Built-in functions whose value for a student's value is the student's to give: they compare nothing."""
ONLY_AMONG_OWN = frozenset({"isinstance", "issubclass"})
"""Built-in functions that the student's side answers where both arguments are the student's."""

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.MatchAs, ast.MatchStar)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


class SplitError(Exception):
    """Why a test cannot be split, in one sentence (an English msgid), and the line of the cell, counted from 1."""

    def __init__(self, text: str, line: int):
        super().__init__(f"line {line}: {text}")
        self.text, self.line = text, line


def bound_names(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a scope's own text: functions and classes in it are met, their bodies are not."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            waiting += node.decorator_list
        elif not isinstance(node, (ast.Lambda, *COMPREHENSIONS)):
            waiting += ast.iter_child_nodes(node)
        elif not isinstance(node, ast.Lambda):
            waiting += [own for own in ast.walk(node) if isinstance(own, ast.NamedExpr)]


def names_bound(body: list[ast.stmt], imports: bool = True) -> set[str]:
    """The names that a scope's statements bind, with or without those that are imported."""
    names: set[str] = set()
    for node in bound_names(body):
        if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
            names.add(node.id)
        elif isinstance(node, NAMED) and node.name:
            names.add(node.name)
        elif isinstance(node, (ast.Import, ast.ImportFrom)) and imports:
            names |= {(alias.asname or alias.name.split(".")[0]) for alias in node.names}
    return names


def _locals(node: Function) -> set[str]:
    own = node.args
    names = {one.arg for one in [*own.posonlyargs, *own.args, *own.kwonlyargs]}
    names |= {one.arg for one in (own.vararg, own.kwarg) if one}
    if isinstance(node, ast.Lambda):
        return names
    outer = {
        name for one in bound_names(node.body) if isinstance(one, (ast.Global, ast.Nonlocal)) for name in one.names
    }
    return (names | names_bound(node.body)) - outer


class _ClassScope(dict[str, bool]):
    """Names of a class body, which the methods in it do not see."""


class Leaves(ast.NodeVisitor):
    """Finds the leaves of one cell: `number` gives a leaf's, by node; `bearing` are the names of functions with leaves.

    `student`: names that the student's cells define. `others`: names that stand for what the student's code has (in a
    `del`, an addition to a variable, an error to catch) and are no values. Raises SplitError.
    """

    def __init__(self, tree: ast.Module, student: frozenset[str]):
        self.student = student
        self.number: dict[ast.AST, int] = {}
        self.bearing: set[str] = set()
        self.others: set[ast.AST] = set()
        self.defined = names_bound(tree.body)
        self._scopes: list[dict[str, bool]] = [dict.fromkeys(student, True)]  # name -> whether the student's
        self._class_body = False
        for statement in tree.body:
            self.visit(statement)

    def has(self, node: ast.AST | None) -> bool:
        """Whether a leaf stands in `node`, or a function of the test that has one is used in it."""
        return node is not None and any(
            own in self.number or (isinstance(own, ast.Name) and own.id in self.bearing) for own in ast.walk(node)
        )

    def any(self, nodes: list[ast.stmt]) -> bool:
        """Whether one of `nodes` has a leaf."""
        return any(map(self.has, nodes))

    def owned(self, name: str) -> bool:
        """Whether `name` is the student's where the walk stands."""
        for scope in reversed(self._scopes):
            if name in scope and (scope is self._scopes[-1] or not isinstance(scope, _ClassScope)):
                return scope[name]
        return False

    def leafy(self, node: ast.AST) -> bool:
        """Whether `node` as a whole is the student's to give."""
        if isinstance(node, ast.Name):
            return self.owned(node.id)
        if isinstance(node, (ast.Attribute, ast.Subscript)):
            return self.leafy(node.value)
        if not isinstance(node, ast.Call):
            return False
        if self.leafy(node.func):
            return True
        if not isinstance(node.func, ast.Name) or not self._builtin(node.func.id):
            return False
        given = [*node.args, *(own.value for own in node.keywords)]
        if node.func.id in HANDS_ON:
            return any(map(self.leafy, given))
        return node.func.id in ONLY_AMONG_OWN and len(given) == 2 and all(map(self.leafy, given))

    def _builtin(self, name: str) -> bool:
        return hasattr(builtins, name) and not any(name in scope for scope in self._scopes) and name not in self.defined

    def visit(self, node: ast.AST) -> None:
        """Mark the leaves in `node`, in the order in which it runs."""
        if isinstance(node, ast.expr) and isinstance(getattr(node, "ctx", ast.Load()), ast.Load) and self.leafy(node):
            self._mark(node)
        else:
            getattr(self, f"_at_{type(node).__name__.lower()}", self.generic_visit)(node)

    def _mark(self, node: ast.AST) -> None:
        for own in ast.walk(node):
            if isinstance(own, (ast.Yield, ast.YieldFrom, ast.Await, ast.NamedExpr)):
                raise SplitError("A call of a student's code holds `:=`, `await` or `yield`.", own.lineno)
        if self._class_body:
            raise SplitError("A class of the test uses a student's code outside of its methods.", _line(node))
        self.number[node] = len(self.number)

    def _bind(self, target: ast.AST, students: bool) -> None:
        """Names in `target` are bound, to what is the student's or not."""
        for own in ast.walk(target):
            if isinstance(own, ast.Name) and isinstance(own.ctx, ast.Store):
                self._own(own.id, students)

    def _own(self, name: str, students: bool) -> None:
        next((scope for scope in reversed(self._scopes) if name in scope), self._scopes[0])[name] = students

    def _at_assign(self, node: ast.Assign) -> None:
        """What is bound to a leaf is the student's."""
        self.visit(node.value)
        for target in node.targets:
            self._assign(target, node.value)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        pairs, rows = [(target, value)], (ast.Tuple, ast.List)
        if isinstance(target, rows) and isinstance(value, rows) and len(target.elts) == len(value.elts):
            pairs = list(zip(target.elts, value.elts, strict=True))
        for one, own in pairs:
            self._target(one)
            self._bind(one, own in self.number)
            if isinstance(one, ast.Name) and isinstance(own, (ast.Lambda, ast.Name)) and self.has(own):
                self.bearing |= {one.id} if own not in self.number else set()

    def _target(self, target: ast.expr) -> None:
        """A student's object that is written to is a leaf: its class may refuse."""
        if isinstance(target, (ast.Tuple, ast.List, ast.Starred)):
            for own in ast.iter_child_nodes(target):
                if isinstance(own, ast.expr):
                    self._target(own)
        elif isinstance(target, (ast.Attribute, ast.Subscript)):
            if self.leafy(target.value):
                self._mark(target)
            else:
                self.generic_visit(target)
        elif isinstance(target, ast.Name) and self.owned(target.id):
            self.others.add(target)

    def _at_annassign(self, node: ast.AnnAssign) -> None:
        """As any assignment."""
        if node.value:
            self.visit(node.value)
            self._assign(node.target, node.value)

    def _at_augassign(self, node: ast.AugAssign) -> None:
        """What is added to stays whose it was."""
        self.visit(node.value)
        self._target(node.target)

    def _at_delete(self, node: ast.Delete) -> None:
        """A student's name may be gone for a while, as to see whether other code needs it."""
        for target in node.targets:
            self._target(target)

    def _at_namedexpr(self, node: ast.NamedExpr) -> None:
        """As any assignment."""
        self.visit(node.value)
        self._bind(node.target, node.value in self.number)

    def _at_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """A module that the test imports is the test's, also where the student has imported one."""
        for alias in node.names:
            self._own(alias.asname or alias.name.split(".")[0], False)

    _at_importfrom = _at_import

    def _loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        self.visit(node.iter)
        self._bind(node.target, node.iter in self.number)

    def _at_for(self, node: ast.For) -> None:
        """What a student's value yields is the student's."""
        self._loop(node)
        for own in [*node.body, *node.orelse]:
            self.visit(own)

    def _at_with(self, node: ast.With) -> None:
        """The test's own contexts; a student's object cannot be one in the replay."""
        for item in node.items:
            self.visit(item.context_expr)
            if item.context_expr in self.number:
                raise SplitError("A test uses a student's object in `with`.", node.lineno)
            if item.optional_vars:
                self._bind(item.optional_vars, False)
        for own in node.body:
            self.visit(own)

    def _at_excepthandler(self, node: ast.ExceptHandler) -> None:
        """The caught error is the test's: it is raised anew in the replay. Classes to catch are no leaves."""
        for own in [*node.type.elts] if isinstance(node.type, ast.Tuple) else [node.type]:
            if own and self.leafy(own):
                self.others.add(own)
        if node.name:
            self._own(node.name, False)
        for one in node.body:
            self.visit(one)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:
        self._scopes.append({})
        for one in node.generators:
            self._scopes[-1] |= dict.fromkeys(names_bound([ast.Expr(one.target)]), False)
        for one in node.generators:
            self._loop(one)
            for condition in one.ifs:
                self.visit(condition)
        for own in [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]:
            self.visit(own)
        self._scopes.pop()

    _at_listcomp = _at_setcomp = _at_generatorexp = _at_dictcomp = _comprehension

    def _function(self, node: Function) -> None:
        name = None if isinstance(node, ast.Lambda) else node.name
        if name:
            self._own(name, False)
        for default in [*node.args.defaults, *filter(None, node.args.kw_defaults)]:
            self.visit(default)
        before, around, self._class_body = len(self.number), self._class_body, False
        self._scopes.append(dict.fromkeys(_locals(node), False))
        for own in [node.body] if isinstance(node, ast.Lambda) else node.body:
            self.visit(own)
        self._scopes.pop()
        self._class_body = around
        if name and (len(self.number) > before or self.has(node)):
            self.bearing.add(name)

    _at_functiondef = _at_asyncfunctiondef = _at_lambda = _function

    def _at_classdef(self, node: ast.ClassDef) -> None:
        """Leaves may stand in methods. A class on a student's class cannot be one in the replay."""
        before, around = len(self.number), self._class_body
        if any(map(self.leafy, node.bases)):
            raise SplitError("A class of the test is based on a student's class.", node.lineno)
        self._own(node.name, False)
        self._class_body = True
        self._scopes.append(_ClassScope.fromkeys(names_bound(node.body), False))
        for own in node.body:
            self.visit(own)
        self._scopes.pop()
        self._class_body = around
        if len(self.number) > before:
            self.bearing.add(node.name)


def _line(node: ast.AST) -> int:
    return getattr(node, "lineno", 1)
