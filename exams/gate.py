"""The gate: a candidate comes in with candidate number and the code on the admission ticket."""

from __future__ import annotations

import asyncio
import math

from exams.exam import Exam
from exams.identity import Person
from exams.roster import Candidate
from exams.web import N_, Page, ProblemError

MOST_SIGNS = 64
PATH = "ticket"


class Gate(Page):
    """The form, and what comes of it."""

    def prepare(self) -> None:
        """Nobody is logged in yet."""

    def get(self) -> None:
        """The form."""
        self.show("ticket.html", said="", number="")

    async def post(self) -> None:
        """Let in and go to the waiting room; else the form again, with what is wrong."""
        number, code = self.get_body_argument("number", ""), self.get_body_argument("code", "")
        tries = self.context.tries
        try:
            if not number or not code or len(number) > MOST_SIGNS or len(code) > MOST_SIGNS:
                raise ProblemError(400, "blank", N_("Type your candidate number and the code on your ticket."))
            if (seconds := tries.wait_s(number)) > 0:
                raise too_often(seconds)
            found = self._found(number, code)
            if found is None:
                await self._count(number)
                raise ProblemError(
                    403, "wrong", N_("This number and this code do not belong together. Look at your ticket again.")
                )
        except ProblemError as problem:
            self.set_status(problem.status)
            said = self.translate(problem.sentence, **problem.values)
            self.show("ticket.html", said=said, number=number[:MOST_SIGNS])
            return
        exam, candidate = found
        tries.right(number)
        origin = f"{self.request.remote_ip} {self.request.headers.get('User-Agent', '')}"[:200]
        await asyncio.wrap_future(self.context.store.note(exam.id, candidate.number, "admitted", {"origin": origin}))
        self.context.sessions.begin(self, Person(candidate.user, frozenset(), exam.id))
        self.redirect(f"{self.context.prefix}{exam.id}/")

    def _found(self, number: str, code: str) -> tuple[Exam, Candidate] | None:
        """The exam that the code opens and its candidate; codes of an exam that is over open nothing."""
        now = self.context.store.now() / 1000
        hall = self.context.hall
        for exam in hall.exams():
            if now < exam.closes.timestamp() and hall.tickets(exam).opens(number, code):
                for candidate in hall.candidates(exam).values():
                    if candidate.number == number:
                        return exam, candidate
        return None

    async def _count(self, number: str) -> None:
        """Count a wrong try; those who watch over the exam read in the log whose ticket is being tried."""
        times = self.context.tries.wrong(number)
        if times != self.context.tries.LIMIT:
            return
        for exam in self.context.hall.exams():
            if number in self.context.hall.tickets(exam).hashes:
                detail = {"number": number, "wrong": times, "origin": self.request.remote_ip}
                await asyncio.wrap_future(self.context.store.note(exam.id, "service", "ticket_tried", detail))


def too_often(seconds: float) -> ProblemError:
    """Wrong too often: wait, or ask."""
    sentence = N_("Wrong too often. Try again in {seconds} seconds, or ask the invigilator for a new ticket.")
    return ProblemError(429, "too_often", sentence, seconds=math.ceil(seconds))
