"""An exam that was sat: its candidates' responses in the real store, everything handed in, nothing marked yet."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from exams import roster
from exams.change import Origin
from exams.exam import ROSTER, Exam
from exams.form import Form
from exams.items import Item
from exams.response import Json, Response
from exams.roster import Candidate
from exams.sitting import SittingStore
from exams.timing import Allowance
from tests.support.exam_host import COLLEGES, store_url

LEAD = "lead01"
HERE = Origin("test", "::1", "test")


def number_of(place: int) -> str:
    return f"20260{place:05}"


def sat_exam(
    home: Path,
    name: str,
    items: Sequence[Item],
    sheets: Sequence[Mapping[str, Json]],
    *,
    handed_in: bool = True,
    **rules: object,
) -> Exam:
    """The exam `name` in `home`: candidate `number_of(place)` of the colleges in turn answered sheets[place].

    handed_in: else their time ran out.
    """
    now = datetime.now(UTC)
    opens, closes = now - timedelta(hours=3), now - timedelta(hours=1)
    folder = home / "exams" / name
    exam = Exam(name, "diagnostics", "诊断学联考", opens, closes, 60, LEAD, COLLEGES, ("A",), folder, **rules)  # type: ignore[arg-type]
    candidates = [
        Candidate(number_of(place), f"student{place:05}", f"考生{place}", COLLEGES[place % len(COLLEGES)], "A")
        for place in range(len(sheets))
    ]
    roster.write(folder / ROSTER, candidates)
    exam.save_form(Form("A", name, tuple(items)))
    exam.save()
    then = round((opens + timedelta(minutes=5)).timestamp() * 1000)
    store = SittingStore(store_url(home), clock=lambda: then)
    allowance = Allowance(60, round(closes.timestamp() * 1000))
    entered = [
        store.enter(name, one.number, "A", place, allowance, seat="seat", actor=one.user, origin=HERE)
        for place, one in enumerate(candidates)
    ]
    waiting = []
    for sitting, sheet in zip(entered, sheets, strict=True):
        log = [Response(k, item, value, False, "test") for k, (item, value) in enumerate(sheet.items(), 1)]
        if log:
            waiting.append(store.save(sitting.result(), "seat", log))
    for future in waiting:
        future.result()
    handed = [
        store.submit(name, one.number, "seat", len(sheet), one.user)
        for one, sheet in zip(candidates, sheets, strict=True)
        if handed_in
    ]
    for one in handed:
        one.result()
    store.close()
    return exam
