"""The exam room under load: all candidates enter at once, then every one saves an answer every few seconds.

The service runs as a process of its own, as it does for an exam; the candidates come over loopback from this one, each
with a connection and a session. Every acknowledged response is looked for in the database afterwards.

    python -m benchmarks.exam_room --candidates 6200 --every 10 --seconds 60

Peers: Moodle's 2,000 candidates on 16 vCPU with 16 questions and a synchronised start (Udelar 2026, JMeter), for
candidates a core; for the others the budgets of the design: p99 of a save 50 ms, 256 MB, none lost. `p99` counts the
saves from the first second on, while the last candidates still enter; `p99_all_in` those after everybody is in.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tornado.web import RequestHandler, create_signed_value

from exams import roster
from exams.exam import ROSTER, Exam
from exams.form import Form
from exams.hall import Hall
from exams.identity import Sessions
from exams.items import load_bank
from exams.roster import Candidate
from exams.service import Config, secret, serve
from exams.sitting import SittingStore

PREFIX = "/services/exams/"
BANK = Path(__file__).parents[1] / "exams" / "bank" / "diagnostics"
ITEMS = 20
TOKEN = "0" * 32  # Tornado's XSRF token, version 1: the cookie and the header must agree
SEAT = "benchmark-seat-1"
STARTS_WITHIN_S = 60
MOODLE_CANDIDATES_A_CORE = 2000 / 16
P99_BUDGET_MS, MEMORY_BUDGET_MB = 50, 256
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
    """One candidate's browser: a connection that stays open."""

    user: str
    cookie: str
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None
    acknowledged: list[int] = field(default_factory=list)
    entered_s: float = 0.0
    """When it was in, by the monotonic clock."""

    async def ask(self, port: int, path: str, body: dict[str, object]) -> dict[str, object]:
        """POST `body`; the reply's JSON. Raises ConnectionError for any status but 200."""
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        assert self.reader is not None
        data = json.dumps(body).encode()
        head = f"POST {PREFIX}api/rush/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(data)}\r\n"
        head += f"Cookie: {self.cookie}; xinglin-exams-xsrf={TOKEN}\r\nX-XSRFToken: {TOKEN}\r\n\r\n"
        self.writer.write(head.encode() + data)
        answer = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = int(re.search(r"content-length: (\d+)", answer, re.IGNORECASE)[1])  # type: ignore[index]
        content = await self.reader.readexactly(length)
        if not answer.startswith("HTTP/1.1 200"):
            raise ConnectionError(answer.splitlines()[0])
        return dict(json.loads(content))


Times = list[tuple[float, float]]
"""Of each save: when it was sent, by the monotonic clock (s), and how long it took (ms)."""


async def sit(visitor: Visitor, port: int, place: float, every_s: float, end: float, times: Times) -> None:
    """Enter at once, then save every `every_s` seconds, `place` (0 to 1) of the way into the first of them."""
    entered = await visitor.ask(port, "enter", {"seat": SEAT})
    visitor.entered_s = time.monotonic()
    items = [item["id"] for item in entered["items"]]  # type: ignore[attr-defined]
    await asyncio.sleep(place * every_s)
    sequence = 0
    while time.monotonic() < end:
        due = time.monotonic() + every_s
        sequence += 1
        response = {"sequence": sequence, "item": items[sequence % len(items)], "value": "B", "device": "benchmark"}
        start = time.monotonic()
        reply = await visitor.ask(port, "responses", {"seat": SEAT, "responses": [response]})
        times.append((start, (time.monotonic() - start) * 1000))
        visitor.acknowledged += reply["acknowledged"]  # type: ignore[operator]
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def rush(visitors: list[Visitor], port: int, every_s: float, seconds: float) -> Times:
    """All at once."""
    times: Times = []
    end = time.monotonic() + seconds
    sittings = [
        asyncio.create_task(sit(visitor, port, place / len(visitors), every_s, end, times))
        for place, visitor in enumerate(visitors)
    ]
    await asyncio.gather(*sittings)
    return times


def share(times: Times, part: float) -> float:
    """The time (ms) that `part` of the saves did not exceed."""
    return sorted(took for _, took in times)[int(len(times) * part)]


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
    for place, visitor in enumerate(visitors):
        sitting = store.sitting("rush", f"n{place:05}")
        kept = {response.sequence for response in store.log(sitting)} if sitting else set()
        missing += len(set(visitor.acknowledged) - kept)
    broken = store.verify()
    store.close()
    if broken is not None:
        raise SystemExit(f"The audit log is broken at entry {broken}.")
    return missing


def line(name: str, ours: float, peer: float, ratio: float, unit: str) -> None:
    """One figure."""
    print(f"{name} {ours:.4g} {peer:.4g} {ratio:.3g} {unit}", flush=True)


def measure(home: Path, candidates: int, every_s: float, seconds: float, port: int) -> None:
    """Run the rush and print its figures."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = candidates + HEAD_ROOM
    if hard < needed:
        raise SystemExit(f"{candidates} candidates need {needed} open files; this system allows {hard}.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, needed), hard))
    furnish(home, candidates)
    key = secret(home / "secrets" / "cookie")
    visitors = []
    for place in range(candidates):
        user = f"user{place:05}"
        hub = "e3b0c44298fc1c14"  # the hub session of a browser without one, see exams.identity
        known = json.dumps({"user": user, "groups": ["student"], "staff": False, "hub": hub})
        signed = create_signed_value(key, "xinglin-exams-session", known).decode()
        visitors.append(Visitor(user, f"xinglin-exams-session={signed}"))
    command = [sys.executable, "-m", "benchmarks.exam_room", "--serve", str(home), "--port", str(port)]
    with (home / "service.log").open("wb") as out:
        service = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        asyncio.run(reachable(port))
        times = asyncio.run(rush(visitors, port, every_s, seconds))
        peak = memory_mb(service.pid)
    finally:
        service.terminate()
        service.wait()
    all_in = max(visitor.entered_s for visitor in visitors)
    p50, p99 = share(times, 0.5), share(times, 0.99)
    settled = share([one for one in times if one[0] > all_in], 0.99)
    cores = os.cpu_count() or 1
    a_core = candidates / cores
    line("exam_room_candidates_a_core", a_core, MOODLE_CANDIDATES_A_CORE, a_core / MOODLE_CANDIDATES_A_CORE, "1")
    line("exam_room_save_p50", p50, P99_BUDGET_MS, P99_BUDGET_MS / p50, "ms")
    line("exam_room_save_p99", p99, P99_BUDGET_MS, P99_BUDGET_MS / p99, "ms")
    line("exam_room_save_p99_all_in", settled, P99_BUDGET_MS, P99_BUDGET_MS / settled, "ms")
    line("exam_room_memory", peak, MEMORY_BUDGET_MB, MEMORY_BUDGET_MB / peak, "MB")
    line(
        "exam_room_saves",
        len(times) / seconds,
        candidates / every_s,
        len(times) * every_s / seconds / candidates,
        "1/s",
    )
    missing = lost(home, visitors)
    line("exam_room_lost", missing, 0, 1 if missing == 0 else 0, "responses")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--candidates", type=int, default=300)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between two saves of a candidate")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--port", type=int, default=8390)
    parser.add_argument("--serve", type=Path, help="be the service, on this home")
    options = parser.parse_args()
    if options.serve:
        run_service(options.serve, options.port)
        return
    with tempfile.TemporaryDirectory() as home:
        measure(Path(home), options.candidates, options.every, options.seconds, options.port)


if __name__ == "__main__":
    main()
