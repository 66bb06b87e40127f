"""The two ends of a cluster that marks: the scheduler that gives out work, and a worker on each machine that does it.

A worker is two processes: one that marks, and Dask's nanny, which starts that anew where it dies. Both ends are heard
only at the address that the others know them by.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any

from distributed import Nanny, Scheduler
from distributed.utils import get_ip
from nbformat.v4 import new_code_cell, new_notebook

from exams.autograde.assignment import assignment
from exams.autograde.cluster import Cluster
from exams.autograde.machines import security
from exams.autograde.marker import ANSWERS, Marker
from exams.autograde.runner import UnavailableError

AT_ONCE = 2
"""Batches: while one waits for its slowest submission, the other has the cores."""
REACHED_S = 30.0
SOLUTION = {"grade_id": "own", "grade": False, "solution": True, "locked": False, "schema_version": 3}
TEST = {"grade_id": "test", "grade": True, "solution": False, "locked": True, "points": 1, "schema_version": 3}

Ready = Callable[[str], None]
"""Is told in a sentence when the others can count on this machine."""


async def tried() -> None:
    """Mark one answer on this machine. Raises UnavailableError where that does not work."""
    answer = new_code_cell("def one():\n    return 1", metadata={"nbgrader": SOLUTION})
    test = new_code_cell("assert one() == 1", metadata={"nbgrader": TEST})
    source = new_notebook(cells=[answer, test])
    async with Marker(ANSWERS, at_once=1) as marker:
        if refusals := await marker.check(assignment(source), source):
            raise UnavailableError(f"Code is not marked rightly here: {refusals[0]}")


async def work(cluster: Cluster, ready: Ready) -> None:
    """Mark until SIGTERM or SIGINT.

    Raises UnavailableError where code cannot be marked here, or where the scheduler is not reached or is lost.
    """
    await tried()
    ended = _told_to_end()
    host = get_ip(cluster.host)  # this machine's, in the network where the scheduler is
    nanny = Nanny(
        cluster.scheduler,
        nthreads=AT_ONCE,
        host=host,
        memory_limit=0,  # students' code has limits of its own, in other processes
        dashboard_address=f"{host}:0",
        security=security(cluster),
        death_timeout=REACHED_S,
    )
    try:
        async with asyncio.timeout(2 * REACHED_S):
            await nanny
    except (OSError, TimeoutError, RuntimeError) as error:
        await nanny.close()
        raise UnavailableError(f"The scheduler at {cluster.scheduler} cannot be reached.") from error
    ready(f"Marking for {cluster.scheduler} at {nanny.worker_address}.")
    await _first(ended.wait(), nanny.finished())
    await nanny.close()
    if not ended.is_set():
        raise UnavailableError(f"The scheduler at {cluster.scheduler} was lost.")


async def schedule(cluster: Cluster, ready: Ready) -> None:
    """Give out work until SIGTERM or SIGINT. Raises UnavailableError where the address is not this machine's."""
    ended = _told_to_end()
    scheduler = Scheduler(
        host=cluster.host,
        port=cluster.port,
        protocol="tls" if cluster.secure else "tcp",
        security=security(cluster),
        dashboard=False,
        dashboard_address="127.0.0.1:0",
    )
    try:
        await scheduler
    except (OSError, RuntimeError) as error:
        raise UnavailableError(f"Nothing can listen at {cluster.scheduler} here: {error}") from error
    ready(f"Giving out work at {cluster.scheduler}.")
    await _first(ended.wait(), scheduler.finished())
    await scheduler.close()


def _told_to_end() -> asyncio.Event:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    return ended


async def _first(*waits: Coroutine[Any, Any, Any]) -> None:
    tasks = [asyncio.create_task(own) for own in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for own in tasks:
        own.cancel()
