"""The exam hall: what the exam service reads of the exams, and never writes; kept in memory while the files stay.

A page of 6,000 candidates would otherwise read the same roster 6,000 times.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from exams import sealed
from exams.documents import DocumentError
from exams.exam import EXAM_ID, FILE, ROSTER, Exam
from exams.files import stamp
from exams.form import Form
from exams.items import Item
from exams.order import ordered, with_options_ordered
from exams.response import PASSED, passed
from exams.roster import Candidate
from exams.tickets import FILE as TICKETS
from exams.tickets import Tickets

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Paper:
    """A form as the service asks it: `items` by id, in the form's order."""

    items: Mapping[str, Item]

    @functools.cached_property
    def forward_only(self) -> frozenset[str]:
        """The items that are closed by going on to the next of their case."""
        return frozenset(item.id for item in self.items.values() if item.forward_only)

    @functools.cached_property
    def names(self) -> frozenset[str]:
        """What a response may be to: an item, or going on from one."""
        return frozenset(self.items) | {passed(item) for item in self.forward_only}

    def closes(self, name: str) -> bool:
        """Whether a response of this name is to an item that can be closed, or closes it."""
        return name.removesuffix(PASSED) in self.forward_only

    @classmethod
    def of(cls, form: Form) -> Paper:
        """The paper of a form."""
        return cls({item.id: item for item in form.items})

    def public(self, seed: int) -> list[dict[str, Any]]:
        """What a candidate's browser may see, in the order of `seed`."""
        items = ordered(list(self.items.values()), seed)
        return [with_options_ordered(item.public(), seed) for item in items]


class Hall:
    """The exams kept in `root`.

    A file that turns wrong while an exam runs stops nobody: what was read before goes on, and the log says so. Where
    nothing was read before, methods raise DocumentError.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._kept: dict[tuple[object, ...], tuple[object, Any]] = {}

    def exams(self) -> tuple[Exam, ...]:
        """All exams that can be read with their rosters, by opening time."""
        found = []
        for path in self._root.glob(f"*/{FILE}"):
            try:
                exam = self._while_unchanged("exam", (path,), functools.partial(Exam.load, path.parent))
                self.candidates(exam)
                found.append(exam)
            except DocumentError:
                log.exception("This exam cannot be read, so nobody sees it.")
        return tuple(sorted(found, key=lambda exam: (exam.opens, exam.id)))

    def exam(self, exam: str) -> Exam | None:
        """One exam, None where there is none of this id."""
        path = self._root / exam / FILE
        if not EXAM_ID.fullmatch(exam) or not path.exists():
            return None
        return self._while_unchanged("exam", (path,), lambda: Exam.load(path.parent))

    def candidates(self, exam: Exam) -> Mapping[str, Candidate]:
        """The roster of an exam by the user's name."""
        files = (exam.folder / ROSTER, exam.folder / FILE)
        return self._while_unchanged(
            "roster", files, lambda: {candidate.user: candidate for candidate in exam.roster()}
        )

    def tickets(self, exam: Exam) -> Tickets:
        """The admission tickets of an exam."""
        return self._while_unchanged("tickets", (exam.folder / TICKETS,), lambda: Tickets.load(exam.folder))

    def form(self, exam: Exam, form: str) -> Form:
        """A form of an exam. Raises SealedError while it is sealed."""
        return self._while_unchanged("form", _files(exam, form), lambda: exam.form(form))

    def size(self, exam: Exam, form: str) -> int:
        """How many items a form has, sealed or not."""
        return self._while_unchanged("size", _files(exam, form), lambda: exam.size(form))

    def paper(self, exam: Exam, form: str) -> Paper:
        """A form of an exam as the service asks it. Raises SealedError while it is sealed."""
        return self._while_unchanged("paper", _files(exam, form), lambda: Paper.of(exam.form(form)))

    def _while_unchanged(self, what: str, files: tuple[Path, ...], read: Callable[[], T]) -> T:
        """`what`, as `read` gives it; the same as before while none of `files` has changed."""
        stamps = tuple(stamp(file) for file in files)
        known: tuple[object, T] | None = self._kept.get((what, *files))
        if known is None:
            known = (stamps, read())
        elif known[0] != stamps:
            try:
                known = (stamps, read())
            except DocumentError:
                log.exception("A file of an exam was changed and is wrong now; what was read before goes on.")
                known = (stamps, known[1])
        self._kept[what, *files] = known
        return known[1]


def _files(exam: Exam, form: str) -> tuple[Path, ...]:
    """The files that a form of an exam may stand in."""
    return exam.folder / f"{form}.json", sealed.path_of(exam, form)
