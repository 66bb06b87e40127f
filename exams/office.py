"""The office of the exams: what is done with one before and after candidates sit it: build, collect, mark, release.

Its files lie under `$XINGLIN_HOME`: exams/<exam>/ and nbgrader/<course>/. It brings nbgrader with it, so the exam
service does not import it but has it run as a process of its own (`errands`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from courses.cases import CaseStore
from courses.measure import Image
from exams import exchange, gradebook, marking, paper, release
from exams.exam import Exam, exam_in
from exams.exchange import Sittings
from exams.form import Form
from widgets.i18n import translations


class OfficeError(Exception):
    """What cannot be done with an exam now, in one sentence: an English msgid and its values."""

    def __init__(self, text: str, **values: object):
        super().__init__(text.format(**values))
        self.text, self.values = text, values


def utc_now() -> datetime:
    """The time."""
    return datetime.now(UTC)


class Office:
    """The exams under `home`; `sittings` is the response store. `language`: of the sentences that acts give.

    Methods that name an exam raise DocumentError where there is none, or where its files are wrong.
    """

    def __init__(
        self, home: Path, sittings: Sittings, *, language: str = "en", clock: Callable[[], datetime] = utc_now
    ):
        self.home, self.sittings, self.clock = home, sittings, clock
        self._translate = translations("exams", language).gettext

    @property
    def folder(self) -> Path:
        """Where the exams are kept."""
        return self.home / "exams"

    def course(self, exam: Exam) -> Path:
        """The nbgrader course root of an exam."""
        return self.home / "nbgrader" / exam.course

    def build(self, exam: Exam) -> list[Path]:
        """Make the nbgrader assignments of all forms of `exam`: source and release. Gives the releases.

        Raises SealedError where a form is still sealed: its assignment would hold the paper in plain text.
        """
        course = self.course(exam)
        forms = [exam.form(name) for name in exam.forms]
        gradebook.prepare(course, self.home)
        for form in forms:
            paper.write_source(course, form)
        return [paper.release(course, form) for form in forms]

    def collect(self, exam: str) -> str:
        """Make nbgrader submissions of the sittings that are closed and were not collected yet."""
        found = exam_in(self.folder, exam)
        forms = self._forms(found)
        if not all(paper.released(self.course(found), form).exists() for form, _, _ in forms):
            self.build(found)  # a sealed paper has no assignment before it is opened
        written = 0
        for form, numbers, images in forms:
            written += len(exchange.collect(self.course(found), form, numbers, self.sittings, images))
        return self.say("{count} sittings were collected.", count=written)

    def mark(self, exam: str) -> str:
        """Collect, then mark by rule all that was collected; short answers are left for markers."""
        self.collect(exam)
        found = exam_in(self.folder, exam)
        responses, closed = self.sittings.responses(exam), self.sittings.submitted_at(exam)
        marked = pending = 0
        for form, numbers, images in self._forms(found):
            here = sorted(numbers & closed.keys())
            marks = marking.sheets(form.items, {number: responses.get(number, {}) for number in here}, images)
            times = {number: exchange.instant(closed[number]) for number in here}
            gradebook.record(self.course(found), form, marks, times)
            gradebook.write_autograded(self.course(found), form, marks)
            marked += len(here)
            results = gradebook.results(self.course(found), form)
            pending += sum(one.pending for number in here for one in results[number])
        return self.say(
            "{count} sittings were marked; {pending} answers await a marker.", count=marked, pending=pending
        )

    def close(self, exam: str, user: str) -> str:
        """End the exam now: nobody enters any more. Raises OfficeError where `user` may not, or somebody is writing."""
        found = exam_in(self.folder, exam)
        self._only_lead(found, user)
        if self.clock() >= found.closes:
            raise OfficeError("The exam is over already.")
        if writing := len(self.sittings.responses(exam).keys() - self.sittings.submitted_at(exam).keys()):
            raise OfficeError("{count} candidates are still writing: wait until they have handed in.", count=writing)
        dataclasses.replace(found, closes=self.clock()).save()
        return self.say("The exam is over; nobody can enter any more.")

    def release(self, exam: str, user: str) -> str:
        """Let candidates see their results. Raises OfficeError where `user` may not, or not everything is marked."""
        found = exam_in(self.folder, exam)
        self._only_lead(found, user)
        if self.clock() < found.closes:
            raise OfficeError(
                "The exam is not over yet: it closes at {closes}.", closes=f"{found.closes:%Y-%m-%d %H:%M} UTC"
            )
        closed = self.sittings.submitted_at(exam).keys()
        if still := len(self.sittings.responses(exam).keys() - closed):
            raise OfficeError("{count} sittings are still open.", count=still)
        results: dict[str, list[gradebook.Result]] = {}
        for form, _, _ in self._forms(found):
            own = gradebook.results(self.course(found), form)
            results |= {number: marks for number, marks in own.items() if number in closed}  # not the annulled ones
        if unmarked := len(closed - results.keys()):
            raise OfficeError("{count} sittings are not marked yet: mark them first.", count=unmarked)
        if pending := sum(one.pending for own in results.values() for one in own):
            raise OfficeError("{count} answers still await a marker: mark them in formgrader first.", count=pending)
        release.release(found.folder, results, user, self.clock())
        return self.say("The results of {count} candidates are released.", count=len(results))

    def _only_lead(self, exam: Exam, user: str) -> None:
        if user != exam.lead:
            raise OfficeError("Only the group lead {lead} can do this.", lead=exam.lead)

    def _forms(self, exam: Exam) -> list[tuple[Form, set[str], dict[str, Image]]]:
        """Each form with the numbers of its candidates and the images its items measure on."""
        roster, cases = exam.roster(), CaseStore(self.home / "cases")
        forms = [exam.form(name) for name in exam.forms]
        return [
            (form, {own.number for own in roster if own.form == form.id}, exchange.images_of(form, cases))
            for form in forms
        ]

    def say(self, text: str, **values: object) -> str:
        """`text` in the office's language, with `values` put in."""
        return self._translate(text).format(**values)
