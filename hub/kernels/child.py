"""What a forked child does until it is a kernel: streams, limits, folder, and nothing shared that must not be."""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import random
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from typing import Any, NoReturn

from hub.kernels.app import KernelApp
from hub.kernels.isolation import isolate
from hub.kernels.limits import Limits

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
_libc = ctypes.CDLL(None, use_errno=True)


def become_kernel(app: KernelApp, launch: dict[str, Any], descriptors: Sequence[int]) -> NoReturn:
    """Be the kernel that `launch` describes; ends the process.

    `descriptors` are stdin, stdout, stderr, and one to close when the kernel's sockets are bound.
    """
    code = 1
    *streams, bound = descriptors
    try:
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
        for stream in streams:
            os.close(stream)
        app.read_connection(launch["connection_file"])
        if launch["hidden"]:
            isolate(launch["hidden"], launch["shown"])
        detach()  # after the new namespace: a change of credentials clears what it asks of Linux
        os.chdir(launch["cwd"])
        fresh_state(launch["env"])
        sys.argv = launch["argv"]
        Limits(**launch["limits"]).apply()
        gc.enable()
        app.start_here(history=launch["history"], bound=bound)
        code = 0
    except SystemExit as stop:
        code = exit_code(stop)
    except BaseException:  # as at the top of any process; and a fork must never return into its parent's loop
        traceback.print_exc(file=sys.__stderr__)
    finish(code)


def detach() -> None:
    """A session of its own, as a started kernel has, and no life after the parent's."""
    parent = os.getppid()
    os.setsid()
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before Linux was told
        os._exit(1)


def fresh_state(environment: dict[str, str]) -> None:
    """Replace whatever two kernels must not have in common."""
    os.environ.clear()
    os.environ.update(environment)
    random.seed()
    if (numpy_random := sys.modules.get("numpy.random")) is not None:
        numpy_random.seed()
    tempfile._name_sequence = None  # type: ignore[attr-defined]
    tempfile.tempdir = None
    if (process := sys.modules.get("multiprocessing.process")) is not None:
        process.current_process().authkey = os.urandom(32)


def exit_code(stop: SystemExit) -> int:
    """The process's code as the interpreter would set it."""
    if stop.code is None:
        return 0
    if isinstance(stop.code, int):
        return stop.code & 0xFF
    print(stop.code, file=sys.__stderr__)
    return 1


def finish(code: int) -> NoReturn:
    """End as the interpreter does (threads, exit handlers, streams) but leave the shared heap alone.

    Tearing it down would first copy all of it.
    """
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.__stdout__, sys.__stderr__):
            if stream is not None:
                stream.flush()
    finally:
        os._exit(code)
