"""The exam room under load: candidates come with their tickets, start, save every few seconds, and hand in.

The service runs as a process of its own, as it does for an exam; the candidates come over loopback from this one, each
with a connection and a session. On the way the service is killed by -9 and started again; whoever gets no answer asks
again, as the page does. Every acknowledged response is looked for in the database afterwards.

    python -m benchmarks exam_room --candidates 6200 --every 10 --seconds 60 --within 20 --kills 2

Peers: Moodle's 2,000 candidates on 16 vCPU with 16 questions and a synchronised start (Udelar 2026, JMeter), for
candidates a core; for the others the budgets of the design: p99 of a save 50 ms, 256 MB, none lost. Starts, saves and
submits that met a killed service are counted apart: `exam_room_back` is how long the longest of them had to wait.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import psutil
from tornado.web import RequestHandler

from exams import roster
from exams.exam import ROSTER, Exam
from exams.form import Form
from exams.hall import Hall
from exams.identity import Sessions
from exams.items import load_bank
from exams.roster import Candidate
from exams.service import Config, secret, serve
from exams.sitting import SittingStore
from exams.tickets import Tickets

PREFIX = "/services/exams/"
BANK = Path(__file__).parents[1] / "exams" / "bank" / "diagnostics"
ITEMS = 20
TOKEN = "0" * 32  # Tornado's XSRF token, version 1: the cookie and the header must agree
SEAT = "benchmark-seat-1"
STARTS_WITHIN_S = 60
MOODLE_CANDIDATES_A_CORE = 2000 / 16
P99_BUDGET_MS, MEMORY_BUDGET_MB = 50, 256
PAGE_BUDGET_MS, BACK_BUDGET_S = 1000, 5
AGAIN_S = (0.2, 0.6)
"""A candidate's page that gets no answer asks again after so long."""
HEAD_ROOM = 200  # open files beside the candidates' connections


class NoLogin:
    """Candidates of the benchmark bring sessions that it sealed itself."""

    def routes(self, _prefix: str, _sessions: Sessions) -> list[tuple[str, type[RequestHandler], dict[str, object]]]:
        """None."""
        return []

    def login_url(self, prefix: str) -> str:
        """Nobody is sent there."""
        return f"{prefix}login"


def url(home: Path) -> str:
    """The database in `home`."""
    return f"sqlite:///{home / 'exams' / 'exams.sqlite'}"


def furnish(home: Path, candidates: int) -> Exam:
    """An exam that is open, with so many candidates."""
    now = datetime.now(UTC)
    folder = home / "exams" / "rush"
    closes = now + timedelta(hours=3)
    exam = Exam("rush", "diagnostics", "Rush", now, closes, 90, "lead", ("School",), ("A",), folder)
    exam.save()
    exam.save_form(Form("A", "rush", load_bank(BANK)[:ITEMS]))
    people = (Candidate(f"n{place:05}", f"user{place:05}", "", "School", "A") for place in range(candidates))
    roster.write(folder / ROSTER, people)
    return exam


def run_service(home: Path, port: int) -> None:
    """The service, as for an exam."""
    key = secret(home / "secrets" / "cookie")
    serve(Config(Hall(home / "exams"), SittingStore(url(home)), NoLogin(), key, PREFIX), port=port)


