"""Code items of an exam: each answer is run by itself, with its item's tests, and becomes a mark."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence

from exams import marking, paper
from exams.autograde import verdict
from exams.autograde.assignment import assignment
from exams.autograde.marker import Marker, Outcome, Refusal
from exams.items import Item
from exams.marking import Mark


async def check(marker: Marker, item: Item) -> list[Refusal]:
    """Why a code item cannot be marked: its solution does not earn the points. Empty where it can."""
    source = paper.code_source(item)
    return await marker.check(assignment(source), source)


async def mark(marker: Marker, item: Item, response: object) -> Mark:
    """The mark of a response to a code item. Raises UnavailableError."""
    if marking.is_blank(item, response):
        return marking.mark(item, response)
    source = paper.code_source(item)
    own = assignment(source)
    for cell in source.cells:
        if cell.metadata["nbgrader"]["solution"]:
            cell.source = str(response)[: item.max_length]
    return _mark(item, (await marker.mark(own, source)).outcomes[item.id])


def _mark(item: Item, outcome: Outcome) -> Mark:
    reason = marking.CORRECT if outcome.reason == verdict.PASSED else outcome.reason
    return Mark(outcome.points, item.points, outcome.points == item.points, reason)


def code_marks(
    items: Iterable[Item], responses: Mapping[str, Mapping[str, object]], answers: Sequence[str]
) -> dict[str, dict[str, Mark]]:
    """Candidate number -> item id -> mark, of the code items among `items`; blank answers too.

    `responses`: number -> item id -> response. `answers`: the command that runs code; it is not started where no item
    is code. Raises UnavailableError.
    """
    own = [item for item in items if item.type == "code"]

    async def marked() -> dict[str, dict[str, Mark]]:
        async with Marker(answers) as marker:
            every = [(number, item) for number in responses for item in own]
            made = await asyncio.gather(*(mark(marker, item, responses[number].get(item.id)) for number, item in every))
        found: dict[str, dict[str, Mark]] = {number: {} for number in responses}
        for (number, item), one in zip(every, made, strict=True):
            found[number][item.id] = one
        return found

    return asyncio.run(marked()) if own and responses else {number: {} for number in responses}
