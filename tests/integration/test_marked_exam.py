"""A whole marking: 60 candidates of five colleges, rules, a panel of six whose severity is known, a key that changes.

Real stores, real commands, real nbgrader; the markers alone are simulated, and mark through the panel's own store.
"""

import csv
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import sqlalchemy as sa

from exams import audit, facets, gradebook, key, marking, release
from exams.autograde.answers import code_marks
from exams.database import connect
from exams.exam import Exam, exam_in
from exams.items import Item, load_bank
from exams.marks import MarkStore
from exams.panel.rules import Kind, Marker
from exams.panel.statistics import agreements, shares
from exams.panel.store import PanelStore
from exams.panel.tables import answers, marks
from exams.panelrules import Marking
from exams.sitting import SittingStore
from tests.support.exam_command import run
from tests.support.exam_host import COLLEGES, store_url
from tests.support.sat_exam import LEAD, number_of, sat_exam

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
CANDIDATES = 60
EXAM = "whole"
SEVERITY = dict(zip([f"marker{n}" for n in range(6)], (-1.5, -0.8, -0.2, 0.3, 0.8, 1.4), strict=True))
SCHOOLS = {f"marker{n}": frozenset(COLLEGES[n : n + 1]) for n in range(6)}  # the sixth is of none that sits
JUDGE = Marker("judge", frozenset(), marks=False, adjudicates=True)
STEPS = (-1.2, -0.4, 0.4, 1.2)
RULES = Marking(tuple(SEVERITY), ("judge",), marks=2, tolerance=0.25, check_every=0)


def chosen() -> list[Item]:
    """Two items of each type that rules mark, and the short answers of four points."""
    kept: dict[str, list[Item]] = {}
    for item in load_bank(BANK):
        if item.type in ("A1", "A2", "X", "numeric", "hotspot") and len(kept.setdefault(item.type, [])) < 2:
            kept[item.type].append(item)
    short = [item for item in load_bank(BANK) if item.type == "short" and len(item.rubric) == len(STEPS)]
    code = [item for item in load_bank(BANK) if item.type == "code"]
    return [item for own in kept.values() for item in own] + short[:3] + code[:2]


ITEMS = chosen()
SHORT = [item for item in ITEMS if item.type == "short"]
SINGLE = ITEMS[0]
OTHER = next(letter for letter in SINGLE.letters if letter != SINGLE.key)
CODE = [item for item in ITEMS if item.type == "code"]
PROGRAMS = {
    "without asserts": """import ast
class Deaf(ast.NodeTransformer):
    def visit_Assert(self, node):
        return ast.Pass()
get_ipython().ast_transformers.append(Deaf())
""",
    "ends itself": "import os\nos._exit(0)\n",
    "without end": "while True:\n    pass\n",
    "no program": "def (",
    "reads all it can": "import os, sys\nraise SystemExit(str(os.environ) + str(sys._getframe()))\n",
}
HOSTILE = "<script>alert(1)</script> $x$ ### BEGIN SOLUTION\n**2026** \u202e倒"


def sheets() -> list[dict]:
    rng = random.Random(11)
    told = []
    for place in range(CANDIDATES):
        sheet: dict[str, Any] = {}
        for item in ITEMS:
            own = marking.examples(item)
            if item.type == "short":
                sheet[item.id] = f"第 {place} 份作答：{item.model_answer[:60]}" if place else HOSTILE
            elif item.type == "code":
                sheet[item.id] = (
                    [*PROGRAMS.values()][place]
                    if place < len(PROGRAMS)
                    else rng.choice([own.correct, own.wrong, item.starter])
                )
            else:
                sheet[item.id] = rng.choice([own.correct, own.correct, own.wrong, own.invalid])
        sheet[SINGLE.id] = SINGLE.key if place % 3 else OTHER
        told.append(sheet)
    del told[-1][SHORT[0].id]  # somebody left one out
    return told


@pytest.fixture(scope="module")
def exam(tmp_path_factory: pytest.TempPathFactory) -> Exam:
    return sat_exam(tmp_path_factory.mktemp("home"), EXAM, ITEMS, sheets(), marking=RULES)


@pytest.fixture(scope="module")
def panel(exam: Exam) -> Iterator[PanelStore]:
    store = PanelStore(store_url(home_of(exam)))
    yield store
    store.close()


def home_of(exam: Exam) -> Path:
    return exam.folder.parents[1]


