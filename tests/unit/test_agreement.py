"""Agreement and severity of markers against published numbers, and against markers whose severity is known."""

import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.agreement import icc, weighted_kappa
from exams.facets import ALIKE, APART, EXTREME, TOO_FEW, NotEstimableError, Rating, extremes, severities
from exams.panel.severity import computed

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Table 2 of Shrout and Fleiss 1979; they give ICC(1,1) = 0.17."""
COHEN = [[44, 5, 1], [7, 20, 3], [9, 5, 6]]
"""Table 1 of J. Cohen, Educational and Psychological Measurement 20 (1960) 37: 100 diagnoses of two psychiatrists."""


def test_icc_is_that_of_shrout_and_fleiss():
    assert icc(SHROUT_FLEISS) == pytest.approx(0.17, abs=0.005)


def test_kappa_of_cohens_table_with_squared_weights():
    pairs = [(row, column) for row in range(3) for column in range(3) for _ in range(COHEN[row][column])]
    # by hand: observed 0.20 x 1 + 0.10 x 4, by chance 0.42 x 1 + 0.17 x 4
    assert weighted_kappa(pairs) == pytest.approx(1 - 0.60 / 1.10)


def test_kappa_of_two_categories_is_cohens_own():
    pairs = [(0, 0)] * 20 + [(0, 1)] * 5 + [(1, 0)] * 10 + [(1, 1)] * 15
    assert weighted_kappa(pairs) == pytest.approx((0.7 - 0.5) / (1 - 0.5))


MARKS = st.integers(0, 20).map(lambda halves: halves / 2)


@given(st.lists(st.tuples(MARKS, MARKS), min_size=2))
def test_kappa_is_within_its_bounds_and_one_only_where_all_agree(pairs):
    found = weighted_kappa(pairs)
    if found is None:
        assert len({mark for pair in pairs for mark in pair}) == 1
    else:
        assert -1 - 1e-9 <= found <= 1
        assert (found == 1) == all(one == other for one, other in pairs)


@given(st.lists(st.lists(MARKS, min_size=1, max_size=4)))
def test_icc_is_never_above_one(answers):
    found = icc(answers)
    assert found is None or found <= 1 + 1e-9


def test_nothing_is_told_of_nothing():
    assert weighted_kappa([]) is None
    assert icc([[1], [2, 2]]) is None
    assert icc([[3, 3], [3, 3]]) is None


STEPS = np.array([-1.5, -0.5, 0.5, 1.5])
SEVERITY = {"m1": -0.9, "m2": -0.5, "m3": -0.1, "m4": 0.2, "m5": 0.4, "m6": 0.9}


def simulated(answers: int, seed: int) -> list[Rating]:
    """Marks of 0 to 4 of 4 by two markers of six an answer, drawn from the model itself."""
    rng = np.random.default_rng(seed)
    ratings = []
    for place in range(answers):
        quality, item = rng.normal(0, 1.5), f"q{place % 2}"
        for marker in rng.choice(sorted(SEVERITY), 2, replace=False):
            logits = np.concatenate([[0], np.cumsum(quality - 0.3 * (place % 2) - SEVERITY[marker] - STEPS)])
            chances = np.exp(logits - logits.max())
            score = rng.choice(5, p=chances / chances.sum())
            ratings.append(Rating(f"a{place}", str(marker), item, score / 4))
    return ratings


@pytest.mark.parametrize("seed", range(3))
def test_severities_that_are_known_are_recovered(seed):
    found = {one.marker: one for one in severities(simulated(600, seed))}
    assert found.keys() == SEVERITY.keys()
    for marker, true in SEVERITY.items():
        assert abs(found[marker].logits - true) < 4 * found[marker].error
        assert 0.7 < found[marker].infit < 1.3
    ours = [found[marker].logits for marker in SEVERITY]
    assert np.corrcoef(ours, list(SEVERITY.values()))[0, 1] > 0.9


def test_markers_who_share_no_answer_are_not_compared():
    apart = [
        Rating(f"{side}{place}", f"{side}{marker}", "q", (place * 3 + marker) % 5 / 4)
        for side in "ab"
        for place in range(30)
        for marker in (1, 2)
    ]
    with pytest.raises(NotEstimableError, match=APART):
        severities(apart)


def test_a_few_marks_tell_nothing():
    with pytest.raises(NotEstimableError, match=TOO_FEW):
        severities(simulated(4, 0))


@pytest.mark.parametrize(("share", "end"), [(0.0, "lowest"), (1.0, "highest")])
def test_who_gives_only_one_end_of_the_marks_is_told_and_takes_nobody_elses_severity(share, end):
    others = simulated(600, 0)
    numb = [Rating(f"a{place}", "m7", f"q{place % 2}", share) for place in range(0, 600, 20)]
    easy = [Rating(f"b{place}", marker, "easy", 1.0) for place in range(20) for marker in ("m1", "m2")]
    assert severities(others + numb + easy) == severities(others)
    assert (extremes(others + numb + easy), extremes(others)) == ({"m7": end}, {})
    told = asyncio.run(computed(others + numb + easy))
    assert (set(told.severities), told.extremes, told.why) == (set(SEVERITY), {"m7": end}, "")


def test_marks_of_one_end_leave_too_little_to_compare_and_no_false_reason():
    numb = [Rating(f"a{place}", "m1", "q", 0.0) for place in range(20)]
    other = [Rating(f"a{place}", "m2", "q", place % 3 / 2) for place in range(20)]
    with pytest.raises(NotEstimableError, match=EXTREME):
        severities(numb + other)
    assert extremes(numb + other) == {"m1": "lowest"}
    with pytest.raises(NotEstimableError, match=ALIKE):
        severities([*numb, *(Rating(one.answer, "m3", "q", 0.0) for one in numb)])
