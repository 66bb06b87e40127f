"""Students' code answers, run for marking: one warm process in bubblewrap, a fork of it for each job.

It is a process of its own: whoever marks writes jobs to its standard input and reads replies from its standard output,
one JSON object a line, in any order, and it ends with that input.

job: {"id": any text, "cells": [{"source", "probe"}, ...], "wall_s", "cpu_s", "memory_mb", "tasks", "disk_mb",
"output_bytes"}; reply: {"id", "cells": [frames, see hub.frames], "stopped": null | {"why", "cell"}, "seconds"}.
A cell with `probe` is a test's plain Python, the others are the student's. What the probes give are values that the
student's program chose: nothing is decided here, and nothing that a decision needs is in the sandbox.

Each job has a channel of its own to this process. The warm process gets its other end and hands it to its fork; a job's
content passes by it, since every fork has its memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from typing import Any

from hub import frames
from hub.kernels.allowed import READY, Allowed
from hub.warm import Ended, Warm, WarmLostError, mentioned

LEAF_BYTES = 8 * 1024**2
"""Of all values that one job emits, besides its outputs."""
ESCAPED = 6
"""Bytes that JSON takes for one, at most."""
LINES_BYTES = 1024**2
"""Of all else in the frames of one job: brackets, names, tracebacks."""
NOT_STARTED = "not started"
RETRY_S = 1.0
LONGEST_JOB = 64 * 1024**2
TRIES = 2
"""A job whose warm process dies is given to the next one once more: it only computes."""

log = logging.getLogger("xinglin")


class TooMuchError(Exception):
    """A job emitted more than it may."""


class NotStartedError(Exception):
    """A job's process did not come so far as to run a cell, which is no student's doing; the message says why."""


class Channel:
    """This process's end of one job's channel."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int) -> None:
        self._reader, self._writer, self._left = reader, writer, most

    @classmethod
    async def open(cls, own: socket.socket, most: int) -> Channel:
        """Over `own`, for at most so many bytes from the other end."""
        return cls(*await asyncio.open_connection(sock=own, limit=most), most)

    async def ask(self, cell: Mapping[str, Any]) -> bytes:
        """Give a cell and take the line that comes back; b"" where the job leaves without one. Raises TooMuchError."""
        try:
            self._writer.write(json.dumps(cell).encode() + b"\n")
            await self._writer.drain()
        except ConnectionError:
            return b""
        return await self.line()

    async def line(self) -> bytes:
        """The next line, b"" where there is none. Raises TooMuchError."""
        try:
            line = await self._reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return b""
        except asyncio.LimitOverrunError as error:
            raise TooMuchError from error
        self._left -= len(line)
        if self._left < 0:
            raise TooMuchError
        return line

    def close(self) -> None:
        """Our end."""
        self._writer.close()


@dataclass(frozen=True)
class Job:
    """A job as it was asked for."""

    id: str
    cells: Sequence[Mapping[str, Any]]
    allowed: Allowed

    @classmethod
    def parse(cls, line: bytes) -> Job:
        """Raises ValueError, KeyError or TypeError for what is none."""
        data = json.loads(line)
        cells = [{"source": str(cell["source"]), "probe": bool(cell["probe"])} for cell in data["cells"]]
        allowed = {each.name: data[each.name] for each in fields(Allowed)}
        return cls(data["id"], cells, Allowed(**allowed))


TRY = Job("try", [{"source": "1", "probe": True}], Allowed(20.0, 10, 256, 16, 1, 10_000))
"""What every sandbox must be able to do."""


def why(ended: Ended, fault: str | None, allowed: Allowed) -> str:
    """Why a job that did not come to its end was stopped.

    fault: what was wrong with what it said: "output", "protocol", or None where it fell silent.
    """
    if ended.why is not None:
        return ended.why
    if fault is not None:
        return fault
    if ended.asked:  # it lived, but had closed what it should answer by
        return "protocol"
    if ended.code == -signal.SIGXFSZ:
        return "disk"
    if ended.code == -signal.SIGKILL:  # by Linux itself: nobody in its namespace can do that to its first process
        return "cpu" if ended.cpu_s >= allowed.cpu_s else "memory"
    return "ended"


async def attempt(warm: Warm, job: Job) -> dict[str, Any]:
    """The reply to a job. Raises WarmLostError where the warm process dies over it, NotStartedError."""
    began = time.monotonic()
    own, other = socket.socketpair()
    channel = await Channel.open(own, LEAF_BYTES + LINES_BYTES + ESCAPED * job.allowed.output_bytes)
    try:
        with other:
            number, ended = warm.fork(job.allowed, other.fileno())
        try:
            done, fault = await talk(channel, job.cells)
        finally:
            warm.stop(number)
        end = await ended
    finally:
        channel.close()
    if fault == NOT_STARTED:
        raise NotStartedError(end.error or f"it ended ({end.code}) before its first cell")
    stopped = {"why": why(end, fault, job.allowed), "cell": len(done)} if len(done) < len(job.cells) else None
    return {"id": job.id, "cells": done, "stopped": stopped, "seconds": round(time.monotonic() - began, 4)}


