"""Measuring on images: lengths, angles, regions. The same conventions as `widgets/geometry.js`.

Points are [x, y] in pixel coordinates: x counts columns to the right, y rows downwards, (0, 0) is the *centre* of the
first pixel. `spacing` is (row spacing, column spacing) in mm, as in DICOM PS3.3 section 10.7.1.3, so it scales (y, x);
None where an image has none: results are then in pixels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

Point = Sequence[float]
Spacing = tuple[float, float]

POINTS = {"length": 2, "angle": 3, "ellipse": 2, "probe": 1, "point": 1}
"""How many points each kind of measurement has."""


class Image(Protocol):
    """What measuring needs of a series (see `courses.series.Series`)."""

    @property
    def frames(self) -> int:
        """How many frames there are."""

    @property
    def spacing(self) -> Spacing | None:
        """Millimetres per pixel, (row, column)."""

    @property
    def slope(self) -> float:
        """Real value = stored * slope + intercept."""

    @property
    def intercept(self) -> float:
        """See `slope`."""

    @property
    def unit(self) -> str:
        """Of the real values: "HU" or empty."""

    def frame(self, index: int) -> npt.NDArray[np.int16]:
        """Stored values of one frame, (rows, columns)."""


@dataclass(frozen=True)
class Region:
    """Statistics of the real values (HU for CT) in a region; `sd` is the population's (divided by n)."""

    mean: float
    sd: float
    minimum: float
    maximum: float
    pixels: int


def _vector(start: Point, end: Point, spacing: Spacing | None) -> tuple[float, float]:
    row, column = spacing or (1.0, 1.0)
    return (end[0] - start[0]) * column, (end[1] - start[1]) * row


def length_mm(points: Sequence[Point], spacing: Spacing | None) -> float:
    """The distance of two points in mm; in pixels where `spacing` is None."""
    return math.hypot(*_vector(points[0], points[1], spacing))


def angle_deg(points: Sequence[Point], spacing: Spacing | None) -> float:
    """The angle in degrees, 0 to 180, at the second of three points. Raises ValueError where a side has no length."""
    ax, ay = _vector(points[1], points[0], spacing)
    bx, by = _vector(points[1], points[2], spacing)
    if not (math.hypot(ax, ay) and math.hypot(bx, by)):
        raise ValueError("an angle needs two sides of some length")
    return math.degrees(math.atan2(abs(ax * by - ay * bx), ax * bx + ay * by))


def ellipse_area(points: Sequence[Point], spacing: Spacing | None) -> float:
    """The area of the ellipse in the box of two opposite corners, in mm^2 (pixels^2 without spacing)."""
    width, height = _vector(points[0], points[1], spacing)
    return math.pi / 4 * abs(width * height)


def ellipse_mask(points: Sequence[Point], shape: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which pixels of a (rows, columns) image have their centre in or on the ellipse in the box of two corners."""
    (x0, y0), (x1, y1) = points
    rx, ry = abs(x1 - x0) / 2, abs(y1 - y0) / 2
    if not (rx and ry):
        return np.zeros(shape, dtype=np.bool_)
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.asarray(((x - (x0 + x1) / 2) / rx) ** 2 + ((y - (y0 + y1) / 2) / ry) ** 2 <= 1)


def ellipse_stats(frame: npt.NDArray[Any], points: Sequence[Point], slope: float, intercept: float) -> Region:
    """Statistics of the real values in the ellipse. Raises ValueError where it holds no pixel's centre."""
    stored = frame[ellipse_mask(points, (frame.shape[0], frame.shape[1]))].astype(np.float64)
    if not stored.size:
        raise ValueError("the region holds no pixel")
    real = stored * slope + intercept
    return Region(float(real.mean()), float(real.std()), float(real.min()), float(real.max()), stored.size)


def probe(frame: npt.NDArray[Any], point: Point, slope: float, intercept: float) -> float:
    """The real value of the pixel at `point` (the nearest centre). Raises ValueError outside the image."""
    column, row = math.floor(point[0] + 0.5), math.floor(point[1] + 0.5)
    if not (0 <= row < frame.shape[0] and 0 <= column < frame.shape[1]):
        raise ValueError("the point lies outside the image")
    return float(frame[row, column]) * slope + intercept


def checked(measurement: Mapping[str, Any], frames: int) -> tuple[str, int, list[list[float]]]:
    """(kind, frame, points) of a measurement that came from a browser.

    Raises ValueError where it is malformed: an unknown kind, a wrong number of points, a number that is not finite, a
    frame the series does not have.
    """
    kind, frame, points = measurement.get("kind"), measurement.get("frame"), measurement.get("points")
    if not isinstance(kind, str) or kind not in POINTS:
        raise ValueError("not a known kind of measurement")
    if not isinstance(frame, int) or isinstance(frame, bool) or not 0 <= frame < frames:
        raise ValueError("the series has no such frame")
    if not isinstance(points, list) or len(points) != POINTS[kind]:
        raise ValueError("a wrong number of points")
    for point in points:
        if not (isinstance(point, list) and len(point) == 2 and all(_finite(number) for number in point)):
            raise ValueError("a point is two finite numbers")
    return kind, frame, [[float(x), float(y)] for x, y in points]


def _finite(number: object) -> bool:
    return isinstance(number, int | float) and not isinstance(number, bool) and abs(number) < 1e9


def evaluate(measurement: Mapping[str, Any], image: Image) -> tuple[float | None, str]:
    """(value, unit) of a measurement, computed anew from the image: what a browser claims is never trusted.

    length: mm (or px); angle: degrees; ellipse: the mean; probe: the value; point: None. Raises ValueError where the
    measurement is malformed or measures nothing.
    """
    kind, frame, points = checked(measurement, image.frames)
    if kind == "length":
        return length_mm(points, image.spacing), "mm" if image.spacing else "px"
    if kind == "angle":
        return angle_deg(points, image.spacing), "°"
    if kind == "ellipse":
        return ellipse_stats(image.frame(frame), points, image.slope, image.intercept).mean, image.unit
    if kind == "probe":
        return probe(image.frame(frame), points[0], image.slope, image.intercept), image.unit
    return None, ""
