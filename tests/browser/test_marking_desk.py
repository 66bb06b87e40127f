"""Markers at the marking desk in a real browser: by the keyboard alone, on a phone, and when the service goes away."""

import dataclasses
import re
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from exams import key
from exams.exam import Exam
from exams.panel.change import Opening
from exams.panel.store import PanelStore
from exams.panelrules import Marking
from tests.support.axe import findings
from tests.support.candidate import PHONE, WIDE
from tests.support.exam_host import Process, own_name, store_url
from tests.support.panel_case import openings
from tests.support.ports import free_port

SENT_S = 20
ITEM = "dx-exam-022"  # four criteria, a point each
PANEL = Marking(("teacher01", "teacher02"), ("lead01",), check_every=0)


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    running = Process(tmp_path_factory.mktemp("marking"), free_port())
    yield running
    running.stop()


class Panel:
    """The panel of an exam that no other test knows."""

    def __init__(self, process, exam):
        self.process, self.exam = process, exam

    def open(self, count, rules=PANEL):
        self.process.furnish(self.exam, marking=rules, opens_in_s=-8000, lasts_s=7200)
        self.put_in_line(count, rules)

    def put_in_line(self, count, rules, version=1):
        # none is of the school of teacher01, who marks them
        here = {"item": ITEM, "school": "橘井医学院", "version": version}
        own = [dataclasses.replace(one, **here) for one in openings(count, {ITEM: 4.0})]
        self.store(lambda store: store.open(self.exam, own, rules, "lead01").result())

    def store(self, work):
        made = PanelStore(store_url(self.process.home))
        try:
            return work(made)
        finally:
            made.close()

    def totals(self):
        """The marks that hold, by marker, in the order they came in."""
        found: dict[str, list[float]] = {}
        for one in self.store(lambda store: store.ratings(self.exam)):
            found.setdefault(one.marker, []).append(one.total)
        return found


@pytest.fixture
def panel(process, request):
    return Panel(process, own_name(request))


class Desk:
    """One of the panel at a machine of their own, and what went wrong in it."""

    def __init__(self, browser, panel, user, size=WIDE, language="zh"):
        self.panel, self.process = panel, panel.process
        self.context = browser.new_context(viewport=size, locale="zh-CN", has_touch=size == PHONE)
        self.context.add_cookies([{"name": "xinglin_language", "value": language, "url": self.process.site}])
        self.faults: list[str] = []
        self.away = False
        self.context.on("request", self._request)
        self.page = self.context.new_page()
        self.page.on("console", lambda message: message.type == "error" and self._fault(message.text))
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.goto(f"{self.process.base}login?as={user}")

    def cut_off(self):
        """Nothing that is done here reaches the service."""
        self.away = True
        self.context.route("**/deeds", lambda route: route.abort())

    def back(self):
        """What is done here reaches the service again."""
        self.context.unroute("**/deeds")

    def _fault(self, text):
        # the browser itself writes a line for a request that cannot reach the server
        if not (self.away and text.startswith("Failed to load resource: net::ERR_")):
            self.faults.append(text)

    def _request(self, request):
        if request.url.startswith("http") and urlsplit(request.url).netloc != urlsplit(self.process.site).netloc:
            self.faults.append(f"another host: {request.url}")

    def front(self):
        self.page.goto(f"{self.process.base}{self.panel.exam}/marking/")

    def open(self, query=""):
        self.page.goto(f"{self.process.base}{self.panel.exam}/marking/{ITEM}{query}")
        expect(self.page.locator("#text:not(.quiet)")).to_be_visible()

    def lead(self):
        self.page.goto(f"{self.process.base}{self.panel.exam}/panel")
        expect(self.page.locator("#questions tr")).to_have_count(1)

    def text(self):
        return self.page.locator("#text").inner_text()

    def press(self, *keys):
        for one in keys:
            self.page.keyboard.press(one)

    def next(self):
        """Enter, and another answer is there."""
        before = self.text()
        self.press("Enter")
        expect(self.page.locator("#text")).not_to_have_text(before)

    def saved(self):
        expect(self.page.locator("#saving")).to_have_attribute("data-state", "saved")

    def fits(self):
        """Nothing is cut off at the side or has to be scrolled to."""
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"], self.page.url
        assert findings(self.page) == []


