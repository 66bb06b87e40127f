"""A lock between processes: a file that one holds at a time, and that is free again however its holder ended."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class HeldError(Exception):
    """Another holds the lock."""


@contextmanager
def held(path: Path) -> Iterator[None]:
    """While this process holds the lock `path`. Raises HeldError where another does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HeldError(str(path)) from error
        yield
