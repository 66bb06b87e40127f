"""The checks of the lab 窗宽窗位与 CT 值测量: pure decisions on what the student set and measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from courses.measure import ellipse_area, evaluate
from courses.models import phantom
from courses.series import Series
from courses.tasks import Verdict, within

HU_TOLERANCE = 5.0
"""A region of 100 mm2 holds 400 pixels: with noise of 6 HU its mean is good to 0.3 HU; the rest is for its edge."""
LENGTH_TOLERANCE_MM = 1.5
"""Three pixels: one at each end for the hand, one for the blurred edge."""
LEAST_AREA_MM2 = 100.0

MATERIALS = {
    "水样囊肿（cyst，0～20 HU）": "cyst",
    "脂肪瘤（lipoma，−120～−90 HU）": "lipoma",
    "急性血肿（acute haematoma，50～90 HU）": "haematoma",
    "对比剂（contrast medium，>150 HU）": "contrast",
    "钙化（calcification，>130 HU）": "calcification",
}


@dataclass(frozen=True)
class WindowTask:
    """A tissue's window: what is accepted for level and width, and why."""

    insert: str
    name: str
    level: tuple[float, float]
    width: tuple[float, float]
    why: str


WINDOWS = {
    "window-lung": WindowTask(
        "lung",
        "肺窗（lung window）",
        (-750.0, -450.0),
        (1000.0, 2000.0),
        "肺约 −850 HU，圆柱约 −700 HU。窗位要靠近肺的 CT 值，窗宽 1000～2000 HU 才能同时容纳含气肺与软组织。",
    ),
    "window-bone": WindowTask(
        "bone",
        "骨窗（bone window）",
        (250.0, 1000.0),
        (1300.0, 4000.0),
        "骨插件 1000 HU，圆柱 1250 HU。软组织窗的上限只有 240 HU，两者都是白色；窗位提高、窗宽加大，才落进灰阶。",
    ),
    "window-brain": WindowTask(
        "brain",
        "脑窗（brain window）",
        (20.0, 50.0),
        (50.0, 120.0),
        "两种组织只差 12 HU。窗宽 80 HU 时，每 1 HU 约占 3 级灰度（255 ÷ 80），差别才看得出；窗宽 400 时只占 0.6 级。",
    ),
}


def check_window(task: WindowTask, window: Sequence[float], counted: int | None) -> Verdict:
    """Whether [center, width] suits the tissue and the rods hidden in its insert were counted right."""
    count, _ = phantom.HIDDEN[task.insert]
    center, width = (float(window[0]), float(window[1])) if len(window) == 2 else (math.nan, math.nan)
    response = {"center": center, "width": width, "count": counted}
    shown = f"当前窗宽 {width:g}、窗位 {center:g}。"
    if not task.level[0] <= center <= task.level[1]:
        side = "偏低，画面过亮" if center < task.level[0] else "偏高，画面过暗"
        return Verdict(False, f"{shown}窗位{side}：请向该组织的 CT 值调整。{task.why}", response)
    if not task.width[0] <= width <= task.width[1]:
        side = "太窄，超出部分变成全黑或全白" if width < task.width[0] else "太宽，组织之间的灰度差太小"
        return Verdict(False, f"{shown}窗宽{side}。{task.why}", response)
    if counted != count:
        return Verdict(False, f"{shown}窗选对了，但圆柱的个数不对：放大该插件，再数一次。", response)
    return Verdict(True, f"正确。{shown}插件里有 {count} 个圆柱。{task.why}", response)


def _latest(measurements: Sequence[Mapping[str, Any]], kind: str) -> Mapping[str, Any] | None:
    return next((one for one in reversed(measurements) if one.get("kind") == kind), None)


