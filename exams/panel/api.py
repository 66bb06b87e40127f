"""The API of the marking desk: answers are given out, marks come back."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from exams.change import RefusedError
from exams.exam import Exam
from exams.items import POINTS_STEP, Item
from exams.panel import rules
from exams.panel.blind import cleaned
from exams.panel.handlers import PanelApi
from exams.panel.rules import Marker
from exams.web import N_, ProblemError, unreadable

MOST_AHEAD = 10
"""Answers that a page holds at once: what it holds nobody else is given."""

MOST_DEEDS = 50
"""Marks and others in one request: what a page kept while the server was away comes in parts."""

MOST_SECONDS = 3600.0
MOST_COMMENT = 1000
MOST_NOTE = 500
MOST_EDITION = 10**6

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
    rules.WITHDRAWN: N_("This paper was annulled meanwhile: your mark is not needed."),
    rules.RENEWED: N_(
        "The rubric of this question was changed meanwhile: the answer comes again, to be marked by the new one."
    ),
    rules.OWN_SCHOOL: N_("This answer is by a candidate of your own school: it goes to somebody else."),
    rules.MARKED_ALREADY: N_("You have marked this answer already, in another window. Your earlier mark stands."),
    rules.HANDED_ON: N_("You have handed this answer on."),
    rules.NOT_NEEDED: N_("Your time for this answer was over and others have marked it: your mark is not needed."),
    rules.NOT_GIVEN: N_("This answer was not given to you."),
    rules.TOO_LATE: N_("This mark cannot be changed any more: it is decided, or too long ago."),
}
"""Why the panel refuses something."""


class Questions(PanelApi):
    """What there is to mark."""

    async def get(self, exam_id: str) -> None:
        """{"questions": [{"item", "left", "disputes", "own"}]}."""
        exam, marker = self.exam_for_panel(exam_id)
        found = await self.apart(self.panel.questions, exam.id, marker)
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
        found = await self.apart(self.panel.own, exam.id, item.id, marker.user)
        self.answer({"answers": [vars(one) for one in found]})


class Deeds(PanelApi):
    """Marks, and answers handed on; each is kept or refused by itself."""

    async def post(self, exam_id: str, item_id: str) -> None:
        """{"deeds": [{"client", "deed", "code", "edition", ...}]} -> {"outcomes": [{"client", "saved", "message"}]}.

        A deed that is "saved" is on disk; any other will never be, and "message" says why.
        """
        exam, marker = self.exam_for_panel(exam_id)
        item = self.marked(exam, item_id)
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
        if deed.get("deed") == "hand_on":
            reason, note = deed.get("reason"), text_of(deed.get("note", ""), MOST_NOTE)
            if reason not in REASONS:
                raise unreadable()
            return lambda: self.panel.hand_on(*own, str(reason), note)
        seconds, again = deed.get("seconds"), deed.get("again", False)
        if deed.get("deed") != "mark" or type(again) is not bool or not isinstance(seconds, int | float):
            raise unreadable()
        points, comment = points_of(item, deed.get("points")), text_of(deed.get("comment", ""), MOST_COMMENT)
        took = min(max(float(seconds), 0.0), MOST_SECONDS) if math.isfinite(seconds) else MOST_SECONDS
        return lambda: self.panel.mark(*own, points, client=client, comment=comment, seconds=took, again=again)

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


def points_of(item: Item, value: object) -> tuple[float, ...]:
    """Points for each criterion of the item's rubric. Raises ProblemError where they are none."""
    worth = [points for points, _ in item.rubric]
    if not isinstance(value, list) or len(value) != len(worth) or not all(type(one) in {int, float} for one in value):
        raise unreadable()
    for given, most in zip(value, worth, strict=True):
        if not 0 <= given <= most or (given % POINTS_STEP and given != most):
            raise ProblemError(
                400, "points", N_("A criterion earns between 0 and its points, in steps of half a point.")
            )
    return tuple(map(float, value))
