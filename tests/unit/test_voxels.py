"""The volume handed to the 3-D engine: values, spacing, and the calls of itkwidgets' own API."""

import sys

import numpy as np
import pytest

from courses import series
from courses.series import Series
from widgets.volume import MOST_PIXELS, Volume, voxels


@pytest.fixture
def stack(tmp_path):
    frames = np.zeros((4, 300, 200), dtype=np.int16)
    frames[2] = 1024
    made = Series(
        "v",
        "V",
        "CT",
        4,
        300,
        200,
        (0.5, 0.25),
        1.0,
        -1024.0,
        "HU",
        positions=(0.0, 2.0, 4.0, 6.0),
    )
    return series.write(tmp_path, made, frames)


def test_voxels_are_thinned_real_values_with_their_spacing(stack):
    values, spacing = voxels(stack)
    assert max(values.shape) <= MOST_PIXELS
    assert spacing == {"z": 2.0, "y": 1.5, "x": 0.5}  # every third row, every second column
    assert np.unique(values[2]).tolist() == [0]
    assert np.unique(values[0]).tolist() == [-1024]


def test_a_single_slice_is_no_volume(tmp_path):
    made = series.write(tmp_path, Series("s", "S", "CT", 1, 8, 8), np.zeros((1, 8, 8), dtype=np.int16))
    widget = Volume(lambda: made)
    widget.show()
    assert widget.state == "failed"
    assert widget.message.startswith("Fewer than three slices")


def test_nothing_of_the_engine_is_loaded_before_it_is_wanted(stack):
    Volume(lambda: stack)
    assert "itkwidgets" not in sys.modules
