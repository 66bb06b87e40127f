import os

from exams import roster
from exams.exam import FILE, ROSTER
from exams.hall import Hall
from exams.items import load_bank
from tests.support.exam_host import BANK, CANDIDATES, furnish
from tests.support.narrowing import present


def test_a_file_is_read_again_when_it_changes_and_not_before(tmp_path):
    furnish(tmp_path)
    hall = Hall(tmp_path / "exams")
    exam = present(hall.exam("joint"))
    assert hall.exam("joint") is exam
    assert hall.paper(exam, "A") is hall.paper(exam, "A")
    assert set(hall.candidates(exam)) == {candidate.user for candidate in CANDIDATES}
    roster.write(tmp_path / "exams" / "joint" / ROSTER, CANDIDATES[:1])
    assert set(hall.candidates(exam)) == {"student01"}


def test_a_file_that_turns_wrong_stops_nobody_in_the_exam(tmp_path):
    furnish(tmp_path)
    hall = Hall(tmp_path / "exams")
    exam = present(hall.exam("joint"))
    candidates = hall.candidates(exam)
    (tmp_path / "exams" / "joint" / ROSTER).write_text("number,us")
    (tmp_path / "exams" / "joint" / FILE).write_text("title = ")
    assert hall.exam("joint") == exam
    assert hall.candidates(exam) == candidates


def test_an_exam_that_cannot_be_read_hides_only_itself(tmp_path):
    furnish(tmp_path)
    (tmp_path / "exams" / "other" / FILE).write_text("title = ")
    furnish(tmp_path, "unfinished")
    (tmp_path / "exams" / "unfinished" / ROSTER).unlink()
    (tmp_path / "exams" / "other" / FILE).write_text("title = ")
    hall = Hall(tmp_path / "exams")
    assert [exam.id for exam in hall.exams()] == ["joint"]
    assert hall.exam("../joint") is None
    assert hall.exam("nowhere") is None


def test_a_paper_shows_no_key_of_any_item_of_the_bank(tmp_path):
    furnish(tmp_path)
    hidden = {"key", "rationale", "rubric", "tolerance", "model_answer", "example", "source"}
    for item in load_bank(BANK):
        assert not hidden & set(item.public())
        assert item.rationale not in str(item.public())
    assert os.stat(tmp_path / "exams" / "joint" / "A.json").st_mode & 0o077 == 0
