"""A candidate's machine in the exam room, and what the server holds of them."""

import contextlib
import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Response, expect

from exams.sitting import SittingStore
from tests.support.exam_host import CANDIDATES, Process, store_url
from tests.support.narrowing import present

WIDE, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


class Desk:
    """A candidate's machine: a browser of their own, and what went wrong in it."""

    def __init__(self, browser: Browser, service: Process, user: str, size=WIDE, language="zh", **options):
        self.service, self.user = service, user
        self.context: BrowserContext = browser.new_context(viewport=size, locale="zh-CN", **options)
        self.context.add_cookies([{"name": "xinglin_language", "value": language, "url": service.site}])
        self.faults: list[str] = []
        self.expecting_faults = False
        self._entered: Response | None = None
        self.context.on("request", self._request)
        self.context.on("response", self._response)
        self.page = self.tab()

    def tab(self) -> Page:
        page = self.context.new_page()
        page.on("console", lambda message: self._fault(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        return page

    def _fault(self, text: str) -> None:
        # the browser itself writes a line for a request that cannot reach the server; nothing else is excused
        if not (self.expecting_faults and text.startswith("Failed to load resource: net::ERR_")):
            self.faults.append(text)

    def _request(self, request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self.service.site).netloc:
            self.faults.append(f"another host: {request.url}")

    def _response(self, response: Response) -> None:
        if response.url.endswith("/enter") and response.ok:
            self._entered = response

    @contextlib.contextmanager
    def fault(self):
        """Within, requests may fail to reach the server."""
        self.expecting_faults = True
        yield
        self.expecting_faults = False

    def knock(self) -> None:
        """To the door of the room."""
        self.page.goto(f"{self.service.base}login?as={self.user}")
        self.page.goto(f"{self.service.base}{self.service.exam}/")
        self.page.check("#confirm")
        self.page.click("#enter")

    def enter(self) -> None:
        self.knock()
        expect(self.page.locator("article.question")).to_be_visible()

    def saved(self, within_s: float = 10) -> None:
        expect(self.page.locator("#saving")).to_have_attribute("data-state", "saved", timeout=1000 * within_s)

    def go(self, kind: str, label: str = "") -> None:
        """To the first question of a type, by the order in which the server gave them; `label`: beside its number."""
        self.at([item["type"] for item in self.items()].index(kind))
        expect(self.page.locator(".kind")).to_contain_text(label or kind)

    def items(self) -> list[dict[str, Any]]:
        """The questions as this machine was last given them, in its candidate's order."""
        assert self._entered is not None, "not in the room yet"
        items: list[dict[str, Any]] = self._entered.json()["items"]
        return items

    def at(self, place: int) -> None:
        """To a question by its place, from 0."""
        button = self.page.locator("#map .grid button").nth(place)
        if not button.is_visible():
            self.page.click("#show-map")
        self.press(button)

    def press(self, button: Locator) -> None:
        """Press what leads to another question, and say yes where it asks whether to go on in a case."""
        button.click()
        asked = self.page.locator("dialog[data-forward] .button:not(.second)")
        if asked.count():
            asked.click()

    def total(self) -> int:
        return self.page.locator("#map .grid button").count()


def kept(service, candidate=0):
    """What the server holds of a candidate, read from the database itself."""
    store = SittingStore(store_url(service.home))
    try:
        assert store.verify() is None
        return store.responses(service.exam).get(CANDIDATES[candidate].number, {})
    finally:
        store.close()


def measure(page: Page) -> None:
    """Measure something in the image with the tool that the question asks for."""
    stage = page.locator(".stage canvas").first
    expect(stage).to_be_visible()
    expect(page.locator(".stage [role=application]")).to_be_visible()
    stage.scroll_into_view_if_needed()
    box = present(stage.bounding_box())
    start = (box["x"] + box["width"] * 0.45, box["y"] + box["height"] * 0.45)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 30, start[1] + 20, steps=4)
    page.mouse.move(start[0] + 50, start[1] + 40, steps=4)
    page.mouse.up()
    expect(page.locator(".measure .hint")).to_contain_text(re.compile(r"\d"))


def watch(desk):
    """To the desk of those who watch over the exam."""
    desk.page.goto(f"{desk.service.base}login?as={desk.user}")
    desk.page.goto(f"{desk.service.base}{desk.service.exam}/desk")
    expect(desk.page.locator("#rows tr").first).to_be_visible()


def let_in(desk, candidate=0):
    """Let the candidate go on at the machine that asks."""
    row = desk.page.locator(f'tr[data-number="{CANDIDATES[candidate].number}"]')
    expect(row).to_contain_text("请求换机", timeout=10_000)
    row.locator("button").click()
    desk.page.locator("dialog .choices button", has_text="允许换到另一台机器").click()
    desk.page.locator("dialog form .button:not(.second)").click()
    expect(desk.page.locator("#desk-message")).to_contain_text(CANDIDATES[candidate].number)
