"""Marking runs that end anywhere, and keys that change after the exam: real commands, real nbgrader, real kills."""

import csv
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from nbgrader import api

from exams import gradebook, key, release, work
from exams.errands import AT_WORK
from exams.exam import Exam, exam_in
from exams.lock import held
from exams.marks import MarkStore
from exams.sitting import SittingStore
from tests.support.exam_command import RUN
from tests.support.exam_host import store_url
from tests.support.ruled_exam import (
    CODE,
    ITEMS,
    NUMBER,
    OTHER,
    SEVERAL,
    SHEETS,
    SHORT,
    SINGLE,
    SPOT,
    THIRD,
    act,
    course_of,
    home_of,
    propose,
)
from tests.support.sat_exam import LEAD, number_of, sat_exam

MOST_S = 120
MANY = 300
IN_BATCHES = "from exams import marking_run\nmarking_run.BATCH = 20\n"


@pytest.fixture
def exam(tmp_path: Path) -> Exam:
    return sat_exam(tmp_path, "key", ITEMS, SHEETS)


def totals(exam: Exam) -> dict[str, float]:
    """What nbgrader itself says that each candidate has."""
    with gradebook.opened(course_of(exam)) as book:
        return {one.student_id: one.score for one in book.assignment_submissions(exam.id)}


def test_a_changed_key_shows_before_and_after_and_holds_once_signed(exam: Exam) -> None:
    act(exam, "mark")
    before = totals(exam)
    assert before[number_of(0)] == SINGLE.points + SEVERAL.points + NUMBER.points
    said = propose(exam, f"{SINGLE.id}: {{accepted: [{OTHER}]}}\n")
    whole = [before[number_of(place)] for place in (1, 2)]
    for place, had in zip((1, 2), whole, strict=True):
        assert f"{number_of(place)}  {had:g} -> {had + SINGLE.points:g}  ({SINGLE.id} 0 -> {SINGLE.points:g})" in said
    assert "2 candidates get other marks." in said
    assert totals(exam) == before
    assert "Only the group lead" in act(exam, "sign", by="teacher01")
    assert act(exam, "sign") == "Version 2 of the key is in force; the marks of 2 candidates changed.\n"
    changed = {number_of(place): SINGLE.points for place in (1, 2)}
    assert totals(exam) == {number: had + changed.get(number, 0) for number, had in before.items()}
    assert act(exam, "sign") == "Error: No change of the key is waiting to be signed.\n"

    marks = MarkStore(store_url(home_of(exam)))
    first, second = marks.sheets(exam.id, 1), marks.sheets(exam.id, 2)
    marks.close()
    assert [first[number_of(1)].points[SINGLE.id], second[number_of(1)].points[SINGLE.id]] == [0, SINGLE.points]
    assert key.form_at(exam, "A", 1).item(SINGLE.id) == SINGLE
    store = SittingStore(store_url(home_of(exam)))
    assert store.verify() is None
    [signed] = [entry for entry in store.audit(exam.id) if entry.act == "sign"]
    store.close()
    assert (signed.actor, signed.detail["version"]) == (LEAD, 2)
    assert signed.detail["changes"] == {SINGLE.id: {"accepted": [OTHER]}}


def test_stock_autograde_marks_by_the_new_key_too(exam: Exam) -> None:
    act(exam, "mark")
    propose(exam, f"{SINGLE.id}: {{accepted: [{OTHER}]}}\n{NUMBER.id}: {{void: true}}\n")
    act(exam, "sign")
    ours = totals(exam)
    assert ours[number_of(4)] == NUMBER.points
    course = course_of(exam)
    with gradebook.opened(course) as book:
        for student in book.students:
            book.remove_student(student.id)
    command = [sys.executable, "-m", "nbgrader", "autograde", exam.id, "--force"]
    done = subprocess.run(command, cwd=course, capture_output=True, text=True, timeout=MOST_S)
    assert done.returncode == 0, done.stderr[-2000:]
    assert totals(exam) == ours


