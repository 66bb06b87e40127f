"""What every page and answer of the marking desk begins with: who is asking, and what they may do in the panel."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from exams.documents import DocumentError
from exams.exam import Exam
from exams.form import Form
from exams.items import Item
from exams.panel.opening import on_panel
from exams.panel.rules import Marker
from exams.panel.store import PanelStore
from exams.roster import school_group
from exams.web import N_, Api, Handler, Page, ProblemError, not_yours

T = TypeVar("T")
P = ParamSpec("P")
SCHOOL = school_group("")

NO_SCHOOL = N_(
    "Your account names no school, so answers of your own students could come to you. "
    "Ask the operator to enter your school, then log in again."
)


class Panel(Handler):
    """Mixed into pages and API."""

    panel: PanelStore

    def initialize(self, context: Any, panel: PanelStore) -> None:  # type: ignore[override]
        """Called by Tornado with what the route carries."""
        super().initialize(context)
        self.panel = panel

    def exam_for_panel(self, exam_id: str) -> tuple[Exam, Marker]:
        """The exam, and the asker as one of its panel. Raises ProblemError for all others, and for who has no school.

        Where the roster names schools: they would be given the answers of their own, as nobody could tell which.
        """
        exam = self.context.hall.exam(exam_id)
        if exam is None or not self.on_panel(exam):
            raise not_yours()
        person, rules = self.current_user, exam.marking
        schools = frozenset(group.removeprefix(SCHOOL) for group in person.groups if group.startswith(SCHOOL))
        candidates = self.context.hall.candidates(exam).values()
        if not schools and any(candidate.school for candidate in candidates):
            raise ProblemError(403, "no_school", NO_SCHOOL)
        named = (person.user in rules.markers, person.user in rules.adjudicators)
        return exam, Marker(person.user, schools, *named)

    def items(self, exam: Exam, those: Callable[[Form], list[Item]] = on_panel) -> dict[str, Item]:
        """The items whose answers the panel marks, by the newest key, of all forms that can be read, by id in order."""
        found: dict[str, Item] = {}
        for form in exam.forms:
            try:
                paper = self.context.hall.ruled(exam, form)
            except DocumentError:  # it is sealed, or its file is wrong: the hall has said so
                continue
            found |= {item.id: item for item in those(paper)}
        return found

    def marked(self, exam: Exam, item: str, those: Callable[[Form], list[Item]] = on_panel) -> Item:
        """An item that the panel marks. Raises ProblemError where the exam has none of this id, or is not over."""
        found = self.items(exam, those).get(item)
        if found is None or not self.over(exam):
            raise not_yours()
        return found

    def over(self, exam: Exam) -> bool:
        """Whether nobody enters the exam any more: what is in its paper is no secret to its markers from then on."""
        return self.context.store.now() >= exam.closes.timestamp() * 1000

    async def apart(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """Read in a thread, so that those who sit an exam here wait for none of it."""
        return await asyncio.to_thread(work, *arguments, **named)


class PanelPage(Panel, Page):
    """A page of the marking desk."""

    def embedded(self, data: object) -> str:
        """Plain data for a script of the page; no text in it can end the element that holds it."""
        return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


class PanelApi(Panel, Api):
    """An answer of the marking desk."""


def asked(item: Item) -> dict[str, Any]:
    """An item as its markers see it."""
    return {
        **item.public(),
        "rubric": [{"points": points, "text": text} for points, text in item.rubric],
        "model_answer": item.model_answer,
    }