@dataclass
class Visitor:
    """One candidate's browser: a connection that stays open, and is made anew when the service was away."""

    number: str
    code: str
    cookie: str = f"xinglin-exams-xsrf={TOKEN}"
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    acknowledged: list[int] = field(default_factory=list)

    async def ask(self, port: int, path: str, content: bytes, kind: str = "application/json") -> tuple[str, bytes]:
        """POST `content`; the reply's head and body. Raises RuntimeError for a refusal."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        assert self.reader is not None
        head = f"POST {PREFIX}{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(content)}\r\n"
        head += f"Content-Type: {kind}\r\nCookie: {self.cookie}\r\nX-XSRFToken: {TOKEN}\r\n\r\n"
        self.writer.write(head.encode() + content)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = re.search(r"content-length: (\d+)", answer, re.IGNORECASE)
        body = await self.reader.readexactly(int(length[1]) if length else 0)
        if answer.split()[1] not in {"200", "302"}:
            raise RuntimeError(answer.splitlines()[0] + body.decode()[:200])
        return answer, body

    async def timed(self, port: int, path: str, content: bytes, kind: str = "application/json") -> tuple[Answer, Took]:
        """`ask`, again and again while the service is away; with the milliseconds, and whether it was away."""
        begun, away = time.monotonic(), False
        while True:
            try:
                answer = await self.ask(port, path, content, kind)
            except (OSError, asyncio.IncompleteReadError):
                if self.writer is not None:
                    self.writer.close()
                self.writer, away = None, True
                await asyncio.sleep(random.uniform(*AGAIN_S))
            else:
                return answer, ((time.monotonic() - begun) * 1000, away)


Answer = tuple[str, bytes]
Took = tuple[float, bool]


@dataclass
class Times:
    """What each start, save and submit took."""

    start: list[Took] = field(default_factory=list)
    save: list[Took] = field(default_factory=list)
    submit: list[Took] = field(default_factory=list)


async def sit(visitor: Visitor, port: int, place: float, options: argparse.Namespace, times: Times) -> None:
    """Come with the ticket and start, save every so many seconds, hand in; `place` (0 to 1) is one's turn."""
    await asyncio.sleep(place * options.within)
    form = urlencode({"number": visitor.number, "code": visitor.code}).encode()
    (head, _page), (ticket_ms, away) = await visitor.timed(port, "ticket", form, "application/x-www-form-urlencoded")
    visitor.cookie += f"; {re.search('xinglin-exams-session=[^;]+', head)[0]}"  # type: ignore[index]
    (_head, paper), (enter_ms, again) = await visitor.timed(port, "api/rush/enter", packed(seat=SEAT))
    times.start.append((ticket_ms + enter_ms, away or again))
    items, sequence = [item["id"] for item in json.loads(paper)["items"]], 0
    await asyncio.sleep(random.uniform(0, options.every))
    end = time.monotonic() + options.seconds
    while (due := time.monotonic() + options.every) < end or not sequence:
        sequence += 1
        response = {"sequence": sequence, "item": items[sequence % len(items)], "value": "B", "device": "benchmark"}
        (_head, reply), took = await visitor.timed(port, "api/rush/responses", packed(seat=SEAT, responses=[response]))
        times.save.append(took)
        visitor.acknowledged += json.loads(reply)["acknowledged"]
        await asyncio.sleep(max(0.0, due - time.monotonic()))
    await asyncio.sleep(random.uniform(0, options.within))
    _answer, took = await visitor.timed(port, "api/rush/submit", packed(seat=SEAT, sequence=sequence))
    times.submit.append(took)


def packed(**body: object) -> bytes:
    """A JSON object as it is sent."""
    return json.dumps(body).encode()


def share(took: list[Took], part: float) -> float:
    """The time (ms) that `part` of those did not exceed that found the service there."""
    there = sorted(ms for ms, away in took if not away)
    return there[int(len(there) * part)]


class Service:
    """The service as a process, which can be killed and started again; what all of them used."""

    def __init__(self, home: Path, port: int) -> None:
        self._home, self._port = home, port
        self.cpu_s, self.peak_mb = 0.0, 0.0
        self._start()

    def _start(self) -> None:
        command = [sys.executable, "-m", "benchmarks.exam_room", "--serve", str(self._home), "--port", str(self._port)]
        with (self._home / "service.log").open("ab") as out:
            self._process = subprocess.Popen(command, stdout=out, stderr=out)

    def end(self, number: int) -> None:
        """End it by a signal, and note what it used."""
        used = psutil.Process(self._process.pid).cpu_times()
        self.cpu_s += used.user + used.system
        self.peak_mb = max(self.peak_mb, memory_mb(self._process.pid))
        self._process.send_signal(number)
        self._process.wait()

    async def killed(self, after_s: float, times: int) -> None:
        """Kill it by -9, `after_s` apart, and start it again at once, as the platform does."""
        for _ in range(times):
            await asyncio.sleep(after_s)
            self.end(signal.SIGKILL)
            self._start()


