"""What people mark and what rules mark of one exam, by whatever way people mark: formgrader, or the panel."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exams import gradebook, release
from exams.exam import Exam, exam_in
from exams.items import Item, load_bank
from exams.panel.rules import Marker
from exams.panel.store import PanelStore
from exams.panelrules import Marking
from exams.response import Response
from exams.sitting import SittingStore
from tests.support.demo_home import copied
from tests.support.exam_command import run
from tests.support.exam_host import BANK, store_url
from tests.support.sat_exam import LEAD, number_of, sat_exam

SHORT = next(item for item in load_bank(BANK) if item.type == "short")
SINGLE = next(item for item in load_bank(BANK) if item.type == "A1")
FIRST, SECOND, BLANK = map(number_of, range(3))
MARKER = Marker("marker", frozenset())
ALONE = Marking((MARKER.user,), marks=1, check_every=0)
REMARK = "要点较全"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Exam:
    """Two who wrote something and one who did not, marked by rule; nobody is named to mark. To be copied."""
    answers: list[dict[str, Any]] = [{SHORT.id: "双肺湿啰音", SINGLE.id: SINGLE.key}, {SHORT.id: "呼吸音减弱"}, {}]
    made = sat_exam(tmp_path_factory.mktemp("template"), "people", [SINGLE, SHORT], answers, handed_in=False)
    act(made, "mark")
    return made


@pytest.fixture
def exam(tmp_path: Path, template: Exam) -> Exam:
    home = copied(template.folder.parents[1], tmp_path)
    return exam_in(home / "exams", template.id)


@pytest.fixture
def panel(exam: Exam) -> Iterator[PanelStore]:
    store = PanelStore(store_url(exam.folder.parents[1]))
    yield store
    store.close()


def course_of(exam: Exam) -> Path:
    return exam.folder.parents[1] / "nbgrader" / exam.course


def act(exam: Exam, *arguments: str) -> str:
    return run(exam.folder.parents[1], arguments[0], exam.id, *arguments[1:], "--by", LEAD).output


def name_markers(exam: Exam) -> None:
    dataclasses.replace(exam_in(exam.folder.parent, exam.id), marking=ALONE).save()


def in_formgrader(exam: Exam, number: str, points: float) -> None:
    gradebook.mark_by_hand(course_of(exam), exam.form("A"), number, SHORT.id, points, REMARK)


def standing(exam: Exam, item: Item = SHORT) -> dict[str, tuple[float, bool, str]]:
    """Candidate number -> points, whether they are awaited, and comment, as nbgrader has them."""
    told = gradebook.results(course_of(exam), exam.form("A"))
    found = {number: next(one for one in own if one.item == item.id) for number, own in told.items()}
    return {number: (one.points, one.pending, one.comment) for number, one in found.items()}


def mark_on_panel(exam: Exam, panel: PanelStore, points: float) -> int:
    """The one marker gives every answer that is there for them `points`; gives how many there were."""
    handed = panel.claim(exam.id, SHORT.id, MARKER, 10).result()
    for one in handed:
        given = (points, *[0.0] * (len(SHORT.rubric) - 1))
        client = f"{one.code}-{one.edition}"
        which = (exam.id, SHORT.id, MARKER, one.code, one.edition)
        panel.mark(*which, given, client=client, comment="", seconds=9.0).result()
    return len(handed)


def test_marks_of_formgrader_stand_when_markers_are_named_later(exam: Exam, panel: PanelStore) -> None:
    """Who releases before the panel has anything loses none, and the panel gets what is unmarked alone."""
    in_formgrader(exam, FIRST, 3.5)
    name_markers(exam)
    assert "1 answers still await a marker" in act(exam, "release")
    marked = (3.5, False, REMARK)
    assert standing(exam)[FIRST] == marked
    assert act(exam, "mark") == "3 sittings were marked; 1 answers await a marker.\n"
    assert standing(exam)[FIRST] == marked
    assert mark_on_panel(exam, panel, 1.0) == 1
    assert act(exam, "mark") == "3 sittings were marked; 0 answers await a marker.\n"
    assert "The results of 3 candidates are released." in act(exam, "release")
    assert standing(exam) == {FIRST: marked, SECOND: (1.0, False, ""), BLANK: (0.0, False, "")}
    assert release.released(exam.folder) is not None


def rule(exam: Exam, changes: str) -> str:
    """The group lead has the key changed; gives what is said when it is signed."""
    path = exam.folder / "changes.yaml"
    path.write_text(changes, encoding="utf-8")
    said = act(exam, "propose", str(path), "--reason", "复核后更正")
    assert "Nothing is changed before" in said
    return act(exam, "sign")


def write_again(exam: Exam, number: str, text: str) -> None:
    """A candidate whose time had run out is given ten minutes, and writes another short answer in them."""
    home = exam.folder.parents[1]
    with_time = exam.opens.timestamp() + (5 + 60 + 5) * 60
    store = SittingStore(store_url(home), clock=lambda: round(with_time * 1000))
    store.credit(exam.id, 600, "断电", LEAD, number).result()
    sitting = store.sitting(exam.id, number)
    assert sitting is not None
    store.save(sitting, "seat", [Response(9, SHORT.id, text, False, "test")]).result()
    store.close()


def test_points_for_everybody_stand_above_a_mark_of_formgrader(exam: Exam) -> None:
    """And when they are taken back, who wrote something is marked by a person, and who did not has none."""
    in_formgrader(exam, FIRST, 3.5)
    with gradebook.opened(course_of(exam)) as book:
        book.find_grade(SINGLE.id, exam.id, exam.id, FIRST).manual_score = 0.0
        book.db.commit()
    rule(exam, f"{SHORT.id}: {{void: true}}\n{SINGLE.id}: {{void: true}}\n")
    assert standing(exam) == dict.fromkeys((FIRST, SECOND, BLANK), (SHORT.points, False, ""))
    assert standing(exam, SINGLE)[FIRST][:2] == (SINGLE.points, False)
    rule(exam, f"{SHORT.id}: {{void: false}}\n")
    assert standing(exam) == {FIRST: (0.0, True, ""), SECOND: (0.0, True, ""), BLANK: (0.0, False, "")}


def test_another_rubric_has_answers_marked_anew_in_formgrader(exam: Exam) -> None:
    """Once: what is marked by the new one stands, and other rulings leave it alone."""
    for number in (FIRST, SECOND):
        in_formgrader(exam, number, 2.0)
    act(exam, "release")
    said = rule(exam, f"{SHORT.id}: {{model_answer: 另一种答法}}\n")
    assert "What was released stands until the answers are marked anew and released." in said
    assert standing(exam) == {FIRST: (0.0, True, ""), SECOND: (0.0, True, ""), BLANK: (0.0, False, "")}
    in_formgrader(exam, FIRST, 4.0)
    assert act(exam, "mark").startswith("3 sittings were marked; 1 answers await a marker.")
    rule(exam, f"{SINGLE.id}: {{void: true}}\n")
    assert standing(exam) == {FIRST: (4.0, False, REMARK), SECOND: (0.0, True, ""), BLANK: (0.0, False, "")}


def test_an_answer_that_was_written_anew_is_marked_anew(exam: Exam) -> None:
    in_formgrader(exam, FIRST, 2.0)
    in_formgrader(exam, SECOND, 3.0)
    write_again(exam, FIRST, "另一份作答")
    assert act(exam, "mark") == "3 sittings were marked; 1 answers await a marker.\n"
    assert standing(exam) == {FIRST: (0.0, True, ""), SECOND: (3.0, False, REMARK), BLANK: (0.0, False, "")}
    in_formgrader(exam, FIRST, 1.0)
    assert act(exam, "mark") == "3 sittings were marked; 0 answers await a marker.\n"
    assert standing(exam)[FIRST] == (1.0, False, REMARK)


def test_no_mark_of_the_panel_stays_on_an_answer_that_is_blank(exam: Exam, panel: PanelStore) -> None:
    name_markers(exam)
    act(exam, "mark")
    assert mark_on_panel(exam, panel, 1.0) == 2
    act(exam, "mark")
    one = (1.0, False, "")
    assert standing(exam) == {FIRST: one, SECOND: one, BLANK: (0.0, False, "")}
    rule(exam, f"{SHORT.id}: {{void: true}}\n")
    assert standing(exam) == dict.fromkeys((FIRST, SECOND, BLANK), (SHORT.points, False, ""))
    rule(exam, f"{SHORT.id}: {{void: false}}\n")
    assert standing(exam) == {FIRST: one, SECOND: one, BLANK: (0.0, False, "")}
    write_again(exam, FIRST, "")
    assert act(exam, "mark") == "3 sittings were marked; 0 answers await a marker.\n"
    assert standing(exam) == {FIRST: (0.0, False, ""), SECOND: one, BLANK: (0.0, False, "")}
