"""Sittings: one candidate's one attempt each, kept so that what was acknowledged cannot be lost or altered.

A sitting is opened once and entered as often as need be (a closed tab, another machine); each entering takes the *seat*
and only the page that holds the seat may write. Responses go into an append-only log and are acknowledged when they are
on disk; after submitting or after the deadline nothing changes any more. All instants are milliseconds since 1970 UTC.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import cast

import sqlalchemy as sa

from exams import attendance, audit, replay, sitting_changes, sitting_tables
from exams.attendance import NOTHING, Attendance
from exams.change import Credit, Enter, Force, Note, Origin, Save, Submit
from exams.database import connect
from exams.journal import Journal
from exams.knock import Knock
from exams.response import Json, Response, latest
from exams.sitting_attend import Attend
from exams.sitting_changes import Change
from exams.sitting_tables import Progress, Sitting, response_of, sitting_of
from exams.timing import Allowance

__all__ = ["Progress", "Reading", "Sitting", "SittingStore"]


def now_ms() -> int:
    """The server's clock."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Reading:
    """What those who watch over an exam see: how far its sittings are, and the attendance, by candidate number."""

    progress: Mapping[str, Progress]
    attendance: Mapping[str, Attendance]


class SittingStore:
    """All sittings of all exams in the database at `url` (an SQLAlchemy address).

    Reading is immediate. What writes returns a future that is done when the change is on disk; it raises a
    `change.RefusedError` where the rules do not allow the change. Any thread may call.
    """

    def __init__(self, url: str, clock: Callable[[], int] = now_ms) -> None:
        self._engine = connect(url, audit.metadata)
        self._clock = clock
        self._opened: dict[tuple[str, str], Sitting] = {}
        self._journal: Journal[Change] = Journal(self._engine, sitting_changes.apply)

    def close(self) -> None:
        """Finish what is being written and let the database go."""
        self._journal.close()
        self._engine.dispose()

    def now(self) -> int:
        """The instant by which this store decides."""
        return self._clock()

    def enter(
        self,
        exam: str,
        number: str,
        form: str,
        seed: int,
        allowance: Allowance,
        *,
        seat: str,
        actor: str,
        origin: Origin,
    ) -> Future[Sitting]:
        """Open the sitting of candidate `number`, or enter the one that is open, and take its seat.

        `form`, `seed` and `allowance` count when it is opened and are kept from then on. From another device than the
        sitting was entered from it is refused, and asked of those who watch over the exam.
        """
        change = Enter(self._clock(), exam, number, actor, form, seed, allowance, seat, origin)
        entered = cast("Future[Sitting]", self._journal.submit(change))
        entered.add_done_callback(self._remember)
        return entered

    def _remember(self, entered: Future[Sitting]) -> None:
        """Whoever has entered will save."""
        if not entered.cancelled() and entered.exception() is None:
            sitting = entered.result()
            self._opened[sitting.exam, sitting.number] = sitting

    def attend(
        self, exam: str, numbers: Iterable[str], act: str, actor: str, detail: Mapping[str, object]
    ) -> Future[list[str]]:
        """Let `act` (`attendance.STEPS`) happen to those of `numbers` to whom it can happen now; gives these."""
        change = Attend(self._clock(), exam, tuple(numbers), actor, act, dict(detail))
        return cast("Future[list[str]]", self._journal.submit(change))

    def save(self, sitting: Sitting, seat: str, responses: Sequence[Response]) -> Future[Sitting]:
        """Append `responses`; those that are there already, under the same sequence, are left as they are."""
        change = Save(self._clock(), sitting.exam, sitting.number, seat, tuple(responses))
        return cast("Future[Sitting]", self._journal.submit(change))

    def submit(self, exam: str, number: str, seat: str, sequence: int, actor: str) -> Future[Sitting]:
        """Close a sitting for good. `sequence` is the last the browser gave: refused while responses are missing."""
        return cast("Future[Sitting]", self._journal.submit(Submit(self._clock(), exam, number, actor, seat, sequence)))

    def force(self, exam: str, number: str, reason: str, actor: str) -> Future[Sitting]:
        """Close a sitting on an invigilator's word, with what is saved of it."""
        return cast("Future[Sitting]", self._journal.submit(Force(self._clock(), exam, number, actor, reason)))

    def credit(self, exam: str, seconds: int, reason: str, actor: str, number: str | None = None) -> Future[int]:
        """Give time back after an outage, to one candidate or to all who have not submitted; gives how many got it."""
        return cast("Future[int]", self._journal.submit(Credit(self._clock(), exam, actor, seconds, reason, number)))

    def note(self, exam: str, actor: str, act: str, detail: Mapping[str, object]) -> Future[audit.Entry]:
        """Write an act that changes no sitting (collecting, releasing, ...) into the audit log."""
        return cast("Future[audit.Entry]", self._journal.submit(Note(self._clock(), exam, actor, act, dict(detail))))

    def knock(
        self, number: str, *, right: bool, welcome: Sequence[audit.Act] = (), alarm: Sequence[audit.Act] = ()
    ) -> Future[int]:
        """Somebody comes with a code; see `Knock`. Gives the milliseconds to wait, 0 where it was heard."""
        change = Knock(self._clock(), number, right, tuple(welcome), tuple(alarm))
        return cast("Future[int]", self._journal.submit(change))

    def sitting(self, exam: str, number: str) -> Sitting | None:
        """The sitting of a candidate, None where there is none yet."""
        with self._engine.connect() as connection:
            return sitting_tables.find(connection, exam, number)

    def opened(self, exam: str, number: str) -> Sitting | None:
        """The sitting of a candidate as it once was: exam, number, form, seed and start never change.

        Saving asks for no more, and most of what is asked of the service is saving.
        """
        known = self._opened.get((exam, number))
        if known is None and (known := self.sitting(exam, number)) is not None:
            self._opened[exam, number] = known
        return known

    def latest(self, sitting: Sitting) -> dict[str, Response]:
        """What holds for each item that was answered or flagged."""
        return latest(self.log(sitting))

    def log(self, sitting: Sitting) -> list[Response]:
        """Every response of a sitting by its sequence."""
        table = sitting_tables.responses
        query = sa.select(table).where(table.c.sitting == sitting.id).order_by(table.c.sequence)
        with self._engine.connect() as connection:
            return [response_of(row) for row in connection.execute(query)]

    def responses(self, exam: str, items: Collection[str] | None = None) -> dict[str, dict[str, Json]]:
        """Candidate number -> item id -> answer, of every sitting of `exam` that was not annulled.

        Cleared answers are left out. Where `items` are named only those to them.
        """
        with self._engine.connect() as connection:
            held = sitting_tables.answers(connection, exam, items)
        return {
            sitting.number: {item: value for item, value in held.get(sitting.id, {}).items() if value is not None}
            for sitting in self.sittings(exam)
            if sitting.annulled_ms is None
        }

    def submitted_at(self, exam: str) -> dict[str, int]:
        """Candidate number -> when the sitting was closed, by submitting or by time, of those that count."""
        now = self._clock()
        counted = [sitting for sitting in self.sittings(exam) if sitting.annulled_ms is None]
        return {sitting.number: closed for sitting in counted if (closed := sitting.closed_at(now)) is not None}

    def sittings(self, exam: str) -> list[Sitting]:
        """The sittings of an exam by candidate number."""
        table = sitting_tables.sittings
        with self._engine.connect() as connection:
            rows = connection.execute(sitting_tables.selected().where(table.c.exam == exam).order_by(table.c.number))
            return [sitting_of(row) for row in rows]

    def attendance(self, exam: str) -> dict[str, Attendance]:
        """What was decided and noticed about the candidates of an exam, by number; who is not in it was not seen."""
        with self._engine.connect() as connection:
            return attendance.of_exam(connection, exam)

    def attendance_of(self, exam: str, number: str) -> Attendance:
        """What was decided and noticed about one candidate."""
        with self._engine.connect() as connection:
            return attendance.of_keys(connection, [(exam, number)]).get((exam, number), NOTHING)

    def progress(self, exam: str) -> list[Progress]:
        """How far every sitting of an exam is, by candidate number."""
        with self._engine.connect() as connection:
            return list(sitting_tables.progress(connection, exam))

    def reading(self, exam: str) -> Reading:
        """How far the sittings of an exam are, and the attendance."""
        return Reading({one.sitting.number: one for one in self.progress(exam)}, self.attendance(exam))

    def verify(self) -> replay.Break | None:
        """Where the audit log, the responses or the sittings are not as they were written; None where all are."""
        with self._engine.connect() as connection:
            return replay.verify(connection)

    def last_entry(self) -> audit.Entry | None:
        """The newest entry of the audit log."""
        with self._engine.connect() as connection:
            return audit.last(connection)

    def sealed(self, seal: str) -> audit.Entry | None:
        """The entry with that seal."""
        with self._engine.connect() as connection:
            return audit.with_seal(connection, seal)

    def history(self, exam: str, number: str) -> list[audit.Entry]:
        """What the audit log tells of one candidate, oldest first; responses are not told one by one."""
        with self._engine.connect() as connection:
            return list(audit.of_candidate(connection, exam, number))

    def audit(self, exam: str) -> Iterable[audit.Entry]:
        """The audit log of an exam, oldest first."""
        with self._engine.connect() as connection:
            return [entry for entry in audit.entries(connection) if entry.exam == exam]
