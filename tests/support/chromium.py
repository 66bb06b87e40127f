"""Chromium for browser tests: the one on this machine, else the one that Playwright has installed.

One for all browser tests of a worker. As long as it is open, Playwright's loop runs in this thread and no test can have
a loop of its own; so tests/conftest.py closes it before the first test that is not one of a browser.
"""

import shutil
from contextlib import ExitStack, contextmanager

from playwright.sync_api import Browser, sync_playwright

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""The first draws no window around its pages, which halves what a page costs."""
FLAGS = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
FLAGS += ["--disable-gpu", "--enable-unsafe-swiftshader"]
"""WebGL is drawn by SwiftShader, but not whole pages, which takes twice as long."""
PROGRAM = next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium():
    """A browser of its own."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        browser.close()


class Shared:
    """The browser of this process."""

    def __init__(self) -> None:
        self._open: Browser | None = None
        self._stack = ExitStack()

    def browser(self) -> Browser:
        """Launched if it is not there, or has crashed."""
        if self._open is None or not self._open.is_connected():
            self.close()
            self._open = self._stack.enter_context(chromium())
        return self._open

    def close(self) -> None:
        self._open = None
        self._stack.close()


SHARED = Shared()
