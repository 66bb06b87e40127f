"""Assembly 组卷: parallel forms that fill a blueprint, chosen exactly by integer programming.

Items of one group (a shared case, shared options) come all together or not at all; an item is in one form at most,
anchors are in all. Among all choices that fit, the seed decides; the same bank, blueprint and seed give the same forms.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exams.blueprint import Blueprint, Cell
from exams.form import Form
from exams.items import TYPES, Group, Item
from exams.ledger import Measured
from exams.programme import Demand, solve

DIFFICULTY, INFORMATION, EXPOSURE = "the mean difficulty", "the matched information", "the exposure limit"
SAMPLE = 2.0
"""A bank may hold many times what is needed; forms are first sought among so many times the items needed."""

ENOUGH = 30
"""Candidates from whom an item's difficulty is measured: its standard error is then below 0.1."""
BISERIAL_MOST = 0.9
"""Where the approximation of the slope ends: a measured correlation beyond it is chance."""
LOGISTIC = 1.7
"""Turns slopes of the normal ogive into those of the logistic curve."""

Unit = tuple[Item, ...]
"""What comes together: one item, or a whole group."""


class AssemblyError(ValueError):
    """The bank cannot fill the blueprint; the message names the cells that clash."""


def difficulty(item: Item, measured: Measured | None = None) -> float:
    """The share of candidates who get the item right: as enough of them did, else as its author expects."""
    return item.difficulty if measured is None or measured.candidates < ENOUGH else measured.difficulty


def information(item: Item, measured: Measured | None = None) -> float:
    """Fisher information of the item about candidates at the level its difficulty is told for: a^2 p (1 - p).

    Lord, Applications of Item Response Theory to Practical Testing Problems (1980), chapter 5. The slope a is 1 (a
    Rasch item) where too few candidates were asked to measure it.
    """
    share = difficulty(item, measured)
    slope = 1.0 if measured is None or measured.candidates < ENOUGH else slope_of(measured)
    return slope**2 * share * (1 - share)


def slope_of(measured: Measured) -> float:
    """The logistic slope of an item whose difficulty and discrimination (a point-biserial correlation) were measured.

    The point-biserial becomes the biserial r = rho sqrt(p q) / phi(z), where z cuts off p of a normal distribution
    (Lord and Novick, Statistical Theories of Mental Test Scores, 1968, chapter 15), and a = 1.7 r / sqrt(1 - r^2) (Lord
    1980, chapter 3). An item that all or none get right, or that the weaker get right more often, tells nothing: 0.
    """
    share = measured.difficulty
    if not 0 < share < 1 or measured.discrimination <= 0:
        return 0.0
    normal = NormalDist()
    biserial = measured.discrimination * math.sqrt(share * (1 - share)) / normal.pdf(normal.inv_cdf(share))
    biserial = min(biserial, BISERIAL_MOST)
    return LOGISTIC * biserial / math.sqrt(1 - biserial**2)


def assemble(
    items: Sequence[Item],
    blueprint: Blueprint,
    *,
    forms: Sequence[str],
    exam: str,
    seed: int,
    exposure: Mapping[str, int] | None = None,
    measured: Mapping[str, Measured] | None = None,
) -> tuple[Form, ...]:
    """The `forms` of the exam `exam` from the items of the blueprint's subject.

    exposure: in how many forms an item stood already, by id; measured: what exams told of it. Raises
    AssemblyError where no choice of items fits, naming the demands that cannot be met together.
    """
    pool = [item for item in items if item.subject == blueprint.subject]
    problem = Problem(units_of(pool), blueprint, len(forms), exposure or {}, measured or {})
    return tuple(
        Form(name, exam, tuple(item for unit in own for item in unit))
        for name, own in zip(forms, problem.solved(seed), strict=True)
    )


def summary(
    forms: Sequence[Form], blueprint: Blueprint, measured: Mapping[str, Measured] | None = None
) -> dict[str, Any]:
    """What the forms come to, as plain data: for people, and to see on another machine that they are the same."""
    told = (measured or {}).get
    return {
        "title": blueprint.title,
        "difficulty_wanted": blueprint.difficulty,
        "anchors": list(blueprint.anchors),
        "forms": [
            {
                "form": form.id,
                "items": len(form.items),
                "points": form.maximum,
                "difficulty": round(
                    sum(item.points * difficulty(item, told(item.id)) for item in form.items) / form.maximum, 4
                ),
                "information": round(sum(information(item, told(item.id)) for item in form.items), 4),
                "cells": {str(cell): sum(map(cell.holds, form.items)) for cell in blueprint.cells},
                "sha256": hashlib.sha256("\n".join(item.id for item in form.items).encode()).hexdigest(),
            }
            for form in forms
        ],
    }


def units_of(items: Sequence[Item]) -> list[Unit]:
    """The units of a bank by type, then as in the bank, a group where its first item stands."""
    members: dict[Group | str, list[Item]] = {}
    for item in items:
        members.setdefault(item.group or item.id, []).append(item)
    return sorted((tuple(own) for own in members.values()), key=lambda unit: TYPES.index(unit[0].type))


