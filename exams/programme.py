"""The integer programme of assembly: which units of a bank go into which form, so that every demand is met exactly.

A unit is what comes together: one item, or all items of a group. Each is in one form at most; anchors are in all.
Solved by HiGHS through scipy.optimize.milp.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array

GAP = 0.1
"""Among forms that meet every demand chance decides; so that choice need not be the very best of a random cost."""
INFEASIBLE = 2

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Demand:
    """What each form must come to: lower <= vector . units - share * mean <= upper.

    vector: one number a unit. share: 0, or the share of the forms' own common mean that is taken off.
    """

    name: str
    vector: Vector = field(repr=False)
    lower: float
    upper: float
    share: float = 0.0


def solve(
    demands: Sequence[Demand], forms: int, anchors: NDArray[np.bool_], allowed: NDArray[np.bool_], cost: Vector
) -> NDArray[np.bool_] | None:
    """(forms, units): what is in which form, at the least `cost` (of the same size, flat); None where nothing fits.

    Raises RuntimeError where HiGHS gives up for another reason.
    """
    units = len(allowed)
    free = np.flatnonzero(allowed & ~anchors)
    rows, columns, values, lower, upper = [], [], [], [], []
    size = 0

    def add(own: NDArray[np.int64], numbers: Vector, low: float, high: float) -> None:
        nonlocal size
        rows.append(np.full(len(own), size))
        columns.append(own)
        values.append(numbers)
        lower.append(low)
        upper.append(high)
        size += 1

    mean = forms * units
    for demand in demands:
        used = np.flatnonzero(demand.vector * allowed)
        for form in range(forms):
            own, numbers = form * units + used, demand.vector[used]
            if demand.share:
                own, numbers = np.append(own, mean), np.append(numbers, -demand.share)
            add(own, numbers, demand.lower, demand.upper)
    if forms > 1:
        for unit in free:
            add(np.arange(forms) * units + unit, np.ones(forms), 0.0, 1.0)
    matrix = coo_array(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(size, forms * units + 1)
    )
    least, most = np.tile((anchors & allowed).astype(float), forms), np.tile(allowed.astype(float), forms)
    found = milp(
        np.append(cost, 0.0),
        integrality=np.append(np.ones(forms * units, dtype=np.int64), 0),
        bounds=Bounds(np.append(least, 0.0), np.append(most, np.inf)),
        constraints=LinearConstraint(matrix.tocsc(), np.array(lower), np.array(upper)),
        options={"mip_rel_gap": GAP},
    )
    if found.x is not None:
        taken: NDArray[np.bool_] = found.x[:-1].reshape(forms, units) > 0.5
        return taken
    if found.status != INFEASIBLE:
        raise RuntimeError(f"The solver gave up: {found.message}")
    return None
