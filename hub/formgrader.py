"""nbgrader's formgrader as a hub service: a whole Jupyter server, so it runs in a sandbox with its course folder alone.

Terminals and kernels are off: it is there to mark, and whoever marks must not get a shell beside the gradebook.
"""

from __future__ import annotations

import sys

from hub.sandbox import Sandbox
from hub.settings import ROOT, Settings

COURSE = "/course"
CONFIG = "/config/formgrader_config.py"


def formgrader_argv(settings: Settings) -> list[str]:
    """The command of the service; its environment is a service's (see serve.py)."""
    course = settings.course_root
    course.mkdir(parents=True, exist_ok=True)
    configs = {CONFIG: ROOT / "configs" / "formgrader_config.py"}
    # not started in the course folder: Jupyter reads configuration, which is code, from where it starts
    sandbox = Sandbox(writable={COURSE: course}, readonly=configs, workdir="/tmp")  # noqa: S108 - the sandbox's own
    nbgrader = [f"--CourseDirectory.root={COURSE}", f"--CourseDirectory.course_id={settings.exams.collaboration}"]
    return sandbox.argv([sys.executable, "-m", "jupyterhub.singleuser", f"--config={CONFIG}", *nbgrader])
