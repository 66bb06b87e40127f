"""The exam room under load: candidates come with their tickets, start, save every few seconds, and hand in.
In between their pages ask for the state of the sitting, as pages do.

The service runs in processes of its own, as it does for an exam; the candidates come over loopback from this one, each
with a connection and a session. On the way a process is killed by -9 and started again; whoever gets no answer asks
again, as the page does. Every acknowledged response is looked for in the database afterwards.

    python -m benchmarks exam_room --candidates 6200 --every 10 --seconds 60 --within 20 --kills 2

By itself it measures one process on SQLite and then two on PostgreSQL, whose server it starts in a folder of its own;
`--database` chooses one, `--processes` how many share the PostgreSQL. With `--until-it-breaks` it goes on with half as
many candidates more until a budget is not kept, and tells the most that kept all of them.

Candidates, service and database share the machine: see that nothing else works on it (`cat /proc/loadavg`), and that
`ulimit -n` and net.core.somaxconn (4096) are large enough.

Peers: Moodle's 2,000 candidates on 16 vCPU with 16 questions and a synchronised start (Udelar 2026, JMeter), for
candidates a core; for the others the budgets of the design: p99 of a save 50 ms, 256 MB a process, none lost. Starts,
saves and submits that met a killed service are counted apart: `back` is how long the longest of them had to wait.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import uvloop
from tornado.web import RequestHandler

from benchmarks._postgresql import MISSING, PostgreSQL, programs
from benchmarks._visitors import Plan, Times, Took, Visitor, all_sit
from exams import listening, roster
from exams.database import served
from exams.exam import DATABASE, ROSTER, Exam
from exams.form import Form
from exams.hall import Hall
from exams.identity import Sessions
from exams.items import load_bank
from exams.marks import MarkStore
from exams.roster import Candidate
from exams.service import LOOK_S, Config, secret, serve
from exams.sitting import SittingStore
from exams.tickets import Tickets

PREFIX, EXAM = "/services/exams/", "rush"
BANK = Path(__file__).parents[1] / "exams" / "bank" / "diagnostics"
ITEMS = 20
STARTS_WITHIN_S = 60
MOODLE_CANDIDATES_A_CORE = 2000 / 16
P99_BUDGET_MS, MEMORY_BUDGET_MB = 50, 256
PAGE_BUDGET_MS, BACK_BUDGET_S = 1000, 5
HEAD_ROOM = 200  # open files beside the candidates' connections
MORE = 1.5  # candidates of each further run until it breaks


class NoLogin:
    """Candidates of the benchmark bring tickets."""

    def routes(self, _prefix: str, _sessions: Sessions) -> list[tuple[str, type[RequestHandler], dict[str, object]]]:
        """None."""
        return []

    def login_url(self, prefix: str) -> str:
        """Nobody is sent there."""
        return f"{prefix}login"


def furnish(home: Path, candidates: int) -> Exam:
    """An exam that is open, with so many candidates."""
    now = datetime.now(UTC)
    folder = home / "exams" / EXAM
    closes = now + timedelta(hours=3)
    exam = Exam(EXAM, "diagnostics", "Rush", now, closes, 90, "lead", ("School",), ("A",), folder)
    exam.save()
    exam.save_form(Form("A", EXAM, load_bank(BANK)[:ITEMS]))
    people = (Candidate(f"n{place:05}", f"user{place:05}", "", "School", "A") for place in range(candidates))
    roster.write(folder / ROSTER, people)
    return exam


def run_service(home: Path, database: str) -> None:
    """The service, as for an exam, on the socket that was handed down."""
    listener = listening.inherited(os.environ)
    assert listener is not None
    key = secret(home / "secrets" / "cookie")
    with served(database):
        serve(
            Config(Hall(home / "exams", LOOK_S), SittingStore(database), MarkStore(database), NoLogin(), key, PREFIX),
            listener,
        )


class Service:
    """The service as processes that share a socket, and can be killed and started again; what all of them used."""

    def __init__(self, home: Path, port: int, database: str, processes: int) -> None:
        self._home, self._database = home, database
        self._listener = listening.bound("127.0.0.1", port)
        self.cpu_s, self.peak_mb = 0.0, 0.0
        self.processes = [self._start() for _ in range(processes)]

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "benchmarks.exam_room", "--serve", str(self._home)]
        descriptor = self._listener.fileno()
        environment = os.environ | {listening.VARIABLE: str(descriptor), "XINGLIN_EXAMS_DATABASE": self._database}
        with (self._home / "service.log").open("ab") as out:
            return subprocess.Popen(command, stdout=out, stderr=out, env=environment, pass_fds=[descriptor])

    def _end(self, place: int, number: int) -> None:
        """End a process by a signal, and note what it used."""
        process = self.processes[place]
        used = psutil.Process(process.pid).cpu_times()
        self.cpu_s += used.user + used.system
        self.peak_mb = max(self.peak_mb, memory_mb(process.pid))
        process.send_signal(number)
        process.wait()

    async def killed(self, after_s: float, times: int) -> None:
        """Kill one by -9, `after_s` apart, and start it again at once, as the platform does."""
        for kill in range(times):
            await asyncio.sleep(after_s)
            place = kill % len(self.processes)
            self._end(place, signal.SIGKILL)
            self.processes[place] = self._start()

    def stop(self) -> None:
        """End all."""
        for place in range(len(self.processes)):
            self._end(place, signal.SIGTERM)
        self._listener.close()


async def rush(visitors: list[Visitor], service: Service, plan: Plan, kills: int) -> Times:
    """A whole sitting of all, with the kills on the way."""
    await answering(plan)
    killer = asyncio.create_task(service.killed((plan.within + plan.seconds) / (kills + 1), kills))
    times = await all_sit(visitors, plan)
    await killer
    return times


async def answering(plan: Plan) -> None:
    """Wait until the service answers."""
    asking = f"GET {plan.prefix}health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
    async with asyncio.timeout(STARTS_WITHIN_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", plan.port)
        writer.write(asking)
        assert (await reader.read()).startswith(b"HTTP/1.1 200")
        writer.close()


def memory_mb(pid: int) -> float:
    """The most that a process had in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def lost(database: str, visitors: list[Visitor]) -> int:
    """How many acknowledged responses are not in the database."""
    store = SittingStore(database)
    missing = 0
    for visitor in visitors:
        sitting = store.sitting(EXAM, visitor.number)
        kept = {response.sequence for response in store.log(sitting)} if sitting else set()
        missing += len(set(visitor.acknowledged) - kept)
    broken = store.verify()
    store.close()
    if broken is not None:
        raise SystemExit(f"The audit log is broken at entry {broken.entry}: {broken.why}.")
    return missing


