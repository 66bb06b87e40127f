"""The wire between a server and a parent of kernels: JSON messages with file descriptors.

A pair of connected sequenced-packet sockets without a name: nobody else can connect, and each end sees when the other
is gone, by kill -9 too.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Sequence
from typing import Any

LONGEST = 190_000
"""Bytes of a message. Linux takes 208 KiB into a socket's buffer by default, and a packet must fit as a whole."""
MOST_DESCRIPTORS = 8

Message = dict[str, Any]


class MessageTooLongError(ValueError):
    """The message does not fit a packet; an environment of such a size goes the stock way."""


def pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, LONGEST)
    return ends


def send(end: socket.socket, message: Message, descriptors: Sequence[int] = ()) -> None:
    """Send one message. Raises MessageTooLongError, or OSError where the other end is gone."""
    data = json.dumps(message).encode()
    if len(data) > LONGEST:
        raise MessageTooLongError(f"A message of {len(data)} bytes does not fit; {LONGEST} are allowed.")
    socket.send_fds(end, [data], descriptors)


def receive(end: socket.socket) -> tuple[Message, list[int]] | None:
    """The next message and its descriptors, which are the caller's to close; None where the other end is gone."""
    try:
        data, descriptors, _flags, _address = socket.recv_fds(end, LONGEST, MOST_DESCRIPTORS)
    except ConnectionResetError:  # it left with something of ours unread; what it said before is still to be had
        data, descriptors, _flags, _address = socket.recv_fds(end, LONGEST, MOST_DESCRIPTORS)
    return (json.loads(data), descriptors) if data else None
