"""The severity of markers, computed by a process of its own: those who sit an exam in the service wait for none of it.

`python -m exams.panel.severity` reads marks as JSON, [[answer, marker, item, share], ...], and writes
{"severities": [...], "extremes": see `facets.extremes`, "why": an English msgid where there are no severities}.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

from exams.facets import FAILED, NotEstimableError, Rating, Severity, extremes, severities

LONGEST_S = 120
"""12,000 marks take two seconds."""


@dataclass(frozen=True)
class Told:
    """The severities by marker; without any, `why`: an English msgid. extremes: see `facets.extremes`."""

    severities: dict[str, Severity] = field(default_factory=dict)
    extremes: dict[str, str] = field(default_factory=dict)
    why: str = ""


class Severities:
    """The severities of each exam, computed anew when its marks are others than the last time."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, Told]] = {}
        self._turn = asyncio.Lock()

    async def of(self, exam: str, ratings: Sequence[Rating]) -> Told:
        """What `ratings`, all of an exam, come to."""
        async with self._turn:
            stamp = hash(tuple(ratings))
            known = self._known.get(exam)
            if known is None or known[0] != stamp:
                known = self._known[exam] = (stamp, await computed(ratings))
            return known[1]


async def computed(ratings: Sequence[Rating]) -> Told:
    """Let another process compute it."""
    plain = json.dumps([[one.answer, one.marker, one.item, one.share] for one in ratings]).encode()
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "exams.panel.severity", stdin=pipe, stdout=pipe, stderr=None
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(plain), LONGEST_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return Told(why=FAILED)
    if process.returncode:
        return Told(why=FAILED)
    told = json.loads(said)
    return Told({one["marker"]: Severity(**one) for one in told["severities"]}, told["extremes"], told["why"])


def main() -> None:
    """Read, compute, write."""
    ratings = [Rating(*own) for own in json.load(sys.stdin)]
    told: dict[str, object] = {"severities": [], "extremes": extremes(ratings), "why": ""}
    try:
        told["severities"] = [asdict(one) for one in severities(ratings)]
    except NotEstimableError as error:
        told["why"] = str(error)
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
