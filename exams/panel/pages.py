"""The pages of the marking desk: the questions, one answer, and the group lead's."""

from __future__ import annotations

from pathlib import Path

from exams.items import POINTS_STEP
from exams.pages import ROOM, labels
from exams.panel.api import MOST_AHEAD, MOST_COMMENT, REASONS
from exams.panel.handlers import PanelPage, asked
from exams.panel.rules import LAST_OWN
from exams.web import not_yours

SCRIPTS = Path(__file__).parent / "scripts"

STEM_SHOWN = 90
"""Characters of a stem in a list."""


def shortened(text: str) -> str:
    """A stem as one line of a list."""
    line = " ".join(text.split())
    return line if len(line) <= STEM_SHOWN else f"{line[:STEM_SHOWN]}…"


class Front(PanelPage):
    """The questions that there are to mark."""

    async def get(self, exam_id: str) -> None:
        """The list."""
        exam, marker = self.exam_for_panel(exam_id)
        found = await self.apart(self.panel.questions, exam.id, marker)
        items = self.items(exam)
        rows = [
            {"own": one, "item": items[one.item], "stem": shortened(items[one.item].stem)}
            for one in found
            if one.item in items and self.over(exam)
        ]
        self.show(
            "panel_front.html",
            exam=exam,
            marker=marker,
            rows=rows,
            leads=self.leads(exam),
            data=self.embedded({"prefix": self.context.prefix, "exam": exam.id, "user": marker.user}),
            labels=labels(self.language, SCRIPTS, ROOM),
        )


class Marking(PanelPage):
    """One answer after the other; its script asks for them."""

    def get(self, exam_id: str, item_id: str) -> None:
        """The desk of one question; ?disputes=1 for what an adjudicator decides."""
        exam, marker = self.exam_for_panel(exam_id)
        item = self.marked(exam, item_id)
        disputes = self.get_query_argument("disputes", "") == "1"
        if not (marker.adjudicates if disputes else marker.marks):
            raise not_yours()
        data = {
            "prefix": self.context.prefix,
            "base": self.context.static_prefix,
            "exam": exam.id,
            "user": marker.user,
            "item": asked(item),
            "disputes": disputes,
            "step": POINTS_STEP,
            "lastOwn": LAST_OWN,
            "mostAhead": MOST_AHEAD,
            "mostComment": MOST_COMMENT,
            "reasons": {name: self.translate(text) for name, text in REASONS.items()},
        }
        self.show(
            "panel_marking.html",
            exam=exam,
            item=item,
            disputes=disputes,
            data=self.embedded(data),
            labels=labels(self.language, SCRIPTS, ROOM),
        )
