"""The provisioner of forked kernels: what jupyter_client's managers use when a kernelspec names it.

Whatever a fork cannot do as stock does (extra arguments, a kernel that outlives its server) and whatever goes wrong
with the parent ends in jupyter_client's own LocalProvisioner, the latter with a warning.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from jupyter_core.paths import jupyter_runtime_dir
from traitlets import Bool, Integer, List, Unicode

from hub.kernels import control_groups
from hub.kernels.client import prompt
from hub.kernels.limits import Limits
from hub.kernels.link import PARENTS, ForkedProcess, Link, ParentGoneError

FORK_TIMEOUT_S = 30.0
"""A parent without a kernel by then hangs; importing a large preload set takes a few seconds."""
POLL_S = 0.1
"""How often jupyter_client's managers look whether a kernel has ended."""
LAUNCHERS = ("ipykernel_launcher", "ipykernel")
UNDERSTOOD = {"env", "cwd", "stdin", "stdout", "stderr", "independent", "kernel_id"}


class ForkProvisioner(LocalProvisioner):
    """Forks a kernel from a parent that has preloaded its modules.

    A kernelspec asks for it by `metadata.kernel_provisioner = {"provisioner_name": "xinglin-fork", "config":
    {"preload": [...]}}`; its `argv` stays the stock one.
    """

    preload = List(Unicode(), help="Modules that kernels find imported.")
    memory_mb = Integer(0, help="MiB a kernel may allocate beyond what it starts with; 0: any.").tag(config=True)
    cpu_s = Integer(0, help="Seconds of processor time of a kernel; 0: any.").tag(config=True)
    processes = Integer(0, help="Processes and threads of a kernel's user; 0: any.").tag(config=True)
    hidden = List(Unicode(), help="Folders that kernels do not see, but for `shown` and their own sockets.").tag(
        config=True
    )
    shown = List(Unicode(), help="Paths inside `hidden` that they see all the same.").tag(config=True)
    control_groups = List(Unicode(), help="Folders of control groups in which each kernel gets its own.").tag(
        config=True
    )
    tasks = Integer(0, help="Processes and threads in a kernel's control group; 0: any.").tag(config=True)
    history = Bool(True, help="Whether kernels write IPython's history.").tag(config=True)

    _folder: str | None = None
    """The private folder of this kernel's sockets."""
    _notebook: Link | None = None
    _groups: Sequence[Path] = ()

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """As stock, over ipc in a private folder where the client has not chosen ports of its own."""
        self._notebook = kwargs.pop("notebook", None)
        if (manager := self.parent) is not None:
            manager.client_factory = prompt(manager.client_factory)
        if manager and manager.transport == "tcp" and not any(manager.ports) and sys.platform == "linux":
            self._folder = tempfile.mkdtemp(dir=sockets_folder())
            manager.transport, manager.ip, manager.cache_ports = "ipc", f"{self._folder}/kernel", False
            manager.connection_file = manager.connection_file or f"{self._folder}/connection.json"
        return await super().pre_launch(**kwargs)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Fork, or start the stock way; either is in its control groups before a client can reach it."""
        groups = control_groups.make(self.control_groups, memory_mb=self.memory_mb, tasks=self.tasks)
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(control_groups.remove, groups)
            info = await self._launch(cmd, kwargs)
            undo.push_async_callback(self.kill)
            if self.pid is not None:
                control_groups.enter(groups, self.pid)
            undo.pop_all()
        self._groups = groups
        return info

    async def _launch(self, cmd: list[str], kwargs: dict[str, Any]) -> KernelConnectionInfo:
        connection_file = forkable(cmd, kwargs)
        if connection_file is not None:
            try:
                process: Any = await self._fork(cmd, connection_file, kwargs)
            except ParentGoneError as error:
                self.log.warning("Kernel %s starts the stock way: %s.", self.kernel_id, error)
            else:
                self.process = process
                self.pid = self.pgid = process.pid
                self.cwd = kwargs.get("cwd") or Path.cwd()
                return self.connection_info
        return await super().launch_kernel(cmd, **kwargs)

    async def _fork(self, cmd: Sequence[str], connection_file: str, kwargs: dict[str, Any]) -> ForkedProcess:
        environment = dict(kwargs.get("env") or os.environ)
        environment["JPY_PARENT_PID"] = str(os.getpid())
        link = self._notebook or PARENTS.get(self.preload, environment)
        launch = {
            "argv": list(cmd[cmd.index("-f") - 1 :]),
            "connection_file": connection_file,
            "cwd": str(kwargs.get("cwd") or Path.cwd()),
            "env": environment,
            "history": self.history,
            "hidden": [sockets_folder(), jupyter_runtime_dir(), *self.hidden] if self.hidden else [],
            "shown": [*self.shown, *([self._folder] if self._folder else [])],
            "limits": vars(Limits(self.memory_mb, self.cpu_s, self.processes)),
        }
        waiting, bound = os.pipe()
        try:
            with Streams(kwargs) as streams:
                streams.callback(os.close, bound)
                asked = link.fork(launch, [*streams.descriptors, bound])
                process = await self._forked(link, asked)
                process.stdout, process.stderr = streams.keep()
            await asyncio.wait_for(closed(waiting), FORK_TIMEOUT_S)
        except TimeoutError:
            process.kill()  # it alone: the parent has answered, and others' kernels end with it
            raise ParentGoneError(f"the fork is not up within {FORK_TIMEOUT_S:.0f} s") from None
        finally:
            os.close(waiting)
        return process

    async def _forked(self, link: Link, asked: Future[ForkedProcess]) -> ForkedProcess:
        """The process asked for; a parent that does not answer hangs, and is given up."""
        try:
            return await asyncio.wait_for(asyncio.wrap_future(asked), FORK_TIMEOUT_S)
        except TimeoutError:
            link.close()
            raise ParentGoneError(f"the parent did not answer within {FORK_TIMEOUT_S:.0f} s") from None

    async def send_signal(self, signum: int) -> None:
        """To a kernel that lives; the number of one that has ended may be another's by now."""
        if isinstance(self.process, ForkedProcess):
            self.process.send_signal(signum)
        else:
            await super().send_signal(signum)

    async def shutdown_requested(self, restart: bool = False) -> None:
        """Hear of the kernel's end as it happens; the manager looks every tenth of a second only."""
        await super().shutdown_requested(restart=restart)
        if isinstance(self.process, ForkedProcess):
            await asyncio.wait([asyncio.wrap_future(self.process.ended)], timeout=POLL_S)

    async def cleanup(self, restart: bool = False) -> None:
        """Remove the control groups, and the folder of the sockets once it is not needed for a restart."""
        await super().cleanup(restart=restart)
        groups, self._groups = self._groups, ()
        await control_groups.remove(groups)
        if self._folder is not None and not restart:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None


