"""The platform's own database: one SQLAlchemy engine over SQLite (WAL, synchronous=FULL) or PostgreSQL by URL."""

from __future__ import annotations

import functools
from typing import Any

import sqlalchemy as sa

METADATA = sa.MetaData()


@functools.cache
def engine(url: str) -> sa.Engine:
    """The engine of `url`, its tables created where they are missing; one a process."""
    made = sa.create_engine(url)
    if made.dialect.name == "sqlite":
        sa.event.listen(made, "connect", _durable)
    METADATA.create_all(made)
    return made


def _durable(connection: Any, _record: Any) -> None:
    """A commit is on disk when it returns, and readers never wait for a writer."""
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA busy_timeout=10000")
