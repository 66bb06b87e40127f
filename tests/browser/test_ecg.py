"""The ECG paper in a real browser, with a signal whose intervals and amplitudes are known."""

import math
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.support.viewer_host import WidgetHost, drag, page_of, saved

FS = 500
# 1 Hz and 1 mV peak: a period is 1000 ms, peak to trough 2 mV
SINE: dict[str, Any] = {
    "fs": FS,
    "leads": [{"name": "II", "unit": "mV", "samples": [math.sin(2 * math.pi * i / FS) for i in range(5 * FS)]}],
}
TWELVE = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]


def paper(signals, **traits):
    return WidgetHost("ecg", {"signals": signals, "measurements": [], **traits})


def at(page, x, y):
    """Millimetres of paper to the screen."""
    box = page.locator(".xv-sheet").bounding_box()
    width = float(page.locator(".xv-paper").get_attribute("viewBox").split()[2])
    return box["x"] + x * box["width"] / width, box["y"] + y * box["width"] / width


def trace_extent(page):
    """The box of the signal's path, in mm (the first trace is the calibration pulse)."""
    return page.evaluate(
        """() => {
          const { x, y, width, height } = document.querySelectorAll(".xv-trace")[1].getBBox();
          return { x, y, width, height };
        }"""
    )


def test_speed_and_gain(browser):
    with paper(SINE) as host, page_of(browser, host) as page:
        box = trace_extent(page)
        assert box["width"] == pytest.approx(5 * 25, abs=0.1)  # 5 s at 25 mm/s
        assert box["height"] == pytest.approx(2 * 10, abs=0.1)  # 2 mV at 10 mm/mV
        pulse = page.evaluate("() => document.querySelector('.xv-trace').getBBox().height")
        assert pulse == pytest.approx(10)


def test_calipers_read_a_period_and_an_amplitude(browser):
    with paper(SINE) as host, page_of(browser, host) as page:
        box = trace_extent(page)
        first, second = box["x"] + 0.25 * 25, box["x"] + 1.25 * 25  # the sine's first two peaks
        drag(page, at(page, first, 30), at(page, second, 30))
        page.keyboard.press("v")
        drag(page, at(page, 60, box["y"]), at(page, 62, box["y"] + box["height"]))
        interval, amplitude = saved(page, "measurements")
        assert (interval["kind"], interval["unit"], amplitude["kind"], amplitude["unit"]) == (
            "interval",
            "ms",
            "amplitude",
            "mV",
        )
        assert interval["value"] == pytest.approx(1000, abs=15)
        assert amplitude["value"] == pytest.approx(2, abs=0.05)
        assert interval["value"] == pytest.approx(40 * abs(interval["points"][1][0] - interval["points"][0][0]))
        expect(page.locator(".xv-interval text")).to_contain_text("60 次/分")


def test_calipers_by_keyboard(browser):
    with paper(SINE) as host, page_of(browser, host) as page:
        page.locator(".xv-scroller").focus()
        for key in ["Enter", *["Shift+ArrowRight"] * 2, "Enter"]:
            page.keyboard.press(key)
        (made,) = saved(page, "measurements")
        assert made["value"] == pytest.approx(200)  # twice ten times a quarter of a millimetre
        page.keyboard.press("Delete")
        assert saved(page, "measurements") == []


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)], ids=["laptop", "phone"])
def test_twelve_leads(browser, size):
    signals = {"fs": FS, "leads": [{**SINE["leads"][0], "name": name} for name in TWELVE]}
    with paper(signals) as host, page_of(browser, host, size=size) as page:
        names = page.locator(".xv-paper text").all_text_contents()
        assert sorted(names) == sorted([*TWELVE, "II"])
        tops = page.evaluate(
            "() => [...document.querySelectorAll('.xv-paper text')].map((text) => text.getAttribute('y'))"
        )
        assert len(set(tops)) == 4
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_gaps_in_a_signal_stay_gaps(browser):
    samples = [None if 100 < i < 200 else 0.1 for i in range(2 * FS)]
    with (
        paper({"fs": FS, "leads": [{"name": "V1", "unit": "mV", "samples": samples}]}) as host,
        page_of(browser, host) as page,
    ):
        path = page.locator(".xv-trace").nth(1).get_attribute("d")
        assert path.count("M") == 2
        assert "NaN" not in path
