"""A marking run: all that is marked by rule, of one exam, into our own tables and nbgrader's Gradebook.

It goes candidate by candidate in batches and can be ended at any point: a batch is there as a whole or not at all, and
the next run goes on with those who are missing. First come the marks, which take seconds, then the notebooks that
formgrader shows, which take minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from exams import exchange, gradebook, key, marking, paper
from exams.exam import Exam
from exams.exchange import Sittings
from exams.form import Form
from exams.items import Item
from exams.marking import AWAITS_RUN, Mark
from exams.marks import MarkStore, Sheet, points_by_number
from exams.part import Part
from exams.rescoring import differences
from exams.stencil import Stencil
from exams.web import N_
from exams.work import Work

BATCH = 1000
"""Candidates whose marks are written in one transaction: a second or two of work."""
BATCH_OF_CODE = 200
"""The same where answers are programs, each of which takes its time."""
NOTEBOOKS = 50
"""Notebooks between two looks at whether to stop."""

RunCode = Callable[[Sequence[Item], Mapping[str, Mapping[str, object]]], Mapping[str, Mapping[str, Mark]]]
"""`run_code(items, responses)`: candidate number -> item id -> mark (`exams.autograde.answers.code_marks`)."""

MARKS, SHEETS, FEEDBACK = N_("Marks"), N_("Notebooks"), N_("Feedback")
"""The stages, as msgids."""


def _code(part: Part) -> list[Item]:
    """The items of a part that a ruling has not voided and that are answered with a program."""
    return [item for item in part.form.items if item.type == "code" and not item.void]


def _batches(numbers: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (numbers[place : place + size] for place in range(0, len(numbers), size))


@dataclass(frozen=True)
class Run:
    """One run over `exam`, by the word of `by`.

    course: the nbgrader course root; run_code: marks the answers that are programs.
    """

    exam: Exam
    course: Path
    parts: Sequence[Part]
    sittings: Sittings
    marks: MarkStore
    run_code: RunCode
    by: str

    def mark(self, work: Work) -> int:
        """Mark who is not marked under the newest key; gives how many are marked now. Raises StoppedError."""
        version = key.newest(self.exam)
        closed, held = self.sittings.submitted_at(self.exam.id), self.marks.marked(self.exam.id, version)
        waiting = {number for number, at in closed.items() if held.get(number) != at}
        responses = self.sittings.responses(self.exam.id) if waiting else {}
        before = self.marks.sheets(self.exam.id, version - 1) if waiting and version > key.FIRST else {}
        batches = [
            (part, some)
            for part in self.parts
            for some in _batches(sorted(part.numbers & waiting), BATCH_OF_CODE if _code(part) else BATCH)
        ]
        done, total = len(closed) - len(waiting), len(closed)
        # SQLite writes one batch while Python marks the next: each has a core of its own
        with ThreadPoolExecutor(1) as writer:
            writing: Future[int] | None = None
            for part, numbers in batches:
                work.step(MARKS, done, total)
                own = {number: responses.get(number, {}) for number in numbers}
                marked = marking.sheets(part.form.items, own, part.images)
                again = self._to_run(part, version, {number: closed[number] for number in numbers}, before)
                for number, run in self.run_code(again, own).items():
                    ruled = {item: mark for item, mark in marked[number].items() if mark.reason != AWAITS_RUN}
                    marked[number] = {**ruled, **run}
                done += 0 if writing is None else writing.result()
                writing = writer.submit(self._write_marks, part, version, marked, closed, before)
            done += 0 if writing is None else writing.result()
        work.step(MARKS, done, total)
        return done

    def _to_run(self, part: Part, version: int, closed: Mapping[str, int], before: Mapping[str, Sheet]) -> list[Item]:
        """The programs of a batch that are to be run: a ruling on other items leaves the marks of these as they are.

        closed: of each candidate of the batch, when the sitting was closed.
        """
        same = all(number in before and before[number].closed_ms == at for number, at in closed.items())
        touched = {item for one in key.versions(self.exam) if one.number == version for item in one.changes}
        return [item for item in _code(part) if not same or item.id in touched]

    def _write_marks(
        self,
        part: Part,
        version: int,
        marked: Mapping[str, Mapping[str, Mark]],
        closed: Mapping[str, int],
        before: Mapping[str, Sheet],
    ) -> int:
        """Write a batch; gives how many candidates it has."""
        sheets = []
        for number, own in marked.items():
            stood = before[number].points if number in before else {}
            sheets.append(Sheet(number, part.form.id, closed[number], {**stood, **marking.points_of(own)}))
        retaken = self._retaken(part, version, marked.keys(), before)
        for number in self._changed(sheets, before) | {number for number, items in retaken.items() if items}:
            gradebook.outdate(self.course, part.form, number)
        submitted = {number: exchange.instant(closed[number]) for number in marked}
        gradebook.record(self.course, part.form, marked, submitted, retaken)
        self.marks.write(self.exam.id, version, sheets, self.by)
        return len(sheets)

    def _retaken(
        self, part: Part, version: int, numbers: Collection[str], before: Mapping[str, Sheet]
    ) -> dict[str, set[str]]:
        """Candidate number -> the items on which rulings took back what people gave, since the marks were written."""
        own = {item.id for item in part.form.items}
        last, every = (own & key.retaken(self.exam, since) for since in (version - 1, key.FIRST))
        return {number: last if number in before else every for number in numbers}

    @staticmethod
    def _changed(sheets: Sequence[Sheet], before: Mapping[str, Sheet]) -> set[str]:
        """Those whose notebook shows other marks now; whoever was not marked under the key before counts as one."""
        old = points_by_number(before)
        same = {sheet.number for sheet in sheets if sheet.number in old}
        changed = differences(old, {sheet.number: sheet.points for sheet in sheets if sheet.number in same})
        return {sheet.number for sheet in sheets} - same | {one.number for one in changed}

    def notebooks(self, work: Work) -> None:
        """Write the notebooks that are missing: what was handed in, and what formgrader shows. Raises StoppedError."""
        marked = self.marks.marked(self.exam.id, key.newest(self.exam))
        # who ran out of time after the marks were given has none of this sitting yet: the next run's business
        closed = {n: at for n, at in self.sittings.submitted_at(self.exam.id).items() if marked.get(n) == at}
        missing = [
            (part, sorted(n for n in part.numbers & closed.keys() if not self._shown(part, n, closed[n])))
            for part in self.parts
        ]
        total = len(closed)
        done = total - sum(len(numbers) for _, numbers in missing)
        responses = self.sittings.responses(self.exam.id) if done < total else {}
        sheets = self.marks.sheets(self.exam.id, key.newest(self.exam)) if done < total else {}
        for part, numbers in missing:
            stencil = Stencil(paper.read(paper.released(self.course, part.form)), part.form, part.images)
            for some in _batches(numbers, NOTEBOOKS):
                work.step(SHEETS, done, total)
                own = {number: responses.get(number, {}) for number in some}
                for number, marks in marking.sheets(part.form.items, own, part.images).items():
                    for item in _code(part):
                        marks[item.id] = replace(marks[item.id], points=sheets[number].points[item.id] or 0.0)
                    self._write(part.form, stencil, number, own[number], marks, closed[number])
                done += len(some)
        work.step(SHEETS, done, total)

    def _shown(self, part: Part, number: str, closed_ms: int) -> bool:
        return exchange.collected(self.course, part.form, number, closed_ms) and gradebook.shown(
            self.course, part.form, number
        )

    def _write(
        self,
        form: Form,
        stencil: Stencil,
        number: str,
        responses: Mapping[str, object],
        marks: Mapping[str, Mark],
        closed_ms: int,
    ) -> None:
        if not exchange.collected(self.course, form, number, closed_ms):
            exchange.submit(self.course, form, number, stencil.submission(responses), closed_ms)
        gradebook.show(self.course, form, number, stencil.graded(responses, marks))

    def rescored(self, version: int) -> int:
        """How many candidates got other marks by a version of the key."""
        old, new = self.marks.sheets(self.exam.id, version - 1), self.marks.sheets(self.exam.id, version)
        return len(differences(points_by_number(old), points_by_number(new)))

    def fed(self) -> bool:
        """Whether anybody has nbgrader's feedback."""
        return any(
            paper.feedback_file(self.course, part.form, number).exists()
            for part in self.parts
            for number in part.numbers
        )

    def feedback(self, work: Work) -> int:
        """Make nbgrader's feedback where it is missing or older than the marks; gives how many. Raises StoppedError."""
        self.notebooks(work)  # pages are made of them, and are of now where they are not older than they
        missing = [
            (part.form, number)
            for part in self.parts
            for number in sorted(part.numbers & self.sittings.submitted_at(self.exam.id).keys())
            if not gradebook.fed_back(self.course, part.form, number)
        ]
        for done, (form, number) in enumerate(missing):
            work.step(FEEDBACK, done, len(missing))
            paper.write_feedback(self.course, form, number)
        return len(missing)