async def rush(visitors: list[Visitor], service: Service, options: argparse.Namespace) -> Times:
    """A whole sitting of all, with the kills on the way."""
    await reachable(options.port)
    times = Times()
    killer = asyncio.create_task(
        service.killed((options.within + options.seconds) / (options.kills + 1), options.kills)
    )
    turns = enumerate(visitors)
    await asyncio.gather(*(sit(own, options.port, at / len(visitors), options, times) for at, own in turns))
    await killer
    return times


async def reachable(port: int) -> None:
    """Wait until the service listens."""
    end = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return


def memory_mb(pid: int) -> float:
    """The most that a process had in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


def lost(home: Path, visitors: list[Visitor]) -> int:
    """How many acknowledged responses are not in the database."""
    store = SittingStore(url(home))
    missing = 0
    for visitor in visitors:
        sitting = store.sitting("rush", visitor.number)
        kept = {response.sequence for response in store.log(sitting)} if sitting else set()
        missing += len(set(visitor.acknowledged) - kept)
    broken = store.verify()
    store.close()
    if broken is not None:
        raise SystemExit(f"The audit log is broken at entry {broken.entry}: {broken.why}.")
    return missing


def line(name: str, ours: float, peer: float, ratio: float, unit: str) -> None:
    """One figure."""
    print(f"{name} {ours:.4g} {peer:.4g} {ratio:.3g} {unit}", flush=True)


def measure(home: Path, options: argparse.Namespace) -> None:
    """Run the rush and print its figures."""
    candidates = options.candidates
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = candidates + HEAD_ROOM
    if hard < needed:
        raise SystemExit(f"{candidates} candidates need {needed} open files; this system allows {hard}.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    exam = furnish(home, candidates)
    tickets, codes = Tickets().issued(f"n{place:05}" for place in range(candidates))
    tickets.save(exam.folder)
    visitors = [Visitor(number, code) for number, code in codes.items()]
    service, begun = Service(home, options.port), time.monotonic()
    try:
        times = asyncio.run(rush(visitors, service, options))
    finally:
        service.end(signal.SIGTERM)
    cores, taken = os.cpu_count() or 1, time.monotonic() - begun
    a_core = candidates / cores
    line("exam_room_candidates_a_core", a_core, MOODLE_CANDIDATES_A_CORE, a_core / MOODLE_CANDIDATES_A_CORE, "1")
    for name, took, budget in (
        ("start", times.start, PAGE_BUDGET_MS),
        ("save", times.save, P99_BUDGET_MS),
        ("submit", times.submit, PAGE_BUDGET_MS),
    ):
        for part in (0.5, 0.99):
            found = share(took, part)
            line(f"exam_room_{name}_p{part * 100:.0f}", found, budget, budget / found, "ms")
    waited = [ms / 1000 for took in (times.start, times.save, times.submit) for ms, away in took if away]
    if waited:
        line("exam_room_back", max(waited), BACK_BUDGET_S, BACK_BUDGET_S / max(waited), "s")
    line("exam_room_memory", service.peak_mb, MEMORY_BUDGET_MB, MEMORY_BUDGET_MB / service.peak_mb, "MB")
    busy = service.cpu_s / taken
    line("exam_room_cpu", busy, cores, cores / busy, "cores")
    missing = lost(home, visitors)
    line("exam_room_lost", missing, 0, 1 if missing == 0 else 0, "responses")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--candidates", type=int, default=6200)
    parser.add_argument("--every", type=float, default=10.0, help="seconds between two saves of a candidate")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long each of them saves")
    parser.add_argument("--within", type=float, default=20.0, help="seconds within which all start, and all hand in")
    parser.add_argument("--kills", type=int, default=2, help="how often the service is killed by -9 on the way")
    parser.add_argument("--port", type=int, default=8390)
    parser.add_argument("--serve", type=Path, help="be the service, on this home")
    options = parser.parse_args()
    if options.serve:
        run_service(options.serve, options.port)
        return
    with tempfile.TemporaryDirectory() as home:
        measure(Path(home), options)


if __name__ == "__main__":
    main()
