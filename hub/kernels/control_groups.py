"""Control groups of kernels (cgroups(7), versions 1 and 2): one for each kernel in every folder an operator delegated.

What a resource limit cannot do they can: count one kernel's processes and memory together with all that it starts, and
find what it left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from hub.kernels.limits import MIB

PROCESSES = "cgroup.procs"
MEMORY = ("memory.max", "memory.limit_in_bytes")
TASKS = ("pids.max",)
END_S = 2.0
POLL_S = 0.01


def make(folders: Sequence[str], *, memory_mb: int, tasks: int) -> list[Path]:
    """New groups, one in each of `folders`, with what limits their controllers know; 0 sets none. Raises OSError."""
    groups = [Path(tempfile.mkdtemp(prefix="kernel-", dir=folder)) for folder in folders]
    for group in groups:
        for names, value in ((MEMORY, memory_mb * MIB), (TASKS, tasks)):
            for file in (group / name for name in names):
                if value and file.exists():
                    file.write_text(str(value), "ascii")
    return groups


def enter(groups: Sequence[Path], pid: int) -> None:
    """Put a process with all its threads into `groups`; one that has ended already has no need of it."""
    for group in groups:
        with contextlib.suppress(ProcessLookupError):
            (group / PROCESSES).write_text(str(pid), "ascii")


async def remove(groups: Sequence[Path]) -> None:
    """End what is left in `groups` and remove them. Raises OSError where one stays for END_S."""
    deadline = time.monotonic() + END_S
    for group in groups:
        while group.exists():
            for pid in (group / PROCESSES).read_text("ascii").split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            try:
                group.rmdir()
            except OSError:
                if time.monotonic() > deadline:
                    raise
                await asyncio.sleep(POLL_S)


def problem(folder: str) -> str | None:
    """Why `folder` cannot hold kernels' groups, None where it can."""
    try:
        (group,) = make([folder], memory_mb=0, tasks=0)
    except OSError as error:
        return os.strerror(error.errno or 0)
    limits = any((group / name).exists() for name in (*MEMORY, *TASKS))
    usable = limits and (group / PROCESSES).exists()
    group.rmdir()
    return None if usable else "it is no control group with the controllers memory or pids"
