"""A part of an exam: one form with its key of now, whose it is, and the images that its items are measured on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from courses.cases import CaseStore
from courses.measure import Image
from exams import key
from exams.exam import Exam
from exams.form import Form


@dataclass(frozen=True)
class Part:
    """numbers: of the candidates who sit the form. images: case id -> series."""

    form: Form
    numbers: frozenset[str]
    images: Mapping[str, Image]


def parts_of(exam: Exam, cases: CaseStore) -> list[Part]:
    """The parts of an exam. Raises DocumentError where its files are wrong, SealedError while it is sealed."""
    roster = exam.roster()
    forms = [key.form_at(exam, name) for name in exam.forms]
    return [
        Part(form, frozenset(own.number for own in roster if own.form == form.id), images_of(form, cases))
        for form in forms
    ]


def images_of(form: Form, cases: CaseStore) -> dict[str, Image]:
    """Case id -> series, of every image that an item of `form` measures on."""
    measured = [item.asset["case"] for item in form.items if item.type == "measurement" and item.asset]
    return {case: cases.open(case) for case in measured}
