"""The pages of a candidate: my exams, waiting room, exam room, receipt, result."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from math import floor
from pathlib import Path

from babel.messages.extract import extract_from_dir
from tornado.ioloop import IOLoop

from exams.api import hindrances, milliseconds
from exams.exam import Exam
from exams.experiments import warm
from exams.marking import place
from exams.order import seed_of, with_options_ordered
from exams.response import Json, counts, receipt_hash
from exams.roster import Candidate
from exams.sitting import Sitting
from exams.timing import Phase, phase
from exams.web import N_, Page, ProblemError
from widgets import i18n

ROOM = Path(__file__).parent / "room"

RECEIPT_DIGITS = 8

KINDS = {
    "numeric": N_("Number"),
    "ecg": N_("Electrocardiogram"),
    "measurement": N_("Measurement in the image"),
    "hotspot": N_("Mark on the image"),
    "short": N_("Short answer"),
    "code": N_("Program"),
}
"""What a type of item is called where its own name is no word; the others (A1, X, ...) are known by theirs."""


@functools.cache
def labels(language: str, *folders: Path) -> str:
    """Every text of the scripts in `folders`, the room's by itself, in `language`, as a JSON object from the English
    text to what is shown.
    """
    found = [
        extract_from_dir(folder, method_map=[("**.js", "javascript")], keywords={"t": None})
        for folder in folders or (ROOM,)
    ]
    texts = sorted({message for one in found for _, _, message, _, _ in one if isinstance(message, str)})
    catalogue = i18n.translations("exams", language)
    return json.dumps({text: catalogue.gettext(text) for text in texts}, ensure_ascii=False).replace("<", "\\u003c")


def in_time(exams: Iterable[Exam], now_ms: int) -> list[Exam]:
    """Exams in the order in which they matter: those open, those to come (next first), those over (last first)."""

    def place(exam: Exam) -> tuple[int, int]:
        opens, closes = milliseconds(exam)
        stage = phase(now_ms, opens, closes)
        return {Phase.OPEN: (0, closes), Phase.BEFORE: (1, opens), Phase.OVER: (2, -closes)}[stage]

    return sorted(exams, key=place)


def worded(value: Json) -> str:
    """An answer as its candidate reads it: a letter, letters, a number, a text, or what was measured."""
    if isinstance(value, list):
        return " ".join(str(part) for part in value)
    if isinstance(value, dict):
        measured = value.get("value")
        if isinstance(measured, dict):
            measured = measured.get("mean")
        return f"{measured:.4g} {value.get('unit', '')}" if isinstance(measured, int | float) else ""
    return "" if value is None else str(value)


class CandidatePage(Page):
    """A page about the asker's own part in one exam."""

    def own(self, exam_id: str) -> tuple[Exam, Candidate, Sitting | None]:
        """Exam, candidate and sitting of the asker."""
        exam, candidate = self.seat_of(exam_id)
        return exam, candidate, self.context.store.sitting(exam.id, candidate.number)

    def closed(self, sitting: Sitting | None) -> int | None:
        """When the sitting was closed, None where it is open or not begun."""
        return None if sitting is None else sitting.closed_at(self.context.store.now())

    def to(self, exam: Exam, page: str = "") -> None:
        """Send the browser to another page of the same exam."""
        self.redirect(f"{self.context.prefix}{exam.id}/{page}")


class MyExams(Page):
    """The exams that the asker sits or watches over."""

    def get(self) -> None:
        """The list."""
        context, now = self.context, self.context.store.now()
        rows = []
        for exam in in_time(context.hall.exams(), now):
            if self.current_user.exam not in {None, exam.id}:
                continue
            candidate = context.hall.candidates(exam).get(self.current_user.user)
            desk = self.sees_all(exam) or bool(self.watched(exam))
            panel = self.on_panel(exam)
            if candidate is None and not desk and not panel:
                continue
            sitting = None if candidate is None else context.store.sitting(exam.id, candidate.number)
            times = milliseconds(exam, candidate)
            rows.append(
                {
                    "exam": exam,
                    "phase": phase(now, *times),
                    "candidate": candidate,
                    "desk": desk,
                    "panel": panel,
                    "sitting": sitting,
                    "closed": None if sitting is None else sitting.closed_at(now),
                    "released": self.released(exam, candidate),
                    "times": times,
                }
            )
        self.show("list.html", rows=rows)


