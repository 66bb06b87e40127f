"""The mask of a probe: what its loops run over, without the places that nothing in the probe reads. Pure.

Teachers write cases and what is wanted of them into one literal: `for n, want in [(1, 1), (2, 4)]`. The probe needs the
loop and `n`; `want` is compared in the replay alone. So each place of such a literal whose name the probe never reads
is `None` in it, and so are arguments of the test's own functions, as in `check(2, 4)`. The number of cases, their order
and their shapes stay, and with them the order of the leaves.

A place is masked only where the text shows that nobody reads it and that leaving it out does nothing: a name is taken
as read where it is read anywhere in the probe, whatever the scope, where student's or shown cells define it too, and
where a class of the test has it as an attribute. A probe that can reach variables by other ways than their names is
left as it is.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from dataclasses import dataclass

from exams.autograde.leaves import NAMED, names_bound

REACH = frozenset(
    {"locals", "globals", "vars", "eval", "exec", "compile", "__import__", "import_module", "get_ipython", "query"}
    | {"__main__", "__dict__", "__builtins__", "builtins", "inspect", "modules", "_getframe", "currentframe"}
)
"""Names and attributes by which code comes to variables without their names in its text; `query` is of a table."""
SAME_ORDER = frozenset({"list", "tuple", "iter", "reversed"})
"""Built-in functions that give the elements of one iterable, whatever these are."""
OF_CONSTANTS = frozenset(
    {"abs", "bool", "bytes", "complex", "dict", "float", "frozenset", "int", "len", "list", "max", "min", "range"}
    | {"round", "set", "sorted", "str", "sum", "tuple"}
)
MODULES = frozenset({"math", "np", "numpy"})
"""Functions, and modules, whose calls on constants do nothing but compute, except for `random`."""
COMPUTES = (
    *(ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.UnaryOp, ast.BinOp, ast.Compare, ast.BoolOp),
    *(ast.Attribute, ast.Call, ast.keyword, ast.Name, ast.JoinedStr, ast.FormattedValue),
    *(ast.expr_context, ast.operator, ast.unaryop, ast.cmpop, ast.boolop),
)
READ = ast.Constant(True)  # a target of which all is read


@dataclass(frozen=True)
class Index:
    """In place of a target: what is read is one place, by its number or key."""

    key: object


Target = ast.expr | Index | None  # None: nothing of it is read
Row = ast.List | ast.Tuple


def masked(probe: ast.Module, kept: frozenset[str]) -> ast.Module:
    """A copy of the probe with what it does not read left out. `kept`: names that other cells may read."""
    tree = ast.parse(ast.unparse(probe))  # where no node stands in two places, nor in the cell
    while True:
        before = ast.dump(tree)
        if _reaches(tree):
            return tree
        _Mask(tree, kept).apply()
        if ast.dump(tree) == before:
            return ast.fix_missing_locations(tree)


def _reaches(tree: ast.Module) -> bool:
    for own in ast.walk(tree):
        names = {getattr(own, "id", None), getattr(own, "attr", None), getattr(own, "module", None)}
        if isinstance(own, ast.alias):
            names |= {own.name, *own.name.split(".")}
        if names & REACH or (isinstance(own, ast.alias) and own.name == "*"):
            return True
    return False


def _loads(tree: ast.Module) -> list[ast.Name]:
    return [own for own in ast.walk(tree) if isinstance(own, ast.Name) and isinstance(own.ctx, ast.Load)]


def _shared(tree: ast.Module) -> set[str]:
    """The names that are read, or may be, without being named where this is done."""
    names: set[str] = set()
    for own in ast.walk(tree):
        if isinstance(own, ast.AugAssign) and isinstance(own.target, ast.Name):
            names.add(own.target.id)
        elif isinstance(own, (ast.Global, ast.Nonlocal)):
            names.update(own.names)
        elif isinstance(own, ast.ClassDef):
            names |= names_bound(own.body)
    return names


def _bound(tree: ast.Module) -> Counter[str]:
    """How often each name is bound or deleted in the probe, in any scope, other than by an import."""
    names: Counter[str] = Counter()
    for own in ast.walk(tree):
        if isinstance(own, ast.Name) and not isinstance(own.ctx, ast.Load):
            names[own.id] += 1
        elif isinstance(own, ast.arg):
            names[own.arg] += 1
        elif isinstance(own, NAMED) and own.name:
            names[own.name] += 1
    return names


def _views(tree: ast.Module) -> dict[str, list[Target]]:
    """What is read of names that are read only in part: unpacked (`n, want = case`) or by index (`case[0]`)."""
    views: dict[str, list[Target]] = {}
    for own in ast.walk(tree):
        if isinstance(own, ast.Assign) and isinstance(own.value, ast.Name) and len(own.targets) == 1:
            if isinstance(own.targets[0], (ast.Tuple, ast.List)):
                views.setdefault(own.value.id, []).append(own.targets[0])
        elif isinstance(own, ast.Subscript) and isinstance(own.value, ast.Name) and isinstance(own.ctx, ast.Load):
            index = Index(own.slice.value) if isinstance(own.slice, ast.Constant) else READ
            views.setdefault(own.value.id, []).append(index)
    often = Counter(own.id for own in _loads(tree))
    return {name: found for name, found in views.items() if len(found) == often[name]}


class _Mask:
    """One pass over a tree, which it changes."""

    def __init__(self, tree: ast.Module, kept: frozenset[str]):
        self.tree, self.kept = tree, kept
        count, shared = _bound(tree), _shared(tree) | kept
        imports = {name for own in ast.walk(tree) if isinstance(own, ast.alias) for name in (own.name, own.asname)}
        self.bound = count.keys() | kept
        self.views = {name: found for name, found in _views(tree).items() if name not in shared}
        self.functions = {
            own.name: own
            for own in tree.body
            if isinstance(own, ast.FunctionDef) and count[own.name] == 1 and _plainly(own)
            if own.name not in shared | imports
        }
        self.read = shared | self._reads()
        self.values: dict[str, list[ast.expr]] = {}  # what a name is assigned
        for own in ast.walk(tree):
            if (found := _assigned(own)) and found[0] not in kept:
                self.values.setdefault(found[0], []).append(found[1])
        self.rows: dict[Row, list[Target]] = {}  # what of the elements of a literal is read, by each of its loops
        self.dicts: dict[ast.Dict, list[tuple[Target, Target]]] = {}
        self.through: dict[ast.expr, set[str]] = {}  # the names by which a loop comes to a literal
        self.met: set[ast.Name] = set()
        self.done: set[tuple[ast.expr, Target]] = set()

    def _reads(self) -> set[str]:
        """The names that are read otherwise than to be handed to a parameter that is not."""
        handed: dict[ast.expr, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self.functions:
                handed |= dict(_arguments(node, self.functions[node.func.id].args))
        loads = _loads(self.tree)
        read = {own.id for own in loads if own not in handed}
        while more := {own.id for own in loads if own in handed and handed[own] in read} - read:
            read |= more
        return read

    def apply(self) -> None:
        """Mask literals, and drop assignments of names that nothing reads."""
        for own in ast.walk(self.tree):
            if isinstance(own, (ast.For, ast.comprehension)):
                self._feed(own.iter, own.target, frozenset())
        leaked = {own.id for own in _loads(self.tree) if own not in self.met}
        for row, targets in self.rows.items():
            if not self.through[row] & leaked:
                row.elts = [self._masked(own, targets) for own in row.elts]
        for table, pairs in self.dicts.items():
            if not self.through[table] & leaked:
                self._mask_dict(table, pairs)
        for own in ast.walk(self.tree):
            if isinstance(own, ast.Call) and isinstance(own.func, ast.Name) and own.func.id in self.functions:
                self._mask_call(own, self.functions[own.func.id].args)
        self._drop()

    # where the elements of literals go

    def _feed(self, iterable: ast.expr, target: Target, through: frozenset[str]) -> None:
        """Note for each literal in `iterable` that its elements are bound to `target`."""
        if (iterable, target) in self.done:
            return
        if isinstance(iterable, ast.Name):
            self.done.add((iterable, target))
            self.met.add(iterable)
            for own in self.values.get(iterable.id, []):
                self._feed(own, target, through | {iterable.id})
        elif isinstance(iterable, (ast.List, ast.Tuple)):
            self.rows.setdefault(iterable, []).append(target)
            self.through.setdefault(iterable, set()).update(through)
        elif isinstance(iterable, ast.Dict):
            self._feed_dict(iterable, (target, None), through)
        elif isinstance(iterable, ast.Call):
            self._feed_call(iterable, target, through)

    def _feed_call(self, node: ast.Call, target: Target, through: frozenset[str]) -> None:
        function, given = node.func, node.args
        if any(isinstance(own, ast.Starred) for own in given):
            return
        if isinstance(function, ast.Attribute) and not given and not node.keywords:
            pairs = {
                "items": (self._part(target, 2, 0), self._part(target, 2, 1)),
                "keys": (target, None),
                "values": (None, target),
            }
            if function.attr in pairs:
                self._feed_dict(function.value, pairs[function.attr], through)
        elif not isinstance(function, ast.Name) or function.id in self.bound or not given:
            return
        elif function.id == "zip":
            for at, own in enumerate(given):
                self._feed(own, self._part(target, len(given), at), through)
        elif function.id == "enumerate":
            self._feed(given[0], self._part(target, 2, 1), through)
        elif function.id in SAME_ORDER and len(given) == 1:
            self._feed(given[0], target, through)

    def _feed_dict(self, node: ast.expr, pair: tuple[Target, Target], through: frozenset[str]) -> None:
        if isinstance(node, ast.Name):
            self.met.add(node)
            for own in self.values.get(node.id, []):
                if isinstance(own, ast.Dict):
                    self._feed_dict(own, pair, through | {node.id})
        elif isinstance(node, ast.Dict):
            self.dicts.setdefault(node, []).append(pair)
            self.through.setdefault(node, set()).update(through)

    def _part(self, target: Target, count: int, at: int) -> Target:
        """The target of one of `count` parts of what is bound to `target`."""
        if self._unread(target):
            return None
        if isinstance(target, Index) and isinstance(target.key, int):
            return READ if target.key in (at, at - count) else None
        if isinstance(target, (ast.Tuple, ast.List)) and len(target.elts) == count and not _starred(target):
            return target.elts[at]
        return READ

    def _unread(self, target: Target) -> bool:
        return target is None or (isinstance(target, ast.Name) and target.id not in self.read)

    # what stays of literals

    def _masked(self, value: ast.expr, targets: list[Target]) -> ast.expr:
        """An element, without what none of the targets that it is bound to reads."""
        targets = [own for one in targets for own in self._viewed(one)]
        if all(map(self._unread, targets)) and self._plain(value):
            return ast.Constant(None)
        if isinstance(value, ast.Dict) and all(isinstance(own, ast.Constant) for own in value.keys):
            by_index = all(own is None or isinstance(own, Index) for own in targets)
            read = [own.key for own in targets if isinstance(own, Index)]
            for at, key in enumerate(value.keys):
                if by_index and key.value not in read:  # type: ignore[union-attr]
                    value.values[at] = self._masked(value.values[at], [])
        if isinstance(value, (ast.Tuple, ast.List)) and not _starred(value):
            count = len(value.elts)
            value.elts = [
                self._masked(own, [self._part(one, count, at) for one in targets]) for at, own in enumerate(value.elts)
            ]
        return value

    def _viewed(self, target: Target) -> list[Target]:
        return self.views.get(target.id, [target]) if isinstance(target, ast.Name) else [target]

    def _mask_call(self, node: ast.Call, parameters: ast.arguments) -> None:
        """As `_masked`, for the arguments that a function of the test is called with."""
        made = {own: self._masked(own, [ast.Name(name, ast.Store())]) for own, name in _arguments(node, parameters)}
        node.args = [made.get(own, own) for own in node.args]
        for word in node.keywords:
            word.value = made.get(word.value, word.value)

    def _mask_dict(self, table: ast.Dict, pairs: list[tuple[Target, Target]]) -> None:
        """As `_masked`. Keys stay different from each other, or there were fewer cases."""
        if None in table.keys:
            return
        table.values = [self._masked(own, [value for _, value in pairs]) for own in table.values]
        known = [own.value for own in table.keys if isinstance(own, ast.Constant)]
        if all(self._unread(key) for key, _ in pairs) and len(set(known)) == len(table.keys):
            table.keys = [ast.Constant(at) for at in range(len(known))]

    def _plain(self, node: ast.expr) -> bool:
        """Whether evaluating it does nothing, so that it may be left out."""
        if isinstance(node, (ast.Tuple, ast.List)):
            return all(map(self._plain, node.elts))
        if isinstance(node, ast.Lambda):
            return not node.args.defaults and not node.args.kw_defaults
        if isinstance(node, ast.Name):
            return node.id in self.bound
        return all(map(self._computes, ast.walk(node)))

    def _computes(self, node: ast.AST) -> bool:
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                return function.id in OF_CONSTANTS
            return isinstance(function, ast.Attribute) and "random" not in ast.unparse(function)
        if isinstance(node, ast.Name):
            return node.id not in self.bound and node.id in OF_CONSTANTS | MODULES
        return isinstance(node, COMPUTES)

    # assignments

    def _drop(self) -> None:
        held = self.read | {own.id for own in ast.walk(self.tree) if isinstance(own, ast.Name) and _deleted(own)}
        for node in ast.walk(self.tree):
            for field in ("body", "orelse", "finalbody"):
                body = getattr(node, field, None)
                if isinstance(body, list) and any(gone := [self._droppable(own, held) for own in body]):
                    left = [own for own, out in zip(body, gone, strict=True) if not out]
                    setattr(node, field, left or ([] if isinstance(node, ast.Module) else [ast.Pass()]))

    def _droppable(self, node: ast.stmt, held: set[str]) -> bool:
        found = _assigned(node)
        return bool(found) and found[0] not in held and self._plain(found[1])  # type: ignore[index]


def _assigned(node: ast.AST) -> tuple[str, ast.expr] | None:
    """(name, value) of an assignment to a single name."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    if not isinstance(node, (ast.Assign, ast.AnnAssign)) or len(targets) != 1 or node.value is None:
        return None
    return (targets[0].id, node.value) if isinstance(targets[0], ast.Name) else None


def _arguments(node: ast.Call, parameters: ast.arguments) -> list[tuple[ast.expr, str]]:
    """(argument, name of the parameter it is bound to)."""
    if any(isinstance(own, ast.Starred) for own in node.args):
        return []
    names = [own.arg for own in [*parameters.posonlyargs, *parameters.args]]
    return [*zip(node.args, names, strict=False), *((own.value, own.arg) for own in node.keywords if own.arg)]


def _plainly(function: ast.FunctionDef) -> bool:
    """Whether a call of its name is a call of it, with the parameters that it has."""
    own = function.args
    return not (function.decorator_list or own.vararg or own.kwarg or hasattr(builtins, function.name))


def _starred(row: Row) -> bool:
    return any(isinstance(own, ast.Starred) for own in row.elts)


def _deleted(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Del)
