"""System calls that a student's answer has no use for, refused by a filter that nobody can take off again (seccomp(2)).

Memory that no process holds (memfd_create, shmget), namespaces of its own (in which it could mount what it likes),
looking into other processes, keys, and sockets of families that are not bound to a network namespace (vsock reaches a
virtual machine's host).
"""

from __future__ import annotations

import ctypes
import errno
import functools
import os
import struct
from collections.abc import Iterable

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2  # <linux/prctl.h>, <linux/seccomp.h>
RET_ALLOW, RET_ERRNO, RET_KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
LOAD, JUMP_EQUAL, JUMP_FROM, JUMP_ANY, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # BPF's, with a constant
NUMBER_AT, MACHINE_AT, FIRST_ARGUMENT_AT = 0, 4, 16  # struct seccomp_data
X32_BIT = 0x40000000
NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET, any of which clone takes."""
FAMILIES = (1, 2, 10)
"""AF_UNIX, AF_INET, AF_INET6: bound to a namespace of its own, in which there is nobody."""

MACHINES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}  # AUDIT_ARCH_*
CLONE = {"x86_64": 56, "aarch64": 220}
SOCKETS = {"x86_64": (41, 53), "aarch64": (198, 199)}  # socket, socketpair
CLONE3 = 435
"""Its flags lie in memory, where a filter does not look: "not known" sends libraries back to clone."""
REFUSED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "memfd_create": (319, 279),
    "memfd_secret": (447, 447),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "unshare": (272, 97),
    "setns": (308, 268),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "personality": (135, 92),
}
"""Numbers on x86_64 and aarch64."""

Instruction = tuple[int, int, int, int]
"""Code, how many to leave out where it is true and where not, constant (struct sock_filter)."""


def program(machine: str) -> list[Instruction]:
    """The filter for `machine`, one of MACHINES: it refuses with an error, and ends calls of another machine."""
    column = list(MACHINES).index(machine)
    refuse = (RETURN, 0, 0, RET_ERRNO | errno.EPERM)
    lines: list[Instruction] = [
        (LOAD, 0, 0, MACHINE_AT),
        (JUMP_EQUAL, 1, 0, MACHINES[machine]),
        (RETURN, 0, 0, RET_KILL_PROCESS),
        (LOAD, 0, 0, NUMBER_AT),
    ]
    if machine == "x86_64":
        lines += [(JUMP_FROM, 0, 1, X32_BIT), refuse]
    for numbers in REFUSED.values():
        lines += [(JUMP_EQUAL, 0, 1, numbers[column]), refuse]
    lines += [(JUMP_EQUAL, 0, 1, CLONE3), (RETURN, 0, 0, RET_ERRNO | errno.ENOSYS)]
    lines += [
        (JUMP_EQUAL, 0, 4, CLONE[machine]),
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_ANY, 0, 1, NEW_NAMESPACES),
        refuse,
        (RETURN, 0, 0, RET_ALLOW),
    ]
    for number in SOCKETS[machine]:
        lines += _families(number)
    return [*lines, (RETURN, 0, 0, RET_ALLOW)]


def _families(number: int) -> Iterable[Instruction]:
    """The system call `number` takes FAMILIES alone as its first argument."""
    last = len(FAMILIES)
    yield (JUMP_EQUAL, 0, last + 3, number)
    yield (LOAD, 0, 0, FIRST_ARGUMENT_AT)
    for at, family in enumerate(FAMILIES):
        yield (JUMP_EQUAL, last - at, 0, family)
    yield (RETURN, 0, 0, RET_ERRNO | errno.EAFNOSUPPORT)
    yield (RETURN, 0, 0, RET_ALLOW)


class _Program(ctypes.Structure):
    """struct sock_fprog of <linux/filter.h>."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


@functools.cache
def packed(machine: str) -> bytes:
    """The filter as Linux reads it."""
    return b"".join(struct.pack("=HBBI", *line) for line in program(machine))


def known() -> bool:
    """Whether there is a filter for this machine; it is made then, for all forks."""
    return (machine := os.uname().machine) in MACHINES and bool(packed(machine))


def refuse_system_calls() -> None:
    """Put the filter on this process and all that it starts; nothing on a machine that is not known.

    For a process that may gain no privileges any more. Raises OSError.
    """
    if not known():
        return
    libc = ctypes.CDLL(None, use_errno=True)
    held = ctypes.create_string_buffer(packed(os.uname().machine))
    filters = _Program(len(held.raw) // 8, ctypes.addressof(held))
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(filters), 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"seccomp: {os.strerror(number)}")
