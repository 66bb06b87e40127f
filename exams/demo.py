"""The demo's banks and exams: one exam open, one finished, marked and released. Its responses are made up, always the
same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from exams import assembly, blueprint, gradebook, ledger, roster
from exams.bankdesk.furnish import FOLDER as BANKS
from exams.bankdesk.furnish import furnish
from exams.change import Origin
from exams.exam import ROSTER, Exam
from exams.form import Form
from exams.items import Item, load_bank
from exams.marking import examples
from exams.marks import MarkStore
from exams.office import Office
from exams.panel.store import PanelStore
from exams.panelrules import Marking
from exams.response import Json, Response
from exams.roster import Candidate
from exams.sitting import SittingStore
from exams.timing import Allowance

BANK = Path(__file__).parent / "bank" / "diagnostics"
COURSE = "diagnostics"
FINISHED, OPEN = "dx-finished", "dx-open"
MINUTES = 60
SEED = 2026
ABILITY_SD = 0.12  # spread of the candidates' chances around the items' difficulty
SPARE = 13
"""Of the items in no form every so many is a draft, and the next one reviewed."""
SIGNED_DAYS = (40, 30, 20)
"""How many days ago an item was written, reviewed and published."""
LEFT_OUT = 0.05  # share of items that a candidate leaves out


@dataclass(frozen=True)
class Student:
    """Who sits the demo's exams: the hub's user name, a name, a school."""

    user: str
    name: str
    school: str


def seed(
    home: Path, database: str, students: Sequence[Student], lead: str, teachers: Sequence[str], now: datetime
) -> None:
    """Create both exams under `home` ($XINGLIN_HOME), and ledgers for its banks; what is there already stays as it is.

    database: address of the exams' database; lead: user name of the group lead, who releases; teachers: of two, the
    first of whom marks; now: aware UTC.
    """
    marker = teachers[0]
    furnish(home / BANKS)
    candidates = [
        Candidate(f"DX{place:04}", student.user, student.name, student.school, "A", 10 if place == 2 else 0)
        for place, student in enumerate(students, 1)
    ]
    day = timedelta(days=1)
    plans = [
        (FINISHED, "诊断学联考（模拟一）", now - 8 * day, now - 7 * day),
        (OPEN, "诊断学联考（模拟二）", now - timedelta(minutes=5), now + 30 * day),
    ]
    made = []
    for place, (name, title, opens, closes) in enumerate(plans):
        folder = home / "exams" / name
        if not folder.exists():
            schools = tuple(dict.fromkeys(student.school for student in students))
            rules = Marking((*teachers, lead), (lead,), marks=1) if name == OPEN else Marking()
            exam = Exam(name, COURSE, title, opens, closes, MINUTES, lead, schools, ("A",), folder, marking=rules)
            made.append(_create(exam, candidates, SEED + place))
    clock = _Clock(now - 8 * day)
    store = SittingStore(database, clock=clock.milliseconds)
    marks, panel = MarkStore(database), PanelStore(database)
    try:
        office = Office(home, store, marks, panel, clock=lambda: now)
        for exam in made:
            office.build(exam)
        for exam in made:
            if exam.id == FINISHED:
                _sit(store, clock, exam, candidates)
                clock.at = now
                office.mark(exam.id, lead)
                _mark_short_answers(office.course(exam), exam.form("A"), store.responses(exam.id))
                store.note(exam.id, marker, "mark", {"outcome": "short answers"}).result()
                office.release(exam.id, lead)
                _sign(home / BANKS, made, lead, teachers, now)
                _tell(home / BANKS / BANK.name, exam, gradebook.results(office.course(exam), exam.form("A")), lead, now)
    finally:
        panel.close()
        marks.close()
        store.close()


def _sign(banks: Path, exams: Sequence[Exam], lead: str, teachers: Sequence[str], now: datetime) -> None:
    """Ledgers: most items are live, some await a review or the lead, so that every state is there to be seen."""
    forms = [exam.form("A") for exam in exams]
    used = [(item.id, form) for form in forms for item in form.items]
    for bank in sorted(banks.iterdir()):
        if ledger.read(bank) is not None:
            continue
        entries = []
        items = load_bank(bank)
        spare = [item for item in items if item.group is None and item.id not in dict(used)]
        drafts, reviewed = spare[::SPARE], spare[1::SPARE]
        for place, item in enumerate(items):
            author, reviewer = teachers[place % 2], teachers[1 - place % 2]
            acts = [(ledger.Act.WRITE, author), (ledger.Act.REVIEW, reviewer), (ledger.Act.PUBLISH, lead)]
            done = acts[: 1 if item in drafts else 2 if item in reviewed else 3]
            for days, (act, by) in zip(SIGNED_DAYS, done, strict=False):
                entries.append(ledger.entry(item, act, by, now - timedelta(days=days)))
        own = {item.id: item for item in items}
        entries += [
            ledger.entry(own[name], ledger.Act.USE, lead, now - timedelta(days=9), exam=form.exam, form=form.id)
            for name, form in used
            if name in own
        ]
        ledger.append(bank, entries)


def _tell(bank: Path, exam: Exam, results: Mapping[str, Sequence[gradebook.Result]], lead: str, now: datetime) -> None:
    """What the finished exam tells of its items, into the bank's ledger."""
    points = {(number, one.item): one.points / one.maximum for number, own in results.items() for one in own}
    form = exam.form("A")
    table = np.array([[points[number, item.id] for item in form.items] for number in sorted(results)])
    entries = []
    for column, item in enumerate(form.items):
        own, rest = table[:, column], np.delete(table, column, axis=1).sum(axis=1)
        varies = own.std() > 0 and rest.std() > 0  # a correlation with what is always the same says nothing
        discrimination = float(np.corrcoef(own, rest)[0, 1]) if varies else 0.0
        told = ledger.Measured(len(own), round(float(own.mean()), 4), round(discrimination, 4))
        entries.append(ledger.entry(item, ledger.Act.MEASURE, lead, now, exam=exam.id, **asdict(told)))
    ledger.append(bank, entries)


