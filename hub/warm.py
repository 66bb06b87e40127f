"""The warm process of students' answers, from outside: what its sandbox shows, how it is started, asked and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import socket
import sys
from collections.abc import Iterable, Sequence, Set
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hub.kernels import wire
from hub.kernels.allowed import Allowed
from hub.kernels.link import ONE_THREAD
from hub.sandbox import HOME, Sandbox
from hub.settings import ROOT

INSIDE = "/xinglin"
"""Where our packages stand in the sandbox: what labs import, without the courses' own folders and what checks them."""
OURS = ("courses", "hub", "exams", "widgets")
PRELOAD = ("numpy", "courses.values")
ON_MENTION = (
    "scipy.constants",
    "scipy.integrate",
    "scipy.interpolate",
    "scipy.optimize",
    "scipy.signal",
    "scipy.stats",
    "pandas",
    "matplotlib.pyplot",
)
"""Imported when a job first names them, once for all jobs after it: all together they take five seconds."""
ENVIRONMENT = {
    **ONE_THREAD,
    "HOME": HOME,
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "2",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "PATH": os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/bin", "/bin"]),
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONPATH": INSIDE,
    "USER": "student",
}
READY_S = 120.0


class WarmLostError(Exception):
    """The warm process died, or could not be started; the message says what is known."""


@dataclass(frozen=True)
class Ended:
    """How a job's first process ended.

    code: its exit code, negative for a signal, None where it was never started, and `error` says why. why: the limit
    for which it was ended. asked: whether it lived until this process asked to end it. cpu_s: seconds.
    """

    code: int | None
    why: str | None
    asked: bool
    cpu_s: float
    error: str | None


def mentioned(sources: Iterable[str]) -> frozenset[str]:
    """Those of `ON_MENTION` that `sources` may import: each part of the module's name is a word there."""
    words = {word for source in sources for word in re.findall(r"\w+", source)}
    return frozenset(module for module in ON_MENTION if words.issuperset(module.split(".")))


def sandbox() -> Sandbox:
    """What an answer can see at all."""
    packages = {f"{INSIDE}/courses/{path.name}": path for path in sorted((ROOT / "courses").glob("*.py"))}
    for name in ("courses/models", "courses/locale", "widgets", "hub/__init__.py", "hub/kernels"):
        packages[f"{INSIDE}/{name}"] = ROOT / name
    installed = [ROOT / name for name in OURS if ROOT.is_relative_to(sys.prefix)]
    return Sandbox(
        packages=packages,
        hidden=[path for path in installed if path.is_dir()],
        empty=(HOME,),
        sealed=("/tmp", "/home", "/dev", "/"),  # noqa: S108 - read-only here
        environment=ENVIRONMENT,
        network=False,
    )


class Warm:
    """The warm process in its sandbox, seen from outside."""

    def __init__(self, process: asyncio.subprocess.Process, control: socket.socket) -> None:
        self._process, self._control = process, control
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loading: asyncio.Future[None] | None = None
        self._loaded: frozenset[str] = frozenset()
        self._jobs: dict[int, asyncio.Future[Ended]] = {}
        self._number = 0
        self.lost = False
        control.setblocking(False)
        asyncio.get_running_loop().add_reader(control.fileno(), self._hear)

    @classmethod
    async def start(cls) -> Warm:
        """A new one, ready. Raises SandboxMissingError or WarmLostError."""
        own, other = wire.pair()
        with other:
            command = sandbox().argv([sys.executable, "-m", "hub.kernels.answers", str(other.fileno())])
            process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=2, env={}, pass_fds=[other.fileno()]
            )
        wire.send(own, {"preload": list(PRELOAD)})
        warm = cls(process, own)
        try:
            async with asyncio.timeout(READY_S):
                await warm._ready
        except (TimeoutError, WarmLostError) as error:
            await warm.close()
            raise WarmLostError(f"The sandbox did not start: {error}") from error
        return warm

    def _hear(self) -> None:
        try:
            received = wire.receive(self._control)
        except BlockingIOError:
            return
        except OSError:
            received = None
        if received is None:
            self._lose("the process in the sandbox has ended")
            return
        message, _none = received
        if "broken" in message:
            self._lose(message["broken"])
        elif "ready" in message:
            self._ready.set_result(None)
        elif "loaded" in message:
            self._loaded |= set(message["loaded"])
            if self._loading is not None and not self._loading.done():
                self._loading.set_result(None)
        elif (job := self._jobs.pop(message["ended"], None)) is not None and not job.done():
            job.set_result(Ended(**{name: message[name] for name in ("code", "why", "asked", "cpu_s", "error")}))

    def _lose(self, why: str) -> None:
        if self.lost:
            return
        self.lost = True
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        waits: list[asyncio.Future[Any] | None] = [self._ready, self._loading, *self._jobs.values()]
        for waiting in waits:
            if waiting is not None and not waiting.done():
                waiting.set_exception(WarmLostError(why))
                waiting.exception()  # seen, though nobody may wait for it any more

    def lacks(self, modules: Set[str]) -> bool:
        """Whether any of `modules` has not been imported yet."""
        return not modules <= self._loaded

    async def load(self, modules: Set[str]) -> None:
        """Import `modules`, those of `ON_MENTION` that are installed; not while a job runs, which nobody would watch.

        Raises WarmLostError.
        """
        self._loading = asyncio.get_running_loop().create_future()
        self._say({"act": "load", "modules": sorted(modules - self._loaded)})
        try:
            async with asyncio.timeout(READY_S):
                await self._loading
        except TimeoutError as error:
            self._lose("what a job imports took too long")
            raise WarmLostError("what a job imports took too long") from error

    def fork(self, allowed: Allowed, channel: int) -> tuple[int, asyncio.Future[Ended]]:
        """A process for one job, with its end of the `channel`; the job's number here, and the process's end.

        Raises WarmLostError.
        """
        self._number += 1
        ended = self._jobs[self._number] = asyncio.get_running_loop().create_future()
        self._say({"act": "fork", "job": self._number, "allowed": asdict(allowed)}, [channel])
        return self._number, ended

    def stop(self, number: int) -> None:
        """End the job's processes, where any are left."""
        if number in self._jobs:
            with contextlib.suppress(WarmLostError):  # then they have ended
                self._say({"act": "stop", "job": number})

    def _say(self, message: wire.Message, descriptors: Sequence[int] = ()) -> None:
        if self.lost:
            raise WarmLostError("the process in the sandbox has ended")
        try:
            wire.send(self._control, message, descriptors)
        except OSError as error:
            self._lose(str(error))
            raise WarmLostError(str(error)) from error

    async def close(self) -> None:
        """End it and all its jobs."""
        self._lose("the sandbox was closed")
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._process.wait()
