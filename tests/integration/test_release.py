"""What may be released: marks of the newest key and of the sittings as they are, and all of them at once."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from exams import gradebook, key, panel_run, release, work
from exams.audit import Entry
from exams.exam import Exam, exam_in
from exams.lock import held
from exams.marking_run import Run
from exams.panel.rules import Marker
from exams.panel.store import PanelStore
from exams.panelrules import Marking
from exams.sitting import SittingStore
from exams.timing import Allowance
from exams.work import StoppedError
from tests.support.exam_command import build, run
from tests.support.exam_host import store_url
from tests.support.ruled_exam import ITEMS, OTHER, SHEETS, SINGLE, act, course_of, home_of, of_type, propose
from tests.support.sat_exam import HERE, LEAD, number_of, sat_exam

SHORT = of_type("short")
BY_PEOPLE = Marking(("marker0",), (), marks=1, check_every=0)


@pytest.fixture
def exam(tmp_path: Path) -> Exam:
    return sat_exam(tmp_path, "key", ITEMS, SHEETS)


@pytest.fixture
def short(tmp_path: Path) -> Exam:
    """An exam with a question that a panel of one marks."""
    sheets: list[dict[str, Any]] = [{SINGLE.id: SINGLE.key, SHORT.id: f"作答 {place}"} for place in range(2)]
    return sat_exam(tmp_path, "short", [SINGLE, SHORT], sheets, marking=BY_PEOPLE)


@pytest.fixture
def panel(short: Exam) -> Iterator[PanelStore]:
    store = PanelStore(store_url(home_of(short)))
    yield store
    store.close()


def mark_all(exam: Exam, panel: PanelStore, worth: float) -> None:
    """The panel gives the first criterion's points, times `worth`, to every answer that it is asked for."""
    marker = Marker("marker0")
    while handed := panel.claim(exam.id, SHORT.id, marker, 3).result():
        for one in handed:
            points = (SHORT.rubric[0][0] * worth, *[0.0] * (len(SHORT.rubric) - 1))
            client = f"{one.code}-{one.edition}"
            panel.mark(exam.id, SHORT.id, marker, one.code, one.edition, points, client=client).result()


def seen(exam: Exam, place: int) -> dict[str, float]:
    """What a candidate is told: item id -> points."""
    found = exam_in(exam.folder.parent, exam.id)
    own = release.result(exam.folder, lambda version: key.form_at(found, "A", version), number_of(place))
    assert own is not None
    return {str(one.item["id"]): one.points for one in own.items}


def in_formgrader(exam: Exam, place: int, points: float) -> None:
    """Somebody gives a candidate other points for the first question there."""
    with gradebook.opened(course_of(exam)) as book:
        book.find_grade(SINGLE.id, exam.id, exam.id, number_of(place)).manual_score = points
        book.db.commit()


def logged(exam: Exam, act: str) -> list[Entry]:
    store = SittingStore(store_url(home_of(exam)))
    own = [entry for entry in store.audit(exam.id) if entry.act == act]
    store.close()
    return own


def stopped(*_: object) -> None:
    raise StoppedError(0, len(SHEETS))


