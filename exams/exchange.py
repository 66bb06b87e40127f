"""Collection: closed sittings become nbgrader's `submitted/<candidate number>/<assignment>/`, timed by the server.

`collect` does the work; `SittingCollect` is nbgrader's exchange plugin for it (see configs/nbgrader_config.py), so that
`nbgrader collect` works in the course root too.
"""

from __future__ import annotations

from collections.abc import Mapping
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
from exams.sitting import SittingStore

TIMESTAMP = "timestamp.txt"


class Sittings(Protocol):
    """What collecting needs of the response store (`exams.sitting.SittingStore`)."""

    def responses(self, exam: str) -> Mapping[str, Mapping[str, Any]]:
        """Candidate number -> item id -> response."""

    def submitted_at(self, exam: str) -> Mapping[str, int]:
        """Candidate number -> when the sitting was closed (ms since 1970 UTC), of those that are closed."""


def images_of(form: Form, cases: CaseStore) -> dict[str, Image]:
    """Case id -> series, of every image that an item of `form` measures on."""
    measured = [item.asset["case"] for item in form.items if item.type == "measurement" and item.asset]
    return {case: cases.open(case) for case in measured}


def instant(milliseconds: int) -> datetime:
    """The aware UTC time of milliseconds since 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def submitted_folder(course: Path, form: Form, number: str) -> Path:
    """Where the submission of candidate `number` lies."""
    return course / "submitted" / number / paper.assignment_name(form)


def collect(course: Path, form: Form, numbers: set[str], sittings: Sittings, images: Mapping[str, Image]) -> list[str]:
    """Write the submissions of those `numbers` whose sittings are closed; gives the numbers written.

    A submission that is there already is left as it is: a closed sitting does not change.
    """
    name = paper.assignment_name(form)
    released = paper.read(paper.released(course, form))
    responses, written = sittings.responses(form.exam), []
    for number, closed in sorted(sittings.submitted_at(form.exam).items()):
        folder = submitted_folder(course, form, number)
        if number not in numbers or (folder / TIMESTAMP).exists():
            continue
        notebook = paper.submission(released, form, responses.get(number, {}), images)
        paper.write(folder / f"{name}.ipynb", notebook)
        (folder / TIMESTAMP).write_text(instant(closed).strftime("%Y-%m-%d %H:%M:%S.%f UTC"), encoding="ascii")
        written.append(number)
    return written


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
