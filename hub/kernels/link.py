"""A server's end of the wire to one parent of kernels.

Requests are answered through futures that any thread or event loop can wait for; one reader thread a parent takes in
answers and the ends of kernels. A server has one parent for each preload set and start environment, made on first use.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from hub.kernels import wire

AT_START = ("PYTHON", "LD_", "MALLOC_", "JUPYTER_CONFIG", "JUPYTER_PATH", "LC_")
AT_START_NAMES = frozenset(
    {"HOME", "PATH", "IPYTHONDIR", "LANG", "MPLBACKEND", "MPLCONFIGDIR", "TZ", "VIRTUAL_ENV", "LD_LIBRARY_PATH"}
)
"""Variables that a process reads when it starts or imports: a kernel with others needs a parent with others."""
ONE_THREAD = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A parent must have one thread; and a class of sixty has no use for sixty times all cores."""
RETRY_S = 30.0
"""After a parent whose preparing failed, kernels start the stock way for so long before it is tried again."""
END_S = 2.0


class ParentGoneError(RuntimeError):
    """The parent of kernels has ended or cannot be used; the message says why."""


class ForkedProcess:
    """A forked kernel with the face of subprocess.Popen, which jupyter_client's LocalProvisioner works with."""

    def __init__(self, link: Link, pid: int) -> None:
        self._link, self.pid = link, pid
        self.ended: Future[int] = Future()
        self.stdin: Any = None
        self.stdout: Any = None
        self.stderr: Any = None

    @property
    def returncode(self) -> int | None:
        """The exit code once it has ended, negative for a signal."""
        return self.ended.result() if self.ended.done() else None

    def poll(self) -> int | None:
        """As Popen's."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """As Popen's."""
        try:
            return self.ended.result(timeout)
        except TimeoutError as error:
            raise subprocess.TimeoutExpired(f"kernel {self.pid}", timeout or 0) from error

    def send_signal(self, number: int) -> None:
        """To the kernel and its group; nothing where it has ended."""
        if not self.ended.done():
            self._link.signal(self.pid, number)

    def terminate(self) -> None:
        """As Popen's."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """As Popen's."""
        self.send_signal(signal.SIGKILL)


class Link:
    """One parent: fork kernels from it, and learn how they end."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._answers: dict[int, Future[Any]] = {}
        self._kernels: dict[int, ForkedProcess] = {}
        self.ready: Future[dict[str, Any]] = Future()
        self.ended_at: float | None = None
        threading.Thread(target=self._read, name="kernels", daemon=True).start()

    @property
    def usable(self) -> bool:
        """Whether the parent lives, as far as is known."""
        return self.ended_at is None

    @property
    def pid(self) -> int | None:
        """The parent's process, once it is ready and while it lives."""
        if not self.usable or not self.ready.done() or self.ready.exception() is not None:
            return None
        pid: int = self.ready.result()["pid"]
        return pid

    def fork(self, launch: Mapping[str, Any], streams: Sequence[int]) -> Future[ForkedProcess]:
        """Ask for a kernel (see `child.become_kernel`). The future raises ParentGoneError where there is none."""
        return self._ask({"act": "fork", "launch": launch}, streams)

    def run_notebook(self, launch: Mapping[str, Any]) -> NotebookLink:
        """A parent of its own, forked from this one, that runs a notebook once; see its `ready`."""
        near, far = wire.pair()
        with far:
            made = self._ask({"act": "notebook", "launch": launch}, [far.fileno()])
            return NotebookLink(near, made)

    def signal(self, pid: int, number: int) -> None:
        """Send a signal to a kernel's group."""
        with contextlib.suppress(OSError):
            wire.send(self._control, {"act": "signal", "pid": pid, "number": int(number)})

    def close(self) -> None:
        """End the parent and with it its kernels."""
        with contextlib.suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def kernels(self) -> list[int]:
        """The pids of its living kernels."""
        with self._lock:
            return list(self._kernels)

    def _ask(self, message: wire.Message, descriptors: Sequence[int]) -> Future[Any]:
        answer: Future[Any] = Future()
        with self._lock:
            number = next(self._numbers)
            self._answers[number] = answer
        try:
            if not self.usable:
                raise ParentGoneError("the parent has ended")
            wire.send(self._control, message | {"id": number}, descriptors)
        except (OSError, ParentGoneError, wire.MessageTooLongError) as error:
            self._answers.pop(number, None)
            answer.set_exception(ParentGoneError(str(error)))
        return answer

    def _read(self) -> None:
        """The reader thread: until the parent is gone."""
        reason = "the parent has ended"
        with contextlib.suppress(OSError):
            while (received := wire.receive(self._control)) is not None:
                message, _descriptors = received
                if "broken" in message:
                    reason = message["broken"]
                elif "ready" in message:
                    self.ready.set_result(message["ready"])
                elif "reply" in message:
                    self._answered(message)
                else:
                    self._ended(message["ended"], message["code"])
        self._gone(reason)

    def _answered(self, message: wire.Message) -> None:
        with self._lock:
            answer = self._answers.pop(message["reply"])
            if "pid" in message:
                process = self._kernels[message["pid"]] = ForkedProcess(self, message["pid"])
        if "error" in message:
            answer.set_exception(ParentGoneError(message["error"]))
        elif not answer.set_running_or_notify_cancel():
            process.kill()  # whoever asked waits no more
        else:
            answer.set_result(process)

    def _ended(self, pid: int, code: int) -> None:
        with self._lock:
            process = self._kernels.pop(pid, None)
        if process is not None:
            process.ended.set_result(code)

    def _gone(self, reason: str) -> None:
        """The parent is gone, and Linux took its kernels along."""
        with self._lock:
            self.ended_at = time.monotonic()
            answers, kernels = list(self._answers.values()), list(self._kernels.values())
            self._answers.clear()
            self._kernels.clear()
        self._control.close()
        for process in kernels:
            process.ended.set_result(-signal.SIGKILL)
        for answer in (*answers, self.ready):
            if not answer.done() and answer.set_running_or_notify_cancel():
                answer.set_exception(ParentGoneError(reason))


