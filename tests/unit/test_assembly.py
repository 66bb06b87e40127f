"""Assembly: forms fill the blueprint exactly; where the bank cannot, the cells that clash are named."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.assembly import AssemblyError, assemble
from exams.blueprint import Blueprint, Cell, load
from exams.documents import DocumentError
from exams.form import Form
from exams.items import load_bank
from tests.support.properties import examples

FOLDER = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
BANK = load_bank(FOLDER)
PLAN = load(FOLDER / "blueprint-20.toml")


def form(plan: Blueprint = PLAN, seed: int = 1) -> Form:
    return assemble(BANK, plan, forms=["A"], exam="x", seed=seed)[0]


@examples(10)
@given(seed=st.integers(0, 2**32))
def test_every_form_fills_the_blueprint(seed: int) -> None:
    made = form(seed=seed)
    counted = Counter((item.topic, item.level, item.type, item.points) for item in made.items)
    assert counted == {(cell.topic, cell.level, cell.type, cell.points): cell.count for cell in PLAN.cells}
    assert (len(made.items), made.maximum) == (20, 26)
    mean = sum(item.points * item.difficulty for item in made.items) / made.maximum
    assert abs(mean - PLAN.difficulty) <= PLAN.difficulty_tolerance + 1e-9
    groups = [item.group.id if item.group else item.id for item in made.items]
    assert [name for place, name in enumerate(groups) if name not in groups[:place]] == list(dict.fromkeys(groups))
    for group in {item.group for item in made.items if item.group}:
        assert sum(item.group == group for item in made.items) == sum(item.group == group for item in BANK)
        places = [place for place, item in enumerate(made.items) if item.group == group]
        assert places == list(range(places[0], places[0] + len(places)))


def test_the_seed_decides() -> None:
    assert form(seed=3) == form(seed=3)
    assert len({tuple(item.id for item in form(seed=seed).items) for seed in range(8)}) > 1


def cell(index: int, **changes: object) -> Blueprint:
    cells = list(PLAN.cells)
    cells[index] = replace(cells[index], **changes)  # type: ignore[arg-type]
    return replace(PLAN, cells=tuple(cells))


def index(kind: str, level: str) -> int:
    return next(place for place, own in enumerate(PLAN.cells) if (own.type, own.level) == (kind, level))


def test_a_cell_without_enough_items_is_named() -> None:
    with pytest.raises(AssemblyError, match=r"symptoms x recall x A1 \(1 points\) wants 9 items; the bank has 2"):
        form(cell(0, count=9))


def test_a_group_that_cannot_come_whole_is_named() -> None:
    plan = cell(index("B1", "apply"), count=2)
    with pytest.raises(AssemblyError, match=r"^These cannot be had together: laboratory x apply x B1 \(1 points\)\.$"):
        form(plan)


def test_a_difficulty_out_of_reach_is_named_with_cells() -> None:
    with pytest.raises(AssemblyError, match="; the mean difficulty"):
        form(replace(PLAN, difficulty=0.2))


GOOD = """\
title = "t"
subject = "diagnostics"
difficulty = 0.7
difficulty_tolerance = 0.1
cells = [{ topic = "ecg", level = "recall", type = "A1", count = 1, points = 1 }]
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('title = "t"', "", "The field 'title' is missing"),
        ('title = "t"', 'title = "t"\nnote = "n"', "note: The field 'note' is unknown here"),
        ("count = 1", "count = 0", r"cells\[0\]\.count: The field 'count' must be at least 1"),
        ("count = 1", "count = true", r"cells\[0\]\.count: The field 'count' must be a whole number, not True"),
        ('type = "A1"', 'type = "A7"', r"cells\[0\]\.type: 'A7' is not one of"),
        (
            "points = 1 }]",
            "points = 1 }, { topic = 'ecg', level = 'recall', type = 'A1', count = 2, points = 1 }]",
            "twice",
        ),
        ("cells = [{", "cells = [", "The blueprint cannot be read"),
    ],
)
def test_a_wrong_blueprint_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(GOOD)
    assert load(path).cells == (Cell("ecg", "recall", "A1", 1, 1.0),)
    path.write_text(GOOD.replace(old, new, 1))
    with pytest.raises(DocumentError, match=said):
        load(path)
