"""nbgrader's formgrader as a hub service: a whole Jupyter server, so it runs in a sandbox with its course folder alone.

Terminals and kernels are off: it is there to mark, and whoever marks must not get a shell beside the gradebook.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from exams.exam import GRADEBOOK
from hub.sandbox import Sandbox
from hub.settings import ROOT, Settings

COURSE = "/course"
CONFIGS = ROOT / "configs" / "formgrader"
"""Jupyter's configuration there: what the server may do, and formgrader as the one extension it loads."""
INNER_CONFIGS = f"{sys.prefix}/etc/jupyter"
TEMPLATES = ROOT / "configs" / "jupyter"
JUPYTER_PATH = "/config/jupyter"
PASSED_ON = ("JUPYTERHUB_", "LANG", "LC_", "PATH")


def formgrader_environment(service: Mapping[str, str]) -> dict[str, str]:
    """What the service may know of its environment, a home to write in, and templates that ask no other host."""
    kept = {name: value for name, value in service.items() if name.startswith(PASSED_ON)}
    own = {"HOME": "/tmp", "JUPYTER_PATH": JUPYTER_PATH}  # noqa: S108 - the sandbox's own
    return kept | own | {"JUPYTERHUB_SINGLEUSER_APP": "jupyter_server.serverapp.ServerApp"}


def formgrader_argv(settings: Settings) -> list[str]:
    """The command of the service; its environment is a service's (see serve.py).

    Of the course root only the Gradebook's folder can be written. The course's nbgrader_config.py is covered: it names
    classes of the platform that are not in the sandbox.
    """
    course = settings.course_root
    if not (course / GRADEBOOK).exists():
        from exams.gradebook import prepare  # nbgrader takes a second to import

        prepare(course, settings.home)
    empty = CONFIGS / "nbgrader_config.py"
    readonly = {COURSE: course, f"{COURSE}/nbgrader_config.py": empty, INNER_CONFIGS: CONFIGS, JUPYTER_PATH: TEMPLATES}
    folder = Path(GRADEBOOK).parent
    writable = {f"{COURSE}/{folder}": course / folder}
    # not started in the course folder: Jupyter reads configuration from where it starts
    sandbox = Sandbox(writable, readonly, workdir="/tmp")  # noqa: S108 - the sandbox's own
    nbgrader = [f"--CourseDirectory.course_id={settings.exams.collaboration}"]
    return sandbox.argv([sys.executable, "-m", "jupyterhub.singleuser", *nbgrader])
