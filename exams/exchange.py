"""Collection: closed sittings become nbgrader's `submitted/<candidate number>/<assignment>/`, timed by the server.

`collect` does the work; `SittingCollect` is nbgrader's exchange plugin for it (see configs/nbgrader_config.py), so that
`nbgrader collect` works in the course root too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from nbgrader.exchange.abc import ExchangeCollect
from traitlets import Unicode

from courses.cases import CaseStore
from courses.measure import Image
from exams import paper
from exams.exam import DATABASE as DATABASE
from exams.exam import exams_in
from exams.form import Form
from exams.part import images_of
from exams.sitting import SittingStore
from exams.stencil import Stencil

TIMESTAMP = "timestamp.txt"


class Sittings(Protocol):
    """What collecting needs of the response store (`exams.sitting.SittingStore`)."""

    def responses(self, exam: str, items: Collection[str] | None = None) -> Mapping[str, Mapping[str, Any]]:
        """Candidate number -> item id -> response; only to `items` where some are named."""

    def submitted_at(self, exam: str) -> Mapping[str, int]:
        """Candidate number -> when the sitting was closed (ms since 1970 UTC), of those that are closed."""


def instant(milliseconds: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def submitted_folder(course: Path, form: Form, number: str) -> Path:
    """Where the submission of candidate `number` lies."""
    return course / "submitted" / number / paper.assignment_name(form)


def collect(course: Path, form: Form, numbers: set[str], sittings: Sittings, images: Mapping[str, Image]) -> list[str]:
    """Write the submissions of those `numbers` whose sittings are closed; gives the numbers written.

    A submission that is there already is left as it is, unless the sitting was opened again and closed later.
    """
    stencil = Stencil(paper.read(paper.released(course, form)), form, images)
    responses = sittings.responses(form.exam)
    closed = {number: at for number, at in sittings.submitted_at(form.exam).items() if number in numbers}
    missing = [number for number, at in sorted(closed.items()) if not collected(course, form, number, at)]
    for number in missing:
        submit(course, form, number, stencil.submission(responses.get(number, {})), closed[number])
    return missing


def collected(course: Path, form: Form, number: str, closed_ms: int) -> bool:
    """Whether the submission of a sitting that was closed then is there."""
    try:
        held = (submitted_folder(course, form, number) / TIMESTAMP).read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return held == timestamp(closed_ms)


def submit(course: Path, form: Form, number: str, notebook: str, closed_ms: int) -> None:
    """Write a submission; the time comes last, and says that all of it is there."""
    folder = submitted_folder(course, form, number)
    paper.write(folder / f"{paper.assignment_name(form)}.ipynb", notebook)
    (folder / TIMESTAMP).write_text(timestamp(closed_ms), encoding="ascii")


def timestamp(closed_ms: int) -> str:
    """A time as nbgrader reads it in timestamp.txt."""
    return instant(closed_ms).strftime("%Y-%m-%d %H:%M:%S.%f UTC")


class SittingCollect(ExchangeCollect):  # type: ignore[misc]
    """nbgrader's `collect` from the response store of the exam service."""

    home = Unicode(help="Folder of the platform's state, $XINGLIN_HOME.").tag(config=True)

    def init_src(self) -> None:
        """Find the form that the assignment is."""
        exams = Path(self.home, "exams")
        if not self.home or not (exams / DATABASE).exists():
            self.fail("The exam service's database is not within reach: collect with `xinglin exam collect`.")
        name = self.coursedir.assignment_id
        every = [(exam, form) for exam in exams_in(exams) for form in exam.forms]
        named = [(exam, form) for exam, form in every if paper.assignment_of(exam.id, form) == name]
        self.sources = [(exam, exam.form(form)) for exam, form in named]
        if not self.sources:
            self.fail(f"No exam has a form that is the assignment {name}.")

    def init_dest(self) -> None:
        """The destination is the course root's `submitted`."""

    def copy_files(self) -> None:
        """Write the submissions."""
        home = Path(self.home)
        store = SittingStore(f"sqlite:///{home / 'exams' / DATABASE}")
        try:
            for exam, form in self.sources:
                numbers = {candidate.number for candidate in exam.roster() if candidate.form == form.id}
                images = images_of(form, CaseStore(home / "cases"))
                written = collect(Path(self.coursedir.root), form, numbers, store, images)
                self.log.info("Collected %d submissions of %s", len(written), self.coursedir.assignment_id)
        finally:
            store.close()
