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

from exams import files, roster, sealed
from exams.documents import Document, DocumentError, Fields
from exams.form import Form
from exams.panelrules import Marking, parse_marking
from exams.roster import Candidate

EXAM_ID = re.compile(r"(?!bank$)[a-z0-9][a-z0-9_-]*")  # the exam service has the item bank at that address
FILE, ROSTER = "exam.toml", "roster.csv"
DATABASE = "exams.sqlite"  # beside the exams: the response store of all of them
GRADEBOOK = "gradebook/gradebook.db"
"""Where a course root keeps its Gradebook: in a folder of its own, the one thing there that formgrader writes."""
TEXTS, LISTS = ("id", "course", "title", "lead"), ("schools", "forms", "seb_keys")
TIMES = ("opens", "closes")
SEB_KEY = re.compile(r"[0-9a-fA-F]{64}")


@dataclass(frozen=True)
class Session:
    """One of the times at which an exam is sat: a window (aware UTC), for the candidates of `schools`."""

    id: str
    opens: datetime
    closes: datetime
    schools: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exam:
    """A joint exam. opens, closes: aware UTC; minutes: of one sitting; lead: the group lead's user name, who releases.

    sessions: where not all sit at once, the windows within opens and closes. checkin: candidates enter when they have
    given the code of their room, or an invigilator has checked them in. late_minutes: who has not begun so long after
    the opening begins only on an invigilator's word; 0 for no such limit. seb_keys: Config Keys of Safe Exam Browser,
    in hex; where there are any, candidates come with that browser only. marking: who marks the answers that people
    mark, and by which rules. `folder` is where the exam is kept.
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
    sessions: tuple[Session, ...] = ()
    checkin: bool = False
    late_minutes: int = 0
    seb_keys: tuple[str, ...] = ()
    marking: Marking = field(default_factory=Marking)

    def save(self) -> None:
        """Write exam.toml into the folder of the exam; whoever reads it meanwhile has the old one or the new one."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = [f"{name} = {_toml(getattr(self, name))}" for name in (*TEXTS, *LISTS, *TIMES)]
        lines += [f"{name} = {_toml(getattr(self, name))}" for name in ("minutes", "checkin", "late_minutes")]
        for session in self.sessions:
            lines += ["", "[[sessions]]", *(f"{name} = {_toml(value)}" for name, value in vars(session).items())]
        lines += self.marking.lines()
        files.write(self.folder / FILE, ("\n".join(lines) + "\n").encode())

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
            sessions=tuple(
                _session(Fields(entry, ("sessions", index))) for index, entry in enumerate(fields.list("sessions", []))
            ),
            checkin=fields.flag("checkin", False),
            late_minutes=fields.whole("late_minutes", 0),
            seb_keys=fields.texts("seb_keys", ()),
            marking=parse_marking(fields.mapping("marking", {})),
        )
        fields.done()
        if exam.id != folder.name or not EXAM_ID.fullmatch(exam.id):
            raise fields.fail("id", "The id is the folder's name: letters a-z, digits, - and _.")
        if exam.closes <= exam.opens:
            raise fields.fail("closes", "The exam closes after it opens.")
        if not exam.forms:
            raise fields.fail("forms", "An exam has at least one form.")
        if not all(SEB_KEY.fullmatch(key) for key in exam.seb_keys):
            raise fields.fail("seb_keys", "A Config Key of Safe Exam Browser is 64 digits 0-9 and a-f.")
        exam._check_sessions(fields)
        return exam

    def _check_sessions(self, fields: Fields) -> None:
        ids = [session.id for session in self.sessions]
        schools = [school for session in self.sessions for school in session.schools]
        if len(set(ids)) < len(ids):
            raise fields.fail("sessions", "Two sessions have the same id.")
        if twice := sorted(school for school in set(schools) if schools.count(school) > 1):
            raise fields.fail("sessions", f"{twice[0]} is in two sessions: the roster says there who sits in which.")
        for session in self.sessions:
            if not self.opens <= session.opens < session.closes:
                raise fields.fail("sessions", f"The session {session.id} opens within the exam and closes after that.")

    def window(self, candidate: Candidate) -> tuple[datetime, datetime]:
        """When `candidate` may enter: from, to. The exam's own times where no session is the candidate's."""
        session = self.session(candidate)
        if session is None:
            return self.opens, self.closes
        return session.opens, min(session.closes, self.closes)

    def session(self, candidate: Candidate) -> Session | None:
        """The session of `candidate`: the one that the roster names, else that of the school."""
        for session in self.sessions:
            if session.id == candidate.session or (not candidate.session and candidate.school in session.schools):
                return session
        return None

    def form(self, form: str) -> Form:
        """A form of this exam. Raises DocumentError where it has none of that name; SealedError while it is sealed."""
        if form not in self.forms:
            raise DocumentError(f"The exam {self.id} has no form {form!r}; it has {', '.join(self.forms)}.")
        if sealed.path_of(self, form).exists():
            return sealed.opened(self, form)
        return Form.load(self.folder / f"{form}.json")

    def size(self, form: str) -> int:
        """How many items a form has, sealed or not."""
        return sealed.size(self, form) if sealed.path_of(self, form).exists() else len(self.form(form).items)

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
            if self.sessions and self.session(candidate) is None:
                sentence = f"Candidate {candidate.number} has no session: name one, or put the school into one."
                raise DocumentError(sentence, (), str(self.folder / ROSTER))
        return candidates


def _session(fields: Fields) -> Session:
    session = Session(fields.slug("id"), fields.instant("opens"), fields.instant("closes"), fields.texts("schools", ()))
    fields.done()
    return session


def _toml(value: object) -> str:
    """A value as TOML writes it; JSON's strings, numbers and lists of strings are TOML's too."""
    return value.isoformat() if isinstance(value, datetime) else json.dumps(value, ensure_ascii=False)


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
