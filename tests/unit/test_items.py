"""Items and forms: what a bank file may say, what a candidate may see."""

import json
from pathlib import Path

import pytest

from exams.documents import DocumentError
from exams.form import Form
from exams.items import TYPES, load_bank, load_file

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"

SOUND = """\
subject: diagnostics
topic: laboratory
groups:
  - id: g1
    options: {A: one, B: two, C: three, D: four}
items:
  - id: i1
    type: A1
    level: recall
    difficulty: 0.8
    points: 1
    stem: Which?
    options: {A: one, B: two, C: three, D: four, E: five}
    key: B
    rationale: Because.
    source: Chapter 1
  - {id: i2, type: B1, group: g1, level: recall, difficulty: 0.8, points: 1, stem: s, key: A, rationale: r, source: x}
  - {id: i3, type: B1, group: g1, level: recall, difficulty: 0.8, points: 1, stem: s, key: B, rationale: r, source: x}
"""


def refusal(tmp_path: Path, text: str) -> str:
    path = tmp_path / "bank.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DocumentError) as caught:
        load_file(path)
    return str(caught.value).removeprefix(f"{path}:")


def test_a_sound_file_loads(tmp_path: Path) -> None:
    path = tmp_path / "bank.yaml"
    path.write_text(SOUND, encoding="utf-8")
    first, second, third = load_file(path)
    assert (first.key, first.letters, first.topic) == ("B", ("A", "B", "C", "D", "E"), "laboratory")
    assert second.group is third.group
    assert second.options[0] == ("A", "one")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    key: B\n", "    key: F\n", "14: The key 'F' is not one of the options A, B, C, D, E."),
        ("    source: Chapter 1", "    sauce: Chapter 1", "7: The field 'source' is missing."),
        ("    points: 1\n", "    points: 1\n    colour: red\n", "12: The field 'colour' is unknown here; known are"),
        ("    points: 1\n", "    points: one\n", "11: The field 'points' must be a number, not 'one'."),
        ("    points: 1\n", "    points: 0.3\n", "11: Points are multiples of 0.5."),
        ("    points: 1\n", "    points: .nan\n", "11: The field 'points' must be a finite number greater than 0."),
        ("    difficulty: 0.8\n", "    difficulty: 80\n", "10: The difficulty is the share"),
        ("    level: recall\n", "    level: remember\n", "9: 'remember' is not one of recall, apply, analyse."),
        ("    type: A1\n", "    type: A9\n", "8: 'A9' is not one of A1, A2"),
        ("    stem: Which?\n", "    stem: '  '\n", "12: The field 'stem' is blank."),
        ("  - {id: i2", "  - {id: i1", "17: The item id 'i1' stands here twice."),
        (", E: five", "", "13: Options are lettered A, B, C, ... in order, 5 of them."),
        ("E: five", "F: five", "13: Options are lettered A, B, C, ... in order, 5 of them."),
        ("E: five", "E: four", "13: Two options say the same."),
        ("group: g1", "group: g9", "17: There is no group 'g9' in this file."),
        ("    stem: Which?\n", "    stem: Which?\n    stem: That?\n", "13: A field stands here twice"),
        ("    key: B\n", "    key: [B\n", "15: This is not valid YAML"),
        ("  - {id: i3", "  - {id: i3, zzz: 1", "18: The field 'zzz' is unknown here"),
        ("    type: A1\n", "    type: A3\n", "7: The field 'group' is missing."),
        ("    options: {A: one, B: two, C: three, D: four}\n", "    stem: s\n", "17: B1 items share options: see g1."),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = SOUND.replace(old, new, 1)
    assert text != SOUND
    assert refusal(tmp_path, text).startswith(said)


def test_an_id_in_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(SOUND, encoding="utf-8")
    (tmp_path / "b.yaml").write_text(SOUND, encoding="utf-8")
    with pytest.raises(DocumentError, match=r"b\.yaml:\d+: The id '(i1|g1)' stands in a\.yaml too\."):
        load_bank(tmp_path)


def test_an_empty_bank_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="There are no bank files"):
        load_bank(tmp_path)


def test_nothing_secret_is_public() -> None:
    items = load_bank(BANK)
    assert {item.type for item in items} == set(TYPES) - {"A4"} or {item.type for item in items} == set(TYPES)
    for item in items:
        shown = json.dumps(item.public(), ensure_ascii=False)
        assert not {"key", "rationale", "rubric", "tolerance", "example", "model_answer"} & item.public().keys()
        secrets = [item.rationale, item.model_answer, *(text for _, text in item.rubric)]
        if item.asset and item.asset["kind"] == "ecg":
            secrets.append(item.asset["rhythm"])
        assert not [secret for secret in secrets if secret and secret in shown]


def test_a_form_comes_back_as_it_was_saved(tmp_path: Path) -> None:
    form = Form("A", "exam-1", load_bank(BANK))
    path = tmp_path / "exam-1" / "A.json"
    form.save(path)
    assert Form.load(path) == form
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_form_that_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match="The form cannot be read"):
        Form.load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text('{"id": "A", "exam": "e", "items": [{"id": "x"}]}')
    with pytest.raises(DocumentError, match=r"bad\.json: items\[0\]: The field 'type' is missing\."):
        Form.load(tmp_path / "bad.json")
