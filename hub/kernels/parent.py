"""A parent of kernels: imports what its kernels need, prepares the kernel itself, then forks one for each request.

Single-threaded, and it looks before every fork: a lock held by another thread would stay held in the child for ever.
It ends when the other end of its wire closes, and Linux ends its kernels with it.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from hub.kernels import wire
from hub.kernels.app import KernelApp, without_debugger
from hub.kernels.child import become_kernel

TASKS = "/proc/self/task"
SIGNALLED = 128


class ForkRefusedError(RuntimeError):
    """Why no kernel can be forked now."""


def single_threaded() -> None:
    """Raise ForkRefusedError where this process has a second thread."""
    if (threads := len(os.listdir(TASKS))) != 1:
        raise ForkRefusedError(f"the parent has {threads} threads")


def quiet_heap() -> None:
    """Before forks: what lives is taken out of the collector's hands, so that collecting copies no shared page."""
    gc.collect()
    gc.freeze()


class Parent:
    """Serves one wire: forks kernels, passes signals on, reports how kernels ended."""

    def __init__(self, control: socket.socket, app: KernelApp) -> None:
        self._control = control
        self._app = app
        self._kernels: set[int] = set()
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> None:
        """Until the other end of the wire is gone; then every kernel is ended.

        In a forked child this raises `become_kernel`'s SystemExit instead.
        """
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the server to see
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        waiting = select.poll()
        for descriptor in (self._control.fileno(), self._woken):
            waiting.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _event in waiting.poll()}
            if self._woken in ready:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._woken, 4096)
                self._report_ended()
            if self._control.fileno() in ready and not self._next_request():
                break
        for pid in self._kernels:
            signal_group(pid, signal.SIGKILL)

    def _next_request(self) -> bool:
        if (received := wire.receive(self._control)) is None:
            return False
        message, descriptors = received
        acts: dict[str, Callable[[wire.Message, list[int]], None]] = {
            "fork": self._fork,
            "notebook": self._notebook,
            "signal": self._signal,
        }
        try:
            acts[message["act"]](message, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _reply(self, message: wire.Message) -> None:
        with contextlib.suppress(BrokenPipeError):  # the next poll sees that the server is gone
            wire.send(self._control, message)

    def _fork(self, request: wire.Message, descriptors: list[int]) -> None:
        """A kernel with the `descriptors` that `become_kernel` takes."""
        self._forked(request, lambda: become_kernel(self._app, request["launch"], descriptors))

    def _notebook(self, request: wire.Message, descriptors: list[int]) -> None:
        """A parent of its own for one notebook, which it runs once; its wire's end is the descriptor."""
        self._forked(request, lambda: self._become_notebook_parent(request["launch"], os.dup(descriptors[0])))

    def _forked(self, request: wire.Message, child: Callable[[], NoReturn]) -> None:
        try:
            single_threaded()
            pid = fork()
        except (ForkRefusedError, OSError) as error:
            self._reply({"reply": request["id"], "error": str(error)})
            return
        if pid == 0:
            self._leave_behind()
            child()
        self._kernels.add(pid)
        self._reply({"reply": request["id"], "pid": pid})

    def _leave_behind(self) -> None:
        """In the child: nothing of the parent's own stays open or in force."""
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        self._control.close()
        os.close(self._woken)
        os.close(self._wake)

    def _become_notebook_parent(self, launch: dict[str, Any], descriptor: int) -> NoReturn:
        from hub.kernels.notebook import run_once

        control = socket.socket(fileno=descriptor)
        code = serve_prepared(control, self._app, lambda: run_once(self._app, launch))
        os._exit(code)

    def _signal(self, request: wire.Message, _descriptors: list[int]) -> None:
        """To the kernel's whole group, as jupyter_client does; a pid that was reaped is nobody's any more."""
        if request["pid"] in self._kernels:
            signal_group(request["pid"], request["number"])

    def _report_ended(self) -> None:
        for pid in list(self._kernels):
            if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
                continue
            signal_group(pid, signal.SIGKILL)  # before it is reaped, so that the number cannot be another's yet
            _pid, status = os.waitpid(pid, 0)
            self._kernels.discard(pid)
            self._reply({"ended": pid, "code": os.waitstatus_to_exitcode(status)})


def fork() -> int:
    """os.fork; what is buffered is written once."""
    sys.stdout.flush()
    sys.stderr.flush()
    return os.fork()


def signal_group(pid: int, number: int) -> None:
    """To an unreaped kernel and whatever it started in its group; one just forked may have no group yet."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        os.kill(pid, number)


def serve_prepared(control: socket.socket, app: KernelApp, prepare: Callable[[], wire.Message]) -> int:
    """Prepare, say so, serve; 1 where preparing failed, with the reason said."""
    try:
        ready = prepare()
        single_threaded()
    except Exception as error:  # whatever a preload or a notebook raises is an answer to the server
        with contextlib.suppress(OSError):
            wire.send(control, {"broken": f"{type(error).__name__}: {error}"})
        return 1
    quiet_heap()
    wire.send(control, {"ready": ready})
    Parent(control, app).serve()
    return 0


def main(descriptor: int) -> None:
    """Serve the wire whose end was inherited as `descriptor`; what to preload is its first message."""
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]  # `python -m` put it there
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    received = wire.receive(control)
    if received is None:
        return
    preload = received[0]["preload"]
    without_debugger()
    app = KernelApp.instance()

    def prepare() -> wire.Message:
        app.prepare()
        for module in preload:
            importlib.import_module(module)
        app.warm()
        return {"pid": os.getpid()}

    sys.exit(serve_prepared(control, app, prepare))
