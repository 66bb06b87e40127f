"""Errands: what a group lead asks of the exam room's desk, done by the `xinglin` command in a process of its own.

So the exam service needs neither nbgrader nor its memory, and a long marking does not slow the candidates down.
"""

from __future__ import annotations

import functools
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

ACTS = ("close", "collect", "mark", "release")
LONGEST_S = 1800


def errands(command: Sequence[str], home: Path, language: str) -> dict[str, Callable[[str, str], str]]:
    """The acts by name, each `act(exam id, hub user) -> sentence`; what went wrong is a sentence too.

    command: how to call `xinglin`, as [sys.executable, "-m", "hub.cli"]; home: $XINGLIN_HOME; language: zh or en.
    """
    environment = {**os.environ, "XINGLIN_HOME": str(home)}
    return {act: functools.partial(_run, [*command, "exam", act, "--language", language], environment) for act in ACTS}


def _run(command: Sequence[str], environment: Mapping[str, str], exam: str, user: str) -> str:
    done = subprocess.run(
        [*command, "--by", user, "--", exam], env=environment, capture_output=True, text=True, timeout=LONGEST_S
    )
    lines = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return lines[-1].removeprefix("Error: ") if lines else f"exit code {done.returncode}"
