"""One Chromium for the browser tests of a file; each test opens contexts of its own in it.

Not for all of them: Playwright's loop runs in this thread as long as the browser is open, and tests with a loop of
their own, which come after, cannot have one then.
"""

import pytest

from tests.support.candidate import Desk
from tests.support.chromium import chromium
from tests.support.exam_host import Process, own_name
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    running = Process(tmp_path_factory.mktemp("room"), free_port())
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
