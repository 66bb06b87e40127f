"""What open labs use: counted in the apps service, asked for by the hub, shown to operators and to Prometheus."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from prometheus_client import Gauge
from tornado.httpclient import AsyncHTTPClient, HTTPError

from hub.plan import Plan

PATH = "/services/apps/usage"
ASK_S = 3.0
PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
KERNELS = Gauge("xinglin_kernels", "Kernels of open labs")
WAITING = Gauge("xinglin_labs_waiting", "Labs that are starting or wait for their start")
MEMORY = Gauge("xinglin_kernels_memory_bytes", "Memory of all labs' kernels and their parents (PSS)")


@dataclass(frozen=True)
class Usage:
    """Open labs: their kernels of `most` allowed, how many start or wait, and memory with what they share, bytes."""

    kernels: int
    most: int
    waiting: int
    memory: int

    def dumps(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


def memory_of(pids: Iterable[int]) -> int:
    """Proportional set size of all processes together, bytes; those that ended meanwhile use none."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found = PSS.search(Path(f"/proc/{pid}/smaps_rollup").read_text("ascii"))
            total += int(found[1]) * 1024 if found else 0
    return total


async def ask(plan: Plan) -> Usage | None:
    """The usage now; None where the apps service does not answer, as while it starts again."""
    try:
        reply = await AsyncHTTPClient().fetch(
            plan.url("apps") + PATH, headers={"Authorization": f"token {plan.tokens['apps']}"}, request_timeout=ASK_S
        )
    except (HTTPError, OSError):
        return None
    return Usage(**json.loads(reply.body))


def publish(usage: Usage | None) -> None:
    """Set Prometheus's gauges; of a service that does not answer nothing is known."""
    KERNELS.set(usage.kernels if usage else float("nan"))
    WAITING.set(usage.waiting if usage else float("nan"))
    MEMORY.set(usage.memory if usage else float("nan"))
