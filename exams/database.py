"""The database of the exams: SQLite that has data on disk before a commit returns, or PostgreSQL by its address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa


def connect(url: str, metadata: sa.MetaData) -> sa.Engine:
    """An engine for `url` with the tables of `metadata` in place.

    On SQLite a transaction starts as a writer when its connection was opened with `writing=True` in its execution
    options, so two writers wait for each other in place of failing halfway.
    """
    engine = sa.create_engine(url)
    if engine.dialect.name == "sqlite":
        if engine.url.database:
            Path(engine.url.database).parent.mkdir(parents=True, exist_ok=True)
        sa.event.listen(engine, "connect", _durable)
        sa.event.listen(engine, "begin", _begin)
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        metadata.create_all(connection)
    return engine


def _durable(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not start transactions of its own: `_begin` does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _begin(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
