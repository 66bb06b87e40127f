"""An image series: frames of stored 16-bit values on disk, and just what displaying and measuring them needs.

On disk a series is a folder with `frames.npy` (frames, rows, columns; int16; read memory-mapped) and `series.json`. The
JSON holds the fields of `Series` and nothing else, so there is no place in it for anything about a patient.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from courses.messages import Message

FRAMES = "frames.npy"
META = "series.json"

Window = tuple[str, float, float]
"""(name, center, width) in real values; the name "DICOM" where it came with the image, "auto" where it was computed."""


@dataclass(frozen=True)
class Series:
    """A stack of frames of one size.

    `spacing` is (row spacing, column spacing) in mm or None; real value = stored * `slope` + `intercept` in `unit`
    ("HU" or empty); `orientation` is the six direction cosines of PS3.3 C.7.6.2 (along a row, then a column) or None;
    `positions` are the frames' places along the normal in mm, ascending, or None; `inverted` is MONOCHROME1: low values
    are shown bright; `synthetic` images are computed, never of a patient; `notices` are sentences the reader must see.
    """

    id: str
    title: str
    modality: str
    frames: int
    rows: int
    columns: int
    spacing: tuple[float, float] | None = None
    slope: float = 1.0
    intercept: float = 0.0
    unit: str = ""
    windows: tuple[Window, ...] = ()
    orientation: tuple[float, float, float, float, float, float] | None = None
    positions: tuple[float, ...] | None = None
    inverted: bool = False
    synthetic: bool = False
    notices: tuple[Message, ...] = ()
    folder: Path = field(default=Path(), repr=False, compare=False)

    def stack(self) -> npt.NDArray[np.int16]:
        """All frames, (frames, rows, columns), read only and memory-mapped."""
        stack: npt.NDArray[np.int16] = np.load(self.folder / FRAMES, mmap_mode="r", allow_pickle=False)
        return stack

    def frame(self, index: int) -> npt.NDArray[np.int16]:
        """Stored values of frame `index` (from 0), (rows, columns). Raises IndexError outside the series."""
        if not 0 <= index < self.frames:
            raise IndexError(f"series {self.id} has no frame {index}")
        frame: npt.NDArray[np.int16] = self.stack()[index]
        return frame

    def frame_bytes(self, index: int) -> bytes:
        """Frame `index` as the viewer takes it: little-endian int16, row by row."""
        return self.frame(index).astype("<i2", copy=False).tobytes()

    def meta(self) -> dict[str, Any]:
        """What the viewer needs, as JSON: the fields, with title and notices in every language."""
        document = _document(self)
        document["title"] = Message(self.title).everywhere()
        document["notices"] = [notice.everywhere() for notice in self.notices]
        return document


def _document(series: Series) -> dict[str, Any]:
    document = asdict(series)
    del document["folder"]
    return document


def write(folder: Path, series: Series, frames: npt.NDArray[np.int16] | None = None) -> Series:
    """Keep `series` in `folder`, with its `frames` unless they are there already; returns it as read back."""
    if frames is not None:
        np.save(folder / FRAMES, np.ascontiguousarray(frames, dtype="<i2"), allow_pickle=False)
    (folder / META).write_text(json.dumps(_document(series), ensure_ascii=False, indent=1), encoding="utf-8")
    return read(folder)


def read(folder: Path) -> Series:
    """The series kept in `folder`. Raises ValueError where the folder's two files do not belong together."""
    document = json.loads((folder / META).read_text(encoding="utf-8"))
    for name in ("spacing", "orientation", "positions"):
        document[name] = None if document[name] is None else tuple(document[name])
    document["windows"] = tuple((name, center, width) for name, center, width in document["windows"])
    document["notices"] = tuple(Message(**notice) for notice in document["notices"])
    series = replace(Series(**document), folder=folder)
    stack = series.stack()
    if stack.shape != (series.frames, series.rows, series.columns) or stack.dtype != np.dtype("<i2"):
        raise ValueError(f"{folder.name}: {FRAMES} does not fit {META}")
    return series
