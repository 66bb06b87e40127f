"""The exam service by itself: `python -m exams XINGLIN...`, where XINGLIN... is how to call the `xinglin` command.

Whoever starts it sets XINGLIN_HOME, XINGLIN_EXAMS_DATABASE and the hub's JUPYTERHUB_* variables, and may hand down the
socket. It imports neither nbgrader nor the hub: a service that was killed is back in a third of the time that the whole
`xinglin` command takes to load.
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from courses.cases import CaseStore
from exams.bankdesk.banks import Banks
from exams.bankdesk.furnish import FOLDER as BANKS
from exams.database import DatabaseError, served
from exams.errands import errands
from exams.hall import Hall
from exams.identity import HubIdentity
from exams.key import form_at
from exams.listening import bound, inherited
from exams.marks import MarkStore
from exams.panel.store import PanelStore
from exams.release import CandidateResult, result
from exams.service import LOOK_S, Config, secret, serve
from exams.simulator import Simulator
from exams.sitting import SittingStore


def released(hall: Hall, exam_id: str, number: str) -> CandidateResult | None:
    """What candidate `number` may see of an exam; None before its release."""
    exam = hall.exam(exam_id)
    if exam is None:
        return None
    candidate = hall.numbers(exam).get(number)
    if candidate is None:
        return None
    return result(exam.folder, functools.partial(form_at, exam, candidate.form), number)


def main() -> None:
    """Serve at JUPYTERHUB_SERVICE_URL until told to stop."""
    try:
        home, address = Path(os.environ["XINGLIN_HOME"]), urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
        database = os.environ["XINGLIN_EXAMS_DATABASE"]
    except KeyError as missing:
        raise SystemExit(f"{missing.args[0]} is not set: the exam service is started by `xinglin serve`.") from missing
    listener = inherited(os.environ) or bound(address.hostname or "127.0.0.1", address.port or 0)
    hall = Hall(home / "exams", LOOK_S)
    try:
        with served(database):
            config = Config(
                hall=hall,
                store=SittingStore(database),
                marks=MarkStore(database),
                identity=HubIdentity(),
                cookie_secret=secret(home / "secrets" / "exams-cookie"),
                acts=errands(sys.argv[1:], home),
                result=functools.partial(released, hall),
                series=CaseStore(home / "cases").open,
                simulate=Simulator([*sys.argv[1:], "simulate"]),
                banks=Banks(home / BANKS),
                panel=PanelStore(database),
            )
            serve(config, listener)
    except DatabaseError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
