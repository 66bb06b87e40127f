"""The sandbox: bubblewrap's arguments for a server that must see its own folder and nothing else of the platform.

Inside: a read-only system, our environment, the packages `courses`, `widgets` and `hub.kernels` (what labs import and
run in), the built labs and one writable home. Not there: $XINGLIN_HOME, other homes, the gradebook, the item bank,
other processes, capabilities.
A server's network is the host's, since the proxy and the hub must be reached; every service there asks who calls.
What needs nobody (`hub.answers`) gets no network, no environment but its own, and less of our packages.
"""

from __future__ import annotations

import resource
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hub.settings import ROOT

HOME = "/home/student"
SYSTEM = ("/usr", "/bin", "/lib", "/lib64", "/lib32", "/sbin")
ETC = (
    "ld.so.cache",
    "ssl/certs",
    "ssl/openssl.cnf",
    "fonts",
    "localtime",
    "alternatives",
    "hosts",
    "nsswitch.conf",
    "mime.types",
)
INNER_UID = "1000"
GIB = 1024**3
FILE_LIMIT = 2 * GIB
"""Bytes of the largest file a student can write."""


PACKAGES = {
    str(path): path for path in (ROOT / name for name in ("courses", "widgets", "hub/__init__.py", "hub/kernels"))
}
"""What labs import, and the kernel they run in; each where it is outside."""


class SandboxMissingError(RuntimeError):
    """bubblewrap is not installed; the message says what to do."""


def bwrap() -> str | None:
    """The path of the `bwrap` program, or None where it is missing."""
    return shutil.which("bwrap")


@dataclass(frozen=True)
class Sandbox:
    """What one sandbox shows: `readonly` and then `writable` map inner paths to outer ones, each over those before.

    packages: those of ours, mapped likewise. hidden: folders that are empty inside; what is shown in them stands above.
    empty: folders to write to, in memory. sealed: mounts that are read-only when all stands.
    environment: all variables inside, None for those of who starts it. network: the host's, or none.
    """

    writable: Mapping[str, Path] = field(default_factory=dict)
    readonly: Mapping[str, Path] = field(default_factory=dict)
    workdir: str = HOME
    packages: Mapping[str, Path] = field(default_factory=lambda: PACKAGES)
    hidden: Sequence[Path] = ()
    empty: Sequence[str] = ()
    sealed: Sequence[str] = ("/",)
    environment: Mapping[str, str] | None = None
    network: bool = True

    def argv(self, command: Sequence[str], program: str | None = None) -> list[str]:
        """`command` wrapped for exec. Raises SandboxMissingError where there is no bubblewrap."""
        if (program := program or bwrap()) is None:
            raise SandboxMissingError("bubblewrap is missing: install it (Debian, Ubuntu: apt-get install bubblewrap).")
        arguments = [program, "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        arguments += ["--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        if not self.network:
            arguments.append("--unshare-net")
        if self.environment is not None:
            arguments.append("--clearenv")
            for name, value in self.environment.items():
                arguments += ["--setenv", name, value]
        arguments += ["--uid", INNER_UID, "--gid", INNER_UID, "--hostname", "xinglin"]
        arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/home"]  # noqa: S108
        for path in (*SYSTEM, *(f"/etc/{name}" for name in ETC)):
            arguments += ["--ro-bind-try", path, path]
        arguments += ["--ro-bind", str(ROOT / "configs" / "sandbox-passwd"), "/etc/passwd"]
        for path in _environment():
            arguments += ["--ro-bind", path, path]
        for folder in (*map(str, self.hidden), *self.empty):
            arguments += ["--tmpfs", folder]
        for flag, folders in (("--ro-bind", {**self.packages, **self.readonly}), ("--bind", self.writable)):
            for inner, outer in folders.items():
                arguments += [flag, str(outer), inner]
        for folder in self.sealed:
            arguments += ["--remount-ro", folder]
        return [*arguments, "--chdir", self.workdir, "--", *command]


def _environment() -> list[str]:
    """The Python installation and our environment."""
    return [path for path in (sys.base_prefix, sys.prefix) if not path.startswith("/usr/") and path != "/usr"]


def limits(memory_mb: int, processes: int) -> Callable[[], None]:
    """A `preexec_fn` that limits address space, processes, file size and core dumps of what is started."""

    def set_limits() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (memory_mb * 1024**2,) * 2)
        resource.setrlimit(resource.RLIMIT_NPROC, (processes, processes))
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_LIMIT, FILE_LIMIT))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    return set_limits
