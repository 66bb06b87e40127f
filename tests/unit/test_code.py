"""A code item: what candidates see of it, what is refused, and its cells for nbgrader."""

from pathlib import Path

import nbformat
import pytest

from exams import paper
from exams.code import visible
from exams.documents import DocumentError, Fields
from exams.form import Form
from exams.interchange.formats import NO_CODE, exported
from exams.items import load_bank, parse_items
from exams.stencil import Stencil

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"
ITEMS = [item for item in load_bank(BANK) if item.type == "code"]
PLAIN = ITEMS[0].document()


def parsed(**changes):
    return parse_items(Fields({"items": [PLAIN | changes]}))[0]


def test_candidates_see_the_starter_and_the_examples_alone():
    item = parsed()
    shown = item.public()
    assert shown["starter"] == item.starter
    assert shown["examples"] == "import math\nassert math.isclose(mean_arterial_pressure(120, 90), 100)"
    assert not {"tests", "solution", "rationale"} & shown.keys()
    assert "126" not in str(shown)
    assert "HIDDEN" not in str(shown)
    assert parsed(
        tests="### BEGIN HIDDEN TESTS\nassert mean_arterial_pressure(3, 2)\n### END HIDDEN TESTS"
    ).public().keys() >= {"starter"}


def test_what_is_visible_of_tests():
    assert visible("a\n# BEGIN HIDDEN TESTS\nb\n# END HIDDEN TESTS\nc\n") == "a\nc"
    assert visible("### BEGIN HIDDEN TESTS\nb\n### END HIDDEN TESTS") == ""


def test_an_item_comes_back_from_its_document():
    for item in ITEMS:
        assert parse_items(Fields({"items": [item.document()]})) == (item,)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"solution": "def f(:"}, "Line 1 of the code is no plain Python."),
        ({"tests": "\n%time f()"}, "Line 1 of the code is no plain Python."),
        ({"starter": "x = 1\n### END SOLUTION"}, "Markers of hidden parts may stand in the tests alone."),
        ({"tests": "### BEGIN HIDDEN TESTS\nmean_arterial_pressure(3, 2)"},
         "Hidden tests stand between lines with BEGIN HIDDEN TESTS and END HIDDEN TESTS."),
        ({"tests": "### BEGIN SOLUTION\nmean_arterial_pressure(3, 2)\n### END SOLUTION"},
         "Hidden tests stand between lines with BEGIN HIDDEN TESTS and END HIDDEN TESTS."),
        ({"tests": "assert 1 == 1"}, "The tests use nothing that the solution defines."),
        ({"tests": "x = 1\nwith mean_arterial_pressure(3, 2):\n    pass"},
         "Line 2 of the tests: A test uses a student's object in `with`."),
        ({"max_length": 0}, "The field 'max_length' must be at least 1."),
        ({"key": "A"}, "The field 'key' is unknown here"),
    ],
)  # fmt: skip
def test_what_is_no_code_item_is_refused(changes, sentence):
    with pytest.raises(DocumentError) as refused:
        parsed(**changes)
    assert refused.value.sentence.startswith(sentence)


def test_the_cells_that_nbgrader_gets():
    item = parsed()
    form = Form("A", "e", (item,))
    cells = {cell.metadata["nbgrader"]["grade_id"]: cell for cell in paper.source(form).cells[1:]}
    assert cells[item.id].source == item.tests
    assert cells[item.id].metadata["nbgrader"]["points"] == item.points
    answer = cells[item.id + paper.ANSWER]
    assert answer.source == f"{item.starter}\n### BEGIN SOLUTION\n{item.solution}\n### END SOLUTION"
    notebook = paper.source(form)
    written = nbformat.reads(Stencil(notebook, form, {}).submission({item.id: "x = 1\n" * 10_000}), 4)
    (own,) = [
        cell for cell in written.cells if cell.metadata.get("nbgrader", {}).get("grade_id") == item.id + paper.ANSWER
    ]
    assert own.source == ("x = 1\n" * 10_000)[: item.max_length]


@pytest.mark.parametrize("name", ["gift", "moodle", "qti21", "qti30"])
def test_an_export_says_that_it_does_not_carry_code(name):
    _, losses = exported(ITEMS[:1], name)
    assert [(loss.item, loss.why) for loss in losses if loss.item == ITEMS[0].id] == [(ITEMS[0].id, NO_CODE)]
