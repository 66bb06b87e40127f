"""A part of an exam: one form with its key of now, whose it is, and the images that its items are measured on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

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


Series = Callable[[str], Image]
"""A case's id to its image series."""


def parts_of(exam: Exam, series: Series) -> list[Part]:
    """The parts of an exam. Raises DocumentError where its files are wrong, SealedError while it is sealed."""
    roster = exam.roster()
    forms = [key.form_at(exam, name) for name in exam.forms]
    return [
        Part(form, frozenset(own.number for own in roster if own.form == form.id), images_of(form, series))
        for form in forms
    ]


def images_of(form: Form, series: Series) -> dict[str, Image]:
    """Case id -> series, of every image that an item of `form` measures on."""
    measured = [item.asset["case"] for item in form.items if item.type == "measurement" and item.asset]
    return {case: series(case) for case in measured}
