"""An experiment in the exam room: values in, a trace out, by mouse and keyboard; and what is said if it cannot be."""

import contextlib
import re

import psutil
import pytest
from playwright.sync_api import expect

from tests.support.candidate import PHONE, WIDE, kept
from tests.support.exam_host import Process
from tests.support.ports import free_port

COLD_MS = 40_000
"""The first run starts kernels."""


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    """A process of its own: some of these tests kill it, or what it started."""
    running = Process(tmp_path_factory.mktemp("room"), free_port())
    yield running
    running.stop()


def to_the_experiment(desk):
    """Open the last question, which has the experiment."""
    desk.at(desk.total() - 1)
    expect(desk.page.locator(".experiment")).to_be_visible()


def ran(page):
    expect(page.locator(".controls button")).to_be_enabled(timeout=COLD_MS)
    expect(page.locator(".experiment canvas")).to_be_visible(timeout=COLD_MS)


@pytest.mark.parametrize(("size", "language"), [(WIDE, "zh"), (PHONE, "en")], ids=["wide-zh", "phone-en"])
def test_a_threshold_is_found_by_trying(desks, service, size, language):
    desk = desks(size=size, language=language)
    page = desk.page
    desk.enter()
    to_the_experiment(desk)
    page.fill("#control-duration", "10")
    for strength, fires in (("3.5", False), ("4.5", True)):
        page.fill("#control-strength", strength)
        with page.expect_response("**/runs") as answer:
            page.click(".controls button")
        ran(page)
        assert (max(answer.value.json()["run"]["y"]) > 50) == fires
        expect(page.locator(".controls [role=status]")).to_contain_text(strength)
    page.fill("#answer-number", "4.0")
    desk.saved()
    assert list(kept(service).values()) == ["4.0"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    desk.at(0)
    to_the_experiment(desk)
    expect(page.locator(".experiment canvas")).to_be_visible()  # what was tried last is still there
    expect(page.locator("#control-strength")).to_have_value("4.5")


def test_by_keyboard_alone(desks):
    desk = desks()
    page = desk.page
    desk.enter()
    to_the_experiment(desk)
    page.locator("#question-title").focus()
    page.keyboard.press("Tab")
    expect(page.locator("#control-strength")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#control-strength")).to_have_value("20.1")
    page.keyboard.press("Enter")
    ran(page)
    page.locator(".experiment canvas").focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".experiment output")).to_contain_text(re.compile(r"ms.*mV"))
    expect(page.locator("#question-title")).to_be_visible()


def test_a_number_out_of_bounds_is_not_run(desks):
    desk = desks()
    page = desk.page
    desk.enter()
    to_the_experiment(desk)
    page.fill("#control-strength", "81")
    page.click(".controls button")
    assert page.locator("#control-strength").evaluate("(field) => field.validationMessage") != ""
    expect(page.locator(".controls [role=status]")).to_be_empty()


def test_while_it_cannot_be_run_the_rest_of_the_room_goes_on(desks, service):
    desk = desks()
    page = desk.page
    desk.enter()
    to_the_experiment(desk)
    page.route(
        "**/runs", lambda route: route.fulfill(status=503, json={"error": "unavailable", "message": "x", "now": 0})
    )
    page.click(".controls button")
    expect(page.locator(".controls [role=status]")).to_contain_text("请先做其他题")
    page.fill("#answer-number", "4.0")
    desk.saved()
    assert list(kept(service).values()) == ["4.0"]
    page.unroute("**/runs")
    page.click(".controls button")
    ran(page)
    expect(page.locator(".controls [role=status]")).to_contain_text("20")
    desk.faults = [fault for fault in desk.faults if "status of 503" not in fault]  # the browser's own line


def test_killed_kernels_are_replaced_between_two_runs(desks, service):
    desk = desks()
    page = desk.page
    desk.enter()
    to_the_experiment(desk)
    page.click(".controls button")
    ran(page)
    for process in psutil.Process(service.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended by itself meanwhile
            if "hub.kernels" in process.parent().cmdline():
                process.kill()
    page.fill("#control-strength", "33")
    page.click(".controls button")
    ran(page)
    expect(page.locator(".controls [role=status]")).to_contain_text("33")
