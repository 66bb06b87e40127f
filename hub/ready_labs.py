"""Labs that are ready: run once in a parent of kernels of their own and rendered once; a visit is a fork and a page.

For labs whose course.toml says that they are pure at their start: what they show then depends on the notebook, the
visitor's role and the case library alone. When one of these changes, the lab is made ready anew.
"""

from __future__ import annotations

import asyncio
import logging
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from voila.notebook_renderer import NotebookRenderer

from courses.catalogue import Lab
from hub.kernels.link import PARENTS, Link, ParentGoneError
from hub.people import Role

KERNEL_PLACE = "00000000-kernel-of-this-visit-00000000"
"""Stands in the rendered page where the kernel's id goes."""

log = logging.getLogger("xinglin")


class RanRenderer(NotebookRenderer):  # type: ignore[misc]
    """Voila's renderer over a notebook that has been run already."""

    async def _jinja_kernel_start(self, nb: Any, kernel_id: str, kernel_future: Any) -> str:  # noqa: ARG002 - Voila's
        return kernel_id

    async def _jinja_cell_generator(self, nb: Any, kernel_id: str) -> AsyncIterator[Any]:  # noqa: ARG002 - Voila's
        for cell in nb.cells:
            yield cell


@dataclass(frozen=True)
class ReadyLab:
    """A lab made ready: the parent of its kernels, and its page."""

    link: Link
    page: str

    def page_for(self, kernel_id: str) -> str:
        """The page of the visit whose kernel that is."""
        return self.page.replace(KERNEL_PLACE, kernel_id)


Render = Callable[[Any], Awaitable[str]]
"""Turns a notebook that was run into the page with KERNEL_PLACE in it."""


class ReadyLabs:
    """The labs that are ready, by lab and role; made so when first opened."""

    def __init__(self, courses: Path, cases: Path, preload: Sequence[str]) -> None:
        self._courses, self._cases, self._preload = courses, cases, preload
        self._made: dict[tuple[str, Role], asyncio.Task[ReadyLab | None]] = {}
        self._retired: list[Link] = []
        self._from: dict[tuple[str, Role], tuple[int, ...]] = {}

    async def get(self, lab: Lab, role: Role, environment: Mapping[str, str], render: Render) -> ReadyLab | None:
        """The lab made ready for visitors of `role`, whose kernels start with `environment`.

        None where the lab is not pure at its start, or could not be run so, which is logged once.
        """
        if not lab.pure_at_start:
            return None
        key, now = (lab.id, role), self._state(lab)
        task = self._made.get(key)
        if task is None or self._from[key] != now or (task.done() and not usable(task.result())):
            if task is not None and task.done() and (old := task.result()) is not None:
                self._retired.append(old.link)
            task = self._made[key] = asyncio.create_task(self._make(lab, environment, render))
            self._from[key] = now
        self._close_retired()
        return await asyncio.shield(task)

    def _close_retired(self) -> None:
        """A parent whose lab has changed stays for those who are still in it."""
        for link in self._retired:
            if not link.kernels():
                link.close()
        self._retired = [link for link in self._retired if link.usable and link.kernels()]

    def links(self) -> list[Link]:
        """The parents of the labs that are ready."""
        made = [task.result() for task in self._made.values() if task.done()]
        return [ready.link for ready in made if ready is not None]

    def _state(self, lab: Lab) -> tuple[int, ...]:
        """What a lab made ready depends on: when its notebook and the library were changed last."""
        paths = (self._courses / f"{lab.id}.ipynb", self._cases)
        return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in paths)

    async def _make(self, lab: Lab, environment: Mapping[str, str], render: Render) -> ReadyLab | None:
        path = self._courses / f"{lab.id}.ipynb"
        descriptor, output = tempfile.mkstemp(prefix="xinglin-", suffix=".ipynb")
        os.close(descriptor)
        launch = {"notebook": str(path), "cwd": str(path.parent), "env": dict(environment), "output": output}
        try:
            parent = PARENTS.get(self._preload, environment)
            await asyncio.wrap_future(parent.ready)
            link = parent.run_notebook(launch)
            await asyncio.wrap_future(link.ready)
            page = await render(await asyncio.to_thread(nbformat.read, output, 4))
        except ParentGoneError as error:
            log.warning("The lab %s is run anew for each visit: %s.", lab.id, error)
            return None
        finally:
            os.unlink(output)
        return ReadyLab(link, page)


def usable(ready: ReadyLab | None) -> bool:
    """Whether kernels can be forked for it; a lab that could not be made ready is not tried again until it changes."""
    return ready is None or ready.link.usable
