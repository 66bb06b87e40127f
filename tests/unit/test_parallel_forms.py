"""Parallel forms: every demand of the blueprint holds in each of them, and what cannot be had is named."""

import itertools
import json
from collections import Counter
from dataclasses import replace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from exams.assembly import AssemblyError, assemble, information, summary
from exams.blueprint import Blueprint, Cell, load
from exams.cli import exam
from exams.documents import DocumentError
from exams.form import Form
from exams.items import Group, Item
from tests.support.exam_host import settings_of
from tests.support.properties import examples

CELLS = (Cell("heart", "recall", "A1", 3, 1.0), Cell("lung", "apply", "A1", 2, 2.0))
PLAN = Blueprint("t", "s", 0.6, 0.05, CELLS)


def item(number, cell=CELLS[0], difficulty=0.6, group=None):
    return Item(
        f"i{number:03}", cell.type, "s", cell.topic, cell.level, difficulty, cell.points, "?", "!", "-", group=group
    )


def bank(each=20):
    difficulties = [0.4, 0.5, 0.6, 0.7, 0.8]
    pairs = itertools.product(CELLS, range(each))
    return [item(number, cell, difficulties[at % 5]) for number, (cell, at) in enumerate(pairs)]


def ids(form):
    return [own.id for own in form.items]


@examples(15)
@given(st.integers(0, 2**32), st.integers(1, 5), st.sampled_from([None, 0.02, 0.1]))
def test_each_form_fills_the_blueprint_and_they_share_nothing(seed, number, tolerance):
    plan = replace(PLAN, information_tolerance=tolerance)
    forms = assemble(bank(), plan, forms="ABCDE"[:number], exam="x", seed=seed)
    assert [form.id for form in forms] == list("ABCDE"[:number])
    for form in forms:
        assert all(sum(map(cell.holds, form.items)) == cell.count for cell in CELLS)
        mean = sum(own.points * own.difficulty for own in form.items) / form.maximum
        assert abs(mean - plan.difficulty) <= plan.difficulty_tolerance + 1e-6
    assert max(Counter(itertools.chain(*map(ids, forms))).values()) == 1
    if tolerance:
        told = [sum(map(information, form.items)) for form in forms]
        assert max(told) / min(told) <= (1 + tolerance) / (1 - tolerance) + 1e-6
    assert forms == assemble(bank(), plan, forms="ABCDE"[:number], exam="x", seed=seed)


@examples(12)
@given(st.integers(0, 2**32))
def test_anchors_are_in_every_form_and_enemies_in_none_together(seed):
    plan = replace(PLAN, anchors=("i001", "i021"), enemies=(("i000", "i002", "i004"), ("i022", "i023")))
    forms = assemble(bank(10 + 10), plan, forms="ABC", exam="x", seed=seed)
    for form in forms:
        assert {"i001", "i021"} <= set(ids(form))
        assert all(len(set(enemies) & set(ids(form))) <= 1 for enemies in plan.enemies)
    assert set(ids(forms[0])) & set(ids(forms[1])) == {"i001", "i021"}


def test_what_stood_too_often_is_left_out_unless_it_is_an_anchor():
    plan = replace(PLAN, exposure_limit=2, anchors=("i000",))
    worn = {f"i{number:03}": 2 for number in range(10)} | {"i010": 1}
    forms = assemble(bank(), plan, forms="AB", exam="x", seed=1, exposure=worn)
    assert {name for form in forms for name in ids(form)} & set(worn) <= {"i000", "i010"}
    assert all("i000" in ids(form) for form in forms)


