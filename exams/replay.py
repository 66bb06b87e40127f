"""Whether the sittings, attendance and responses in the database are those that the audit log tells of, told anew."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from exams import audit
from exams.attendance import NOTHING, STEPS, Attendance, Key, after, attendance, attendance_of
from exams.sitting_changes import digest
from exams.sitting_tables import responses, sittings

KEPT = ("form", "seed", "started_ms", "minutes", "closes_ms", "extra_minutes", "credit_s", "seat", "submitted_ms")
"""What the log tells of a sitting."""


@dataclass(frozen=True)
class Break:
    """The first entry that does not hold, and why; entry 0 where it is what no entry tells of."""

    entry: int
    why: str


def verify(connection: sa.Connection) -> Break | None:
    """The first audit entry that does not fit its seal, its responses, sittings or attendance; None: all fit."""
    entries = list(audit.entries(connection))
    if (altered := audit.broken(entries)) is not None:
        return Break(altered, "it is not what was written, or it is missing")
    return (
        _other_responses(connection, entries)
        or _other_sittings(connection, entries)
        or _other_attendance(connection, entries)
    )


def _other_responses(connection: sa.Connection, entries: Iterable[audit.Entry]) -> Break | None:
    rows = connection.execute(sa.select(responses).order_by(responses.c.entry)).mappings()
    kept = {number: [dict(row) for row in own] for number, own in itertools.groupby(rows, lambda row: row["entry"])}
    for entry in entries:
        if entry.act == "saved":
            own = kept.pop(entry.id, [])
            if entry.detail["responses"] != len(own) or entry.detail["digest"] != digest(own):
                return Break(entry.id, "the responses that it saved are not those in the database")
    return Break(min(kept), "responses name it that it did not save") if kept else None


def _other_sittings(connection: sa.Connection, entries: Iterable[audit.Entry]) -> Break | None:
    told = retold(entries)
    found = {(row["exam"], row["number"]): dict(row) for row in connection.execute(sa.select(sittings)).mappings()}
    for key in sorted(told.keys() | found.keys()):
        last, expected = told.get(key, (0, None))
        actual = found.get(key)
        if expected is None or actual is None:
            return Break(last, f"the sitting of candidate {key[1]} is {'missing' if expected else 'not told of'}")
        for name in KEPT:
            if actual[name] != expected[name]:
                return Break(last, f"the sitting of candidate {key[1]} has another {name} than it tells")
    return None


def _other_attendance(connection: sa.Connection, entries: Iterable[audit.Entry]) -> Break | None:
    told: dict[Key, tuple[int, Attendance]] = {}
    for entry in entries:
        if entry.act in STEPS:
            key = (entry.exam, str(entry.detail["number"]))
            before = told.get(key, (0, NOTHING))[1]
            told[key] = (entry.id, after(before, entry.act, entry.at_ms, entry.detail))
    rows = connection.execute(sa.select(attendance))
    found = {(row.exam, row.number): attendance_of(row) for row in rows}
    for key in sorted(told.keys() | found.keys()):
        last, expected = told.get(key, (0, NOTHING))
        actual = found.get(key, NOTHING)
        for name, value in vars(expected).items():
            if getattr(actual, name) != value:
                return Break(last, f"the attendance of candidate {key[1]} has another {name} than it tells")
    return None


def retold(entries: Iterable[audit.Entry]) -> dict[tuple[str, str], tuple[int, dict[str, Any]]]:
    """What each sitting must be, by exam and candidate number, with the last entry that changed it."""
    told: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
    for entry in entries:
        detail: Any = entry.detail
        if entry.act == "opened":
            row = {"form": detail["form"], "seed": detail["seed"], "started_ms": entry.at_ms, "submitted_ms": None}
            told[entry.exam, detail["number"]] = (entry.id, row | detail["allowance"] | {"seat": detail["seat"]})
        elif entry.act in {"entered", "submitted", "forced"}:
            change = {"seat": detail["seat"]} if entry.act == "entered" else {"submitted_ms": entry.at_ms}
            key = (entry.exam, detail["number"])
            told[key] = (entry.id, told[key][1] | change)
        elif entry.act in {"resumed", "extended"} and (key := (entry.exam, detail["number"])) in told:
            name, more = ("credit_s", "seconds") if entry.act == "resumed" else ("extra_minutes", "minutes")
            _last, row = told[key]
            told[key] = (entry.id, row | {name: row[name] + detail[more]})
        elif entry.act == "credited":
            for (exam, number), (_last, row) in list(told.items()):
                if exam == entry.exam and row["submitted_ms"] is None and detail["number"] in {None, number}:
                    told[exam, number] = (entry.id, row | {"credit_s": row["credit_s"] + detail["seconds"]})
    return told
