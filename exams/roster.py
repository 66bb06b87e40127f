"""The roster of an exam: who sits it, under which number, on which form. A CSV file that a spreadsheet opens."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from exams.documents import SLUG, DocumentError


@dataclass(frozen=True)
class Candidate:
    """A candidate 考生. number: 准考证号, the only name that markers see; user: the hub's name of them.

    room and seat: where they sit, for the ticket; session: the one of the exam they sit in, where it has several and
    the school does not say it. A roster may do without these columns.
    """

    number: str
    user: str
    name: str
    school: str
    form: str
    extra_minutes: int = 0
    room: str = ""
    seat: str = ""
    session: str = ""

    @property
    def place(self) -> str:
        """Where an invigilator finds them: the room, or the school where no rooms are given."""
        return self.room or self.school


def school_group(school: str) -> str:
    """The hub group of those who belong to `school`; the hub puts them in, the desk shows them their candidates."""
    return f"school:{school}"


COLUMNS = tuple(field.name for field in fields(Candidate))
NEEDED = COLUMNS[: COLUMNS.index("room")]
OPTIONAL = COLUMNS[len(NEEDED) :]


def write(path: Path, candidates: Iterable[Candidate]) -> None:
    """Write a roster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # with a byte order mark: spreadsheets then take it as UTF-8
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(asdict(candidate) for candidate in candidates)


def read(path: Path) -> tuple[Candidate, ...]:
    """The candidates of a roster in CSV, in its order.

    Raises DocumentError, `file:line: sentence`, where the file is missing or `parsed` finds it wrong.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            header = tuple(table.fieldnames or ())
            return parsed(header, ((f"{path}:{table.line_num}", row) for row in table), f"{path}:1")
    except UnicodeDecodeError as error:
        raise DocumentError("The roster is not UTF-8 text: in Excel, save it as CSV UTF-8.", (), str(path)) from error
    except (OSError, csv.Error) as error:
        raise DocumentError(f"The roster cannot be read ({error}).", (), str(path)) from error


def parsed(header: Sequence[str], rows: Iterable[tuple[str, Mapping[str, str]]], top: str) -> tuple[Candidate, ...]:
    """The candidates of a table: its `header`, and (where it stands, fields) of each row; `top` is where the header is.

    Raises DocumentError where a column is missing or unknown, a number or user stands twice or is no identifier, or
    extra minutes are no whole number.
    """
    if tuple(header[: len(NEEDED)]) != NEEDED or not set(header[len(NEEDED) :]) <= set(OPTIONAL):
        sentence = f"The first line must be {','.join(NEEDED)}, with or without {', '.join(OPTIONAL)} after them."
        raise DocumentError(sentence, (), top)
    found: dict[str, Candidate] = {}
    users: set[str] = set()
    for where, row in rows:
        if not any(row.values()):
            continue  # spreadsheets write rows of commas below the last candidate
        candidate = _candidate(row, where)
        if candidate.number in found or candidate.user in users:
            raise DocumentError("This number or user stands here twice.", (), where)
        found[candidate.number] = candidate
        users.add(candidate.user)
    return tuple(found.values())


def _candidate(row: Mapping[str, str], where: str) -> Candidate:
    if None in row or None in row.values():
        raise DocumentError(f"A line has {len(row.keys() - {None})} fields.", (), where)
    if not SLUG.fullmatch(row["number"]) or not row["user"] or not row["form"]:
        raise DocumentError("Every line needs a number (letters, digits, - and _), a user and a form.", (), where)
    extra = row["extra_minutes"] or "0"
    if not extra.isascii() or not extra.isdecimal():
        raise DocumentError(f"Extra minutes are a whole number, not {extra!r}.", (), where)
    own = {name: value.strip() for name, value in row.items() if name != "extra_minutes"}
    return Candidate(**own, extra_minutes=int(extra))
