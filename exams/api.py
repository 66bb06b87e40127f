"""The API of the exam room: entering, saving, submitting; JSON in and out, each reply with the server's clock."""

from __future__ import annotations

import asyncio
import re

from courses.series import Series
from exams.exam import Exam
from exams.items import Item
from exams.order import seed_of
from exams.response import InvalidResponseError, latest, parse
from exams.roster import Candidate
from exams.sitting import Sitting
from exams.sitting_changes import CLOSED, CONFLICT, INCOMPLETE, NOT_ENTERED, TAKEN_OVER, RefusedError
from exams.timing import Allowance, Phase, phase
from exams.web import N_, Api, ProblemError, not_yours, unreadable

MOST_RESPONSES = 200
"""Responses in one request: what a browser saves up in minutes without a network."""

SEAT = re.compile(r"[A-Za-z0-9-]{8,64}")

REFUSALS = {
    CLOSED: N_("This paper is closed: it was submitted, or its time is over. Nothing can be changed any more."),
    NOT_ENTERED: N_("You have not entered this exam yet. Go to the waiting room."),
    TAKEN_OVER: N_("This exam was opened in another window or on another machine. You can continue here or there."),
    CONFLICT: N_("Another window saved answers at the same time. Load this page again to see what holds."),
    INCOMPLETE: N_("Some answers are not saved yet. Wait until all are saved, then submit again."),
}


def milliseconds(exam: Exam) -> tuple[int, int]:
    """When an exam opens and closes, in milliseconds since 1970."""
    return round(exam.opens.timestamp() * 1000), round(exam.closes.timestamp() * 1000)


def refused(error: RefusedError) -> ProblemError:
    """The answer to a change that the rules do not allow."""
    return ProblemError(409, error.code, REFUSALS[error.code])


class CandidateApi(Api):
    """What one candidate may do to the own sitting; there is no address of another's."""

    def own(self, exam_id: str) -> tuple[Exam, Candidate, Sitting]:
        """Exam, candidate and sitting of the asker. Raises ProblemError where there is none yet."""
        exam, candidate = self.seat_of(exam_id)
        sitting = self.context.store.sitting(exam.id, candidate.number)
        if sitting is None:
            raise refused(RefusedError(NOT_ENTERED))
        return exam, candidate, sitting

    def seat(self, body: dict[str, object]) -> str:
        """The seat that a page claims. Raises ProblemError where it is no name of one."""
        seat = body.get("seat")
        if not isinstance(seat, str) or not SEAT.fullmatch(seat):
            raise unreadable()
        return seat

    def state(self, sitting: Sitting) -> dict[str, object]:
        """What the room must know to show the time and whether it may write."""
        now = self.context.store.now()
        return {"deadline": sitting.deadline_ms, "closed": sitting.closed_at(now), "seat": sitting.seat}


class Clock(Api):
    """When an exam opens, for those in the waiting room."""

    def get(self, exam_id: str) -> None:
        """{"now", "opens", "closes", "phase"}."""
        exam, _ = self.seat_of(exam_id)
        opens, closes = milliseconds(exam)
        self.answer({"opens": opens, "closes": closes, "phase": phase(self.context.store.now(), opens, closes)})


class Enter(CandidateApi):
    """Open the sitting or come back to it; only now does the paper leave the server."""

    async def post(self, exam_id: str) -> None:
        """{"seat"} -> the paper in the candidate's order, what holds so far, and the deadline."""
        exam, candidate = self.seat_of(exam_id)
        seat = self.seat(self.body())
        opens, closes = milliseconds(exam)
        store = self.context.store
        asked_ms = store.now()
        now = phase(asked_ms, opens, closes)
        if now is Phase.BEFORE:
            raise ProblemError(409, "before", N_("This exam has not begun. Wait in the waiting room; it tells when."))
        if now is Phase.OVER and store.sitting(exam.id, candidate.number) is None:
            raise ProblemError(409, "over", N_("This exam is over. If you were kept from entering, tell your teacher."))
        try:
            sitting = await asyncio.wrap_future(
                store.enter(
                    exam.id,
                    candidate.number,
                    candidate.form,
                    seed_of(exam.id, candidate.number),
                    Allowance(exam.minutes, closes, candidate.extra_minutes),
                    seat=seat,
                    actor=self.current_user.user,
                    origin=f"{self.request.remote_ip} {self.request.headers.get('User-Agent', '')}"[:300],
                )
            )
        except RefusedError as error:
            raise refused(error) from error
        log = store.log(sitting) if sitting.started_ms < asked_ms else []  # one that begins now holds nothing yet
        self.answer(
            {
                **self.state(sitting),
                "items": self.context.hall.paper(exam, sitting.form).public(sitting.seed),
                "latest": [response.public() for response in latest(log).values()],
                "sequence": max((response.sequence for response in log), default=0),
            }
        )


class Save(CandidateApi):
    """Autosave."""

    async def post(self, exam_id: str) -> None:
        """{"seat", "responses"} -> {"acknowledged": sequences on disk}."""
        body = self.body()
        exam, candidate = self.seat_of(exam_id)
        sitting = self.context.store.opened(exam.id, candidate.number)
        if sitting is None:
            raise refused(RefusedError(NOT_ENTERED))
        sent = body.get("responses")
        if not isinstance(sent, list) or not 1 <= len(sent) <= MOST_RESPONSES:
            raise unreadable()
        items = self.context.hall.paper(exam, sitting.form).items
        try:
            responses = [parse(response, items.keys()) for response in sent]
            saved = await asyncio.wrap_future(self.context.store.save(sitting, self.seat(body), responses))
        except InvalidResponseError as error:
            raise unreadable() from error
        except RefusedError as error:
            raise refused(error) from error
        self.answer({**self.state(saved), "acknowledged": [response.sequence for response in responses]})


class State(CandidateApi):
    """A sign of life."""

    def get(self, exam_id: str) -> None:
        """The state of the sitting."""
        _, _, sitting = self.own(exam_id)
        self.answer(self.state(sitting))


class Submit(CandidateApi):
    """Hand in the paper, once."""

    async def post(self, exam_id: str) -> None:
        """{"seat", "sequence": last given} -> {"receipt": address}; refused while responses are missing."""
        body = self.body()
        exam, candidate, _ = self.own(exam_id)
        sequence = body.get("sequence")
        if type(sequence) is not int:
            raise unreadable()
        try:
            sitting = await asyncio.wrap_future(
                self.context.store.submit(exam.id, candidate.number, self.seat(body), sequence, self.current_user.user)
            )
        except RefusedError as error:
            raise refused(error) from error
        self.answer({**self.state(sitting), "receipt": f"{self.context.prefix}{exam.id}/receipt"})


class OwnItem(CandidateApi):
    """What belongs to one item: only for a candidate who has it in a sitting that is open."""

    def item(self, exam_id: str, item_id: str) -> Item:
        """The item. Raises ProblemError unless it is in the asker's open sitting."""
        exam, _, sitting = self.own(exam_id)
        if sitting.closed_at(self.context.store.now()) is not None:
            raise refused(RefusedError(CLOSED))
        item = self.context.hall.paper(exam, sitting.form).items.get(item_id)
        if item is None:
            raise not_yours()
        return item

    def series_of(self, exam_id: str, item_id: str) -> Series:
        """The image series of an item that shows one. Raises ProblemError for any other."""
        item = self.item(exam_id, item_id)
        if item.asset is None or item.asset["kind"] != "dicom":
            raise not_yours()
        return self.context.series(item.asset["case"])