@pytest.fixture
def open_marks(tmp_path: Path) -> Exam:
    """An exam whose second question people mark and whose third a run does; the last candidate left all blank."""
    sheets: list[dict[str, Any]] = [
        {SINGLE.id: SINGLE.key, SHORT.id: "肺部听诊", CODE.id: CODE.solution},
        {SINGLE.id: OTHER, SHORT.id: "  ", CODE.id: "raise ValueError"},
        {},
    ]
    return sat_exam(tmp_path, "open", [SINGLE, SHORT, CODE], sheets)


def test_what_people_and_runs_give_is_among_what_a_ruling_changes(open_marks: Exam) -> None:
    """Whoever signs sees all whose marks may change, also where nobody knows yet to what."""
    exam, sure, open_ = open_marks, "{} candidates get other marks.\n", "The marks of {} more may change"
    act(exam, "mark")
    said = propose(exam, f"{SHORT.id}: {{void: true}}\n")
    assert f"({SHORT.id} ? -> {SHORT.points:g})" in lines_of(said)[number_of(0)]
    for place in (1, 2):
        assert f"({SHORT.id} 0 -> {SHORT.points:g})" in lines_of(said)[number_of(place)]
    assert sure.format(2) in said
    assert open_.format(1) in said
    assert "the marks of 3 candidates changed" in act(exam, "sign")

    said = propose(exam, f"{SHORT.id}: {{void: false}}\n")
    assert f"({SHORT.id} {SHORT.points:g} -> ?)" in lines_of(said)[number_of(0)]
    assert f"({SHORT.id} {SHORT.points:g} -> 0)" in lines_of(said)[number_of(1)]

    said = propose(exam, f"{SHORT.id}: {{model_answer: 另一种答法}}\n")
    assert lines_of(said).keys() == set()  # it is void: nobody marks it

    said = propose(exam, json.dumps({CODE.id: {"tests": CODE.tests + "\nassert True"}}))
    assert f"({CODE.id} {CODE.points:g} -> ?)" in lines_of(said)[number_of(0)]
    assert f"({CODE.id} 0 -> ?)" in lines_of(said)[number_of(1)]
    assert number_of(2) not in lines_of(said)  # nothing to run
    assert sure.format(0) in said
    assert open_.format(2) in said


def lines_of(said: str) -> dict[str, str]:
    """What `propose` says of each candidate."""
    return {line.split()[0]: line for line in said.splitlines() if line.startswith("2026")}


def test_a_rubric_shows_whose_answers_are_marked_anew(open_marks: Exam) -> None:
    act(open_marks, "mark")
    said = propose(open_marks, f"{SHORT.id}: {{model_answer: 另一种答法}}\n")
    assert f"({SHORT.id} ? -> ?)" in lines_of(said)[number_of(0)]
    assert len(lines_of(said)) == 1


def test_no_ruling_is_shown_over_a_part_of_the_marks(exam: Exam) -> None:
    """As when marking by the version before was stopped: who is not marked by it would be left out."""
    act(exam, "mark")
    propose(exam, f"{SINGLE.id}: {{accepted: [{OTHER}]}}\n")
    waiting = key.proposed(exam)
    assert waiting is not None
    key.sign(exam, waiting, LEAD, datetime.now(UTC))
    refused = "Error: 5 sittings are not marked yet: mark them first.\n"
    assert propose(exam, f"{NUMBER.id}: {{void: true}}\n") == refused
    act(exam, "mark")
    assert "4 candidates get other marks." in propose(exam, f"{NUMBER.id}: {{void: true}}\n")
    key.sign(exam, key.Proposal(LEAD, "补", {SPOT.id: {"void": True}}, ""), LEAD, datetime.now(UTC))
    key.propose(exam, key.Proposal(LEAD, "补", {NUMBER.id: {"void": True}}, ""))
    assert act(exam, "sign") == refused