def _inside(points: Sequence[Sequence[float]], item: phantom.Insert) -> bool:
    """Whether an ellipse lies in the insert: its box's far corners are where it comes nearest to the edge."""
    (x0, y0), (x1, y1) = (phantom.to_mm(*point) for point in points)
    x, y = (x0 + x1) / 2 - item.x, (y0 + y1) / 2 - item.y
    reach = max(abs(x1 - x0), abs(y1 - y0)) / 2
    return math.hypot(x, y) + reach <= item.radius


def _region(measurements: Sequence[Mapping[str, Any]], series: Series, name: str) -> float | Verdict:
    """The mean HU of the latest ellipse, or what is wrong with it for measuring insert `name`."""
    found = _latest(measurements, "ellipse")
    if found is None:
        return Verdict(False, "还没有测量：选“椭圆”工具，在插件内画一个椭圆感兴趣区（ROI）。")
    try:
        mean, _ = evaluate(found, series)
    except ValueError:
        return Verdict(False, "这个椭圆里没有像素：请画大一些。")
    if found["frame"] not in phantom.DENSITY_SLICES:
        last = phantom.DENSITY_SLICES[-1] + 1
        return Verdict(False, f"这一层没有密度插件：请翻到第 1～{last} 层再画。", mean)
    if not _inside(found["points"], phantom.insert(name)):
        return Verdict(
            False, "椭圆没有完全落在该插件内：边缘会混入水，平均值就偏向 0 HU（部分容积效应）。请重画。", mean
        )
    if ellipse_area(found["points"], series.spacing) < LEAST_AREA_MM2:
        return Verdict(False, f"椭圆太小（应不小于 {LEAST_AREA_MM2:g} mm²）：像素少，噪声对平均值的影响大。", mean)
    return float(mean) if mean is not None else math.nan


def check_hu(measurements: Sequence[Mapping[str, Any]], series: Series, name: str, why: str) -> Verdict:
    """Whether the latest ellipse measures the CT number of insert `name`."""
    mean = _region(measurements, series, name)
    if isinstance(mean, Verdict):
        return mean
    return within(mean, phantom.insert(name).hu, HU_TOLERANCE, "HU", why=why)


def check_rod(measurements: Sequence[Mapping[str, Any]], series: Series) -> Verdict:
    """Whether the latest length is that of the rod."""
    found = _latest(measurements, "length")
    if found is None:
        return Verdict(False, "还没有测量：选“长度”工具，从棒的一端量到另一端。")
    value, _ = evaluate(found, series)
    if found["frame"] not in phantom.SIZE_SLICES:
        first = phantom.SIZE_SLICES[0] + 1
        return Verdict(False, f"斜放的棒在第 {first}～{phantom.SLICES} 层：请翻到那里再量。", value)
    why = (
        f"棒长 {phantom.ROD_LENGTH_MM:g} mm。长度 = 像素距离 × 像素间距（Pixel Spacing，这里 {phantom.PIXEL_MM} mm）；"
        "端点取在灰度降到一半的地方，所以量长度宜用较宽的窗。"
    )
    return within(float(value or 0), phantom.ROD_LENGTH_MM, LENGTH_TOLERANCE_MM, "mm", why=why)


def check_unknown(measurements: Sequence[Mapping[str, Any]], series: Series, answer: str | None) -> Verdict:
    """Whether the unknown insert was measured and named."""
    mean = _region(measurements, series, "unknown")
    if isinstance(mean, Verdict):
        return mean
    response = {"mean": round(mean, 1), "answer": answer}
    truth = phantom.insert("unknown").hu
    if abs(mean - truth) > HU_TOLERANCE:
        return Verdict(False, f"您测得 {mean:.1f} HU，与该插件不符：请重画椭圆，避开边缘。", response)
    if answer != "haematoma":
        return Verdict(False, f"您测得 {mean:.1f} HU：对照各组织的 CT 值范围，再选一次。", response)
    return Verdict(
        True,
        f"正确。{mean:.1f} HU 落在急性血肿的 50～90 HU 内：血红蛋白浓缩使新鲜出血高于脑实质（约 25～45 HU），"
        "又远低于钙化与对比剂。",
        response,
    )
