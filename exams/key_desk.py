"""The desk of the key: the group lead changes it after the exam, sees whose marks that changes, and signs."""

from __future__ import annotations

import asyncio
from typing import Any

from exams import key, rescoring
from exams.bankdesk.wording import said
from exams.desk import Errands
from exams.exam import Exam
from exams.items import SINGLE, Item
from exams.key import Changes, KeyRefusedError, Proposal
from exams.marks import points_by_number
from exams.pages import KINDS, labels
from exams.part import Part, parts_of
from exams.rescoring import Rescored, UnmarkedError
from exams.response import canonical
from exams.sealed import SealedError
from exams.web import N_, Api, Handler, Page, ProblemError, not_yours, unreadable

MOST_REASON = 500
SIGN = "sign"

NOT_OVER = N_("The key can be changed when the exam is over.")
CHANGED = N_("The marks are others by now than you saw. Look at the change again, then sign.")


class Lead(Handler):
    """For the group lead of an exam that is over."""

    def over(self, exam_id: str) -> Exam:
        """The exam. Raises ProblemError unless the asker leads it and it is over."""
        exam = self.exam_for_lead(exam_id)
        if self.context.store.now() < exam.closes.timestamp() * 1000:
            raise ProblemError(409, "not_over", NOT_OVER)
        return exam

    def parts(self, exam: Exam) -> list[Part]:
        """The exam's parts with their newest keys. Raises ProblemError where a paper is sealed still."""
        try:
            return parts_of(exam, self.context.series)
        except SealedError as error:
            raise ProblemError(409, "sealed", NOT_OVER) from error

    def rescored(self, exam: Exam, changes: Changes) -> list[Rescored]:
        """Whose marks `changes` would change. Raises ProblemError where they are none, or not all are marked."""
        try:
            key.checked(exam, changes)
        except KeyRefusedError as error:
            raise ProblemError(400, "changes", "{why}", why=said(error.sentence, self.language)) from error
        try:
            return rescoring.of_exam(exam, self.parts(exam), changes, self.context.store, self.context.marks)
        except UnmarkedError as error:
            sentence = N_("{count} sittings are not marked yet: mark them first.")
            raise ProblemError(409, "not_marked", sentence, count=error.count) from error

    def told(self, exam: Exam, rescored: list[Rescored]) -> list[dict[str, Any]]:
        """The same as JSON, with name and school of each."""
        roster = self.context.hall.numbers(exam)
        whose = ((one, roster[one.number]) for one in rescored if one.number in roster)
        return [{**one.public(), "name": own.name, "school": own.school} for one, own in whose]


class KeyPage(Lead, Page):
    """The page; its script asks for what is on it."""

    def get(self, exam_id: str) -> None:
        """The items with their keys, and the rulings so far."""
        exam = self.over(exam_id)
        items = {item.id: (place, item) for part in self.parts(exam) for place, item in enumerate(part.form.items, 1)}
        self.show(
            "key.html",
            exam=exam,
            items=[_shown(item, place) for place, item in items.values()],
            kinds=KINDS,
            versions=key.versions(exam),
            labels=labels(self.language),
        )


def _shown(item: Item, place: int) -> dict[str, Any]:
    """An item with all that the desk can change of it."""
    return {
        "id": item.id,
        "place": place,
        "type": item.type,
        "stem": item.stem,
        "options": list(item.options),
        "key": list(item.key) if isinstance(item.key, tuple) else item.key,
        "accepted": list(item.accepted),
        "several": bool(item.options) and item.type in (*SINGLE, "ecg"),
        "tolerance": item.tolerance,
        "unit": item.unit,
        "rubric": [[points, text] for points, text in item.rubric],
        "model_answer": item.model_answer,
        "void": item.void,
        "points": item.points,
    }


class Preview(Lead, Api):
    """What a change would come to."""

    async def post(self, exam_id: str) -> None:
        """{"changes": item id -> fields} -> {"rescored": [...], "again": [items that are marked anew], "digest"}."""
        exam = self.over(exam_id)
        changes = changes_in(self.body())
        rescored = await asyncio.to_thread(self.rescored, exam, changes)
        again = [item for item, fields in changes.items() if fields.keys() & key.BY_PEOPLE]
        self.answer(
            {"rescored": self.told(exam, rescored), "again": again, "digest": rescoring.signature(changes, rescored)}
        )


class Sign(Lead, Errands):
    """A change that was looked at is put into force."""

    async def post(self, exam_id: str) -> None:
        """{"changes", "reason", "digest": of the preview} -> {"message"}; marking anew takes its time."""
        exam = self.over(exam_id)
        body = self.body()
        changes, reason, digest = changes_in(body), body.get("reason"), body.get("digest")
        if not isinstance(reason, str) or not reason.strip():
            raise ProblemError(400, "reason", N_("Say why the key is changed: it is kept with the marks."))
        rescored = await asyncio.to_thread(self.rescored, exam, changes)
        if rescoring.signature(changes, rescored) != digest:
            raise ProblemError(409, "changed", CHANGED)
        proposal = Proposal(self.current_user.user, reason.strip()[:MOST_REASON], changes, str(digest))
        await self.errand(exam, SIGN, lambda: key.propose(exam, proposal))


class Ruling(Lead, Api):
    """A ruling of before: whose marks it changed."""

    async def get(self, exam_id: str, number: str) -> None:
        """{"rescored": [...]}."""
        exam = self.over(exam_id)
        if int(number) not in {version.number for version in key.versions(exam)}:
            raise not_yours()
        old, new = await asyncio.gather(
            *(asyncio.to_thread(self.context.marks.sheets, exam.id, int(number) - back) for back in (1, 0))
        )
        found = rescoring.differences(points_by_number(old), points_by_number(new))
        self.answer({"rescored": self.told(exam, found)})


def changes_in(body: dict[str, Any]) -> Changes:
    """The changes in a request. Raises ProblemError where they are no item ids with fields, or no plain JSON."""
    try:
        canonical(body)
    except (ValueError, RecursionError) as error:  # NaN, or half of a surrogate pair: it cannot be kept as JSON
        raise unreadable() from error
    changes = body.get("changes")
    if not isinstance(changes, dict) or not all(isinstance(fields, dict) for fields in changes.values()):
        raise unreadable()
    return changes