async def closed(descriptor: int) -> None:
    """Wait until nobody holds the other end of a pipe.

    A client that connects before the kernel's sockets are bound tries again a tenth of a second later only.
    """
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, event.set)
    try:
        await event.wait()
    finally:
        loop.remove_reader(descriptor)


@functools.cache
def sockets_folder() -> str:
    """The private folder of this process with the sockets of all its kernels; it goes with the process."""
    folder = tempfile.mkdtemp(prefix="xinglin-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def forkable(cmd: Sequence[str], kwargs: dict[str, Any]) -> str | None:
    """The connection file where a fork does all that the command and Popen's arguments ask for, else None."""
    options = [argument for argument in cmd[1:] if not argument.startswith("-X")]
    if kwargs.get("independent") or not kwargs.keys() <= UNDERSTOOD or kwargs.get("stdin") is not None:
        return None
    match options:
        case ["-m", launcher, "-f", connection_file] if launcher in LAUNCHERS and Path(cmd[0]).samefile(sys.executable):
            return connection_file
    return None


class Streams(contextlib.ExitStack):
    """The three standard streams of a kernel as descriptors, from Popen's arguments `stdout` and `stderr`."""

    def __init__(self, kwargs: dict[str, Any]) -> None:
        super().__init__()
        null = os.open(os.devnull, os.O_RDWR)
        self.callback(os.close, null)
        self._read: dict[str, int] = {}
        out = self._descriptor("stdout", kwargs.get("stdout"), 1, null)
        wanted = kwargs.get("stderr")
        err = out if wanted == subprocess.STDOUT else self._descriptor("stderr", wanted, 2, null)
        self.descriptors = [null, out, err]

    def _descriptor(self, name: str, wanted: Any, inherited: int, null: int) -> int:
        if wanted is None:
            return inherited
        if wanted == subprocess.DEVNULL:
            return null
        if wanted == subprocess.PIPE:
            self._read[name], write = os.pipe()
            self.callback(os.close, write)
            return write
        return wanted if isinstance(wanted, int) else int(wanted.fileno())

    def keep(self) -> tuple[Any, Any]:
        """Our ends of the pipes asked for, as files; None for a stream that is none."""
        opened = {name: os.fdopen(descriptor, "rb") for name, descriptor in self._read.items()}
        return opened.get("stdout"), opened.get("stderr")
