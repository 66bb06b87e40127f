"""Assembling parallel forms from a large bank; the peer is the budget: 10 forms of 150 items from 10,000 in 30 s.

python -m benchmarks assembly --items 10000 --forms 10
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time

import numpy as np

from exams.assembly import assemble
from exams.blueprint import Blueprint, Cell
from exams.items import LEVELS, Item

BUDGET_S = 30.0
TOPICS, EACH = 10, 5


def bank(size: int) -> list[Item]:
    """Items with difficulties as real banks have them: most between 0.4 and 0.9."""
    rng = np.random.default_rng(20270108)
    cells = itertools.cycle(itertools.product(range(TOPICS), LEVELS))
    easy = np.clip(rng.beta(5, 3, size), 0.05, 0.95)
    return [
        Item(f"i{number:05}", "A1", "s", f"t{topic}", level, float(share), 1.0, "?", "!", "-")
        for number, ((topic, level), share) in enumerate(zip(cells, easy, strict=False))
    ]


def main() -> None:
    """Measure and print the figure."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    parser.add_argument("--items", type=int, default=3000, help="items in the bank")
    parser.add_argument("--forms", type=int, default=4, help="forms of 150 items")
    options = parser.parse_args()
    cells = tuple(Cell(f"t{topic}", level, "A1", EACH, 1.0) for topic in range(TOPICS) for level in LEVELS)
    plan = Blueprint("t", "s", 0.62, 0.01, cells, information_tolerance=0.02)
    items = bank(options.items)
    begun = time.perf_counter()
    forms = assemble(items, plan, forms="ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: options.forms], exam="x", seed=1)
    taken = time.perf_counter() - begun
    if len({item.id for form in forms for item in form.items}) != options.forms * plan.count:
        raise RuntimeError("An item stands in two forms.")
    print(f"assembly {taken:.1f} {BUDGET_S} {BUDGET_S / taken:.1f} s")


if __name__ == "__main__":
    main()