@pytest.fixture
def desks(browser, panel):
    made = []

    def make(user="teacher01", **options):
        made.append(Desk(browser, panel, user, **options))
        return made[-1]

    yield make
    for desk in made:
        desk.context.close()
    assert [fault for desk in made for fault in desk.faults] == []


def test_two_markers_and_an_adjudicator_by_the_keyboard_alone(desks, panel):
    panel.open(2)
    one, two, lead = desks("teacher01"), desks("teacher02", language="en"), desks("lead01")
    one.front()
    link = one.page.locator("a.button", has_text="评阅")
    for _ in range(20):
        one.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    one.press("Enter")
    expect(one.page.locator("#text:not(.quiet)")).to_be_visible()
    one.fits()
    first = one.text()
    one.press("1", "1", ".", "0", ".")  # a point of four, a point that a half cannot be added to, nothing, a half
    expect(one.page.locator("#total")).to_have_text("2.5")
    one.press("Backspace")
    expect(one.page.locator("#total")).to_have_text("2")
    one.press("Enter")
    expect(one.page.locator("#announce")).to_have_text("第 3 个得分点还没有给分。")
    assert one.text() == first
    one.press("ArrowUp", "ArrowRight", "0", "/")
    one.page.keyboard.type("2. 要点不全")
    expect(one.page.locator("#total")).to_have_text("2.5")
    one.next()
    one.press("1", "1", "1", "1", "Enter")
    expect(one.page.locator("#text.quiet")).to_be_visible()
    one.saved()
    two.open()
    marks = {}
    for _ in range(2):
        marks[two.text()] = "0000" if two.text() == first else "1111"
        two.press(*marks[two.text()])
        before = two.text()
        two.press("Enter")
        expect(two.page.locator("#text")).not_to_have_text(before)
    two.saved()
    assert panel.totals() == {"teacher01": [2.5, 4.0], "teacher02": [sum(map(int, own)) for own in marks.values()]}
    lead.front()
    lead.page.get_by_role("link", name="仲裁 1 份").focus()
    lead.press("Enter")
    expect(lead.page.locator("#text")).to_have_text(first)
    expect(lead.page.locator("#given-before li")).to_have_text(
        [re.compile(r"0 分.*0 \+ 0 \+ 0 \+ 0"), re.compile(r"2\.5 分.*要点不全")]
    )
    assert "teacher" not in lead.page.locator("main").inner_text()
    lead.fits()
    lead.press("1", ".", "0", "0", "0", "Enter")
    expect(lead.page.locator("#text.quiet")).to_be_visible()
    lead.saved()
    finals = panel.store(lambda store: store.finals(panel.exam))
    assert sorted(points for own in finals.values() for points, _ in own.values()) == [1.0, 4.0]


def test_on_a_phone_by_the_finger(desks, panel):
    panel.open(3)
    one = desks(size=PHONE)
    one.front()
    one.fits()
    one.page.locator("a.button", has_text="评阅").tap()
    expect(one.page.locator("#text:not(.quiet)")).to_be_visible()
    one.fits()
    rows = one.page.locator(".criterion")
    for place, value in enumerate((1, 0.5, 0, 1)):
        rows.nth(place).locator(f"input[value='{value}']").tap()
    expect(one.page.locator("#total")).to_have_text("2.5")
    before = one.text()
    one.page.locator("#next").tap()
    expect(one.page.locator("#text")).not_to_have_text(before)
    one.page.locator("#hand-on").tap()
    one.page.locator("dialog input[value=known]").tap()
    one.fits()
    before = one.text()
    one.page.locator("dialog .button:not(.second)").tap()
    expect(one.page.locator("#text")).not_to_have_text(before)
    one.saved()
    assert panel.totals() == {"teacher01": [2.5]}
    assert [own.reason for own in panel.store(lambda store: store.passings(panel.exam))] == ["known"]


