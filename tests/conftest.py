"""Fixtures of all tests: the bundled widgets, one running platform, one browser."""

import pytest

from tests.support.platform import Platform
from widgets.assets import build


def pytest_sessionstart():
    """Bundle the widgets before tests are collected: whatever imports a widget needs its bundle."""
    build()


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """The demo, running; what a test changes here, others may see."""
    running = Platform(tmp_path_factory.mktemp("platform") / "home").start()
    yield running
    running.stop()
