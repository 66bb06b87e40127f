"""A home with the demo in it: seeded once a run, which takes ten seconds, and copied for each platform."""

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

from exams import gradebook
from tests.support.platform import ROOT


def template(shared: Path) -> Path:
    """The seeded home in the folder `shared` of all workers; the first who asks makes it."""
    home = shared / "demo-home"
    with (shared / "demo-home.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not home.exists():
            draft = shared / "demo-home.draft"
            seed = [sys.executable, "-m", "hub.cli", "demo", "seed"]
            environment = {**os.environ, "XINGLIN_HOME": str(draft)}
            subprocess.run(seed, cwd=ROOT, env=environment, check=True, capture_output=True)
            draft.rename(home)
    return home


def copied(home: Path, to: Path) -> Path:
    """A copy at `to`, which may exist; its course roots know where they are."""
    shutil.copytree(home, to, dirs_exist_ok=True)
    for course in (to / "nbgrader").iterdir():
        gradebook.prepare(course, to)
    return to
