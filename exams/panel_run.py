"""What people marked, for the office: the answers of an exam put before its panel, and its marks into the Gradebook."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from exams import gradebook, key
from exams.exam import Exam
from exams.exchange import Sittings
from exams.marking import is_blank
from exams.panel.opening import ON_PANEL, on_panel, openings
from exams.panel.store import PanelStore
from exams.part import Part

Given = dict[str, dict[str, tuple[float | None, str]]]


def put_before(exam: Exam, parts: Sequence[Part], sittings: Sittings, panel: PanelStore, by: str) -> None:
    """Let the panel have every answer that people mark, once; with a newer rubric it has them again."""
    items = [item.id for part in parts for item in on_panel(part.form)]
    versions = {item: key.rubric_version(exam, item) for item in items}
    responses, closed = sittings.responses(exam.id, items), sittings.submitted_at(exam.id).keys()
    forms = [part.form for part in parts]
    panel.open(
        exam.id, openings(forms, exam.roster(), exam.schools, responses, closed, versions), exam.marking, by
    ).result()


def take_back(exam: Exam, course: Path, parts: Sequence[Part], sittings: Sittings, panel: PanelStore) -> None:
    """Put the panel's marks into the Gradebook; what it has not decided yet, or not anew, awaits a marker there."""
    decided, closed = panel.finals(exam.id), sittings.submitted_at(exam.id).keys()
    items = [item.id for part in parts for item in on_panel(part.form)]
    answered = sittings.responses(exam.id, items)
    for part in parts:
        given: Given = {}
        for number in part.numbers & closed:
            own = {
                item.id: decided.get(number, {}).get(item.id, (None, ""))
                for item in on_panel(part.form)
                if not is_blank(item, answered.get(number, {}).get(item.id))
            }
            free = {item.id: (item.points, "") for item in part.form.items if item.type == ON_PANEL and item.void}
            given[number] = {**own, **free}
        gradebook.by_hand(course, part.form, given)
