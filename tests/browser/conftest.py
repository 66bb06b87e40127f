"""One Chromium for the browser tests of a file; each test opens contexts of its own in it.

Not for all of them: Playwright's loop runs in this thread as long as the browser is open, and tests with a loop of
their own, which come after, cannot have one then.
"""

import pytest

from tests.chromium import chromium


@pytest.fixture(scope="module")
def browser():
    with chromium() as running:
        yield running
