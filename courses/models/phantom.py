"""A synthetic CT of a test object: a water-filled disc with inserts of known CT number and known size.

It is computed, not scanned, and every picture of it must be labelled synthetic. The object follows the idea of the
phantoms used for acceptance tests (AAPM Report 1, 1977; the ACR CT accreditation phantom: McCollough et al., Med Phys
2004;31:2423), in two modules along the axis: *densities* (inserts) and *sizes* (rod and line pairs).

CT number (Hounsfield GN, Br J Radiol 1973;46:1016): HU = 1000 (mu - mu_water) / (mu_water - mu_air), so that water
is 0 and air -1000 by definition. The tissues' usual values are those of Kalender WA, Computed Tomography, 3rd ed. 2011,
and of DenOtter TD and Schubert J, Hounsfield Unit, StatPearls 2023: lung -950 to -500, fat -120 to -90, muscle +35 to
+55, brain white matter +20 to +30 and grey matter +37 to +45, fresh haemorrhage +50 to +90, cancellous bone +300 to
+400, cortical bone +500 to +1900.

Coordinates: millimetres from the disc's centre, x to the right, y downwards; slices from 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

SLICES, ROWS, COLUMNS = 40, 512, 512
PIXEL_MM = 0.5
SLICE_MM = 2.5
SLOPE, INTERCEPT = 1.0, -1024.0
SEED = 20240901

AIR_HU, WATER_HU, SHELL_HU = -1000.0, 0.0, 120.0
NOISE_SD_HU = 6.0
"""Standard deviation of the noise a pixel, that of a body CT at common dose (AAPM Report 204: 5 to 15 HU)."""

BODY_RADIUS_MM, SHELL_MM = 110.0, 4.0
INSERT_RADIUS_MM, INSERT_CIRCLE_MM = 15.0, 68.0
BLUR_MM = 0.35
"""Half width of the soft edge that stands for the scanner's point spread and for partial volume in the plane."""

DENSITY_SLICES = range(0, 24)
SIZE_SLICES = range(24, SLICES)


@dataclass(frozen=True)
class Insert:
    """A cylinder of material: name, centre and radius in mm, CT number in HU."""

    name: str
    x: float
    y: float
    radius: float
    hu: float


def _on_circle(name: str, hu: float, degrees: float) -> Insert:
    angle = np.deg2rad(degrees)
    x, y = INSERT_CIRCLE_MM * np.cos(angle), INSERT_CIRCLE_MM * np.sin(angle)
    return Insert(name, float(x), float(y), INSERT_RADIUS_MM, hu)


INSERTS: tuple[Insert, ...] = (
    _on_circle("air", -1000.0, -90.0),
    _on_circle("lung", -850.0, -45.0),
    _on_circle("fat", -100.0, 0.0),
    _on_circle("muscle", 50.0, 45.0),
    _on_circle("contrast", 250.0, 90.0),
    _on_circle("bone", 1000.0, 135.0),
    _on_circle("unknown", 70.0, 180.0),
    _on_circle("brain", 30.0, 225.0),
)
"""The inserts of the densities module, clockwise from the top. `unknown` is what a student is to name: 70 HU, in the
range of fresh haemorrhage."""

HIDDEN_RADIUS_MM, HIDDEN_CIRCLE_MM = 2.5, 7.5
HIDDEN: dict[str, tuple[int, float]] = {"lung": (3, -700.0), "bone": (4, 1250.0), "brain": (2, 42.0)}
"""Insert -> (count, HU) of rods in it that only a window fit for that tissue shows: number the student has to count."""

ROD_LENGTH_MM, ROD_WIDTH_MM, ROD_HU = 80.0, 6.0, 1000.0
ROD_ANGLE_DEG = 30.0
ROD_CENTRE_MM = (0.0, -30.0)
"""The rod of the sizes module lies in the slice, turned by the angle from the x axis (towards y)."""

LINE_PAIRS_MM = (4.0, 3.0, 2.0, 1.5, 1.0)
"""Widths of a bar (half a line pair) in each group, from left to right: 1.25 to 5 line pairs per cm."""
LINE_HU = 1000.0


def insert(name: str) -> Insert:
    """The insert of that name. Raises KeyError where there is none."""
    for candidate in INSERTS:
        if candidate.name == name:
            return candidate
    raise KeyError(name)


def to_pixel(x: float, y: float) -> tuple[float, float]:
    """Millimetres from the centre -> [x, y] in pixels, (0, 0) the centre of the first pixel."""
    return x / PIXEL_MM + (COLUMNS - 1) / 2, y / PIXEL_MM + (ROWS - 1) / 2


