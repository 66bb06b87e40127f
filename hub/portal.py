"""What the portal shows, as plain data: cards for labs with progress, a class at a glance. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from courses.catalogue import Catalogue
from hub.people import Person


@dataclass(frozen=True)
class LabCard:
    """A lab as a person sees it: `done` of `total` tasks."""

    id: str
    title: str
    question: str
    minutes: int
    done: int
    total: int

    @property
    def url(self) -> str:
        """Where it opens as an app."""
        return f"/services/apps/voila/render/{self.id}.ipynb"


@dataclass(frozen=True)
class CourseCards:
    """A course and its labs."""

    title: str
    labs: tuple[LabCard, ...]


@dataclass(frozen=True)
class ClassRow:
    """One student's progress: tasks done in each lab, in the catalogue's order."""

    name: str
    group: str
    done: tuple[int, ...]


@dataclass(frozen=True)
class Overview:
    """A school's students against the labs; `labs` are (title, number of tasks)."""

    labs: tuple[tuple[str, int], ...]
    rows: tuple[ClassRow, ...]


def lab_cards(catalogue: Catalogue, done: Set[str], language: str) -> tuple[CourseCards, ...]:
    """Every course with its labs; `done` holds the tasks (`lab#task`) answered rightly."""
    return tuple(
        CourseCards(
            course.title[language],
            tuple(
                LabCard(
                    lab.id,
                    lab.title[language],
                    lab.question[language],
                    lab.minutes,
                    sum(f"{lab.id}#{task.id}" in done for task in lab.tasks),
                    len(lab.tasks),
                )
                for lab in course.labs
            ),
        )
        for course in catalogue.courses
    )


def class_overview(
    catalogue: Catalogue, students: Sequence[Person], done: Mapping[str, Set[str]], language: str
) -> Overview:
    """A class at a glance: each student's tasks done in each lab."""
    labs = list(catalogue.labs())
    rows = tuple(
        ClassRow(
            student.name,
            student.group,
            tuple(sum(f"{lab.id}#{task.id}" in done[student.user] for task in lab.tasks) for lab in labs),
        )
        for student in students
    )
    return Overview(tuple((lab.title[language], len(lab.tasks)) for lab in labs), rows)
