"""What people marked, for the office: the answers of an exam put before its panel, and its marks into the Gradebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exams import gradebook, key
from exams.exam import Exam
from exams.exchange import Sittings
from exams.marking import is_blank
from exams.panel.opening import on_panel, openings
from exams.panel.store import PanelStore
from exams.part import Part

Given = dict[str, dict[str, tuple[float | None, str]]]


def put_before(exam: Exam, course: Path, parts: Sequence[Part], sittings: Sittings, panel: PanelStore, by: str) -> None:
    """Let the panel have every answer that people mark, once; with a newer rubric it has them again.

    What was marked in formgrader before there was a panel stays marked so, and is not put in line: nbgrader would
    keep nothing of it.
    """
    items = [item.id for part in parts for item in on_panel(part.form)]
    versions = {item: key.rubric_version(exam, item) for item in items}
    responses, closed = sittings.responses(exam.id, items), sittings.submitted_at(exam.id).keys()
    forms, lined = [part.form for part in parts], panel.lined(exam.id)
    kept = {one for form in forms for one in gradebook.marked_by_hand(course, form)} - lined
    found = openings(forms, exam.roster(), exam.schools, responses, closed, versions)
    panel.open(exam.id, [one for one in found if (one.number, one.item) not in kept], exam.marking, by).result()


def take_back(exam: Exam, course: Path, parts: Sequence[Part], sittings: Sittings, panel: PanelStore) -> None:
    """Put the panel's marks into the Gradebook; what it has not decided yet, or not anew, awaits a marker there.

    What it never had is none of its business.
    """
    lined = panel.lined(exam.id)
    decided, closed = panel.finals(exam.id), sittings.submitted_at(exam.id).keys()
    items = [item.id for part in parts for item in on_panel(part.form)]
    answered = sittings.responses(exam.id, items)
    for part in parts:
        given: Given = {}
        for number in part.numbers & closed:
            given[number] = {
                item.id: decided.get(number, {}).get(item.id, (None, ""))
                for item in on_panel(part.form)
                if (number, item.id) in lined and not is_blank(item, answered.get(number, {}).get(item.id))
            }
        gradebook.by_hand(course, part.form, given)