def test_back_to_what_was_marked_and_a_correction(desks, panel):
    panel.open(4)
    one = desks()
    one.open()
    first = one.text()
    one.press("1", "1", "1", "1")
    one.next()
    one.press("0", "0", "0", "0")
    one.next()
    third = one.text()
    one.press("1", "PageUp", "PageUp")
    expect(one.page.locator("#text")).to_have_text(first)
    expect(one.page.locator("#total")).to_have_text("4")
    one.fits()
    one.press("ArrowDown")
    one.next()
    assert one.text() == third
    expect(one.page.locator("#total")).to_have_text("1")
    one.press("PageUp", "Escape")
    expect(one.page.locator("#text")).to_have_text(third)
    one.saved()
    one.page.reload()
    expect(one.page.locator("#text")).to_have_text(third)
    expect(one.page.locator("#total")).to_have_text("1")  # what was typed is still there
    one.press("PageUp", "PageUp")
    expect(one.page.locator("#text")).to_have_text(first)
    expect(one.page.locator("#total")).to_have_text("3.5")
    assert panel.totals() == {"teacher01": [0.0, 3.5]}


def test_what_is_marked_while_the_service_is_away_is_sent_when_it_is_back(desks, panel):
    panel.open(12)
    one = desks()
    one.open()
    one.away = True
    panel.process.kill()
    for _ in range(4):
        one.press("1", "0", "1", "0")
        one.next()
    expect(one.page.locator("#saving")).to_have_attribute("data-state", "unsaved")
    expect(one.page.locator("#saving-text")).to_have_text("未保存：4 份")
    assert panel.totals() == {}
    panel.process.start()
    panel.process.wait()
    one.saved()
    assert panel.totals() == {"teacher01": [2.0] * 4}


def test_more_marks_than_the_service_takes_codes_of_wait_without_stopping_the_page(desks, panel):
    panel.open(16)
    one = desks()
    one.open()
    one.cut_off()
    for _ in range(13):
        expect(one.page.locator("#text:not(.quiet)")).to_be_visible()  # a claim may be under way: no key counts then
        one.press("1", "0", "1", "0")
        one.next()
    expect(one.page.locator("#saving-text")).to_have_text("未保存：13 份")
    one.back()
    one.saved()
    expect(one.page.locator("#banner")).to_be_hidden()
    assert panel.totals() == {"teacher01": [2.0] * 13}


def test_marks_of_a_page_that_was_closed_are_sent_by_the_next(desks, panel):
    panel.open(6)
    one = desks()
    one.open()
    one.cut_off()
    one.press("1", "1", "1", "0")
    one.next()
    expect(one.page.locator("#saving-text")).to_have_text("未保存：1 份")
    one.page.goto("about:blank")
    one.back()
    assert panel.totals() == {}
    one.front()
    end = time.monotonic() + SENT_S
    while panel.totals() != {"teacher01": [3.0]}:
        assert time.monotonic() < end, panel.totals()
        one.page.wait_for_timeout(20)  # the page goes on meanwhile
    expect(one.page.locator("#unsent")).to_be_hidden()


def test_a_mark_that_is_not_needed_any_more_is_said_to_be_so(desks, panel):
    panel.open(3)
    one = desks()
    one.open()
    own = [Opening("n99999", "橘井医学院", ITEM, "A", "别的", 4.0)]
    panel.store(lambda store: store.open(panel.exam, own, PANEL, "lead01").result())  # the papers were annulled
    one.press("1", "1", "1", "1")
    one.next()
    expect(one.page.locator("#banner")).to_contain_text("答卷刚被作废")
    one.page.locator("#banner button").click()
    expect(one.page.locator("#banner")).to_be_hidden()
    one.saved()
    assert panel.totals() == {}


