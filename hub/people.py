"""People: who has an account, of which school and class, in which role. Passwords are the hub's (see accounts.py)."""

from __future__ import annotations

import csv
import enum
import io
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hub.state import METADATA

USER_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
ROSTER_COLUMNS = ("user", "name", "school", "class", "role")


class Role(enum.StrEnum):
    """What a person may do; also the name of their hub group."""

    STUDENT = "student"
    TEACHER = "teacher"
    LEAD = "lead"
    OPERATOR = "operator"


class RosterError(ValueError):
    """A roster that cannot be used; the message names file and line."""


@dataclass(frozen=True)
class Person:
    """One account's owner; `user` is the hub's user name, `group` the class (班级)."""

    user: str
    name: str
    school: str
    group: str
    role: Role


PEOPLE = sa.Table(
    "people",
    METADATA,
    sa.Column("user", sa.String(64), primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False, index=True),
    sa.Column("group", sa.Text, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
)


def _person(row: sa.Row[Any]) -> Person:
    return Person(row.user, row.name, row.school, row.group, Role(row.role))


class Directory:
    """The table of people."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def find(self, user: str) -> Person | None:
        """The person with this account, or None."""
        with self._engine.connect() as connection:
            row = connection.execute(sa.select(PEOPLE).where(PEOPLE.c.user == user)).one_or_none()
        return _person(row) if row else None

    def students(self, school: str) -> list[Person]:
        """The students of a school by class and account."""
        query = sa.select(PEOPLE).where(PEOPLE.c.school == school, PEOPLE.c.role == Role.STUDENT)
        with self._engine.connect() as connection:
            return [_person(row) for row in connection.execute(query.order_by(PEOPLE.c.group, PEOPLE.c.user))]

    def counts(self) -> dict[Role, int]:
        """How many accounts each role has."""
        query = sa.select(PEOPLE.c.role, sa.func.count()).group_by(PEOPLE.c.role)
        with self._engine.connect() as connection:
            found = {str(role): number for role, number in connection.execute(query)}
        return {role: found.get(role, 0) for role in Role}

    def put(self, people: Iterable[Person]) -> None:
        """Add people; an account that exists gets the new name, school, class and role."""
        rows = [asdict(person) for person in people]
        if not rows:
            return
        with self._engine.begin() as connection:
            connection.execute(
                sa.delete(PEOPLE).where(PEOPLE.c.user == sa.bindparam("account")),
                [{"account": row["user"]} for row in rows],
            )
            connection.execute(sa.insert(PEOPLE), rows)

    def remove(self, users: Iterable[str]) -> None:
        """Remove people by account; one that is not there is no error."""
        with self._engine.begin() as connection:
            connection.execute(sa.delete(PEOPLE).where(PEOPLE.c.user.in_(list(users))))


def person_from(fields: dict[str, str | None], where: str) -> Person:
    """A person from a roster's `fields`. Raises RosterError, its message starting with `where`."""
    values = {column: (fields.get(column) or "").strip() for column in ROSTER_COLUMNS}
    if not USER_NAME.fullmatch(values["user"]):
        raise RosterError(
            f"{where}: the user name {values['user']!r} may have lower-case letters, digits and . _ - only."
        )
    if not values["name"]:
        raise RosterError(f"{where}: {values['user']} has no name.")
    if values["role"] not in list(Role):
        raise RosterError(f"{where}: the role {values['role']!r} must be one of {', '.join(Role)}.")
    return Person(values["user"], values["name"], values["school"], values["class"], Role(values["role"]))


def read_roster(file: Path) -> list[Person]:
    """The people in a CSV roster with the columns user, name, school, class, role (UTF-8, with or without a mark).

    Raises RosterError where a column is missing, a row is wrong or a user name comes twice: then nothing is used.
    """
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RosterError(f"{file} cannot be read as UTF-8 text: {error}. In Excel, save it as CSV UTF-8.") from error
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    people: dict[str, Person] = {}
    try:
        if missing := [column for column in ROSTER_COLUMNS if column not in (reader.fieldnames or [])]:
            raise RosterError(f"{file.name}, line 1: the columns {', '.join(missing)} are missing.")
        for fields in reader:
            where = f"{file.name}, line {reader.line_num}"
            if None in fields:  # the key of what stands beyond the last column
                raise RosterError(f"{where}: the row has more fields than there are columns; quote a text with commas.")
            if not any(fields.values()):
                continue  # spreadsheets write rows of commas below the last person
            person = person_from(fields, where)
            if person.user in people:
                raise RosterError(f"{where}: {person.user} comes twice.")
            people[person.user] = person
    except csv.Error as error:
        raise RosterError(f"{file.name}, line {reader.reader.line_num}: this is not CSV ({error}).") from error
    return list(people.values())
