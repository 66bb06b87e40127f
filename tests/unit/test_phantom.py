"""The phantom is what it says: densities and sizes measured back from its noisy stored values."""

import numpy as np
import pytest

from courses import measure
from courses.models import phantom

FRAMES = phantom.stored()


@pytest.mark.parametrize("item", phantom.INSERTS, ids=lambda item: item.name)
def test_insert_has_its_density(item):
    # a disc in the middle that no hidden rod reaches
    radius = 4.0 if item.name in phantom.HIDDEN else 0.8 * item.radius
    corners = [phantom.to_pixel(item.x - radius, item.y - radius), phantom.to_pixel(item.x + radius, item.y + radius)]
    stats = measure.ellipse_stats(FRAMES[5], corners, phantom.SLOPE, phantom.INTERCEPT)
    # four standard errors of the mean; only air could feel the scale's end (4 SD away)
    assert stats.mean == pytest.approx(item.hu, abs=4 * phantom.NOISE_SD_HU / np.sqrt(stats.pixels) + 0.05)
    assert stats.sd == pytest.approx(phantom.NOISE_SD_HU, rel=0.2)


@pytest.mark.parametrize("name", phantom.HIDDEN)
def test_hidden_rods_have_their_density(name):
    for x, y in phantom.hidden_rods(name):
        corners = [phantom.to_pixel(x - 1.8, y - 1.8), phantom.to_pixel(x + 1.8, y + 1.8)]
        stats = measure.ellipse_stats(FRAMES[10], corners, phantom.SLOPE, phantom.INTERCEPT)
        assert stats.mean == pytest.approx(phantom.HIDDEN[name][1], abs=4 * phantom.NOISE_SD_HU / np.sqrt(stats.pixels))


def test_inserts_do_not_touch():
    for one in phantom.INSERTS:
        assert np.hypot(one.x, one.y) + one.radius < phantom.BODY_RADIUS_MM - phantom.SHELL_MM
        for other in phantom.INSERTS:
            gap = np.hypot(one.x - other.x, one.y - other.y) - one.radius - other.radius
            assert one is other or gap > 0


def test_rod_is_as_long_as_it_says():
    """Full width at half maximum of the profile along its axis, the definition of a blurred object's size."""
    start, end = (np.array(phantom.to_pixel(*point)) for point in phantom.rod_ends())
    axis = (end - start) / np.linalg.norm(end - start)
    steps = np.arange(-40, np.linalg.norm(end - start) + 40, 0.05)
    along = start + steps[:, None] * axis
    columns, rows = np.rint(along).astype(int).T
    mean = FRAMES[phantom.SIZE_SLICES.start :].mean(axis=0) + phantom.INTERCEPT
    inside = mean[rows, columns] > phantom.ROD_HU / 2
    assert inside.sum() * 0.05 * phantom.PIXEL_MM == pytest.approx(phantom.ROD_LENGTH_MM, abs=phantom.PIXEL_MM)
    length = measure.length_mm([start.tolist(), end.tolist()], (phantom.PIXEL_MM, phantom.PIXEL_MM))
    assert length == pytest.approx(phantom.ROD_LENGTH_MM)


def test_same_seed_same_bytes():
    assert np.array_equal(FRAMES, phantom.stored())
    assert not np.array_equal(FRAMES[0], phantom.stored(seed=1)[0])


def test_shape_and_scale():
    assert FRAMES.shape == (phantom.SLICES, phantom.ROWS, phantom.COLUMNS)
    assert FRAMES.dtype == np.int16
    assert FRAMES.min() >= 0
