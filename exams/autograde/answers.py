"""Code items of an exam: each answer is run by itself, with its item's tests, and becomes a mark."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from copy import deepcopy
from dataclasses import replace

from exams import marking, paper
from exams.autograde import verdict
from exams.autograde.assignment import Notebook, assignment
from exams.autograde.cluster import HERE, Cluster
from exams.autograde.marker import Marker, Outcome, Refusal
from exams.autograde.queue import Submission, opened
from exams.items import Item
from exams.marking import Mark


async def check(marker: Marker, item: Item) -> list[Refusal]:
    """Why a code item cannot be marked: its solution does not earn the points. Empty where it can."""
    source = paper.code_source(item)
    return await marker.check(assignment(source), source)


def _mark(item: Item, outcome: Outcome) -> Mark:
    reason = marking.CORRECT if outcome.reason == verdict.PASSED else outcome.reason
    return Mark(outcome.points, item.points, outcome.points == item.points, reason)


def _answer(source: Notebook, item: Item, response: object) -> str:
    """The notebook in which the item's answer cells hold a response."""
    answered = deepcopy(source)
    for cell in answered.cells:
        if cell.metadata["nbgrader"]["solution"]:
            cell.source = str(response)[: item.max_length]
    return json.dumps(answered)


def code_marks(
    items: Iterable[Item],
    responses: Mapping[str, Mapping[str, object]],
    answers: Sequence[str],
    cluster: Cluster = HERE,
) -> dict[str, dict[str, Mark]]:
    """Candidate number -> item id -> mark, of the code items among `items`; blank answers too.

    `responses`: number -> item id -> response. `answers`: the command that runs code on this machine; it is not started
    where no item is code, or `cluster` names others for it. Raises UnavailableError.
    """
    own = {item.id: item for item in items if item.type == "code"}
    sources = {name: paper.code_source(item) for name, item in own.items()}
    found = {
        number: {name: marking.mark(item, given.get(name)) for name, item in own.items()}
        for number, given in responses.items()
    }
    submissions = []
    for number, given in responses.items():
        written = {name: given[name] for name, item in own.items() if not marking.is_blank(item, given.get(name))}
        if written:
            texts = {name: _answer(sources[name], own[name], response) for name, response in written.items()}
            submissions.append(Submission(number, texts))

    async def marked() -> None:
        assignments = {name: assignment(source) for name, source in sources.items()}
        async with (
            opened(cluster, Marker(answers)) as queue,
            aclosing(queue.marks(assignments, submissions)) as results,
        ):
            async for result in results:
                if result.failed:
                    for name, mark in found[result.name].items():
                        awaited = mark.correct is None
                        found[result.name][name] = replace(mark, reason=result.failed) if awaited else mark
                for name, one in result.marked.items():
                    found[result.name][name] = _mark(own[name], one.outcomes[name])

    if submissions:
        asyncio.run(marked())
    return found
