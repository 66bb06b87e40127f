"""Errands: what a group lead asks of the exam room's desk, done by the `xinglin` command in a process of its own.

So the exam service needs neither nbgrader nor its memory, and a long marking does not slow the candidates down.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from widgets.i18n import translations


class ErrandError(Exception):
    """An errand was not done; the message is a sentence in the asker's language."""


AT_WORK = "at-work.lock"
"""Held, in the exam's folder, from before an errand until it is done."""

ACTS = ("close", "collect", "mark", "release", "sign")
LONGEST_S = 1800

Errand = Callable[[str, str, str], str]
"""`errand(exam id, hub user, language)` gives a sentence, and raises ErrandError with one where it was not done."""


def errands(command: Sequence[str], home: Path) -> dict[str, Errand]:
    """The acts by name, each `act(exam id, hub user, zh or en) -> sentence`. They raise ErrandError.

    command: how to call `xinglin`, as [sys.executable, "-m", "hub.cli"]; home: $XINGLIN_HOME.
    """
    environment = {**os.environ, "XINGLIN_HOME": str(home)}
    return {act: functools.partial(_run, [*command, "exam", act], environment) for act in ACTS}


def _run(command: Sequence[str], environment: Mapping[str, str], exam: str, user: str, language: str) -> str:
    call = [*command, "--language", language, "--by", user, "--", exam]
    try:
        done = subprocess.run(call, env=environment, capture_output=True, text=True, timeout=LONGEST_S)
    except subprocess.TimeoutExpired as error:
        said = translations("exams", language).gettext(
            "This took too long and was ended; what was done is kept. Mark to go on."
        )
        raise ErrandError(said) from error
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    sentence = lines[-1].removeprefix("Error: ") if lines else f"exit code {done.returncode}"
    if done.returncode:
        raise ErrandError(sentence)
    return sentence
