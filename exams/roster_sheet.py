"""A roster in a workbook, as schools' offices keep them: the first sheet, with our column names or the Chinese ones."""

from __future__ import annotations

from pathlib import Path

from exams import roster
from exams.documents import DocumentError
from exams.interchange import xlsx
from exams.roster import Candidate

CHINESE = {
    "准考证号": "number",
    "用户名": "user",
    "姓名": "name",
    "学校": "school",
    "试卷": "form",
    "延长分钟": "extra_minutes",
    "考场": "room",
    "座位": "seat",
    "场次": "session",
}
DEFAULTS = {"form": "A", "extra_minutes": "0"}
"""Columns that an office need not have thought of."""


def read(path: Path) -> tuple[Candidate, ...]:
    """The candidates of the workbook at `path`; columns may come in any order.

    Raises DocumentError, `file:row: sentence`, where it is no sound workbook, holds what could do harm, or the table is
    wrong (see `roster.parsed`).
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"The roster cannot be read ({error}).", (), str(path)) from error
    try:
        rows = [[_text(cell) for cell in row] for row in xlsx.first_sheet(data)]
    except DocumentError as error:
        raise DocumentError(str(error), (), str(path)) from error
    if not rows:
        raise DocumentError("The first sheet is empty: write one candidate a row below the names.", (), str(path))
    names = [CHINESE.get(title, title) for title in rows[0]]
    while names and not names[-1]:
        names.pop()
    header = [*roster.NEEDED, *(name for name in names if name not in roster.NEEDED)]
    if missing := [name for name in roster.NEEDED if name not in names and name not in DEFAULTS]:
        titles = {name: title for title, name in CHINESE.items()}
        sentence = f"The first row has no column {missing[0]} ({titles[missing[0]]})."
        raise DocumentError(sentence, (), f"{path}:1")
    found = []
    for line, row in enumerate(rows[1:], 2):
        own = dict(zip(names, row, strict=False))
        if any(own.values()):
            found.append(
                (
                    f"{path}:{line}",
                    {**DEFAULTS, **{name: value for name, value in own.items() if value or name not in DEFAULTS}},
                )
            )
    return roster.parsed(header, found, f"{path}:1")


def _text(cell: object) -> str:
    """A cell as text: a candidate number that the spreadsheet took for a number has no decimal point."""
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell).strip()
