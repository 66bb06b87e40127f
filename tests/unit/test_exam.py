"""Exams, rosters and releases on disk."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams import release, roster
from exams.documents import DocumentError
from exams.exam import Exam, Session, exam_in, exams_in
from exams.form import Form
from exams.gradebook import Result
from exams.hall import Hall
from exams.items import load_bank
from exams.roster import Candidate
from tests.support.properties import examples

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
NOW = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
CANDIDATES = (
    Candidate("N1", "student01", "学生01", "东校", "A", 10),
    Candidate("N2", "student02", "学生02", "西校", "A"),
)


def exam(folder: Path, **changes: object) -> Exam:
    plain = {"id": folder.name, "course": "diagnostics", "title": '联考 "一" \\', "opens": NOW, "minutes": 60}
    plain |= {"closes": NOW + timedelta(hours=2), "lead": "lead01", "schools": ("东校", "西校"), "forms": ("A",)}
    return Exam(**{**plain, **changes}, folder=folder)  # type: ignore[arg-type]


@pytest.fixture
def kept(tmp_path: Path) -> Exam:
    made = exam(tmp_path / "dx-1")
    made.save()
    made.save_form(Form("A", "dx-1", load_bank(BANK)[:3]))
    roster.write(made.folder / "roster.csv", CANDIDATES)
    return made


def test_an_exam_comes_back_as_it_was_saved(kept: Exam, tmp_path: Path) -> None:
    assert exams_in(tmp_path) == (kept,)
    assert exam_in(tmp_path, "dx-1").roster() == CANDIDATES
    assert kept.form("A").items == load_bank(BANK)[:3]


@pytest.mark.parametrize("name", ["dx-2", "../dx-1", "", "DX-1"])
def test_an_exam_that_is_not_there_is_refused(kept: Exam, tmp_path: Path, name: str) -> None:
    with pytest.raises(DocumentError, match=r"There is no exam .*; there are: dx-1"):
        exam_in(tmp_path, name)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("minutes = 60", "minutes = 0", "minutes: The field 'minutes' must be at least 1"),
        ("2026-11-22T02:30:00+00:00", "2026-11-22T02:30:00", "opens: The field 'opens' needs its offset from UTC"),
        ("2026-11-22T04:30:00+00:00", "2026-11-22T02:30:00+00:00", "The exam closes after it opens"),
        ('id = "dx-1"', 'id = "dx-2"', "The id is the folder's name"),
        ('forms = ["A"]', "forms = []", "An exam has at least one form"),
        ('forms = ["A"]', "forms = [1]", "The field 'forms' is a list of texts"),
        ("minutes = 60", "minutes = 60\nroom = 1", "The field 'room' is unknown here"),
        ("minutes = 60", "minutes 60", "The exam cannot be read"),
        ("checkin = false", "checkin = 0", "The field 'checkin' must be true or false"),
        ("seb_keys = []", 'seb_keys = ["abc"]', "A Config Key of Safe Exam Browser is 64 digits"),
        ("late_minutes = 0", "late_minutes = -1", "must be at least 0"),
    ],
)
def test_a_wrong_exam_is_refused(kept: Exam, old: str, new: str, said: str) -> None:
    path = kept.folder / "exam.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    with pytest.raises(DocumentError, match=said):
        Exam.load(kept.folder)


HOUR = timedelta(hours=1)
SESSIONS = (Session("am", NOW, NOW + HOUR, ("东校",)), Session("pm", NOW + HOUR, NOW + 2 * HOUR))


def test_rules_and_sessions_come_back_as_they_were_saved(tmp_path: Path) -> None:
    rules = {"sessions": SESSIONS, "checkin": True, "late_minutes": 30, "seb_keys": ("0a" * 32,)}
    made = exam(tmp_path / "dx-2", **rules)
    made.save()
    assert Exam.load(made.folder) == made


def test_a_candidate_sits_in_the_session_of_the_roster_or_of_the_school(tmp_path: Path) -> None:
    made = exam(tmp_path / "dx-2", sessions=SESSIONS)
    east, west = CANDIDATES
    assert made.window(east) == (NOW, NOW + HOUR)
    assert made.window(replace(west, session="pm")) == (NOW + HOUR, NOW + 2 * HOUR)
    assert made.window(replace(east, session="pm")) == (NOW + HOUR, NOW + 2 * HOUR)
    ended = replace(made, closes=NOW + HOUR / 2)  # ended early, for all
    assert ended.window(east) == (NOW, NOW + HOUR / 2)
    made.save()
    roster.write(made.folder / "roster.csv", CANDIDATES)
    with pytest.raises(DocumentError, match="Candidate N2 has no session"):
        made.roster()


@pytest.mark.parametrize(
    ("sessions", "said"),
    [
        ((SESSIONS[0], SESSIONS[0]), "Two sessions have the same id"),
        ((SESSIONS[0], replace(SESSIONS[1], schools=("东校",))), "东校 is in two sessions"),
        ((replace(SESSIONS[0], opens=NOW - HOUR),), "am opens within the exam"),
        ((replace(SESSIONS[0], closes=NOW),), "am opens within the exam"),
    ],
)
def test_wrong_sessions_are_refused(tmp_path: Path, sessions: tuple[Session, ...], said: str) -> None:
    made = exam(tmp_path / "dx-2", sessions=sessions)
    made.save()
    with pytest.raises(DocumentError, match=said):
        Exam.load(made.folder)


def test_a_spreadsheet_reads_the_roster(kept: Exam) -> None:
    assert (
        (kept.folder / "roster.csv").read_bytes().startswith(b"\xef\xbb\xbfnumber,user,name,school,form,extra_minutes")
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("number,user\n", r"roster\.csv:1: The first line must be number,user,name,school,form,extra_minutes"),
        ("N1,u1,n,s,A,0\nN1,u2,n,s,A,0\n", r"roster\.csv:3: This number or user stands here twice"),
        ("N1,u1,n,s,A,0\nN2,u1,n,s,A,0\n", r"roster\.csv:3: This number or user stands here twice"),
        ("N1,u1,n,s,A\n", r"roster\.csv:2: A line has 6 fields"),
        ("N1,u1,n,s,A,0,x\n", r"roster\.csv:2: A line has 6 fields"),
        ("../N1,u1,n,s,A,0\n", r"roster\.csv:2: Every line needs a number"),
        ("N1,u1,n,s,A,-5\n", r"roster\.csv:2: Extra minutes are a whole number, not '-5'"),
        ("N1,u1,n,s,B,0\n", "has the form 'B', which the exam does not have"),
    ],
)
def test_a_wrong_roster_is_refused(kept: Exam, text: str, said: str) -> None:
    header = "" if text.startswith("number") else "number,user,name,school,form,extra_minutes\n"
    (kept.folder / "roster.csv").write_text(header + text)
    with pytest.raises(DocumentError, match=said):
        kept.roster()


def test_a_roster_in_the_encoding_of_a_chinese_windows_is_refused_with_what_to_do(kept: Exam) -> None:
    text = "number,user,name,school,form,extra_minutes\nN1,u1,学生,东校,A,0\n"
    (kept.folder / "roster.csv").write_bytes(text.encode("gb18030"))
    with pytest.raises(DocumentError, match=r"roster\.csv: .*in Excel, save it as CSV UTF-8"):
        kept.roster()


def test_rows_of_commas_below_the_last_candidate_are_no_candidates(kept: Exam) -> None:
    before = kept.roster()
    with (kept.folder / "roster.csv").open("a", encoding="utf-8") as file:
        file.write(",,,,,\r\n,,,,,\r\n")
    assert kept.roster() == before


words = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12).filter(
    lambda word: word == word.strip()
)


@examples(30)
@given(names=st.lists(words, min_size=1, max_size=5))
def test_any_name_survives_the_roster(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = tmp_path_factory.mktemp("roster") / "roster.csv"
    candidates = tuple(Candidate(f"N{place}", f"u{place}", name, name, "A") for place, name in enumerate(names))
    roster.write(path, candidates)
    assert roster.read(path) == candidates


def test_nothing_is_seen_before_release_and_all_after(kept: Exam) -> None:
    form = kept.form("A")
    assert release.result(kept.folder, lambda _: form, "N1") is None
    marks = [Result(item.id, item.points, False, item.points, "好") for item in form.items]
    release.release(kept.folder, {"N1": marks}, "lead01", NOW, 1)
    made = release.released(kept.folder)
    assert made is not None
    assert (made.by, made.at, made.key) == ("lead01", NOW, 1)
    seen = release.result(kept.folder, lambda _: form, "N1")
    assert seen is not None
    assert (seen.points, seen.maximum, seen.at) == (form.maximum, form.maximum, NOW)
    assert [one.item for one in seen.items] == [item.public() for item in form.items]
    assert [one.rationale for one in seen.items] == [item.rationale for item in form.items]
    assert [one.key for one in seen.items] == [release.key(item) for item in form.items]
    assert release.result(kept.folder, lambda _: form, "N2") is None
    assert release.result(kept.folder, lambda _: form, "../../x") is None
    assert {path.stat().st_mode & 0o777 for path in (kept.folder / "released").rglob("*.json")} == {0o600}


def test_a_release_is_there_as_a_whole_or_not_at_all(kept: Exam) -> None:
    """One that ends early leaves that of before, and nothing of it is left after the next."""
    form = kept.form("A")

    def all_given(points: float) -> list[Result]:
        return [Result(item.id, points, False, item.points, "") for item in form.items]

    def seen() -> set[float]:
        own = release.result(kept.folder, lambda _: form, "N1")
        return set() if own is None else {one.points for one in own.items}

    ends_early: dict[str, Any] = {"N1": all_given(1.0), "N2": [None]}
    for version in (1, 2, 3):
        before = seen()
        with pytest.raises(AttributeError):
            release.release(kept.folder, ends_early, "lead01", NOW, version)
        assert seen() == before
        release.release(kept.folder, {"N1": all_given(version / 4)}, "lead01", NOW, version)
        assert seen() == {version / 4}
    assert len(list((kept.folder / "released").iterdir())) == 2  # it, and the one before for whoever reads that now


def test_a_release_of_before_releases_had_folders_is_read(kept: Exam) -> None:
    form = kept.form("A")
    (kept.folder / "released").mkdir()
    told = [{"item": item.id, "points": 0.5, "comment": ""} for item in form.items]
    (kept.folder / "released" / "N1.json").write_text(json.dumps(told), encoding="utf-8")
    mark = {"by": "lead01", "at": NOW.isoformat(), "key": 1}
    (kept.folder / "release.json").write_text(json.dumps(mark), encoding="utf-8")
    assert release.kept(kept.folder) == {"N1": told}
    marks = [Result(item.id, item.points, False, item.points, "") for item in form.items]
    release.release(kept.folder, {"N1": marks}, "lead01", NOW, 2)
    seen = release.result(kept.folder, lambda _: form, "N1")
    assert seen is not None
    assert seen.points == form.maximum


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("A1", r"[A-E]"),
        ("B1", r"[A-H]"),
        ("X", r"[A-E](,[A-E])+"),
        ("numeric", r"-?\d\S* ± \d\S* \S.*"),
        ("measurement", r"-?\d\S* ± \d\S* \S.*"),
        ("short", ""),
    ],
)
def test_a_key_reads_as_letters_or_as_a_number_with_its_tolerance(kind: str, shape: str) -> None:
    items = [item for item in load_bank(BANK) if item.type == kind]
    assert items
    assert [item.id for item in items if not re.fullmatch(shape, ",".join(release.key(item)))] == []


def test_the_hall_reads_what_was_kept(kept: Exam, tmp_path: Path) -> None:
    hall = Hall(tmp_path)
    assert hall.exams() == (kept,)
    assert hall.exam("none") is None
    assert hall.candidates(kept)["student01"] == CANDIDATES[0]
    assert list(hall.paper(kept, "A").items) == [item.id for item in kept.form("A").items]