def test_a_group_comes_whole_to_one_form():
    shared = Group("case", stem="A case")
    cell = Cell("heart", "recall", "A3", 2, 1.0)
    groups = [replace(shared, id=f"case{number}") for number in range(6)]
    items = [item(number, cell, group=groups[number // 2]) for number in range(12)]
    forms = assemble(items, replace(PLAN, cells=(cell,)), forms="ABC", exam="x", seed=5)
    for form in forms:
        assert form.items[0].group == form.items[1].group
    assert len({form.items[0].group for form in forms}) == 3


@examples(20)
@given(
    st.lists(st.sampled_from([0.2, 0.4, 0.6, 0.8]), min_size=4, max_size=7),
    st.sampled_from([0.0005, 0.06]),
    st.booleans(),
)
def test_infeasible_means_that_no_choice_whatever_fits(difficulties, tolerance, fight):
    """Against trying all choices, over small banks."""
    cell = Cell("heart", "recall", "A1", 2, 1.0)
    plan = Blueprint("t", "s", 0.5, tolerance, (cell,), enemies=(("i000", "i001"),) if fight else ())
    items = [item(number, cell, difficulty) for number, difficulty in enumerate(difficulties)]

    def fits(pair):
        near = abs(sum(own.difficulty - 0.5 for own in pair)) <= tolerance * 2 + 1e-9
        return near and not (fight and {own.id for own in pair} == {"i000", "i001"})

    pairs = [set(pair) for pair in itertools.combinations([own.id for own in items], 2)]
    named = {own.id: own for own in items}
    fitting = [pair for pair in pairs if fits([named[name] for name in pair])]
    possible = any(not one & two for one, two in itertools.combinations(fitting, 2))
    try:
        made = assemble(items, plan, forms="AB", exam="x", seed=1)
    except AssemblyError:
        made = None
    assert (made is not None) == possible


@pytest.mark.parametrize(
    ("changes", "exposure", "said"),
    [
        ({"anchors": ("none",)}, {}, "The anchor none is not in the bank."),
        ({"anchors": ("i000",), "cells": CELLS[1:]}, {}, "The anchor i000 .* is in no cell of the blueprint."),
        (
            {"cells": (replace(CELLS[0], count=11),)},
            {},
            r"heart x recall x A1 \(1 points\) wants 22 items; the bank has 20\.",
        ),
        (
            {"exposure_limit": 1},
            {f"i{number:03}": 1 for number in range(16)},
            "wants 6 items; the bank has 20, 16 of them over the exposure limit.",
        ),
        ({"difficulty": 0.2}, {}, "cannot be had together: .*; the mean difficulty"),
        (
            {"enemies": (tuple(f"i{number:03}" for number in range(20)),)},
            {},
            r"^These cannot be had together: heart x recall x A1 \(1 points\); the enemies i000, .*i019\.$",
        ),
        (
            {"exposure_limit": 1, "difficulty": 5.3 / 7, "difficulty_tolerance": 0.001},
            {f"i{number:03}": 1 for number in range(40) if number % 5 == 4},
            "the mean difficulty; the exposure limit",
        ),
    ],
)
def test_what_cannot_be_had_is_named(changes, exposure, said):
    with pytest.raises(AssemblyError, match=said):
        assemble(bank(), replace(PLAN, **changes), forms="AB", exam="x", seed=1, exposure=exposure)


def test_the_summary_says_what_the_forms_come_to():
    forms = assemble(bank(), PLAN, forms="AB", exam="x", seed=1)
    told = summary(forms, PLAN)["forms"]
    assert [own["form"] for own in told] == ["A", "B"]
    assert [own["items"] for own in told] == [5, 5]
    assert [own["points"] for own in told] == [7.0, 7.0]
    assert told[0]["cells"] == {"heart x recall x A1 (1 points)": 3, "lung x apply x A1 (2 points)": 2}
    assert told[0]["sha256"] != told[1]["sha256"]


WHOLE = """\
title = "t"
subject = "diagnostics"
difficulty = 0.7
difficulty_tolerance = 0.2
information_tolerance = 0.2
exposure_limit = 3
anchors = ["dx-ecg-001"]
enemies = [["dx-ecg-002", "dx-ecg-003"]]
cells = [{ topic = "ecg", level = "recall", type = "A1", count = 2, points = 1 }]
"""


def test_the_command_writes_forms_that_an_exam_is_built_of(tmp_path):
    plan, out = tmp_path / "plan.toml", tmp_path / "dx-1"
    plan.write_text("\n".join(line for line in WHOLE.splitlines() if "anchors" not in line), "utf-8")
    command = ["assemble", str(plan), "--forms", "2", "--seed", "7", "--out", str(out)]
    done = CliRunner().invoke(exam, command, obj=settings_of(tmp_path))
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    forms = [Form.load(out / f"{name}.json") for name in "AB"]
    assert [(form.id, form.exam, len(form.items)) for form in forms] == [("A", "dx-1", 2), ("B", "dx-1", 2)]
    assert told["forms"] == summary(forms, load(plan))["forms"]
    assert (out / "A.json").stat().st_mode & 0o077 == 0
    again = CliRunner().invoke(exam, command, obj=settings_of(tmp_path))
    assert again.exit_code == 1
    assert "is not empty" in again.output


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("information_tolerance = 0.2", "information_tolerance = 0", "greater than 0"),
        ("exposure_limit = 3", "exposure_limit = 0", "at least 1"),
        ('anchors = ["dx-ecg-001"]', "anchors = [3]", "a list of texts"),
        ('["dx-ecg-002", "dx-ecg-003"]', '["dx-ecg-002"]', "Enemies are lists of two or more item ids"),
        ('["dx-ecg-002", "dx-ecg-003"]', '"dx-ecg-002"', "Enemies are lists of two or more item ids"),
        ('["dx-ecg-002", "dx-ecg-003"]', '["dx-ecg-002", "dx-ecg-002"]', "Enemies are lists of two or more item ids"),
    ],
)
def test_a_wrong_blueprint_is_refused(tmp_path, old, new, said):
    path = tmp_path / "plan.toml"
    path.write_text(WHOLE)
    made = load(path)
    assert (made.information_tolerance, made.exposure_limit, made.anchors) == (0.2, 3, ("dx-ecg-001",))
    assert made.enemies == (("dx-ecg-002", "dx-ecg-003"),)
    path.write_text(WHOLE.replace(old, new, 1))
    with pytest.raises(DocumentError, match=said):
        load(path)
