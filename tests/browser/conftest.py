"""Browser tests: each opens contexts of its own in the one Chromium of its worker."""

import pytest

from tests.support.candidate import Desk
from tests.support.chromium import SHARED
from tests.support.exam_host import Served, own_name
from tests.support.person import gathered
from tests.support.ports import free_port


@pytest.fixture
def browser():
    return SHARED.browser()


@pytest.fixture(scope="module")
def process(tmp_path_factory, simulator):
    running = Served(tmp_path_factory.mktemp("room"), free_port(), simulator)
    yield running
    running.stop()


@pytest.fixture
def service(process, request):
    """The exam service with an exam that is open, and that no other test knows."""
    process.furnish(own_name(request))
    return process


@pytest.fixture
def desks(browser, service):
    """Machines by user; afterwards none may have had an error."""
    made = []

    def make(user="student01", **options):
        made.append(Desk(browser, service, user, **options))
        return made[-1]

    yield make
    for desk in made:
        desk.context.close()
    assert [fault for desk in made for fault in desk.faults] == []


@pytest.fixture
def people(browser, platform):
    """Persons over the real hub by user; afterwards none may have had an error."""
    with gathered(browser, platform) as make:
        yield make
