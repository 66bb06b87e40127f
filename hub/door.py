"""The door: how many labs start at once, and who is next. Whoever waits keeps their place by asking again.

A start costs processor time; sixty at once would each take sixty times as long. So a few start, and the others are told
how many are before them. When the house is full nobody starts, and the line stays in its order until somebody leaves.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import Callable

PATIENCE_S = 10.0
"""A page that waits asks all the time; one that has not for so long is closed."""
LOOK_S = 1.0
"""How soon those who wait see that a lab has closed, of which the door is not told."""


class Door:
    """Lets `starts` in at a time, in the order of their first knock, and no more than there is `room` for.

    `room` tells how many labs may be opened beside those that are open.
    """

    def __init__(
        self, starts: int, clock: Callable[[], float] = time.monotonic, room: Callable[[], int] = lambda: sys.maxsize
    ) -> None:
        self._starts, self._clock, self._room = starts, clock, room
        self._inside: set[str] = set()
        self._line: dict[str, float] = {}
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        """How many are starting or waiting."""
        self._forget_the_gone()
        return len(self._inside) + len(self._line)

    @property
    def full(self) -> bool:
        """Whether those who are starting take all the room that is left."""
        return self._room() <= len(self._inside)

    def place(self, ticket: str) -> int:
        """How many must start before `ticket` may, or leave where the house is full; 0 for none. Asking keeps it."""
        self._forget_the_gone()
        self._line[ticket] = self._clock()
        free = max(0, min(self._starts, self._room()) - len(self._inside))
        return max(0, list(self._line).index(ticket) + 1 - free)

    async def wait(self, ticket: str, seconds: float, known: int | None = None) -> int:
        """The place of `ticket` as soon as it is 0 or, where one is `known`, another; else after `seconds`."""
        deadline = self._clock() + seconds
        while (place := self.place(ticket)) and known in {None, place} and (rest := deadline - self._clock()) > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), min(rest, LOOK_S))
        return place

    async def enter(self, ticket: str, seconds: float) -> int:
        """Wait up to `seconds`; 0 when `ticket` is in (it must `leave`), else its place."""
        if (place := await self.wait(ticket, seconds)) == 0:
            del self._line[ticket]
            self._inside.add(ticket)
        return place

    def leave(self, ticket: str) -> None:
        """The start is done, or was given up."""
        self._inside.discard(ticket)
        self._line.pop(ticket, None)
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def _forget_the_gone(self) -> None:
        oldest = self._clock() - PATIENCE_S
        self._line = {ticket: asked for ticket, asked in self._line.items() if asked >= oldest}


def new_ticket() -> str:
    """A place in the line, which nobody can guess."""
    return secrets.token_urlsafe(12)
