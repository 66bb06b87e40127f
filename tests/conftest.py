"""Which tests belong to which tier, and what all of them share: the bundled widgets, one running platform, one browser.

`make test-fast` runs FAST, `make test` all but SLOW, `make test-all` all; tests/run.py is behind them.
"""

from collections import Counter

import pytest

from tests.support import properties
from tests.support.platform import Platform
from widgets.assets import build

FAST = ("tests/unit/", "tests/content/")
"""Where the tests are that start no service and no browser."""

SLOW: dict[str, tuple[str, ...]] = {}
"""{beginning of a test's id: paths of what it tests}. CI runs those of which a path changed since all were green."""

ALONE: tuple[str, ...] = ()
"""Beginnings of the ids of tests whose limits are so short that another test beside them would break them."""

ORDER = ("tests/browser/", "tests/integration/", *FAST)
"""What takes longest begins first, so that both workers end together."""

SKIPS = ()
"""Reasons for which a test may be skipped in CI."""

properties.register()


def pytest_addoption(parser):
    parser.addoption("--listed-skips", action="store_true", help="fail if a test is skipped for a reason not in SKIPS")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        build()  # before tests are collected: whatever imports a widget needs its bundle
        config.pluginmanager.register(Skips(config.getoption("--listed-skips")))


class Skips:
    """Notes why tests were skipped; `strict`: a reason that is not in SKIPS is a failure."""

    def __init__(self, strict):
        self.strict = strict
        self.unlisted: Counter[str] = Counter()

    def pytest_runtest_logreport(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            reason = report.longrepr[2].removeprefix("Skipped: ")
            self.unlisted[reason] += not reason.startswith(SKIPS)

    def pytest_sessionfinish(self, session):
        if self.strict and self.unlisted.total():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for reason, times in self.unlisted.items():
            if self.strict and times:
                terminalreporter.line(f"{times} skipped, which tests/conftest.py does not list: {reason}", red=True)


def pytest_collection_modifyitems(items):
    """Mark each test with its tier, and give it the group with which it shares a worker."""
    for item in items:
        if item.nodeid.startswith(tuple(SLOW)):
            item.add_marker(pytest.mark.slow)
        if item.nodeid.startswith(ALONE):
            item.add_marker(pytest.mark.alone)
        item.add_marker(pytest.mark.xdist_group(group_of(item)))
    items.sort(key=lambda item: next(place for place, start in enumerate(ORDER) if item.nodeid.startswith(start)))


def group_of(item):
    """Tests of one file share its fixtures, and those with the platform of all share that."""
    (found,) = item._fixtureinfo.name2fixturedefs.get("platform", ())[-1:] or (None,)
    return "platform" if found is not None and found.scope == "session" else item.nodeid.partition("::")[0]


@pytest.fixture(scope="session")
def platform(tmp_path_factory):
    """The demo, running; what a test changes here, others may see."""
    running = Platform(tmp_path_factory.mktemp("platform") / "home").start()
    yield running
    running.stop()
