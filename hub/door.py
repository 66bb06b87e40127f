"""The door: how many labs start at once, and who is next. Whoever waits keeps their place by asking again.

A start costs processor time; sixty at once would each take sixty times as long. So a few start, and the others are told
how many are before them.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable

PATIENCE_S = 10.0
"""A page that waits asks every second or two; one that has not for so long is closed."""


class Door:
    """Lets `starts` in at a time, in the order of their first knock."""

    def __init__(self, starts: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._starts, self._clock = starts, clock
        self._inside: set[str] = set()
        self._line: dict[str, float] = {}
        self._moved = asyncio.Event()

    def __len__(self) -> int:
        """How many are starting or waiting."""
        self._forget_the_gone()
        return len(self._inside) + len(self._line)

    def place(self, ticket: str) -> int:
        """How many must start before `ticket` may, 0 for none; asking keeps the place."""
        self._forget_the_gone()
        self._line[ticket] = self._clock()
        return max(0, list(self._line).index(ticket) + 1 - (self._starts - len(self._inside)))

    async def enter(self, ticket: str, seconds: float) -> int:
        """Wait up to `seconds`; 0 when `ticket` is in (it must `leave`), else how many are before it."""
        deadline = self._clock() + seconds
        while (place := self.place(ticket)) and (rest := deadline - self._clock()) > 0:
            try:
                await asyncio.wait_for(self._moved.wait(), rest)
            except TimeoutError:
                break
        if place == 0:
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
