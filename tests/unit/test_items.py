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
        ("    stem: Which?\n", "    stem: 2026-13-45\n", "12: '2026-13-45' cannot be read: put it in quotes."),
        ("  - {id: i3", "  - {id: i3, zzz: 1", "18: The field 'zzz' is unknown here"),
        ("    type: A1\n", "    type: A3\n", "7: The field 'group' is missing."),
        ("    options: {A: one, B: two, C: three, D: four}\n", "    stem: s\n", "17: B1 items share options: see g1."),
    ],
)
def test_what_is_wrong_is_refused_with_file_and_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    text = SOUND.replace(old, new, 1)
    assert text != SOUND
    assert refusal(tmp_path, text).startswith(said)


@pytest.mark.parametrize("content", ["题干".encode("gb18030"), b"stem: \x07bell"])
def test_a_file_that_is_no_text_is_refused_with_its_name(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bank.yaml").write_bytes(content)
    with pytest.raises(DocumentError, match=r"bank\.yaml: The file cannot be read as UTF-8 text"):
        load_file(tmp_path / "bank.yaml")


MEASURED = """\
subject: diagnostics
topic: imaging
items:
  - id: m1
    type: measurement
    level: apply
    difficulty: 0.5
    points: 2
    stem: Measure.
    asset: {kind: dicom, case: phantom-ct, frame: 3}
    measure: length
    key: 80
    tolerance: 2
    unit: mm
    example: {kind: length, frame: 3, points: [[0, 0], [80, 0]]}
    rationale: r
    source: s
  - id: e1
    type: ecg
    level: apply
    difficulty: 0.5
    points: 1
    stem: Read.
    asset: {kind: ecg, rhythm: sinus, seconds: 10, fs: 500, seed: 1, leads: [II], parameters: {pr: 180}}
    key: 0.18
    tolerance: 0.02
    unit: s
    rationale: r
    source: s
  - id: s1
    type: short
    level: analyse
    difficulty: 0.5
    points: 2
    stem: Say why.
    rubric: [{points: 1, text: a}, {points: 1, text: b}]
    model_answer: a and b
    max_length: 100
    rationale: r
    source: s
"""


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[[0, 0], [80, 0]]", "[[0, 0]]", "15: The example is no measurement: a wrong number of points."),
        ("[[0, 0], [80, 0]]", "[[0, 0], [80, a]]", "15: The example is no measurement: a point is two finite numbers."),
        ("example: {kind: length", "example: {kind: angle", "15: 'angle' is not one of length."),
        ("measure: length", "measure: volume", "11: 'volume' is not one of length, angle, ellipse, probe."),
        ("frame: 3}", "frame: 3, window: [40]}", "10: A window is two numbers: centre and width."),
        ("case: phantom-ct, ", "", "10: The field 'case' is missing."),
        ("tolerance: 2\n", "tolerance: 0\n", "13: The field 'tolerance' must be a finite number greater than 0."),
        ("rhythm: sinus", "rhythm: sinuous", "24: 'sinuous' is not one of sinus, "),
        ("leads: [II]", "leads: [V9]", "24: Leads are some of I, II, "),
        ("{pr: 180}", "{pq: 180}", "24: A tracing of sinus has no 'pq'."),
        ("{points: 1, text: b}", "{points: 2, text: b}", "36: The rubric's points must add up to the item's 2."),
        ("    rubric:", "    key: a\n    rubric:", "36: The field 'key' is unknown here"),
        ("max_length: 100", "max_length: 0", "38: The field 'max_length' must be at least 1."),
        ("id: m1", "id: m 1", "4: The id 'm 1' may hold only letters"),
    ],
)
def test_what_is_wrong_in_other_types_is_refused_too(tmp_path: Path, old: str, new: str, said: str) -> None:
    (tmp_path / "sound.yaml").write_text(MEASURED, encoding="utf-8")
    assert [item.id for item in load_file(tmp_path / "sound.yaml")] == ["m1", "e1", "s1"]
    assert old in MEASURED
    assert refusal(tmp_path, MEASURED.replace(old, new, 1)).startswith(said)


