"""Invigilation 监考: what those who watch over an exam decide about its candidates, and what the log tells of one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from exams.attendance import Attendance
from exams.exam import Exam
from exams.sitting import Progress
from exams.sitting_attend import fits
from exams.web import N_, Api, ProblemError, not_yours, unreadable

MOST_REASON = 500
MOST_EXTRA_MINUTES = 240


@dataclass(frozen=True)
class Offer:
    """An act that the desk offers. lead: only to the group lead. reason, minutes: which must be said with it."""

    lead: bool = False
    reason: bool = False
    minutes: bool = False


OFFERED = {
    "checked_in": Offer(),
    "admitted_late": Offer(reason=True),
    "allowed": Offer(),
    "paused": Offer(reason=True),
    "resumed": Offer(),
    "extended": Offer(lead=True, reason=True, minutes=True),
    "annulled": Offer(lead=True, reason=True),
    "reinstated": Offer(lead=True, reason=True),
}
"""The acts of `attendance.STEPS` that people decide."""


def offered(act: str, progress: Progress | None, here: Attendance, exam: Exam, now_ms: int) -> bool:
    """Whether an act makes sense for a candidate now."""
    sitting = None if progress is None else progress.sitting
    if (act == "checked_in" and not exam.checkin) or (act == "admitted_late" and not exam.late_minutes):
        return False
    return fits(act, here, sitting, now_ms)


class Attend(Api):
    """What an invigilator or the group lead decides about one candidate, a room, or all whom they watch over."""

    async def post(self, exam_id: str) -> None:
        """{"act", "number" or "room" or neither, "reason", "minutes"} -> {"numbers": those it was done to}."""
        exam = self.exam_for_staff(exam_id)
        body = self.body()
        act, number, room = (body.get(name) for name in ("act", "number", "room"))
        if (
            not isinstance(act, str)
            or act not in OFFERED
            or not all(one is None or isinstance(one, str) for one in (number, room))
        ):
            raise unreadable()
        offer = OFFERED[act]
        if offer.lead and not self.leads(exam):
            raise ProblemError(403, "lead_only", N_("Only the group lead of this exam can do that."))
        meant = [one.number for one in self.watched(exam) if number in {None, one.number} and room in {None, one.place}]
        if not meant:
            raise unreadable()
        detail = self._detail(offer, body)
        done = await asyncio.wrap_future(self.context.store.attend(exam.id, meant, act, self.current_user.user, detail))
        if not done:
            raise ProblemError(409, "nothing", N_("Nothing was done: it does not fit where things stand. Look again."))
        self.answer({"numbers": done})

    def _detail(self, offer: Offer, body: dict[str, Any]) -> dict[str, object]:
        reason, minutes = body.get("reason") or "", body.get("minutes")
        if not isinstance(reason, str):
            raise unreadable()
        if offer.reason and not reason.strip():
            raise ProblemError(400, "reason", N_("Say why: it is kept with the sittings."))
        detail: dict[str, object] = {"reason": reason.strip()[:MOST_REASON]}
        if offer.minutes:
            if type(minutes) is not int or not 0 < minutes <= MOST_EXTRA_MINUTES:
                raise ProblemError(400, "minutes", N_("Give between one minute and four hours."))
            detail["minutes"] = minutes
        return detail


class History(Api):
    """What the audit log tells of one candidate."""

    async def get(self, exam_id: str, number: str) -> None:
        """{"entries": [{"at", "by", "act", "detail"}]}, oldest first."""
        exam = self.exam_for_staff(exam_id)
        if number not in {candidate.number for candidate in self.watched(exam)}:
            raise not_yours()
        entries = await asyncio.to_thread(self.context.store.history, exam.id, number)
        told = ("reason", "seconds", "minutes", "address", "agent", "from", "to", "room")
        self.answer(
            {
                "entries": [
                    {
                        "at": entry.at_ms,
                        "by": entry.actor,
                        "act": entry.act,
                        "detail": {name: entry.detail[name] for name in told if entry.detail.get(name)},
                    }
                    for entry in entries
                ]
            }
        )
