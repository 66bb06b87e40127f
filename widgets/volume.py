"""A volume in 3-D: itkwidgets' API and viewer engine over a transport of our own, so that no page asks another host.

As it comes, itkwidgets 1.0 loads its engine and its message bus from content delivery networks and needs its own
JupyterLab extension; a cell watcher of its stops Voila. Here the real `itkwidgets.view` runs in the one of its modes
that needs neither ("hypha": the caller brings the viewer), its store is answered from the kernel by custom messages,
and the engine's page is served with our other assets (see `itk_engine.py`). Getters of itkwidgets do not work this way;
setters do.
"""

from __future__ import annotations

import enum
import functools
import sys
import types
from collections.abc import Callable
from typing import Any, Protocol

import anywidget
import numpy as np
import numpy.typing as npt
import traitlets

from widgets.assets import bundle
from widgets.labels import labels

MOST_PIXELS = 128
"""Voxels along any side: what an old laptop turns smoothly, and under 1 MB on the wire."""
SAMPLE_DISTANCE = 0.6
"""Coarse sampling, no gradient and no shadows: what a renderer without a graphics card bears."""


class Stack(Protocol):
    """What is shown (see `courses.series.Series`)."""

    @property
    def spacing(self) -> tuple[float, float] | None:
        """(row, column) in mm."""

    @property
    def positions(self) -> tuple[float, ...] | None:
        """Places of the frames along their normal, mm."""

    @property
    def slope(self) -> float:
        """Real value = stored * slope + intercept."""

    @property
    def intercept(self) -> float:
        """See `slope`."""

    def stack(self) -> npt.NDArray[np.int16]:
        """(frames, rows, columns)."""


def voxels(source: Stack) -> tuple[npt.NDArray[np.int16], dict[str, float]]:
    """The volume (z, y, x) in real values, thinned to `MOST_PIXELS` a side, and its spacing in mm by axis."""
    stack = source.stack()
    steps = [-(-side // MOST_PIXELS) for side in stack.shape]
    thinned = stack[:: steps[0], :: steps[1], :: steps[2]]
    real = np.clip(np.rint(thinned * source.slope + source.intercept), -32768, 32767).astype(np.int16)
    row, column = source.spacing or (1.0, 1.0)
    gaps = np.diff(source.positions) if source.positions and len(source.positions) > 1 else np.array([row])
    gap = float(np.median(np.abs(gaps))) or row
    return real, {"z": gap * steps[0], "y": row * steps[1], "x": column * steps[2]}


class _Environment(enum.Enum):
    """The names that itkwidgets looks for in its module of the same name."""

    JUPYTER = "jupyter"
    JUPYTERLITE = "lite"
    SAGEMAKER = "sagemaker"
    HYPHA = "hypha"
    COLAB = "colab"


@functools.cache
def _itkwidgets() -> Any:
    """itkwidgets in the mode where the caller brings the viewer; its own detection would start the cell watcher."""
    stand_in = types.ModuleType("itkwidgets.integrations.environment")
    stand_in.Env = _Environment  # type: ignore[attr-defined]
    stand_in.ENVIRONMENT = _Environment.HYPHA  # type: ignore[attr-defined]
    sys.modules["itkwidgets.integrations.environment"] = stand_in
    import itkwidgets

    return itkwidgets


class _Remote:
    """Stands for the viewer in the browser: any method called is handed on."""

    def __init__(self, call: Callable[[str, list[Any]], None]):
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *arguments: self._call(name, list(arguments))


class Volume(anywidget.AnyWidget):
    """A button 三维显示; pressed, the volume. `viewer` is then itkwidgets' own Viewer, for its setters.

    Nothing of the engine is loaded before, in the kernel or in the browser.

        Volume(lambda: viewer.source)
    """

    _esm = bundle("volume")

    state = traitlets.Unicode("closed").tag(sync=True)
    message = traitlets.Unicode().tag(sync=True)
    calls: Any = traitlets.List().tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)

    def __init__(self, source: Callable[[], Any]):
        """`source` gives the series to show at the moment the button is pressed."""
        self._source = source
        self._store: Any = {}
        self.viewer: Any = None
        super().__init__(labels=labels())
        self.on_msg(self._answer)

    def show(self) -> None:
        """Prepare the present series and show it."""
        self.state = "opening"
        source = self._source()
        if len(source.stack()) < 3:
            self.message = "Fewer than three slices make no volume: choose a series of several."
            self.state = "failed"
            return
        itkwidgets = _itkwidgets()
        from ngff_zarr import to_ngff_image

        values, spacing = voxels(source)
        image = to_ngff_image(values, dims=list(spacing), scale=spacing, translation=dict.fromkeys(spacing, 0.0))
        first: list[tuple[str, list[Any]]] = []
        server = types.SimpleNamespace(config=types.SimpleNamespace(workspace="xinglin"))
        remote = _Remote(lambda name, arguments: first.append((name, arguments)))
        self.viewer = itkwidgets.view(image, itk_viewer=remote, server=server)
        self._store = self.viewer.stores["Image"]
        self.viewer.set_image_gradient_opacity(0.0)
        self.viewer.set_image_shadow_enabled(False)
        self.viewer.set_image_volume_sample_distance(SAMPLE_DISTANCE)
        remote._call = self._call
        self.calls = [list(call) for call in first]
        self.state = "open"

    def _call(self, method: str, arguments: list[Any]) -> None:
        self.send({"kind": "call", "method": method, "args": arguments})

    def _answer(self, _widget: object, content: dict[str, Any], _buffers: object) -> None:
        if content.get("kind") == "open":
            self.show()
        elif content.get("kind") == "key":
            data = self._store.get(content.get("key"))
            reply = {"kind": "key", "id": content.get("id")}
            self.send(reply, buffers=[] if data is None else [bytes(data)])
