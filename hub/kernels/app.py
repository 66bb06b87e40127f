"""The kernel in two halves: `prepare` makes the shell before the fork, `start_here` opens its sockets after it.

A subclass of ipykernel's application, whose own steps are called in its own order; what is ours is when.
"""

from __future__ import annotations

import importlib
import os
import sys
import uuid
from typing import Any

from ipykernel.ipkernel import IPythonKernel
from ipykernel.kernelapp import IPKernelApp
from IPython.core.application import BaseIPythonApplication
from traitlets.config import Config

INLINE = "module://matplotlib_inline.backend_inline"
WIRES = (
    "control_stream",
    "debugpy_stream",
    "debug_shell_socket",
    "shell_stream",
    "control_thread",
    "shell_channel_thread",
    "iopub_thread",
    "iopub_socket",
    "stdin_socket",
)
IMPORTED_BY_EACH = ("faulthandler", "tornado.platform.asyncio", "IPython.extensions.storemagic", "psutil")
"""What ipykernel imports when it starts and when it ends."""


def without_debugger() -> None:
    """Make ipykernel do without debugpy: a third of what a kernel does not share, and no lab needs it."""
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    import ipykernel.debugger  # noqa: F401 - it looks for debugpy once, now

    del sys.modules["debugpy"]  # a notebook may import it all the same


class Kernel(IPythonKernel):
    """An IPython kernel that can be made without sockets and be given them later."""

    @classmethod
    def instance(cls, *arguments: Any, **traits: Any) -> Kernel:
        """The one kernel; where it exists already, `traits` are its wires."""
        existed = cls.initialized()
        kernel: Kernel = super().instance(*arguments, **traits)
        if existed:
            kernel.connect(**traits)
        return kernel

    def connect(self, **traits: Any) -> None:
        """Take the sockets and threads of this process."""
        for name in WIRES:
            setattr(self, name, traits[name])
        self.ident = str(uuid.uuid4())
        self._stdout, self._stderr = sys.stdout, sys.stderr
        shell: Any = self.shell
        for publisher in (shell.displayhook, shell.display_pub):
            publisher.pub_socket = self.iopub_socket
        shell.displayhook.topic = self._topic("execute_result")


class KernelApp(IPKernelApp):
    """ipykernel's application, cut in two at the fork."""

    kernel_class = Kernel

    def prepare(self) -> None:
        """Before the fork: configuration, profile and the shell; no socket, no thread, no history file."""
        BaseIPythonApplication.initialize(self, [])
        self._history = self.config.HistoryManager.get("enabled", True)
        self.update_config(Config({"HistoryManager": {"enabled": False}}))
        os.environ.setdefault("MPLBACKEND", INLINE)
        self.init_pdb()
        self.kernel = self.kernel_class.instance(
            parent=self, session=self.session, log=self.log, profile_dir=self.profile_dir, user_ns=self.user_ns
        )
        self.init_path()
        self.init_shell()
        for module in IMPORTED_BY_EACH:
            importlib.import_module(module)

    def warm(self) -> None:
        """After the last import and before the fork: what every kernel would do for its first cell is done once.

        A page that a kernel writes to is copied; 1,400 names counted anew and a module compiled are megabytes.
        """
        shell: Any = self.shell
        shell.run_cell("pass", store_history=False)
        shell._sys_modules_keys = set(sys.modules)

    def init_poller(self) -> None:
        """Nothing polls for the parent: Linux ends the child with it."""

    def read_connection(self, connection_file: str) -> None:
        """After the fork, while the file can be seen."""
        self.connection_file = connection_file
        self.init_connection_file()

    def start_here(self, *, history: bool, bound: int) -> None:
        """After the fork: ipykernel's steps that need this process, then serve until the kernel is shut down.

        The descriptor `bound` is closed once clients can connect.
        """
        self.parent_handle = os.getppid()
        self.session.pid = os.getpid()
        self.session.session = str(uuid.uuid4())
        self.init_sockets()
        self.init_heartbeat()
        os.close(bound)
        if os.path.exists(self.abs_connection_file):  # not where it is hidden, and then nobody's business
            self.write_connection_file()
        self.log_connection_info()
        self.init_io()
        self.init_signal()
        self.init_kernel()
        if history and self._history:
            self._start_history()
        self.init_gui_pylab()
        self.init_extensions()
        self.init_code()
        sys.stdout.flush()
        sys.stderr.flush()
        self.start()
        self._hear_control_out()

    def _hear_control_out(self) -> None:
        """The control thread ends before the process does.

        It flushes the standard streams through iopub's thread, whose exit handler may come first: then each shutdown in
        four waits until its manager has lost patience.
        """
        self.control_thread.stop()
        self.control_thread.join()

    def init_code(self) -> None:
        """As IPython's, without the list of all modules: to name them again would copy a megabyte in each kernel."""
        self._run_startup_files()
        self._run_exec_lines()
        self._run_exec_files()
        shell: Any = self.shell
        if self.hide_initial_ns:
            shell.user_ns_hidden.update(shell.user_ns)
        self._run_cmd_line_code()
        self._run_module()

    def _start_history(self) -> None:
        """A history of this kernel's own: its file and its thread begin after the fork."""
        self.update_config(Config({"HistoryManager": {"enabled": True}}))
        shell: Any = self.shell
        shell.configurables.remove(shell.history_manager)
        shell.config = self.config
        shell.init_history()
