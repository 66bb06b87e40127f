"""No page of the exam service has a serious finding of axe-core: in Chinese on a laptop, in English on a phone."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from exams import release
from exams.change import Origin
from exams.exam import exam_in
from exams.items import TYPES
from exams.marking import examples
from exams.response import Response
from exams.sitting import SittingStore
from exams.timing import Allowance
from tests.support.axe import findings
from tests.support.candidate import PHONE, WIDE
from tests.support.exam_host import CANDIDATES, store_url

SCREENS = pytest.mark.parametrize(("size", "language"), [(WIDE, "zh"), (PHONE, "en")], ids=["wide-zh", "phone-en"])


@dataclass(frozen=True)
class Marked:
    item: str
    points: float
    comment: str


def test_axe_finds_what_is_wrong(browser):
    page = browser.new_page()
    page.set_content("<html lang='en'><title>x</title><main><h1>x</h1><img src='data:,'></main></html>")
    assert [finding.split(" ")[0] for finding in findings(page)] == ["image-alt"]
    page.close()


@SCREENS
def test_the_room_with_every_type_of_item(desks, size, language):
    desk = desks(size=size, language=language)
    page = desk.page
    desk.enter()
    seen = {}
    for place, item in enumerate(desk.items()):
        experiment = item["asset"] is not None and item["asset"]["kind"] == "simulation"
        kind = "experiment" if experiment else item["type"]
        if kind in seen:
            continue
        desk.at(place)
        if experiment:
            page.click(".controls button")
            expect(page.locator(".experiment canvas")).to_be_visible(timeout=40_000)  # the first run starts kernels
        if page.locator(".asset").count():
            expect(page.locator(".stage [role=application], .experiment")).to_be_visible()
        seen[kind] = findings(page)
    assert seen == {kind: [] for kind in (*TYPES, "experiment")}


@SCREENS
def test_the_dialogs_of_the_room(desks, size, language):
    desk = desks(size=size, language=language)
    page = desk.page
    desk.enter()
    page.keyboard.press("?")
    expect(page.locator("dialog")).to_be_visible()
    found = findings(page)
    page.keyboard.press("Escape")
    page.click("#submit")
    found += findings(page)
    page.keyboard.press("Escape")
    desk.go("A4")
    page.keyboard.press("PageDown")
    expect(page.locator("dialog[data-forward]")).to_be_visible()
    found += findings(page)
    page.locator("dialog .button:not(.second)").click()
    page.keyboard.press("PageUp")
    expect(page.locator(".option input").first).to_be_disabled()
    if size is PHONE:
        page.click("#show-map")
    assert found + findings(page) == []


@SCREENS
def test_the_pages_around_the_room(desks, service, size, language):
    desk = desks(size=size, language=language)
    page = desk.page
    found = {}
    page.goto(f"{service.base}ticket")
    found["ticket"] = findings(page)
    page.goto(f"{service.base}login?as={desk.user}")
    found["list"] = findings(page)
    page.goto(f"{service.base}{service.exam}/")
    found["waiting"] = findings(page)
    desk.enter()
    page.keyboard.press("a")
    desk.saved()
    page.click("#submit")
    page.click("#submit-now")
    page.wait_for_url("**/receipt")
    found["receipt"] = findings(page)
    page.goto(f"{service.base}login?as=lead01")
    page.goto(f"{service.base}{service.exam}/desk")
    expect(page.locator("#rows tr").first).to_be_visible()
    found["desk"] = findings(page)
    assert found == {name: [] for name in found}


@SCREENS
def test_the_result_of_a_form_with_every_type(desks, service, size, language):
    hand_in_and_release(service)
    desk = desks(size=size, language=language)
    desk.page.goto(f"{service.base}login?as={desk.user}")
    desk.page.goto(f"{service.base}{service.exam}/result")
    expect(desk.page.locator("#points")).to_be_visible()
    assert findings(desk.page) == []


def hand_in_and_release(service):
    """The first candidate hands in right and wrong answers in turn, and may see the marks."""
    exam = exam_in(service.home / "exams", service.exam)
    number, seat = CANDIDATES[0].number, "seat-of-the-test"
    answers = [
        (item, examples(item).correct if place % 2 else examples(item).wrong)
        for place, item in enumerate(exam.form("A").items)
    ]
    store = SittingStore(store_url(service.home))
    try:
        allowance = Allowance(exam.minutes, round(exam.closes.timestamp() * 1000), 0)
        sitting = store.enter(
            exam.id, number, "A", 7, allowance, seat=seat, actor="x", origin=Origin("test", "", "test")
        ).result()
        log = [Response(place, item.id, value, False, "test") for place, (item, value) in enumerate(answers, 1)]
        store.save(sitting, seat, log).result()
        store.submit(exam.id, number, seat, len(log), "x").result()
    finally:
        store.close()
    marked = [
        Marked(item.id, item.points if place % 2 else 0, "要点不全。" if item.type == "short" else "")
        for place, (item, _) in enumerate(answers)
    ]
    release.release(exam.folder, {number: marked}, "lead01", datetime.now(UTC), 1)
