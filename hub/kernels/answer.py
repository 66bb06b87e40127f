"""One student's answer, in a fork of a warm process: its own namespaces and limits, then its cells one by one.

The process holds no more of the job than the cell that it runs: the next one arrives when this one is done, so that a
student's cell finds no test in memory, and no other submission either. What it hands out is what the student's program
chose to hand out; whoever asked for it decides what it is worth.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from courses.values import encode
from hub.kernels.allowed import READY, Allowed
from hub.kernels.app import KernelApp
from hub.kernels.child import fresh_state
from hub.kernels.isolation import (
    CLONE_NEWIPC,
    CLONE_NEWNET,
    CLONE_NEWNS,
    CLONE_NEWPID,
    CLONE_NEWUSER,
    CLONE_NEWUTS,
    MS_BIND,
    MS_NODEV,
    MS_NOEXEC,
    MS_NOSUID,
    MS_RDONLY,
    drop_capabilities,
    mount,
)
from hub.kernels.limits import MIB, data_bytes, lower
from hub.kernels.outputs import Outputs, Stream
from hub.kernels.seccomp import refuse_system_calls

NAMESPACES = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWNET | CLONE_NEWUTS
CHANNEL = 3
"""The descriptor by which cells come in, and what became of them goes out."""
NICE = 15
"""Behind whoever watches it, and behind whoever waits for an exam's page."""
OPEN_FILES = 256
MOST_FILES = 10_000
LIBRARIES = 1024 * MIB
"""Address space for what is mapped and is no data: libraries that a cell loads."""
LONGEST_TEXT = 500
"""Characters of the text of what a leaf raised, as of a name."""


def become_answer(app: KernelApp, outputs: Outputs, allowed: Allowed, channel: int) -> NoReturn:
    """As the first process of new namespaces: run the cells that come in; ends the process.

    What fails before the first cell is read goes to the warm process's standard error.
    """
    home = os.environ["HOME"]
    try:
        os.setsid()  # what it signals as its group is its own
        settle(home, allowed)
        only_this(channel)
        fresh_state(dict(os.environ))
        os.chdir(home)
        outputs.allow(allowed.output_bytes)
        sys.stdout, sys.stderr = Stream(outputs, "stdout"), Stream(outputs, "stderr")
        app.kernel.session.pid = os.getpid()
        gc.enable()
        Answer(app.shell, outputs).serve()
    except BaseException:  # as at the top of any process; and a fork must never return into its parent's loop
        traceback.print_exc(file=sys.__stderr__)
        os._exit(1)
    os._exit(0)


def settle(home: str, allowed: Allowed) -> None:
    """Leave everything behind but the system to read and a folder of its own. Raises OSError."""
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.nice(NICE)
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as file:
        file.write("1000")  # where memory runs out, this one goes first
    data, address = data_bytes(), _address_bytes()
    _own_folders(home, allowed.disk_mb)
    drop_capabilities()
    refuse_system_calls()
    lower(resource.RLIMIT_DATA, data + allowed.memory_mb * MIB)
    lower(resource.RLIMIT_AS, address + allowed.memory_mb * MIB + LIBRARIES)
    # of one process alone, by a clock that runs ahead where the machine is busy; all together are watched
    lower(resource.RLIMIT_CPU, 2 * allowed.cpu_s + 1)
    lower(resource.RLIMIT_NPROC, allowed.tasks)
    lower(resource.RLIMIT_FSIZE, allowed.disk_mb * MIB)
    lower(resource.RLIMIT_NOFILE, OPEN_FILES)
    lower(resource.RLIMIT_CORE, 0)


def _address_bytes() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[0]) * resource.getpagesize()


