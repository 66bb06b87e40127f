"""What of a response stands in the notebook that is marked."""

from pathlib import Path

import nbformat

from exams import paper
from exams.form import Form
from exams.items import load_bank
from exams.stencil import Stencil

BANK = Path(__file__).parents[2] / "exams" / "bank" / "diagnostics"


def test_of_a_short_answer_as_many_characters_are_marked_as_the_room_says():
    item = next(item for item in load_bank(BANK) if item.type == "short")
    form = Form("A", "joint", (item,))
    text = "𠮷" * item.max_length + "超"
    made = nbformat.reads(Stencil(paper.source(form), form, {}).submission({item.id: text}), 4)
    nbformat.validate(made)
    (cell,) = [cell for cell in made.cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert cell.source.strip() == "𠮷" * item.max_length
