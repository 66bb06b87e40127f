"""Measuring: analytic values, rules, and the browser's maths against Python's on the same cases."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses import measure
from courses.models import phantom
from tests.support.properties import examples

NODE = Path(sys.executable).parent / "node"
GEOMETRY = Path(__file__).resolve().parents[2] / "widgets" / "geometry.js"

# sides of 3-4-5 triangles in mm, so that every value is known without computing it
LENGTHS = [
    ([[0, 0], [3, 4]], None, 5.0),
    ([[0, 0], [3, 4]], (1.0, 1.0), 5.0),
    ([[10, 10], [16, 12]], (2.0, 0.5), 5.0),  # x: 6 * 0.5 = 3 mm, y: 2 * 2 = 4 mm
]
ANGLES = [
    ([[1, 0], [0, 0], [0, 1]], None, 90.0),
    ([[1, 0], [0, 0], [1, 1]], (1.0, 1.0), 45.0),
    ([[1, 0], [0, 0], [1, 1]], (math.sqrt(3), 1.0), 60.0),
    ([[-5, 0], [0, 0], [5, 0]], (0.7, 0.7), 180.0),
]


@pytest.mark.parametrize(("points", "spacing", "expected"), LENGTHS)
def test_length(points, spacing, expected):
    assert measure.length_mm(points, spacing) == pytest.approx(expected)


@pytest.mark.parametrize(("points", "spacing", "expected"), ANGLES)
def test_angle(points, spacing, expected):
    assert measure.angle_deg(points, spacing) == pytest.approx(expected)


def test_angle_without_a_side():
    with pytest.raises(ValueError, match="two sides"):
        measure.angle_deg([[1, 1], [1, 1], [2, 2]], None)


def test_ellipse_area_is_pi_a_b():
    assert measure.ellipse_area([[0, 0], [20, 10]], (0.5, 0.5)) == pytest.approx(math.pi * 5 * 2.5)


def test_ellipse_of_a_ramp_has_the_value_at_its_centre():
    # values 2x + 3y: over a region symmetric about (20, 15) the mean is the value at the centre
    y, x = np.mgrid[:40, :50]
    stats = measure.ellipse_stats(2 * x + 3 * y, [[10, 8], [30, 22]], slope=0.5, intercept=-10)
    assert stats.mean == pytest.approx(0.5 * (2 * 20 + 3 * 15) - 10)


def test_ellipse_of_half_and_half():
    # left half 0, right half 10: mean 5 and population SD 5, exactly, over a symmetric region between two columns
    frame = np.zeros((20, 20), dtype=np.int16)
    frame[:, 10:] = 10
    stats = measure.ellipse_stats(frame, [[4.5, 4.5], [14.5, 14.5]], 1, 0)
    assert (stats.mean, stats.sd, stats.minimum, stats.maximum) == (5.0, 5.0, 0.0, 10.0)


def test_a_pixel_on_the_edge_counts():
    # a circle of radius 1 about a pixel's centre: the pixel and its four neighbours, on the edge
    frame = np.ones((5, 5), dtype=np.int16)
    assert measure.ellipse_stats(frame, [[1, 1], [3, 3]], 1, 0).pixels == 5


@pytest.mark.parametrize("points", [[[2, 2], [2, 2]], [[100, 100], [120, 120]], [[1.2, 1.2], [1.4, 1.4]]])
def test_an_empty_region(points):
    with pytest.raises(ValueError, match="no pixel"):
        measure.ellipse_stats(np.ones((10, 10), dtype=np.int16), points, 1, 0)


def test_probe_takes_the_nearest_centre():
    frame = np.arange(12, dtype=np.int16).reshape(3, 4)
    assert measure.probe(frame, [1.49, 1.5], 2, 1) == frame[2, 1] * 2 + 1
    with pytest.raises(ValueError, match="outside"):
        measure.probe(frame, [-0.51, 0], 1, 0)


numbers = st.floats(-500, 500).map(lambda value: round(value, 2))
points = st.tuples(numbers, numbers).map(list)
spacings = st.none() | st.tuples(st.floats(0.1, 5), st.floats(0.1, 5))


@given(points, points, spacings)
def test_length_does_not_depend_on_direction(a, b, spacing):
    assert measure.length_mm([a, b], spacing) == measure.length_mm([b, a], spacing)


@given(points, points, points, spacings)
def test_three_angles_make_180(a, b, c, spacing):
    sides = [measure.length_mm(pair, spacing) for pair in ([a, b], [b, c], [c, a])]
    if min(sides) < 1e-3:
        return
    total = sum(measure.angle_deg(corner, spacing) for corner in ([a, b, c], [b, c, a], [c, a, b]))
    assert total == pytest.approx(180, abs=1e-3)


def run_node(cases):
    """The same cases through the browser's module."""
    script = f"""
import * as geometry from {json.dumps(GEOMETRY.as_uri())};
const cases = JSON.parse(await new Promise((done) => {{
  let text = ""; process.stdin.on("data", (part) => text += part).on("end", () => done(text));
}}));
const run = ([name, args]) => geometry[name](...args);
console.log(JSON.stringify(cases.map(run)));
"""
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script], input=json.dumps(cases), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def test_the_browser_has_the_analytic_values():
    cases = [["length", [p, s]] for p, s, _ in LENGTHS] + [["angle", [p, s]] for p, s, _ in ANGLES]
    expected = [value for *_, value in LENGTHS] + [value for *_, value in ANGLES]
    assert run_node(cases) == pytest.approx(expected)


