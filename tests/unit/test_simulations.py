"""Simulations: what a browser may send, what the model takes, and what comes of it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses import simulations
from courses.models import nerve
from courses.simulations import SIMULATIONS
from exams.documents import DocumentError
from exams.items import load_file
from tests.support.properties import examples

NERVE = SIMULATIONS["nerve"]
CONTROLS = ("strength", "duration")
SOUND = {name: st.floats(parameter.low, parameter.high) for name, parameter in NERVE.parameters.items()}
JSON = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.integers(), max_size=2)
)


@given(data=JSON | st.dictionaries(st.sampled_from([*NERVE.parameters, "x"]), JSON))
def test_whatever_a_browser_sends_is_sound_numbers_or_refused(data):
    try:
        taken = simulations.given(data, NERVE, CONTROLS)
    except ValueError:
        return
    assert taken.keys() == set(CONTROLS)
    for name, value in taken.items():
        parameter = NERVE.parameters[name]
        assert parameter.low <= value <= parameter.high
        steps = (value - parameter.low) / parameter.step
        assert steps == pytest.approx(round(steps), abs=1e-6)


@examples(25)
@given(values=st.fixed_dictionaries({}, optional=SOUND))
def test_a_run_is_finite_whatever_it_is_asked_for(values):
    run = NERVE.run(NERVE.values(values))
    assert len(run["x"]) == len(run["y"]) == 1000
    assert all(math.isfinite(y) for y in run["y"])


def test_a_run_is_the_models_response_with_all_else_at_its_usual_value():
    run = json.loads(simulations.run_text(json.dumps({"model": "nerve", "values": {"strength": 30, "interval": 12}})))
    response = nerve.respond(nerve.Stimulus(30, 0.5, 12), nerve.Bath(), 40)
    assert run["y"] == pytest.approx(response.v[::2], abs=0.005)
    assert run["x"] == pytest.approx(response.times[::2])
    assert run["bands"] == [[2, 2.5], [14, 14.5]]


def test_what_is_out_of_bounds_or_unknown_is_refused():
    with pytest.raises(ValueError, match="81"):
        NERVE.values({"strength": 81})
    with pytest.raises(KeyError):
        NERVE.values({"colour": 1})


ITEM = """\
subject: physiology
topic: experiment
items:
  - id: e1
    type: numeric
    level: apply
    difficulty: 0.5
    points: 1
    stem: How strong?
    asset: {kind: simulation, model: nerve, controls: [strength], set: {celsius: 14.3}}
    key: 4
    tolerance: 0.2
    unit: uA
    rationale: Because.
    source: Chapter 1
"""


def test_a_candidate_sees_the_controls_and_nothing_of_what_is_set(tmp_path):
    path = tmp_path / "bank.yaml"
    path.write_text(ITEM, encoding="utf-8")
    (item,) = load_file(path)
    shown = item.public()["asset"]
    assert shown.keys() == {"kind", "controls", "x_axis", "y_axis"}
    assert [one["id"] for one in shown["controls"]] == ["strength"]
    assert "14.3" not in json.dumps(item.public())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("model: nerve", "model: heart", "'heart' is not one of nerve"),
        ("[strength]", "[]", "A candidate controls one number or more"),
        ("[strength]", "[celsius]", "A candidate controls one number or more"),
        ("[strength]", "[colour]", "The model nerve has no 'colour'"),
        ("celsius: 14.3", "celsius: 80", "The model nerve does not take this"),
        ("celsius: 14.3", "colour: 1", "The model nerve has no 'colour'"),
        ("type: numeric", "type: measurement", "'simulation' is not one of dicom"),
    ],
)
def test_a_wrong_experiment_is_named_with_its_line(tmp_path, old, new, said):
    path = tmp_path / "bank.yaml"
    path.write_text(ITEM.replace(old, new), encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        load_file(path)
    assert str(caught.value).startswith(f"{path}:10: {said}")