def _own_folders(home: str, disk_mb: int) -> None:
    """One small file system in memory for all that is written; terminals of its own; no /proc."""
    plain = MS_NOSUID | MS_NODEV
    mount("tmpfs", home, "tmpfs", plain, f"size={disk_mb}m,nr_inodes={MOST_FILES},mode=700")
    for folder in ("/tmp", "/dev/shm"):  # noqa: S108 - they are this job's alone
        if not os.listdir(folder):  # else our environment is installed there
            mount(home, folder, None, MS_BIND)
    mount("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
    mount("tmpfs", "/proc", "tmpfs", plain | MS_RDONLY, "size=4k,nr_inodes=2,mode=555")


def only_this(channel: int) -> None:
    """The job's channel, the standard streams to nowhere, and no other open file."""
    null = os.open(os.devnull, os.O_RDWR)
    above = [fcntl.fcntl(each, fcntl.F_DUPFD, CHANNEL + 1) for each in (null, null, null, channel)]
    for number, descriptor in enumerate(above):
        os.dup2(descriptor, number, inheritable=number < CHANNEL)
    os.closerange(CHANNEL + 1, os.sysconf("SC_OPEN_MAX"))


class Answer:
    """Runs cells in the shell's namespace. What decides how is bound before the first student's cell runs."""

    def __init__(self, shell: Any, outputs: Outputs) -> None:
        self._shell, self._outputs = shell, outputs
        self._compile, self._exec, self._encode = compile, exec, encode
        self._loads, self._dumps = json.JSONDecoder().decode, json.JSONEncoder(ensure_ascii=False).encode
        self._write, self._pid, self._own = os.write, os.getpid, os.getpid()

    def serve(self) -> None:
        """One cell a line in, one line out for each, until there are no more."""
        self._write(CHANNEL, READY)
        with open(CHANNEL, "rb", closefd=False) as cells:
            while line := cells.readline():
                frame = self._run(self._loads(line.decode()))
                if self._pid() != self._own:
                    return  # a fork that the cell made, and that came back from it
                self._send(frame)

    def _send(self, frame: dict[str, Any]) -> None:
        data = memoryview((self._dumps(frame) + "\n").encode("utf-8", "replace"))
        while data:
            data = data[self._write(CHANNEL, data) :]

    def _run(self, cell: dict[str, Any]) -> dict[str, Any]:
        self._outputs.begin()
        leaves: list[Any] = []
        if cell["probe"]:
            self._probe(cell["source"], leaves)
        else:
            self._student(cell["source"])
        return {"outputs": self._outputs.end(), "error": self._outputs.error, "leaves": leaves}

    def _student(self, source: str) -> None:
        try:
            self._shell.run_cell(source, store_history=True)
        except BaseException as error:  # the shell shows errors itself; this is a shell that was tampered with
            self._fail(error)

    def _probe(self, source: str, leaves: list[Any]) -> None:
        """Plain Python, which no transformer of the shell touches."""
        names = self._shell.user_ns
        try:
            code = self._compile(source, "<test>", "exec", dont_inherit=True)
            names["__leaf__"] = self._leaf(leaves)
            self._exec(code, names)
        except BaseException as error:  # whatever the student's program raises in a test is the outcome
            self._fail(error)
        finally:
            names.pop("__leaf__", None)

    def _leaf(self, leaves: list[Any]) -> Callable[[Any, Callable[[], Any]], Any]:
        encode = self._encode

        def leaf(key: Any, thunk: Callable[[], Any]) -> Any:
            try:
                value = thunk()
            except BaseException as error:  # SystemExit and a student's own classes are values of an answer, too
                leaves.append([key, {"raised": raised(error)}])
                raise
            leaves.append([key, {"value": encode(value)}])
            return value

        return leaf

    def _fail(self, error: BaseException) -> None:
        """Without a traceback: that of a test would quote it."""
        told = raised(error)
        self._outputs.fail(told["type"], told["text"], [f"{told['type']}: {told['text']}"])


def raised(error: BaseException) -> dict[str, Any]:
    """An exception as data: the names of its classes, nearest first, and its text."""
    names = [
        type.__dict__["__name__"].__get__(kind)[:LONGEST_TEXT] for kind in type.__dict__["__mro__"].__get__(type(error))
    ]
    try:
        text = str(error)[:LONGEST_TEXT]
    except BaseException:  # its class is the student's
        text = ""
    return {"type": names[0], "bases": names, "text": text}
