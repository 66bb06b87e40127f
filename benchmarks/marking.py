"""Objective items of a whole course: 6,000 candidates x 150 items marked, and in nbgrader's Gradebook.

There is no peer that marks so many: nbgrader by itself runs each notebook, about a second each. The budget is 10 s,
from responses in the store of sittings to grades and comments in the Gradebook, on an exam that was built. Notebooks
for formgrader come after the marks and are told apart.

    python -m benchmarks marking --candidates 6000 --items 150 --runs 3
"""

from __future__ import annotations

import argparse
import logging
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from exams import audit, marking, roster
from exams import sitting_tables as tables
from exams.database import connect
from exams.exam import ROSTER, Exam, exam_in
from exams.form import Form
from exams.items import Item, load_bank
from exams.marking_run import MARKS
from exams.marks import MarkStore
from exams.office import Office
from exams.panel.store import PanelStore
from exams.roster import Candidate
from exams.sitting import SittingStore

BANKS = Path(__file__).parents[1] / "exams" / "bank"
BUDGET_S = 10.0
EXAM, SCHOOL = "benchmark", "杏林医学院"
HOUR_MS = 3_600_000


def items(count: int) -> list[Item]:
    """Items that rules mark, from all banks; measurements left out, for they need images."""
    every = [item for bank in sorted(BANKS.iterdir()) if bank.is_dir() for item in load_bank(bank)]
    return [item for item in every if item.group is None and item.type not in ("short", "measurement", "code")][:count]


def answers(item: Item, draw: random.Random) -> object:
    """What somebody answers."""
    if item.options and item.type != "X":
        return draw.choice(item.letters)
    own = marking.examples(item)
    return draw.choice([own.correct, own.correct, own.wrong, own.invalid])


def furnish(home: Path, chosen: Sequence[Item], candidates: int) -> None:
    """An exam that all candidates have handed in."""
    now = datetime.now(UTC)
    folder = home / "exams" / EXAM
    times = now - timedelta(hours=3), now - timedelta(hours=1)
    exam = Exam(EXAM, "diagnostics", EXAM, *times, 90, "lead01", (SCHOOL,), ("A",), folder)
    exam.save()
    exam.save_form(Form("A", EXAM, tuple(chosen)))
    people = [Candidate(f"{place:08}", f"u{place}", f"n{place}", SCHOOL, "A") for place in range(candidates)]
    roster.write(folder / ROSTER, people)
    closed, draw = round(now.timestamp() * 1000) - HOUR_MS, random.Random(1)
    engine = connect(database(home), audit.metadata)
    fixed = {"exam": EXAM, "form": "A", "started_ms": closed - HOUR_MS, "minutes": 90, "closes_ms": closed, "seat": "s"}
    fixed |= {"extra_minutes": 0, "credit_s": 0, "submitted_ms": closed}
    said = {"flagged": False, "device": "d", "received_ms": closed}
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        [entry] = audit.append(connection, [audit.Act(closed, EXAM, "benchmark", "furnished", {})])
        for place, one in enumerate(people):
            connection.execute(sa.insert(tables.sittings), {**fixed, "id": place, "number": one.number, "seed": place})
            own = [
                {
                    **said,
                    "sitting": place,
                    "sequence": k,
                    "item": item.id,
                    "value": answers(item, draw),
                    "entry": entry.id,
                }
                for k, item in enumerate(chosen, 1)
            ]
            connection.execute(sa.insert(tables.responses), own)
    engine.dispose()


def database(home: Path) -> str:
    """The exams' database in `home`."""
    return f"sqlite:///{home / 'exams' / 'exams.sqlite'}"


def measured(home: Path) -> tuple[float, float]:
    """Seconds until all marks are in the Gradebook, and until all notebooks are written."""
    url = database(home)
    stores = SittingStore(url), MarkStore(url), PanelStore(url)
    office = Office(home, *stores)
    exam = exam_in(home / "exams", EXAM)
    office.build(exam)
    ended: dict[str, float] = {}

    def tell(stage: str, _done: int, _total: int) -> None:
        ended[stage] = time.perf_counter()

    office.tell = tell
    begun = time.perf_counter()
    office.mark(EXAM, "benchmark")
    for store in stores:
        store.close()
    return ended[MARKS] - begun, time.perf_counter() - begun


def main() -> None:
    """Measure and print the figures."""
    parser = argparse.ArgumentParser(prog=sys.argv[0], description=__doc__)
    parser.add_argument("--candidates", type=int, default=200)
    parser.add_argument("--items", type=int, default=150)
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # nbgrader's, which tells of every step
    chosen = items(options.items)
    taken = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            furnish(Path(folder), chosen, options.candidates)
            taken.append(measured(Path(folder)))
    marks, whole = (statistics.median(own) for own in zip(*taken, strict=True))
    print(f"marking_{options.candidates}x{len(chosen)} {marks:.1f} {BUDGET_S:.1f} {BUDGET_S / marks:.1f} s")
    print(f"marking_and_notebooks {whole:.1f} {options.candidates} {options.candidates / whole:.1f} s")


if __name__ == "__main__":
    main()
