"""Images and tracings of the items of an open sitting, for the viewer and the ECG in the exam room."""

from __future__ import annotations

from tornado.web import HTTPError

from exams.api import OwnItem
from exams.web import not_yours
from widgets.i18n import LANGUAGES
from widgets.labels import labels

KEPT = "private, max-age=31536000, immutable"
"""An item's picture never changes, and belongs to this candidate's browser alone."""


class SeriesMeta(OwnItem):
    """What the viewer must know of an item's image before its first frame."""

    def get(self, exam_id: str, item_id: str) -> None:
        """`Series.meta()` of the item's case without the names of the case, and the viewer's texts."""
        meta = self.series_of(exam_id, item_id).meta()
        # what a case is called in the library may be the answer
        nameless = {"id": item_id, "title": dict.fromkeys(LANGUAGES, meta["modality"])}
        self.answer({"series": meta | nameless, "labels": labels()})


class Frame(OwnItem):
    """The pixels of one frame."""

    def get(self, exam_id: str, item_id: str, index: str) -> None:
        """Stored values, int16 little-endian, row by row."""
        series = self.series_of(exam_id, item_id)
        if int(index) >= series.frames:
            raise HTTPError(404)
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Cache-Control", KEPT)
        self.finish(series.frame_bytes(int(index)))


class Signals(OwnItem):
    """The tracing of an ECG item."""

    def get(self, exam_id: str, item_id: str) -> None:
        """{"signals": {"fs", "leads"}, "labels"}."""
        item = self.item(exam_id, item_id)
        if item.asset is None or item.asset["kind"] != "ecg":
            raise not_yours()
        self.answer({"signals": item.signals(), "labels": labels()})
