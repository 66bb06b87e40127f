"""Points in circles and polygons: the rule that marks a hotspot item, here and in nbgrader's hidden test."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.items import Item
from exams.marking import CORRECT, INVALID, NEAR, WRONG, mark
from exams.paper import hidden_test
from exams.regions import Region, earned

# an L: the square from (0, 0) to (10, 10) without its upper right quarter
CONCAVE = Region(2, 5, 2.0, polygon=((0, 0), (10, 0), (10, 5), (5, 5), (5, 10), (0, 10)))
CIRCLE = Region(0, 9, 1.0, circle=(20.0, 20.0, 5.0))
ITEM = Item(
    *("i", "hotspot", "s", "t", "recall", 0.5, 2.0, "stem", "rationale", "source"),
    measure="probe",
    asset={"kind": "dicom", "case": "phantom-ct", "frame": 3},
    regions=(CONCAVE, CIRCLE),
)


def probe(frame, x, y):
    return {"kind": "probe", "frame": frame, "points": [[x, y]]}


@pytest.mark.parametrize(
    ("frame", "x", "y", "points"),
    [
        (3, 2, 2, 2.0),
        (3, 7, 7, 0.0),  # in the notch
        (3, 2, 8, 2.0),
        (1, 2, 2, 0.0),  # on a slice where the region is not
        (6, 2, 2, 0.0),
        (6, 20, 20, 1.0),
        (3, 25, 20, 1.0),  # on the circle
        (3, 24, 24, 0.0),
        (3, -1, 2, 0.0),
        (3, 11, 2, 0.0),
    ],
)
def test_where_a_mark_earns_points(frame, x, y, points):
    assert earned([CONCAVE.plain(), CIRCLE.plain()], frame, x, y) == points
    given_mark = mark(ITEM, probe(frame, x, y))
    assert given_mark.points == points
    assert given_mark.reason == {2.0: CORRECT, 1.0: NEAR, 0.0: WRONG}[points]


CORNERS = st.lists(st.tuples(st.integers(3, 50), st.floats(0.2, 1)), min_size=3, max_size=12)


@given(corners=CORNERS, x=st.integers(-60, 60), y=st.integers(-60, 60))
def test_a_point_is_in_a_polygon_around_the_origin_where_its_ray_ends_before_the_edge(corners, x, y):
    """Against another way to decide: in polar coordinates a star-shaped polygon has one edge in each direction."""
    turn = 2 * math.pi / sum(step for _, step in corners)
    angles = [turn * sum(step for _, step in corners[:place]) for place in range(len(corners))]
    if max(b - a for a, b in zip(angles, [*angles[1:], 2 * math.pi], strict=True)) > 3:
        return  # not star-shaped about the origin
    polygon = tuple((r * math.cos(a), r * math.sin(a)) for (r, _), a in zip(corners, angles, strict=True))
    sides = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    left_of = [(x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) for (x0, y0), (x1, y1) in sides]
    if any(abs(side) < 1e-6 for side in left_of) or (x, y) == (0, 0):
        return  # on an edge's line: either answer is right
    direction = math.atan2(y, x) % (2 * math.pi)
    sector = max((place for place, angle in enumerate(angles) if angle <= direction), default=len(angles) - 1)
    assert (earned([Region(0, 0, 1.0, polygon=polygon).plain()], 0, x, y) == 1.0) == (left_of[sector] > 0)


@given(corners=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=3, max_size=3, unique=True))
def test_a_region_finds_a_point_inside_itself(corners):
    (x0, y0), (x1, y1), (x2, y2) = corners
    if (x1 - x0) * (y2 - y0) == (x2 - x0) * (y1 - y0):
        return
    region = Region(0, 0, 1.0, polygon=tuple(corners))
    assert earned([region.plain()], 0, *region.inside()) == 1.0


@given(frame=st.integers(0, 9), x=st.floats(-5, 30), y=st.floats(-5, 30))
def test_the_hidden_test_of_nbgrader_gives_the_same_points(frame, x, y):
    *lines, last = hidden_test(ITEM).splitlines()
    names = {"answer": {"response": probe(frame, x, y), "value": (frame, x, y)}}
    exec("\n".join(lines), names)
    assert eval(last, names) == mark(ITEM, probe(frame, x, y)).points


@pytest.mark.parametrize(
    "response", ["A", {"kind": "length"}, {"kind": "point", "frame": 3, "points": [[2, 2]]}, probe(3, "2", 2)]
)
def test_what_is_no_mark_earns_nothing(response):
    assert (mark(ITEM, response).points, mark(ITEM, response).reason) == (0, INVALID)