class NotebookLink(Link):
    """A parent that has run one notebook."""

    def __init__(self, control: socket.socket, made: Future[ForkedProcess]) -> None:
        self.made = made
        super().__init__(control)


class Parents:
    """The parents of one server process, by what they preload and start with."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._links: dict[str, Link] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def get(self, preload: Sequence[str], environment: Mapping[str, str]) -> Link:
        """The parent for `preload`, started where there is none yet.

        Raises ParentGoneError where the last one ended: at once after one that served, so that this kernel starts the
        stock way while the next parent gets ready; for RETRY_S after one that could not be prepared.
        """
        started = start_environment(environment)
        key = hashlib.sha256(json.dumps([list(preload), sorted(started.items())]).encode()).hexdigest()
        with self._lock:
            link = self._links.get(key)
            if link is None:
                return self._start(key, preload, started)
            if link.usable:
                return link
            served = link.ready.exception() is None
            if served or time.monotonic() - (link.ended_at or 0) > RETRY_S:
                self._start(key, preload, started)
            reason = "the parent has ended" if served else str(link.ready.exception())
            raise ParentGoneError(reason)

    def _start(self, key: str, preload: Sequence[str], environment: Mapping[str, str]) -> Link:
        if (old := self._processes.pop(key, None)) is not None:
            old.kill()  # its wire has ended; one that hangs would not notice
            old.wait()
        near, far = wire.pair()
        with far:
            far.set_inheritable(True)
            self._processes[key] = subprocess.Popen(
                [sys.executable, "-m", "hub.kernels", str(far.fileno())],
                env={**environment, **ONE_THREAD},
                cwd="/",
                stdin=subprocess.DEVNULL,
                pass_fds=[far.fileno()],
                start_new_session=True,
            )
        wire.send(near, {"preload": list(preload)})
        link = self._links[key] = Link(near)
        return link

    def links(self) -> list[Link]:
        """All parents."""
        with self._lock:
            return list(self._links.values())

    def close(self) -> None:
        """End all parents and their kernels, and wait until they are gone."""
        with self._lock:
            for link in self._links.values():
                link.close()
            for process in self._processes.values():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(END_S)
                    continue
                process.kill()
                process.wait()
            self._links.clear()
            self._processes.clear()


def start_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Of a kernel's environment, what its parent must have been started with."""
    return {
        name: value
        for name, value in environment.items()
        if (name in AT_START_NAMES or name.startswith(AT_START)) and name not in ONE_THREAD
    }


PARENTS = Parents()
"""Those of this process."""
atexit.register(PARENTS.close)
os.register_at_fork(after_in_child=PARENTS.__init__)  # type: ignore[misc]
