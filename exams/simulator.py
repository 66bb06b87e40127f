"""Runs of simulations for candidates: asked of a process of its own, so that this one only waits.

The process (`xinglin simulate`) reads requests as lines of JSON and answers in any order. It starts with the first run,
is started again where it died, and ends when this process does.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

MOST_WAITING = 200
"""Runs under way or in line: what two cores do in some seconds. Who comes then is asked to try again."""
LONGEST_S = 30.0
"""Of a run with its time in line and, for the first one, the start of the process."""
LONGEST_LINE = 1 << 20
SECRETS = ("JUPYTERHUB_API_TOKEN",)

Simulate = Callable[[str, Mapping[str, float]], Awaitable[Mapping[str, Any]]]
"""`simulate(model, values)` gives a run as `courses.simulations.Simulation` describes it."""

log = logging.getLogger(__name__)


class UnavailableError(Exception):
    """The simulation cannot be run now."""


class BusyError(Exception):
    """Too many are waiting for a run already."""


async def without_simulations(model: str, values: Mapping[str, float]) -> Mapping[str, Any]:  # noqa: ARG001
    """Where no way to simulate was given."""
    raise UnavailableError("No simulations were given to the exam service.")


class Simulator:
    """Simulations by the process that `command` starts."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = command
        self._environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Mapping[str, Any]]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._start = asyncio.Lock()
        self._reading: asyncio.Task[None] | None = None

    async def __call__(self, model: str, values: Mapping[str, float]) -> Mapping[str, Any]:
        """One run. Raises BusyError or UnavailableError."""
        if len(self._waiting) >= MOST_WAITING:
            raise BusyError(f"{MOST_WAITING} are waiting.")
        number = next(self._numbers)
        answer: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            async with asyncio.timeout(LONGEST_S):
                process = await self._started()
                line = json.dumps({"id": number, "model": model, "values": dict(values)}) + "\n"
                requests = cast("asyncio.StreamWriter", process.stdin)
                requests.write(line.encode())
                await requests.drain()
                return await answer
        except (TimeoutError, OSError) as error:
            raise UnavailableError(str(error) or f"There was no answer within {LONGEST_S:.0f} s.") from error
        finally:
            self._waiting.pop(number, None)

    async def _started(self) -> asyncio.subprocess.Process:
        async with self._start:
            if self._process is None or self._process.returncode is not None:
                pipe = asyncio.subprocess.PIPE
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=pipe, stdout=pipe, env=self._environment, limit=LONGEST_LINE
                )
                self._reading = asyncio.create_task(self._read(self._process))
            return self._process

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        """Hand out replies until the process ends; who waits then hears that at once."""
        while line := await cast("asyncio.StreamReader", process.stdout).readline():
            reply = json.loads(line)
            answer = self._waiting.get(reply["id"])
            if answer is None or answer.done():
                continue  # whoever asked waits no more
            if "run" in reply:
                answer.set_result(reply["run"])
            else:
                answer.set_exception(UnavailableError(reply["error"]))
        code = await process.wait()
        log.warning("The process for simulations has ended (%s); the next run starts another.", code)
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(UnavailableError("The process for simulations has ended."))

    async def close(self) -> None:
        """End the process, and wait until all is read that it said."""
        if self._process is None or self._reading is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        await self._reading
