"""The API of the exam room: entering, saving, submitting; JSON in and out, each reply with the server's clock."""

from __future__ import annotations

import asyncio
import math
import re

from courses.series import Series
from exams.attendance import Attendance
from exams.change import CLOSED, CONFLICT, ELSEWHERE, INCOMPLETE, NOT_ENTERED, PAUSED, TAKEN_OVER, RefusedError
from exams.exam import Exam
from exams.items import Item
from exams.order import seed_of
from exams.response import InvalidResponseError, Response, late, latest, parse
from exams.roster import Candidate
from exams.sealed import SealedError
from exams.sitting import Sitting
from exams.timing import MINUTE_MS, Allowance, Phase, phase
from exams.web import N_, Api, ProblemError, not_yours, unreadable

MOST_RESPONSES = 200
"""Responses in one request: what a browser saves up in minutes without a network."""

MOST_LEFT, LONGEST_LEFT_S, MOST_CODE = 100_000, 86_400, 32

TOO_OFTEN = N_("Wrong too often. Try again in {seconds} seconds, or ask to be checked in.")

SEAT = re.compile(r"[A-Za-z0-9-]{8,64}")

REFUSALS = {
    CLOSED: N_("This paper is closed: it was submitted, or its time is over. Nothing can be changed any more."),
    NOT_ENTERED: N_("You have not entered this exam yet. Go to the waiting room."),
    TAKEN_OVER: N_("This exam was opened in another window or on another machine. You can continue here or there."),
    CONFLICT: N_("Another window saved answers at the same time. Load this page again to see what holds."),
    ELSEWHERE: N_(
        "This exam goes on at another machine. The invigilator has been asked; this page goes on when they agree."
    ),
    PAUSED: N_("The invigilator has paused this exam. Your time stands still; wait here."),
    INCOMPLETE: N_("Some answers are not saved yet. Wait until all are saved, then submit again."),
}


def milliseconds(exam: Exam, candidate: Candidate | None = None) -> tuple[int, int]:
    """When an exam opens and closes, for a candidate or as a whole, in milliseconds since 1970."""
    opens, closes = (exam.opens, exam.closes) if candidate is None else exam.window(candidate)
    return round(opens.timestamp() * 1000), round(closes.timestamp() * 1000)


def hindrances(exam: Exam, candidate: Candidate, here: Attendance, now_ms: int) -> list[str]:
    """What, beside the time, still keeps a candidate who has not begun out: "late", "check_in"."""
    opens, _ = milliseconds(exam, candidate)
    late = exam.late_minutes and now_ms > opens + exam.late_minutes * MINUTE_MS and here.late_ms is None
    return [code for code, holds in (("late", late), ("check_in", exam.checkin and here.checked_ms is None)) if holds]


HINDRANCES = {
    "late": N_("You come after the last time to begin. The invigilator can still let you in: raise your hand."),
    "check_in": N_("Type the code of your room, which the invigilator tells, or ask to be checked in."),
}


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
        return {
            "deadline": sitting.deadline_at(now),
            "closed": sitting.closed_at(now),
            "seat": sitting.seat,
            "paused": sitting.paused_ms is not None,
        }

    async def note_address(self, sitting: Sitting) -> None:
        """Note an address other than the last."""
        address = str(self.request.remote_ip)
        if sitting.address not in {"", address}:
            await asyncio.wrap_future(
                self.context.store.attend(
                    sitting.exam, [sitting.number], "moved", self.current_user.user, {"to": address}
                )
            )


class Clock(Api):
    """When an exam opens, for those in the waiting room."""

    def get(self, exam_id: str) -> None:
        """{"now", "opens", "closes", "phase", "hindrances": codes of what else keeps the asker out}."""
        exam, candidate = self.seat_of(exam_id)
        opens, closes = milliseconds(exam, candidate)
        now = self.context.store.now()
        here = self.context.store.attendance_of(exam.id, candidate.number)
        kept_out = hindrances(exam, candidate, here, now)
        self.answer({"opens": opens, "closes": closes, "phase": phase(now, opens, closes), "hindrances": kept_out})


