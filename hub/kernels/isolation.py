"""What one kernel sees of the file system: folders are hidden from it, but for what is shown inside them.

By namespaces of user and mounts, which Linux gives to anybody (user_namespaces(7), mount_namespaces(7)). Afterwards the
kernel has no capability left, cannot undo the mounts, and cannot look into other processes of the same user.

    python -m hub.kernels.isolation     exits 0 where the system allows it
"""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

CLONE_NEWNS, CLONE_NEWUSER = 0x00020000, 0x10000000  # <linux/sched.h>
CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = 0x04000000, 0x08000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8  # <linux/mount.h>
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
PR_SET_DUMPABLE, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 4, 24, 38  # <linux/prctl.h>
CAPABILITY_VERSION_3 = 0x20080522  # <linux/capability.h>
CAPABILITIES = 64
_libc = ctypes.CDLL(None, use_errno=True)


def isolate(hidden: Sequence[str], shown: Sequence[str]) -> None:
    """Hide the folders `hidden` from this process and all it starts, but for the paths `shown` in them.

    For a process with one thread. Raises OSError where the system does not allow it.
    """
    enter(CLONE_NEWUSER | CLONE_NEWNS)
    kept = {path: os.open(path, os.O_PATH) for path in shown if os.path.exists(path)}
    for folder in hidden:
        if os.path.isdir(folder):
            mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=700")
    for path, descriptor in kept.items():
        os.makedirs(path, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", path, None, MS_BIND | MS_REC)
        os.close(descriptor)
    drop_capabilities()


def enter(namespaces: int) -> None:
    """Move into new namespaces, one of users and one of mounts among them, in which what is mounted stays.

    For a process with one thread. Raises OSError where the system does not allow it.
    """
    user, group = os.getuid(), os.getgid()
    _call("unshare", namespaces)
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else the next three files are not ours
    Path("/proc/self/setgroups").write_text("deny", "ascii")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    mount(None, "/", None, MS_REC | MS_PRIVATE)


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def mount(source: str | None, target: str, kind: str | None, flags: int, options: str | None = None) -> None:
    """As mount(2). Raises OSError."""
    encoded = [text.encode() if text is not None else None for text in (source, target, kind, options)]
    _call("mount", encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])


def drop_capabilities() -> None:
    """What the new namespace gave goes again, for programs started later too."""
    for number in range(CAPABILITIES):
        _libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)  # fails beyond the last one the system knows
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    _call("capset", header, (ctypes.c_uint32 * 6)())
    _call("prctl", PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def main() -> int:
    """Try it on a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "seen").write_text("x", "ascii")
        child = os.fork()
        if child == 0:
            try:
                isolate([folder], [])
            except OSError as error:
                print(error, file=sys.stderr)
                os._exit(1)
            os._exit(len(os.listdir(folder)))
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    sys.exit(main())
