"""The live curve: what goes to the browser, and the arithmetic of its axes as the browser does it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from widgets.trace import Axis, Trace

NODE = Path(sys.executable).parent / "node"
SCALE = Path(__file__).resolve().parents[2] / "widgets" / "trace_scale.js"


def browser(expression, *values):
    """What `expression` gives for each of `values` (as v) in JavaScript."""
    script = (
        f"import {{ ticks, linear, nearest }} from {json.dumps(SCALE.as_uri())};"
        f"console.log(JSON.stringify({json.dumps(values)}.map((v) => {expression})));"
    )
    command = [str(NODE), "--input-type=module", "--no-warnings", "--eval", script]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout)


def test_ticks_of_usual_axes():
    usual = browser("ticks(...v)", [0, 30, 6], [-20, 120, 7], [0, 1, 5], [0.05, 0.32, 5], [-1e-3, 1e-3, 4])
    assert usual[0] == {"values": [0, 5, 10, 15, 20, 25, 30], "digits": 0}
    assert usual[1] == {"values": [-20, 0, 20, 40, 60, 80, 100, 120], "digits": 0}
    assert usual[2]["values"] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    assert usual[2]["digits"] == 1
    assert usual[3]["values"] == pytest.approx([0.1, 0.2, 0.3])
    assert usual[4]["values"] == pytest.approx([-0.001, -0.0005, 0, 0.0005, 0.001])
    assert usual[4]["digits"] == 4


def test_ticks_of_any_axis_are_round_even_inside_and_about_as_many_as_wanted():
    dice = np.random.default_rng(1)
    lows, spans = dice.uniform(-1e3, 1e3, 300), 10 ** dice.uniform(-4, 5, 300)
    axes = [
        [low, low + span, int(wanted)] for low, span, wanted in zip(lows, spans, dice.integers(2, 12, 300), strict=True)
    ]
    for (low, high, wanted), made in zip(axes, browser("ticks(...v)", *axes), strict=True):
        values, span = made["values"], high - low
        assert all(low - 1e-6 * span <= value <= high + 1e-6 * span for value in values)
        assert wanted / 2.5 - 1 <= len(values) <= wanted + 1
        steps = np.diff(values)
        if len(steps):
            assert np.ptp(steps) < 1e-6 * span
            mantissa = float(f"{steps[0]:.6e}".split("e")[0])
            assert mantissa in {1.0, 2.0, 5.0}
            assert len({f"{value:.{made['digits']}f}" for value in values}) == len(values)  # no two read the same


def test_the_way_to_pixels_and_back():
    forth = browser("linear(-20, 120, 300, 20).at(v)", -20, 120, 50)
    assert forth == [300, 20, 160]
    assert browser("linear(-20, 120, 300, 20).back(v)", *forth) == pytest.approx([-20, 120, 50])


def test_the_nearest_sample():
    xs = [0, 1, 2, 4, 8]
    queries = [-5, 0, 0.4, 0.6, 3.1, 5.9, 6.1, 100]
    found = browser(f"nearest({xs}, v)", *queries)
    assert found == [0, 0, 0, 1, 3, 3, 4, 4]
    assert browser("nearest([7], v)", 0, 100) == [0, 0]
    assert [abs(xs[at] - x) for at, x in zip(found, queries, strict=True)] == [
        min(abs(one - x) for one in xs) for x in queries
    ]


def trace(names=("V", "I")):
    return Trace(Axis("时间", "ms", 0, 30), Axis("膜电位", "mV", -20, 120), names)


def test_the_samples_are_rows_of_float32_little_endian():
    shown = trace()
    x, v, i = np.array([0.0, 0.1, 0.2]), np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 1e6])
    shown.show(x, [v, i], [(1.0, 1.5)], [(0.1, 2.0, "2.0 mV")])
    sent = np.frombuffer(shown.samples, "<f4").reshape(3, 3)
    assert np.array_equal(sent, np.array([x, v, i], dtype=np.float32))
    assert shown.bands == [[1.0, 1.5]]
    assert shown.marks == [[0.1, 2.0, "2.0 mV"]]


def test_a_new_picture_takes_the_old_bands_and_marks_away():
    shown = trace(["V"])
    shown.show(np.zeros(2), [np.zeros(2)], [(1, 2)], [(1, 2, "x")])
    shown.show(np.zeros(3), [np.ones(3)])
    assert (shown.bands, shown.marks) == ([], [])
    assert len(shown.samples) == 2 * 3 * 4


@pytest.mark.parametrize("curves", [[], [np.zeros(3)], [np.zeros(3)] * 3])
def test_as_many_curves_as_names(curves):
    shown = trace()
    with pytest.raises(ValueError, match="2 curves are named"):
        shown.show(np.zeros(3), curves)
    assert shown.samples == b""


def test_a_curve_as_long_as_its_axis_and_nothing_sent_otherwise():
    shown = trace(["V"])
    with pytest.raises(ValueError, match="dimension"):
        shown.show(np.zeros(3), [np.zeros(4)], [(1, 2)])
    assert (shown.samples, shown.bands) == (b"", [])


def test_an_axis_is_changed_alone():
    shown = trace()
    shown.scale(y_axis=Axis("电流", "μA", -1, 1))
    assert shown.y_axis == {"name": "电流", "unit": "μA", "low": -1, "high": 1}
    assert shown.x_axis == {"name": "时间", "unit": "ms", "low": 0, "high": 30}
    shown.scale(x_axis=Axis("时间", "s", 0, 1))
    assert shown.x_axis["unit"] == "s"
