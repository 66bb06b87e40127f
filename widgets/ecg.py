"""The electrocardiogram on paper as a Jupyter widget; its front end `ecg.js` is the same in the exam room."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anywidget
import traitlets

from widgets.assets import bundle
from widgets.labels import labels


class Ecg(anywidget.AnyWidget):
    """Shows leads on ECG paper (25 mm/s, 10 mm/mV) with calipers.

    Traits: `signals` {"fs": samples a second, "leads": [{"name", "unit": "mV", "samples": [...]}]}, of which the
    twelve standard leads are laid out in the usual 3 x 4 with a rhythm strip; `measurements` a list of
    {"kind": "interval" | "amplitude", "frame": 0, "points": [[x, y], [x, y]] in mm of paper, "value", "unit"}, in ms
    or mV: 1 mm is 40 ms across and 0.1 mV down.
    """

    _esm = bundle("ecg")

    signals = traitlets.Dict().tag(sync=True)
    measurements = traitlets.List(traitlets.Dict()).tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)

    def __init__(self, signals: Mapping[str, Any], **traits: Any):
        super().__init__(signals=dict(signals), labels=labels(), **traits)
