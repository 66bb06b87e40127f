"""Which tests belong to which tier, and what all of them share: the bundled widgets, one running platform, one browser.

`make test-fast` runs FAST, `make test` all but SLOW, `make test-all` all; tests/run.py is behind them.
"""

import os
from collections import Counter

import pytest
from xdist.scheduler import LoadScopeScheduling

from benchmarks._postgresql import MISSING, PostgreSQL, programs
from tests.support import demo_home as demo
from tests.support import properties
from tests.support.chromium import SHARED
from tests.support.exam_host import SharedSimulator
from tests.support.platform import Platform
from widgets.assets import build

FAST = ("tests/unit/", "tests/content/")
"""Where the tests are that start no service and no browser."""

_INTEGRATION = "tests/integration/"
_BENCHMARKS = f"{_INTEGRATION}test_benchmarks.py::test_"
SLOW: dict[str, tuple[str, ...]] = {
    f"{_INTEGRATION}test_jupyter_client_suite.py": ("hub/kernels/", "configs/kernels/", "requirements"),
    f"{_INTEGRATION}test_nbgrader.py::test_stock_autograde_gives_the_same_marks[drawn]": ("exams/", "requirements"),
    f"{_INTEGRATION}test_marked_exam.py": ("exams/",),
    f"{_INTEGRATION}test_kernels.py::test_opens_and_closes_leave_nothing_behind[1000]": ("hub/kernels/",),
    f"{_INTEGRATION}test_rescoring.py::test_stock_autograde_marks_by_the_new_key_too": ("exams/",),
    f"{_INTEGRATION}test_panel.py::test_twenty_markers_at_once_on_postgresql_over_two_stores": ("exams/",),
    f"{_INTEGRATION}test_queue.py::test_a_machine_is_lost_midway": ("exams/autograde/", "hub/"),
    "tests/browser/test_whole_exam.py": ("exams/",),
    f"{_BENCHMARKS}a_small_exam_loses_nothing": ("benchmarks/", "exams/"),
    f"{_BENCHMARKS}a_few_pages_of_a_lab": ("benchmarks/", "hub/", "courses/", "widgets/"),
    f"{_BENCHMARKS}a_few_open_labs_and_a_slider": ("benchmarks/", "hub/", "courses/", "widgets/"),
    f"{_BENCHMARKS}marks_are_the_same_ours_and_nbgraders": ("benchmarks/", "exams/", "hub/"),
    f"{_BENCHMARKS}a_few_forms_are_assembled": ("benchmarks/", "exams/"),
    f"{_BENCHMARKS}a_small_exam_is_marked": ("benchmarks/", "exams/"),
    f"{_BENCHMARKS}a_few_answers_at_the_marking_desk": ("benchmarks/", "exams/"),
}
"""{id of a file or a test: paths of what it tests}. CI runs those of which a path changed since all were green.

All of them take nine minutes, so that a path too many costs less than a fault that nobody runs into.
"""

SHARED_BY_ALL = ("tests/conftest.py", "tests/support/")
"""If one of these changed, all are run."""

SLOW_S = 600
"""How long one of them may take; of others pyproject.toml says it."""

ALONE = (f"{_INTEGRATION}test_answers.py",)
"""Files whose limits are so short that another test beside them would break them."""

PLATFORM = (
    "tests/browser/test_imaging_lab.py",
    "tests/browser/test_portal_accessibility.py",
    *(f"{_INTEGRATION}test_{name}.py" for name in ("apps", "doors", "portal", "sandbox", "serve", "usage", "watchers")),
)
"""Files whose tests share the running platform, and so a worker."""

ORDER = (*PLATFORM, "tests/browser/", "tests/integration/", *FAST)
"""What takes longest begins first, so that both workers end together."""

SKIPS = ("the shared folder of real images is absent",)
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


def pytest_itemcollected(item):
    """Mark a test with its tier."""
    if item.nodeid.startswith(tuple(SLOW)):
        item.add_marker(pytest.mark.slow)
        item.add_marker(pytest.mark.timeout(SLOW_S))
    if item.nodeid.startswith(ALONE):
        item.add_marker(pytest.mark.alone)
    shared = item._fixtureinfo.name2fixturedefs.get("platform", ())
    if shared and shared[-1].scope == "session" and not item.nodeid.startswith(PLATFORM):
        raise pytest.UsageError(f"{item.nodeid} uses the platform: add its file to PLATFORM in tests/conftest.py")


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: next(place for place, start in enumerate(ORDER) if item.nodeid.startswith(start)))


class Scheduler(LoadScopeScheduling):
    """Gives a worker a file at a time, and the files of PLATFORM together.

    pytest-xdist's own `--dist loadgroup` groups nothing under pytest 9.2 (its issue 1386).
    """

    def _split_scope(self, nodeid):
        return "platform" if nodeid.startswith(PLATFORM) else nodeid.partition("::")[0]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return Scheduler(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if not item.nodeid.startswith("tests/browser/"):
        SHARED.close()


def pytest_unconfigure():
    SHARED.close()


@pytest.fixture(scope="session")
def demo_home(tmp_path_factory):
    """A seeded home, to be copied and not changed: one for all workers."""
    own = tmp_path_factory.getbasetemp()
    return demo.template(own.parent if "PYTEST_XDIST_WORKER" in os.environ else own)


@pytest.fixture(scope="session")
def platform(tmp_path_factory, demo_home):
    """The demo, running; what a test changes here, others may see."""
    running = Platform(demo.copied(demo_home, tmp_path_factory.mktemp("platform") / "home")).start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def simulator():
    """One pool of kernels for simulations a worker."""
    shared = SharedSimulator()
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def postgresql():
    """One PostgreSQL server a worker; it may be stopped and started."""
    if programs() is None:
        pytest.skip(MISSING)
    with PostgreSQL() as running:
        yield running


@pytest.fixture
def database(postgresql):
    """The address of an empty database on it."""
    return postgresql.new_database()
