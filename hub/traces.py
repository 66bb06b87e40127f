"""Traces: what a student did, as xAPI-shaped statements in one append-only table.

A statement is actor, verb, object, result, time (xAPI 1.0.3, part 2). Triggers refuse to change, replace or delete a
row.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from hub.state import METADATA

ANSWERED = "http://adlnet.gov/expapi/verbs/answered"
OPENED = "http://adlnet.gov/expapi/verbs/launched"
RESPONSE_LIMIT = 4000
"""Characters of a stored response; a lab's answer is a number or a measurement, not a file."""

TRACES = sa.Table(
    "traces",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("time", sa.String(32), nullable=False),
    sa.Column("actor", sa.String(64), nullable=False, index=True),
    sa.Column("verb", sa.String(64), nullable=False),
    sa.Column("object", sa.Text, nullable=False, index=True),
    sa.Column("success", sa.Boolean),
    sa.Column("response", sa.Text),
)
REFUSED = {
    "update": "BEFORE UPDATE ON traces",
    "delete": "BEFORE DELETE ON traces",
    # INSERT OR REPLACE takes a row away without firing a DELETE trigger
    "replace": "BEFORE INSERT ON traces WHEN EXISTS (SELECT 1 FROM traces WHERE id = NEW.id)",
}
for change, event in REFUSED.items():
    sa.event.listen(
        TRACES,
        "after_create",
        sa.DDL(
            f"CREATE TRIGGER traces_no_{change} {event} BEGIN SELECT RAISE(ABORT, 'traces are append-only'); END"
        ).execute_if(dialect="sqlite"),
    )


@dataclass(frozen=True)
class Statement:
    """One trace: `target`, xAPI's object, is `lab` or `lab#task`."""

    actor: str
    verb: str
    target: str
    success: bool | None = None
    response: object = None

    def xapi(self, time: dt.datetime) -> dict[str, object]:
        """The statement in xAPI's shape."""
        statement: dict[str, object] = {
            "actor": {"account": {"homePage": "urn:xinglin", "name": self.actor}},
            "verb": {"id": self.verb},
            "object": {"id": f"urn:xinglin:{self.target}"},
            "timestamp": time.isoformat(),
        }
        if self.success is not None:
            statement["result"] = {"success": self.success, "response": _response(self.response)}
        return statement


def _response(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


class Traces:
    """The table of traces."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, statement: Statement, now: dt.datetime) -> None:
        """Append a statement. Raises ValueError where its response is longer than RESPONSE_LIMIT."""
        response = _response(statement.response)
        if len(response) > RESPONSE_LIMIT:
            raise ValueError(f"The response has {len(response)} characters; {RESPONSE_LIMIT} are allowed.")
        row = {
            "time": now.astimezone(dt.UTC).isoformat(timespec="milliseconds"),
            "actor": statement.actor,
            "verb": statement.verb,
            "object": statement.target,
            "success": statement.success,
            "response": response,
        }
        with self._engine.begin() as connection:
            connection.execute(sa.insert(TRACES), row)

    def statements(self, actor: str) -> list[dict[str, object]]:
        """Everything an actor did, oldest first, in xAPI's shape."""
        with self._engine.connect() as connection:
            rows = connection.execute(sa.select(TRACES).where(TRACES.c.actor == actor).order_by(TRACES.c.id)).all()
        return [
            Statement(row.actor, row.verb, row.object, row.success, json.loads(row.response)).xapi(
                dt.datetime.fromisoformat(row.time)
            )
            for row in rows
        ]

    def done(self, actors: Iterable[str]) -> dict[str, set[str]]:
        """For each actor the tasks (`lab#task`) answered rightly at least once."""
        result: dict[str, set[str]] = {actor: set() for actor in actors}
        query = sa.select(TRACES.c.actor, TRACES.c.object).distinct()
        query = query.where(TRACES.c.verb == ANSWERED, TRACES.c.success, TRACES.c.actor.in_(list(result)))
        with self._engine.connect() as connection:
            for actor, task in connection.execute(query):
                result[actor].add(task)
        return result
