"""The office of the exams: what is done with one before and after candidates sit it: build, collect, mark, release.

Its files lie under `$XINGLIN_HOME`: exams/<exam>/ and nbgrader/<course>/. It brings nbgrader with it, so the exam
service does not import it but has it run as a process of its own (`errands`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from courses.cases import CaseStore
from exams import exchange, gradebook, key, panel_run, paper, release, rescoring
from exams.autograde.answers import code_marks
from exams.autograde.cluster import HERE, Cluster
from exams.autograde.marker import ANSWERS
from exams.autograde.runner import UnavailableError
from exams.exam import Exam, exam_in
from exams.lock import HeldError
from exams.marking_run import Run
from exams.marks import MarkStore
from exams.panel.store import PanelStore
from exams.part import Part, parts_of
from exams.sitting import SittingStore
from exams.work import StoppedError, Tell, Work, quiet
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
    """The exams under `home`; `sittings` is the response store, `marks` the store of marks by rule, `panel` of
    those that people give. Every act (`by` whom) is kept in the audit log.

    language: of the sentences that acts give. tell: hears how far an act is that takes its time.
    cluster: the machines that run candidates' code.

    Methods that name an exam raise DocumentError where there is none, or where its files are wrong.
    """

    def __init__(
        self,
        home: Path,
        sittings: SittingStore,
        marks: MarkStore,
        panel: PanelStore,
        *,
        language: str = "en",
        clock: Callable[[], datetime] = utc_now,
        tell: Tell = quiet,
        cluster: Cluster = HERE,
    ):
        self.home, self.sittings, self.marks, self.panel = home, sittings, marks, panel
        self.clock, self.tell, self.cluster = clock, tell, cluster
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
        forms = [key.form_at(exam, name) for name in exam.forms]
        gradebook.prepare(course, self.home)
        for form in forms:
            paper.write_source(course, form)
        return [paper.release(course, form) for form in forms]

    def collect(self, exam: str, by: str) -> str:
        """Make nbgrader submissions of the sittings that are closed and were not collected yet."""
        found = exam_in(self.folder, exam)
        written = 0
        for part in self._built(found):
            written += len(
                exchange.collect(self.course(found), part.form, set(part.numbers), self.sittings, part.images)
            )
        return self._noted(found, by, "collect", self.say("{count} sittings were collected.", count=written))

    def mark(self, exam: str, by: str) -> str:
        """Mark by rule all that was handed in, and make its nbgrader submissions; what people mark is left to them.

        Results that were released by an earlier key are released anew. Can be stopped (OfficeError) or end in any other
        way at any point; the next call goes on.
        """
        return " ".join(self._mark(exam_in(self.folder, exam), by))

    def _mark(self, exam: Exam, by: str) -> list[str]:
        """Mark as `mark` does; gives what is said of it, and of what is released anew."""
        with self._work(exam) as work:
            run = self._run(exam, by)
            marked = run.mark(work)
            self._by_people(exam, run.parts, by)
            run.notebooks(work)
            pending = sum(gradebook.pending(self.course(exam), part.form) for part in run.parts)
            said = self.say(
                "{count} sittings were marked; {pending} answers await a marker.", count=marked, pending=pending
            )
            return [self._noted(exam, by, "mark", said), *self._again(run, work, pending)]

    def _by_people(self, exam: Exam, parts: Sequence[Part], by: str) -> None:
        """What the panel is to mark is put before it, and what it marked into the Gradebook."""
        if exam.marking.markers:
            course = self.course(exam)
            panel_run.put_before(exam, course, parts, self.sittings, self.panel, by)
            panel_run.take_back(exam, course, parts, self.sittings, self.panel)

    def preview(self, exam: str, changes: key.Changes) -> list[rescoring.Rescored]:
        """Whose marks `changes` to the newest key would change, by candidate number.

        Raises KeyRefusedError, and OfficeError where not all are marked by the newest key.
        """
        found = exam_in(self.folder, exam)
        key.checked(found, changes)
        try:
            return rescoring.of_exam(found, self._parts(found), changes, self.sittings, self.marks)
        except rescoring.UnmarkedError as error:
            raise OfficeError("{count} sittings are not marked yet: mark them first.", count=error.count) from error

    def rescore(self, exam: str, by: str) -> str:
        """Sign the ruling that was proposed: it makes the next version of the key, and all is marked anew by it.

        Raises OfficeError where `by` may not, there is none, or it would change other marks by now than were shown.
        """
        found = exam_in(self.folder, exam)
        self._only_lead(found, by)
        with self._work(found):
            version = self._sign(found, by)
        try:
            _, *again = self._mark(found, by)
        except OfficeError as error:
            raise OfficeError(
                "Version {version} of the key is in force, but not everything is marked by it: mark to go on. {why}",
                version=version,
                why=self.say(error.text, **error.values),
            ) from error
        said = self.say(
            "Version {version} of the key is in force; the marks of {count} candidates changed.",
            version=version,
            count=self._run(found, by).rescored(version),
        )
        return " ".join([said, *again])

    def _sign(self, exam: Exam, by: str) -> int:
        """Put the ruling that was proposed into force; gives the version of the key that it makes."""
        proposal = key.proposed(exam)
        if proposal is None:
            raise OfficeError("No change of the key is waiting to be signed.")
        shown = rescoring.signature(proposal.changes, self.preview(exam.id, proposal.changes))
        if shown != proposal.digest:
            raise OfficeError("The marks are others by now than were shown: look at the change again, then sign.")
        ruling = {"version": key.newest(exam) + 1, "reason": proposal.reason, "changes": proposal.changes}
        # first of all, so that no key is ever in force that the log does not tell of
        self.sittings.note(exam.id, by, "sign", ruling).result()
        return key.sign(exam, proposal, by, self.clock()).number

    def _again(self, run: Run, work: Work, pending: int) -> list[str]:
        """Release results anew that were released by an earlier key, and nbgrader's feedback where there was any.

        pending: answers that await a marker.
        """
        exam = run.exam
        made = release.released(exam.folder)
        if made is None:
            return []
        said = []
        if made.key != key.newest(exam):
            if pending or run.by != exam.lead:
                return [self.say("What was released stands until the answers are marked anew and released.")]
            said.append(self._release(exam, run.parts, self.sittings.submitted_at(exam.id), run.by))
        if run.fed() and self._as_released(run):
            said.append(self._feedback(run, work))
        return said

    def _as_released(self, run: Run) -> bool:
        """Whether all marks are those that were released."""
        made, closed = release.released(run.exam.folder), self.sittings.submitted_at(run.exam.id)
        if made is None or made.key != key.newest(run.exam):
            return False
        return not release.differing(run.exam.folder, self._results(run.exam, run.parts, closed))

    def feedback(self, exam: str, by: str) -> str:
        """Make nbgrader's feedback pages for those who have none of their marks of now.

        Raises OfficeError while the marks are others than are released: the pages would tell them.
        """
        found = exam_in(self.folder, exam)
        if release.released(found.folder) is None:
            raise OfficeError("The results are not released yet: feedback would tell them before.")
        with self._work(found) as work:
            run = self._run(found, by)
            if not self._as_released(run):
                raise OfficeError("The marks are others by now than were released: mark, then release them anew.")
            return self._feedback(run, work)

    def _feedback(self, run: Run, work: Work) -> str:
        made = run.feedback(work)
        return self._noted(run.exam, run.by, "feedback", self.say("{count} feedback pages were made.", count=made))

    def close(self, exam: str, user: str) -> str:
        """End the exam now: nobody enters any more. Raises OfficeError where `user` may not, or somebody is writing."""
        found = exam_in(self.folder, exam)
        self._only_lead(found, user)
        if self.clock() >= found.closes:
            raise OfficeError("The exam is over already.")
        if writing := len(self.sittings.responses(exam).keys() - self.sittings.submitted_at(exam).keys()):
            raise OfficeError("{count} candidates are still writing: wait until they have handed in.", count=writing)
        dataclasses.replace(found, closes=self.clock()).save()
        return self._noted(found, user, "close", self.say("The exam is over; nobody can enter any more."))

    def release(self, exam: str, user: str) -> str:
        """Let candidates see their results. Raises OfficeError where `user` may not, or not everything is marked."""
        found = exam_in(self.folder, exam)
        self._only_lead(found, user)
        if self.clock() < found.closes:
            raise OfficeError(
                "The exam is not over yet: it closes at {closes}.", closes=f"{found.closes:%Y-%m-%d %H:%M} UTC"
            )
        with self._work(found):
            closed = self.sittings.submitted_at(exam)
            if still := len(self.sittings.responses(exam).keys() - closed.keys()):
                raise OfficeError("{count} sittings are still open.", count=still)
            parts = self._parts(found)
            self._by_people(found, parts, user)
            return self._release(found, parts, closed, user)

    def _release(self, exam: Exam, parts: Sequence[Part], closed: Mapping[str, int], by: str) -> str:
        """Release the marks of all sittings that are `closed` (candidate number -> when), if they are of now."""
        results = self._results(exam, parts, closed)
        held = self.marks.marked(exam.id, key.newest(exam))
        if unmarked := sum(held.get(number) != at or number not in results for number, at in closed.items()):
            raise OfficeError("{count} sittings are not marked yet: mark them first.", count=unmarked)
        if pending := sum(one.pending for own in results.values() for one in own):
            raise OfficeError("{count} answers still await a marker: they are marked first.", count=pending)
        version, changed = key.newest(exam), release.differing(exam.folder, results)
        said = self.say("The results of {count} candidates are released.", count=len(results))
        if release.released(exam.folder) is not None:
            said += " " + self.say("Those of {count} candidates are others than before.", count=len(changed))
        for part in parts:
            for number in part.numbers & changed:
                gradebook.outdate_feedback(self.course(exam), part.form, number)
        told = release.signature(version, {number: release.frozen(own) for number, own in results.items()})
        self._noted(exam, by, release.ACT, said, key=version, changed=len(changed), digest=told)
        release.release(exam.folder, results, by, self.clock(), version)
        return said

    def _results(self, exam: Exam, parts: Sequence[Part], closed: Collection[str]) -> dict[str, list[gradebook.Result]]:
        """Candidate number -> results as they stand in the Gradebook, of those in `closed`: not the annulled ones."""
        found: dict[str, list[gradebook.Result]] = {}
        for part in parts:
            own = gradebook.results(self.course(exam), part.form)
            found |= {number: marks for number, marks in own.items() if number in closed}
        return found

    def _only_lead(self, exam: Exam, user: str) -> None:
        if user != exam.lead:
            raise OfficeError("Only the group lead {lead} can do this.", lead=exam.lead)

    def _parts(self, exam: Exam) -> list[Part]:
        """The forms of an exam with their newest keys."""
        return parts_of(exam, CaseStore(self.home / "cases").open)

    def _built(self, exam: Exam) -> list[Part]:
        """The same, once nbgrader has their assignments with this key: a sealed paper has none before it is opened."""
        parts = self._parts(exam)
        if any(key.outdated(exam, paper.released(self.course(exam), part.form)) for part in parts):
            self.build(exam)
        return parts

    def _run(self, exam: Exam, by: str) -> Run:
        return Run(
            exam,
            self.course(exam),
            self._built(exam),
            self.sittings,
            self.marks,
            functools.partial(code_marks, answers=ANSWERS, cluster=self.cluster),
            by,
        )

    @contextmanager
    def _work(self, exam: Exam) -> Iterator[Work]:
        """Work that takes its time, and its refusals in the office's words."""
        try:
            with Work(exam.folder, self.tell) as work:
                yield work
        except HeldError as error:
            raise OfficeError("Other work on this exam is under way. Try again when it is done.") from error
        except UnavailableError as error:
            raise OfficeError("Candidates' code cannot be run: {why}", why=error) from error
        except StoppedError as stopped:
            raise OfficeError(
                "Stopped at {done} of {total}. What was done is kept: start it again to go on.",
                done=stopped.done,
                total=stopped.total,
            ) from stopped

    def _noted(self, exam: Exam, by: str, act: str, said: str, **more: object) -> str:
        """Keep an act in the audit log with what was said of it; gives that."""
        self.sittings.note(exam.id, by, act, {"outcome": said, **more}).result()
        return said

    def say(self, text: str, **values: object) -> str:
        """`text` in the office's language, with `values` put in."""
        return self._translate(text).format(**values)
