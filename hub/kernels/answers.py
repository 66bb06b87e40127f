"""`python -m hub.kernels.answers FD`: the warm process that students' answers are forked from, within bubblewrap.

It imports what jobs need once and forks a process for each job, watches what all of the job's processes use
together, ends them, and says how they ended. It talks over the socket that it inherited as FD, and ends with it:

    {"act": "load", "modules": [name, ...]}, which is answered by {"loaded": [name, ...]} or {"broken": why}
    {"act": "fork", "job": number, "allowed": {...}} with a descriptor, the job's end of its channel
    {"act": "stop", "job": number}
    {"ready": {...}} or {"broken": why}, once; {"ended": number, "code", "why", "cpu_s"} for each job

A job's content never passes through here: a fork has the memory of its parent, and that one must hold no other job's.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from hub.kernels import seccomp, usage, wire
from hub.kernels.allowed import Allowed
from hub.kernels.answer import NAMESPACES, become_answer
from hub.kernels.app import KernelApp, without_debugger
from hub.kernels.isolation import enter
from hub.kernels.limits import MIB
from hub.kernels.outputs import Outputs, keep_outputs
from hub.kernels.parent import ForkRefusedError, fork, quiet_heap, single_threaded

LOOK_S = 0.02
"""How often the processes of jobs are looked at; by what they fill or fork in between, limits are missed."""
MEASURE_S = 0.1
"""Of reading how much one job's processes hold."""
PR_SET_CHILD_SUBREAPER = 36  # <linux/prctl.h>
LONGEST_WORD = 500
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass
class Job:
    """A job at work: its first process, until when it may run, and why it was ended."""

    number: int
    pid: int
    allowed: Allowed
    until: float
    why: str | None = None
    asked: bool = False

    def stop(self) -> None:
        """As the other end asks; whether it lived until then is kept."""
        self.asked = not usage.exiting(self.pid)
        self.end()

    def end(self, known: Iterable[int] = ()) -> None:
        """Its first process is the first of its namespace: all others there end with it.

        Those that are `known` are told at once: until the first one has gone, they could fork.
        """
        os.kill(self.pid, signal.SIGKILL)  # not reaped yet, so that the number is its own
        for pid in known:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Answers:
    """Serves one wire."""

    def __init__(self, control: socket.socket, app: KernelApp, outputs: Outputs) -> None:
        self._control, self._app, self._outputs = control, app, outputs
        self._jobs: dict[int, Job] = {}
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._shared = usage.processes()[os.getpid()].resident

    def serve(self) -> None:
        """Until the other end of the wire is gone."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        waiting = select.poll()
        for descriptor in (self._control.fileno(), self._woken):
            waiting.register(descriptor, select.POLLIN)
        looked = time.monotonic()
        while True:
            ready = {descriptor for descriptor, _event in waiting.poll(LOOK_S * 1000 if self._jobs else None)}
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._reap()
            if self._jobs and time.monotonic() - looked >= LOOK_S:
                self._look()
                looked = time.monotonic()
            if self._control.fileno() in ready and not self._next_request():
                return

    def _next_request(self) -> bool:
        if (received := wire.receive(self._control)) is None:
            return False
        message, descriptors = received
        if message["act"] == "load":
            return self._load(message["modules"])
        if message["act"] == "fork":
            try:
                self._fork(message["job"], Allowed(**message["allowed"]), descriptors[0])
            except (ForkRefusedError, OSError) as error:
                self._tell(message["job"], code=None, why=None, asked=False, cpu_s=0.0, error=str(error))
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
        elif (job := self._jobs.get(message["job"])) is not None:
            job.stop()
        return True

    def _load(self, modules: list[str]) -> bool:
        try:
            load(modules)
            single_threaded()
        except Exception as error:  # whatever a module raises is an answer to who asked for it
            wire.send(self._control, {"broken": f"{type(error).__name__}: {error}"})
            return False
        quiet_heap()
        self._shared = usage.processes()[os.getpid()].resident
        wire.send(self._control, {"loaded": modules})
        return True

    def _tell(self, number: int, **how: Any) -> None:
        wire.send(self._control, {"ended": number, **how})

    def _fork(self, number: int, allowed: Allowed, channel: int) -> None:
        """Two forks: the first one enters namespaces, the second one is the first process in them."""
        single_threaded()
        reading, writing = os.pipe()
        between = fork()
        if between == 0:
            self._enter(writing, allowed, channel)
        os.close(writing)
        told = os.read(reading, LONGEST_WORD).decode()
        os.close(reading)
        os.waitpid(between, 0)
        if not told.isdigit():
            raise OSError(f"A job got no namespaces of its own: {told}")
        self._jobs[number] = Job(number, int(told), allowed, time.monotonic() + allowed.wall_s)

    def _enter(self, writing: int, allowed: Allowed, channel: int) -> NoReturn:
        """Between the two forks; its child becomes the warm process's when this ends."""
        signal.set_wakeup_fd(-1)
        try:
            enter(NAMESPACES)
            pid = fork()
        except OSError as error:
            os.write(writing, str(error).encode()[:LONGEST_WORD])
            os._exit(1)
        if pid == 0:
            self._control.detach()
            become_answer(self._app, self._outputs, allowed, channel)
        os.write(writing, str(pid).encode())
        os._exit(0)

    def _look(self) -> None:
        """End each job that uses more than it may."""
        seen = usage.processes()
        for job in self._jobs.values():
            if not job.asked and job.why is None and (why := self._over(job, seen)):
                job.why = why
                job.end(usage.below(job.pid, seen))

    def _over(self, job: Job, seen: dict[int, usage.Process]) -> str | None:
        allowed, own = job.allowed, usage.below(job.pid, seen)
        used = usage.total(own, seen)
        memory = allowed.memory_mb * MIB + self._shared  # what is here already is shared and not the job's doing
        if time.monotonic() > job.until:
            return "time"
        if used.cpu_s > allowed.cpu_s:
            return "cpu"
        if used.tasks > allowed.tasks:
            return "tasks"
        if used.resident > memory and usage.proportional(own, seen, MEASURE_S) > memory:
            return "memory"
        return None

    def _reap(self) -> None:
        for job in list(self._jobs.values()):
            pid, status, used = os.wait4(job.pid, os.WNOHANG)
            if pid:
                del self._jobs[job.number]
                code = os.waitstatus_to_exitcode(status)
                self._tell(
                    job.number, code=code, why=job.why, asked=job.asked, cpu_s=used.ru_utime + used.ru_stime, error=None
                )


