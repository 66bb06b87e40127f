"""The case library and what a series says about itself."""

import json

import numpy as np
import pytest

from courses import series
from courses.cases import CaseStore, library
from courses.messages import Message, Refusal
from courses.series import Series

FRAMES = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)


def fill(folder, case="made-up"):
    made = Series(case, "Made up", "CT", 2, 3, 4, spacing=(0.5, 0.25), unit="HU", notices=(Message("CT phantom"),))
    series.write(folder, made, FRAMES)


def test_a_series_comes_back_as_it_was_kept(tmp_path):
    made = CaseStore(tmp_path).add("made-up", fill)
    assert made.spacing == (0.5, 0.25)
    assert made.notices == (Message("CT phantom"),)
    assert np.array_equal(made.stack(), FRAMES)
    assert made.frame_bytes(1) == FRAMES[1].astype("<i2").tobytes()
    with pytest.raises(IndexError, match="no frame 2"):
        made.frame(2)


def test_frames_cannot_be_changed(tmp_path):
    made = CaseStore(tmp_path).add("made-up", fill)
    with pytest.raises(ValueError, match="read-only"):
        made.frame(0)[0, 0] = 1


def test_meta_is_json_in_both_languages(tmp_path):
    meta = json.loads(json.dumps(CaseStore(tmp_path).add("made-up", fill).meta()))
    assert meta["notices"] == [{"zh": "CT 模体", "en": "CT phantom"}]
    assert meta["title"] == {"zh": "Made up", "en": "Made up"}


@pytest.mark.parametrize("case", ["", "..", "../secrets", "a/b", "A", "-x", "x" * 65, "nope", "a\n"])
def test_an_unknown_case_is_refused(tmp_path, case):
    with pytest.raises(Refusal, match="There is no case"):
        CaseStore(tmp_path).open(case)


def test_built_in_cases_are_made_on_first_use(tmp_path):
    store = CaseStore(tmp_path)
    assert not any(tmp_path.iterdir())
    small = store.open("ct-small")
    # pydicom's CT_small.dcm: 128 x 128, Pixel Spacing 0.661468, Rescale Intercept -1024 (from its own dump)
    assert (small.rows, small.columns, small.frames) == (128, 128, 1)
    assert small.spacing == pytest.approx((0.661468, 0.661468))
    assert (small.slope, small.intercept, small.unit) == (1.0, -1024.0, "HU")
    phantom = store.open("phantom-ct")
    assert phantom.synthetic
    assert [one.id for one in store.list()] == ["phantom-ct", "ct-small"]


def test_an_existing_case_stays(tmp_path):
    store = CaseStore(tmp_path)
    store.add("made-up", fill)
    before = (tmp_path / "made-up" / series.FRAMES).stat().st_mtime_ns
    store.add("made-up", fill)
    assert (tmp_path / "made-up" / series.FRAMES).stat().st_mtime_ns == before
    assert [path.name for path in tmp_path.iterdir()] == ["made-up"]


def test_a_case_that_fails_leaves_nothing(tmp_path):
    def broken(folder):
        (folder / series.FRAMES).write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        CaseStore(tmp_path).add("made-up", broken)
    assert not any(tmp_path.iterdir())


def test_frames_that_do_not_fit_are_refused(tmp_path):
    def wrong(folder):
        series.write(folder, Series("made-up", "Made up", "CT", 2, 3, 5), FRAMES)

    with pytest.raises(ValueError, match="does not fit"):
        CaseStore(tmp_path).add("made-up", wrong)


def test_where_the_library_is(tmp_path):
    assert library({"XINGLIN_CASES": str(tmp_path)}).root == tmp_path
    assert library({}).root.name == "cases"
