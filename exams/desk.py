"""The desk of those who watch over an exam: who is in, how far they are; and what the group lead decides."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from exams import sealed, work
from exams.api import hindrances, milliseconds
from exams.attendance import NOTHING
from exams.change import RefusedError
from exams.errands import AT_WORK, ErrandError
from exams.exam import Exam
from exams.invigilation import MOST_REASON, OFFERED, offered
from exams.lock import HeldError, held
from exams.pages import labels
from exams.release import released
from exams.roster import Candidate
from exams.sitting import Progress, Reading
from exams.timing import phase
from exams.web import N_, SCHOOL_WATCHERS, Api, Page, ProblemError, unreadable

LONGEST_CREDIT_S = 4 * 3600
MOST_KEY = 100

ACTS = {"close": N_("End the exam"), "collect": N_("Collect"), "mark": N_("Mark"), "release": N_("Release")}
"""What a group lead can do after the exam, by the name in `Config.acts`, and its button."""


class Desk(Page):
    """The page; its script asks for what is on it."""

    def get(self, exam_id: str) -> None:
        """The desk of one exam."""
        exam = self.exam_for_staff(exam_id)
        self.show(
            "desk.html",
            exam=exam,
            lead=self.leads(exam),
            marks=bool(self.current_user.groups & SCHOOL_WATCHERS),
            on_panel=self.on_panel(exam),
            schools=None if self.sees_all(exam) else sorted({candidate.school for candidate in self.watched(exam)}),
            sealed=sealed.waiting(exam),
            acts={act: self.translate(name) for act, name in ACTS.items() if act in self.context.acts},
            over=self.context.store.now() >= milliseconds(exam)[1],
            formgrader=self.context.formgrader(exam),
            labels=labels(self.language),
        )


class Watch(Api):
    """What the desk shows, asked for every few seconds."""

    async def get(self, exam_id: str) -> None:
        """Each candidate whom the asker watches over, with the state of the sitting; the codes of their rooms."""
        exam = self.exam_for_staff(exam_id)
        reading = await self.context.readings.of(exam.id)
        watched = self.watched(exam)
        codes = self.context.room_codes
        places = sorted({candidate.place for candidate in watched}) if exam.checkin else []
        self.answer(
            {
                "work": self.work(exam),
                "phase": phase(self.context.store.now(), *milliseconds(exam)),
                "codes": [{"room": place, "code": codes.of(exam.id, place)} for place in places],
                "candidates": [self._told(exam, candidate, reading) for candidate in watched],
            }
        )

    def work(self, exam: Exam) -> dict[str, object] | None:
        """How far work on the exam is that takes its time."""
        told = work.under_way(exam.folder)
        return None if told is None else {**told, "stage": self.translate(str(told["stage"]))}

    def _told(self, exam: Exam, candidate: Candidate, reading: Reading) -> dict[str, object]:
        progress = reading.progress.get(candidate.number)
        here = reading.attendance.get(candidate.number, NOTHING)
        now = self.context.store.now()
        return {
            "number": candidate.number,
            "name": candidate.name,
            "school": candidate.school,
            "room": candidate.room,
            "seat": candidate.seat,
            "items": self.context.hall.size(exam, candidate.form),
            **_state(progress, now),
            "checked": here.checked_ms is not None,
            "asked": bool(here.asked),
            "late": progress is None and "late" in hindrances(exam, candidate, here, now),
            "left": here.left,
            "left_s": here.left_s,
            "moves": here.moves,
            "acts": [act for act in OFFERED if offered(act, progress, here, exam, now)],
        }


def _state(progress: Progress | None, now: int) -> dict[str, object]:
    if progress is None:
        return {"state": "absent", "answered": 0, "flagged": 0}
    sitting = progress.sitting
    closed = sitting.closed_at(now)
    state = "in" if sitting.paused_ms is None else "paused"
    if closed is not None:
        state = "time_up" if sitting.submitted_ms is None else "submitted"
    return {
        "state": state if sitting.annulled_ms is None else "annulled",
        "answered": progress.answered,
        "flagged": progress.flagged,
        "deadline": sitting.deadline_at(now),
        "closed": closed,
        "last": progress.last_ms,
    }


class Errands(Api):
    """What is done to an exam in a process of its own, one at a time."""

    async def errand(self, exam: Exam, act: str, before: Callable[[], None] = lambda: None) -> None:
        """Do `act` after `before`, and tell how it went: {"message"}. Raises ProblemError where it is not done."""
        try:
            with held(exam.folder / AT_WORK):  # two at once would write the same gradebook
                before()
                said = await asyncio.to_thread(self.context.acts[act], exam.id, self.current_user.user, self.language)
        except HeldError as error:
            sentence = N_("Other work on this exam is under way. Try again when it is done.")
            raise ProblemError(409, "at_work", sentence) from error
        except ErrandError as error:
            raise ProblemError(409, "not_done", "{said}", said=error) from error
        self.answer({"message": said})


class Act(Errands):
    """What only a group lead decides: collect, mark, release."""

    async def post(self, exam_id: str, act: str) -> None:
        """Do it and tell how it went: {"message"}."""
        exam = self.exam_for_lead(exam_id)
        if act not in self.context.acts or act not in ACTS:
            raise unreadable()
        await self.errand(exam, act)


class Stop(Api):
    """Work that takes its time ends as soon as what it is at is whole."""

    def post(self, exam_id: str) -> None:
        """{} -> {}."""
        exam = self.exam_for_lead(exam_id)
        self.body()
        if work.under_way(exam.folder) is None:
            raise ProblemError(409, "no_work", N_("Nothing is under way that could be stopped."))
        work.stop(exam.folder)
        self.answer({})


class Credit(Api):
    """Time given back after an outage."""

    async def post(self, exam_id: str) -> None:
        """{"seconds", "reason", and "number" (null: all) or "room"} -> {"sittings": how many got it}."""
        exam = self.exam_for_lead(exam_id)
        if released(exam.folder) is not None:  # a sitting that opens again would be open with its answers known
            raise ProblemError(409, "released", N_("The results are released: no time can be given back any more."))
        body = self.body()
        seconds, reason, number, room = (body.get(name) for name in ("seconds", "reason", "number", "room"))
        if type(seconds) is not int or not 0 < seconds <= LONGEST_CREDIT_S:
            raise ProblemError(400, "seconds", N_("Give back between one second and four hours."))
        if not isinstance(reason, str) or not reason.strip():
            raise ProblemError(400, "reason", N_("Say why the time is given back: it is kept with the sittings."))
        if not all(one is None or isinstance(one, str) for one in (number, room)):
            raise unreadable()
        told = (exam.id, seconds, reason.strip()[:MOST_REASON], self.current_user.user)
        numbers = [number] if room is None else [one.number for one in self.watched(exam) if one.room == room]
        given = await asyncio.gather(*(asyncio.wrap_future(self.context.store.credit(*told, one)) for one in numbers))
        self.answer({"sittings": sum(given)})


class Force(Api):
    """A paper handed in by those who watch over its candidate."""

    async def post(self, exam_id: str) -> None:
        """{"number", "reason"} -> {"closed": when}."""
        exam = self.exam_for_staff(exam_id)
        body = self.body()
        number, reason = body.get("number"), body.get("reason")
        if number not in {candidate.number for candidate in self.watched(exam)}:
            raise unreadable()
        if not isinstance(reason, str) or not reason.strip():
            raise ProblemError(400, "reason", N_("Say why the paper is handed in: it is kept with the sittings."))
        try:
            sitting = await asyncio.wrap_future(
                self.context.store.force(exam.id, number, reason.strip()[:MOST_REASON], self.current_user.user)
            )
        except RefusedError as refusal:
            raise ProblemError(409, refusal.code, N_("This candidate is not writing: nothing to hand in.")) from refusal
        self.answer({"closed": sitting.submitted_ms})


class Unseal(Api):
    """The key of a sealed paper, given by the group lead who holds it."""

    async def post(self, exam_id: str) -> None:
        """{"key"} -> {}."""
        exam = self.exam_for_lead(exam_id)
        key = self.body().get("key")
        if not isinstance(key, str) or len(key) > MOST_KEY:
            raise unreadable()
        try:
            await asyncio.to_thread(sealed.give_key, exam, key)
        except sealed.SealedError as error:
            raise ProblemError(403, "wrong", N_("This key does not open the paper. Look at it again.")) from error
        await asyncio.wrap_future(self.context.store.note(exam.id, self.current_user.user, "unsealed", {}))
        self.answer({})
