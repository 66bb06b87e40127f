"""What the portal shows: progress of labs, a class at a glance, exams in the order in which they matter."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from courses.catalogue import Catalogue, Course, Lab, Task, Text
from exams import release, roster
from exams.change import Origin
from exams.exam import Exam, Session
from exams.form import Form
from exams.items import load_bank
from exams.roster import Candidate
from exams.sitting import SittingStore
from exams.timing import Allowance
from hub.exam_cards import ExamCard, Examinations, next_first, phase_of
from hub.people import Person, Role
from hub.portal import class_overview, lab_cards
from tests.support.exam_host import store_url

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
ZONE = ZoneInfo("Asia/Shanghai")
NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)


def both(word):
    return Text(f"{word}·中", f"{word} en")


def lab(course, name, *tasks):
    return Lab(course, name, both(name), both("why"), 20, tuple(Task(task, both(task)) for task in tasks))


CATALOGUE = Catalogue(
    (
        Course("c1", both("c1"), 1, (lab("c1", "01_a", "x", "y"), lab("c1", "02_b"))),
        Course("c2", both("c2"), 2, (lab("c2", "01_a", "x"),)),
    )
)
TASKS = ["c1/01_a#x", "c1/01_a#y", "c2/01_a#x", "c1/01_a#gone", "gone/01_a#x"]


def test_cards_are_in_the_language_asked_for():
    zh, en = lab_cards(CATALOGUE, set(), "zh"), lab_cards(CATALOGUE, set(), "en")
    assert [course.title for course in zh] == ["c1·中", "c2·中"]
    assert en[0].labs[0].title == "01_a en"
    assert en[0].labs[0].url == "/services/apps/voila/render/c1/01_a.ipynb"


@given(st.sets(st.sampled_from(TASKS)))
def test_progress_counts_the_labs_own_tasks_alone(done):
    first, empty, other = (card for course in lab_cards(CATALOGUE, done, "zh") for card in course.labs)
    assert (first.done, first.total) == (len(done & {"c1/01_a#x", "c1/01_a#y"}), 2)
    assert (empty.done, empty.total) == (0, 0)
    assert (other.done, other.total) == (len(done & {"c2/01_a#x"}), 1)


def test_a_class_at_a_glance_keeps_the_order_of_students_and_labs():
    students = [Person(user, f"学生{user}", "东校", "1", Role.STUDENT) for user in "ba"]
    overview = class_overview(CATALOGUE, students, {"a": {"c2/01_a#x"}, "b": {"c1/01_a#x", "c1/01_a#y"}}, "zh")
    assert overview.labs == (("01_a·中", 2), ("02_b·中", 0), ("01_a·中", 1))
    assert [(row.name, row.done) for row in overview.rows] == [("学生b", (2, 0, 0)), ("学生a", (0, 0, 1))]


def card(name, phase, opens=0, submitted=False):
    return ExamCard(name, name, NOW + opens * HOUR, NOW + (opens + 2) * HOUR, 60, phase, submitted)


def test_what_is_still_to_be_done_comes_first():
    cards = [
        card("over", "over", -9),
        card("later", "upcoming", 5),
        card("handed in", "open", -1, submitted=True),
        card("soon", "upcoming", 1),
        card("open", "open", -1),
    ]
    assert [one.id for one in next_first(cards)] == ["open", "soon", "later", "over", "handed in"]


@given(st.integers(-100, 100))
def test_an_exam_is_open_from_its_opening_until_just_before_its_closing(minutes):
    expected = "upcoming" if minutes < 0 else "open" if minutes < 60 else "over"
    assert phase_of(NOW, NOW + HOUR, NOW + timedelta(minutes=minutes)) == expected


@pytest.fixture
def home(tmp_path):
    return tmp_path


def keep(home, name="dx-1", opens=NOW - HOUR, closes=NOW + HOUR):
    """An exam of two candidates on disk."""
    exam = Exam(name, "diagnostics", "联考", opens, closes, 60, "lead01", ("东校",), ("A",), home / "exams" / name)
    exam.save()
    exam.save_form(Form("A", name, load_bank(BANK)[:2]))
    candidates = [Candidate(f"N{number}", f"student0{number}", "学生", "东校", "A") for number in (1, 2)]
    roster.write(exam.folder / "roster.csv", candidates)
    return exam


def test_a_candidate_sees_their_exams_in_the_time_of_the_place(home):
    keep(home, "dx-2", NOW + HOUR, NOW + 3 * HOUR)
    exam = keep(home)
    first, second = Examinations(home, store_url(home)).of_candidate("student01", NOW, ZONE)
    assert (first.id, first.phase, first.submitted, first.released, first.points) == (
        "dx-1",
        "open",
        False,
        False,
        None,
    )
    assert (second.id, second.phase) == ("dx-2", "upcoming")
    assert first.opens == exam.opens
    assert first.opens.utcoffset() == timedelta(hours=8)
    assert first.url == "/services/exams/dx-1/"
    assert Examinations(home, store_url(home)).of_candidate("outsider", NOW, ZONE) == []


def test_a_candidate_sees_the_window_of_their_session(home):
    exam = keep(home, closes=NOW + 3 * HOUR)
    replace(exam, sessions=(Session("pm", NOW + HOUR, NOW + 2 * HOUR, ("东校",)),)).save()
    (card,) = Examinations(home, store_url(home)).of_candidate("student01", NOW, ZONE)
    assert (card.phase, card.opens, card.closes) == ("upcoming", NOW + HOUR, NOW + 2 * HOUR)
    assert Examinations(home, store_url(home)).watched(None, NOW, ZONE)[0].opens == NOW - HOUR


def test_an_exam_handed_in_says_so_to_who_handed_it_in(home):
    exam = keep(home)
    store = SittingStore(f"sqlite:///{home / 'exams' / 'exams.sqlite'}")
    allowance = Allowance(60, int(exam.closes.timestamp() * 1000))
    store.enter(
        "dx-1", "N1", "A", 1, allowance, seat="s", actor="student01", origin=Origin("here", "::1", "test")
    ).result()
    examinations = Examinations(home, store_url(home))
    assert not examinations.of_candidate("student01", NOW, ZONE)[0].submitted
    store.submit("dx-1", "N1", "s", 0, "student01").result()
    store.close()
    assert examinations.of_candidate("student01", NOW, ZONE)[0].submitted
    assert not examinations.of_candidate("student02", NOW, ZONE)[0].submitted


def test_points_are_seen_after_the_release_and_never_before(home):
    exam = keep(home)
    items = exam.form("A").items
    folder = exam.folder / release.FOLDER
    folder.mkdir()
    marks = [{"item": item.id, "points": item.points, "comment": ""} for item in items]
    (folder / "N1.json").write_text(json.dumps(marks))  # prepared, but nobody has released it
    examinations = Examinations(home, store_url(home))
    assert examinations.of_candidate("student01", NOW, ZONE)[0].points is None
    assert not examinations.watched(None, NOW, ZONE)[0].released
    release.release(exam.folder, {"N1": [SimpleNamespace(**mark) for mark in marks]}, "lead01", NOW, 1)
    own = examinations.of_candidate("student01", NOW, ZONE)[0]
    whole = sum(item.points for item in items)
    assert (own.released, own.points, own.maximum) == (True, whole, whole)
    assert not examinations.of_candidate("student02", NOW, ZONE)[0].released  # has no marks
    assert examinations.watched(None, NOW, ZONE)[0].released


@pytest.mark.parametrize("text", [None, "number\n"])
def test_an_exam_with_a_broken_roster_takes_no_other_exam_away(home, text):
    broken = keep(home, "dx-0").folder / "roster.csv"
    broken.unlink() if text is None else broken.write_text(text)
    keep(home)
    examinations = Examinations(home, store_url(home))
    assert [one.id for one in examinations.of_candidate("student01", NOW, ZONE)] == ["dx-1"]
    assert [one.id for one in examinations.watched(None, NOW, ZONE)] == ["dx-1"]
