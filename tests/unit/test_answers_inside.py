"""What watches and holds an answer: counting of processes, the filter of system calls, why a job was stopped."""

import asyncio
import errno
import os
import signal
import struct
import subprocess
import sys

import pytest

from hub.answers import Job, Service, why
from hub.kernels import seccomp, usage
from hub.kernels.allowed import Allowed
from hub.kernels.answer import raised
from hub.kernels.answers import load
from hub.warm import ON_MENTION, Ended, mentioned
from tests.support.narrowing import present

STAT = "7 (a) R) 2 (x) S 3 7 7 0 -1 4194304 1 2 3 4 100 50 25 25 20 0 9 0 1 2 512 18446744073709551615"
ALLOWED = Allowed(wall_s=10, cpu_s=5, memory_mb=100, tasks=10, disk_mb=10, output_bytes=1000)


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import scipy.signal as s", {"scipy.signal"}),
        ("from scipy import (\n    stats, optimize)", {"scipy.stats", "scipy.optimize"}),
        ("import matplotlib.pyplot as plt", {"matplotlib.pyplot"}),
        ("%matplotlib inline\nfrom matplotlib import pyplot", {"matplotlib.pyplot"}),
        ("__import__('pandas')", {"pandas"}),
        ("import numpy\nsignal = scipython = 1", set()),
        ("", set()),
    ],
)
def test_what_is_to_be_imported_before_a_job_is_named_in_its_cells(source, modules):
    assert mentioned(["x = 1", source]) == modules
    assert modules <= set(ON_MENTION)


class Slow:
    """A warm process that tells how many jobs ran when it was to import something."""

    lost = False

    def __init__(self):
        self.loaded, self.running, self.seen = set(), 0, []
        self.free = asyncio.Event()

    def lacks(self, modules):
        return not modules <= self.loaded

    async def load(self, modules):
        self.seen.append((set(modules), self.running))
        self.loaded |= modules

    async def attempt(self, job):
        self.running += 1
        await self.free.wait()
        self.running -= 1
        return {"id": job.id}


async def test_nothing_is_imported_while_a_job_runs(monkeypatch):
    warm, service = Slow(), Service()
    service._warm = warm  # type: ignore[assignment]  # stands for it
    monkeypatch.setattr("hub.answers.attempt", lambda own, job: own.attempt(job))
    plain = Job("plain", [{"source": "1"}], ALLOWED)
    wants = Job("wants", [{"source": "import pandas"}], ALLOWED)
    async with asyncio.TaskGroup() as tasks:
        made = [tasks.create_task(service.run(job)) for job in (plain, wants, wants)]
        for _ in range(50):  # turns of the loop: all have come as far as they can
            await asyncio.sleep(0)
        assert (warm.running, warm.seen) == (1, [])
        warm.free.set()
    assert [own.result()["id"] for own in made] == ["plain", "wants", "wants"]
    assert warm.seen == [({"pandas"}, 0)]


def test_what_is_not_installed_is_left_to_the_cell_that_imports_it():
    load(["no_such_module_of_anybody", "colorsys"])
    assert "colorsys" in sys.modules


def test_a_process_is_read_whatever_it_calls_itself():
    assert usage.parse(STAT) == usage.Process(3, 200 / usage.TICKS_PER_S, 9, 512 * usage.PAGE)


def test_this_process_is_among_those_seen():
    own = usage.processes()[os.getpid()]
    assert own.parent == os.getppid()
    assert own.tasks >= 1
    assert own.resident > 0


def test_all_that_descend_are_counted_and_nobody_else():
    seen = {pid: usage.Process(parent, 1.0, 2, 10) for pid, parent in {2: 1, 3: 2, 4: 3, 5: 3, 6: 2, 7: 4}.items()}
    assert usage.below(3, seen) == {3, 4, 5, 7}
    assert usage.total({3, 4, 5, 7}, seen) == usage.Usage(4.0, 8, 40)
    assert usage.below(9, seen) == set()


