"""Readings of how far the sittings of each exam are, shared by all who watch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from exams.sitting import Reading


class Readings:
    """How far the sittings of each exam are; `read` gives those of one, from any thread.

    Reading an exam of thousands takes a while, and a teacher of every school asks every few seconds: each reading is
    shared for SHARED times as long as it took, so that reading never takes more than that part of a core.
    """

    SHARED = 10

    def __init__(self, read: Callable[[str], Reading]) -> None:
        self._read = read
        self._known: dict[str, tuple[asyncio.Task[Reading], float]] = {}

    async def of(self, exam: str) -> Reading:
        """The sittings and the attendance of `exam`."""
        task, until = self._known.get(exam, (None, 0.0))
        if task is None or (task.done() and (time.monotonic() >= until or task.exception() is not None)):
            task = asyncio.create_task(self._anew(exam))
            self._known[exam] = task, 0.0
        return await asyncio.shield(task)

    async def _anew(self, exam: str) -> Reading:
        start = time.monotonic()
        found = await asyncio.to_thread(self._read, exam)
        end = time.monotonic()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a coroutine runs in a task
        self._known[exam] = task, end + self.SHARED * (end - start)
        return found
