"""The plan of one run: which port each part listens on and which token each service shows the hub.

Made once at the start and handed to every part, so that a part that is started again finds the others where they were.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hub.secrets import token

LOOPBACK = "127.0.0.1"
VARIABLE = "XINGLIN_PLAN"
LISTENERS = ("hub", "proxy-api", "apps", "exams", "formgrader")
TOKENS = ("proxy", "apps", "exams", "formgrader", "idle-culler")


@dataclass(frozen=True)
class Plan:
    """Ports by listener, tokens by holder."""

    ports: dict[str, int]
    tokens: dict[str, str]

    def url(self, listener: str) -> str:
        """The loopback address of `listener`."""
        return f"http://{LOOPBACK}:{self.ports[listener]}"

    def dumps(self) -> str:
        """For the environment of the hub, the one part that needs all of it."""
        return json.dumps(asdict(self))


def make_plan(secrets_folder: Path) -> Plan:
    """A plan with free ports and the installation's tokens."""
    sockets = [socket.create_server((LOOPBACK, 0)) for _ in LISTENERS]
    ports = {name: bound.getsockname()[1] for name, bound in zip(LISTENERS, sockets, strict=True)}
    for bound in sockets:
        bound.close()
    return Plan(ports, {name: token(secrets_folder, f"{name}.token") for name in TOKENS})


def plan_from(environment: Mapping[str, str]) -> Plan:
    """The plan that `Plan.dumps` wrote into the environment."""
    return Plan(**json.loads(environment[VARIABLE]))