def test_a_tracing_shows_the_leads_asked_for(tmp_path: Path) -> None:
    (tmp_path / "sound.yaml").write_text(MEASURED, encoding="utf-8")
    measured, read, _ = load_file(tmp_path / "sound.yaml")
    assert [lead["name"] for lead in read.signals()["leads"]] == ["II"]
    assert read.public()["asset"] == {"kind": "ecg"}
    with pytest.raises(ValueError, match="Item m1 has no ECG"):
        measured.signals()


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
    assert {item.type for item in items} == set(TYPES)
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
    with pytest.raises(DocumentError, match=r"bad\.json: items\[0\]\.type: The field 'type' is missing\."):
        Form.load(tmp_path / "bad.json")


def test_a_case_that_goes_forward_only_says_so_and_keeps_it(tmp_path: Path) -> None:
    text = SOUND.replace(
        "options: {A: one, B: two, C: three, D: four}\nitems", "stem: A case\n    forward_only: true\nitems"
    )
    options = "options: {A: one, B: two, C: three, D: four, E: five}"
    text = text.replace("type: B1,", "type: A3, " + options + ",")
    (tmp_path / "bank.yaml").write_text(text, encoding="utf-8")
    form = Form("A", "joint", load_file(tmp_path / "bank.yaml"))
    assert [item.public().get("forward_only") for item in form.items] == [None, True, True]
    form.save(tmp_path / "A.json")
    assert Form.load(tmp_path / "A.json") == form


HOTSPOT = """\
subject: imaging
topic: measuring
items:
  - id: h1
    type: hotspot
    level: recall
    difficulty: 0.8
    points: 2
    stem: Where?
    asset: {kind: dicom, case: phantom-ct, frame: 3}
    regions:
      - {circle: [10, 20, 5]}
      - {frames: [2, 4], polygon: [[0, 0], [40, 0], [40, 40]], points: 1}
    rationale: Because.
    source: Chapter 1
"""


def test_a_hotspot_items_regions_stay_on_the_server_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "bank.yaml").write_text(HOTSPOT, encoding="utf-8")
    form = Form("A", "joint", load_file(tmp_path / "bank.yaml"))
    (item,) = form.items
    assert [(one.first, one.last, one.points) for one in item.regions] == [(3, 3, 2.0), (2, 4, 1.0)]
    assert item.public().keys() == {"id", "type", "stem", "options", "asset", "points", "measure"}
    assert "regions" not in json.dumps(item.public())
    form.save(tmp_path / "A.json")
    assert Form.load(tmp_path / "A.json") == form


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[10, 20, 5]", "[10, 20]", "12: A circle is three numbers"),
        ("[10, 20, 5]", "[10, 20, 0]", "12: A circle is three numbers"),
        ("[10, 20, 5]", "[10, 20, 5], points: 1", "11: The best region is worth the item's 2 points"),
        ("[2, 4]", "[4, 2]", "13: The frames are two whole numbers"),
        ("[2, 4]", "[2.5, 4]", "13: The frames are two whole numbers"),
        ("[[0, 0], [40, 0], [40, 40]]", "[[0, 0], [40, 0]]", "13: A polygon is three corners or more"),
        ("[[0, 0], [40, 0], [40, 40]]", "[[0, 0], [40, 0], [80, 0]]", "13: The corners of the polygon lie on one line"),
        ("kind: dicom, case: phantom-ct, frame: 3", "kind: ecg, rhythm: sinus", "10: 'ecg' is not one of dicom"),
    ],
)
def test_a_wrong_region_is_named_with_its_line(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert refusal(tmp_path, HOTSPOT.replace(old, new)).startswith(said)


def test_every_a4_item_goes_forward_only() -> None:
    a4 = [item for item in load_bank(BANK) if item.type == "A4"]
    assert a4
    assert all(item.public()["forward_only"] for item in a4)


def test_items_on_shared_options_do_not_go_forward_only(tmp_path: Path) -> None:
    text = SOUND.replace("  - id: g1\n", "  - id: g1\n    forward_only: true\n")
    assert refusal(tmp_path, text).startswith("5: Only a case goes forward only")
