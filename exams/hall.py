"""The exam hall: which exams there are, who sits them, on which form; what the service reads and never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from exams.form import Form
from exams.items import Item
from exams.order import ordered


class Exam(Protocol):
    """A joint exam; `opens` and `closes` are aware."""

    @property
    def id(self) -> str:
        """Its name in addresses and files."""

    @property
    def course(self) -> str:
        """The course it examines."""

    @property
    def title(self) -> str:
        """What it is called."""

    @property
    def opens(self) -> datetime:
        """When candidates may enter."""

    @property
    def closes(self) -> datetime:
        """When every regular sitting ends."""

    @property
    def minutes(self) -> int:
        """How long one sitting lasts."""


class Candidate(Protocol):
    """Someone on the roster of an exam."""

    @property
    def number(self) -> str:
        """准考证号."""

    @property
    def user(self) -> str:
        """The hub's name of them."""

    @property
    def name(self) -> str:
        """Their own name."""

    @property
    def school(self) -> str:
        """Their school."""

    @property
    def form(self) -> str:
        """The form they sit."""

    @property
    def extra_minutes(self) -> int:
        """Extra time they have a right to."""


class Hall(Protocol):
    """Where exams are read from."""

    def exams(self) -> Sequence[Exam]:
        """All exams, the next first."""

    def exam(self, exam: str) -> Exam | None:
        """One exam, None where there is none of this id."""

    def candidates(self, exam: str) -> Mapping[str, Candidate]:
        """The roster of an exam by the user's name; empty where there is none."""

    def paper(self, exam: str, form: str) -> Paper:
        """A form of an exam, the same object every time."""


@dataclass(frozen=True)
class Paper:
    """A form as the service asks it: `items` by id, in the form's order."""

    items: Mapping[str, Item]

    @classmethod
    def of(cls, form: Form) -> Paper:
        """The paper of a form."""
        return cls({item.id: item for item in form.items})

    def public(self, seed: int) -> list[dict[str, Any]]:
        """What a candidate's browser may see, in the order of `seed`."""
        return [item.public() for item in ordered(list(self.items.values()), seed)]
