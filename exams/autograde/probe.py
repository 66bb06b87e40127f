"""The probe of a test cell: what of it runs beside the student's code. Pure.

The probe evaluates every leaf that the test may come to and decides nothing. Of what the test is made of besides, it
holds only what the leaves need: their arguments, what these are computed from, and the conditions, loops and error
handlers that lead to them. So an `assert` gives its leaves alone; what is compared with them stays outside, and so do
statements that no leaf depends on.

The replay must meet the leaves in the same order, leaf by leaf. Where the test runs a leaf once, the probe may evaluate
it although the test would not have come so far; then errors of it are let go by. Where a leaf runs several times, and
the way to it depends on what a leaf gives, the probe keeps the whole expression, with the teacher's comparison in it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from exams.autograde.leaves import COMPREHENSIONS, Leaves, names_bound
from exams.autograde.syntax import call, imported, loaded_names, loaded_or_deleted, rebuilt, root, written

LEAF = "__leaf__"
CONSUMERS = frozenset({"all", "list", "tuple", "set", "frozenset", "dict", "sorted", "sum", "max", "min"})
"""Built-in functions that take a generator to its end; where `all` stops before, an `assert` of it is over."""
KEEP_ERRORS = frozenset({"open", "catch_warnings", "errstate", "printoptions", "redirect_stdout", "redirect_stderr"})
"""Context managers from which an error comes out; of any other it may not, as of `suppress`."""


def probe(tree: ast.Module, leaves: Leaves) -> ast.Module:
    """The probe of the cell that `tree` is."""
    needed: set[str] = set()
    while True:
        made = ast.Module(_Probe(tree, leaves, needed).block(tree.body), [])
        if needed >= (more := loaded_names(made)):
            return ast.fix_missing_locations(made)
        needed |= more


def pure(function: ast.AST, tree: ast.Module) -> bool:
    """Whether a function of the test does no more than compute, raise and return, as far as its text shows."""
    inner = {own.name for own in ast.walk(tree) if isinstance(own, ast.FunctionDef)}
    for own in ast.walk(function):
        if isinstance(own, (ast.Global, ast.Nonlocal, ast.Delete, ast.Yield, ast.YieldFrom, ast.Await, ast.ClassDef)):
            return False
        if isinstance(own, (ast.Attribute, ast.Subscript)) and isinstance(own.ctx, ast.Store):
            return False
        if isinstance(own, ast.Expr) and isinstance(own.value, ast.Call):
            begins = root(own.value)
            if begins not in imported(tree) and begins not in inner and begins != "print":
                return False
    return True


class _Probe:
    """One pass, where the names `needed` are to be there."""

    def __init__(self, tree: ast.Module, leaves: Leaves, needed: set[str]):
        self.leaves, self.wanted = leaves, needed | leaves.student
        self.imported = imported(tree)
        defined = [own for own in ast.walk(tree) if isinstance(own, ast.FunctionDef)]
        self.functions = {own.name for own in defined}
        self.pure = {own.name for own in defined if pure(own, tree)} - leaves.bearing
        tries = [own for own in ast.walk(tree) if isinstance(own, ast.Try)]
        self.caught = any(self._uses_bearing(one) for own in tries for one in own.body)
        self.repeated = self.keep_raise = False
        self.decides = True  # an `assert` that fails ends the test
        self.to_end = {
            argument
            for own in ast.walk(tree)
            if _consumes(own) and own.func.id != "all"  # type: ignore[attr-defined]
            for argument in own.args  # type: ignore[attr-defined]
        }

    def _uses_bearing(self, node: ast.AST) -> bool:
        return bool(loaded_names(node) & self.leaves.bearing)

    def block(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """What stays of statements."""
        return [made for own in body for made in self.statement(own)]

    def statement(self, node: ast.stmt) -> list[ast.stmt]:
        """What stays of a statement."""
        own = getattr(self, f"_{type(node).__name__.lower()}", None)
        if own is not None:
            return own(node)  # type: ignore[no-any-return]
        return self.whole(node) if self.leaves.has(node) or self._binds_wanted(node) else []

    def _binds_wanted(self, node: ast.stmt) -> bool:
        return bool(names_bound([node]) & self.wanted)

    # whole statements, with leaves wrapped

    def whole(self, node: Any) -> list[ast.stmt]:
        """A statement, or a list of them, as it stands."""
        made = rebuilt(node, self._wrapped)
        return made if isinstance(made, list) else [made]

    def inline(self, node: ast.expr) -> ast.expr:
        """An expression as it stands."""
        return rebuilt(node, self._wrapped)  # type: ignore[no-any-return]

    def _wrapped(self, node: ast.AST) -> Any:
        if isinstance(node, ast.stmt) and (found := written(node, self.leaves)):
            leaf, _, act = found
            return [ast.Expr(self._leaf(leaf, rebuilt(act, self._wrapped)))]
        if node in self.leaves.number:
            return self._leaf(node, node)  # type: ignore[arg-type]
        return None

    def _leaf(self, leaf: ast.AST, expression: ast.expr) -> ast.expr:
        nothing = ast.arguments([], [], None, [], [], None, [])
        return call(LEAF, ast.Constant(self.leaves.number[leaf]), ast.Lambda(nothing, expression))

    # statements of which only a part stays

    def _assert(self, node: ast.Assert) -> list[ast.stmt]:
        return self.reduced(node.test, decides=self.decides)

    def _raise(self, node: ast.Raise) -> list[ast.stmt]:
        return self.whole(node) if self.keep_raise else []

    def _pass(self, node: ast.Pass) -> list[ast.stmt]:  # noqa: ARG002
        return []

    def _expr(self, node: ast.Expr) -> list[ast.stmt]:
        value, begins = node.value, root(node.value)
        if value in self.leaves.number or not isinstance(value, ast.Call):
            return self.reduced(value)
        if begins in self.wanted | self.leaves.bearing or begins in self.functions - self.pure:
            return self.whole(node)
        if self.leaves.has(value):
            return self.reduced(value)
        forgotten = {"print"} | self.pure | (self.leaves.defined - self.imported - self.functions)
        return [] if begins in forgotten else self.whole(node)

    def _assign(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[ast.stmt]:
        if written(node, self.leaves):
            return self.whole(node)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = {own.id for one in targets for own in ast.walk(one) if isinstance(own, ast.Name)}
        if names & (self.wanted | self.imported):
            return self.whole(node)
        return [made for one in [node.value, *targets] if one for made in self.reduced(one)]

    _annassign = _augassign = _assign

    def _import(self, node: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
        star = any(alias.name == "*" for alias in node.names) or getattr(node, "module", "") == "__future__"
        return self.whole(node) if star or names_bound([node]) & self.wanted else []

    _importfrom = _import

    def _delete(self, node: ast.Delete) -> list[ast.stmt]:
        return self.whole(node) if self.leaves.has(node) or loaded_or_deleted(node) & self.wanted else []

    def _functiondef(self, node: ast.FunctionDef) -> list[ast.stmt]:
        if node.name not in self.leaves.bearing:
            return self.whole(node) if node.name in self.wanted else []
        if self.caught:  # what it raises, as a failing `assert` in it, decides how the test goes on
            return self.whole(node)
        before = self.repeated, self.keep_raise
        self.repeated = self.keep_raise = True
        body = self.block(node.body) or [ast.Pass()]
        self.repeated, self.keep_raise = before
        fields = {name: rebuilt(value, self._wrapped) for name, value in ast.iter_fields(node) if name != "body"}
        return [ast.copy_location(ast.FunctionDef(**fields, body=body), node)]

    def _return(self, node: ast.Return) -> list[ast.stmt]:
        return self.whole(node)

    _break = _continue = _global = _nonlocal = _return

    def _if(self, node: ast.If) -> list[ast.stmt]:
        body, orelse = self.block(node.body), self.block(node.orelse)
        if not body and not orelse:
            return self.reduced(node.test)
        return [ast.If(self.inline(node.test), body or [ast.Pass()], orelse)]

    def _for(self, node: ast.For) -> list[ast.stmt]:
        body, orelse = self._again(node.body), self.block(node.orelse)
        if not acts(body + orelse) and not names_bound([ast.Expr(node.target)]) & self.wanted:
            return self.reduced(node.iter)
        return [ast.For(node.target, self.inline(node.iter), body or [ast.Pass()], orelse)]

    def _while(self, node: ast.While) -> list[ast.stmt]:
        before, self.keep_raise = self.keep_raise, True
        body, orelse = self._again(node.body), self.block(node.orelse)
        self.keep_raise = before
        if not acts(body + orelse) and not self.leaves.has(node.test):
            return []
        return self.whole(node)  # what its condition needs is changed in it, or it would not end

    def _again(self, body: list[ast.stmt]) -> list[ast.stmt]:
        before, self.repeated = self.repeated, True
        made = self.block(body)
        self.repeated = before
        return made

    def _with(self, node: ast.With) -> list[ast.stmt]:
        before, catches = self.decides, not all(_last_name(own.context_expr) in KEEP_ERRORS for own in node.items)
        self.decides = self.decides and not catches
        body = self.whole(node.body) if catches and self._goes_on(node.body, []) else self.block(node.body)
        self.decides = before
        if not body:
            return [made for item in node.items for made in self.reduced(item.context_expr)]
        return [ast.With(rebuilt(node.items, self._wrapped), body)]

    def _try(self, node: ast.Try) -> list[ast.stmt]:
        handled = [self.block(own.body) for own in node.handlers]
        orelse, finalbody = self.block(node.orelse), self.block(node.finalbody)
        before, self.decides = self.decides, self.decides and not node.handlers
        if acts([made for own in handled for made in own]) or (node.handlers and self._goes_on(node.body, node.orelse)):
            body = self.whole(node.body)
        else:
            body = self.block(node.body)
        self.decides = before
        if not body:  # what it was to catch is gone with it
            return orelse + finalbody
        handlers = [
            ast.ExceptHandler(own.type, own.name, made or [ast.Pass()])
            for own, made in zip(node.handlers, handled, strict=True)
        ]
        return [ast.Try(body, handlers, orelse if handlers else [], finalbody or ([] if handlers else [ast.Pass()]))]

    def _goes_on(self, body: list[ast.stmt], orelse: list[ast.stmt]) -> bool:
        """Whether something that the probe has to do is left out by the test where an `assert` before it fails."""
        for at, one in enumerate(body):
            inner = list(ast.walk(one))
            if any(isinstance(own, (ast.Assert, ast.Raise)) for own in inner) or self._uses_bearing(one):
                simple = isinstance(one, (ast.Assert, ast.Raise, ast.Expr))
                return not simple or bool(self.block(body[at + 1 :]) + self.block(orelse))
        return False

    # expressions of which only the leaves stay

    def reduced(self, node: ast.expr, conditional: bool = False, decides: bool = False) -> list[ast.stmt]:
        """Statements that evaluate the leaves in an expression.

        conditional: the test itself may not come to them. decides: the test is over where the expression is false.
        """
        if not self.leaves.has(node):
            return []
        uncertain = self.repeated and not isinstance(node, COMPREHENSIONS) and self._uncertain(node, decides)
        if uncertain or self._needs_whole(node):
            return let_go([ast.Expr(self.inline(node))], conditional)
        if node in self.leaves.number:
            return let_go([ast.Expr(self.inline(node))], conditional)
        if isinstance(node, ast.BoolOp):
            return self._boolean(node, conditional)
        if isinstance(node, ast.IfExp):
            return self._choice(node, conditional)
        if isinstance(node, ast.Compare):
            first, *others = node.comparators
            made = self.reduced(node.left, conditional) + self.reduced(first, conditional)
            return made + [own for one in others for own in self.reduced(one, True)]
        if isinstance(node, COMPREHENSIONS):
            early = isinstance(node, ast.GeneratorExp) and node not in self.to_end
            return let_go([ast.Expr(self._comprehension(node))], conditional or early)
        parts = [own for own in ast.iter_child_nodes(node) if isinstance(own, (ast.expr, ast.keyword))]
        inner = [own.value if isinstance(own, ast.keyword) else own for own in parts]
        return [made for own in inner for made in self.reduced(own, conditional)]

    def _needs_whole(self, node: ast.expr) -> bool:
        """Whether functions of the test with leaves are used in it, or how far it goes on is not to be seen."""
        taken = {id(argument) for own in ast.walk(node) if _consumes(own) for argument in own.args}  # type: ignore[attr-defined]
        for own in ast.walk(node):
            if isinstance(own, ast.Name) and own.id in self.leaves.bearing:
                return True
            if isinstance(own, ast.Lambda) and self.leaves.has(own):
                return True
            if isinstance(own, ast.GeneratorExp) and self.leaves.has(own) and own is not node and id(own) not in taken:
                return True
            if isinstance(own, ast.NamedExpr) and own.target.id in self.wanted:
                return True
        return False

    def _boolean(self, node: ast.BoolOp, conditional: bool) -> list[ast.stmt]:
        plain = []
        for operand in node.values:
            if self.leaves.has(operand):
                break
            plain.append(operand)
        first, *later = node.values[len(plain) :]
        made = self.reduced(first, conditional) + [own for one in later for own in self.reduced(one, True)]
        if not plain:
            return made
        condition: ast.expr = plain[0] if len(plain) == 1 else ast.BoolOp(node.op, plain)
        if isinstance(node.op, ast.Or):
            condition = ast.UnaryOp(ast.Not(), condition)
        return [ast.If(condition, made, [])]

    def _choice(self, node: ast.IfExp, conditional: bool) -> list[ast.stmt]:
        if self.leaves.has(node.test):
            made = [own for one in (node.body, node.orelse) for own in self.reduced(one, True)]
            return self.reduced(node.test, conditional) + made
        body, orelse = self.reduced(node.body, conditional), self.reduced(node.orelse, conditional)
        return [ast.If(node.test, body or [ast.Pass()], orelse)]

    def _comprehension(self, node: Any) -> ast.expr:
        """The same loops and conditions, over the leaves of each element."""
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        if any(self._uncertain(own, False) for own in elements):
            found = [self.inline(own) for own in elements]
        else:
            found = [made for own in elements for made in self._outermost(own)]
        return ast.ListComp(ast.Tuple(found, ast.Load()), rebuilt(node.generators, self._wrapped))

    def _outermost(self, node: ast.AST) -> list[ast.expr]:
        """The leaves in a part of an element."""
        if node in self.leaves.number:
            return [self.inline(node)]  # type: ignore[arg-type]
        if isinstance(node, COMPREHENSIONS):
            return [self._comprehension(node)] if self.leaves.has(node) else []
        return [made for own in ast.iter_child_nodes(node) for made in self._outermost(own)]

    def _uncertain(self, node: ast.AST, decides: bool) -> bool:
        """Whether it depends on a leaf which other leaves in `node` are come to, and the test goes on in either case.

        decides: the test is over where `node` is false.
        """
        if not self.leaves.has(node) or node in self.leaves.number:
            return False
        children = list(ast.iter_child_nodes(node))
        if isinstance(node, ast.BoolOp):
            bearing = [own for own in node.values if self.leaves.has(own)]
            decides = decides and isinstance(node.op, ast.And)
            if len(bearing) > 1 and not decides:
                return True
            return any(self._uncertain(own, decides) for own in bearing)
        if isinstance(node, ast.IfExp) and self.leaves.has(node.test):
            return self.leaves.has(node.body) or self.leaves.has(node.orelse)
        if isinstance(node, ast.Compare) and any(map(self.leaves.has, node.comparators[1:])):
            return True
        if isinstance(node, ast.GeneratorExp):
            return True
        if _consumes(node) and (node.func.id != "all" or decides):  # type: ignore[attr-defined]
            children = [part for own in children for part in _parts(own)]
        return any(self._uncertain(own, False) for own in children)


def _consumes(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CONSUMERS


def _last_name(node: ast.expr) -> str | None:
    """What a call calls: `catch_warnings` of `warnings.catch_warnings()`."""
    if isinstance(node, ast.Call):
        node = node.func
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else None


def _parts(node: ast.AST) -> Iterable[ast.AST]:
    """A generator's parts, where it is taken to its end; any other node itself."""
    return ast.iter_child_nodes(node) if isinstance(node, ast.GeneratorExp) else [node]


def let_go(made: list[ast.stmt], conditional: bool) -> list[ast.stmt]:
    """Statements whose errors end nothing, where the test itself may not come to them."""
    if not conditional:
        return made
    return [ast.Try(made, [ast.ExceptHandler(ast.Name("Exception", ast.Load()), None, [ast.Pass()])], [], [])]


def acts(body: list[ast.stmt]) -> bool:
    """Whether statements do more than choose a way."""
    ways = (ast.If, ast.Break, ast.Continue, ast.Pass, ast.expr, ast.expr_context, ast.operator, ast.cmpop)
    other = (ast.unaryop, ast.boolop, ast.keyword, ast.comprehension, ast.arguments)
    return any(not isinstance(own, (*ways, *other)) for one in body for own in ast.walk(one)) or any(
        isinstance(own, ast.Name) and own.id == LEAF for one in body for own in ast.walk(one)
    )
