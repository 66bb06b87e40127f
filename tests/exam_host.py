"""The real exam service as a process of its own, with one seam replaced: who logs in is said by the address.

Run as `python tests/exam_host.py HOME PORT OPENS CLOSES MINUTES` (instants in milliseconds since 1970).
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from tornado.web import RequestHandler

from courses.cases import CaseStore
from exams.form import Form
from exams.hall import Paper
from exams.identity import Person, Sessions, local
from exams.items import load_bank
from exams.service import Config, secret, serve
from exams.sitting import SittingStore

PREFIX = "/services/exams/"
BANK = Path(__file__).parents[1] / "exams" / "bank" / "diagnostics"
GROUPS = {"student01": {"student"}, "student02": {"student"}, "student03": {"student"}, "outsider": {"student"}}
GROUPS |= {"teacher01": {"teacher"}, "lead01": {"lead", "teacher"}}


@dataclass(frozen=True)
class HallExam:
    id: str
    course: str
    title: str
    opens: datetime
    closes: datetime
    minutes: int


@dataclass(frozen=True)
class HallCandidate:
    number: str
    user: str
    name: str
    school: str
    form: str = "A"
    extra_minutes: int = 0


CANDIDATES = (
    HallCandidate("2026010001", "student01", "考生01", "杏林医学院"),
    HallCandidate("2026010002", "student02", "考生02", "杏林医学院", extra_minutes=10),
    HallCandidate("2026020001", "student03", "考生03", "橘井医学院"),
)


def one_of_each() -> Form:
    """A form with items of every type of the bank: groups whole, of the others two at most."""
    kept: dict[str, list[object]] = {}
    for item in load_bank(BANK):
        group = item.group.id if item.group else None
        of_type = kept.setdefault(item.type, [])
        if len(of_type) < 2 or (group and group == of_type[-1].group.id):
            of_type.append(item)
    return Form("A", "joint", tuple(item for items in kept.values() for item in items))


class MemoryHall:
    def __init__(self, exams: Sequence[HallExam], paper: Paper) -> None:
        self._exams = {exam.id: exam for exam in exams}
        self._paper = paper

    def exams(self) -> Sequence[HallExam]:
        return list(self._exams.values())

    def exam(self, exam: str) -> HallExam | None:
        return self._exams.get(exam)

    def candidates(self, exam: str) -> Mapping[str, HallCandidate]:
        return {candidate.user: candidate for candidate in CANDIDATES} if exam == "joint" else {}

    def paper(self, _exam: str, _form: str) -> Paper:
        return self._paper


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


def moment(milliseconds: str) -> datetime:
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def config(home: Path, opens: datetime, closes: datetime, minutes: int) -> Config:
    exam = HallExam("joint", "diagnostics", "诊断学联考", opens, closes, minutes)
    other = HallExam("other", "diagnostics", "别校的考试", opens, closes, minutes)
    return Config(
        hall=MemoryHall([exam, other], Paper.of(one_of_each())),
        store=SittingStore(f"sqlite:///{home / 'exams.sqlite'}"),
        identity=SaidIdentity(),
        cookie_secret=secret(home / "secret"),
        prefix=PREFIX,
        series=CaseStore(home / "cases").open,
        acts={"collect": lambda exam, user: f"{exam} collected by {user}"},
    )


if __name__ == "__main__":
    home, port, opens, closes, minutes = sys.argv[1:]
    serve(config(Path(home), moment(opens), moment(closes), int(minutes)), port=int(port))
