"""Code marked on several machines: a scheduler and workers as real processes, each in a network of its own."""

import asyncio
import itertools
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import nbformat
import pytest
from distributed import Client
from nbgrader.api import Gradebook

from benchmarks.autograde import run
from exams.autograde import course as courses
from exams.autograde import machines, verdict
from exams.autograde import marker as marking
from exams.autograde.assignment import assignment
from exams.autograde.cluster import Cluster
from exams.autograde.course import mark_assignment
from exams.autograde.machines import connected
from exams.autograde.queue import Result, Submission
from exams.autograde.runner import UnavailableError
from tests.support.code_course import SANDBOX, marks, notebook
from tests.support.mortal_worker import ENDS
from tests.support.ports import free_port

ROOT = Path(__file__).parents[2]
UP_S = 60.0
STUDENTS = 30
SOLUTION = "### BEGIN SOLUTION\ndef f(n):\n    return n * n\n### END SOLUTION"
RIGHT = "def f(n):\n    return n * n"
HOSTILE = {
    3: "while True:\n    pass",
    11: "def f(n):\n    while True:\n        pass",
    17: "def f(n):\n    return [bytearray(1 << 26) for _ in range(100)]",
    20: "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nos._exit(0)",
}


def eventually(holds: Callable[[], bool], what: str) -> None:
    until = time.monotonic() + UP_S
    while not holds():
        assert time.monotonic() < until, what
        threading.Event().wait(0.05)


class Machines:
    """Processes of a cluster, which end with the test whatever happens in it."""

    def __init__(self, place: Path, scheduler: str) -> None:
        self.scheduler, self._place = scheduler, place
        self._processes: list[subprocess.Popen[bytes]] = []
        self._numbers = itertools.count()
        (place / "xinglin.toml").write_text(f'[marking]\nscheduler = "{scheduler}"\n')

    def start(self, role: str, *before: str, **environment: str) -> subprocess.Popen[bytes]:
        said = self._place / f"{next(self._numbers)}.log"
        own = {**os.environ, "PYTHONPATH": str(ROOT), "XINGLIN_HOME": str(self._place), **environment}
        command = [*before, sys.executable, "-m", "hub.cli", "marking", role]
        with said.open("wb") as file:
            started = subprocess.Popen(command, env=own, stdout=file, stderr=file, start_new_session=True)
        self._processes.append(started)
        wanted = f" {self.scheduler}"
        eventually(lambda: wanted in said.read_text() or started.poll() is not None, said.read_text())
        assert started.poll() is None, said.read_text()
        eventually(lambda: f"for{wanted} at" in said.read_text() or f"work at{wanted}" in said.read_text(), role)
        return started

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As where a machine loses its power: the nanny, the worker and the sandbox together."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def close(self) -> None:
        for process in self._processes:
            if process.returncode is None:
                self.kill(process)


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Machines]:
    place = tmp_path / "cluster"
    place.mkdir()
    made = Machines(place, f"tcp://127.0.0.1:{free_port()}")
    yield made
    made.close()


def ip(*arguments: str) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


@pytest.fixture
def networks() -> Iterator[list[str]]:
    """Three namespaces, with the addresses 10.213.7.1 to 3 by a bridge in the first; this process has 10.213.7.4."""
    if not shutil.which("ip") or os.geteuid() != 0:
        pytest.skip("Network namespaces are made by root with iproute2's `ip`.")
    names = [f"xl{os.getpid()}-{number}" for number in range(3)]
    try:
        try:
            ip("netns", "add", names[0])
        except OSError as error:
            pytest.skip(f"No network namespace can be made here: {error}")
        for name in names[1:]:
            ip("netns", "add", name)
        ip("-n", names[0], "link", "add", "hub", "type", "bridge")
        for number, place in enumerate([["-n", names[1]], ["-n", names[2]], []], 2):
            near, far = f"xl{number}", f"xl{number}-{os.getpid()}"
            ip("-n", names[0], "link", "add", near, "type", "veth", "peer", "name", far)
            ip("-n", names[0], "link", "set", near, "master", "hub", "up")
            ip("-n", names[0], "link", "set", far, "netns", names[number - 1] if place else "1")
            ip(*place, "addr", "add", f"10.213.7.{number}/24", "dev", far)
            ip(*place, "link", "set", far, "up")
        ip("-n", names[0], "addr", "add", "10.213.7.1/24", "dev", "hub")
        for name in names:
            ip("-n", name, "link", "set", "lo", "up")
        ip("-n", names[0], "link", "set", "hub", "up")
        yield names
    finally:
        known = {line.split()[0] for line in ip("netns", "list").splitlines()}
        for name in known.intersection(names):
            for process in ip("netns", "pids", name).split():
                os.kill(int(process), signal.SIGKILL)
            ip("netns", "del", name)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """Thirty submissions of an assignment, among them hostile ones."""
    place = tmp_path / "several"
    (place / "source" / "a").mkdir(parents=True)
    nbformat.write(notebook(SOLUTION, tests="assert f(3) == 9"), place / "source" / "a" / "a.ipynb")
    run(place, "nbgrader", "generate_assignment", "a", "--create")
    for number in range(STUDENTS):
        own = nbformat.read(place / "release" / "a" / "a.ipynb", 4)
        own.cells[0].source = HOSTILE.get(number, RIGHT if number % 2 else "def f(n):\n    return n")
        handed_in = place / "submitted" / f"s{number:02}" / "a" / "a.ipynb"
        handed_in.parent.mkdir(parents=True)
        nbformat.write(own, handed_in)
    return place


