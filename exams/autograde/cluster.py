"""The setting that says where code is marked: on this machine, or by the workers of a Dask scheduler.

Dask's messages are pickles: whoever reaches the port of a scheduler or a worker runs programs there as the platform
does. So without TLS only addresses are taken that the internet does not reach.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Cluster:
    """scheduler: `tcp://` or `tls://` with host and port, "" for this machine alone; tls_*: files of certificates."""

    scheduler: str = ""
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""

    @property
    def host(self) -> str:
        """Of the scheduler."""
        return urlsplit(self.scheduler).hostname or ""

    @property
    def port(self) -> int:
        """Of the scheduler."""
        return urlsplit(self.scheduler).port or 0

    @property
    def secure(self) -> bool:
        """Whether both ends of a connection show certificates."""
        return self.scheduler.startswith("tls://")

    @property
    def problem(self) -> str:
        """Why it cannot be used, "" where it can."""
        if not self.scheduler:
            return ""
        address = f"scheduler must be such as tcp://10.0.0.5:8786 or tls://mark.example:8786, not {self.scheduler!r}."
        try:
            parts = urlsplit(self.scheduler)
            if parts.scheme not in ("tcp", "tls") or not parts.hostname or not parts.port or parts.path:
                return address
        except ValueError:  # a port that is no number, or brackets that do not close
            return address
        if self.secure:
            missing = [name for name in ("tls_ca", "tls_cert", "tls_key") if not getattr(self, name)]
            return f"{missing[0]} must name a file, since the scheduler is at a tls:// address." if missing else ""
        if not _is_inside(parts.hostname):
            return f"scheduler may be {self.scheduler} only as tls://, since it is no private or loopback IP address."
        return ""


def _is_inside(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        found = ipaddress.ip_address(host)
    except ValueError:  # a name may come to stand for any machine
        return False
    return (found.is_private or found.is_loopback) and not found.is_unspecified


HERE = Cluster()
"""This machine alone."""
