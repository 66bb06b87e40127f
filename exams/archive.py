"""The archive of exams, `$XINGLIN_HOME/exams`: what the exam room reads of them and never writes (its `hall.Hall`)."""

from __future__ import annotations

import functools
from pathlib import Path

from exams import release
from exams.exam import Exam, exam_in, exams_in
from exams.hall import Paper
from exams.roster import Candidate


class Archive:
    """The exams kept in `folder`. Every method raises DocumentError where a file of an exam is wrong."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._papers = functools.cache(self._read_paper)

    def exams(self) -> tuple[Exam, ...]:
        """All exams by opening time."""
        return exams_in(self.folder)

    def exam(self, exam: str) -> Exam | None:
        """One exam, None where there is none of this id."""
        return next((found for found in self.exams() if found.id == exam), None)

    def candidates(self, exam: str) -> dict[str, Candidate]:
        """The roster of an exam by the user's name; empty where there is no such exam."""
        found = self.exam(exam)
        return {candidate.user: candidate for candidate in found.roster()} if found else {}

    def paper(self, exam: str, form: str) -> Paper:
        """A form of an exam, the same object every time."""
        return self._papers(exam, form)

    def _read_paper(self, exam: str, form: str) -> Paper:
        return Paper.of(exam_in(self.folder, exam).form(form))

    def result(self, exam: str, number: str) -> release.CandidateResult | None:
        """What was released to candidate `number`; None before release."""
        found = exam_in(self.folder, exam)
        form = next((candidate.form for candidate in found.roster() if candidate.number == number), None)
        if form is None or release.released(found.folder) is None:
            return None
        return release.result(found.folder, found.form(form), number)
