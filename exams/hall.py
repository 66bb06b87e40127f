"""The exam hall: which exams there are, who sits them, and on which form; what the exam service reads and never writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from exams.form import Form


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

    def form(self, exam: str, form: str) -> Form:
        """A form of an exam."""
