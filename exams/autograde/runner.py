"""Asking a process of its own: submissions go to it as lines of JSON, and come back by their id in any order.

Two such processes mark code: the sandbox (the command given, `xinglin answers`), which runs students' code and gives
what it emitted, and the judge (`verdict`), which runs none. A process starts with the first request, is started again
where it died, and ends with `close`. What it was at when it died is asked once more, in case it was not to blame.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

LONGEST_LINE = 64 << 20
TRIES = 2
ENDS_S = 5.0  # of a process that has closed its output
SECRETS = ("JUPYTERHUB_API_TOKEN",)


class UnavailableError(Exception):
    """The process gives no answer, in one sentence."""


class Process:
    """Requests to the process that `command` starts, `at_once` at most; each has `longest_s` seconds there."""

    def __init__(self, command: Sequence[str], at_once: int, longest_s: float):
        self._command, self._longest_s = command, longest_s
        self._environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        self._turn = asyncio.Semaphore(at_once)
        self._numbers = itertools.count(1)
        self._waiting: dict[str, asyncio.Future[Any]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._start = asyncio.Lock()

    async def __call__(self, request: Mapping[str, Any]) -> Any:
        """The answer to `request`, which gets an id of its own. Raises UnavailableError."""
        async with self._turn:
            for tried in itertools.count(1):
                try:
                    async with asyncio.timeout(self._longest_s):
                        return await self._ask(request)
                except TimeoutError as error:
                    await self.close()  # it has its own limits, and keeps none of them
                    raise UnavailableError(f"{self._command[0]} gave no answer in {self._longest_s:.0f} s.") from error
                except (ConnectionError, UnavailableError) as error:
                    if tried == TRIES:
                        raise UnavailableError(f"{self._command[0]} ended {TRIES} times over a request.") from error

    async def start(self) -> None:
        """Start the process before it is asked, as while something else takes its time."""
        await self._started()

    async def _ask(self, request: Mapping[str, Any]) -> Any:
        number = str(next(self._numbers))
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            process = await self._started()
            requests = cast("asyncio.StreamWriter", process.stdin)
            requests.write(json.dumps({**request, "id": number}).encode() + b"\n")
            await requests.drain()
            return await answer
        finally:
            self._waiting.pop(number, None)

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._start:
            if (
                self._process is None
                or self._process.returncode is not None
                or self._reading is None
                or self._reading.done()
            ):
                pipe = asyncio.subprocess.PIPE
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=pipe, stdout=pipe, env=self._environment, limit=LONGEST_LINE
                )
                self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out answers until the process ends, or says what is no answer; who waits then hears that at once."""
        asked_here = self._waiting
        try:
            while line := await cast("asyncio.StreamReader", process.stdout).readline():
                reply = json.loads(line)
                answer = asked_here.get(reply["id"])
                if answer is not None and not answer.done():
                    answer.set_result(reply)
            async with asyncio.timeout(ENDS_S):
                await process.wait()
        except (ValueError, KeyError, TypeError, TimeoutError):
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        for answer in asked_here.values():
            if not answer.done():
                answer.set_exception(UnavailableError("The process has ended."))

    async def close(self) -> None:
        """End the process; it may be asked again, which starts another."""
        process, reading = self._process, self._reading
        self._process = self._reading = None
        if process is None or reading is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await reading
