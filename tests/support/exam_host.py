"""The real exam service as a process of its own, with one seam replaced: who logs in is said by the address.

Run as `python -m tests.support.exam_host HOME PORT`; `furnish(HOME, ...)` puts the exam there before.
"""

import functools
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

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
from exams.service import Config, secret, serve
from exams.simulator import Simulator
from exams.sitting import SittingStore

PREFIX = "/services/exams/"
ROOT = Path(__file__).parents[2]
BANK = ROOT / "exams" / "bank" / "diagnostics"
STARTS_WITHIN_S = 30
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


class Process:
    """The service as a process: started, killed, started again on the same home and port.

    `exam` is the one that the test at hand is about: starting takes seconds, so tests share a process, and each has an
    exam of its own.
    """

    def __init__(self, home: Path, port: int) -> None:
        self.home, self.port, self.exam = home, port, "joint"
        self.site = f"http://127.0.0.1:{port}"
        self.base = self.site + PREFIX
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, run: Sequence[str] = (), environment: Mapping[str, str] | None = None) -> None:
        command = [sys.executable, *(run or ("-m", "tests.support.exam_host", str(self.home), str(self.port)))]
        with (self.home / "service.log").open("ab") as out:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=out, stderr=out)

    def furnish(self, exam: str, **changes: object) -> None:
        """A new exam to be about; the process runs from here on, whatever was done to it before."""
        furnish(self.home, exam, **changes)  # type: ignore[arg-type]
        self.exam = exam
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


def collect(exam: str, user: str, language: str) -> str:
    home = Path(sys.argv[1])
    while (home / "hold").exists():
        (home / "held").touch()
        select_pause()
    if (home / "nothing-to-collect").exists():
        raise ErrandError("There is nothing to collect." if language == "en" else "没有可收的答卷。")
    return f"{exam} collected by {user}"


def config(home: Path) -> Config:
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
        acts={"collect": collect, "sign": errands([sys.executable, "-m", "hub.cli"], home)["sign"]},
        result=released,
        simulate=Simulator([sys.executable, "-m", "hub.cli", "simulate"]),
        series=CaseStore(Path(os.environ.get("XINGLIN_TEST_CASES", home / "cases"))).open,
        banks=Banks(home / FOLDER),
        panel=PanelStore(database),
    )


if __name__ == "__main__":
    serve(config(Path(sys.argv[1])), inherited(os.environ) or bound("127.0.0.1", int(sys.argv[2])))