def test_the_browser_brightens_as_dicom_says():
    # PS3.3 C.11.2.1.2.1, with its own example of center 2048, width 4096: 0 -> black end, 4095 -> white end
    cases = [["brightness", [value, 2048, 4096]] for value in (-1, 0, 2047.5, 4095, 5000)]
    assert run_node(cases) == pytest.approx([0, 0, 0.5, 1, 1])
    assert run_node([["brightness", [39, 40, 1]], ["brightness", [40, 40, 1]]]) == [0, 1]


def test_the_browser_names_directions():
    # an axial slice: rows run to the patient's left, columns to the back (PS3.3 C.7.6.2.1.1)
    cases = [
        ["letters", [[1, 0, 0]]],
        ["letters", [[0, 1, 0]]],
        ["letters", [[0, 0, -1]]],
        ["letters", [[-0.8, 0.6, 0]]],
    ]
    assert run_node(cases) == ["L", "P", "F", "RP"]


@examples(1)
@given(st.lists(st.tuples(points, points, points), min_size=150, max_size=150))
def test_browser_and_python_agree(triples):
    frame = np.random.default_rng(1).integers(-2000, 3000, (60, 80)).astype(np.int16)
    spacing = (0.7, 0.4)
    cases: list[list[Any]] = []
    expected: list[float | list[float] | None] = []
    for a, b, c in triples:
        cases += [["length", [[a, b], spacing]], ["ellipseArea", [[a, b], spacing]]]
        expected += [measure.length_mm([a, b], spacing), measure.ellipse_area([a, b], spacing)]
        try:
            expected.append(measure.angle_deg([a, b, c], spacing))
        except ValueError:
            expected.append(None)
        cases.append(["angle", [[a, b, c], spacing]])
        cases.append(["ellipseStats", [frame.ravel().tolist(), 80, [a, b], 1.5, -1024]])
        try:
            stats = measure.ellipse_stats(frame, [a, b], 1.5, -1024)
            expected.append([stats.mean, stats.sd, stats.minimum, stats.maximum, stats.pixels])
        except ValueError:
            expected.append(None)
    for ours, theirs in zip(expected, run_node(cases), strict=True):
        if isinstance(theirs, dict):
            theirs = [theirs[name] for name in ("mean", "sd", "minimum", "maximum", "pixels")]
        assert theirs == pytest.approx(ours, abs=1e-6)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"kind": "volume", "frame": 0, "points": [[0, 0]]},
        {"kind": "length", "frame": 40, "points": [[0, 0], [1, 1]]},
        {"kind": "length", "frame": True, "points": [[0, 0], [1, 1]]},
        {"kind": "length", "frame": 0, "points": [[0, 0]]},
        {"kind": "length", "frame": 0, "points": [[0, 0], [1, "1"]]},
        {"kind": "length", "frame": 0, "points": [[0, 0], [1, float("nan")]]},
        {"kind": "length", "frame": 0, "points": "no"},
        {"kind": ["length"], "frame": 0, "points": [[0, 0], [1, 1]]},
    ],
)
def test_a_malformed_measurement_is_refused(bad):
    with pytest.raises(ValueError, match=r"."):
        measure.checked(bad, frames=phantom.SLICES)