def course_of(exam: Exam) -> Path:
    return home_of(exam) / "nbgrader" / exam.course


def act(exam: Exam, name: str, *arguments: str) -> str:
    done = run(home_of(exam), name, exam.id, *arguments, "--by", LEAD)
    assert done.exit_code == 0, done.output
    return done.output


def worth_of(item: Item, quality: float, severity: float, rng: np.random.Generator) -> tuple[float, ...]:
    """Points for each criterion, of one each: their sum is drawn from the rating scale model."""
    logits = np.concatenate([[0.0], np.cumsum(quality - severity - np.array(STEPS))])
    chances = np.exp(logits - logits.max())
    score = int(rng.choice(len(logits), p=chances / chances.sum()))
    return tuple([1.0] * score + [0.0] * (len(item.rubric) - score))


def mark_all(exam: Exam, panel: PanelStore, seed: int) -> None:
    """The six mark until nothing is left for them, then the judge decides what they do not agree on."""
    rng = np.random.default_rng(seed)
    quality: dict[tuple[str, str], float] = {}
    busy = True
    while busy:
        busy = False
        for name in SEVERITY:
            for item in SHORT:
                marker = Marker(name, SCHOOLS[name])
                for handed in panel.claim(exam.id, item.id, marker, 3).result():
                    level = quality.setdefault((item.id, handed.code), rng.normal(0, 1.2))
                    points = worth_of(item, level, SEVERITY[name], rng)
                    which = (exam.id, item.id, marker, handed.code, handed.edition)
                    client = f"{name}-{handed.code}-{handed.edition}"
                    panel.mark(*which, points, client=client, comment="", seconds=20.0).result()
                    busy = True
    for item in SHORT:
        while handed_out := panel.claim(exam.id, item.id, JUDGE, 5, disputes=True).result():
            for handed in handed_out:
                lowest, highest = (cast("float", handed.given[end]["total"]) for end in (0, -1))
                assert highest - lowest > RULES.tolerance_of(item.points)
                points = (1.0, 1.0, *[0.0] * (len(item.rubric) - 2))
                which = (exam.id, item.id, JUDGE, handed.code, handed.edition)
                client = f"judge-{handed.code}-{handed.edition}"
                panel.mark(*which, points, client=client, comment="由仲裁教师裁定", seconds=60.0).result()


def in_gradebook(exam: Exam) -> dict[str, dict[str, float]]:
    form = exam.form("A")
    told = gradebook.results(course_of(exam), form)
    return {number: {one.item: one.points for one in own} for number, own in told.items()}


def exported(exam: Exam) -> dict[str, float]:
    command = [sys.executable, "-m", "nbgrader", "export", "--to", "grades.csv"]
    done = subprocess.run(command, cwd=course_of(exam), capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-2000:]
    with (course_of(exam) / "grades.csv").open() as file:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}


def reported(exam: Exam) -> dict[str, float]:
    """What candidates are told."""
    found = exam_in(exam.folder.parent, exam.id)
    seen = {
        n: release.result(exam.folder, partial(key.form_at, found, "A"), n) for n in map(number_of, range(CANDIDATES))
    }
    return {number: one.points for number, one in seen.items() if one is not None}