class Enter(CandidateApi):
    """Open the sitting or come back to it; only now does the paper leave the server."""

    async def post(self, exam_id: str) -> None:
        """{"seat"} -> the paper in the candidate's order, what holds so far, and the deadline."""
        exam, candidate = self.seat_of(exam_id)
        seat = self.seat(self.body())
        store = self.context.store
        asked_ms = store.now()
        self._refuse_whom_it_is_not_time_for(exam, candidate, asked_ms)
        try:
            sitting = await asyncio.wrap_future(
                store.enter(
                    exam.id,
                    candidate.number,
                    candidate.form,
                    seed_of(exam.id, candidate.number),
                    Allowance(exam.minutes, milliseconds(exam, candidate)[1], candidate.extra_minutes),
                    seat=seat,
                    actor=self.current_user.user,
                    origin=self.origin(),
                )
            )
        except RefusedError as error:
            raise refused(error) from error
        log = store.log(sitting) if sitting.started_ms < asked_ms else []  # one that begins now holds nothing yet
        self.answer(
            {
                **self.state(sitting),
                "latest": [response.public() for response in latest(log).values()],
                "sequence": max((response.sequence for response in log), default=0),
            },
            items=self.context.hall.paper(exam, sitting.form).public(sitting.seed),
        )

    def _refuse_whom_it_is_not_time_for(self, exam: Exam, candidate: Candidate, now_ms: int) -> None:
        """Raise ProblemError before the exam; and where a sitting that is not begun cannot begin any more, or yet."""
        stage = phase(now_ms, *milliseconds(exam, candidate))
        if stage is Phase.BEFORE:
            raise ProblemError(409, "before", N_("This exam has not begun. Wait in the waiting room; it tells when."))
        self._refuse_while_sealed(exam, candidate)
        rules = exam.late_minutes or exam.checkin
        if (stage is Phase.OPEN and not rules) or self.context.store.sitting(exam.id, candidate.number) is not None:
            return
        if stage is Phase.OVER:
            raise ProblemError(409, "over", N_("This exam is over. If you were kept from entering, tell your teacher."))
        here = self.context.store.attendance_of(exam.id, candidate.number)
        for code in hindrances(exam, candidate, here, now_ms):
            raise ProblemError(409, code, HINDRANCES[code])

    def _refuse_while_sealed(self, exam: Exam, candidate: Candidate) -> None:
        """No time runs for a paper that cannot be shown yet."""
        try:
            self.context.hall.paper(exam, candidate.form)
        except SealedError as error:
            sentence = N_("The paper is still sealed: the group lead opens it. This page goes on by itself then.")
            raise ProblemError(409, "sealed", sentence) from error


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
        paper = self.context.hall.paper(exam, sitting.form)
        try:
            responses = [parse(response, paper.names) for response in sent]
            self.refuse_late(sitting, [response for response in responses if paper.closes(response.item)])
            saved = await asyncio.wrap_future(self.context.store.save(sitting, self.seat(body), responses))
        except InvalidResponseError as error:
            raise unreadable() from error
        except RefusedError as error:
            raise refused(error) from error
        await self.note_address(saved)
        self.answer({**self.state(saved), "acknowledged": [response.sequence for response in responses]})

    def refuse_late(self, sitting: Sitting, sent: list[Response]) -> None:
        """Raise ProblemError where one of `sent` answers an item after the candidate went on from it.

        What two pages save at the same moment may slip by here; `latest` does not count it.
        """
        if sent and late(self.context.store.log(sitting), sent):
            raise ProblemError(
                409,
                "locked",
                N_("You have gone on to the next question of this case, so the one before cannot be changed any more."),
            )


class State(CandidateApi):
    """A sign of life."""

    async def get(self, exam_id: str) -> None:
        """The state of the sitting."""
        _exam, _candidate, sitting = self.own(exam_id)
        await self.note_address(sitting)
        self.answer(self.state(sitting))


class Left(CandidateApi):
    """The page was left for a while: kept for those who watch over the exam to judge."""

    async def post(self, exam_id: str) -> None:
        """{"seat", "count": of this seat, "seconds"} -> {}; one that comes twice counts once."""
        body = self.body()
        exam, candidate, _ = self.own(exam_id)
        count, seconds = body.get("count"), body.get("seconds")
        if type(count) is not int or type(seconds) is not int or not 1 <= count <= MOST_LEFT or seconds < 1:
            raise unreadable()
        detail = {"seat": self.seat(body), "count": count, "seconds": min(seconds, LONGEST_LEFT_S)}
        await asyncio.wrap_future(
            self.context.store.attend(exam.id, [candidate.number], "left", candidate.user, detail)
        )
        self.answer({})


class CheckIn(CandidateApi):
    """A candidate shows with the room's code that they sit in that room."""

    async def post(self, exam_id: str) -> None:
        """{"code"} -> {}."""
        exam, candidate = self.seat_of(exam_id)
        code = self.body().get("code")
        if not isinstance(code, str) or len(code) > MOST_CODE:
            raise unreadable()
        right = self.context.room_codes.right(exam.id, candidate.place, code)
        wait_ms = await asyncio.wrap_future(self.context.store.knock(f"{exam.id}/{candidate.number}", right=right))
        if wait_ms:
            raise ProblemError(429, "too_often", TOO_OFTEN, seconds=math.ceil(wait_ms / 1000))
        if not right:
            raise ProblemError(403, "wrong", N_("This is not the code of your room. Look at it again, or ask."))
        detail = {"by": "code", "room": candidate.place}
        await asyncio.wrap_future(
            self.context.store.attend(exam.id, [candidate.number], "checked_in", candidate.user, detail)
        )
        self.answer({})


class Submit(CandidateApi):
    """Hand in the paper, once."""

    async def post(self, exam_id: str) -> None:
        """{"seat", "sequence": last given} -> {"receipt": address}; refused while responses are missing."""
        body = self.body()
        exam, candidate = self.seat_of(exam_id)
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
