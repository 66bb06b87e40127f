"""A live curve as a Jupyter widget: one or more curves over a common axis, with a cursor that reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets

from widgets.assets import bundle
from widgets.labels import labels


@dataclass(frozen=True)
class Axis:
    """An axis from `low` to `high`; `name` and `unit` are shown as they are."""

    name: str
    unit: str
    low: float
    high: float


class Trace(anywidget.AnyWidget):
    """Draws curves in a canvas; new samples replace the old picture at once.

    Traits: `x_axis`, `y_axis` (see Axis), `names` of the curves, `samples` float32 little-endian, one row of x and one
    row a curve; `bands` [[from, to], ...] on the x axis (stimuli); `marks` [[x, y, text], ...]; `cursor` x of the
    cursor, or None. Keys on the picture: arrow keys move the cursor (Shift: ten times as far), Esc takes it away.

        trace = Trace(Axis("时间", "ms", 0, 30), Axis("膜电位", "mV", -100, 60), ["V"])
        trace.show(times, [v])
    """

    _esm = bundle("trace")

    x_axis = traitlets.Dict().tag(sync=True)
    y_axis = traitlets.Dict().tag(sync=True)
    names = traitlets.List(traitlets.Unicode()).tag(sync=True)
    samples = traitlets.Bytes().tag(sync=True)
    bands: traitlets.List[list[float]] = traitlets.List().tag(sync=True)
    marks: traitlets.List[list[float | str]] = traitlets.List().tag(sync=True)
    cursor = traitlets.Float(None, allow_none=True).tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)

    def __init__(self, x_axis: Axis, y_axis: Axis, names: Sequence[str], **traits: Any):
        options = {"x_axis": asdict(x_axis), "y_axis": asdict(y_axis), "names": list(names), "labels": labels()}
        super().__init__(**options, **traits)

    def show(
        self,
        x: npt.NDArray[np.float64],
        curves: Sequence[npt.NDArray[np.float64]],
        bands: Sequence[tuple[float, float]] = (),
        marks: Sequence[tuple[float, float, str]] = (),
    ) -> None:
        """Show `curves`, each (n,), over `x` (n,). Raises ValueError where number or lengths do not fit; then nothing
        changes.
        """
        if len(curves) != len(self.names):
            raise ValueError(f"{len(self.names)} curves are named, {len(curves)} are given.")
        samples = np.vstack([x, *curves]).astype("<f4").tobytes()
        with self.hold_sync():
            self.bands, self.marks = [list(band) for band in bands], [list(mark) for mark in marks]
            self.samples = samples

    def scale(self, x_axis: Axis | None = None, y_axis: Axis | None = None) -> None:
        """Change an axis."""
        changes: Mapping[str, Axis | None] = {"x_axis": x_axis, "y_axis": y_axis}
        for name, axis in changes.items():
            if axis is not None:
                setattr(self, name, asdict(axis))
