"""Limits of one kernel, by the system's own means: rlimits, and control groups where an operator names some."""

from __future__ import annotations

import resource
from dataclasses import dataclass

MIB = 1024**2


@dataclass(frozen=True)
class Limits:
    """What one kernel may use; 0 sets no limit."""

    memory_mb: int = 0
    cpu_s: int = 0
    processes: int = 0

    def apply(self) -> None:
        """To this process and all that it starts."""
        if self.memory_mb:
            # what the parent holds already is shared and not this kernel's doing
            lower(resource.RLIMIT_DATA, data_bytes() + self.memory_mb * MIB)
        if self.cpu_s:
            lower(resource.RLIMIT_CPU, self.cpu_s)
        if self.processes:
            lower(resource.RLIMIT_NPROC, self.processes)
        lower(resource.RLIMIT_CORE, 0)


def lower(kind: int, value: int) -> None:
    """Set a limit; one that is lower already stays."""
    _soft, hard = resource.getrlimit(kind)
    limit = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (limit, limit))


def data_bytes() -> int:
    """Private writable memory of this process (VmData of proc(5)), which RLIMIT_DATA counts."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    raise OSError("/proc/self/status has no VmData.")