def test_who_is_annulled_is_not_among_those_whose_marks_change(exam: Exam) -> None:
    act(exam, "mark")
    store = SittingStore(store_url(home_of(exam)))
    store.attend(exam.id, [number_of(0)], "annulled", LEAD, {"reason": "替考"}).result()
    store.close()
    said = propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n")
    assert lines_of(said).keys() == {number_of(1), number_of(2)}


def test_what_was_shown_is_what_is_signed(exam: Exam) -> None:
    act(exam, "mark")
    propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n")
    store = SittingStore(store_url(home_of(exam)))
    store.attend(exam.id, [number_of(1)], "annulled", LEAD, {"reason": "替考"}).result()
    store.close()
    assert "are others by now than were shown" in act(exam, "sign")
    assert key.newest(exam) == key.FIRST


def test_only_the_ruling_that_was_shown_is_signed(exam: Exam) -> None:
    """Another one that changes the same marks, here none, is not; and none takes its place while it is being signed."""
    act(exam, "mark")
    fourth, fifth = (letter for letter in SINGLE.letters if letter not in (SINGLE.key, OTHER, THIRD))
    propose(exam, f"{SINGLE.id}: {{accepted: [{fourth}]}}\n")
    shown = key.proposed(exam)
    assert shown is not None
    with held(exam.folder / AT_WORK):
        refused = propose(exam, f"{SINGLE.id}: {{accepted: [{fifth}]}}\n")
    assert refused == "Error: Other work on this exam is under way. Try again when it is done.\n"
    assert key.proposed(exam) == shown
    key.propose(exam, replace(shown, changes={SINGLE.id: {"accepted": [fifth]}}))
    assert "are others by now than were shown" in act(exam, "sign")
    assert key.newest(exam) == key.FIRST


def test_whose_time_runs_out_while_notebooks_are_made_is_the_next_runs_business(
    open_marks: Exam, monkeypatch: pytest.MonkeyPatch
) -> None:
    submitted_at = SittingStore.submitted_at
    asked: list[int | None] = []

    def all_but_one_at_first(store: SittingStore, exam: str) -> dict[str, int]:
        closed = submitted_at(store, exam)
        asked.append(closed.pop(number_of(0)) if not asked else None)
        return closed

    monkeypatch.setattr(SittingStore, "submitted_at", all_but_one_at_first)
    assert act(open_marks, "mark").startswith("2 sittings were marked;")
    assert act(open_marks, "mark").startswith("3 sittings were marked;")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("{}\n", "Nothing is changed"),
        (f"{SINGLE.id}: {{key: {SINGLE.key}}}\n", "that is its key already"),
        (f"{SINGLE.id}: {{stem: 别的}}\n", "a ruling cannot change stem"),
        (f"{SINGLE.id}: {{key: Z}}\n", "is not one of the options"),
        (f"{SEVERAL.id}: {{accepted: [A]}}\n", f"{SEVERAL.id}: "),
        (f"{SINGLE.id}: {{accepted: [{SINGLE.key}]}}\n", "are other letters of its options"),
        ("nothing: {void: true}\n", "has no item 'nothing'"),
        (f"{SINGLE.id}: {{accepted: [[]]}}\n", "are other letters of its options"),
        (f"{SINGLE.id}: {{void: 1}}\n", "void is true or false"),
    ],
)
def test_a_ruling_that_is_none_is_refused_in_one_sentence(exam: Exam, changes: str, said: str) -> None:
    output = propose(exam, changes)
    assert output.startswith("Error: ")
    assert said in output
    assert key.proposed(exam) is None


