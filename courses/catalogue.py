"""The catalogue: courses, their labs and the tasks of each lab, read from `course.toml` in each course's folder.

A course is a folder `courses/<id>/` with `course.toml` and notebooks `NN_topic.py` (jupytext percent).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent
LAB_NAME = re.compile(r"[0-9]{2}_[a-z0-9_]+")
"""What the notebook's file is called; also a part of its address."""


class CatalogueError(ValueError):
    """A course.toml that cannot be used; the message names the file, the place and what to do."""


@dataclass(frozen=True)
class Text:
    """One text in both languages."""

    zh: str
    en: str

    def __getitem__(self, language: str) -> str:
        return self.en if language == "en" else self.zh


@dataclass(frozen=True)
class Task:
    """One task of a lab; `id` is what the lab's TaskCard reports under."""

    id: str
    title: Text


@dataclass(frozen=True)
class Lab:
    """One interactive notebook; `name` is its file without the ending, `question` the sentence it opens with.

    `pure_at_start`: what it shows when it opens depends on the notebook, the visitor's role and the case library alone,
    so that it need not be run again for each visit.
    """

    course: str
    name: str
    title: Text
    question: Text
    minutes: int
    tasks: tuple[Task, ...]
    pure_at_start: bool = False

    @property
    def id(self) -> str:
        """`<course>/<name>`, also the built notebook's path without its ending."""
        return f"{self.course}/{self.name}"

    def task(self, task_id: str) -> Task | None:
        """The task of that id, or None."""
        return next((task for task in self.tasks if task.id == task_id), None)


@dataclass(frozen=True)
class Course:
    """A course with its labs in teaching order."""

    id: str
    title: Text
    order: int
    labs: tuple[Lab, ...]


@dataclass(frozen=True)
class Catalogue:
    """Every course, in order."""

    courses: tuple[Course, ...]

    def labs(self) -> Iterator[Lab]:
        """Every lab of every course."""
        for course in self.courses:
            yield from course.labs

    def lab(self, lab_id: str) -> Lab | None:
        """The lab `<course>/<name>`, or None."""
        return next((lab for lab in self.labs() if lab.id == lab_id), None)


class _Table:
    """One table of a course.toml: each field is taken once, and what nobody took is refused."""

    def __init__(self, fields: Mapping[str, Any], where: str) -> None:
        self._rest = dict(fields)
        self._where = where

    def take(self, name: str, kind: type) -> Any:
        """The field `name`, which must be there and of `kind`."""
        value = self._rest.pop(name, None)
        if type(value) is not kind or value == "":
            raise CatalogueError(f"{self._where}: {name} must be given, as {kind.__name__}.")
        return value

    def flag(self, name: str) -> bool:
        """The field `name`, false where it is not there."""
        return name in self._rest and bool(self.take(name, bool))

    def text(self, name: str) -> Text:
        """The field `name` as {zh = "...", en = "..."}."""
        both = _Table(self.take(name, dict), f"{self._where}, {name}")
        text = Text(both.take("zh", str), both.take("en", str))
        both.close()
        return text

    def tables(self, name: str) -> Iterator[_Table]:
        """The tables of the list `name`."""
        for number, fields in enumerate(self.take(name, list), 1):
            if not isinstance(fields, dict):
                raise CatalogueError(f"{self._where}: {name} must be tables, [[{name}]].")
            yield _Table(fields, f"{self._where}, {name} {number}")

    def close(self) -> None:
        """Refuse what was not taken."""
        if self._rest:
            raise CatalogueError(f"{self._where}: unknown field {', '.join(sorted(self._rest))}.")


def read_course(folder: Path) -> Course:
    """The course in `folder`. Raises CatalogueError where its course.toml or a notebook it names is wrong."""
    file = folder / "course.toml"
    try:
        table = _Table(tomllib.loads(file.read_text("utf-8")), f"{folder.name}/course.toml")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CatalogueError(f"{folder.name}/course.toml cannot be read: {error}.") from error
    labs = tuple(_read_lab(folder, entry) for entry in table.tables("labs"))
    course = Course(folder.name, table.text("title"), table.take("order", int), labs)
    table.close()
    if len({lab.name for lab in labs}) < len(labs):
        raise CatalogueError(f"{folder.name}/course.toml: two labs have the same name.")
    return course


def _read_lab(folder: Path, table: _Table) -> Lab:
    name = table.take("name", str)
    if not LAB_NAME.fullmatch(name):
        raise CatalogueError(f"{folder.name}/course.toml: a lab's name is like 01_nerve (NN_topic), not {name!r}.")
    if not (folder / f"{name}.py").is_file():
        raise CatalogueError(f"{folder.name}/course.toml names the lab {name}, but {folder.name}/{name}.py is missing.")
    tasks = []
    for entry in table.tables("tasks"):
        tasks.append(Task(entry.take("id", str), entry.text("title")))
        entry.close()
    title, question, minutes = table.text("title"), table.text("question"), table.take("minutes", int)
    lab = Lab(folder.name, name, title, question, minutes, tuple(tasks), table.flag("pure_at_start"))
    table.close()
    if len({task.id for task in tasks}) < len(tasks):
        raise CatalogueError(f"{folder.name}/course.toml, lab {name}: two tasks have the same id.")
    return lab


def read_catalogue(source: Path = SOURCE) -> Catalogue:
    """Every course below `source`. Raises CatalogueError where one is wrong."""
    courses = (read_course(file.parent) for file in source.glob("*/course.toml"))
    return Catalogue(tuple(sorted(courses, key=lambda course: (course.order, course.id))))
