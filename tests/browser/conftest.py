"""One Chromium for all browser tests; each test opens contexts of its own in it."""

import pytest

from tests.chromium import chromium


@pytest.fixture(scope="session")
def browser():
    with chromium() as running:
        yield running
