"""A notebook run once, before the fork: its kernels begin where it ended, with its outputs and widgets in place.

For notebooks that are pure at their start: what they do depends on nothing but themselves and what the caller says it
depends on, and they hold no thread, no open file and no random generator of their own.
"""

from __future__ import annotations

import asyncio
import gc
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import output_from_msg

from hub.kernels.app import KernelApp
from hub.kernels.child import detach, fresh_state

OUTPUTS = {"stream", "display_data", "execute_result"}


class NotPureError(RuntimeError):
    """Why the notebook cannot be run once for all."""


class Recorder:
    """Stands where a kernel's iopub socket will be, and keeps what is sent."""

    def __init__(self, app: KernelApp) -> None:
        self._app = app
        self.outputs: list[Any] = []

    def send_multipart(self, frames: list[Any], *_arguments: Any, **_options: Any) -> None:
        """Keep a message where it is an output; widgets' messages are in the widgets' own state."""
        session = self._app.session
        _idents, parts = session.feed_identities([getattr(frame, "bytes", frame) for frame in frames])
        message = session.deserialize(parts)
        if message["msg_type"] in OUTPUTS:
            self.outputs.append(output_from_msg(message))


class Stream(io.TextIOBase):
    """A standard stream whose text becomes outputs."""

    def __init__(self, recorder: Recorder, name: str) -> None:
        self._recorder, self._name = recorder, name

    def writable(self) -> bool:
        """As of any standard stream."""
        return True

    def write(self, text: str) -> int:
        """Append to the last output where that is of this stream too."""
        outputs = self._recorder.outputs
        if outputs and outputs[-1].output_type == "stream" and outputs[-1].name == self._name:
            outputs[-1].text += text
        else:
            outputs.append(nbformat.v4.new_output("stream", name=self._name, text=text))
        return len(text)


def run_once(app: KernelApp, launch: dict[str, Any]) -> dict[str, Any]:
    """Run the notebook `launch["notebook"]` in `launch["cwd"]` with `launch["env"]`; write it with its outputs to
    `launch["output"]`. Raises NotPureError where a cell fails or waits, or the notebook holds what a fork cannot copy.
    """
    detach()
    os.chdir(launch["cwd"])
    fresh_state(launch["env"])
    app.session.pid = os.getpid()
    notebook = nbformat.read(launch["notebook"], as_version=4)
    shell: Any = app.shell
    recorder = Recorder(app)
    app.kernel.iopub_socket = shell.displayhook.pub_socket = shell.display_pub.pub_socket = recorder
    streams = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Stream(recorder, "stdout"), Stream(recorder, "stderr")
    try:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = _run(shell, cell.source, recorder)
    finally:
        sys.stdout, sys.stderr = streams
    _check_generators()
    Path(launch["output"]).write_text(json.dumps(notebook), "utf-8")
    return {"pid": os.getpid()}


def _run(shell: Any, source: str, recorder: Recorder) -> list[Any]:
    """A cell's outputs."""
    recorder.outputs = []
    if shell.should_run_async(source, transformed_cell=shell.transform_cell(source)):
        raise NotPureError("a cell awaits something")
    result = shell.run_cell(source, store_history=False)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        pass
    else:
        raise NotPureError("an event loop runs")
    if not result.success:
        error = result.error_before_exec or result.error_in_exec
        raise NotPureError(f"a cell fails: {type(error).__name__}: {error}")
    return recorder.outputs


def _check_generators() -> None:
    """A generator with entropy of its own would give every fork the same numbers; one with a chosen seed may stay."""
    if "numpy.random" not in sys.modules:
        return
    from numpy.random import Generator, SeedSequence

    for held in gc.get_objects():
        if isinstance(held, Generator):
            seed = held.bit_generator.seed_seq
            if isinstance(seed, SeedSequence) and isinstance(seed.entropy, int) and seed.entropy.bit_length() > 64:
                raise NotPureError("the notebook holds a random generator without a seed")
