"""Ports of the loopback for tests: each test process holds a block of them until it ends.

A port that is looked for and closed again may be gone when it is used; two test processes, or two runs side by side,
would take each other's. The block lies below the ports that the platform chooses from (hub/plan.py) and below those
that systems give to outgoing connections.
"""

import fcntl
import itertools
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TextIO

LOOPBACK = "127.0.0.1"
FIRST, PAST, BLOCK = 10_000, 20_000, 100


@cache
def _held() -> Iterator[int]:
    """The ports of a block that no other test process holds, for ever in turn."""
    folder = Path(tempfile.gettempdir()) / "xinglin-test-ports"
    folder.mkdir(exist_ok=True)
    for first in range(FIRST, PAST, BLOCK):
        lock = (folder / str(first)).open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            continue
        _LOCKS.append(lock)
        return itertools.cycle(range(first, first + BLOCK))
    raise OSError(f"All ports from {FIRST} to {PAST} are held by other test processes.")


_LOCKS: list[TextIO] = []
"""Open as long as this process runs, so that the locks stay."""


def free_port() -> int:
    """The next port of this process's block that nothing listens on."""
    for port in itertools.islice(_held(), BLOCK):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            return port
    raise OSError("Every port of this test process is in use.")