def to_mm(x: float, y: float) -> tuple[float, float]:
    """The inverse of `to_pixel`."""
    return (x - (COLUMNS - 1) / 2) * PIXEL_MM, (y - (ROWS - 1) / 2) * PIXEL_MM


def hidden_rods(name: str) -> list[tuple[float, float]]:
    """Centres in mm of the rods hidden in insert `name`."""
    host, (count, _) = insert(name), HIDDEN[name]
    angles = 2 * np.pi * np.arange(count) / count + np.pi / 6
    return [
        (float(host.x + HIDDEN_CIRCLE_MM * np.cos(angle)), float(host.y + HIDDEN_CIRCLE_MM * np.sin(angle)))
        for angle in angles
    ]


def rod_ends() -> tuple[tuple[float, float], tuple[float, float]]:
    """The middle of both end faces of the rod, in mm."""
    (x, y), angle, half = ROD_CENTRE_MM, np.deg2rad(ROD_ANGLE_DEG), ROD_LENGTH_MM / 2
    dx, dy = float(half * np.cos(angle)), float(half * np.sin(angle))
    return (x - dx, y - dy), (x + dx, y + dy)


Plane = npt.NDArray[np.float64]


def _grid() -> tuple[Plane, Plane]:
    columns, rows = np.meshgrid(np.arange(COLUMNS), np.arange(ROWS))
    x, y = to_mm(columns, rows)  # type: ignore[arg-type]
    return x, y  # type: ignore[return-value]


def _cover(distance: Plane) -> Plane:
    """How much of a pixel an object fills, 0 to 1, from the signed distance to its edge in mm (negative inside)."""
    return np.clip(0.5 - distance / (2 * BLUR_MM), 0.0, 1.0)


def _paint(plane: Plane, distance: Plane, hu: float) -> None:
    share = _cover(distance)
    plane += share * (hu - plane)


def _disc(plane: Plane, grid: tuple[Plane, Plane], centre: tuple[float, float], radius: float, hu: float) -> None:
    _paint(plane, np.hypot(grid[0] - centre[0], grid[1] - centre[1]) - radius, hu)


def _body(grid: tuple[Plane, Plane]) -> Plane:
    plane = np.full((ROWS, COLUMNS), AIR_HU)
    _disc(plane, grid, (0.0, 0.0), BODY_RADIUS_MM, SHELL_HU)
    _disc(plane, grid, (0.0, 0.0), BODY_RADIUS_MM - SHELL_MM, WATER_HU)
    return plane


def density_plane() -> Plane:
    """The noiseless densities module in HU, (rows, columns)."""
    grid = _grid()
    plane = _body(grid)
    for item in INSERTS:
        _disc(plane, grid, (item.x, item.y), item.radius, item.hu)
        if item.name in HIDDEN:
            for centre in hidden_rods(item.name):
                _disc(plane, grid, centre, HIDDEN_RADIUS_MM, HIDDEN[item.name][1])
    return plane


def size_plane() -> Plane:
    """The noiseless sizes module in HU, (rows, columns): the rod above, groups of line pairs below."""
    grid = _grid()
    plane = _body(grid)
    angle = np.deg2rad(ROD_ANGLE_DEG)
    dx, dy = grid[0] - ROD_CENTRE_MM[0], grid[1] - ROD_CENTRE_MM[1]
    along = np.abs(dx * np.cos(angle) + dy * np.sin(angle)) - ROD_LENGTH_MM / 2
    across = np.abs(dy * np.cos(angle) - dx * np.sin(angle)) - ROD_WIDTH_MM / 2
    _paint(plane, np.maximum(along, across), ROD_HU)
    left = -68.0
    for width in LINE_PAIRS_MM:
        for bar in range(4):
            centre = left + (2 * bar + 0.5) * width
            _paint(plane, np.maximum(np.abs(grid[0] - centre) - width / 2, np.abs(grid[1] - 45.0) - 14.0), LINE_HU)
        left += 7 * width + 10.0
    return plane


def stored(seed: int = SEED) -> npt.NDArray[np.int16]:
    """The scan as stored values, (slices, rows, columns) int16: stored = HU - INTERCEPT, with noise; same seed, same
    bytes. Values below the scale's end (-1024 HU) are cut off there, as a scanner does."""
    generator = np.random.default_rng(seed)
    planes = {True: density_plane(), False: size_plane()}
    frames = np.empty((SLICES, ROWS, COLUMNS), dtype=np.int16)
    for index in range(SLICES):
        noise = generator.standard_normal((ROWS, COLUMNS), dtype=np.float32) * NOISE_SD_HU
        hu = planes[index in DENSITY_SLICES] + noise
        frames[index] = np.clip(np.rint((hu - INTERCEPT) / SLOPE), 0, 4095)
    return frames
