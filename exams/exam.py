"""An exam 联考: when it is, for how long, for which schools. `$XINGLIN_HOME/exams/<id>/` holds all of one exam:
exam.toml, roster.csv, one `<form>.json` a form, and after release what each candidate may see.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from exams import roster
from exams.documents import Document, DocumentError, Fields
from exams.form import Form
from exams.roster import Candidate

EXAM_ID = re.compile(r"[a-z0-9][a-z0-9_-]*")
FILE, ROSTER = "exam.toml", "roster.csv"
DATABASE = "exams.sqlite"  # beside the exams: the response store of all of them
GRADEBOOK = "gradebook/gradebook.db"
"""Where a course root keeps its Gradebook: in a folder of its own, the one thing there that formgrader writes."""
TEXTS, LISTS = ("id", "course", "title", "lead"), ("schools", "forms")


@dataclass(frozen=True)
class Exam:
    """A joint exam. opens, closes: aware UTC; minutes: of one sitting; lead: the group lead's user name, who releases.

    `folder` is where it is kept.
    """

    id: str
    course: str
    title: str
    opens: datetime
    closes: datetime
    minutes: int
    lead: str
    schools: tuple[str, ...]
    forms: tuple[str, ...]
    folder: Path = field(default=Path(), compare=False, repr=False)

    def save(self) -> None:
        """Write exam.toml into the folder of the exam."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # JSON's strings and lists of strings are TOML's too
        lines = [f"{name} = {json.dumps(getattr(self, name), ensure_ascii=False)}" for name in (*TEXTS, *LISTS)]
        lines += [f"minutes = {self.minutes}"]
        lines += [f"{name} = {getattr(self, name).isoformat()}" for name in ("opens", "closes")]
        (self.folder / FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Exam:
        """The exam kept in `folder`. Raises DocumentError where exam.toml is missing or wrong."""
        path = folder / FILE
        try:
            document = Document(str(path), tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError) as error:
            raise DocumentError(f"The exam cannot be read ({error}).", (), str(path)) from error
        try:
            return cls._parse(Fields(document.data), folder)
        except DocumentError as error:
            raise document.located(error) from error

    @classmethod
    def _parse(cls, fields: Fields, folder: Path) -> Exam:
        exam = cls(
            id=fields.text("id"),
            course=fields.slug("course"),
            title=fields.text("title"),
            lead=fields.text("lead"),
            schools=fields.texts("schools"),
            forms=fields.texts("forms"),
            minutes=fields.whole("minutes", minimum=1),
            opens=fields.instant("opens"),
            closes=fields.instant("closes"),
            folder=folder,
        )
        fields.done()
        if exam.id != folder.name or not EXAM_ID.fullmatch(exam.id):
            raise fields.fail("id", "The id is the folder's name: letters a-z, digits, - and _.")
        if exam.closes <= exam.opens:
            raise fields.fail("closes", "The exam closes after it opens.")
        if not exam.forms:
            raise fields.fail("forms", "An exam has at least one form.")
        return exam

    def form(self, form: str) -> Form:
        """A form of this exam. Raises DocumentError where it has none of that name."""
        if form not in self.forms:
            raise DocumentError(f"The exam {self.id} has no form {form!r}; it has {', '.join(self.forms)}.")
        return Form.load(self.folder / f"{form}.json")

    def save_form(self, form: Form) -> None:
        """Keep `form` with this exam."""
        form.save(self.folder / f"{form.id}.json")

    def roster(self) -> tuple[Candidate, ...]:
        """The candidates. Raises DocumentError where a line is wrong or names a form the exam does not have."""
        candidates = roster.read(self.folder / ROSTER)
        for candidate in candidates:
            if candidate.form not in self.forms:
                sentence = (
                    f"Candidate {candidate.number} has the form {candidate.form!r}, which the exam does not have."
                )
                raise DocumentError(sentence, (), str(self.folder / ROSTER))
        return candidates


def exams_in(root: Path) -> tuple[Exam, ...]:
    """All exams kept in `root`, by opening time. Raises DocumentError for the first that is wrong."""
    found = [Exam.load(path.parent) for path in root.glob(f"*/{FILE}")]
    return tuple(sorted(found, key=lambda exam: (exam.opens, exam.id)))


def exam_in(root: Path, exam: str) -> Exam:
    """The exam `exam` kept in `root`. Raises DocumentError where there is none."""
    if not EXAM_ID.fullmatch(exam) or not (root / exam / FILE).exists():
        known = ", ".join(found.id for found in exams_in(root)) or "none yet"
        raise DocumentError(f"There is no exam {exam!r}; there are: {known}.")
    return Exam.load(root / exam)
