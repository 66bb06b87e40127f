"""`xinglin exam serve`: the exam service, added to the commands of `exams.cli`."""

from __future__ import annotations

import os
import sys
from urllib.parse import urlsplit

import click

from courses.cases import CaseStore
from exams.cli import exam as exam
from exams.errands import errands
from exams.exchange import DATABASE
from exams.hall import Hall
from exams.identity import HubIdentity
from exams.release import CandidateResult, result
from exams.service import Config, serve
from exams.sitting import SittingStore
from hub.secrets import token
from hub.settings import Settings


def released_result(hall: Hall, exam_id: str, number: str) -> CandidateResult | None:
    """What candidate `number` may see of an exam; None before its release."""
    found = hall.exam(exam_id)
    if found is None:
        return None
    candidate = next((one for one in hall.candidates(found).values() if one.number == number), None)
    return None if candidate is None else result(found.folder, found.form(candidate.form), number)


@exam.command("serve", hidden=True)
@click.pass_obj
def serve_command(settings: Settings) -> None:
    """Run the exam service; `xinglin serve` starts it with the hub's environment.

    Example: xinglin exam serve
    """
    if not (url := os.environ.get("JUPYTERHUB_SERVICE_URL")):
        raise click.ClickException("The exam service is started by `xinglin serve`.")
    folder = settings.home / "exams"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    hall = Hall(folder)
    config = Config(
        hall=hall,
        store=SittingStore(f"sqlite:///{folder / DATABASE}"),
        identity=HubIdentity(),
        cookie_secret=token(settings.home / "secrets", "exams-cookie"),
        acts=errands([sys.executable, "-m", "hub.cli"], settings.home, "zh"),
        result=lambda exam_id, number: released_result(hall, exam_id, number),
        series=CaseStore(settings.home / "cases").open,
    )
    serve(config, port=urlsplit(url).port)
