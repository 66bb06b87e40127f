"""The image viewer as a Jupyter widget; its front end `dicom_viewer.js` is the same in the exam room."""

from __future__ import annotations

from typing import Any, Protocol

import anywidget
import traitlets

from widgets.assets import bundle
from widgets.labels import labels

READERS = frozenset({"index", "window", "tool", "measurements"})
"""What the reader at the screen decides."""


class Source(Protocol):
    """What the viewer shows (see `courses.series.Series`)."""

    def meta(self) -> dict[str, Any]:
        """The series as JSON, with nothing about a patient."""

    def frame_bytes(self, index: int) -> bytes:
        """Stored values of a frame, little-endian int16, row by row. Raises IndexError outside the series."""


class DicomViewer(anywidget.AnyWidget):
    """Shows an image series; sends a frame when the browser asks for it.

    Traits: `index` is the slice on show (from 0); `window` [center, width] in real values, empty for the image's own;
    `tool` one of scroll, window, zoom, pan, probe, length, angle, ellipse; `measurements` a list of
    {"kind", "frame", "points": [[x, y], ...], "value", "unit"}: "value" is the browser's claim, for marking compute it
    again with `courses.measure.evaluate`.

        viewer = DicomViewer(CaseStore(home / "cases").open("phantom-ct"))
    """

    _esm = bundle("dicom_viewer")

    series = traitlets.Dict().tag(sync=True)
    index = traitlets.Int(0).tag(sync=True, echo_update=False)
    window = traitlets.List(traitlets.Float()).tag(sync=True, echo_update=False)
    tool = traitlets.Unicode("scroll").tag(sync=True, echo_update=False)
    measurements = traitlets.List(traitlets.Dict()).tag(sync=True, echo_update=False)
    labels = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Source, **traits: Any):
        self._source = source
        super().__init__(series=source.meta(), labels=labels(), **traits)
        self.on_msg(self._answer)

    @property
    def source(self) -> Source:
        """The series on show."""
        return self._source

    def load(self, source: Source) -> None:
        """Show another series from its first slice, without measurements."""
        self._source = source
        with self.hold_sync():
            self.index, self.window, self.measurements = 0, [], []
            self.series = source.meta()

    def _answer(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content.get("kind") == "now":
            # ipywidgets holds a model's changes back while the kernel is busy with earlier ones, but not the click on a
            # button: what was measured would come after it, and the task be judged without
            self.set_state({name: value for name, value in content["state"].items() if name in READERS})
        if content.get("kind") != "frame":
            return
        index = content.get("index")
        # the browser may ask for a frame of the series shown before: it has no use for an answer then
        if isinstance(index, int) and 0 <= index < self.series["frames"]:
            reply = {"kind": "frame", "index": index, "series": self.series["id"]}
            self.send(reply, buffers=[self._source.frame_bytes(index)])
