"""The roster of an exam: who sits it, under which number, on which form. A CSV file that a spreadsheet opens."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from exams.documents import SLUG, DocumentError


@dataclass(frozen=True)
class Candidate:
    """A candidate 考生. number: 准考证号, the only name that markers see; user: the hub's name of them.

    room and seat: where they sit, for the ticket; a roster may do without these two columns.
    """

    number: str
    user: str
    name: str
    school: str
    form: str
    extra_minutes: int = 0
    room: str = ""
    seat: str = ""


def school_group(school: str) -> str:
    """The hub group of those who belong to `school`; the hub puts them in, the desk shows them their candidates."""
    return f"school:{school}"


COLUMNS = tuple(field.name for field in fields(Candidate))
NEEDED = COLUMNS[: COLUMNS.index("room")]


def write(path: Path, candidates: Iterable[Candidate]) -> None:
    """Write a roster."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # with a byte order mark: spreadsheets then take it as UTF-8
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerows(asdict(candidate) for candidate in candidates)


def read(path: Path) -> tuple[Candidate, ...]:
    """The candidates of a roster, in its order.

    Raises DocumentError, `file:line: sentence`, where the file is missing, a column is missing or unknown, a number or
    user stands twice or is no identifier, or extra minutes are no whole number.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if tuple(table.fieldnames or ()) not in {NEEDED, COLUMNS}:
                sentence = f"The first line must be {','.join(NEEDED)}, with or without ,room,seat."
                raise DocumentError(sentence, (), f"{path}:1")
            found: dict[str, Candidate] = {}
            users: set[str] = set()
            for row in table:
                if not any(row.values()):
                    continue  # spreadsheets write rows of commas below the last candidate
                candidate = _candidate(row, f"{path}:{table.line_num}")
                if candidate.number in found or candidate.user in users:
                    raise DocumentError("This number or user stands here twice.", (), f"{path}:{table.line_num}")
                found[candidate.number] = candidate
                users.add(candidate.user)
    except UnicodeDecodeError as error:
        raise DocumentError("The roster is not UTF-8 text: in Excel, save it as CSV UTF-8.", (), str(path)) from error
    except (OSError, csv.Error) as error:
        raise DocumentError(f"The roster cannot be read ({error}).", (), str(path)) from error
    return tuple(found.values())


def _candidate(row: dict[str, str], where: str) -> Candidate:
    if None in row or None in row.values():
        raise DocumentError(f"A line has {len(row.keys() - {None})} fields.", (), where)
    if not SLUG.fullmatch(row["number"]) or not row["user"] or not row["form"]:
        raise DocumentError("Every line needs a number (letters, digits, - and _), a user and a form.", (), where)
    extra = row["extra_minutes"] or "0"
    if not extra.isascii() or not extra.isdecimal():
        raise DocumentError(f"Extra minutes are a whole number, not {extra!r}.", (), where)
    own = {name: value.strip() for name, value in row.items() if name != "extra_minutes"}
    return Candidate(**own, extra_minutes=int(extra))