class Waiting(CandidatePage):
    """Who you are, what will happen, and when."""

    def get(self, exam_id: str) -> None:
        """The waiting room; whoever has handed in gets the receipt."""
        exam, candidate, sitting = self.own(exam_id)
        if self.closed(sitting) is not None:
            self.to(exam, "receipt")
            return
        IOLoop.current().spawn_callback(warm, self.context, exam, candidate.form)
        opens, closes = milliseconds(exam, candidate)
        now = self.context.store.now()
        stage = phase(now, opens, closes)
        here = self.context.store.attendance_of(exam.id, candidate.number)
        self.origin()  # this browser has its name before thousands enter at once
        if stage is Phase.OVER and sitting is None:
            raise ProblemError(409, "over", N_("This exam is over. If you were kept from entering, tell your teacher."))
        self.show(
            "waiting.html",
            exam=exam,
            candidate=candidate,
            resuming=sitting is not None,
            hindrances=[] if sitting is not None else hindrances(exam, candidate, here, now),
            times={"now": now, "opens": opens, "closes": closes},
            items=self.context.hall.size(exam, candidate.form),
            modules=[name for name in self.context.static.files if name.startswith("room/") and name.endswith(".js")],
            labels=labels(self.language),
        )


class Room(CandidatePage):
    """The exam room: a page without the paper, which its script asks for."""

    def get(self, exam_id: str) -> None:
        """The room; before the exam opens the waiting room, after handing in the receipt."""
        exam, candidate, sitting = self.own(exam_id)
        if self.closed(sitting) is not None:
            self.to(exam, "receipt")
        elif sitting is None and phase(self.context.store.now(), *milliseconds(exam, candidate)) is not Phase.OPEN:
            self.to(exam)
        else:
            IOLoop.current().spawn_callback(warm, self.context, exam, candidate.form)
            self.show("room.html", exam=exam, candidate=candidate, labels=labels(self.language))


class Receipt(CandidatePage):
    """Proof of what was handed in."""

    any_browser = True

    def get(self, exam_id: str) -> None:
        """The receipt; while the sitting is open, the room."""
        exam, candidate, sitting = self.own(exam_id)
        closed = self.closed(sitting)
        if sitting is None or closed is None:
            self.to(exam)
            return
        held = self.context.store.latest(sitting)
        answers = {item: response.value for item, response in held.items() if response.value is not None}
        proof = receipt_hash(exam.id, candidate.number, sitting.form, closed, answers)
        self.show(
            "receipt.html",
            exam=exam,
            candidate=candidate,
            closed=closed,
            by_time=sitting.submitted_ms is None and sitting.annulled_ms is None,
            annulled=sitting.annulled_ms is not None,
            counts=counts(held, self.context.hall.paper(exam, sitting.form).items.keys()),
            number=f"{candidate.number}-{proof[:RECEIPT_DIGITS].upper()}",
            proof=proof,
            iso=datetime.fromtimestamp(closed / 1000, UTC).isoformat(timespec="seconds"),
            released=self.released(exam, candidate),
        )


class Result(CandidatePage):
    """Points, comments and rationales, once the group lead has released them."""

    any_browser = True

    def get(self, exam_id: str) -> None:
        """The result. Refused before release."""
        exam, candidate, sitting = self.own(exam_id)
        if sitting is not None and sitting.annulled_ms is not None:
            raise ProblemError(409, "annulled", N_("Your paper was annulled: it has no result. Ask your teacher why."))
        result = self.context.result(exam.id, candidate.number)
        if result is None:
            raise ProblemError(
                404, "not_released", N_("The results of this exam are not released yet. They will appear here.")
            )
        held = {} if sitting is None else self.context.store.latest(sitting)
        kinds = {one.item["id"]: one.item["type"] for one in result.items}
        answers = {
            item: self.where(response.value) if kinds.get(item) == "hotspot" else worded(response.value)
            for item, response in held.items()
        }
        seed = seed_of(exam.id, candidate.number) if sitting is None else sitting.seed
        # question 7 is here what it was in the room
        paper = self.context.hall.paper(exam, candidate.form if sitting is None else sitting.form)
        places = {item: at for at, item in enumerate(paper.order(seed))}
        items = [
            replace(one, item=with_options_ordered(one.item, seed))
            for one in sorted(result.items, key=lambda one: places[one.item["id"]])
        ]
        self.show(
            "result.html", exam=exam, candidate=candidate, result=result, items=items, answers=answers, kinds=KINDS
        )

    def where(self, value: Json) -> str:
        """A mark on an image in the numbers that the viewer shows: slices from 1, pixels from 0."""
        if (at := place(value)) is None:
            return ""
        frame, x, y = at
        return self.translate("slice {slice}, column {x}, row {y}", slice=frame + 1, x=floor(x + 0.5), y=floor(y + 0.5))


class LoginProblem(Page):
    """Logging in did not work: a link that was too old, or a hub that is away."""

    def prepare(self) -> None:
        """Nobody need be logged in to read it."""

    def get(self) -> None:
        """One sentence and the way to try again."""
        raise ProblemError(
            403, "login_problem", N_("Logging in did not work. Try again; if it stays, tell your teacher.")
        )


class Logout(Page):
    """Log out here and at the hub: the next at this machine is someone else."""

    def post(self) -> None:
        """End the session."""
        self.context.sessions.end(self)
        self.set_header("Clear-Site-Data", '"cache"')  # the pictures of the items, which the browser keeps
        self.redirect(self.context.logout)