def test_shared_memory_is_counted_once():
    child = subprocess.Popen(
        [
            sys.executable,
            "-Sc",
            "import os, time; x = b'1' * (50 << 20); os.fork(); print(1, flush=True); time.sleep(99)",
        ],
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        for _ in range(2):
            present(child.stdout).readline()
        seen = usage.processes()
        own = usage.below(child.pid, seen)
        assert usage.total(own, seen).resident > 100 << 20
        assert 50 << 20 <= usage.proportional(own, seen, 10) < 80 << 20
        assert usage.proportional(own, seen, -1) == 0
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        with child:
            pass


def test_one_that_has_ended_is_on_its_way_out():
    assert not usage.exiting(os.getpid())
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    assert usage.exiting(child)
    os.waitpid(child, 0)


def verdict(machine, number, argument=0, arch=None):
    """What the filter returns, run as Linux does."""
    data = struct.pack("=IIQ6Q", number, arch or seccomp.MACHINES[machine], 0, argument, 0, 0, 0, 0, 0)
    held, at, lines = 0, 0, seccomp.program(machine)
    while True:
        code, if_true, if_not, constant = lines[at]
        at += 1
        if code == seccomp.LOAD:
            (held,) = struct.unpack_from("=I", data, constant)
        elif code == seccomp.RETURN:
            return constant
        else:
            true = {
                seccomp.JUMP_EQUAL: held == constant,
                seccomp.JUMP_FROM: held >= constant,
                seccomp.JUMP_ANY: bool(held & constant),
            }[code]
            at += if_true if true else if_not


def refused(number):
    return seccomp.RET_ERRNO | number


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_system_calls_are_refused(machine):
    column = list(seccomp.MACHINES).index(machine)
    for numbers in seccomp.REFUSED.values():
        assert verdict(machine, numbers[column]) == refused(errno.EPERM)
    assert verdict(machine, seccomp.CLONE3) == refused(errno.ENOSYS)
    for number in (seccomp.CLONE[machine], *seccomp.SOCKETS[machine]):
        assert number not in [numbers[column] for numbers in seccomp.REFUSED.values()]


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_threads_and_forks_are_allowed_and_namespaces_are_not(machine):
    clone = seccomp.CLONE[machine]
    assert verdict(machine, clone, signal.SIGCHLD) == seccomp.RET_ALLOW
    assert verdict(machine, clone, 0x3D0F00) == seccomp.RET_ALLOW  # as glibc makes a thread
    for bit in (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000):
        assert verdict(machine, clone, bit | signal.SIGCHLD) == refused(errno.EPERM)


@pytest.mark.parametrize("machine", seccomp.MACHINES)
def test_sockets_are_of_families_that_a_namespace_binds(machine):
    for number in seccomp.SOCKETS[machine]:
        allowed = {family for family in range(64) if verdict(machine, number, family) == seccomp.RET_ALLOW}
        assert allowed == {1, 2, 10}
        assert verdict(machine, number, 40) == refused(errno.EAFNOSUPPORT)


def test_calls_of_another_machine_end_the_process():
    assert verdict("x86_64", 39, arch=seccomp.MACHINES["aarch64"]) == seccomp.RET_KILL_PROCESS
    assert verdict("x86_64", seccomp.X32_BIT | 39) == refused(errno.EPERM)
    assert verdict("x86_64", 39) == seccomp.RET_ALLOW


@pytest.mark.parametrize(
    ("ended", "fault", "said"),
    [
        (Ended(-9, "time", False, 0.1, None), None, "time"),
        (Ended(-9, "memory", False, 0.1, None), "output", "memory"),
        (Ended(-9, None, True, 0.1, None), "output", "output"),
        (Ended(-9, None, True, 0.1, None), None, "protocol"),
        (Ended(-9, None, False, 5.2, None), None, "cpu"),
        (Ended(-9, None, False, 0.1, None), None, "memory"),
        (Ended(-25, None, False, 0.1, None), None, "disk"),
        (Ended(-11, None, False, 0.1, None), None, "ended"),
        (Ended(0, None, False, 9.9, None), None, "ended"),
    ],
)
def test_why_a_job_was_stopped(ended, fault, said):
    assert why(ended, fault, ALLOWED) == said


def test_what_is_raised_is_told_even_where_it_does_not_want_to_be():
    class SilentError(KeyError):
        def __str__(self):
            raise SystemExit

    told = raised(SilentError())
    assert told == {
        "type": "SilentError",
        "bases": ["SilentError", "KeyError", "LookupError", "Exception", "BaseException", "object"],
        "text": "",
    }