def test_results_and_feedback_follow_the_key(exam: Exam) -> None:
    """After the release, signing releases anew; before it feedback is refused, and it never holds a key."""
    act(exam, "mark")
    assert "feedback would tell them before" in act(exam, "feedback")
    act(exam, "release")
    assert act(exam, "feedback") == f"{len(SHEETS)} feedback pages were made.\n"
    assert act(exam, "feedback") == "0 feedback pages were made.\n"
    page = course_of(exam) / "feedback" / number_of(1) / exam.id / f"{exam.id}.html"
    assert "HIDDEN" not in page.read_text(encoding="utf-8")
    propose(exam, f"{SINGLE.id}: {{key: {OTHER}}}\n")
    said = act(exam, "sign")
    assert "are released." in said
    assert "3 feedback pages were made." in said  # one right before, two right now
    found = exam_in(exam.folder.parent, exam.id)
    seen = release.result(exam.folder, lambda version: key.form_at(found, "A", version), number_of(1))
    assert seen is not None
    assert (seen.items[0].points, seen.items[0].key) == (SINGLE.points, (OTHER,))
    assert f"Score: {totals(exam)[number_of(1)]:g}" in page.read_text(encoding="utf-8").replace(".0", "")


def sheets_in(exam: Exam) -> dict[str, int]:
    """How many grades nbgrader has of each candidate."""
    with gradebook.opened(course_of(exam)) as book:
        query = (
            sa.select(api.SubmittedAssignment.student_id, sa.func.count())
            .join(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .join(api.Grade, api.Grade.notebook_id == api.SubmittedNotebook.id)
            .group_by(api.SubmittedAssignment.student_id)
        )
        return dict(book.db.execute(query).all())


def start(exam: Exam) -> subprocess.Popen[bytes]:
    environment = {"XINGLIN_HOME": str(home_of(exam)), "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", IN_BATCHES + RUN, "exam", "mark", exam.id, "--by", LEAD]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def wait_for(wanted, running: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + MOST_S
    while not wanted():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.fixture
def large(tmp_path: Path) -> Exam:
    """More candidates than one batch has."""
    return sat_exam(tmp_path, "large", ITEMS, [SHEETS[place % len(SHEETS)] for place in range(MANY)])


def test_a_run_that_is_killed_or_stopped_leaves_nobody_half_and_the_next_goes_on(large: Exam) -> None:
    marks = MarkStore(store_url(home_of(large)))
    killed = start(large)
    wait_for(lambda: marks.marked(large.id, key.FIRST), killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    held = sheets_in(large)
    assert set(held.values()) == {len(ITEMS)}
    assert 0 < len(held) < MANY
    assert work.under_way(large.folder) is None

    marks.close()

    stopped = start(large)
    wait_for(lambda: (work.under_way(large.folder) or {}).get("stage") == "Notebooks", stopped)
    assert "Other work on this exam is under way" in act(large, "mark")
    work.stop(large.folder)
    _, said = stopped.communicate(timeout=MOST_S)
    assert b"What was done is kept" in said
    assert sheets_in(large) == {number_of(place): len(ITEMS) for place in range(MANY)}
    assert len(list((course_of(large) / "autograded").glob("*/*/timestamp.txt"))) < MANY

    assert act(large, "mark") == f"{MANY} sittings were marked; 0 answers await a marker.\n"
    shown = list((course_of(large) / "autograded").glob("*/*/*.ipynb"))
    assert len(shown) == MANY
    json.loads(shown[-1].read_text(encoding="utf-8"))
    store = SittingStore(store_url(home_of(large)))
    marked: list[Any] = [entry.detail["sheets"] for entry in store.audit(large.id) if entry.act == "marked"]
    assert store.verify() is None
    store.close()
    assert sum(marked) == MANY


def test_export_agrees(exam: Exam) -> None:
    act(exam, "mark")
    command = [sys.executable, "-m", "nbgrader", "export", "--to", "grades.csv"]
    subprocess.run(command, cwd=course_of(exam), check=True, capture_output=True, timeout=MOST_S)
    with (course_of(exam) / "grades.csv").open() as file:
        exported = {row["student_id"]: float(row["score"]) for row in csv.DictReader(file)}
    assert exported == totals(exam)
