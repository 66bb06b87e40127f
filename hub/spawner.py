"""The spawner of a student's own JupyterLab: `jupyterhub-singleuser` in a sandbox with its own home."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyterhub.spawner import LocalProcessSpawner
from traitlets import Integer, Unicode

from hub.sandbox import HOME, Sandbox, limits
from hub.settings import ROOT

CONFIGS = ROOT / "configs" / "jupyterlab"
"""Jupyter's configuration there: what a student needs; no news, no updates, none of nbgrader's desks."""


class SandboxSpawner(LocalProcessSpawner):  # type: ignore[misc]
    """Starts one user's server; the account exists at the hub alone, not on the system."""

    homes = Unicode(help="The folder with one home a user.").tag(config=True)
    courses = Unicode(help="The folder of built labs, shown read-only.").tag(config=True)
    memory_mb = Integer(2048, help="Address space of each process, in MiB.").tag(config=True)
    processes = Integer(256, help="Processes and threads of one server.").tag(config=True)

    async def start(self) -> Any:
        """Start the server in its sandbox; returns (ip, port)."""
        home = Path(self.homes) / self.user.name
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        sandbox = Sandbox(
            writable={HOME: home}, readonly={"/courses": Path(self.courses), f"{sys.prefix}/etc/jupyter": CONFIGS}
        )
        singleuser = [sys.executable, "-m", "jupyterhub.singleuser"]
        self.cmd = sandbox.argv(singleuser)
        return await super().start()

    def make_preexec_fn(self, name: str) -> Callable[[], None]:  # noqa: ARG002 - the base class's signature
        """Limits instead of a change of user: the sandbox holds no other user's files."""
        return limits(self.memory_mb, self.processes)

    def user_env(self, env: dict[str, str]) -> dict[str, str]:
        """The environment inside; nothing of the hub's own gets in but what JupyterHub needs there."""
        kept = {key: value for key, value in env.items() if key.startswith("JUPYTER") or key in {"LANG", "LC_ALL"}}
        path = os.pathsep.join([str(Path(sys.prefix) / "bin"), "/usr/bin", "/bin"])
        return {**kept, "USER": "student", "HOME": HOME, "SHELL": "/bin/bash", "PATH": path}
