"""What a process and all that it started use: counted from /proc, by whoever sees them all.

Processes that lost their parent belong to the first process of their namespace, so that they are found below it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

PF_EXITING = 4  # <linux/sched.h>
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PPID, FLAGS, UTIME, CSTIME, THREADS, RSS = 1, 6, 11, 14, 17, 21
"""Fields of /proc/PID/stat (proc(5)), counted from the state, which follows the name."""


@dataclass(frozen=True)
class Process:
    """parent: its number; cpu_s: seconds, with children waited for; tasks: its threads; resident: bytes, shared too."""

    parent: int
    cpu_s: float
    tasks: int
    resident: int


@dataclass(frozen=True)
class Usage:
    """Of some processes together: seconds of processor time, threads, and bytes, shared ones counted in each."""

    cpu_s: float = 0.0
    tasks: int = 0
    resident: int = 0


def parse(stat: str) -> Process:
    """A process from its /proc/PID/stat; its name, which it chose itself, ends at the last bracket."""
    fields = stat[stat.rindex(")") + 2 :].split()
    ticks = sum(map(int, fields[UTIME : CSTIME + 1]))
    return Process(int(fields[PPID]), ticks / TICKS_PER_S, int(fields[THREADS]), int(fields[RSS]) * PAGE)


def processes() -> dict[int, Process]:
    """Every process that can be seen."""
    seen = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    seen[int(name)] = parse(file.read())
            except (FileNotFoundError, ProcessLookupError):  # it has ended
                continue
    return seen


def below(root: int, seen: Mapping[int, Process]) -> set[int]:
    """`root` and all that descend from it."""
    children: dict[int, list[int]] = {}
    for pid, process in seen.items():
        children.setdefault(process.parent, []).append(pid)
    found, left = set(), [root] if root in seen else []
    while left:
        pid = left.pop()
        found.add(pid)
        left += children.get(pid, ())
    return found


def total(pids: Iterable[int], seen: Mapping[int, Process]) -> Usage:
    """What `pids` use together."""
    own = [seen[pid] for pid in pids]
    return Usage(sum(each.cpu_s for each in own), sum(each.tasks for each in own), sum(each.resident for each in own))


def proportional(pids: Iterable[int], seen: Mapping[int, Process], within_s: float) -> int:
    """Bytes that `pids` hold, what several share counted once; a process that hides its memory counts in full.

    The largest ones come first, and none more after `within_s` seconds: one that forks without pause is slow to read.
    """
    held, until = 0, time.monotonic() + within_s
    for pid in sorted(pids, key=lambda pid: -seen[pid].resident):
        if time.monotonic() > until:
            break
        try:
            with open(f"/proc/{pid}/smaps_rollup", encoding="ascii", errors="replace") as file:
                held += next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
        except PermissionError:
            held += seen[pid].resident
        except (OSError, StopIteration):  # it has ended
            continue
    return held


def exiting(pid: int) -> bool:
    """Whether an unreaped process is on its way out, or has ended."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        stat = file.read()
    return bool(int(stat[stat.rindex(")") + 2 :].split()[FLAGS]) & PF_EXITING)
