"""Regions: where on an image a hotspot item's mark earns points. Pure, and never sent to a browser.

Coordinates are pixels of the frame as `courses.measure` has them: [x, y], (0, 0) the centre of the first pixel. What
lies on the edge of a circle is inside; a polygon is closed by itself and may be concave, but must not cross itself.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from exams.documents import Fields

MOST_CORNERS = 200

Plain = tuple[int, int, float, tuple[float, ...], tuple[tuple[float, ...], ...]]


@dataclass(frozen=True)
class Region:
    """A circle (x, y, radius) or a polygon of [x, y] corners, on the frames first to last, worth `points`."""

    first: int
    last: int
    points: float
    circle: tuple[float, ...] = ()
    polygon: tuple[tuple[float, ...], ...] = ()

    def plain(self) -> Plain:
        """What `earned` takes."""
        return (self.first, self.last, self.points, self.circle, self.polygon)

    def document(self) -> dict[str, object]:
        """As a bank writes it."""
        if self.circle:
            shape: dict[str, object] = {"circle": list(self.circle)}
        else:
            shape = {"polygon": [list(corner) for corner in self.polygon]}
        return {"frames": [self.first, self.last], **shape, "points": self.points}

    def inside(self) -> tuple[float, float]:
        """A point well inside: the circle's centre, or the middle of a polygon's widest stretch at one height."""
        if self.circle:
            return self.circle[0], self.circle[1]
        heights = sorted({y for _, y in self.polygon})
        middles = [(low + high) / 2 for low, high in itertools.pairwise(heights)]
        stretches = [
            (right - left, (left + right) / 2, y)
            for y in middles
            for left, right in zip(*[iter(sorted(_crossings(self.polygon, y)))] * 2, strict=True)
        ]
        _, x, y = max(stretches)
        return x, y


def _crossings(polygon: tuple[tuple[float, ...], ...], y: float) -> list[float]:
    """Where the horizontal line at height `y` crosses the sides."""
    found = []
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if (y0 > y) != (y1 > y):
            found.append(x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return found


# nbgrader's autograder runs the source of this function too (`exams.paper.hidden_test`): it needs nothing but Python
def earned(
    regions: list[tuple[int, int, float, tuple[float, ...], tuple[tuple[float, ...], ...]]],
    frame: int,
    x: float,
    y: float,
) -> float:
    """The points of the best of `regions` (`Region.plain`) that a mark at (x, y) on `frame` lies in; 0.0 outside."""
    best = 0.0
    for first, last, points, circle, polygon in regions:
        inside = False
        if circle:
            inside = (x - circle[0]) ** 2 + (y - circle[1]) ** 2 <= circle[2] ** 2
        for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
            if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
                inside = not inside
        if inside and first <= frame <= last:
            best = max(best, points)
    return best


def parse_regions(fields: Fields, frame: int, points: float) -> tuple[Region, ...]:
    """The regions under `regions`; frame: that of the item's image; points: the item's. Raises DocumentError."""
    found = []
    for index, entry in enumerate(fields.list("regions")):
        found.append(_region(Fields(entry, (*fields.path, "regions", index)), frame, points))
    if not found or max(region.points for region in found) != points:
        raise fields.fail("regions", f"The best region is worth the item's {points:g} points, others less.")
    return tuple(found)


def _region(fields: Fields, frame: int, points: float) -> Region:
    frames = fields.list("frames", [frame, frame])
    if len(frames) != 2 or not all(type(one) is int for one in frames) or not 0 <= frames[0] <= frames[1]:
        raise fields.fail("frames", "The frames are two whole numbers, the first and the last, from 0.")
    worth = fields.number("points", points, above=0)
    shape = "circle" if "circle" in fields else "polygon"
    numbers = fields.list(shape)
    if shape == "circle" and (len(numbers) != 3 or not all(map(_number, numbers)) or numbers[2] <= 0):
        raise fields.fail("circle", "A circle is three numbers: x, y and its radius, in pixels.")
    if shape == "polygon" and not (3 <= len(numbers) <= MOST_CORNERS and all(map(_corner, numbers))):
        raise fields.fail("polygon", "A polygon is three corners or more, each [x, y] in pixels.")
    fields.done()
    if shape == "circle":
        return Region(frames[0], frames[1], worth, circle=tuple(float(number) for number in numbers))
    region = Region(frames[0], frames[1], worth, polygon=tuple((float(x), float(y)) for x, y in numbers))
    if not _area(region.polygon):
        raise fields.fail("polygon", "The corners of the polygon lie on one line.")
    return region


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e6


def _corner(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(map(_number, value))


def _area(polygon: tuple[tuple[float, ...], ...]) -> float:
    """Twice the area that the corners go round."""
    turned = zip(polygon, polygon[1:] + polygon[:1], strict=True)
    return abs(sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in turned))
