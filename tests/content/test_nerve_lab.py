"""The nerve lab as a student uses it: each task answered rightly, wrongly and under the wrong conditions."""

import itertools
import runpy
from pathlib import Path

import pytest

from courses import tasks
from courses.models import nerve
from tests.support.narrowing import present

LAB = Path(__file__).parents[2] / "courses" / "physiology" / "01_nerve.py"


@pytest.fixture(scope="module")
def names():
    with pytest.MonkeyPatch.context() as patch:
        for name in (tasks.REPORT_URL, tasks.REPORT_TOKEN):
            patch.delenv(name, raising=False)
        yield runpy.run_path(str(LAB))


@pytest.fixture
def lab(names):
    """The lab's namespace under standard conditions, nothing answered."""
    names["restore"]()
    for answer in ("rheobase", "chronaxie", "refractory", "sodium"):
        names[f"{answer}_answer"].value = 0
    names["potassium_answer"].value = None
    return names


def submit(lab, card):
    lab[f"{card}_card"].submit()
    return lab[f"{card}_card"].verdict


def test_the_lab_opens_with_a_spike(lab):
    assert "引起 1 个动作电位" in lab["says"].value
    assert lab["trace"].marks
    assert lab["trace"].bands == [[2.0, 2.5]]


def test_two_pulses_are_shown_as_two_bands(lab):
    lab["interval"].value = 20
    assert lab["trace"].bands == [[2.0, 2.5], [22.0, 22.5]]
    assert "引起 2 个动作电位" in lab["says"].value


def test_a_weak_stimulus_says_that_nothing_came_of_it(lab):
    lab["strength"].value = 5
    assert "没有引起动作电位" in lab["says"].value
    assert lab["trace"].marks == []


def test_every_corner_of_the_controls_can_be_shown(lab):
    ends = [(control.min, control.max) for control in lab["controls"] if hasattr(control, "min")]
    durations = (lab["duration"].options[0], lab["duration"].options[-1])
    strengths, intervals, degrees, sodiums, potassiums = ends
    for strength, interval, celsius, sodium, potassium in itertools.product(
        strengths, intervals, degrees, sodiums, potassiums
    ):
        for duration in durations:
            pulse = nerve.Stimulus(strength, duration, interval)
            response = nerve.respond(pulse, nerve.Bath(celsius, sodium, potassium), lab["LENGTH_MS"])
            assert -100 < response.v.min() < response.v.max() < 200 or strength == 0


def test_the_threshold_found_with_the_slider(lab):
    # the lowest step of the slider at which the lab itself says that a spike came
    for tenths in range(100, 200):
        lab["strength"].value = tenths / 10
        if "引起 1 个" in lab["says"].value:
            break
    assert submit(lab, "threshold").correct
    for wrong in (lab["strength"].value - 1, lab["strength"].value + 1):
        lab["strength"].value = wrong
        verdict = submit(lab, "threshold")
        assert not verdict.correct
        assert "还不对" in verdict.message


@pytest.mark.parametrize(
    ("control", "value", "says"),
    [
        ("celsius", 10.3, "恢复标准条件"),
        ("sodium", 300, "恢复标准条件"),
        ("potassium", 30, "恢复标准条件"),
        ("interval", 5, "间隔调到 0"),
        ("duration", 1.0, "0.5 ms"),
    ],
)
def test_the_threshold_under_other_conditions_is_not_judged(lab, control, value, says):
    lab["strength"].value = round(present(nerve.threshold(0.5, nerve.Bath())), 1)
    lab[control].value = value
    verdict = submit(lab, "threshold")
    assert not verdict.correct
    assert says in verdict.message
    assert verdict.response is None


def test_rheobase_and_chronaxie_read_off_the_curve(lab):
    durations = lab["DURATIONS"]
    thresholds = [present(nerve.threshold(float(ms), nerve.Bath())) for ms in durations]
    base = thresholds[-1]
    nearest = min(range(len(durations)), key=lambda place: abs(thresholds[place] - 2 * base))
    lab["rheobase_answer"].value = round(base, 1)
    lab["chronaxie_answer"].value = round(float(durations[nearest]), 1)
    verdict = submit(lab, "strength_duration")
    assert verdict.correct, verdict.message
    assert verdict.response == [lab["rheobase_answer"].value, lab["chronaxie_answer"].value]


@pytest.mark.parametrize(("base", "double"), [(True, False), (False, True), (False, False)])
def test_both_must_be_right(lab, base, double):
    lab["rheobase_answer"].value = present(nerve.rheobase(nerve.Bath())) + (0 if base else 1)
    lab["chronaxie_answer"].value = present(nerve.chronaxie(nerve.Bath())) + (0 if double else 1)
    assert not submit(lab, "strength_duration").correct


def test_the_refractory_period_found_with_the_slider(lab):
    lab["strength"].value = lab["TEST_STRENGTH"]
    for tenths in range(50, 250):
        lab["interval"].value = tenths / 10
        if "引起 2 个" in lab["says"].value:
            break
    lab["refractory_answer"].value = lab["interval"].value
    assert submit(lab, "refractory").correct
    for wrong in (0, lab["interval"].value - 1, lab["interval"].value + 1):
        lab["refractory_answer"].value = wrong
        assert not submit(lab, "refractory").correct


def test_the_strength_of_the_refractory_task_is_about_twice_the_threshold(lab):
    assert lab["TEST_STRENGTH"] == pytest.approx(2 * present(nerve.threshold(0.5, nerve.Bath())), rel=0.05)


def test_the_amplitude_in_little_sodium_as_the_lab_shows_it(lab):
    lab["sodium"].value, lab["strength"].value = 220, 30
    shown = float(lab["says"].value.split("幅度 ")[1].split(" mV")[0])
    lab["sodium_answer"].value = shown
    assert submit(lab, "sodium").correct
    normal = nerve.respond(nerve.Stimulus(30, 0.5), nerve.Bath()).amplitude
    for wrong in (0, normal, shown + 3):
        lab["sodium_answer"].value = wrong
        assert not submit(lab, "sodium").correct


def test_high_potassium_is_a_choice_of_one(lab):
    assert "请先选择" in submit(lab, "potassium").message
    right = [choice for choice, correct in lab["CHOICES"].items() if correct]
    assert len(right) == 1
    for choice in lab["CHOICES"]:
        lab["potassium_answer"].value = choice
        verdict = submit(lab, "potassium")
        assert verdict.correct == (choice in right)
        assert verdict.response == choice


def test_the_answer_about_potassium_is_what_the_lab_shows(lab):
    lab["potassium"].value = 60
    for strength in (20, 40, 80):
        lab["strength"].value = strength
        assert "没有引起动作电位" in lab["says"].value


def test_the_table_says_what_the_paper_says(lab):
    assert [row[2] for row in lab["ROWS"][:3]] == [row[1] for row in lab["ROWS"][:3]]