class Problem:
    """A blueprint over the units of a bank: what each form demands, and what may be taken."""

    def __init__(
        self,
        units: Sequence[Unit],
        blueprint: Blueprint,
        forms: int,
        exposure: Mapping[str, int],
        measured: Mapping[str, Measured],
    ) -> None:
        self._units, self._blueprint, self._forms, self._measured = units, blueprint, forms, measured
        self._anchors = self._having(blueprint.anchors)
        self._fitting = np.array([all(self._cell(item) for item in unit) for unit in units], dtype=bool)
        limit = blueprint.exposure_limit or math.inf
        often = np.array([any(exposure.get(item.id, 0) >= limit for item in unit) for unit in units], dtype=bool)
        self._worn = often & ~self._anchors

    def _cell(self, item: Item) -> Cell | None:
        return next((cell for cell in self._blueprint.cells if cell.holds(item)), None)

    def _having(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        return np.array([any(item.id in ids for item in unit) for unit in self._units], dtype=bool)

    def solved(self, seed: int) -> list[list[Unit]]:
        """The units of each form. Raises AssemblyError."""
        self._check_anchors()
        self._check_numbers()
        rng = np.random.default_rng(seed)
        cost = rng.random(self._forms * len(self._units))
        demands = self._demands()
        for among in (self._sample(rng), self._allowed()):
            found = solve(demands, self._forms, self._anchors, among, cost)
            if found is not None:
                return [[self._units[unit] for unit in np.flatnonzero(own).tolist()] for own in found]
        raise AssemblyError(f"These cannot be had together: {'; '.join(self._clash(demands))}.")

    def _check_anchors(self) -> None:
        for name in self._blueprint.anchors:
            (at,) = np.nonzero(self._having([name]))
            if not at.size:
                raise AssemblyError(f"The anchor {name} is not in the bank.")
            if not self._fitting[at[0]]:
                raise AssemblyError(f"The anchor {name} (or an item of its group) is in no cell of the blueprint.")

    def _check_numbers(self) -> None:
        """What can be said by counting alone is said first, and plainest."""
        for cell in self._blueprint.cells:
            counted = self._counts(cell)
            fixed = int(counted @ self._anchors)
            wanted = fixed + self._forms * (cell.count - fixed)
            worn, available = int(counted @ self._worn), int(counted.sum())
            if available - worn < wanted:
                over = f", {worn} of them over the exposure limit" if worn else ""
                raise AssemblyError(f"The cell {cell} wants {wanted} items; the bank has {available}{over}.")

    def _counts(self, cell: Cell) -> NDArray[np.float64]:
        return np.array([sum(cell.holds(item) for item in unit) for unit in self._units], dtype=float)

    def _allowed(self, *, worn: bool = False) -> NDArray[np.bool_]:
        """What may be taken; `worn`: those over the exposure limit too."""
        return self._fitting & (worn | ~self._worn)

    def _sample(self, rng: np.random.Generator) -> NDArray[np.bool_]:
        """Of what may be taken, SAMPLE times what each cell needs, chosen by chance."""
        allowed, taken = self._allowed(), self._anchors.copy()
        missing = {cell: math.ceil(SAMPLE * cell.count * self._forms) for cell in self._blueprint.cells}
        for at in rng.permutation(np.flatnonzero(allowed & ~self._anchors)).tolist():
            cells = [cell for item in self._units[at] if (cell := self._cell(item))]
            if any(missing[cell] > 0 for cell in cells):
                taken[at] = True
                for cell in cells:
                    missing[cell] -= 1
        return taken

    def _demands(self) -> list[Demand]:
        """The cells first, then what holds over all of a form."""
        plan = self._blueprint
        demands = [Demand(str(cell), self._counts(cell), cell.count, cell.count) for cell in plan.cells]
        demands += [
            Demand(f"the enemies {', '.join(enemies)}", self._having(enemies).astype(float), 0, 1)
            for enemies in plan.enemies
        ]
        if plan.information_tolerance is not None:
            told = np.array(
                [sum(information(item, self._measured.get(item.id)) for item in unit) for unit in self._units]
            )
            demands.append(Demand(INFORMATION, told, 0, math.inf, 1 - plan.information_tolerance))
            demands.append(Demand(INFORMATION, told, -math.inf, 0, 1 + plan.information_tolerance))
        away = [sum(self._away(item) for item in unit) for unit in self._units]
        band = plan.difficulty_tolerance * plan.points
        return [*demands, Demand(DIFFICULTY, np.array(away), -band, band)]

    def _away(self, item: Item) -> float:
        """How far the item takes a form from the difficulty wanted, in points."""
        return item.points * (difficulty(item, self._measured.get(item.id)) - self._blueprint.difficulty)

    def _clash(self, demands: Sequence[Demand]) -> list[str]:
        """Names of demands that clash: those left after leaving out all without which there is a clash all the same."""
        cost = np.zeros(self._forms * len(self._units))

        def clashes(own: Sequence[Demand], *, worn: bool) -> bool:
            return solve(own, self._forms, self._anchors, self._allowed(worn=worn), cost) is None

        exposure = self._worn.any() and not clashes(demands, worn=True)
        kept = list(demands)
        for name in dict.fromkeys(demand.name for demand in reversed(demands)):
            fewer = [demand for demand in kept if demand.name != name]
            if fewer and clashes(fewer, worn=not exposure):
                kept = fewer
        return [*dict.fromkeys(demand.name for demand in kept), *([EXPOSURE] if exposure else [])]