@dataclass(frozen=True)
class Figures:
    """What a run came to; `name` stands before each figure."""

    name: str
    candidates: int
    times: Times
    peak_mb: float
    busy_cores: float
    missing: int

    def holds(self) -> bool:
        """Whether the budgets of saving, memory and losses are kept."""
        quick = share(self.times.save, 0.99) <= P99_BUDGET_MS
        return quick and self.peak_mb <= MEMORY_BUDGET_MB and not self.missing

    def show(self) -> None:
        """Print them."""
        cores = os.cpu_count() or 1
        a_core = self.candidates / cores
        self._line("candidates_a_core", a_core, MOODLE_CANDIDATES_A_CORE, a_core / MOODLE_CANDIDATES_A_CORE, "1")
        each = (self.times.start, self.times.save, self.times.state, self.times.submit)
        budgets = (PAGE_BUDGET_MS, P99_BUDGET_MS, PAGE_BUDGET_MS, PAGE_BUDGET_MS)
        for name, took, budget in zip(("start", "save", "state", "submit"), each, budgets, strict=True):
            if all(away for _, away in took):
                continue  # none in so short a run
            for part in (0.5, 0.99):
                found = share(took, part)
                self._line(f"{name}_p{part * 100:.0f}", found, budget, budget / found, "ms")
        waited = [ms / 1000 for took in each for ms, away in took if away]
        if waited:
            self._line("back", max(waited), BACK_BUDGET_S, BACK_BUDGET_S / max(waited), "s")
        self._line("memory", self.peak_mb, MEMORY_BUDGET_MB, MEMORY_BUDGET_MB / self.peak_mb, "MB")
        self._line("cpu", self.busy_cores, cores, cores / self.busy_cores, "cores")
        self._line("lost", self.missing, 0, 1 if self.missing == 0 else 0, "responses")

    def _line(self, name: str, ours: float, peer: float, ratio: float, unit: str) -> None:
        print(f"{self.name}_{name} {ours:.4g} {peer:.4g} {ratio:.3g} {unit}", flush=True)


