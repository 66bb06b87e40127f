"""Settings: `configs/default.toml`, over it `$XINGLIN_HOME/xinglin.toml`, over both XINGLIN_PORT.

Frozen; whoever needs a setting is handed it. An unknown name or a wrong type is refused, with the file it stands in.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from courses.sources import is_below
from exams.autograde.cluster import Cluster
from exams.exam import DATABASE

ROOT = Path(__file__).resolve().parent.parent
DEFAULTS = ROOT / "configs" / "default.toml"
PORTS = range(1, 65536)


class SettingsError(ValueError):
    """A setting that cannot be used; the message says where it stands and what is wanted."""


@dataclass(frozen=True)
class Server:
    """Where the platform listens."""

    address: str
    port: int
    start_timeout_s: int
    time_zone: str

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.address == "localhost" or ipaddress.ip_address(self.address).is_loopback


@dataclass(frozen=True)
class Apps:
    """Limits of the labs' kernels."""

    idle_s: int
    closed_s: int
    max_kernels: int
    starts: int


@dataclass(frozen=True)
class Kernels:
    """Limits of one lab's kernel; 0 sets no limit."""

    memory_mb: int
    cpu_s: int
    processes: int
    control_groups: list[str]
    tasks: int


@dataclass(frozen=True)
class JupyterLab:
    """Limits of a student's own JupyterLab server."""

    enabled: bool
    idle_s: int
    memory_mb: int
    processes: int


@dataclass(frozen=True)
class Cases:
    """Where teachers may open image series from: below a folder, and below whole DICOMweb addresses."""

    imports: str
    dicomweb: list[str]


@dataclass(frozen=True)
class Exams:
    """The joint exams. database: address of their PostgreSQL, "" for SQLite; processes: of the exam service."""

    collaboration: str
    database: str
    processes: int


@dataclass(frozen=True)
class Settings:
    """All settings of one installation; `home` is where its state lies."""

    home: Path
    server: Server
    apps: Apps
    kernels: Kernels
    jupyterlab: JupyterLab
    cases: Cases
    exams: Exams
    marking: Cluster

    @property
    def database_url(self) -> str:
        """The platform's own tables: people and traces."""
        return f"sqlite:///{self.home / 'state.sqlite'}"

    @property
    def hub_database_url(self) -> str:
        """JupyterHub's tables and the password hashes."""
        return f"sqlite:///{self.home / 'hub.sqlite'}"

    @property
    def exams_database_url(self) -> str:
        """Sittings, responses and the audit log."""
        return self.exams.database or f"sqlite:///{self.home / 'exams' / DATABASE}"

    @property
    def course_root(self) -> Path:
        """The nbgrader course folder of the collaboration group."""
        return self.home / "nbgrader" / self.exams.collaboration


SECTIONS = {
    "server": Server,
    "apps": Apps,
    "kernels": Kernels,
    "jupyterlab": JupyterLab,
    "cases": Cases,
    "exams": Exams,
    "marking": Cluster,
}


def _read(file: Path) -> dict[str, dict[str, Any]]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file} cannot be read: {error}.") from error


def merged(
    defaults: Mapping[str, Mapping[str, Any]], overrides: Mapping[str, Mapping[str, Any]], where: str
) -> dict[str, dict[str, Any]]:
    """`defaults` with `overrides` over them; raises SettingsError for a name or type that the defaults do not have."""
    result = {section: dict(values) for section, values in defaults.items()}
    for section, values in overrides.items():
        if section not in defaults or not isinstance(values, Mapping):
            raise SettingsError(f"{where}: there is no section [{section}].")
        for name, value in values.items():
            if name not in defaults[section]:
                raise SettingsError(f"{where}: [{section}] has no setting {name}.")
            if type(value) is not type(defaults[section][name]):
                wanted = type(defaults[section][name]).__name__
                raise SettingsError(f"{where}: [{section}] {name} must be of type {wanted}.")
            if isinstance(value, list) and not all(isinstance(entry, str) for entry in value):
                raise SettingsError(f"{where}: [{section}] {name} must be a list of texts in quotes.")
            result[section][name] = value
    return result


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings in force. Raises SettingsError with one sentence where something is wrong."""
    home = Path(environment.get("XINGLIN_HOME") or ROOT / "var").expanduser().resolve()
    values, where = _read(DEFAULTS), str(DEFAULTS)
    if (own := home / "xinglin.toml").exists():
        values, where = merged(values, _read(own), str(own)), str(own)
    if port := environment.get("XINGLIN_PORT"):
        if not port.isdecimal() or int(port) not in PORTS:
            raise SettingsError(f"XINGLIN_PORT must be a port number from 1 to 65535, not {port}.")
        values["server"]["port"] = int(port)
    settings = Settings(home, **{name: kind(**values[name]) for name, kind in SECTIONS.items()})
    _check(settings.server, where)
    if settings.exams.processes < 1 or (settings.exams.processes > 1 and not settings.exams.database):
        raise SettingsError(
            f"{where}: [exams] processes must be 1 or more, and more than 1 only with PostgreSQL in [exams] database."
        )
    if settings.marking.problem:
        raise SettingsError(f"{where}: [marking] {settings.marking.problem}")
    for address in settings.cases.dicomweb:
        if not is_below(address, address):
            raise SettingsError(
                f"{where}: [cases] dicomweb must hold whole addresses such as http://127.0.0.1:8042/dicom-web, "
                f"not {address!r}."
            )
    return settings


def _check(server: Server, where: str) -> None:
    """Raise SettingsError for a value of the right type that no server can have."""
    try:
        _ = server.is_loopback
    except ValueError as error:
        raise SettingsError(f"{where}: [server] address must be an IP address or localhost: {error}.") from error
    if server.port not in PORTS:
        raise SettingsError(f"{where}: [server] port must be from 1 to 65535, not {server.port}.")
    try:
        ZoneInfo(server.time_zone)
    except (KeyError, ValueError, OSError) as error:
        raise SettingsError(
            f"{where}: [server] time_zone must be a name such as Asia/Shanghai, not {server.time_zone!r}."
        ) from error


def names() -> list[str]:
    """Every setting as `section.name`, for documentation and its test."""
    return [f"{section}.{field.name}" for section, kind in SECTIONS.items() for field in fields(kind)]
