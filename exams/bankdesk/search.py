"""Searching a bank: which records fit, and how many fit each value of each filter. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from exams.bankdesk.banks import Record

PAGE = 50
"""Records on a page of the list."""


@dataclass(frozen=True)
class Query:
    """What is looked for; "" is anything. Every word of `text` must stand in the item, in whatever order."""

    text: str = ""
    type: str = ""
    topic: str = ""
    level: str = ""
    state: str = ""


FILTERS = tuple(field.name for field in fields(Query) if field.name != "text")


def found(records: Iterable[Record], query: Query) -> list[Record]:
    """The records that fit, in order."""
    wanted = {name: value for name in FILTERS if (value := getattr(query, name))}
    return [
        record
        for record in records_with(records, query.text)
        if all(_value(record, name) == value for name, value in wanted.items())
    ]


def counts(records: Iterable[Record], query: Query) -> dict[str, dict[str, int]]:
    """{filter: {value: records}}, over those that fit all but this one filter: what choosing the value would show."""
    counted: dict[str, Counter[str]] = {name: Counter() for name in FILTERS}
    wanted = {name: value for name in FILTERS if (value := getattr(query, name))}
    for record in records_with(records, query.text):
        missed = [name for name, value in wanted.items() if _value(record, name) != value]
        for name in FILTERS if not missed else missed if len(missed) == 1 else ():
            counted[name][_value(record, name)] += 1
    return {name: dict(counter) for name, counter in counted.items()}


def records_with(records: Iterable[Record], text: str) -> list[Record]:
    """The records in which every word of `text` stands."""
    words = text.casefold().split()
    return [record for record in records if all(word in record.text for word in words)]


def _value(record: Record, name: str) -> str:
    return str(record.state) if name == "state" else str(getattr(record.item, name))


def query_of(arguments: Mapping[str, str]) -> Query:
    """The query that an address asks; names it does not know are left alone."""
    return Query(**{name: arguments.get(name, "").strip() for name in ("text", *FILTERS)})