@pytest.mark.timeout(300)
def test_a_machine_is_lost_midway(
    tmp_path: Path, course: Path, networks: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setattr(marking, "LIMITS", {**marking.LIMITS, "wall_s": 20.0, "cpu_s": 1, "memory_mb": 256})
    monkeypatch.setattr(machines, "BATCH", 3)
    alone = shutil.copytree(course, tmp_path / "alone")
    recorded: list[str] = []
    record = courses._record

    def noted(*given: Any) -> None:
        recorded.append(given[2])
        record(*given)

    monkeypatch.setattr(courses, "_record", noted)
    place = tmp_path / "cluster"
    place.mkdir()
    own = Machines(place, "tcp://10.213.7.1:8786")
    done: list[int] = []
    try:
        own.start("scheduler", "ip", "netns", "exec", networks[0])
        with ThreadPoolExecutor() as pool:
            lost, _ = pool.map(lambda name: own.start("worker", "ip", "netns", "exec", name), networks[1:])
        cluster = Cluster(own.scheduler)
        with ThreadPoolExecutor(1) as pool, Client(own.scheduler) as client:
            made = pool.submit(mark_assignment, course, "a", SANDBOX, lambda now, _: done.append(now), cluster)

            def at_work() -> bool:
                assert not made.done(), made.result()
                busy = [keys for address, keys in client.processing().items() if "10.213.7.2:" in address]
                return bool(done) and any(busy)

            eventually(at_work, "the first worker has nothing to do")
            own.kill(lost)
            assert len(done) < STUDENTS
            report = made.result(timeout=200)
        assert (report.marked, report.failed) == ([f"s{number:02}" for number in range(STUDENTS)], {})
        assert sorted(recorded) == report.marked
        assert done == list(range(1, STUDENTS + 1))
        assert mark_assignment(course, "a", SANDBOX, None, cluster).skipped == report.marked
    finally:
        own.close()
    recorded.clear()
    mark_assignment(alone, "a", SANDBOX)
    assert marks(course, "a") == marks(alone, "a")
    with Gradebook(f"sqlite:///{course}/gradebook.db") as book:
        found = {one.student.id: one.score for one in book.assignment_submissions("a")}
        assert len(book.assignment_submissions("a")) == STUDENTS
    right = {f"s{number:02}" for number in range(1, STUDENTS, 2)} - {f"s{number:02}" for number in HOSTILE}
    assert found == {student: 2.0 * (student in right) for student in report.marked}


def submissions(*answers: str) -> list[Submission]:
    made = []
    for number, answer in enumerate(answers):
        made.append(Submission(f"s{number}", {"a": nbformat.writes(notebook(answer, tests="assert f(3) == 9"))}))
    return made


async def marked(scheduler: str, own: list[Submission], first: Callable[[], None] = lambda: None) -> dict[str, Result]:
    """Results by name; `first` is called with the first of them."""
    found: dict[str, Result] = {}
    source = {"a": assignment(notebook(RIGHT, tests="assert f(3) == 9"))}
    async with connected(Cluster(scheduler)) as queue, aclosing(queue.marks(source, own)) as results:
        async for result in results:
            if not found:
                first()
            assert result.name not in found
            found[result.name] = result
    return found


async def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machines, "REACHED_S", 1.0)
    scheduler = f"tcp://127.0.0.1:{free_port()}"
    with pytest.raises(UnavailableError, match=f"^The scheduler at {scheduler} cannot be reached: [^\n]*$"):
        await marked(scheduler, submissions(RIGHT))


@pytest.mark.timeout(300)
async def test_what_becomes_of_marking_where_workers_or_the_scheduler_end(
    local: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    scheduler = await asyncio.to_thread(local.start, "scheduler", DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0")
    with monkeypatch.context() as patch:
        patch.setattr(machines, "NO_WORKER_S", 1.0)
        with pytest.raises(UnavailableError, match=r"has had no worker for 1 s; started again, marking goes on"):
            await marked(local.scheduler, submissions(RIGHT))

    await asyncio.to_thread(local.start, "worker", DASK_DISTRIBUTED__WORKER__PRELOAD="tests.support.mortal_worker")
    monkeypatch.setattr(machines, "BATCH", 2)
    found = await marked(local.scheduler, submissions(RIGHT, f"# {ENDS}\n{RIGHT}", "f = max", RIGHT, RIGHT, "{"))
    assert {name: one.failed for name, one in found.items() if one.failed} == {"s1": marking.BY_HAND}
    reasons = {name: one.marked["a"].outcomes["test"].reason for name, one in found.items() if not one.failed}
    assert reasons == {
        "s0": verdict.PASSED, "s2": verdict.RAISED, "s3": verdict.PASSED, "s4": verdict.PASSED, "s5": verdict.MISSING,
    }  # fmt: skip

    with pytest.raises(UnavailableError, match=r"was lost; started again, marking goes on"):
        await marked(local.scheduler, submissions(*itertools.repeat(RIGHT, 40)), lambda: local.kill(scheduler))
