"""Sealed papers: what a thief of the files has, and who opens them when."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams import sealed
from exams.exam import Exam
from exams.form import Form
from exams.hall import Hall
from exams.items import load_bank
from exams.tickets import printed
from tests.support.properties import examples

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
FORM = Form("A", "dx-1", load_bank(BANK)[:5])


def exam(home: Path, opens_in: timedelta = -timedelta(hours=1)) -> Exam:
    opens = datetime.now(UTC) + opens_in
    times = (opens, opens + timedelta(hours=3))
    made = Exam("dx-1", "dx", "t", *times, 60, "lead01", ("s",), ("A",), home / "exams" / "dx-1")
    made.save()
    return made


def test_a_sealed_paper_opens_with_its_key_to_what_it_was(tmp_path: Path) -> None:
    made, key = exam(tmp_path), sealed.new_key()
    sealed.seal(made, FORM, key)
    assert sealed.waiting(made)
    with pytest.raises(sealed.SealedError, match="its key has not been given"):
        made.form("A")
    sealed.give_key(made, printed(key).lower())  # as it was written down
    assert made.form("A") == FORM
    assert not sealed.waiting(made)
    assert sealed.key_path(made).stat().st_mode & 0o777 == 0o600
    assert Hall(tmp_path / "exams").paper(made, "A").items == {item.id: item for item in FORM.items}


def test_before_the_exam_opens_the_key_opens_nothing(tmp_path: Path) -> None:
    made, key = exam(tmp_path, timedelta(hours=1)), sealed.new_key()
    sealed.seal(made, FORM, key)
    sealed.give_key(made, key)
    with pytest.raises(sealed.SealedError, match="sealed until the exam opens"):
        Hall(tmp_path / "exams").paper(made, "A")
    assert Hall(tmp_path / "exams").size(made, "A") == 5


def test_the_files_tell_nothing_of_the_paper(tmp_path: Path) -> None:
    made = exam(tmp_path)
    sealed.seal(made, FORM, sealed.new_key())
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for item in FORM.items:
        assert item.id.encode() not in kept
        assert json.dumps(item.stem[:6])[1:-1].encode() not in kept
        assert item.stem[:6].encode() not in kept


def test_another_key_another_exam_and_an_altered_file_are_refused(tmp_path: Path) -> None:
    made, key = exam(tmp_path), sealed.new_key()
    sealed.seal(made, FORM, key)
    with pytest.raises(sealed.SealedError, match="does not open form A"):
        sealed.give_key(made, sealed.new_key())
    assert sealed.waiting(made)
    foreign = dataclasses.replace(made, id="dx-2")
    with pytest.raises(sealed.SealedError, match="does not open form A of dx-2"):
        sealed.give_key(foreign, key)
    plain = json.loads(sealed.path_of(made, "A").read_text())
    plain["text"] = plain["text"][:40] + ("B" if plain["text"][40] == "A" else "A") + plain["text"][41:]
    sealed.path_of(made, "A").write_text(json.dumps(plain))
    with pytest.raises(sealed.SealedError, match="the file was altered"):
        sealed.give_key(made, key)


@given(st.integers(0, 27), st.sampled_from("23456789ABCDEFGHJKMNPQRSTUVWXYZ"))
@examples(30)
def test_one_sign_of_the_key_off_opens_nothing(tmp_path_factory: pytest.TempPathFactory, place: int, sign: str) -> None:
    made, key = exam(tmp_path_factory.mktemp("home")), sealed.new_key()
    sealed.seal(made, FORM, key)
    other = key[:place] + sign + key[place + 1 :]
    if other == key:
        sealed.give_key(made, other)
        assert made.form("A") == FORM
    else:
        with pytest.raises(sealed.SealedError):
            sealed.give_key(made, other)
