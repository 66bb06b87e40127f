"""The socket that the exam service listens on: handed down by whoever keeps the service running, or one of its own.

A socket that outlives the process keeps those who knock meanwhile: while a killed process is started again nobody is
refused. And several processes may share it: each connection goes to one that is free.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

VARIABLE = "XINGLIN_EXAMS_SOCKET"
"""Names the file descriptor of the socket that was handed down."""

BACKLOG = 4096
"""Connections that wait to be taken; Linux allows no more by itself (net.core.somaxconn). Beyond it a connection is
tried again by the client's system after one second, then after three: Tornado's own 128 are full in a moment when
thousands come at once."""


def bound(address: str, port: int) -> socket.socket:
    """A socket that listens on `port` of `address`. Raises OSError where it is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.create_server((address, port), family=family, backlog=BACKLOG)
    listener.setblocking(False)
    return listener


def inherited(environment: Mapping[str, str]) -> socket.socket | None:
    """The socket that was handed down, None where none was."""
    if (descriptor := environment.get(VARIABLE)) is None:
        return None
    return socket.socket(fileno=int(descriptor))
