"""What is read of the panel: by markers, by the group lead, and by the office."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from exams import audit
from exams.panel.changes import recent, told
from exams.panel.claiming import elsewhere, line
from exams.panel.rules import Kind, Marker, State, final
from exams.panel.tables import answers, came, counting, handed_on, marks, scripts


@dataclass(frozen=True)
class Asked:
    """An item for a marker. left: answers they can mark; disputes: they can decide; own: they have marked."""

    item: str
    left: int
    disputes: int
    own: int


def questions(connection: sa.Connection, exam: str, marker: Marker, now_ms: int) -> list[Asked]:
    """The items of an exam in the order of their ids, as `marker` finds them."""

    def count(chosen: sa.Select[Any]) -> dict[str, int]:
        return {row.item: row.n for row in connection.execute(chosen.group_by(answers.c.item))}

    own_columns = (answers.c.item, sa.func.count().label("n"))
    every = count(sa.select(*own_columns).where(answers.c.exam == exam, answers.c.state != State.WITHDRAWN))
    left = count(line(exam, marker, now_ms, False, *own_columns)) if marker.marks else {}
    disputed = count(line(exam, marker, now_ms, True, *own_columns)) if marker.adjudicates else {}
    mine = (answers.c.exam == exam, marks.c.marker == marker.user, marks.c.kind != Kind.STANDARD)
    own = count(sa.select(*own_columns).join(marks, counting(marks)).where(*mine))
    return [Asked(item, left.get(item, 0), disputed.get(item, 0), own.get(item, 0)) for item in sorted(every)]


def left(connection: sa.Connection, exam: str, item: str, marker: Marker, disputes: bool, now_ms: int) -> int:
    """How many answers of an item there are for `marker`."""
    chosen = line(exam, marker, now_ms, disputes, sa.func.count()).where(answers.c.item == item)
    return connection.scalar(chosen) or 0


@dataclass(frozen=True)
class Own:
    """An answer that its marker has marked, and how."""

    code: str
    edition: int
    text: str
    points: tuple[float, ...]
    comment: str


def own(connection: sa.Connection, exam: str, item: str, marker: Marker) -> list[Own]:
    """The last that `marker` marked of an item, the newest first; not what turned out to be of their own school."""
    ids = recent(connection, exam, item, marker.user)
    query = sa.select(answers, marks.c.points, marks.c.comment).join(marks, counting(marks))
    rows = connection.execute(query.where(answers.c.id.in_(ids), marks.c.marker == marker.user, elsewhere(marker)))
    found = {row.id: Own(row.code, row.edition, row.text, tuple(row.points), row.comment) for row in rows}
    return [found[one] for one in ids if one in found]


@dataclass(frozen=True)
class Count:
    """How far an item is: answers without a mark, with some, disputed, done, and of these check scripts."""

    item: str
    total: int
    unmarked: int
    partly: int
    disputed: int
    done: int
    checks: int


def counts(connection: sa.Connection, exam: str) -> list[Count]:
    """The items of an exam by their ids."""
    standards = sa.select(marks.c.answer).join(answers, counting(marks)).where(marks.c.kind == Kind.STANDARD)
    marked, standard = (answers.c.given > 0).label("marked"), answers.c.id.in_(standards).label("standard")
    query = (
        sa.select(answers.c.item, answers.c.state, marked, standard, sa.func.count().label("n"))
        .where(answers.c.exam == exam, answers.c.state != State.WITHDRAWN)
        .group_by(answers.c.item, answers.c.state, "marked", "standard")
    )
    found: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(NAMES, 0))
    for row in connection.execute(query):
        here = found[row.item]
        here["total"] += row.n
        here["checks"] += row.n if row.standard else 0
        name = ("partly" if row.marked else "unmarked") if row.state == State.OPEN else row.state
        here[name] += row.n
    return [Count(item, **found[item]) for item in sorted(found)]


NAMES = ("total", "unmarked", "partly", "disputed", "done", "checks")


@dataclass(frozen=True)
class Dispute:
    """An answer that waits for an adjudicator.

    marks: (marker, total) of each; handed_on: (marker, reason, note) of those who did.
    """

    item: str
    code: str
    marks: tuple[tuple[str, float], ...]
    handed_on: tuple[tuple[str, str, str], ...]


def disputes(connection: sa.Connection, exam: str) -> list[Dispute]:
    """All of an exam, by item and place."""
    here = (answers.c.exam == exam, answers.c.state == State.DISPUTED)
    given: dict[int, list[tuple[str, float]]] = defaultdict(list)
    for row in connection.execute(sa.select(marks).join(answers, counting(marks)).where(*here)):
        given[row.answer].append((row.marker, row.total))
    said: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    for row in connection.execute(sa.select(handed_on).join(answers, counting(handed_on)).where(*here)):
        said[row.answer].append((row.marker, row.reason, row.note))
    rows = connection.execute(sa.select(answers).where(*here).order_by(answers.c.item, answers.c.place))
    return [Dispute(row.item, row.code, tuple(given[row.id]), tuple(said[row.id])) for row in rows]


@dataclass(frozen=True)
class Sheet:
    """An answer for the lead to choose. standard: the lead's points and comment, None where it is no check script."""

    code: str
    edition: int
    text: str
    standard: tuple[tuple[float, ...], str] | None


