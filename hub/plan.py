"""The plan of one run: which port each part listens on and which token each service shows the hub.

Made once at the start and handed to every part, so that a part that is started again finds the others where they were.
"""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hub.secrets import token

LOOPBACK = "127.0.0.1"
VARIABLE = "XINGLIN_PLAN"
LISTENERS = ("hub", "proxy-api", "apps", "exams", "formgrader")
PORTS = range(20000, 32768)
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


def free_ports(number: int) -> list[int]:
    """`number` ports of the loopback that nobody listens on, from PORTS.

    Not from the range out of which systems take the local ends of outgoing connections (Linux from 32768, others from
    49152): a part started again would now and then find its port taken by somebody's connection.
    """
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        try:
            socket.create_server((LOOPBACK, port)).close()
        except OSError:
            continue
        found.append(port)
        if len(found) == number:
            return found
    raise OSError(f"No {number} ports between {PORTS.start} and {PORTS.stop} are free.")


def make_plan(secrets_folder: Path) -> Plan:
    """A plan with free ports and the installation's tokens."""
    ports = dict(zip(LISTENERS, free_ports(len(LISTENERS)), strict=True))
    return Plan(ports, {name: token(secrets_folder, f"{name}.token") for name in TOKENS})


def plan_from(environment: Mapping[str, str]) -> Plan:
    """The plan that `Plan.dumps` wrote into the environment."""
    return Plan(**json.loads(environment[VARIABLE]))
