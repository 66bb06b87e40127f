"""A part: one process of the platform, kept running. When it ends by itself it is started again.

A part never outlives the platform: the kernel sends it SIGTERM when the process that started it dies, even by kill -9.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
STOP_TIMEOUT_S = 10.0
FAST_S = 5.0
"""A part that ends sooner than this after its start is given a moment before the next try."""
BACKOFF_S = 2.0
LOG_BYTES = 10_000_000

log = logging.getLogger("xinglin")


def _die_with_parent() -> None:
    """Runs in the child before exec (Linux only; elsewhere a killed platform leaves its parts to their own devices)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _kill_session(process: asyncio.subprocess.Process) -> None:
    """End whatever is left in the session that `process` led."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


@dataclass
class Part:
    """A process by name: what to run, in which environment, where its output goes, what to do after each start.

    descriptors: open files of ours that the process has too, under the same numbers.
    """

    name: str
    argv: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    started: Callable[[], Awaitable[None]] | None = None
    descriptors: Sequence[int] = ()
    process: asyncio.subprocess.Process | None = field(default=None, init=False)
    stopping: bool = field(default=False, init=False)

    async def _start(self) -> asyncio.subprocess.Process:
        self.log_file.parent.mkdir(parents=True, exist_ok=True)
        if self.log_file.exists() and self.log_file.stat().st_size > LOG_BYTES:
            self.log_file.replace(self.log_file.with_suffix(".log.1"))
        with self.log_file.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                *self.argv,
                env=dict(self.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,  # a Ctrl-C reaches the platform alone, which stops parts in order
                preexec_fn=_die_with_parent,
                pass_fds=self.descriptors,
            )
        return self.process

    async def run(self) -> None:
        """Keep the part running until `stop`."""
        while not self.stopping:
            begun = time.monotonic()
            process = await self._start()
            if self.stopping:  # told so while the process was being made
                await self._end(process)
                return
            if not await self._prepared(process):
                await self._end(process)
            code = await process.wait()
            _kill_session(process)  # a launcher that dies must not leave its program behind, holding the port
            if self.stopping:
                return
            log.warning("%s ended with code %s and is started again; its log: %s", self.name, code, self.log_file)
            if time.monotonic() - begun < FAST_S:
                await asyncio.sleep(BACKOFF_S)

    async def _prepared(self, process: asyncio.subprocess.Process) -> bool:
        """Do what `started` asks for, as long as the process lives; False where that fails."""
        if self.started is None:
            return True
        ended, preparing = asyncio.ensure_future(process.wait()), asyncio.ensure_future(self.started())
        await asyncio.wait({ended, preparing}, return_when=asyncio.FIRST_COMPLETED)
        preparing.cancel()
        try:
            await preparing
        except asyncio.CancelledError:
            return True  # it ended by itself, which `run` sees
        except OSError as error:
            log.warning("%s runs but does not answer: %s", self.name, error)
            return False
        finally:
            ended.cancel()
        return True

    async def stop(self) -> None:
        """End the process: politely, then for certain, with everything in its session."""
        self.stopping = True
        if self.process is not None:
            await self._end(self.process)

    async def _end(self, process: asyncio.subprocess.Process) -> None:
        if process.returncode is None:
            process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
        _kill_session(process)
        await process.wait()

    def tail(self, lines: int = 15) -> str:
        """The end of the part's log."""
        if not self.log_file.exists():
            return ""
        return "\n".join(self.log_file.read_text("utf-8", "replace").splitlines()[-lines:])