def sheets(connection: sa.Connection, exam: str, item: str, wanted: int) -> list[Sheet]:
    """The check scripts of an item, then `wanted` of those that are not done, the last in line first."""
    here = (answers.c.exam == exam, answers.c.item == item)
    query = sa.select(answers, marks.c.points, marks.c.comment).join(marks, counting(marks))
    chosen = connection.execute(query.where(*here, marks.c.kind == Kind.STANDARD, answers.c.state != State.WITHDRAWN))
    found = [Sheet(row.code, row.edition, row.text, (tuple(row.points), row.comment)) for row in chosen]
    others = sa.select(answers).where(*here, answers.c.state.in_([State.OPEN, State.DISPUTED]))
    rows = connection.execute(others.order_by(answers.c.place.desc()).limit(wanted))
    return [*found, *(Sheet(row.code, row.edition, row.text, None) for row in rows)]


@dataclass(frozen=True)
class Rating:
    """A mark that holds: of which answer (its code), by whom, what for; points of `total`; seconds it took."""

    answer: str
    item: str
    marker: str
    kind: Kind
    total: float
    seconds: float
    at_ms: int


def ratings(connection: sa.Connection, exam: str) -> list[Rating]:
    """All of an exam, in the order in which they were given."""
    query = (
        sa.select(marks, answers.c.code, answers.c.item)
        .join(answers, counting(marks))
        .where(answers.c.exam == exam, answers.c.state != State.WITHDRAWN)
        .order_by(marks.c.id)
    )
    return [
        Rating(row.code, row.item, row.marker, Kind(row.kind), row.total, row.seconds, row.at_ms)
        for row in connection.execute(query)
    ]


@dataclass(frozen=True)
class Passing:
    """An answer that `marker` handed on."""

    item: str
    marker: str
    reason: str


def passings(connection: sa.Connection, exam: str) -> list[Passing]:
    """All of an exam."""
    query = sa.select(handed_on, answers.c.item).join(answers, counting(handed_on)).where(answers.c.exam == exam)
    return [Passing(row.item, row.marker, row.reason) for row in connection.execute(query)]


def schools(connection: sa.Connection, exam: str) -> dict[str, frozenset[str]]:
    """The schools that each marker came with who has asked for answers of an exam."""
    rows = connection.execute(sa.select(came).where(came.c.exam == exam))
    return {row.marker: frozenset(row.schools) for row in rows}


def stuck(connection: sa.Connection, exam: str, markers: Collection[str]) -> int:
    """How many answers need more marks than there are `markers` left to give them; adjudicators are not given them yet.

    A marker who never asked for answers is taken to be of no candidate's school.
    """
    here, known = (answers.c.exam == exam, answers.c.state == State.OPEN), schools(connection, exam)
    done: dict[int, set[str]] = defaultdict(set)
    for table in (marks, handed_on):
        query = sa.select(table.c.answer, table.c.marker).join(answers, counting(table)).where(*here)
        for row in connection.execute(query):
            done[row.answer].add(row.marker)
    found = 0
    lacking = (answers.c.needed - answers.c.given).label("lacking")
    for own in connection.execute(sa.select(answers.c.id, answers.c.school, lacking).where(*here)):
        left = sum(name not in done[own.id] and own.school not in known.get(name, ()) for name in markers)
        found += left < own.lacking
    return found


def finals(connection: sa.Connection, exam: str) -> dict[str, dict[str, tuple[float, str]]]:
    """Candidate number -> item -> points and comment, of the answers of an exam that are done."""
    here = (answers.c.exam == exam, answers.c.state == State.DONE)
    rows = connection.execute(sa.select(answers).where(*here).order_by(answers.c.number, answers.c.item)).all()
    found = scripts(connection, [row.id for row in rows])
    said: dict[int, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    query = sa.select(marks).join(answers, counting(marks)).where(*here).order_by(marks.c.id)
    for mark in connection.execute(query):
        said[mark.answer][mark.kind].append(mark.comment)
    told_to: dict[str, dict[str, tuple[float, str]]] = defaultdict(dict)
    for row in rows:
        points = final(found[row.id])
        if points is not None:
            told_to[row.number][row.item] = (points, _comment(said[row.id]))
    return dict(told_to)


def lined(connection: sa.Connection, exam: str) -> set[tuple[str, str]]:
    """(candidate number, item) of every answer of an exam that was ever put in line, also of those withdrawn."""
    rows = connection.execute(sa.select(answers.c.number, answers.c.item).where(answers.c.exam == exam))
    return {(row.number, row.item) for row in rows}


def _comment(said: Mapping[str, list[str]]) -> str:
    """What is said to the candidate: by whoever decided, else by all who marked."""
    spoken = next((said[kind] for kind in (Kind.STANDARD, Kind.ADJUDICATION, Kind.MARK) if kind in said), [])
    return "\n".join(dict.fromkeys(filter(None, spoken)))


def verify(connection: sa.Connection) -> int | None:
    """The first audit entry whose mark is not in the database as it tells, 0 for a mark of no entry; None: all are."""
    query = sa.select(marks, answers.c.code, answers.c.item, answers.c.exam).join(
        answers, marks.c.answer == answers.c.id
    )
    kept = {row["entry"]: row for row in map(dict, connection.execute(query).mappings())}
    for entry in audit.entries(connection):
        if entry.act != "panel_marked":
            continue
        row = kept.pop(entry.id, None)
        if row is None or told(row, row["code"], row["item"]) != entry.detail or row["marker"] != entry.actor:
            return entry.id
    return 0 if kept else None
