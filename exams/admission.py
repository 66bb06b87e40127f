"""Issuing admission tickets: new codes, kept hashed, and the page to print them from, which is the only copy."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from exams.documents import DocumentError
from exams.exam import Exam
from exams.tickets import Tickets, printed
from exams.web import environment


def issue(exam: Exam, numbers: Sequence[str], *, zone: str, address: str, language: str) -> tuple[str, int]:
    """Tickets for the candidates `numbers` of `exam`, or for all: the page to print, and how many.

    Tickets issued to them before open nothing any more. zone: of the times on the ticket. address: where candidates go.
    Raises DocumentError where a number is not on the roster.
    """
    roster = {candidate.number: candidate for candidate in exam.roster()}
    if unknown := [number for number in numbers if number not in roster]:
        raise DocumentError(f"The exam {exam.id} has no candidate {unknown[0]!r}.")
    chosen = [roster[number] for number in numbers or roster]
    tickets, codes = Tickets.load(exam.folder).issued(candidate.number for candidate in chosen)
    page = environment(language).get_template("admission.html")

    def local(instant: datetime) -> str:
        return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}"

    made = page.render(
        exam=exam,
        language=language,
        address=address,
        tickets=[
            (candidate, printed(codes[candidate.number]), *map(local, exam.window(candidate))) for candidate in chosen
        ],
    )
    tickets.save(exam.folder)
    return made, len(chosen)
