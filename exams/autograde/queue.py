"""The queue: submissions go in with their names, and their marks come out as they are made, in any order.

It is either the marker of this machine or, by one setting (`cluster`), the workers of a Dask scheduler on several
(`machines`). Whoever marks sees no difference but in time.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import nbformat

from exams.autograde.assignment import Assignment, Notebook
from exams.autograde.cluster import Cluster
from exams.autograde.marker import Marked, Marker

T = TypeVar("T")
NO_NOTEBOOK = (ValueError, KeyError, TypeError, AttributeError, RecursionError, nbformat.ValidationError)
"""What is raised over a file that is no notebook, or one that was made to be none."""
MOST_TEXT = 4 << 20
"""Characters of all cells: as JSON they fit a line of what runs them."""


@dataclass(frozen=True)
class Submission:
    """What was handed in under a name that is unique in its queue: the texts of notebooks, by assignment."""

    name: str
    notebooks: Mapping[str, str]


@dataclass(frozen=True)
class Result:
    """The marks of a submission by assignment; failed: why there are none, "" where there are."""

    name: str
    marked: Mapping[str, Marked] = field(default_factory=dict)
    failed: str = ""


class Queue(Protocol):
    """Something that marks."""

    def marks(
        self, assignments: Mapping[str, Assignment], submissions: Iterable[Submission]
    ) -> AsyncGenerator[Result, None]:
        """One result for each submission; these are read as they are needed. Raises UnavailableError."""


class Here:
    """The queue of this machine. `limits`: of each run in the sandbox, the marker's own by default."""

    def __init__(self, marker: Marker, limits: Mapping[str, float] | None = None):
        self._marker, self._limits = marker, limits

    async def marks(
        self, assignments: Mapping[str, Assignment], submissions: Iterable[Submission]
    ) -> AsyncGenerator[Result, None]:
        """See `Queue`."""
        work = (self._mark(assignments, own) for own in submissions)
        async with aclosing(as_done(work, lambda: 2 * self._marker.at_once)) as results:
            async for result in results:
                yield result

    async def _mark(self, assignments: Mapping[str, Assignment], submission: Submission) -> Result:
        try:
            texts = submission.notebooks.items()
            marked = {
                name: await self._marker.mark(assignments[name], read(text), self._limits) for name, text in texts
            }
        except NO_NOTEBOOK as error:
            return Result(submission.name, failed=f"{type(error).__name__}: {error}")
        return Result(submission.name, marked)


@asynccontextmanager
async def opened(cluster: Cluster, marker: Marker) -> AsyncIterator[Queue]:
    """The queue that the setting asks for; `marker`, of this machine, is started if it is the one. UnavailableError."""
    if not cluster.scheduler:
        async with marker:
            yield Here(marker)
        return
    from exams.autograde.machines import connected  # Dask takes a second to import

    async with connected(cluster) as queue:
        yield queue


def read(text: str) -> Notebook:
    """A notebook as students hand it in. Raises one of NO_NOTEBOOK where it is none.

    nbformat's own way holds each cell against a schema, which takes longer than running it.
    """
    data = json.loads(text)
    notebook = nbformat.reads(text, as_version=4) if data["nbformat"] != 4 else nbformat.v4.to_notebook(data)
    if (length := sum(len(cell.source) for cell in notebook.cells)) > MOST_TEXT:
        raise ValueError(f"Its cells have {length} characters; {MOST_TEXT} can be marked.")
    return notebook


async def as_done(work: Iterable[Coroutine[Any, Any, T]], most: Callable[[], int]) -> AsyncGenerator[T, None]:
    """What coroutines give as they are done; `most()` of them at once, and each is only then taken from `work`."""
    waiting, running, done = iter(work), set[asyncio.Task[T]](), set[asyncio.Task[T]]()
    try:
        while True:
            free = max(most() - len(running), 0)
            running |= {asyncio.create_task(own) for own in itertools.islice(waiting, free)}
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for own in done:
                yield own.result()
    finally:
        for own in running:
            own.cancel()
        await asyncio.gather(*running, *done, return_exceptions=True)  # several may have failed for one reason
