"""The real exam service, in this process or in one of its own. Only the log-in differs: the address names the user.

Run as `python -m tests.support.exam_host HOME PORT`; `furnish(HOME, ...)` puts the exam there before.
"""

import asyncio
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvloop
from tornado.web import RequestHandler

from courses.cases import CaseStore
from exams import ledger, release, roster
from exams.autograde.cluster import HERE
from exams.bankdesk.banks import Banks
from exams.bankdesk.furnish import FOLDER
from exams.errands import ErrandError, errands
from exams.exam import ROSTER, Exam
from exams.form import Form
from exams.hall import Hall
from exams.identity import Person, Sessions, local
from exams.items import Item, load_bank, load_file
from exams.key import form_at
from exams.listening import bound, inherited
from exams.marks import MarkStore
from exams.panel.store import PanelStore
from exams.roster import Candidate, school_group
from exams.service import Config, close, make_app, run, secret, serve
from exams.simulator import Simulate, Simulator, without_simulations
from exams.sitting import SittingStore

PREFIX = "/services/exams/"
ROOT = Path(__file__).parents[2]
BANK = ROOT / "exams" / "bank" / "diagnostics"
STARTS_WITHIN_S = 30
SIMULATE = [sys.executable, "-m", "hub.cli", "simulate"]
GROUPS = {f"student{number:02d}": {"student"} for number in range(1, 4)} | {"outsider": {"student"}}
GROUPS |= {"lead01": {"lead", "teacher", school_group("协作组")}, "operator01": {"operator"}, "teacher03": {"teacher"}}
GROUPS |= {"teacher01": {"teacher", school_group("杏林医学院")}, "teacher02": {"teacher", school_group("别处医学院")}}
GROUPS |= {"lead02": {"lead", school_group("橘井医学院")}}
COLLEGES = ("杏林医学院", "橘井医学院", "悬壶医学院", "仁济医学院", "岐黄医学院")
GROUPS |= {f"invigilator{place}": {"teacher", school_group(school)} for place, school in enumerate(COLLEGES)}
CANDIDATES = (
    Candidate("2026010001", "student01", "考生01", "杏林医学院", "A", 0, "101", "1"),
    Candidate("2026010002", "student02", "考生02", "杏林医学院", "A", 10, "101", "2"),
    Candidate("2026020001", "student03", "考生03", "橘井医学院", "A", 0, "202", "1"),
)


def form_of_every_type(exam: str) -> Form:
    """A form with two items of every type of the bank that has two, and an experiment; groups are whole."""
    kept: dict[str, list[Item]] = {}
    for item in load_bank(BANK):
        of_type = kept.setdefault(item.type, [])
        if len(of_type) < 2 or (item.group and item.group == of_type[-1].group):
            of_type.append(item)
    experiments = [item for item in load_bank(BANK.parent / "physiology") if has_experiment(item)]
    return Form("A", exam, (*(item for items in kept.values() for item in items), experiments[0]))


def has_experiment(item: Item) -> bool:
    return item.asset is not None and item.asset["kind"] == "simulation"


def furnish(
    home: Path, name: str = "joint", opens_in_s: float = -60, minutes: int = 90, lasts_s: float = 7200, **rules: object
) -> Form:
    """Put the exam `name` of three candidates, and one `other` without any, into `home`; `rules`: of the exam."""
    opens = datetime.now(UTC) + timedelta(seconds=opens_in_s)
    form = form_of_every_type(name)
    for own, title in ((name, "诊断学联考"), ("other", "别处的考试")):
        closes = opens + timedelta(seconds=lasts_s)
        schools = ("杏林医学院", "橘井医学院")
        folder = home / "exams" / own
        roster.write(folder / ROSTER, CANDIDATES if own == name else ())
        exam = Exam(own, "diagnostics", title, opens, closes, minutes, "lead01", schools, ("A",), folder, **rules)  # type: ignore[arg-type]
        exam.save_form(Form("A", own, form.items))
        exam.save()
    return form


def furnish_bank(home: Path, name: str = "diagnostics") -> Path:
    """Put the diagnostics bank there with a ledger: written by teacher01, reviewed by teacher02, published, but for the
    last two items of each file, which are drafts of teacher01's."""
    folder = home / FOLDER / name
    shutil.copytree(BANK, folder)
    at = datetime.now(UTC)
    acts = ((ledger.Act.WRITE, "teacher01"), (ledger.Act.REVIEW, "teacher02"), (ledger.Act.PUBLISH, "lead01"))
    for path in sorted(folder.glob("*.yaml")):
        items = load_file(path)
        drafts = [ledger.entry(item, *acts[0], at) for item in items[-2:]]
        ledger.append(folder, [ledger.entry(item, *act, at) for item in items[:-2] for act in acts] + drafts)
    return folder


def own_name(request) -> str:
    """A name for what the test at hand has to itself: an exam, a bank."""
    return re.sub(r"\W+", "-", request.node.name.removeprefix("test_")).strip("-")


def settings_of(home: Path) -> SimpleNamespace:
    """What the commands of exams need of the platform's settings."""
    return SimpleNamespace(home=home, exams_database_url=store_url(home), marking=HERE)


