"""The database of the exams: SQLite that has data on disk before a commit returns, or PostgreSQL by its address."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from exams.lock import HeldError, held

DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+pg8000"}
WRITER = 0x0A9121C07  # any number that no other program takes in the same database
"""PostgreSQL's advisory lock of the one who writes: the audit log is a chain, so two can only write in turn."""

LONGEST_IDLE_S = 10
"""Whoever hangs in the middle of writing must not keep the others from it for ever. Reading may take its time."""


class DatabaseError(Exception):
    """Why a database cannot be used, in one sentence that holds no password."""


def address_of(url: str) -> sa.URL:
    """The SQLAlchemy address `url`, with the driver that we use. Raises DatabaseError where it is none of ours."""
    wanted = "it is postgresql://USER:PASSWORD@HOST/NAME, or sqlite:///PATH"
    try:
        address = sa.make_url(url)
        driver = DRIVERS[address.get_backend_name()]
    except (sa.exc.ArgumentError, ValueError, KeyError) as error:  # the text may hold a password: it is not repeated
        raise DatabaseError(f"The address of the exams' database cannot be read: {wanted}.") from error
    if address.drivername not in {driver, driver.partition("+")[0]}:
        raise DatabaseError(f"The address of the exams' database names a driver that is not installed: {wanted}.")
    return address.set(drivername=driver)


def connect(url: str, metadata: sa.MetaData) -> sa.Engine:
    """An engine for `url` with the tables of `metadata` in place.

    A transaction starts as a writer when its connection was opened with `writing=True` in its execution options, so two
    writers, of this process or of others, wait for each other in place of failing halfway. Raises DatabaseError.
    """
    address = address_of(url)
    engine = _sqlite(address) if address.get_backend_name() == "sqlite" else _postgresql(address)
    try:
        with engine.connect().execution_options(writing=True) as connection, connection.begin():
            metadata.create_all(connection)
    except sa.exc.DBAPIError as error:
        engine.dispose()
        raise DatabaseError(
            f"The exams' database {address.render_as_string()} cannot be used ({_reason(error)}): "
            "is it there, is it running, and may this user write in it?"
        ) from error
    return engine


@contextmanager
def served(url: str) -> Iterator[None]:
    """While this process serves the exams of the database at `url`. On SQLite only one at a time may.

    Raises DatabaseError where another does. The lock goes with the process, however it ends.
    """
    address = address_of(url)
    if address.get_backend_name() != "sqlite":
        yield
        return
    try:
        with held(Path(f"{address.database}.lock")):
            yield
    except HeldError as error:
        raise DatabaseError(
            f"Another process serves the exams in {address.database}: stop it, or let several share PostgreSQL."
        ) from error


def _reason(error: sa.exc.DBAPIError) -> str:
    """What the driver says, as one line."""
    said = error.orig.args[0] if error.orig is not None and error.orig.args else error.orig
    return " ".join(str(said["M"] if isinstance(said, dict) and "M" in said else said).split())


def _sqlite(address: sa.URL) -> sa.Engine:
    if address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = sa.create_engine(address)
    sa.event.listen(engine, "connect", _durable_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _durable_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # the driver must not start transactions of its own: `_begin_sqlite` does
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA busy_timeout=10000")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _postgresql(address: sa.URL) -> sa.Engine:
    engine = sa.create_engine(address, pool_pre_ping=True)
    # many rows in one statement: this driver would send each by itself and wait for the answer
    engine.dialect.use_insertmanyvalues_wo_returning = True
    sa.event.listen(engine, "connect", _durable_postgresql)
    sa.event.listen(engine, "begin", _begin_postgresql)
    return engine


def _durable_postgresql(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.close()
    connection.commit()


def _begin_postgresql(connection: sa.Connection) -> None:
    if connection.get_execution_options().get("writing", False):
        connection.exec_driver_sql(
            f"SELECT set_config('idle_in_transaction_session_timeout', '{LONGEST_IDLE_S}s', true), "
            f"pg_advisory_xact_lock({WRITER})"
        )
