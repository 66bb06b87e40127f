"""The exam hall: what the exam service reads of the exams, and never writes; kept in memory while the files stay.

A page of 6,000 candidates would otherwise read the same roster 6,000 times.
"""

from __future__ import annotations

import functools
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from exams import key, sealed
from exams.documents import DocumentError
from exams.exam import EXAM_ID, FILE, ROSTER, Exam
from exams.files import stamp
from exams.form import Form
from exams.items import Item
from exams.order import ordered, own_order, shuffled
from exams.response import PASSED, passed
from exams.roster import Candidate
from exams.tickets import FILE as TICKETS
from exams.tickets import Tickets

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Shown:
    """What a candidate's browser may see of an item, as JSON cut at the options, whose order is the candidate's own.

    `order` is the name that they are shuffled under, None where they stay.
    """

    id: str
    type: str
    group: object
    head: str
    options: tuple[str, ...]
    order: str | None

    @classmethod
    def of(cls, item: Item) -> Shown:
        """The item without its key."""
        shown = item.public()
        head = json.dumps({name: value for name, value in shown.items() if name != "options"}, ensure_ascii=False)
        options = tuple(json.dumps(option, ensure_ascii=False) for option in shown["options"])
        return cls(item.id, item.type, item.group, head[:-1], options, own_order(shown))

    def text(self, seed: int) -> str:
        """The item as JSON for the candidate of `seed`."""
        options = self.options if self.order is None else shuffled(self.options, self.order, seed)
        return f'{self.head}, "options": [{", ".join(options)}]}}'


@dataclass(frozen=True)
class Paper:
    """A form as the service asks it: `items` by id, in the form's order.

    Thousands come for it in the same seconds, so its items are made into JSON once.
    """

    items: Mapping[str, Item]
    shown: tuple[Shown, ...]

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
        return cls({item.id: item for item in form.items}, tuple(map(Shown.of, form.items)))

    def public(self, seed: int) -> str:
        """What a candidate's browser may see, as a JSON list in the order of `seed`."""
        return f"[{', '.join(shown.text(seed) for shown in ordered(self.shown, seed))}]"

    def order(self, seed: int) -> list[str]:
        """The ids of the items in the order of `seed`."""
        return [shown.id for shown in ordered(self.shown, seed)]


@dataclass(frozen=True)
class Kept(Generic[T]):
    """What was read, the stamps of its files then, and until when (s) nobody need look at them again."""

    value: T
    stamps: tuple[object, ...]
    until: float


class Hall:
    """The exams kept in `root`. Their files are looked at again `look_s` seconds after the last time.

    A file that turns wrong while an exam runs stops nobody: what was read before goes on, and the log says so. Where
    nothing was read before, methods raise DocumentError.
    """

    def __init__(self, root: Path, look_s: float = 0.0) -> None:
        self._root = root
        self._look_s = look_s
        self._kept: dict[tuple[str, ...], Kept[Any]] = {}
        self._listed: Kept[tuple[Exam, ...]] = Kept((), (), 0.0)

    def exams(self) -> tuple[Exam, ...]:
        """All exams that can be read with their rosters, by opening time."""
        now = time.monotonic()
        if now >= self._listed.until:
            self._listed = Kept(self._list(), (), now + self._look_s)
        return self._listed.value

    def _list(self) -> tuple[Exam, ...]:
        found = []
        for path in self._root.glob(f"*/{FILE}"):
            try:
                exam = self._while_unchanged(("exam", path.parent.name), (FILE,), Exam.load)
                self.candidates(exam)
                found.append(exam)
            except DocumentError:
                log.exception("This exam cannot be read, so nobody sees it.")
        return tuple(sorted(found, key=lambda exam: (exam.opens, exam.id)))

    def exam(self, exam: str) -> Exam | None:
        """One exam, None where there is none of this id."""
        kept: Kept[Exam] | None = self._kept.get(("exam", exam))
        if kept is not None and time.monotonic() < kept.until:
            return kept.value
        if not EXAM_ID.fullmatch(exam) or not (self._root / exam / FILE).exists():
            return None
        return self._while_unchanged(("exam", exam), (FILE,), Exam.load)

    def candidates(self, exam: Exam) -> Mapping[str, Candidate]:
        """The roster of an exam by the user's name."""
        return self._roster(exam)[0]

    def numbers(self, exam: Exam) -> Mapping[str, Candidate]:
        """The roster of an exam by candidate number."""
        return self._roster(exam)[1]

    def _roster(self, exam: Exam) -> tuple[dict[str, Candidate], dict[str, Candidate]]:
        def read(_folder: Path) -> tuple[dict[str, Candidate], dict[str, Candidate]]:
            roster = exam.roster()
            return {one.user: one for one in roster}, {one.number: one for one in roster}

        return self._while_unchanged(("roster", exam.id), (ROSTER, FILE), read)

    def tickets(self, exam: Exam) -> Tickets:
        """The admission tickets of an exam."""
        return self._while_unchanged(("tickets", exam.id), (TICKETS,), Tickets.load)

    def ruled(self, exam: Exam, form: str) -> Form:
        """A form with its newest key: what people mark by. Raises SealedError while it is sealed."""
        files = (*_files(form), key.FOLDER)  # a folder changes with what is put into it
        return self._while_unchanged(("ruled", exam.id, form), files, lambda _: key.form_at(exam, form))

    def size(self, exam: Exam, form: str) -> int:
        """How many items a form has, sealed or not."""
        return self._while_unchanged(("size", exam.id, form), _files(form), lambda _: exam.size(form))

    def paper(self, exam: Exam, form: str) -> Paper:
        """A form of an exam as the service asks it. Raises SealedError while it is sealed."""
        return self._while_unchanged(("paper", exam.id, form), _files(form), lambda _: Paper.of(exam.form(form)))

    def _while_unchanged(self, what: tuple[str, ...], files: tuple[str, ...], read: Callable[[Path], T]) -> T:
        """`what` (kind, exam, ...) as `read` gives it, the same as before while none of the exam's `files` changes."""
        now = time.monotonic()
        known: Kept[T] | None = self._kept.get(what)
        if known is not None and now < known.until:
            return known.value
        folder = self._root / what[1]
        stamps = tuple(stamp(folder / file) for file in files)
        if known is None:
            value = read(folder)
        elif known.stamps == stamps:
            value = known.value
        else:
            try:
                value = read(folder)
            except DocumentError:
                log.exception("A file of an exam was changed and is wrong now; what was read before goes on.")
                value = known.value
        self._kept[what] = Kept(value, stamps, now + self._look_s)
        return value


def _files(form: str) -> tuple[str, str]:
    """The files that a form of an exam may stand in."""
    return f"{form}.json", f"{form}{sealed.SUFFIX}"
