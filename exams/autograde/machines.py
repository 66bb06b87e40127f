"""The queue over several machines: batches of submissions to the workers of a Dask scheduler.

A batch whose worker dies is run again elsewhere by Dask, as is one whose result only that worker held; here each
submission has its one result all the same. Dask gives up a batch that was with several workers as they died, and
cannot say which submission is to blame, or whether it was one of a neighbouring batch: so those are marked again one by
one, with nothing beside them, and only what ends its workers even then is given back as not marked.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any, cast

from distributed import Client, KilledWorker, Security
from distributed.client import FutureCancelledError

from exams.autograde import batch, marker
from exams.autograde.assignment import Assignment
from exams.autograde.cluster import Cluster
from exams.autograde.queue import Result, Submission, as_done
from exams.autograde.runner import UnavailableError

BATCH = 20
"""Submissions of a batch: Dask takes about 7 ms for each, and what its worker has done is lost with the worker."""
BATCH_BYTES = 4 << 20
"""Of the notebooks in a batch, unless one submission is larger."""
AT_LEAST = 8
"""Batches under way, however few workers there are: some may be on their way."""
REACHED_S = 10.0
LOOK_S = 1.0
NO_WORKER_S = 60.0
"""Without any worker, until marking is given up."""
SILENT_S = 1800.0
"""Without any result, though there are workers: a batch of endless loops takes ten minutes."""

AGAIN = "started again, marking goes on where it ended."


def security(cluster: Cluster) -> Security:
    """The certificates that a connection shows and asks for."""
    if not cluster.secure:
        return Security()
    ends = {
        f"tls_{role}_{kind}": getattr(cluster, f"tls_{kind}")
        for role in ("client", "scheduler", "worker")
        for kind in ("cert", "key")
    }
    return Security(require_encryption=True, tls_ca_file=cluster.tls_ca, **ends)


@asynccontextmanager
async def connected(cluster: Cluster) -> AsyncIterator[Machines]:
    """The queue at a scheduler. Raises UnavailableError."""
    try:
        client = await Client(cluster.scheduler, security=security(cluster), asynchronous=True, timeout=REACHED_S)
    except (OSError, TimeoutError) as error:  # a missing certificate too
        raise UnavailableError(f"The scheduler at {cluster.scheduler} cannot be reached: {error}") from error
    machines = Machines(client, cluster.scheduler)
    try:
        yield machines
    finally:
        await machines.close()
        await client.close()


class Machines:
    """The queue of the workers that a client's scheduler has."""

    def __init__(self, client: Client, address: str):
        self._client, self._address = client, address
        self._run, self._numbers = uuid.uuid4().hex, itertools.count()
        self._threads, self._heard = 0, asyncio.get_running_loop().time()
        self._watching = asyncio.create_task(self._watch())

    async def marks(
        self, assignments: Mapping[str, Assignment], submissions: Iterable[Submission]
    ) -> AsyncGenerator[Result, None]:
        """See `Queue`."""
        suspects: list[Submission] = []
        self._heard = asyncio.get_running_loop().time()
        work = (self._mark(assignments, own) for own in batches(submissions))
        async with aclosing(as_done(work, lambda: max(AT_LEAST, 2 * self._threads))) as done:
            async for own, found in done:
                if found is None:
                    suspects += own
                else:
                    for submission in own:
                        yield found[submission.name]
        for one in suspects:
            _, found = await self._mark(assignments, [one])
            yield found[one.name] if found is not None else Result(one.name, failed=marker.BY_HAND)

    async def _mark(
        self, assignments: Mapping[str, Assignment], own: Sequence[Submission]
    ) -> tuple[Sequence[Submission], dict[str, Result] | None]:
        """A batch and its results, None where the workers that had it died. Raises UnavailableError."""
        key = f"mark-{self._run}-{next(self._numbers)}"
        asked = batch.request(assignments, own, marker.LIMITS)
        future = self._client.submit(batch.mark_batch, asked, key=key, pure=False)
        try:
            answer = await self._answer(future)
        except KilledWorker:
            return own, None
        finally:
            future.release()
        self._heard = asyncio.get_running_loop().time()
        return own, batch.results(answer)

    async def _answer(self, future: Any) -> bytes:
        answer = asyncio.create_task(self._result(future))
        try:
            await asyncio.wait({answer, self._watching}, return_when=asyncio.FIRST_COMPLETED)
            if not answer.done():
                await self._watching
            return await answer
        finally:
            answer.cancel()
            await asyncio.gather(answer, return_exceptions=True)

    async def _result(self, future: Any) -> bytes:
        try:
            return cast("bytes", await future.result())
        except FutureCancelledError as error:  # to asyncio it would be this task's own end
            raise UnavailableError(f"The scheduler at {self._address} was lost; {AGAIN}") from error

    async def _watch(self) -> None:
        """Look who is there, for ever. Raises UnavailableError where it is no use to wait for them."""
        loop = asyncio.get_running_loop()
        there = loop.time()
        while True:
            try:
                workers = await self._client.nthreads()
            except OSError as error:
                raise UnavailableError(f"The scheduler at {self._address} was lost; {AGAIN}") from error
            self._threads, now = sum(workers.values()), loop.time()
            there = now if workers else there
            if now - there > NO_WORKER_S:
                raise UnavailableError(
                    f"The scheduler at {self._address} has had no worker for {NO_WORKER_S:g} s; {AGAIN}"
                )
            if now - self._heard > SILENT_S:
                raise UnavailableError(f"No worker of {self._address} has answered for {SILENT_S:g} s; {AGAIN}")
            await asyncio.sleep(LOOK_S)

    async def close(self) -> None:
        """End the watching."""
        self._watching.cancel()
        await asyncio.gather(self._watching, return_exceptions=True)


def batches(submissions: Iterable[Submission]) -> Iterator[list[Submission]]:
    """Submissions, some at a time, read as they are needed."""
    made: list[Submission] = []
    size = 0
    for one in submissions:
        own = sum(map(len, one.notebooks.values()))
        if made and (len(made) == BATCH or size + own > BATCH_BYTES):
            yield made
            made, size = [], 0
        made.append(one)
        size += own
    if made:
        yield made
