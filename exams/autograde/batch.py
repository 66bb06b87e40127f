"""A batch of submissions as plain data, and the function that a worker on another machine runs over it.

    request: {"version": str, "limits": {...}, "assignments": {name: [cell, ...]}, "submissions": {name: {name: text}}}
    answer:  {name: {"failed": str, "marked": {name: {"notebook", "outcomes": {...}, "replies": {place: {"outputs"}}}}}}

Both are JSON in bytes. The students' code in it goes to the sandbox of the worker's machine and nowhere else.
"""

from __future__ import annotations

import asyncio
import atexit
import hashlib
import json
import socket
import sys
import threading
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any, cast

import nbformat

from courses import values
from exams.autograde.assignment import Assignment, Cell
from exams.autograde.marker import ANSWERS, LIMITS, Marked, Marker, Outcome
from exams.autograde.queue import Here, Result, Submission
from exams.autograde.runner import UnavailableError


@cache
def version() -> str:
    """Of what decides on marks: machines that differ in it would mark differently."""
    digest = hashlib.sha256(repr(sys.version_info[:2]).encode())
    for path in [*sorted(Path(__file__).parent.glob("*.py")), Path(values.__file__)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def request(
    assignments: Mapping[str, Assignment], batch: Sequence[Submission], limits: Mapping[str, float] = LIMITS
) -> bytes:
    """A batch for `mark_batch`."""
    data = {
        "version": version(),
        "limits": dict(limits),
        "assignments": {name: [asdict(cell) for cell in own.cells] for name, own in assignments.items()},
        "submissions": {own.name: dict(own.notebooks) for own in batch},
    }
    return json.dumps(data).encode()


def results(answer: bytes) -> dict[str, Result]:
    """What `mark_batch` gave, by the submissions' names."""
    return {
        name: Result(name, {key: _marked(own) for key, own in data["marked"].items()}, data["failed"])
        for name, data in json.loads(answer).items()
    }


def _marked(data: Any) -> Marked:
    outcomes = {name: Outcome(**own) for name, own in data["outcomes"].items()}
    replies = {int(place): own for place, own in data["replies"].items()}
    return Marked(nbformat.from_dict(data["notebook"]), outcomes, replies)


def _plain(result: Result) -> dict[str, Any]:
    marked = {
        name: {
            "notebook": own.notebook,
            "outcomes": {test: asdict(outcome) for test, outcome in own.outcomes.items()},
            "replies": {place: {"outputs": reply["outputs"]} for place, reply in own.replies.items()},
        }
        for name, own in result.marked.items()
    }
    return {"failed": result.failed, "marked": marked}


class Home:
    """The marker of a process, in a thread of its own; it starts with the first batch and ends with the process."""

    def __init__(self, answers: Sequence[str]):
        self._answers = answers
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._marker: Marker | None = None

    def mark(self, request: bytes) -> bytes:
        """The answer to a request; batches may be marked at once from several threads. Raises UnavailableError."""
        data = json.loads(request)
        if data["version"] != version():
            raise UnavailableError("It runs another version of Xinglin or of Python than the machine that asks.")
        with self._lock:
            loop = self._loop or self._begun()
        return cast("bytes", self._run(self._mark(data), loop))

    def _begun(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        threading.Thread(target=loop.run_forever, name="marker", daemon=True).start()
        self._marker = Marker(self._answers)
        self._run(self._marker.__aenter__(), loop)
        atexit.register(self.close)
        self._loop = loop
        return loop

    def _run(self, work: Coroutine[Any, Any, Any], loop: asyncio.AbstractEventLoop) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result()

    async def _mark(self, data: Any) -> bytes:
        assert self._marker is not None  # noqa: S101 - for the type checker
        assignments = {
            name: Assignment(tuple(Cell(**cell) for cell in own)) for name, own in data["assignments"].items()
        }
        batch = [Submission(name, own) for name, own in data["submissions"].items()]
        marks = Here(self._marker, data["limits"]).marks(assignments, batch)
        return json.dumps({result.name: _plain(result) async for result in marks}).encode()

    def close(self) -> None:
        """End the marker."""
        if self._loop is not None and self._marker is not None:
            self._run(self._marker.__aexit__(None, None, None), self._loop)
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None


HOME = Home(ANSWERS)


def mark_batch(request: bytes) -> bytes:
    """The marks of a batch, on the machine where this runs. Raises UnavailableError, which names it."""
    try:
        return HOME.mark(request)
    except UnavailableError as error:
        raise UnavailableError(f"The worker on {socket.gethostname()} cannot mark: {error}") from error
