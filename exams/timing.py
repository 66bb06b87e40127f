"""When a sitting is open: pure rules over instants, whole milliseconds since 1970 UTC by the server's clock.

A candidate has the exam's minutes from the moment of entering, never past the exam's closing. Extra time (a right of
the candidate) and outage credit (a remedy for a fault of ours) come on top of both.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

GRACE_MS = 10_000
"""After its deadline a sitting still takes what was on its way: one save, one back-off, one try again."""

MINUTE_MS = 60_000


class Phase(enum.StrEnum):
    """Where an exam stands: nobody may enter yet, candidates may enter, nobody may enter any more."""

    BEFORE = "before"
    OPEN = "open"
    OVER = "over"


@dataclass(frozen=True)
class Allowance:
    """What a deadline is made of; kept as data with the sitting, so that it can be explained afterwards."""

    minutes: int
    closes_ms: int
    extra_minutes: int = 0
    credit_s: int = 0


def phase(now_ms: int, opens_ms: int, closes_ms: int) -> Phase:
    """The phase of an exam that takes candidates in from `opens_ms` (inclusive) to `closes_ms` (exclusive).

    One that was ended before it opened is over.
    """
    if now_ms >= closes_ms:
        return Phase.OVER
    return Phase.BEFORE if now_ms < opens_ms else Phase.OPEN


def deadline(started_ms: int, allowance: Allowance) -> int:
    """The instant at which a sitting's time is up."""
    regular = min(started_ms + allowance.minutes * MINUTE_MS, allowance.closes_ms)
    return regular + allowance.extra_minutes * MINUTE_MS + allowance.credit_s * 1000


def closed_at(now_ms: int, deadline_ms: int, submitted_ms: int | None, paused_ms: int | None = None) -> int | None:
    """When a sitting was closed, or None while it is open.

    A candidate closes it by submitting; where time ran out it closes by itself, `GRACE_MS` after the deadline. That is
    a rule and not a deed, so a service that was down at that moment changes nothing. While it is paused, since
    `paused_ms`, its time stands still.
    """
    if submitted_ms is not None:
        return submitted_ms
    end = deadline_ms + GRACE_MS
    reached = now_ms if paused_ms is None else min(now_ms, paused_ms)
    return end if reached > end else None