def share(took: list[Took], part: float) -> float:
    """The time (ms) that `part` of those did not exceed that found the service there."""
    there = sorted(ms for ms, away in took if not away)
    return there[int(len(there) * part)]


def measure(name: str, database: str, home: Path, candidates: int, options: argparse.Namespace) -> Figures:
    """Run the rush of so many candidates on an empty database."""
    exam = furnish(home, candidates)
    tickets, codes = Tickets().issued(f"n{place:05}" for place in range(candidates))
    tickets.save(exam.folder)
    visitors = [Visitor(number, code) for number, code in codes.items()]
    items = [item.id for item in exam.form("A").items]
    plan = Plan(options.port, PREFIX, EXAM, items, options.within, options.every, options.seconds, options.beat)
    processes = 1 if database.startswith("sqlite") else options.processes
    service, begun = Service(home, options.port, database, processes), time.monotonic()
    gc.disable()  # for the candidates of this process it would look through all of them again and again
    try:
        times = uvloop.run(rush(visitors, service, plan, options.kills))
    finally:
        taken = time.monotonic() - begun
        service.stop()
        gc.enable()
    busy, missing = service.cpu_s / taken, lost(database, visitors)
    return Figures(name, candidates, times, service.peak_mb, busy, missing)


@contextlib.contextmanager
def database(kind: str, home: Path) -> Iterator[str]:
    """An empty database of a kind."""
    if kind == "sqlite":
        yield f"sqlite:///{home / 'exams' / DATABASE}"
        return
    with PostgreSQL() as server:
        yield server.url


def run(name: str, kind: str, options: argparse.Namespace) -> None:
    """Measure on a kind of database, once or until it breaks, and print the figures."""
    candidates, most = options.candidates, 0
    while True:
        allow_open_files(candidates + HEAD_ROOM)
        with tempfile.TemporaryDirectory() as folder, database(kind, Path(folder)) as address:
            figures = measure(name, address, Path(folder), candidates, options)
        figures.show()
        if not options.until_it_breaks:
            return
        if not figures.holds():
            print(f"{name}_most {most} {options.candidates} {most / options.candidates:.3g} candidates", flush=True)
            return
        most, candidates = candidates, round(candidates * MORE)


def allow_open_files(needed: int) -> None:
    """As many open files as the candidates need. Raises SystemExit where the system does not allow them."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard not in {resource.RLIM_INFINITY, max(hard, needed)}:
        raise SystemExit(f"So many candidates need {needed} open files; this system allows {hard}.")
    if soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--candidates", type=int, default=6200)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two saves of a candidate")
    parser.add_argument(
        "--beat", type=float, default=15.0, help="seconds between two looks at the state, as the page's"
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each of them saves")
    parser.add_argument("--within", type=float, default=20.0, help="seconds within which all start, and all hand in")
    parser.add_argument("--kills", type=int, default=2, help="how often a process is killed by -9 on the way")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--processes", type=int, default=2, help="of the service, on PostgreSQL")
    parser.add_argument("--until-it-breaks", action="store_true", help="again with more, until a budget is not kept")
    parser.add_argument("--port", type=int, default=8390)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)  # be a process of the service, on this home
    options = parser.parse_args()
    if options.serve:
        run_service(options.serve, os.environ["XINGLIN_EXAMS_DATABASE"])
        return
    if options.database != "postgresql":
        run("exam_room", "sqlite", options)
    if options.database != "sqlite":
        if programs() is None:
            print(f"exam_room on PostgreSQL is left out. {MISSING}", file=sys.stderr)
            return
        run("exam_room_postgresql", "postgresql", options)


if __name__ == "__main__":
    main()
