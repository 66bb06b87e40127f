"""Calipers on the tracing of an exam item, against the samples that it was drawn from."""

import re

import numpy as np
import pytest
from playwright.sync_api import expect

from courses.models.ecg import LEADS
from exams.exam import exam_in
from tests.support.candidate import PHONE, WIDE

MM_PER_S, MM_PER_MV, LEFT_MM = 25, 10, 9
STRIP_MM = 20 + 3 * 30
"""The base line of the rhythm strip: the fourth row of the sheet."""


def to_the_tracing(desk):
    """Open the first item with all twelve leads; its paper and the samples (mV) of the rhythm strip, lead II."""
    form = exam_in(desk.service.home / "exams", desk.service.exam).form("A")
    for item in form.items:
        if item.asset and item.asset["kind"] == "ecg" and len(item.signals()["leads"]) == len(LEADS):
            desk.at([own["id"] for own in desk.items()].index(item.id))
            expect(desk.page.locator(".xv-paper")).to_be_visible()
            signals = item.signals()
            lead = next(lead for lead in signals["leads"] if lead["name"] == "II")
            return item, np.array(lead["samples"]), signals["fs"]
    raise AssertionError("no item with twelve leads")


def peaks(samples, fs):
    """Seconds of the R peaks: the highest of 300 ms around, above half of the whole."""
    near = round(0.3 * fs)
    high = np.flatnonzero(samples > samples.max() / 2)
    return [float(i / fs) for i in high if samples[max(i - near, 0) : i + near].argmax() == min(i, near)]


def on_screen(page, x, y):
    """Millimetres of paper to the screen."""
    box = page.locator(".xv-sheet").bounding_box()
    scale = box["width"] / float(page.locator(".xv-paper").get_attribute("viewBox").split()[2])
    return box["x"] + x * scale, box["y"] + y * scale


def numbers(page, kind):
    return [float(number) for number in re.findall(r"[\d.]+", page.locator(f".xv-{kind} text").last.text_content())]


def test_the_paper_says_its_scale(desks):
    desk = desks()
    desk.enter()
    to_the_tracing(desk)
    expect(desk.page.locator(".xv-paper-note")).to_have_text(
        re.compile("25 mm/s.*10 mm/mV.*40 ms × 0.1 mV.*200 ms × 0.5 mV")
    )
    small = desk.page.locator(".xv-small").get_attribute("d")
    assert small.startswith("M0 0V")
    assert "M1 0V" in small  # a line each millimetre
    assert "M5 0V" in desk.page.locator(".xv-large").get_attribute("d")


def test_with_the_mouse_an_interval_is_the_rate_and_an_amplitude_the_samples(desks):
    desk = desks()
    page = desk.page
    desk.enter()
    item, samples, fs = to_the_tracing(desk)
    first, second, *_ = peaks(samples, fs)
    y = STRIP_MM - 15
    page.mouse.move(*on_screen(page, LEFT_MM + first * MM_PER_S, y))
    page.mouse.down()
    page.mouse.move(*on_screen(page, LEFT_MM + second * MM_PER_S, y), steps=5)
    page.mouse.up()
    interval, rate = numbers(page, "interval")
    assert interval == pytest.approx(1000 * (second - first), abs=15)  # half a pixel at each end
    assert rate == pytest.approx(60 / (second - first), abs=2)
    assert rate == pytest.approx(item.asset.get("parameters", {}).get("rate", rate), abs=3)
    page.keyboard.press("v")
    page.mouse.move(*on_screen(page, LEFT_MM + first * MM_PER_S, STRIP_MM))
    page.mouse.down()
    page.mouse.move(*on_screen(page, LEFT_MM + first * MM_PER_S + 2, STRIP_MM - samples.max() * MM_PER_MV), steps=5)
    page.mouse.up()
    (amplitude,) = numbers(page, "amplitude")
    assert amplitude == pytest.approx(samples.max(), abs=0.05)


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_by_keyboard_alone(desks, size):
    desk = desks(size=size)
    page = desk.page
    desk.enter()
    to_the_tracing(desk)
    page.locator(".xv-scroller").focus()
    for key in ["Enter", *["Shift+ArrowRight"] * 8, "ArrowRight", "Enter"]:
        page.keyboard.press(key)
    assert numbers(page, "interval") == [8 * 100 + 10, 74]  # 60,000 / 810 ms
    for key in ["v", "Enter", *["Shift+ArrowUp"] * 4, "Enter"]:
        page.keyboard.press(key)
    assert numbers(page, "amplitude") == [1.0]
    expect(page.locator("#question-title")).to_be_visible()  # no key left the question


def test_with_a_finger_two_taps_set_both_ends(desks):
    desk = desks(size=PHONE, has_touch=True)
    page = desk.page
    desk.enter()
    _, samples, fs = to_the_tracing(desk)
    first, second, *_ = peaks(samples, fs)
    page.locator(".stage").scroll_into_view_if_needed()
    y = 40
    for at in (first, second):
        page.touchscreen.tap(*on_screen(page, LEFT_MM + at * MM_PER_S, y))
    interval, rate = numbers(page, "interval")
    assert interval == pytest.approx(1000 * (second - first), abs=15)
    assert rate == pytest.approx(60 / (second - first), abs=2)