def prepare(preload: list[str]) -> tuple[KernelApp, Outputs]:
    """The kernel's shell, and what answers do for the first time done."""
    without_debugger()
    app = KernelApp.instance()
    app.prepare()
    for module in preload:
        importlib.import_module(module)
    outputs = keep_outputs(app)
    app.warm()
    fail_once(app)
    if not seccomp.known():
        print("There is no filter of system calls for this kind of machine.", file=sys.stderr)
    return app, outputs


def load(modules: list[str]) -> None:
    """Import `modules`; what is drawn for the first time is drawn here."""
    for module in modules:
        with contextlib.suppress(ImportError):  # where it is not installed, the cell that imports it says so
            importlib.import_module(module)
    if "matplotlib.pyplot" in modules and "matplotlib.pyplot" in sys.modules:
        draw_once()


def fail_once(app: KernelApp) -> None:
    """A first traceback imports and compiles what colours it, for an eighth of a second."""
    shell: Any = app.shell
    for source in ("1 / 0", "1 +"):
        shell.run_cell(source, store_history=False)
    shell._last_traceback = None
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        if hasattr(sys, name):
            delattr(sys, name)


def draw_once() -> None:
    """A first figure finds fonts and makes tables."""
    import io

    from matplotlib import pyplot

    figure = pyplot.figure()
    figure.add_subplot().set_title("x")
    figure.savefig(io.BytesIO(), format="png")
    pyplot.close(figure)


def main(descriptor: int) -> int:
    """Serve the wire whose end was inherited as `descriptor`; what to preload is its first message."""
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    if (received := wire.receive(control)) is None:
        return 0
    try:
        app, outputs = prepare(received[0]["preload"])
        single_threaded()
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    except Exception as error:  # whatever a preload raises is an answer to who started this
        wire.send(control, {"broken": f"{type(error).__name__}: {error}"})
        return 1
    quiet_heap()
    wire.send(control, {"ready": {"pid": os.getpid()}})
    Answers(control, app, outputs).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
