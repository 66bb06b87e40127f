"""The panel's store: answers to be marked and their marks, in the database of the sittings.

Reading is immediate. What writes returns a future that is done when the change is on disk; it raises a
`change.RefusedError` where the rules do not allow the change. Any thread and any number of processes may call.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future
from typing import Concatenate, ParamSpec, TypeVar, cast

import sqlalchemy as sa

from exams import audit
from exams.database import connect
from exams.journal import Journal
from exams.panel import changes, reading
from exams.panel.change import Claim, Drawn, Govern, Handed, HandOn, Mark, Open, Opening, Standard
from exams.panel.reading import Asked, Count, Dispute, Own, Passing, Rating, Sheet
from exams.panel.rules import Marker
from exams.panelrules import Marking
from exams.sitting import now_ms

T = TypeVar("T")
P = ParamSpec("P")

LEASE_MS = 15 * 60_000
"""How long an answer waits for the marker it was given to; a page that is open asks for more time before."""

CODE_BYTES = 8
PLACES = 2**31 - 1


class PanelStore:
    """The panels of all exams in the database at `url` (an SQLAlchemy address)."""

    def __init__(self, url: str, clock: Callable[[], int] = now_ms) -> None:
        self._engine = connect(url, audit.metadata)
        self._clock = clock
        self._journal: Journal[changes.Change] = Journal(self._engine, changes.apply)

    def close(self) -> None:
        """Finish what is being written and let the database go."""
        self._journal.close()
        self._engine.dispose()

    def open(self, exam: str, answers: Sequence[Opening], rules: Marking, actor: str) -> Future[dict[str, int]]:
        """Put the answers of an exam in line: all that are to be marked. Asked for twice, it is done once.

        What was in line and is not among them is withdrawn: its sitting was annulled, or is open again. Gives how many
        are "new", in line "again" (another text, a newer rubric, other rules) and "withdrawn".
        """
        drawn = (Drawn(one, secrets.token_hex(CODE_BYTES), secrets.randbelow(PLACES)) for one in answers)
        change = Open(self._clock(), exam, actor, rules, tuple(drawn))
        return cast("Future[dict[str, int]]", self._journal.submit(change))

    def govern(self, exam: str, rules: Marking, worth: Mapping[str, float], actor: str) -> Future[None]:
        """Mark by other rules from now on. worth: item id -> points."""
        return cast("Future[None]", self._journal.submit(Govern(self._clock(), exam, actor, rules, dict(worth))))

    def claim(
        self,
        exam: str,
        item: str,
        marker: Marker,
        wanted: int,
        holding: Sequence[str] = (),
        *,
        disputes: bool = False,
        check_every: int = 0,
    ) -> Future[list[Handed]]:
        """Answers for `marker` to mark, `wanted` besides those `holding` (codes), which they keep as long."""
        now = self._clock()
        own = (now, exam, item, marker, wanted, tuple(holding), disputes, check_every)
        change = Claim(*own, now + LEASE_MS, secrets.randbelow(PLACES))
        return cast("Future[list[Handed]]", self._journal.submit(change))

    def mark(
        self,
        exam: str,
        item: str,
        marker: Marker,
        code: str,
        edition: int,
        points: Sequence[float],
        *,
        client: str,
        comment: str = "",
        seconds: float = 0.0,
        again: bool = False,
        unless: str = "",
        released: bool = False,
    ) -> Future[None]:
        """Keep a mark: points for each criterion; sent twice under the same `client` it is one. See `Mark`."""
        own = (self._clock(), exam, item, code, edition, marker, tuple(points))
        change = Mark(*own, comment, seconds, client, again, unless, released)
        return cast("Future[None]", self._journal.submit(change))

    def hand_on(
        self,
        exam: str,
        item: str,
        marker: Marker,
        code: str,
        edition: int,
        reason: str,
        note: str = "",
        unless: str = "",
    ) -> Future[None]:
        """Let an answer go to somebody else. unless: see `Mark`."""
        change = HandOn(self._clock(), exam, item, code, edition, marker, reason, note, unless)
        return cast("Future[None]", self._journal.submit(change))

    def standard(
        self,
        exam: str,
        item: str,
        code: str,
        edition: int,
        points: Sequence[float],
        *,
        actor: str,
        client: str,
        comment: str = "",
    ) -> Future[None]:
        """Make an answer a check script by the lead's own mark."""
        change = Standard(self._clock(), exam, item, code, edition, actor, tuple(points), comment, client)
        return cast("Future[None]", self._journal.submit(change))

    def questions(self, exam: str, marker: Marker) -> list[Asked]:
        """The items of an exam that are marked here, with how much of each is left for `marker`."""
        return self._read(reading.questions, exam, marker, self._clock())

    def left(self, exam: str, item: str, marker: Marker, disputes: bool = False) -> int:
        """How many answers of an item there are for `marker` to mark, or to decide."""
        return self._read(reading.left, exam, item, marker, disputes, self._clock())

    def own(self, exam: str, item: str, marker: Marker) -> list[Own]:
        """What `marker` marked last of an item, the newest first."""
        return self._read(reading.own, exam, item, marker)

    def counts(self, exam: str) -> list[Count]:
        """How far the marking of each item is."""
        return self._read(reading.counts, exam)

    def disputes(self, exam: str) -> list[Dispute]:
        """What waits for an adjudicator."""
        return self._read(reading.disputes, exam)

    def sheets(self, exam: str, item: str, wanted: int) -> list[Sheet]:
        """Answers of an item for the lead to choose check scripts from: those that are some, and `wanted` more."""
        return self._read(reading.sheets, exam, item, wanted)

    def ratings(self, exam: str) -> list[Rating]:
        """Every mark that holds, of answers that are not withdrawn."""
        return self._read(reading.ratings, exam)

    def passings(self, exam: str) -> list[Passing]:
        """Who handed on what."""
        return self._read(reading.passings, exam)

    def schools(self, exam: str) -> dict[str, frozenset[str]]:
        """The schools that each marker came with who has asked for answers."""
        return self._read(reading.schools, exam)

    def stuck(self, exam: str, markers: Collection[str]) -> int:
        """How many answers wait for more marks than `markers` can still give them."""
        return self._read(reading.stuck, exam, markers)

    def finals(self, exam: str) -> dict[str, dict[str, tuple[float, str]]]:
        """Candidate number -> item -> points and comment, of the answers that are done. For the office."""
        return self._read(reading.finals, exam)

    def lined(self, exam: str) -> set[tuple[str, str]]:
        """(candidate number, item) of every answer that was ever put in line. For the office."""
        return self._read(reading.lined, exam)

    def pending(self, exam: str) -> int:
        """How many answers are not done."""
        return sum(one.total - one.done for one in self.counts(exam))

    def verify(self) -> int | None:
        """The first audit entry whose mark is not in the database as it tells, 0 for a mark of no entry; None: all."""
        return self._read(reading.verify)

    def _read(self, read: Callable[Concatenate[sa.Connection, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        with self._engine.connect() as connection:
            return read(connection, *arguments, **named)
