"""What cells of a student's answer put out, kept as a notebook keeps it: text, PNG images and errors, up to a limit."""

from __future__ import annotations

import io
from typing import Any

from jupyter_client.session import Session

from hub.kernels.app import KernelApp

SHOWN = ("text/plain", "image/png")
LONGEST_ERROR = 20_000
"""Characters of an error's text, and of its traceback."""
CUT = "\n[输出已满 {limit} 字节，其余略去 | output cut at {limit} bytes]\n"

Output = dict[str, Any]


class Outputs:
    """The outputs of one job, a cell at a time; what goes over the limit is dropped, and said once a cell."""

    def __init__(self) -> None:
        self.limit = self._left = 0
        self.begin()

    def allow(self, limit: int) -> None:
        """Bytes of the whole job."""
        self.limit = self._left = limit

    def begin(self) -> None:
        """A new cell."""
        self._kept: list[Output] = []
        self._cut = False
        self.error: Output | None = None

    def end(self) -> list[Output]:
        """The cell's outputs in nbformat's shape."""
        for output in self._kept:
            if output["output_type"] == "stream":
                output["text"] = "".join(output["text"])
        return self._kept

    def write(self, name: str, text: str) -> None:
        """Text of the stream `name`; that a cell wrote to stderr is always kept, for it decides on marks."""
        kept = self._within(text)
        if kept or (text and name == "stderr" and not self._warned()):
            self._append(name, kept or "\n")
        if self._cut and self._left >= 0:
            self._left = -1
            self._append("stdout", CUT.format(limit=self.limit))

    def _warned(self) -> bool:
        return any(output.get("name") == "stderr" for output in self._kept)

    def _append(self, name: str, text: str) -> None:
        last = self._kept[-1] if self._kept else {}
        if last.get("output_type") == "stream" and last["name"] == name:
            last["text"].append(text)
        else:
            self._kept.append({"output_type": "stream", "name": name, "text": [text]})

    def _within(self, text: str) -> str:
        """As much of `text` as may still be put out."""
        left = max(self._left, 0)
        data = text[: left + 1].encode("utf-8", "replace")
        if len(data) > left:
            self._cut = True
            return data[:left].decode("utf-8", "ignore")
        self._left -= len(data)
        return text

    def show(self, kind: str, content: dict[str, Any]) -> None:
        """A result or a display: whole, or not at all."""
        data = {name: text for name, text in content["data"].items() if name in SHOWN and isinstance(text, str)}
        size = sum(len(text) for text in data.values())
        if size > self._left:
            self._cut = True
            self.write("stdout", "")
            return
        if data:
            self._left -= size
            output: Output = {"output_type": kind, "data": data, "metadata": {}}
            if kind == "execute_result":
                output["execution_count"] = content["execution_count"]
            self._kept.append(output)

    def fail(self, ename: str, evalue: str, traceback: list[str]) -> None:
        """The cell's error; its texts are cut, so that there always is one."""
        lines, left = [], LONGEST_ERROR
        for line in traceback:
            lines.append(line[:left])
            left -= len(lines[-1])
        self.error = {"ename": ename[:200], "evalue": evalue[:LONGEST_ERROR], "traceback": lines}
        self._kept.append({"output_type": "error", **self.error})

    def clear(self) -> None:
        """As a cell asks for by `clear_output`."""
        self._kept = []


class KeptSession(Session):
    """Stands for the wire of a kernel: what would be sent to a notebook is kept in `outputs`."""

    outputs: Outputs

    def send(  # type: ignore[override]
        self, _stream: Any, msg_or_type: Any, content: Any = None, *_rest: Any, **_named: Any
    ) -> None:
        """Keep a message where it is an output."""
        kind = msg_or_type
        if isinstance(msg_or_type, dict):
            kind, content = msg_or_type["header"]["msg_type"], msg_or_type["content"]
        if kind in ("display_data", "execute_result"):
            self.outputs.show(kind, content)
        elif kind == "error":
            self.outputs.fail(content["ename"], content["evalue"], content["traceback"])
        elif kind == "clear_output":
            self.outputs.clear()


class Stream(io.TextIOBase):
    """A standard stream whose text becomes outputs."""

    encoding = "utf-8"
    errors = "replace"

    def __init__(self, outputs: Outputs, name: str) -> None:
        self._outputs, self._name = outputs, name

    def writable(self) -> bool:
        """As of any standard stream."""
        return True

    def write(self, text: str) -> int:
        """Keep it. Raises TypeError for what is no text."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._outputs.write(self._name, text)
        return len(text)


def keep_outputs(app: KernelApp) -> Outputs:
    """The prepared kernel's messages are kept from now on, and never sent."""
    outputs = Outputs()
    session = KeptSession(parent=app)
    session.outputs = outputs
    shell: Any = app.shell
    for sender in (app.kernel, shell.displayhook, shell.display_pub):
        sender.session = session
    shell.displayhook.pub_socket = shell.display_pub.pub_socket = app.kernel.iopub_socket = outputs
    return outputs
