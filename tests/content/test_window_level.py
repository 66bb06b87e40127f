"""The checks of the lab on window and level: right, wrong and nonsense answers, each with a reason."""

import math

import pytest

from courses.cases import CaseStore
from courses.imaging import window_level as lab
from courses.models import phantom


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return CaseStore(tmp_path_factory.mktemp("cases")).open("phantom-ct")


def ellipse(name, radius=10.0, frame=5, offset=0.0):
    item = phantom.insert(name)
    corners = [(item.x - radius + offset, item.y - radius), (item.x + radius + offset, item.y + radius)]
    return {"kind": "ellipse", "frame": frame, "points": [list(phantom.to_pixel(*corner)) for corner in corners]}


# the viewer's own presets must pass, or its preset buttons would teach something wrong
@pytest.mark.parametrize(
    ("task_id", "window", "count"),
    [("window-lung", (-600, 1500), 3), ("window-bone", (500, 2000), 4), ("window-brain", (40, 80), 2)],
)
def test_the_usual_window_and_the_right_count(task_id, window, count):
    verdict = lab.check_window(lab.WINDOWS[task_id], window, count)
    assert verdict.correct, verdict.message


@pytest.mark.parametrize(
    ("window", "count", "says"),
    [
        ((40, 400), 3, "窗位偏高"),
        ((-990, 1500), 3, "窗位偏低"),
        ((-600, 200), 3, "窗宽太窄"),
        ((-600, 4000), 3, "窗宽太宽"),
        ((-600, 1500), 4, "个数不对"),
        ((-600, 1500), None, "个数不对"),
        ((), 3, "窗"),
    ],
)
def test_another_window_is_told_why(window, count, says):
    verdict = lab.check_window(lab.WINDOWS["window-lung"], window, count)
    assert not verdict.correct
    assert says in verdict.message


@pytest.mark.parametrize("task_id", lab.WINDOWS)
def test_rods_can_be_seen_in_the_accepted_windows_only(task_id):
    """The rods differ from their insert by at least ten grey levels in the usual window, by the formula of PS3.3."""
    task = lab.WINDOWS[task_id]
    host, (_, rod) = phantom.insert(task.insert).hu, phantom.HIDDEN[task.insert]

    def grey(value, center, width):
        return min(255.0, max(0.0, 255 * ((value - (center - 0.5)) / (width - 1) + 0.5)))

    usual = {"lung": (-600, 1500), "bone": (500, 2000), "brain": (40, 80)}[task.insert]
    assert abs(grey(rod, *usual) - grey(host, *usual)) >= 10
    if task.insert != "brain":
        assert grey(rod, 40, 400) == grey(host, 40, 400)  # in the soft-tissue window both are black, or both white


def test_fat_measured_right(scan):
    verdict = lab.check_hu([ellipse("fat")], scan, "fat", "why")
    assert verdict.correct
    assert verdict.response == pytest.approx(-100, abs=1)


@pytest.mark.parametrize(
    ("measurements", "says"),
    [
        ([], "还没有测量"),
        ([{"kind": "length", "frame": 5, "points": [[0, 0], [9, 9]]}], "还没有测量"),
        ([ellipse("muscle")], "没有完全落在该插件内"),
        ([ellipse("fat", offset=8)], "没有完全落在该插件内"),
        ([ellipse("fat", radius=2)], "椭圆太小"),
        ([ellipse("fat", frame=30)], "这一层没有密度插件"),
        ([ellipse("fat", radius=0)], "没有像素"),
        ([ellipse("fat", frame=99)], "没有像素"),
    ],
)
def test_fat_measured_wrong(scan, measurements, says):
    verdict = lab.check_hu(measurements, scan, "fat", "why")
    assert not verdict.correct
    assert says in verdict.message


def test_the_latest_region_counts(scan):
    assert lab.check_hu([ellipse("muscle"), ellipse("fat")], scan, "fat", "why").correct


def rod(frame=30, stretch=0.0):
    start, end = phantom.rod_ends()
    angle = math.radians(phantom.ROD_ANGLE_DEG)
    end = (end[0] + stretch * math.cos(angle), end[1] + stretch * math.sin(angle))
    return {"kind": "length", "frame": frame, "points": [list(phantom.to_pixel(*start)), list(phantom.to_pixel(*end))]}


def test_the_rod(scan):
    assert lab.check_rod([rod()], scan).correct
    assert not lab.check_rod([rod(stretch=5)], scan).correct
    assert "第 25" in lab.check_rod([rod(frame=3)], scan).message
    assert "还没有测量" in lab.check_rod([], scan).message


def test_the_unknown(scan):
    assert lab.check_unknown([ellipse("unknown")], scan, "haematoma").correct
    for answer in (*lab.MATERIALS.values(), None):
        assert lab.check_unknown([ellipse("unknown")], scan, answer).correct == (answer == "haematoma")
    assert not lab.check_unknown([ellipse("fat")], scan, "haematoma").correct
