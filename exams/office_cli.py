"""The office of the exams for the commands: over the platform's response store, its refusals as one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import click

from exams.autograde.cluster import Cluster
from exams.database import DatabaseError
from exams.sitting import SittingStore

if TYPE_CHECKING:
    from exams.office import Office


class Settings(Protocol):
    """What the commands need of the platform's settings."""

    @property
    def home(self) -> Path:
        """$XINGLIN_HOME, where state lives."""

    @property
    def exams_database_url(self) -> str:
        """The database of the exams."""

    @property
    def marking(self) -> Cluster:
        """Where code is marked."""


@contextmanager
def office(settings: Settings, language: str = "en") -> Iterator[tuple[Office, SittingStore]]:
    """The office over the platform's response store."""
    # nbgrader takes seconds to import, and every `xinglin` command imports this module
    from exams.gradebook import GradebookError
    from exams.office import Office, OfficeError

    (settings.home / "exams").mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        store = SittingStore(settings.exams_database_url)
    except DatabaseError as error:
        raise click.ClickException(str(error)) from error
    try:
        desk = Office(settings.home, store, language=language)
        try:
            yield desk, store
        except OfficeError as error:
            raise click.ClickException(desk.say(error.text, **error.values)) from error
        except GradebookError as error:
            raise click.ClickException(str(error)) from error
    finally:
        store.close()