def test_marks_of_an_older_key_are_not_released(exam: Exam, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ruling was signed and its marking ended early."""
    act(exam, "mark")
    propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n")
    with monkeypatch.context() as ended:
        ended.setattr(Run, "mark", stopped)
        act(exam, "sign")
    assert key.newest(exam) == 2
    assert act(exam, "release") == f"Error: {len(SHEETS)} sittings are not marked yet: mark them first.\n"
    assert release.released(exam.folder) is None
    act(exam, "mark")
    act(exam, "release")
    assert seen(exam, 1)[SINGLE.id] == SINGLE.points


def test_a_ruling_is_in_the_log_and_its_marking_goes_on_with_the_release(
    exam: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its marking was stopped after the release: the next marking makes new what was released."""
    act(exam, "mark")
    act(exam, "release")
    propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n", "教材已改版。")
    with monkeypatch.context() as ended:
        ended.setattr(Run, "mark", stopped)
        said = act(exam, "sign")
    assert said.startswith(
        "Error: Version 2 of the key is in force, but not everything is marked by it: mark to go on."
    )
    [signed] = logged(exam, "sign")
    assert (signed.actor, signed.detail["version"], signed.detail["reason"]) == (LEAD, 2, "教材已改版。")
    assert signed.detail["changes"] == {SINGLE.id: {"key": OTHER}}
    assert seen(exam, 1)[SINGLE.id] == 0
    assert "What was released stands" in act(exam, "mark", by="teacher01")  # only the lead releases
    assert seen(exam, 1)[SINGLE.id] == 0
    assert "are released." in act(exam, "mark")
    assert seen(exam, 1)[SINGLE.id] == SINGLE.points
    assert len(logged(exam, "release")) == 2
    assert "are released." not in act(exam, "mark")


def test_no_ruling_is_signed_while_other_work_is_under_way(exam: Exam) -> None:
    act(exam, "mark")
    propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n")
    with held(exam.folder / work.LOCK):
        assert "Other work on this exam is under way" in act(exam, "sign")
    assert key.newest(exam) == key.FIRST
    assert "Version 2 of the key is in force" in act(exam, "sign")


def test_marks_of_a_sitting_that_was_open_again_are_not_released(tmp_path: Path) -> None:
    """Time is given back after the marking to somebody whose time was up: other answers may be there now."""
    now = datetime.now(UTC)
    opens, closes = now - timedelta(hours=3), now - timedelta(hours=1)
    build(tmp_path, "dx-1", opens, closes)
    exam = exam_in(tmp_path / "exams", "dx-1")
    then = opens + timedelta(minutes=5)
    store = SittingStore(store_url(tmp_path), clock=lambda: round(then.timestamp() * 1000))
    allowance = Allowance(exam.minutes, round(closes.timestamp() * 1000))
    store.enter(exam.id, "N1", "A", 1, allowance, seat="s", actor="student01", origin=HERE).result()
    run(tmp_path, "mark", exam.id, "--by", LEAD)
    store.credit(exam.id, 60, "停电", LEAD, "N1").result()
    store.close()
    refused = run(tmp_path, "release", exam.id, "--by", LEAD)
    assert refused.output == "Error: 1 sittings are not marked yet: mark them first.\n"
    run(tmp_path, "mark", exam.id, "--by", LEAD)
    assert run(tmp_path, "release", exam.id, "--by", LEAD).exit_code == 0


def test_nothing_is_released_while_other_work_is_under_way(exam: Exam) -> None:
    act(exam, "mark")
    with held(exam.folder / work.LOCK):
        assert "Other work on this exam is under way" in act(exam, "release")
    assert release.released(exam.folder) is None


def test_marks_that_change_after_the_release_are_told_when_it_is_made_anew(exam: Exam) -> None:
    """By whoever and wherever; the sentence and the log count whose results are others than before."""
    act(exam, "mark")
    assert act(exam, "release") == f"The results of {len(SHEETS)} candidates are released.\n"
    in_formgrader(exam, 4, SINGLE.points)
    assert act(exam, "release").endswith(" Those of 1 candidates are others than before.\n")
    assert act(exam, "release").endswith(" Those of 0 candidates are others than before.\n")
    assert [entry.detail["changed"] for entry in logged(exam, "release")] == [len(SHEETS), 1, 0]
    propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n")  # one right before, two right now
    assert act(exam, "sign").endswith(" Those of 3 candidates are others than before.\n")


def test_the_audit_says_where_results_are_not_those_that_were_released(exam: Exam) -> None:
    act(exam, "mark")
    assert "all as written" in run(home_of(exam), "audit", exam.id).output
    act(exam, "release")
    assert "all as written" in run(home_of(exam), "audit", exam.id).output
    [path] = exam.folder.glob(f"released/**/{number_of(4)}.json")
    told = json.loads(path.read_text(encoding="utf-8"))
    told[0]["points"] = SINGLE.points
    path.write_text(json.dumps(told), encoding="utf-8")
    done = run(home_of(exam), "audit", exam.id)
    [entry] = logged(exam, "release")
    assert done.exit_code == 1
    assert f"the results that candidates see are not those that entry {entry.id} tells of" in done.output
    act(exam, "release")
    assert "all as written" in run(home_of(exam), "audit", exam.id).output


def page_of(exam: Exam, place: int) -> str:
    path = course_of(exam) / "feedback" / number_of(place) / exam.id / f"{exam.id}.html"
    return path.read_text(encoding="utf-8").replace(".0", "")


def test_feedback_tells_no_marks_but_those_that_are_released(exam: Exam, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether they changed by hand or by a ruling; after the next release its pages are made anew."""
    refusal = "Error: The marks are others by now than were released: mark, then release them anew.\n"
    act(exam, "mark")
    act(exam, "release")
    act(exam, "feedback")
    assert "Score: 0" in page_of(exam, 4)
    in_formgrader(exam, 4, SINGLE.points)
    assert act(exam, "feedback") == refusal
    assert "feedback" not in act(exam, "mark")
    act(exam, "release")
    assert act(exam, "feedback") == "1 feedback pages were made.\n"
    assert f"Score: {SINGLE.points:g}" in page_of(exam, 4)
    propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n")
    with monkeypatch.context() as ended:
        ended.setattr(Run, "mark", stopped)
        act(exam, "sign")
    assert act(exam, "feedback") == refusal
    with monkeypatch.context() as ended:
        ended.setattr(Run, "feedback", stopped)
        act(exam, "mark")
    assert act(exam, "mark").endswith(" 3 feedback pages were made.\n")  # one right before, two right now


def test_feedback_that_is_there_is_not_made_again(short: Exam, panel: PanelStore) -> None:
    """What the panel marked came into the Gradebook with the release, after the notebooks."""
    act(short, "mark")
    mark_all(short, panel, 1.0)
    act(short, "release")
    assert act(short, "feedback") == "2 feedback pages were made.\n"
    assert act(short, "feedback") == "0 feedback pages were made.\n"


def test_what_people_marked_by_an_older_rubric_is_not_released(
    short: Exam, panel: PanelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marking anew ended before its answers were put before the panel again."""
    act(short, "mark")
    mark_all(short, panel, 1.0)
    rubric = "".join(f"    - {{points: {worth:g}, text: 重订：{text}}}\n" for worth, text in SHORT.rubric)
    propose(short, f"{SHORT.id}:\n  rubric:\n{rubric}")
    with monkeypatch.context() as ended:
        ended.setattr(panel_run, "put_before", stopped)
        act(short, "sign")
    assert act(short, "release") == "Error: 2 answers still await a marker: they are marked first.\n"
    mark_all(short, panel, 0.0)
    act(short, "release")
    assert seen(short, 0)[SHORT.id] == 0
