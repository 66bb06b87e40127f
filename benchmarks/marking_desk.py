"""The marking desk with 6,000 answers to one question: how soon the next answer is on the screen, and in hand.

One marker works in a real browser, by the keyboard: `next` is from the key to the frame that shows the next answer.
Others work at the same time, each with a session of their own, as fast as `--every` lets them: `claim` is how long the
service takes to give out answers, `mark` until a mark is on disk. Every mark that was acknowledged is looked for in the
database afterwards, and whether any answer was marked twice by one. Service, markers and browser share the machine.

    python -m benchmarks marking_desk --answers 6000 --nexts 200 --every 5

By itself it measures five markers and one process on SQLite, then twenty and two processes on PostgreSQL.

Peers: for `next` nbgrader's formgrader, which takes 30 s with some 600 students (jupyter/nbgrader, issue 929); for the
others the budget of the design, 100 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
from tornado.web import RequestHandler

from benchmarks._postgresql import MISSING, PostgreSQL, programs
from exams import listening, roster
from exams.database import served
from exams.exam import DATABASE, ROSTER, Exam
from exams.form import Form
from exams.hall import Hall
from exams.identity import Person, Sessions
from exams.items import load_bank
from exams.marks import MarkStore
from exams.panel.change import Opening
from exams.panel.store import PanelStore
from exams.panelrules import Marking
from exams.service import LOOK_S, Config, secret, serve
from exams.sitting import SittingStore
from tests.support.chromium import chromium
from tests.support.platform import until

PREFIX, EXAM = "/services/exams/", "rush"
BANK = Path(__file__).parents[1] / "exams" / "bank" / "diagnostics"
FORMGRADER_NEXT_MS, BUDGET_MS = 30_000, 100
STARTS_WITHIN_S = 60
XSRF = re.compile(r'name="xsrf" content="([^"]+)"')
AHEAD, FEW = 6, 3  # answers that a page has in line: so many, and when it asks for more

WATCH = """() => {
  window.took = [];
  let begun = 0;
  const text = document.getElementById('text');
  document.addEventListener('keydown', (event) => { if (event.key === 'Enter') begun = performance.now(); }, true);
  // a task that a frame's callback asks for comes after that frame was drawn
  new MutationObserver(() => requestAnimationFrame(() => setTimeout(() => {
    if (begun && !text.classList.contains('quiet')) { window.took.push(performance.now() - begun); begun = 0; }
  }))).observe(text, { childList: true });
}"""


class AnyLogin(RequestHandler):
    """Whoever says who they are is a teacher."""

    def initialize(self, sessions: Sessions) -> None:
        """Called by Tornado with what the route carries."""
        self._sessions = sessions

    def get(self) -> None:
        """?as=name."""
        self._sessions.begin(self, Person(self.get_argument("as"), frozenset({"teacher"})))
        self.redirect(PREFIX)


class AnyIdentity:
    """Markers of the benchmark have no passwords."""

    def routes(self, prefix: str, sessions: Sessions) -> list[tuple[str, type[RequestHandler], dict[str, object]]]:
        """Where they log in."""
        return [(f"{prefix}login", AnyLogin, {"sessions": sessions})]

    def login_url(self, prefix: str) -> str:
        """See `routes`."""
        return f"{prefix}login"


def furnish(home: Path, database: str, answers: int, markers: list[str]) -> tuple[str, list[float]]:
    """An exam that is over, with so many answers to one item; gives its id and what its criteria earn."""
    now = datetime.now(UTC)
    folder = home / "exams" / EXAM
    item = next(one for one in load_bank(BANK) if one.type == "short")
    rules = Marking(tuple(markers), check_every=0)
    opens, closes = now - timedelta(hours=3), now - timedelta(hours=1)
    exam = Exam(EXAM, "diagnostics", "Rush", opens, closes, 90, "lead", ("School",), ("A",), folder, marking=rules)
    exam.save()
    exam.save_form(Form("A", EXAM, (item,)))
    roster.write(folder / ROSTER, ())
    text = item.model_answer[: item.max_length]
    made = [Opening(f"n{at:05}", "School", item.id, "A", f"{text} {at}", item.points) for at in range(answers)]
    store = PanelStore(database)
    store.open(EXAM, made, rules, "lead").result()
    store.close()
    return item.id, [points for points, _ in item.rubric]


def run_service(home: Path, database: str) -> None:
    """The service, on the socket that was handed down."""
    listener = listening.inherited(os.environ)
    assert listener is not None
    key = secret(home / "secrets" / "cookie")
    with served(database):
        hall = Hall(home / "exams", LOOK_S)
        stores = SittingStore(database), MarkStore(database)
        config = Config(hall, *stores, AnyIdentity(), key, PREFIX, panel=PanelStore(database))
        serve(config, listener)


@contextlib.contextmanager
def service(home: Path, port: int, database: str, processes: int) -> Iterator[str]:
    """The service as processes that share a socket; gives its address."""
    listener = listening.bound("127.0.0.1", port)
    number = listener.fileno()
    command = [sys.executable, "-m", "benchmarks.marking_desk", "--serve", str(home)]
    environment = os.environ | {listening.VARIABLE: str(number), "XINGLIN_EXAMS_DATABASE": database}
    running = [subprocess.Popen(command, env=environment, pass_fds=[number]) for _ in range(processes)]
    site = f"http://127.0.0.1:{port}{PREFIX}"
    try:
        until(lambda: requests.get(f"{site}health", timeout=STARTS_WITHIN_S).ok, STARTS_WITHIN_S, "the service answers")
        yield site
    finally:
        for process in running:
            process.send_signal(signal.SIGTERM)
            process.wait()
        listener.close()


@dataclass
class Work:
    """What the markers did: milliseconds of each claim and mark, and the marks that were acknowledged."""

    claims: list[float] = field(default_factory=list)
    marks: list[float] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def marker(
    site: str, name: str, item: str, worth: list[float], every: float, stop: threading.Event, work: Work
) -> None:
    """Somebody who marks as their page does, until told to stop."""
    session = requests.Session()
    page = session.get(f"{site}login", params={"as": name}, timeout=60)
    session.headers["X-XSRFToken"] = XSRF.search(page.text)[1]  # type: ignore[index]
    line: list[dict[str, object]] = []

    def post(path: str, body: dict[str, object], took: list[float]) -> dict[str, list[dict[str, object]]]:
        begun = time.perf_counter()
        answer = session.post(f"{site}api/{EXAM}/marking/{item}/{path}", json=body, timeout=60)
        answer.raise_for_status()
        took.append(1000 * (time.perf_counter() - begun))
        told: dict[str, list[dict[str, object]]] = answer.json()
        return told

    pace = random.Random(name)  # two people do not keep step
    try:
        while not stop.wait(every * (0.5 + pace.random())):
            if len(line) <= FEW:
                holding = [one["code"] for one in line]
                asked = {"wanted": AHEAD - len(line), "holding": holding, "disputes": False}
                line += post("claim", asked, work.claims)["answers"]
            if not line:
                return
            own = line.pop(0)
            deed = {"deed": "mark", "client": uuid.uuid4().hex, "seconds": 9, "points": worth}
            deed |= {"code": own["code"], "edition": own["edition"]}
            (outcome,) = post("deeds", {"deeds": [deed]}, work.marks)["outcomes"]
            work.saved.append(str(deed["client"])) if outcome["saved"] else work.faults.append(str(outcome))
    except (requests.RequestException, KeyError) as error:
        work.faults.append(repr(error))


def browsed(site: str, name: str, item: str, criteria: int, nexts: int, pause: float) -> list[float]:
    """Milliseconds from the key to the next answer on the screen, of one who works in a browser."""
    with chromium() as browser:
        page = browser.new_page()
        page.goto(f"{site}login?as={name}")
        page.goto(f"{site}{EXAM}/marking/{item}")
        page.wait_for_selector("#text:not(.quiet)")
        page.evaluate(WATCH)
        for number in range(1, nexts + 1):
            page.wait_for_timeout(1000 * pause)
            for _ in range(criteria):
                page.keyboard.press("1")
            page.keyboard.press("Enter")
            page.wait_for_function("number => window.took.length === number", arg=number)
        page.wait_for_selector("#saving[data-state=saved]")
        took: list[float] = page.evaluate("window.took")
        return took


def lost_and_doubled(database: str, saved: int) -> tuple[int, int]:
    """How many marks that were acknowledged are not there, and how many are there twice."""
    store = PanelStore(database)
    kept = [(one.answer, one.marker) for one in store.ratings(EXAM)]
    broken = store.verify()
    store.close()
    if broken is not None:
        raise SystemExit(f"The audit log does not tell of the marks as they are: entry {broken}.")
    return max(saved - len(kept), 0), len(kept) - len(set(kept))


def show(name: str, ours: float, peer: float, ratio: float, unit: str) -> None:
    """Print a figure."""
    print(f"{name} {ours:.4g} {peer:.4g} {ratio:.3g} {unit}", flush=True)


def run(name: str, database: str, home: Path, markers: int, processes: int, options: argparse.Namespace) -> None:
    """Measure on a database, and print the figures."""
    names = [f"marker{at:02}" for at in range(markers)]
    item, worth = furnish(home, database, options.answers, [*names, "browser"])
    work, stop = Work(), threading.Event()
    with service(home, options.port, database, processes) as site:
        others = [
            threading.Thread(target=marker, args=(site, own, item, worth, options.every, stop, work)) for own in names
        ]
        for one in others:
            one.start()
        try:
            took = browsed(site, "browser", item, len(worth), options.nexts, options.pause)
        finally:
            stop.set()
            for one in others:
                one.join()
    if work.faults:
        raise SystemExit(f"A marker was refused: {work.faults[0]}")
    for kind, found, peer in (
        ("next", took, FORMGRADER_NEXT_MS),
        ("claim", work.claims, BUDGET_MS),
        ("mark", work.marks, BUDGET_MS),
    ):
        for part in (50, 95):
            ms = statistics.quantiles(found, n=100, method="inclusive")[part - 1]
            show(f"{name}_{kind}_p{part}", ms, peer, peer / ms, "ms")
    lost, doubled = lost_and_doubled(database, len(work.saved) + len(took))
    show(f"{name}_lost", lost, 0, 0 if lost else 1, "marks")
    show(f"{name}_doubled", doubled, 0, 0 if doubled else 1, "marks")


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--answers", type=int, default=6000)
    parser.add_argument("--nexts", type=int, default=200, help="answers that are marked in the browser")
    parser.add_argument("--pause", type=float, default=0.5, help="seconds that the marker in the browser reads")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two marks of each of the others")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--port", type=int, default=8395)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)  # be a process of the service, on this home
    options = parser.parse_args()
    if options.serve:
        run_service(options.serve, os.environ["XINGLIN_EXAMS_DATABASE"])
        return
    if options.database != "postgresql":
        with tempfile.TemporaryDirectory() as folder:
            run("marking_desk", f"sqlite:///{folder}/exams/{DATABASE}", Path(folder), 5, 1, options)
    if options.database != "sqlite":
        if programs() is None:
            print(f"marking_desk on PostgreSQL is left out. {MISSING}", file=sys.stderr)
            return
        with tempfile.TemporaryDirectory() as folder, PostgreSQL() as server:
            run("marking_desk_postgresql", server.url, Path(folder), 20, 2, options)


if __name__ == "__main__":
    main()
