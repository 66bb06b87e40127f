"""The API of the marking desk: answers are given out, marks come back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from exams.change import RefusedError
from exams.exam import Exam
from exams.items import POINTS_STEP, Item
from exams.panel import rules
from exams.panel.blind import cleaned
from exams.panel.handlers import PanelApi
from exams.panel.opening import written
from exams.panel.rules import Marker
from exams.release import released
from exams.web import N_, ProblemError, unreadable

MOST_AHEAD = 10
"""Answers that a page holds at once: what it holds nobody else is given."""

MOST_DEEDS = 100
"""Marks and others in one request, as many as `room/outbox.js` sends: what a page kept meanwhile comes in parts."""

MOST_SECONDS = 3600.0
MOST_COMMENT = 1000
MOST_NOTE = 500
MOST_EDITION = 10**6
MOST_POINTS, MOST_CRITERIA = 1000.0, 1000

CODE = re.compile(r"[0-9a-f]{16}")
CLIENT = re.compile(r"[A-Za-z0-9-]{8,64}")

REASONS = {
    "unreadable": N_("It cannot be read"),
    "known": N_("I can tell whose it is"),
    "look": N_("Somebody should look at it"),
}
"""Why a marker hands an answer on."""

REFUSED = {
    rules.UNKNOWN: N_("There is no such answer any more. Go on with the next."),
    rules.WITHDRAWN: N_("This paper was annulled or this question voided meanwhile: your mark is not needed."),
    rules.RENEWED: N_(
        "The rubric of this question was changed meanwhile: the answer comes again, to be marked by the new one."
    ),
    rules.OWN_SCHOOL: N_("This answer is by a candidate of your own school: it goes to somebody else."),
    rules.MARKED_ALREADY: N_("You have marked this answer already, in another window. Your earlier mark stands."),
    rules.HANDED_ON: N_("You have handed this answer on."),
    rules.NOT_NEEDED: N_("Your time for this answer was over and others have marked it: your mark is not needed."),
    rules.NOT_GIVEN: N_("This answer was not given to you."),
    rules.SETTLED: N_("The results are released: what is decided stays as it is."),
    rules.TOO_LATE: N_("This mark cannot be changed any more: it is decided, or too long ago."),
}
"""Why the panel refuses something."""


class Questions(PanelApi):
    """What there is to mark."""

    async def get(self, exam_id: str) -> None:
        """{"questions": [{"item", "left", "disputes", "own"}]}; none before the exam is over."""
        exam, marker = self.exam_for_panel(exam_id)
        found = await self.apart(self.panel.questions, exam.id, marker) if self.over(exam) else []
        self.answer({"questions": [vars(one) for one in found]})


class Claim(PanelApi):
    """Answers given to whoever asks, a few ahead, so that the next is there at once."""

    async def post(self, exam_id: str, item_id: str) -> None:
        """{"wanted", "holding": codes, "disputes"} -> {"answers": [...], "left": how many there are to mark}."""
        exam, marker = self.exam_for_panel(exam_id)
        item, body = self.marked(exam, item_id), self.body()
        wanted, holding, disputes = (body.get(name) for name in ("wanted", "holding", "disputes"))
        if type(wanted) is not int or not 0 <= wanted <= MOST_AHEAD or type(disputes) is not bool:
            raise unreadable()
        if not isinstance(holding, list) or len(holding) > MOST_AHEAD:
            raise unreadable()
        holding = [matching(CODE, code) for code in holding]
        if disputes and not marker.adjudicates:
            raise ProblemError(403, "no_adjudicator", N_("Only an adjudicator decides where markers differ."))
        claiming = self.panel.claim(
            exam.id, item.id, marker, wanted, holding, disputes=disputes, check_every=exam.marking.check_every
        )
        handed = await asyncio.wrap_future(claiming)
        left = await self.apart(self.panel.left, exam.id, item.id, marker, disputes)
        self.answer({"answers": [vars(one) for one in handed], "left": left})


class Own(PanelApi):
    """What the asker marked last, to look at again and to correct."""

    async def get(self, exam_id: str, item_id: str) -> None:
        """{"answers": [...]}, the newest first."""
        exam, marker = self.exam_for_panel(exam_id)
        item = self.marked(exam, item_id)
        found = await self.apart(self.panel.own, exam.id, item.id, marker)
        self.answer({"answers": [vars(one) for one in found]})


class Deeds(PanelApi):
    """Marks, and answers handed on; each is kept or refused by itself."""

    async def post(self, exam_id: str, item_id: str) -> None:
        """{"deeds": [{"client", "deed", "code", "edition", ...}]} -> {"outcomes": [{"client", "saved", "message"}]}.

        A deed that is "saved" is on disk; any other will never be, and "message" says why. The request as a whole is
        refused only where no page of ours sends such: a browser keeps what was not answered, and sends it first.
        """
        exam, marker = self.exam_for_panel(exam_id)
        item = self.marked(exam, item_id, written)
        deeds = self.body().get("deeds")
        if not isinstance(deeds, list) or len(deeds) > MOST_DEEDS or not all(isinstance(one, dict) for one in deeds):
            raise unreadable()
        # read as a whole before anything of it is done
        begun = [begin() for begin in [self._read(exam, item, marker, deed) for deed in deeds]]
        outcomes = [await self._outcome(deed["client"], future) for deed, future in zip(deeds, begun, strict=True)]
        self.answer({"outcomes": outcomes})

    def _read(self, exam: Exam, item: Item, marker: Marker, deed: Mapping[str, Any]) -> Callable[[], Future[None]]:
        """What does the deed when it is called. Raises ProblemError where it is none."""
        code, client, edition = matching(CODE, deed.get("code")), matching(CLIENT, deed.get("client")), edition_of(deed)
        own = (exam.id, item.id, marker, code, edition)
        unless = rules.WITHDRAWN if item.void else ""
        if deed.get("deed") == "hand_on":
            reason, note = deed.get("reason"), text_of(deed.get("note", ""), MOST_NOTE)
            if not isinstance(reason, str) or reason not in REASONS:
                raise unreadable()
            return lambda: self.panel.hand_on(*own, reason, note, unless=unless)
        seconds, again = deed.get("seconds"), deed.get("again", False)
        if deed.get("deed") != "mark" or type(again) is not bool or not isinstance(seconds, int | float):
            raise unreadable()
        points, comment = points_of(deed.get("points")), text_of(deed.get("comment", ""), MOST_COMMENT)
        more: dict[str, Any] = {
            "comment": comment,
            "seconds": float(min(max(0.0, seconds), MOST_SECONDS)),
            "again": again,
            "released": released(exam.folder) is not None,
        }
        unless = unless or ("" if fits(item, points) else rules.RENEWED)
        return lambda: self.panel.mark(*own, points, client=client, unless=unless, **more)

    async def _outcome(self, client: str, future: Future[None]) -> dict[str, Any]:
        try:
            await asyncio.wrap_future(future)
        except RefusedError as refusal:
            said = self.translate(REFUSED[refusal.code])
            return {"client": client, "saved": False, "error": refusal.code, "message": said}
        return {"client": client, "saved": True}


def matching(pattern: re.Pattern[str], value: object) -> str:
    """`value` where it is a text of that pattern. Raises ProblemError."""
    if not isinstance(value, str) or pattern.fullmatch(value) is None:
        raise unreadable()
    return value


def edition_of(body: Mapping[str, Any]) -> int:
    """The edition of an answer that a browser names. Raises ProblemError where it names none."""
    edition = body.get("edition")
    if type(edition) is not int or not 0 < edition <= MOST_EDITION:
        raise unreadable()
    return edition


def text_of(value: object, most: int) -> str:
    """What somebody wrote, at most so many characters. Raises ProblemError where it is no text."""
    if not isinstance(value, str):
        raise unreadable()
    return cleaned(value[:most]).strip()


def points_of(value: object) -> tuple[float, ...]:
    """Points for each criterion of some rubric. Raises ProblemError where they are none."""
    if not isinstance(value, list) or len(value) > MOST_CRITERIA:
        raise unreadable()
    if not all(type(one) in {int, float} and 0 <= one <= MOST_POINTS for one in value):
        raise unreadable()
    return tuple(map(float, value))


def fits(item: Item, points: Sequence[float]) -> bool:
    """Whether `points` are by the item's rubric of now: between 0 and the points of each criterion, in their steps."""
    worth = [most for most, _ in item.rubric]
    return len(points) == len(worth) and all(
        given <= most and (not given % POINTS_STEP or given == most) for given, most in zip(points, worth, strict=True)
    )
