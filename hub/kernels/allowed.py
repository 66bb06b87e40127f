"""What both sides of an answer's sandbox say to each other of a job; imports nothing, so that either starts at once."""

from __future__ import annotations

from dataclasses import dataclass

READY = b"ready\n"
"""What a job says before its first cell: what goes wrong until then is no student's doing."""


@dataclass(frozen=True)
class Allowed:
    """What a job may use; wall_s, cpu_s: seconds; tasks: processes and threads together."""

    wall_s: float
    cpu_s: int
    memory_mb: int
    tasks: int
    disk_mb: int
    output_bytes: int
