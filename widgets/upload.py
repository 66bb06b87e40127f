"""Files from the reader's computer, in pieces: a WebSocket closes on a message larger than ten megabytes, and a series
is larger. The front end `upload.js` sends the next piece when the kernel has written the last one."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from widgets.assets import bundle
from widgets.labels import labels

MOST_BYTES = 512 << 20
"""All files of one upload together: 1,000 slices of 512 x 512, and a minute on a school's line."""
PIECE_BYTES = 1 << 20
"""One message."""


class Upload(anywidget.AnyWidget):
    """A button that takes files: `started` is called when they are on their way, `received` with a folder of them.

    There they are named by number; after the call they are gone.

    The names stay in the browser: they come from a stranger and nothing here needs them.

        Upload(lambda folder: ingest(str(folder), store))
    """

    _esm = bundle("upload")

    limit = traitlets.Int(MOST_BYTES).tag(sync=True)
    piece = traitlets.Int(PIECE_BYTES).tag(sync=True)
    accept = traitlets.Unicode().tag(sync=True)
    labels = traitlets.Dict().tag(sync=True)

    def __init__(self, received: Callable[[Path], None], started: Callable[[], None] = lambda: None, **traits: Any):
        self._received, self._started = received, started
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        self._room = 0
        super().__init__(labels=labels(), **traits)
        self.on_msg(self._hear)

    def _hear(self, _widget: object, content: dict[str, Any], buffers: list[memoryview]) -> None:
        """begin, piece ..., end; each but the last is answered, so that one piece at a time is under way."""
        kind = content.get("kind")
        if kind == "begin":
            self._discard()
            self._scratch, self._room = tempfile.TemporaryDirectory(), self.limit
            self._started()
        elif kind == "piece" and self._scratch and not self._write(content.get("file"), buffers):
            # our own front end never gets here: it looks at the sizes first
            self._discard()
            self.send({"kind": "refused"})
            return
        elif kind == "end" and self._scratch:
            try:
                self._received(Path(self._scratch.name))
            finally:
                self._discard()
        self.send({"kind": "done" if kind == "end" else "more"})

    def _write(self, file: object, buffers: list[memoryview]) -> bool:
        """Append a piece to file number `file`; False where it is no piece of ours or more than `limit` in all."""
        if self._scratch is None or not isinstance(file, int) or not 0 <= file < self.limit or len(buffers) != 1:
            return False
        self._room -= buffers[0].nbytes
        if self._room < 0:
            return False
        with (Path(self._scratch.name) / f"{file:06}").open("ab") as out:
            out.write(buffers[0])
        return True

    def _discard(self) -> None:
        if self._scratch:
            self._scratch.cleanup()
        self._scratch = None