def sums(points: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    return {number: sum(own.values()) for number, own in points.items()}


def test_everything_agrees_from_the_first_mark_to_the_changed_key(
    exam: Exam, panel: PanelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = CANDIDATES * len(SHORT) - 1
    assert act(exam, "mark") == f"{CANDIDATES} sittings were marked; {waiting} answers await a marker.\n"
    refused = run(home_of(exam), "release", exam.id, "--by", LEAD)
    assert f"{waiting} answers still await a marker" in refused.output
    mark_all(exam, panel, 5)
    assert panel.pending(exam.id) == 0

    assert act(exam, "mark") == f"{CANDIDATES} sittings were marked; 0 answers await a marker.\n"
    act(exam, "release")
    points = in_gradebook(exam)
    for item in CODE:
        for place, sheet in enumerate(sheets()):
            right = sheet[item.id] == item.solution
            assert points[number_of(place)][item.id] == (item.points if right else 0)
    seen = release.result(exam.folder, partial(key.form_at, exam, "A"), number_of(2))
    assert seen is not None
    assert {one.comment for one in seen.items if one.item["id"] == CODE[0].id} == {"代码运行时间过长。"}
    assert exported(exam) == sums(points) == reported(exam)
    finals = panel.finals(exam.id)
    assert {n: {i: p for i, p in own.items() if i in finals[n]} for n, own in points.items() if n in finals} == {
        number: {item: given for item, (given, _) in own.items()} for number, own in finals.items()
    }

    said = propose(exam, f"{SINGLE.id}: {{accepted: [{OTHER}]}}\n")
    assert f"{CANDIDATES // 3} candidates get other marks." in said
    asked: list[Item] = []

    def noted(items: list[Item], responses: Any, **where: Any) -> object:
        asked.extend(items)
        return code_marks(items, responses, **where)

    monkeypatch.setattr("exams.office.code_marks", noted)
    assert f"the marks of {CANDIDATES // 3} candidates changed." in act(exam, "sign")
    assert asked == []  # no program is run anew for a ruling on another item
    after = in_gradebook(exam)
    gained = {number_of(place): SINGLE.points for place in range(0, CANDIDATES, 3)}
    assert sums(after) == {number: had + gained.get(number, 0) for number, had in sums(points).items()}
    assert exported(exam) == sums(after) == reported(exam)

    changed = SHORT[1]
    rubric = "".join(f"    - {{points: {worth:g}, text: 重订：{text}}}\n" for worth, text in changed.rubric)
    assert "0 candidates get other marks." in propose(exam, f"{changed.id}:\n  rubric:\n{rubric}")
    assert "stands until the answers are marked anew" in act(exam, "sign")
    assert reported(exam) == sums(after)
    assert panel.pending(exam.id) == CANDIDATES
    mark_all(exam, panel, 6)
    said = act(exam, "mark")  # which releases anew what an older key released
    assert f"; 0 answers await a marker. The results of {CANDIDATES} candidates are released." in said
    assert exported(exam) == sums(in_gradebook(exam)) == reported(exam)

    by_rule = MarkStore(store_url(home_of(exam)))
    first = by_rule.sheets(exam.id, key.FIRST)
    assert first[number_of(0)].points[SINGLE.id] == 0
    assert [len(by_rule.sheets(exam.id, version)) for version in (1, 2, 3)] == [CANDIDATES] * 3
    by_rule.close()
    store = SittingStore(store_url(home_of(exam)))
    assert store.verify() is None
    assert panel.verify() is None
    store.close()


def propose(exam: Exam, changes: str) -> str:
    path = exam.folder / "changes.yaml"
    path.write_text(changes, encoding="utf-8")
    return act(exam, "propose", str(path), "--reason", "复核后更正")


def test_the_panel_was_blind_independent_and_is_measured_right(exam: Exam, panel: PanelStore) -> None:
    """Runs after the marking above: what the lead is told of the markers is what they were made to be."""
    engine = connect(store_url(home_of(exam)), audit.metadata)
    with engine.connect() as connection:
        query = sa.select(marks.c.marker, marks.c.kind, marks.c.answer, marks.c.edition, answers.c.school)
        given = connection.execute(query.join(answers, answers.c.id == marks.c.answer)).all()
    engine.dispose()
    by_six = [one for one in given if one.kind == Kind.MARK]
    assert all(one.school not in SCHOOLS[one.marker] for one in by_six)
    assert len({(one.answer, one.edition, one.marker) for one in by_six}) == len(by_six)
    twice = Counter((one.answer, one.edition) for one in by_six)
    assert set(twice.values()) == {RULES.marks}
    assert len(by_six) == RULES.marks * (CANDIDATES * (len(SHORT) + 1) - 1)  # one question was marked anew
    assert {one.marker for one in given if one.kind == Kind.ADJUDICATION} == {"judge"}

    ratings = panel.ratings(exam.id)
    worth = {item.id: item.points for item in SHORT}
    found = {one.marker: one for one in facets.severities(shares(ratings, worth))}
    assert found.keys() == SEVERITY.keys()
    centre = np.mean(list(SEVERITY.values()))
    for marker, true in SEVERITY.items():
        # who marks what is drawn anew in each run: bounds that one in a hundred thousand would miss
        assert abs(found[marker].logits - (true - centre)) < 5 * found[marker].error
    told = [found[marker].logits for marker in SEVERITY]
    assert np.corrcoef(told, list(SEVERITY.values()))[0, 1] > 0.9
    for agreed in agreements(ratings).values():
        assert agreed.kappa is not None
        assert 0 < agreed.kappa < 1
