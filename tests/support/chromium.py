"""Chromium for browser tests: the one on this machine, else the one that Playwright has installed."""

import shutil
from contextlib import contextmanager

from playwright.sync_api import sync_playwright

PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--no-first-run"]
FLAGS += ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PROGRAM = next(filter(None, map(shutil.which, PROGRAMS)), None)


@contextmanager
def chromium():
    """A browser of its own."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=PROGRAM, args=FLAGS)
        yield browser
        browser.close()
