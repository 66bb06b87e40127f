"""The line before the labs in a real browser: a page that waits, one before a full house, and how both become labs."""

import contextlib
import json
import re
import threading

import psutil
import pytest
import requests
from playwright.sync_api import expect

from tests.support.demo_home import copied
from tests.support.narrowing import present
from tests.support.person import PHONE, gathered
from tests.support.platform import Platform, until

LAB = "/services/apps/voila/render/physiology/01_nerve.ipynb"
LINE = "/services/apps/line"
MOST = 6
TURN_S = 30_000
"""Until a page has moved up: whoever left is missed after ten seconds, and the machine may be slow."""
WORDS = {
    "zh": {"lang": "zh-CN", "lab": "神经干动作电位", "line": "正在排队", "full": "实验已满员"},
    "en": {"lang": "en", "lab": "Nerve action potential", "line": "You are in line", "full": "The labs are full"},
}


class House(Platform):
    """A platform and its operator."""

    operator: requests.Session


@pytest.fixture(scope="module")
def platform(tmp_path_factory, demo_home):
    """A small house: one lab starts at a time, and few may be open, until somebody closes them."""
    home = copied(demo_home, tmp_path_factory.mktemp("waiting") / "home")
    (home / "xinglin.toml").write_text(f"[apps]\nstarts = 1\nmax_kernels = {MOST}\nclosed_s = 600\n", "utf-8")
    running = House(home)
    running.start()
    running.operator = running.session("operator01")
    yield running
    running.stop()


@pytest.fixture
def people(browser, platform):
    """A page that waits is told by a 503 to come again, of which the browser writes a line."""
    with gathered(browser, platform, excused="status of 503") as make:
        yield make


class Visitor:
    """Opens the lab as a browser without a window does."""

    def __init__(self, platform):
        self.platform = platform
        self.opened: list[tuple[requests.Session, str]] = []

    def __call__(self, user):
        session = self.platform.session(user)
        page = session.get(self.platform.url + LAB, timeout=120)
        if page.status_code == 200:
            config = present(re.search(r'id="jupyter-config-data"[^>]*>(.*?)</script>', page.text, re.S))[1]
            self.opened.append((session, json.loads(config)["kernelId"]))
        return page.status_code

    def close(self):
        close(self.platform, *self.opened.pop())


@pytest.fixture
def visitor(platform):
    """What it has opened is closed at the end."""
    visit = Visitor(platform)
    yield visit
    while visit.opened:
        visit.close()


def close(platform, session, kernel):
    """Close a lab as its page does."""
    header = {"X-XSRFToken": session.cookies.get("_xsrf", path="/services/apps/")}
    answer = session.post(f"{platform.url}/services/apps/voila/api/shutdown/{kernel}", headers=header, timeout=30)
    assert answer.status_code in {204, 403}  # 403: it has gone already


@contextlib.contextmanager
def no_start_ends(platform):
    """Hold still what kernels are forked from, so that a start takes as long as the test needs."""
    service = platform.part("hub.cli", "course")
    held = [child for child in service.children(recursive=True) if "hub.kernels" in child.cmdline()]
    for process in held:
        process.suspend()
    try:
        yield
    finally:
        for process in held:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.resume()


@contextlib.contextmanager
def in_line(platform, user):
    """Somebody who waits in line, asking for their place as their page does."""
    session, gone, places = platform.session(user), threading.Event(), []
    session.get(f"{platform.url}/services/apps/voila/render/none", timeout=60)  # logs in at the service

    def ask():
        while not gone.is_set():
            answer = session.get(f"{platform.url}{LINE}", params={"ticket": f"of-{user}"}, timeout=30)
            places.append(answer.json()["place"])

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield places
    finally:
        gone.set()
        asking.join()


def waiting(platform):
    """How many labs start or wait, as an operator's portal shows."""
    page = platform.operator.get(f"{platform.url}/hub/home", timeout=30).text
    return int(present(re.search(r'id="in-line">(\d+)<', page))[1])


def place(page):
    return page.locator("#place")


def check_looks(person, language, what):
    """What every page in line has: the portal's header, one sentence, its language, and room on the screen."""
    page, words = person.page, WORDS[language]
    expect(page.locator("html")).to_have_attribute("lang", words["lang"])
    expect(page.locator("h1")).to_contain_text(words[what])
    expect(page).to_have_title(re.compile(rf"^\(\d+\) {words['lab']} · "))
    expect(page.locator("header a.brand")).to_have_attribute("href", "/hub/home")
    expect(page.locator("[role=status][aria-live=polite]")).to_contain_text(re.compile(r"\d"))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    figure = place(page).evaluate("one => parseFloat(getComputedStyle(one).fontSize)")
    assert figure >= 48
    turning = "getComputedStyle(document.querySelector('.turn'), '::before').animationName"
    assert page.evaluate(turning) == "turn"
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(turning) == "none"
    page.emulate_media(reduced_motion="no-preference")


def change_language(page):
    """By the link in the header, with the keyboard."""
    page.locator("#language").focus()
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_page_that_waits_moves_up_and_becomes_the_lab(people, platform, visitor):
    assert visitor("student01") == 200  # the lab is made ready
    person = people("student02")
    page, starting = person.page, threading.Thread(target=visitor, args=("student03",))
    with no_start_ends(platform):
        starting.start()
        until(lambda: waiting(platform) == 1, 30, "a lab is starting")
        with in_line(platform, "student04") as places:
            until(lambda: places, 30, "somebody is in line")
            person.open(LAB)
            check_looks(person, "zh", "line")
            expect(place(page)).to_have_text("2")
            address = page.url
            assert "?ticket=" in address
            page.reload()  # a hand that cannot wait loses nothing, nor does who changes the language
            change_language(page)
            page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
            check_looks(person, "en", "line")
            change_language(page)
            expect(page.locator("h1")).to_contain_text(WORDS["zh"]["line"])
            expect(place(page)).to_have_text("2")
            assert page.url == address
        page.evaluate("window.stays = true")
        expect(place(page)).to_have_text("1", timeout=TURN_S)  # whoever was before has gone
        assert page.evaluate("window.stays"), "the page was loaded anew only to count"
        expect(page).to_have_title(re.compile(r"^\(1\) "))
    expect(page.locator("#rendered_cells")).to_be_visible(timeout=60_000)
    starting.join()


def test_a_full_house_opens_to_whoever_came_first_as_soon_as_somebody_leaves(people, platform, visitor):
    users = iter(["student01", "student02", "student03", "student04", "student05", "student06"] * 2)
    until(lambda: visitor(next(users)) == 503, 60, "the house is full")
    first = people("teacher01")
    first.open(LAB)
    check_looks(first, "zh", "full")
    until(lambda: waiting(platform) == 1, 30, "only this page waits")
    second = people("teacher02", size=PHONE, language="en")
    second.open(LAB)
    check_looks(second, "en", "full")
    expect(place(first.page)).to_have_text("1")
    expect(place(second.page)).to_have_text("2")
    visitor.close()
    expect(first.page.locator("#rendered_cells")).to_be_visible(timeout=60_000)
    expect(place(second.page)).to_have_text("1", timeout=TURN_S)
    visitor.close()
    expect(second.page.locator("#rendered_cells")).to_be_visible(timeout=60_000)
