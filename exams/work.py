"""Work on an exam that takes its time: how far it is, for those who wait, and whether it is to stop.

Both are small files in the exam's folder, so any process can look and ask.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from exams import files
from exams.lock import HeldError, held

PROGRESS, STOP, LOCK = "work.json", "work.stop", "work.lock"
EVERY_S = 0.2
"""How often it is written how far the work is."""

Tell = Callable[[str, int, int], None]
"""`tell(stage, done, total)`; stage is an English msgid."""


class StoppedError(Exception):
    """The work was asked to stop after `done` of `total`."""

    def __init__(self, done: int, total: int) -> None:
        super().__init__(f"{done} of {total}")
        self.done, self.total = done, total


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Where nobody waits."""


class Work:
    """One piece of work on the exam kept in `folder`; `tell` hears of it too.

    Entering raises HeldError while another is under way.
    """

    def __init__(self, folder: Path, tell: Tell = quiet) -> None:
        self._folder, self._tell = folder, tell
        self._written = 0.0
        self._lock = ExitStack()

    def __enter__(self) -> Work:
        self._lock.enter_context(held(self._folder / LOCK))
        (self._folder / STOP).unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in (PROGRESS, STOP):
            (self._folder / name).unlink(missing_ok=True)
        self._lock.close()

    def step(self, stage: str, done: int, total: int) -> None:
        """So much of a stage is done. Raises StoppedError where somebody asked for it: what is done is kept."""
        self._tell(stage, done, total)
        if time.monotonic() - self._written >= EVERY_S:
            self._written = time.monotonic()
            told = {"stage": stage, "done": done, "total": total}
            files.write(self._folder / PROGRESS, json.dumps(told).encode())
        if done < total and (self._folder / STOP).exists():
            raise StoppedError(done, total)


def under_way(folder: Path) -> dict[str, object] | None:
    """{"stage", "done", "total"} of the work on the exam kept in `folder`; None where there is none."""
    try:
        told: dict[str, object] = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
        with held(folder / LOCK):
            return None  # whoever wrote that was killed
    except FileNotFoundError:
        return None
    except HeldError:
        return told


def stop(folder: Path) -> None:
    """Ask the work on an exam to stop as soon as what it is at is whole."""
    (folder / STOP).touch()
