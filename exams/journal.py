"""Group commit: one thread writes, many wait; whoever is told "done" is on disk.

A disk can make only so many commits durable a second, but a commit takes hundreds of changes as fast as one. So changes
queue up while the disk is busy with the batch before, and the next batch takes all of them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

import sqlalchemy as sa

BATCH = 1000
"""Changes in one transaction: at 0.1 ms each, what is behind them waits no more than 100 ms."""

GATHER_S = 0.005
"""Where one change has company, more are on their way: they are given so long to join. A transaction of few costs
almost as much as one of many, and without this a busy hour would spend its processor on transactions of two."""

TROUBLE = (sa.exc.OperationalError, sa.exc.InterfaceError)
"""The disk, the database or the way to it, and not a change."""

Change = TypeVar("Change")
Outcome = object
"""What a change came to: a value, or an exception which is then raised for the one who asked."""


class Journal(Generic[Change]):
    """The single writer of a database.

    `apply(connection, changes)` writes a batch within one transaction and returns one outcome a change, in order. If it
    raises, nothing of the batch is kept; then each change is tried by itself, unless the database is the trouble, and
    whoever asked for one that fails gets its error.
    """

    def __init__(
        self, engine: sa.Engine, apply: Callable[[sa.Connection, Sequence[Change]], Sequence[Outcome]]
    ) -> None:
        self._engine = engine
        self._apply = apply
        self._queue: queue.SimpleQueue[tuple[Change, Future[object]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self._thread.start()

    def submit(self, change: Change) -> Future[object]:
        """Ask for `change`; the future is done when it is on disk."""
        future: Future[object] = Future()
        self._queue.put((change, future))
        return future

    def close(self) -> None:
        """Write what was asked for, then stop."""
        self._queue.put(None)
        self._thread.join()

    def _batch(self) -> tuple[list[tuple[Change, Future[object]]], bool]:
        """The changes that wait now, at least one; and whether more can follow."""
        batch: list[tuple[Change, Future[object]]] = []
        entry = self._queue.get()
        if not self._queue.empty():
            time.sleep(GATHER_S)
        while entry is not None:
            batch.append(entry)
            if len(batch) == BATCH or self._queue.empty():
                return batch, True
            entry = self._queue.get()
        return batch, False

    def _write(self) -> None:
        with self._engine.connect().execution_options(writing=True) as connection:
            more = True
            while more:
                batch, more = self._batch()
                if batch:
                    self._commit(connection, batch)

    def _commit(self, connection: sa.Connection, batch: list[tuple[Change, Future[object]]]) -> None:
        batch = [(change, future) for change, future in batch if future.set_running_or_notify_cancel()]
        try:
            self._apply_all(connection, batch)
        except TROUBLE as error:
            for _, future in batch:
                future.set_exception(error)
        except Exception:
            self._commit_each(connection, batch)

    def _commit_each(self, connection: sa.Connection, batch: list[tuple[Change, Future[object]]]) -> None:
        """Each change by itself: one that cannot be written must not cost the others theirs."""
        trouble: Exception | None = None
        for change, future in batch:
            try:
                if trouble is not None:
                    raise trouble
                self._apply_all(connection, [(change, future)])
            except TROUBLE as error:
                trouble = error
                future.set_exception(error)
            except Exception as error:
                future.set_exception(error)

    def _apply_all(self, connection: sa.Connection, batch: list[tuple[Change, Future[object]]]) -> None:
        with connection.begin():
            outcomes = self._apply(connection, [change for change, _ in batch])
        for (_, future), outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
