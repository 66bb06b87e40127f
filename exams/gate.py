"""The gate: a candidate comes in with candidate number and the code on the admission ticket."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence

from exams.audit import Act
from exams.exam import Exam
from exams.identity import Person
from exams.knock import LIMIT
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
        try:
            exam, candidate = await self._admitted(number, code)
        except ProblemError as problem:
            self.set_status(problem.status)
            said = self.translate(problem.sentence, **problem.values)
            self.show("ticket.html", said=said, number=number[:MOST_SIGNS])
            return
        self.context.sessions.begin(self, Person(candidate.user, frozenset(), exam.id))
        self.redirect(f"{self.context.prefix}{exam.id}/")

    async def _admitted(self, number: str, code: str) -> tuple[Exam, Candidate]:
        """The exam that the code opens and its candidate. Raises ProblemError where there is none."""
        if not number or not code or len(number) > MOST_SIGNS or len(code) > MOST_SIGNS:
            raise ProblemError(400, "blank", N_("Type your candidate number and the code on your ticket."))
        found = self._found(number, code)
        hall = self.context.hall
        exams = tuple(exam.id for exam in hall.exams() if number in hall.tickets(exam).hashes)
        if exams:  # numbers that are on no ticket can be tried for ever, and need not be counted
            await self._knock(exams, number, None if found is None else found[0].id)
        if found is None:
            raise ProblemError(
                403, "wrong", N_("This number and this code do not belong together. Look at your ticket again.")
            )
        return found

    async def _knock(self, exams: Sequence[str], number: str, opened: str | None) -> None:
        """Count a try at the ticket that `exams` have for `number`, and whom it admits to the exam `opened`.

        Raises ProblemError where it has to wait.
        """
        come = self.origin()  # this browser has its name from here on
        store = self.context.store
        now = store.now()
        told = {"number": number, "wrong": LIMIT, "origin": come.address}
        wait_ms = await asyncio.wrap_future(
            store.knock(
                number,
                right=opened is not None,
                welcome=[]
                if opened is None
                else [Act(now, opened, number, "admitted", {"origin": f"{come.address} {come.agent}"})],
                alarm=[Act(now, exam, "service", "ticket_tried", told) for exam in exams],
            )
        )
        if wait_ms:
            raise too_often(wait_ms / 1000)

    def _found(self, number: str, code: str) -> tuple[Exam, Candidate] | None:
        """The exam that the code opens and its candidate; codes of an exam that is over open nothing."""
        now = self.context.store.now() / 1000
        hall = self.context.hall
        for exam in hall.exams():
            candidate = hall.numbers(exam).get(number)
            if candidate and now < exam.closes.timestamp() and hall.tickets(exam).opens(number, code):
                return exam, candidate
        return None


def too_often(seconds: float) -> ProblemError:
    """Wrong too often: wait, or ask."""
    sentence = N_("Wrong too often. Try again in {seconds} seconds, or ask the invigilator for a new ticket.")
    return ProblemError(429, "too_often", sentence, seconds=math.ceil(seconds))