def test_a_mark_by_an_older_rubric_is_said_to_be_so_and_the_next_is_saved(desks, panel):
    panel.open(3)
    one = desks()
    one.open()
    first = one.text()
    one.press("1", "1")  # a draft of this edition is none of the next
    exam = Exam.load(panel.process.home / "exams" / panel.exam)
    rubric = [{"points": 3, "text": "重订的第一条"}, {"points": 1, "text": "重订的第二条"}]
    proposal = key.Proposal("lead01", "原评分标准有误", {ITEM: {"rubric": rubric}}, "")
    key.propose(exam, proposal)
    version = key.sign(exam, proposal, "lead01", datetime.now(UTC)).number
    panel.put_in_line(3, PANEL, version)
    one.press("1", "1")
    one.next()
    expect(one.page.locator("#banner")).to_contain_text("评分标准刚刚改过")
    one.saved()
    one.page.locator("#banner a").click()
    expect(one.page.locator("#text")).to_have_text(first)
    expect(one.page.locator("#total")).to_have_text("–")
    expect(one.page.locator(".criterion")).to_have_count(2)
    one.press("3", "1")
    one.next()
    one.saved()
    assert panel.totals() == {"teacher01": [4.0]}


@pytest.mark.parametrize(("size", "language"), [(WIDE, "zh"), (PHONE, "en")], ids=["wide-zh", "phone-en"])
def test_the_lead_sets_a_check_script_and_the_rules(desks, panel, size, language):
    panel.open(5)
    lead = desks("lead01", size=size, language=language)
    lead.lead()
    lead.fits()
    lead.page.locator("#questions button").click()
    expect(lead.page.locator(".standards .card")).to_have_count(5)
    lead.fits()
    lead.page.locator(".standards .card button").first.click()
    for place in range(4):
        lead.page.locator(".standards .criterion").nth(place).locator("input[value='0.5']").check()
    lead.fits()
    lead.page.click("#save-standard")
    expect(lead.page.locator(".standards .chosen")).to_have_count(1)
    lead.press("Escape")
    expect(lead.page.locator("dialog")).to_have_count(0)
    lead.page.fill("#rules [name=markers]", "teacher01，teacher02 lead02")
    lead.page.fill("#rules [name=tolerance]", "50")
    lead.page.click("#save-rules")
    expect(lead.page.locator("#rules-said")).not_to_be_empty()
    expect(lead.page.locator("#markers tr")).to_have_count(4)
    rules = Marking(("teacher01", "teacher02", "lead02"), ("lead01",), 2, 0.5, 0)
    assert Exam.load(panel.process.home / "exams" / panel.exam).marking == rules
    (own,) = panel.store(lambda store: store.finals(panel.exam)).values()
    assert own == {ITEM: (2.0, "")}
    expect(lead.page.locator("#stuck")).to_be_hidden()
    lead.page.fill("#rules [name=markers]", "teacher01")
    lead.page.click("#save-rules")
    expect(lead.page.locator("#stuck")).to_contain_text("4")
    lead.fits()


def test_help_and_the_model_answer_by_key(desks, panel):
    panel.open(1)
    one = desks()
    one.open()
    one.press("m")
    expect(one.page.locator("#model p")).to_be_visible()
    one.press("m", "?")
    expect(one.page.locator("dialog dt")).to_have_count(11)
    one.fits()
    one.press("5", "Escape")  # keys belong to the dialog while it is open
    expect(one.page.locator("dialog")).to_have_count(0)
    expect(one.page.locator("#total")).to_have_text("–")
    one.press("5")
    expect(one.page.locator("#announce")).to_contain_text("最多 1 分")
