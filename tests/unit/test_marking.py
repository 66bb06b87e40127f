"""Marking: every item marks its own answers, and nothing a candidate sends can break it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses import series
from courses.models import phantom
from courses.series import Series
from exams import marking
from exams.items import TYPES, Item, load_bank
from exams.marking import examples, mark
from tests.support.narrowing import present

BANK = load_bank(Path(__file__).parents[2] / "exams" / "bank" / "diagnostics")
BY_TYPE = {item.type: item for item in BANK}


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Series:
    """The phantom as its case stores it: the two slices that items use, with noise, and empty ones between."""
    frames = np.zeros((phantom.SLICES, phantom.ROWS, phantom.COLUMNS), dtype=np.int16)
    noise = np.random.default_rng(1).normal(0, phantom.NOISE_SD_HU, (2, phantom.ROWS, phantom.COLUMNS))
    frames[12] = np.rint(phantom.density_plane() + noise[0] - phantom.INTERCEPT)
    frames[30] = np.rint(phantom.size_plane() + noise[1] - phantom.INTERCEPT)
    plain = Series(
        id="phantom-ct",
        title="CT phantom",
        modality="CT",
        frames=phantom.SLICES,
        rows=phantom.ROWS,
        columns=phantom.COLUMNS,
        spacing=(phantom.PIXEL_MM, phantom.PIXEL_MM),
        slope=phantom.SLOPE,
        intercept=phantom.INTERCEPT,
        unit="HU",
    )
    return series.write(tmp_path_factory.mktemp("phantom-ct"), plain, frames)


def test_the_bank_has_every_type() -> None:
    assert BY_TYPE.keys() == set(TYPES)


@pytest.mark.parametrize("item", BANK, ids=lambda item: item.id)
def test_each_item_marks_its_own_answers(item: Item, image: Series) -> None:
    own = examples(item)
    right, wrong, invalid = (mark(item, response, image) for response in (own.correct, own.wrong, own.invalid))
    if item.type == "short":
        assert (right.correct, right.reason) == (None, marking.AWAITS_MARKER)
    elif item.type == "code":
        assert (right.points, right.correct, right.reason) == (0, None, marking.AWAITS_RUN)
        assert mark(item, f"\n{item.starter}\n").reason == marking.BLANK
    else:
        assert (right.points, right.correct, right.reason) == (item.points, True, marking.CORRECT)
        assert (wrong.correct, wrong.reason) in {(False, marking.WRONG), (False, marking.INVALID)}
    assert (wrong.points, invalid.points) == (0, 0)
    assert invalid.reason in {marking.INVALID, marking.BLANK}
    assert not wrong.correct
    assert not invalid.correct


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from("ABCDEZ"),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
measurements = st.fixed_dictionaries(
    {},
    optional={
        "kind": st.sampled_from(["length", "angle", "ellipse", "probe", "point", "?"]) | json,
        "frame": st.integers(-5, 50) | json,
        "points": st.lists(st.lists(st.floats() | st.integers(-(10**400), 10**400), max_size=3), max_size=4) | json,
        "value": json,
    },
)


@given(item=st.sampled_from(list(BY_TYPE.values())), response=json | measurements)
def test_nothing_breaks_it(image: Series, item: Item, response: Any) -> None:
    for on in (image, None):
        given_mark = mark(item, response, on)
        assert 0 <= given_mark.points <= given_mark.maximum == item.points
        assert given_mark.correct in {True, False, None}
        assert (given_mark.points == item.points) == (given_mark.correct is True)


@given(st.sets(st.sampled_from("ABCDE")))
def test_the_rule_of_x_items(chosen: set[str]) -> None:
    """All right: the points. Some of them and nothing wrong: half. Any wrong one, or none: nothing."""
    item = replace(BY_TYPE["X"], key=("A", "B", "D"), points=2.0)
    expected = 2.0 if chosen == {"A", "B", "D"} else 1.0 if chosen and chosen < {"A", "B", "D"} else 0.0
    assert mark(item, sorted(chosen)).points == expected


@pytest.mark.parametrize("response", [["A", "A"], ["A", 1], "A", {"A": 1}, [["A"]]])
def test_what_is_no_choice_of_several_earns_nothing(response: object) -> None:
    given_mark = mark(replace(BY_TYPE["X"], key=("A", "B")), response)
    assert (given_mark.points, given_mark.reason) == (0, marking.INVALID)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.16", 0.16),
        (" .5 ", 0.5),
        ("-3", -3),
        ("1e3", 1000),
        ("０．１６", 0.16),
        ("−5", -5),
        ("0,16", None),
        ("1_000", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
        ("0x10", None),
        ("16 ms", None),
        ("٣", None),
        ("9" * 41, None),
    ],
)
def test_what_counts_as_a_number(text: str, value: float | None) -> None:
    assert marking.number(text) == value


@given(distance=st.floats(-0.1, 0.1))
def test_the_tolerance_is_inclusive(distance: float) -> None:
    item = replace(BY_TYPE["numeric"], key=0.16, tolerance=0.02)
    response = f"{0.16 + distance:.6f}"
    assert (mark(item, response).points > 0) == (abs(round(float(response) - 0.16, 6)) <= 0.02)


def test_a_measurement_is_measured_anew(image: Series) -> None:
    item = BY_TYPE["measurement"]
    honest = dict(examples(item).wrong)
    assert mark(item, honest | {"value": item.key, "unit": item.unit}, image).points == 0


def test_a_region_must_be_large_enough(image: Series) -> None:
    item = next(item for item in BANK if item.minimum_area)
    example = present(item.example)
    (x0, y0), (x1, y1) = example["points"]
    middle = [[(x0 + x1) / 2 - 8, (y0 + y1) / 2 - 8], [(x0 + x1) / 2 + 8, (y0 + y1) / 2 + 8]]  # 8 mm wide: 50 mm2
    small = {"kind": "ellipse", "frame": example["frame"], "points": middle}
    assert mark(item, small, image).reason == marking.INVALID
    assert mark(replace(item, minimum_area=40.0), small, image).points == item.points


@pytest.mark.parametrize("item", [item for item in BANK if item.type == "measurement"], ids=lambda item: item.id)
def test_keys_are_the_phantoms_own(item: Item) -> None:
    """The keys stand in the bank as numbers; they are those that the phantom is made of."""
    known = {
        "dx-img-004": phantom.insert("unknown").hu,
        "dx-img-012": phantom.insert("contrast").hu,
        "dx-img-005": phantom.ROD_LENGTH_MM,
        "dx-img-013": 2 * phantom.insert("fat").radius,
        "dx-img-014": phantom.ROD_ANGLE_DEG,
    }
    assert item.key == known[item.id]
