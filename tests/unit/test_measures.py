"""What exams tell of items: read strictly, kept in the ledger, used by assembly."""

import json
import math
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from exams import assembly, blueprint, ledger, measures
from exams.bankdesk.furnish import PACKAGED
from exams.cli import exam
from exams.documents import DocumentError
from exams.items import load_bank
from exams.ledger import Measured
from tests.support.narrowing import present

BANK = PACKAGED / "diagnostics"
ITEMS = load_bank(BANK)
ROWS = [
    {"item": "dx-ecg-001", "exam": "dx-2027", "candidates": 120, "difficulty": 0.81, "discrimination": 0.34},
    {"item": "dx-ecg-002", "exam": "dx-2027", "candidates": 120, "difficulty": 0.4, "discrimination": -0.1},
]


def as_csv(rows):
    return "\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n"


@pytest.mark.parametrize("name", ["told.csv", "told.json"])
def test_both_forms_say_the_same(tmp_path, name):
    path = tmp_path / name
    path.write_text(json.dumps(ROWS) if name.endswith("json") else as_csv(ROWS), encoding="utf-8")
    found = measures.read(path)
    assert [(one.item, one.exam, one.measured) for one in found] == [
        ("dx-ecg-001", "dx-2027", Measured(120, 0.81, 0.34)),
        ("dx-ecg-002", "dx-2027", Measured(120, 0.4, -0.1)),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"difficulty": 1.2}, r"\[1\]\.difficulty: The difficulty is the share"),
        ({"discrimination": -2}, r"\[1\]\.discrimination: The discrimination is a correlation"),
        ({"candidates": 0.5}, r"\[1\]\.candidates: The number of candidates"),
        ({"item": ""}, r"\[1\]\.item: The field 'item' is blank"),
        ({"more": 1}, r"\[1\]\.more: The field 'more' is unknown"),
        ({"difficulty": float("nan")}, r"\[1\]\.difficulty: .* finite"),
    ],
)
def test_what_is_no_measure_is_refused_with_its_place(tmp_path, change, said):
    path = tmp_path / "told.json"
    path.write_text(json.dumps([ROWS[0], ROWS[1] | change]), encoding="utf-8")
    with pytest.raises(DocumentError, match=said):
        measures.read(path)


@pytest.mark.parametrize("text", ["", "item,exam\n", "[]", "{}", "\x00", "item,exam,candidates\nx,y,many\n"])
def test_what_is_no_list_of_measures_is_refused(tmp_path, text):
    for name in ("told.csv", "told.json"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        with pytest.raises(DocumentError):
            measures.read(tmp_path / name)


def test_by_command_they_come_into_the_ledger_and_the_last_one_holds(tmp_path):
    bank = Path(shutil.copytree(BANK, tmp_path / "bank"))

    def measure(rows):
        (tmp_path / "told.csv").write_text(as_csv(rows), encoding="utf-8")
        words = ["item", "measure", "--bank", str(bank), "--by", "lead01", str(tmp_path / "told.csv")]
        return CliRunner().invoke(exam, words, obj=SimpleNamespace(home=None))

    assert "measure: 2 items." in measure(ROWS).output
    later = measure([ROWS[0] | {"exam": "dx-2028", "difficulty": 0.7}])
    assert later.exit_code == 0, later.output
    refused = measure([ROWS[1], ROWS[0] | {"item": "no-such-item"}])
    assert (refused.exit_code, "Nothing was changed." in refused.output) == (1, True)
    entries = present(ledger.read(bank))
    assert [entry.detail["exam"] for entry in entries] == ["dx-2027", "dx-2027", "dx-2028"]
    assert ledger.measured(entries) == {
        "dx-ecg-001": Measured(120, 0.7, 0.34),
        "dx-ecg-002": Measured(120, 0.4, -0.1),
    }


def test_a_measure_without_its_numbers_is_no_entry(tmp_path):
    ledger.append(tmp_path, [ledger.Entry("2027", "a", ledger.Act.MEASURE, "x", "v", {"exam": "e"})])
    with pytest.raises(DocumentError, match="no entry of a ledger"):
        ledger.read(tmp_path)


# p = 0.5 cuts the normal distribution at 0, where its density is 1 / sqrt(2 pi): the biserial is 0.4 * 0.5 * sqrt(2 pi)
HALF = 0.4 * 0.5 * math.sqrt(2 * math.pi)


def test_the_slope_of_an_item_in_the_middle_by_hand():
    assert assembly.slope_of(Measured(100, 0.5, 0.4)) == pytest.approx(1.7 * HALF / math.sqrt(1 - HALF**2))
    assert assembly.information(ITEMS[0], Measured(100, 0.5, 0.4)) == pytest.approx(
        0.25 * (1.7 * HALF) ** 2 / (1 - HALF**2)
    )


@pytest.mark.parametrize("told", [Measured(100, 1.0, 0.0), Measured(100, 0.0, 0.2), Measured(100, 0.5, -0.3)])
def test_what_all_get_right_or_the_weaker_rather_than_the_stronger_tells_nothing(told):
    assert assembly.information(ITEMS[0], told) == 0


@given(st.floats(0.05, 0.95), st.floats(0.01, 0.45))
def test_a_sharper_item_tells_more(share, sharpness):
    less, more = (assembly.information(ITEMS[0], Measured(100, share, one)) for one in (sharpness, sharpness + 0.05))
    assert 0 < less <= more < math.inf


def test_too_few_candidates_measure_nothing():
    few = Measured(assembly.ENOUGH - 1, 0.1, 0.9)
    assert assembly.difficulty(ITEMS[0], few) == ITEMS[0].difficulty
    assert assembly.information(ITEMS[0], few) == assembly.information(ITEMS[0])


def test_a_form_meets_the_difficulty_that_was_measured():
    plan = blueprint.load(BANK / "blueprint-20.toml")
    harder = {item.id: Measured(500, max(item.difficulty - 0.2, 0.05), 0.3) for item in ITEMS}
    with pytest.raises(assembly.AssemblyError, match="the mean difficulty"):
        assembly.assemble(ITEMS, plan, forms=["A"], exam="x", seed=1, measured=harder)
    same = {item.id: Measured(500, item.difficulty, 0.3) for item in ITEMS}
    forms = assembly.assemble(ITEMS, plan, forms=["A"], exam="x", seed=1, measured=same)
    assert forms == assembly.assemble(ITEMS, plan, forms=["A"], exam="x", seed=1)
    told = assembly.summary(forms, plan, same)["forms"][0]
    assert abs(told["difficulty"] - plan.difficulty) <= plan.difficulty_tolerance
    assert told["information"] == pytest.approx(
        sum(assembly.information(item, same[item.id]) for item in forms[0].items), abs=1e-3
    )
