"""The worker: this machine marks code for a scheduler, until it is told to end or the scheduler is gone.

Its processes are two: one that marks, and Dask's nanny, which starts that anew where it dies.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

import dask
from distributed import Nanny
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
TESTED = {"grade_id": "one", "grade": True, "solution": False, "locked": True, "points": 1, "schema_version": 3}


async def tried() -> None:
    """Mark one answer on this machine. Raises UnavailableError where that does not work."""
    answer = new_code_cell("def one():\n    return 1")
    test = new_code_cell("assert one() == 1", metadata={"nbgrader": TESTED})
    source = new_notebook(cells=[answer, test])
    async with Marker(ANSWERS, at_once=1) as marker:
        refusals = await marker.check(assignment(source), source)
    if refusals:
        raise UnavailableError(f"The sandbox does not work here: {refusals[0]}")


async def work(cluster: Cluster, ready: Callable[[str], None]) -> None:
    """Mark until SIGTERM or SIGINT. `ready(address)` is told when the scheduler knows this machine.

    Raises UnavailableError where code cannot be marked here, or where the scheduler is not reached or is lost.
    """
    await tried()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    host = get_ip(cluster.host)  # it is heard in the scheduler's network and in no other
    with dask.config.set({"distributed.worker.daemon": False}):
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
    ready(nanny.worker_address)
    waits = [asyncio.create_task(ended.wait()), asyncio.create_task(nanny.finished())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for own in waits:
        own.cancel()
    await nanny.close()
    if not ended.is_set():
        raise UnavailableError(f"The scheduler at {cluster.scheduler} was lost.")
