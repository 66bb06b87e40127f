"""Files that several processes read while one writes: seen whole, and told when they change."""

from __future__ import annotations

import os
from pathlib import Path

Stamp = tuple[int, int, int]


def stamp(file: Path) -> Stamp | None:
    """What changes when a file does; None where there is none."""
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def write(path: Path, data: bytes) -> None:
    """Put `data` in the place of what `path` holds, on disk when this returns; nobody ever reads half of it.

    For its owner only: banks hold keys. Writers of one file take turns by a lock of their own.
    """
    draft = path.with_name(f".{path.name}.part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
