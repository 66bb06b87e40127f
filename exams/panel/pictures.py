"""Images and tracings of the items that are marked, for those who mark them; handlers are the exam room's."""

from __future__ import annotations

from exams import pictures
from exams.items import Item
from exams.panel.handlers import PanelApi


class MarkedItem(PanelApi):
    """What belongs to an item that the panel marks."""

    def item(self, exam_id: str, item_id: str) -> Item:
        """The item. Raises ProblemError for who is not of the panel."""
        exam, _marker = self.exam_for_panel(exam_id)
        return self.marked(exam, item_id)


class Series(MarkedItem, pictures.SeriesMeta):
    """See `pictures.SeriesMeta`."""


class Frame(MarkedItem, pictures.Frame):
    """See `pictures.Frame`."""


class Signals(MarkedItem, pictures.Signals):
    """See `pictures.Signals`."""
