"""Simulations for exams: a pool of forked kernels, as many as there are cores, that runs models for all candidates.

It is a process of its own: the exam service writes requests to its standard input and reads replies from its standard
output, one JSON object a line, and it ends with that input. Only names of models and bounded numbers come in, no code.

request: {"id": any number, "model": ..., "values": {...}}; reply: {"id", "run": {...}} or {"id", "error": a sentence}.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import json
import logging
import os
import sys
from queue import Empty
from typing import Any

from jupyter_client.manager import AsyncKernelManager
from traitlets.config import Config
from zmq import ZMQError

KERNEL = "xinglin"
READY_S, RUN_S, LOOK_S = 60.0, 5.0, 0.25
"""A kernel is ready within seconds, a run within milliseconds; whether it lives is looked at so often."""
TRIES = 2
"""A run whose kernel dies is asked of another one: it only computes, so asking twice changes nothing."""
MEMORY_MB = 512
TROUBLE = (OSError, RuntimeError, ZMQError)
"""What a machine at its limits makes of starting or ending a kernel; anything else is a fault of ours, and is seen."""

log = logging.getLogger("xinglin")


class KernelLostError(Exception):
    """A kernel died or did not answer in time."""


class RefusedError(Exception):
    """The model does not take these numbers."""


class Runner:
    """One kernel of the pool."""

    def __init__(self) -> None:
        self._manager = AsyncKernelManager(
            kernel_name=KERNEL, config=Config(ForkProvisioner={"memory_mb": MEMORY_MB, "history": False})
        )
        self._client: Any = None

    async def start(self) -> None:
        """Start the kernel; raises what jupyter_client does where that fails."""
        await self._manager.start_kernel(env={**os.environ})
        self._client = self._manager.client()
        self._client.start_channels(stdin=False, hb=False)
        await self._client.wait_for_ready(timeout=READY_S)
        self._client.iopub_channel.stop()  # nobody reads what is said there

    @property
    def pid(self) -> int:
        """The kernel's process."""
        return int(self._manager.provisioner.pid)  # type: ignore[union-attr]

    async def alive(self) -> bool:
        """Whether the kernel lives."""
        return bool(await self._manager.is_alive())

    async def run(self, model: str, values: dict[str, float]) -> Any:
        """One run. Raises RefusedError where the model takes it not, KernelLostError where the kernel is lost."""
        request = json.dumps({"model": model, "values": values})
        asked = self._client.execute(
            f"from courses.simulations import run_text as _run_text\n_told = _run_text({request!r})",
            silent=True,
            store_history=False,
            allow_stdin=False,
            user_expressions={"told": "_told"},
        )
        try:
            content = await asyncio.wait_for(self._reply(asked), RUN_S)
        except TimeoutError as error:
            raise KernelLostError(f"no answer within {RUN_S:.0f} s") from error
        if content["status"] != "ok":
            raise RefusedError(f"{content.get('ename')}: {content.get('evalue')}")
        return json.loads(ast.literal_eval(content["user_expressions"]["told"]["data"]["text/plain"]))

    async def _reply(self, asked: str) -> Any:
        while True:
            try:
                message = await self._client.get_shell_msg(timeout=LOOK_S)
            except Empty:
                if not await self._manager.is_alive():
                    raise KernelLostError("the kernel has ended") from None
                continue
            if message["parent_header"].get("msg_id") == asked:
                return message["content"]

    async def stop(self) -> None:
        """End the kernel at once; it holds nothing."""
        with contextlib.suppress(*TROUBLE):  # whatever is left of it goes with this process
            if self._client is not None:
                self._client.stop_channels()
            await self._manager.shutdown_kernel(now=True)


class Pool:
    """Kernels that take turns; who comes when all are at work waits in line."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._idle: asyncio.Queue[Runner] = asyncio.Queue()
        self._starting: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Start the kernels; who asks before one is ready waits for it."""
        for _ in range(self._size):
            self._start_one()

    def _start_one(self) -> None:
        task = asyncio.get_running_loop().create_task(self._add())
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _add(self) -> None:
        while True:
            runner = Runner()
            try:
                await runner.start()
            except TROUBLE:
                log.exception("A kernel for simulations did not start; it is tried again.")
                await runner.stop()
                await asyncio.sleep(1)
                continue
            self._idle.put_nowait(runner)
            return

    async def run(self, model: str, values: dict[str, float]) -> Any:
        """One run by the next free kernel. Raises RefusedError, or KernelLostError where two were lost over it."""
        for tried in range(1, TRIES + 1):
            runner = await self._next()
            lost = ""
            try:
                return await runner.run(model, values)
            except KernelLostError as error:
                lost = str(error)
                if tried == TRIES:
                    raise
            finally:  # refused, answered or given up: a kernel that lives takes the next turn
                if lost:
                    await self._replace(runner, lost)
                else:
                    self._idle.put_nowait(runner)
        raise AssertionError("every try returns or raises")

    async def _next(self) -> Runner:
        """The next kernel that is free and lives; those that died while they were idle are replaced."""
        while not await (runner := await self._idle.get()).alive():
            await self._replace(runner, "it ended while it was idle")
        return runner

    async def _replace(self, runner: Runner, why: str) -> None:
        log.warning("A kernel for simulations was lost (%s); another takes its place.", why)
        self._start_one()
        await runner.stop()

    async def close(self) -> None:
        """End all kernels."""
        for task in list(self._starting):
            task.cancel()
        while not self._idle.empty():
            await self._idle.get_nowait().stop()


async def serve(pool: Pool, reader: asyncio.StreamReader) -> None:
    """Answer the requests that come in until there are no more."""
    at_work: set[asyncio.Task[None]] = set()
    pool.start()
    while line := await reader.readline():
        task = asyncio.get_running_loop().create_task(_answer(pool, json.loads(line)))
        at_work.add(task)
        task.add_done_callback(at_work.discard)
    await pool.close()


async def _answer(pool: Pool, request: dict[str, Any]) -> None:
    reply: dict[str, Any] = {"id": request["id"]}
    try:
        reply["run"] = await pool.run(request["model"], request["values"])
    except (RefusedError, KernelLostError) as error:
        reply["error"] = str(error)
    sys.stdout.write(json.dumps(reply, separators=(",", ":")) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve standard input and output."""
    loop, reader = asyncio.get_running_loop(), asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    await serve(Pool(len(os.sched_getaffinity(0))), reader)