async def talk(channel: Channel, cells: Sequence[Mapping[str, Any]]) -> tuple[list[dict[str, Any]], str | None]:
    """Cells one by one: what became of them, and what was wrong with what was said (`why`), or NOT_STARTED."""
    done: list[dict[str, Any]] = []
    try:
        if await channel.line() != READY:
            return done, NOT_STARTED
        for cell in cells:
            if not (line := await channel.ask(cell)):
                break
            done.append(frames.read(line))
    except TooMuchError:
        return done, "output"
    except frames.FrameError:
        return done, "protocol"
    return done, None


class Service:
    """Jobs by a warm process, which is started with the first one and again where it died."""

    def __init__(self) -> None:
        self._entering = asyncio.Lock()
        self._warm: Warm | None = None
        self._running = 0
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self) -> None:
        """Start the warm process before a job needs it. Raises SandboxMissingError or WarmLostError."""
        async with self._entering:
            await self._prepared(frozenset())

    async def _prepared(self, modules: Set[str]) -> Warm:
        """The warm process with `modules`, which are imported while no job runs.

        Raises SandboxMissingError, or WarmLostError where it fails TRIES times.
        """
        for left in reversed(range(TRIES)):
            try:
                if self._warm is None or self._warm.lost:
                    await self.close()
                    self._warm = await Warm.start()
                    await attempt(self._warm, TRY)
                if self._warm.lacks(modules):
                    await self._empty.wait()
                    await self._warm.load(modules)
                break
            except (WarmLostError, NotStartedError) as error:
                await self.close()
                if not left:
                    raise WarmLostError(f"The sandbox does not work here: {error}") from error
                log.warning("The sandbox did not start (%s); it is tried again.", error)
        assert self._warm is not None  # noqa: S101 - for the type checker; else the last try has raised
        return self._warm

    @contextlib.asynccontextmanager
    async def _entered(self, modules: Set[str]) -> AsyncIterator[Warm]:
        """The warm process for one job to run in. Raises as `_prepared` does."""
        async with self._entering:
            warm = await self._prepared(modules)
            self._running += 1
            self._empty.clear()
        try:
            yield warm
        finally:
            self._running -= 1
            if not self._running:
                self._empty.set()

    async def run(self, job: Job) -> dict[str, Any]:
        """The reply to a job. Raises WarmLostError where no sandbox can be started any more, or no process in it."""
        refused = 0
        modules = mentioned(cell["source"] for cell in job.cells)
        for _ in range(TRIES):
            async with self._entered(modules) as warm:
                began = time.monotonic()
                try:
                    return await attempt(warm, job)
                except WarmLostError as error:
                    log.warning("The sandbox was lost over the job %s: %s.", job.id, error)
                except NotStartedError as error:
                    log.warning("The job %s was not started: %s.", job.id, error)
                    refused += 1
                    if refused == TRIES:
                        raise WarmLostError(f"No job can be started: {error}") from error
                    await asyncio.sleep(RETRY_S)
        seconds = round(time.monotonic() - began, 4)
        return {"id": job.id, "cells": [], "stopped": {"why": "ended", "cell": 0}, "seconds": seconds}

    async def close(self) -> None:
        """End everything."""
        if self._warm is not None:
            await self._warm.close()
            self._warm = None


async def serve(service: Service, at_once: int, reader: asyncio.StreamReader, say: Callable[[bytes], None]) -> None:
    """Answer jobs, so many at once, until there are no more. Raises what the first one that cannot be run does."""
    turns = asyncio.Semaphore(at_once)

    async def answer(job: Job) -> None:
        try:
            reply = await service.run(job)
        finally:
            turns.release()
        say(json.dumps(reply, separators=(",", ":")).encode() + b"\n")

    try:
        async with asyncio.TaskGroup() as tasks:
            while line := await reader.readline():
                await turns.acquire()  # what is not read yet waits with whoever asks
                tasks.create_task(answer(Job.parse(line)))
    except* WarmLostError as lost:
        raise lost.exceptions[0] from None
    finally:
        await service.close()


async def main(at_once: int) -> None:
    """Serve standard input and output. Raises SandboxMissingError where there is no bubblewrap."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader(limit=LONGEST_JOB)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    service = Service()
    await service.start()

    def say(line: bytes) -> None:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()

    await serve(service, at_once, reader, say)