class _Clock:
    """The store's clock while the past is made up."""

    def __init__(self, at: datetime):
        self.at = at

    def milliseconds(self) -> int:
        return round(self.at.timestamp() * 1000)


def _create(exam: Exam, candidates: Sequence[Candidate], seed: int) -> Exam:
    plan = blueprint.load(BANK / "blueprint-20.toml")
    exam.save()
    exam.save_form(assembly.assemble(load_bank(BANK), plan, forms=["A"], exam=exam.id, seed=seed)[0])
    roster.write(exam.folder / ROSTER, candidates)
    return exam


def _sit(store: SittingStore, clock: _Clock, exam: Exam, candidates: Sequence[Candidate]) -> None:
    """Let every candidate sit `exam`, one after the other, with responses as good as the items are difficult."""
    form = exam.form("A")
    rng = np.random.default_rng(SEED)
    for candidate in candidates:
        clock.at = max(clock.at, exam.opens) + timedelta(minutes=1)
        allowance = Allowance(exam.minutes, round(exam.closes.timestamp() * 1000), candidate.extra_minutes)
        who = {"seat": f"seat-{candidate.number}", "actor": candidate.user}
        sitting = store.enter(
            exam.id, candidate.number, "A", SEED, allowance, **who, origin=Origin("demo", "", "demo")
        ).result()
        ability = rng.normal(0, ABILITY_SD)
        given = {item.id: _response(item, ability, rng) for item in form.items}
        answered = {name: value for name, value in given.items() if value is not None}
        log = [Response(place, name, value, False, "demo") for place, (name, value) in enumerate(answered.items(), 1)]
        clock.at += timedelta(minutes=30)
        store.save(sitting, who["seat"], log).result()
        store.submit(exam.id, candidate.number, who["seat"], len(log), candidate.user).result()


def _response(item: Item, ability: float, rng: np.random.Generator) -> Json:
    """A response to `item`; None: left out."""
    if rng.random() < LEFT_OUT:
        return None
    own = examples(item)
    if item.type == "short":
        sentences = item.model_answer.replace("；", "。").split("。")
        known = sum(rng.random() < item.difficulty + ability + 0.2 for _ in sentences)
        return "。".join(sentences[: max(known, 1)])
    response: Json = own.correct if rng.random() < item.difficulty + ability else own.wrong
    return response


def _mark_short_answers(course: Path, form: Form, responses: Mapping[str, Mapping[str, Json]]) -> None:
    """Mark the short answers as a teacher would: by how much of the model answer is there."""
    for item in form.items:
        for number, own in sorted(responses.items()):
            if item.type != "short" or not own.get(item.id):
                continue
            share = len(str(own[item.id])) / len(item.model_answer)
            met = min(len(item.rubric), round(share * len(item.rubric)))
            points = sum(worth for worth, _ in item.rubric[:met])
            missing = [text for _, text in item.rubric[met:]]
            comment = f"还缺：{missing[0]}。" if missing else "要点齐全，条理清楚。"
            gradebook.mark_by_hand(course, form, number, item.id, points, comment)
