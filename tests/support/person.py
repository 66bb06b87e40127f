"""Somebody at a machine of their own, over the real hub."""

import contextlib
from urllib.parse import urlsplit

from playwright.sync_api import expect

WIDE, PHONE = (1366, 768), (390, 844)
LAB_S = 60_000


class Person:
    """Somebody at a machine of their own, logged in; `by_form`: through the login page."""

    def __init__(self, browser, platform, user, size=WIDE, language="zh", by_form=False):
        self.platform, self.user = platform, user
        self.context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN")
        self.context.add_cookies([{"name": "xinglin_language", "value": language, "url": platform.url}])
        self.faults: list[str] = []
        self.context.on("request", self._request)
        self.page = self.tab()
        if not by_form:
            self.context.add_cookies(platform.cookies(user))
            return
        self.open("/hub/login")
        self.page.fill("#username_input", user)
        self.page.fill("#password_input", platform.accounts[user]["password"])
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/hub/home")

    def tab(self):
        page = self.context.new_page()
        page.on("console", lambda message: self.faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        return page

    def _request(self, request):
        address = urlsplit(request.url)
        if address.scheme not in {"data", "blob"} and address.netloc != urlsplit(self.platform.url).netloc:
            self.faults.append(f"another host: {request.url}")

    def open(self, path):
        self.page.goto(self.platform.url + path)

    def open_lab(self, title):
        self.open("/hub/home")
        self.page.locator("article", has_text=title).locator("a.button").click()
        expect(self.page.locator("#rendered_cells")).to_be_visible(timeout=LAB_S)


@contextlib.contextmanager
def gathered(browser, platform, excused=None):
    """Persons by user; afterwards none may have had an error, but such as hold `excused`, or asked another host."""
    made = []

    def make(user, **options):
        made.append(Person(browser, platform, user, **options))
        return made[-1]

    yield make
    for person in made:
        person.context.close()
    faults = [(person.user, fault) for person in made for fault in person.faults if not excused or excused not in fault]
    assert faults == []