def store_url(home: Path) -> str:
    return f"sqlite:///{home / 'exams' / 'exams.sqlite'}"


class Service:
    """An exam service that listens; `exam` is the one that the test at hand is about.

    Starting takes seconds, so tests share a service, and each has an exam of its own.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port, self.exam = home, port, "joint"
        self.site = f"http://127.0.0.1:{port}"
        self.base = self.site + PREFIX

    def furnish(self, exam: str, **changes: object) -> None:
        """A new exam to be about; the service runs from here on, whatever was done to it before."""
        furnish(self.home, exam, **changes)  # type: ignore[arg-type]
        self.exam = exam
        self.running()

    def running(self) -> None:
        """Start it unless it runs."""
        raise NotImplementedError


class SharedSimulator:
    """One `xinglin simulate` for all services of this process: it takes seconds to get ready. It has its own loop."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="simulator")
        self._thread.start()
        self._simulator = Simulator(SIMULATE)

    async def __call__(self, model: str, values: Mapping[str, float]) -> Mapping[str, Any]:
        run = self._simulator(model, values)
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run, self._loop))

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._simulator.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Served(Service):
    """The service within the test's process, in a thread: for all that neither kills nor measures it."""

    _thread: threading.Thread | None = None

    def __init__(self, home: Path, port: int, simulate: Simulate = without_simulations) -> None:
        super().__init__(home, port)
        self._simulate = simulate

    def running(self) -> None:
        if self._thread is not None:
            return
        self.config = config(self.home, self._simulate)
        listener = bound("127.0.0.1", self.port)
        started: Future[Callable[[], object]] = Future()
        self._thread = threading.Thread(target=lambda: uvloop.run(self._serve(listener, started)), name="exam service")
        self._thread.start()
        self._stop = started.result(STARTS_WITHIN_S)

    async def _serve(self, listener: socket.socket, started: Future[Callable[[], object]]) -> None:
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()
        started.set_result(lambda: loop.call_soon_threadsafe(stopping.set))
        await run(make_app(self.config), listener, stopping)

    def stop(self) -> None:
        if self._thread is not None:
            self._stop()
            self._thread.join()
            self._thread = None
            close(self.config)


class Process(Service):
    """The service as a process: started, killed, started again on the same home and port."""

    process: subprocess.Popen[bytes] | None = None

    def start(self, run: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, *(run or ("-m", "tests.support.exam_host", str(self.home), str(self.port)))]
        with (self.home / "service.log").open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    def running(self) -> None:
        if self.process is None or self.process.poll() is not None:
            self.start()
            self.wait()

    def wait(self) -> None:
        """Until it answers."""
        assert self.process is not None
        end = time.monotonic() + STARTS_WITHIN_S
        while True:
            try:
                urllib.request.urlopen(self.base + "health", timeout=1).close()
                return
            except OSError:
                assert self.process is not None
                assert self.process.poll() is None, (self.home / "service.log").read_text()
                assert time.monotonic() < end, "the service did not start"
                select_pause()

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait()


def select_pause() -> None:
    """Let others run between two looks."""
    time.sleep(0.02)


class SaidLogin(RequestHandler):
    def initialize(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def get(self) -> None:
        user = self.get_argument("as")
        self._sessions.begin(self, Person(user, frozenset(GROUPS[user])))
        self.redirect(local(self.get_argument("next", PREFIX), PREFIX))


class SaidIdentity:
    def routes(self, prefix: str, sessions: Sessions) -> list:
        return [(f"{prefix}login", SaidLogin, {"sessions": sessions})]

    def login_url(self, prefix: str) -> str:
        return f"{prefix}login"


def collect(home: Path, exam: str, user: str, language: str) -> str:
    while (home / "hold").exists():
        (home / "held").touch()
        select_pause()
    if (home / "nothing-to-collect").exists():
        raise ErrandError("There is nothing to collect." if language == "en" else "没有可收的答卷。")
    return f"{exam} collected by {user}"


def config(home: Path, simulate: Simulate = without_simulations) -> Config:
    hall = Hall(home / "exams")
    database = os.environ.get("XINGLIN_EXAMS_DATABASE", store_url(home))

    def released(exam: str, number: str) -> release.CandidateResult | None:
        found = hall.exam(exam)
        assert found is not None
        return release.result(found.folder, functools.partial(form_at, found, "A"), number)

    return Config(
        hall=hall,
        store=SittingStore(database),
        marks=MarkStore(database),
        identity=SaidIdentity(),
        cookie_secret=secret(home / "secrets" / "exams-cookie"),
        prefix=PREFIX,
        acts={
            "collect": functools.partial(collect, home),
            "sign": errands([sys.executable, "-m", "hub.cli"], home)["sign"],
        },
        result=released,
        simulate=simulate,
        series=CaseStore(Path(os.environ.get("XINGLIN_TEST_CASES", home / "cases"))).open,
        banks=Banks(home / FOLDER),
        panel=PanelStore(database),
    )


if __name__ == "__main__":
    serve(config(Path(sys.argv[1]), Simulator(SIMULATE)), inherited(os.environ) or bound("127.0.0.1", int(sys.argv[2])))
