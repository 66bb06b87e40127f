"""Experiments: a candidate runs the simulation of an item with numbers of their own, and what was tried is kept.

The model's other numbers, which may be the answer, stay here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from courses.simulations import SIMULATIONS, given
from exams.api import OwnItem
from exams.exam import Exam
from exams.items import Item
from exams.sealed import SealedError
from exams.simulator import BusyError, UnavailableError
from exams.web import N_, Api, Context, ProblemError, not_yours, unreadable
from widgets.labels import labels

log = logging.getLogger(__name__)

BUSY = N_("Many experiments are being run at this moment. Run yours again in a few seconds.")
UNAVAILABLE = N_(
    "The experiment cannot be run at the moment. Go on with other questions and come back; your answers are kept."
)


async def warm(context: Context, exam: Exam, form: str) -> None:
    """Let every model of a form run once before a candidate asks: the first run starts kernels. Once a form."""
    if (exam.id, form) in context.warmed:
        return
    try:
        items = context.hall.paper(exam, form).items.values()
    except SealedError:
        return  # who comes to the room once it is open asks again
    context.warmed.add((exam.id, form))
    for model in {item.asset["model"] for item in items if item.asset and item.asset["kind"] == "simulation"}:
        try:
            await context.simulate(model, {})
        except (BusyError, UnavailableError):
            log.exception("Simulations of %s cannot be run yet.", model)


class Experiment(Api):
    """Running the simulation of an item, for a candidate or for staff."""

    async def run_of(self, item: Item, asker: tuple[str, str]) -> tuple[dict[str, float], Mapping[str, object]]:
        """The values that were sent for the item's controls, and the run with them; one at a time for each `asker`.

        Raises ProblemError where the item has no simulation, the values are none, or it cannot be run now.
        """
        if item.asset is None or item.asset["kind"] != "simulation":
            raise not_yours()
        model = item.asset["model"]
        try:
            values = given(self.body().get("values"), SIMULATIONS[model], item.asset["controls"])
        except ValueError as error:
            raise unreadable() from error
        if asker in self.context.experimenting:
            raise ProblemError(429, "running", BUSY)
        self.context.experimenting.add(asker)
        try:
            return values, await self.context.simulate(model, {**item.asset.get("set", {}), **values})
        except BusyError as error:
            raise ProblemError(429, "busy", BUSY) from error
        except UnavailableError as error:
            raise ProblemError(503, "unavailable", UNAVAILABLE) from error
        finally:
            self.context.experimenting.discard(asker)


class Run(OwnItem, Experiment):
    """One run by a candidate."""

    async def post(self, exam_id: str, item_id: str) -> None:
        """{"values": a number for each control} -> {"run": {"x", "y", "bands"}, "labels"}."""
        item = self.item(exam_id, item_id)
        exam, candidate = self.seat_of(exam_id)
        values, run = await self.run_of(item, (exam.id, candidate.number))
        tried = {"number": candidate.number, "item": item_id, "values": values}
        await asyncio.wrap_future(self.context.store.note(exam.id, self.current_user.user, "tried", tried))
        self.answer({"run": dict(run), "labels": labels()})
