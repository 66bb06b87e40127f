"""What exams tell of items, as other programs write it: CSV with a row of names, or a JSON list of objects.

Fields: item, exam, candidates, difficulty (share of the points earned), discrimination (correlation with the rest of
the form). `xinglin exam item measure` puts them into the ledger.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from exams.documents import Document, DocumentError, Fields
from exams.ledger import Measured

NUMBERS = ("candidates", "difficulty", "discrimination")


@dataclass(frozen=True)
class Measure:
    """What `exam` told of `item`."""

    item: str
    exam: str
    measured: Measured


def read(path: Path) -> list[Measure]:
    """The measures in `path`. Raises DocumentError where it is no such file, with the place where one is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
        rows = (
            json.loads(text) if path.suffix == ".json" else [_plain(row) for row in csv.DictReader(io.StringIO(text))]
        )
    except (OSError, ValueError) as error:
        raise DocumentError(f"The file cannot be read as CSV or JSON in UTF-8 ({error}).", (), str(path)) from error
    if not isinstance(rows, list) or not rows:
        raise DocumentError("A list of measures is expected here, one at least.", (), str(path))
    document = Document(str(path), rows)
    try:
        return [_measure(Fields(row, (place,))) for place, row in enumerate(rows)]
    except DocumentError as error:
        raise document.located(error) from error


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    """A row of CSV with its numbers as numbers."""
    return {str(name): float(value) if name in NUMBERS and value else value for name, value in row.items()}


def _measure(fields: Fields) -> Measure:
    candidates, difficulty, discrimination = (fields.number(name) for name in NUMBERS)
    item, exam = fields.text("item"), fields.text("exam")
    fields.done()
    if candidates < 1 or candidates % 1:
        raise fields.fail("candidates", "The number of candidates is a whole number from 1.")
    if not 0 <= difficulty <= 1:
        raise fields.fail("difficulty", "The difficulty is the share of the points that was earned, from 0 to 1.")
    if not -1 <= discrimination <= 1:
        raise fields.fail("discrimination", "The discrimination is a correlation, from -1 to 1.")
    return Measure(item, exam, Measured(int(candidates), difficulty, discrimination))
