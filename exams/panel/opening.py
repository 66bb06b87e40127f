"""Which answers the panel marks: those to short-answer items that are not blank, of sittings that are closed. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from exams.form import Form
from exams.items import Item
from exams.marking import is_blank
from exams.panel.blind import cleaned, masked
from exams.panel.change import Opening
from exams.roster import Candidate

ON_PANEL = "short"
"""The type of the items whose answers people mark."""


def on_panel(form: Form) -> list[Item]:
    """The items of a form whose answers people mark; not those whose points a ruling gave to everybody."""
    return [item for item in written(form) if not item.void]


def written(form: Form) -> list[Item]:
    """The items of a form whose answers people mark, or did before a ruling gave their points to everybody."""
    return [item for item in form.items if item.type == ON_PANEL]


def openings(
    forms: Iterable[Form],
    roster: Iterable[Candidate],
    schools: Collection[str],
    responses: Mapping[str, Mapping[str, object]],
    closed: Collection[str],
    versions: Mapping[str, int] | None = None,
) -> list[Opening]:
    """The answers to be marked, for `PanelStore.open`.

    schools: of the exam, which are masked as the candidate's own name, number and school are. responses: candidate
    number -> item id -> answer, of the sittings that were not annulled; closed: the numbers of those that are closed.
    versions: of the items' rubrics, 1 where none is named.
    """
    papers = {form.id: on_panel(form) for form in forms}
    made = []
    for one in roster:
        given = responses.get(one.number, {}) if one.number in closed else {}
        for item in papers[one.form] if given else ():
            answer = given.get(item.id)
            if not is_blank(item, answer):
                # the room says that no more is marked; a later roster may name a school that the exam does not
                names = (one.number, one.name, one.user, one.school, *schools)
                text = masked(cleaned(str(answer)[: item.max_length]), names)
                version = (versions or {}).get(item.id, 1)
                made.append(Opening(one.number, one.school, item.id, one.form, text, item.points, version))
    return made
