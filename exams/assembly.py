"""Assembly 组卷: the items of a bank that fill a blueprint, chosen exactly by integer programming.

Items of one group (a shared case, shared options) come all together or not at all. Among all choices that fit, the seed
decides; the same bank, blueprint and seed give the same form.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from exams.blueprint import Blueprint, Cell
from exams.form import Form
from exams.items import TYPES, Group, Item

DIFFICULTY = "the mean difficulty"


class AssemblyError(ValueError):
    """The bank cannot fill the blueprint; the message names the cells that clash."""


def assemble(items: Sequence[Item], blueprint: Blueprint, *, form: str, exam: str, seed: int) -> Form:
    """Form `form` of the exam `exam` from the items of the blueprint's subject.

    Raises AssemblyError where no choice of items fits, naming the cells that cannot be filled together.
    """
    pool = [item for item in items if item.subject == blueprint.subject]
    for cell in blueprint.cells:
        available = sum(cell.holds(item) for item in pool)
        if available < cell.count:
            raise AssemblyError(f"The cell {cell} wants {cell.count} items; the bank has {available}.")
    chosen = _solve(pool, blueprint, blueprint.cells, seed, difficulty=True)
    if chosen is None:
        raise AssemblyError(f"These cannot be had together: {'; '.join(_clash(pool, blueprint))}.")
    return Form(form, exam, tuple(sorted(chosen, key=lambda item: _place(item, pool))))


def _place(item: Item, pool: Sequence[Item]) -> tuple[int, int, int]:
    """By type, then as in the bank, a group where its first item stands."""
    first = next(other for other in pool if other is item or (item.group and other.group == item.group))
    return TYPES.index(first.type), pool.index(first), pool.index(item)


def _solve(
    pool: Sequence[Item], blueprint: Blueprint, cells: Sequence[Cell], seed: int, *, difficulty: bool
) -> list[Item] | None:
    """The items that fill `cells` (other cells count freely), None where there is no such choice."""
    rows, lower, upper = [], [], []
    for cell in cells:
        rows.append([float(cell.holds(item)) for item in pool])
        lower.append(float(cell.count))
        upper.append(float(cell.count))
    first: dict[Group, Item] = {}
    for member in pool:
        if member.group and (head := first.setdefault(member.group, member)) is not member:
            rows.append([float(item is head) - float(item is member) for item in pool])
            lower.append(0.0)
            upper.append(0.0)
    if difficulty:
        rows.append([item.points * (item.difficulty - blueprint.difficulty) for item in pool])
        upper.append(blueprint.difficulty_tolerance * blueprint.points)
        lower.append(-upper[-1])
    wanted = [any(cell.holds(item) for cell in blueprint.cells) for item in pool]
    found = milp(
        np.random.default_rng(seed).random(len(pool)),
        integrality=np.ones(len(pool), dtype=np.int64),
        bounds=Bounds(np.zeros(len(pool)), np.array(wanted, dtype=np.float64)),
        constraints=LinearConstraint(np.array(rows), np.array(lower), np.array(upper)),
    )
    return None if found.x is None else [item for item, taken in zip(pool, found.x, strict=True) if taken > 0.5]


def _clash(pool: Sequence[Item], blueprint: Blueprint) -> list[str]:
    """Names of demands that clash: what remains after leaving out all those without which there is still a clash."""
    cells, difficulty = list(blueprint.cells), True
    if _solve(pool, blueprint, cells, 0, difficulty=False) is None:
        difficulty = False
    for cell in blueprint.cells:
        fewer = [other for other in cells if other is not cell]
        if (fewer or difficulty) and _solve(pool, blueprint, fewer, 0, difficulty=difficulty) is None:
            cells = fewer
    return [str(cell) for cell in cells] + ([DIFFICULTY] if difficulty else [])
