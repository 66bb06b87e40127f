"""The group lead's side of the panel: who marks and by which rules, how far it is, check scripts."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

from exams.change import RefusedError
from exams.documents import DocumentError, Fields
from exams.errands import AT_WORK
from exams.exam import Exam
from exams.items import Item
from exams.lock import HeldError, held
from exams.pages import ROOM, labels
from exams.panel import statistics
from exams.panel.api import CLIENT, CODE, MOST_COMMENT, REASONS, REFUSED, edition_of, fits, matching, points_of, text_of
from exams.panel.blind import cleaned
from exams.panel.handlers import PanelApi, PanelPage, asked
from exams.panel.pages import SCRIPTS, shortened
from exams.panel.rules import RENEWED, SETTLED
from exams.panel.severity import Severities
from exams.panel.store import PanelStore
from exams.panelrules import Marking, parse_marking
from exams.release import released
from exams.web import N_, Context, ProblemError, unreadable

MOST_NAMES = 300
MOST_NAME = 100

MOST_DISPUTES = 100
"""Shown at once; the count says how many there are."""

SHEETS = 20
"""Answers shown at once for the lead to choose a check script from."""

WHY = (
    N_("Too few answers are marked twice so far."),
    N_("The markers share too few answers: some have marked none that another marked too."),
    N_("The marks hardly differ so far."),
    N_("Too little is left without the markers who gave only the lowest or only the highest mark."),
    N_("The severity could not be computed."),
)
"""Why there may be no severity, as `facets` and `severity` say it; here for the catalogue."""


class Lead(PanelPage):
    """The page; its script asks for what is on it."""

    def get(self, exam_id: str) -> None:
        """The group lead's page of the panel."""
        exam = self.exam_for_lead(exam_id)
        data = {
            "prefix": self.context.prefix,
            "exam": exam.id,
            "user": self.current_user.user,
            "items": {item.id: asked(item) | {"short": shortened(item.stem)} for item in self.items(exam).values()},
            "reasons": {name: self.translate(text) for name, text in REASONS.items()},
        }
        self.show(
            "panel_lead.html",
            exam=exam,
            rules=exam.marking,
            marks=self.current_user.user in exam.marking.everybody,
            data=self.embedded(data),
            labels=labels(self.language, SCRIPTS, ROOM),
        )


class Watch(PanelApi):
    """How far the marking is, asked for every few seconds."""

    async def get(self, exam_id: str) -> None:
        """{"questions": counts of each item, "disputes": what waits for an adjudicator, "disputed": how many}."""
        exam = self.exam_for_lead(exam_id)
        counts = await self.apart(self.panel.counts, exam.id)
        disputes = await self.apart(self.panel.disputes, exam.id)
        worth = worth_of(self.items(exam))
        self.answer(
            {
                "questions": [
                    {**vars(one), "tolerance": exam.marking.tolerance_of(worth.get(one.item, 0.0))} for one in counts
                ],
                "disputed": len(disputes),
                "disputes": [
                    {
                        "item": one.item,
                        "code": one.code,
                        "marks": [{"marker": marker, "total": total} for marker, total in one.marks],
                        "handed_on": [
                            {"marker": marker, "reason": reason, "note": note} for marker, reason, note in one.handed_on
                        ],
                    }
                    for one in disputes[:MOST_DISPUTES]
                ],
            }
        )


class Markers(PanelApi):
    """What the marks say of those who gave them."""

    severities: Severities

    def initialize(self, context: Context, panel: PanelStore, severities: Severities) -> None:  # type: ignore[override]
        """Called by Tornado with what the route carries."""
        super().initialize(context, panel)
        self.severities = severities

    async def get(self, exam_id: str) -> None:
        """{"markers": a row for each who is named or has marked, "questions": agreement by item, "why", "stuck"}.

        "why": there is no severity; "" where there is. "stuck": answers that too few markers are left for. Of a row,
        "extreme": see `facets.extremes`; "unknown": the schools the marker came with where the roster has none of them.
        """
        exam = self.exam_for_lead(exam_id)
        worth = worth_of(self.items(exam))
        tolerance = {name: exam.marking.tolerance_of(points) for name, points in worth.items()}
        ratings = [one for one in await self.apart(self.panel.ratings, exam.id) if one.item in worth]
        passed = Counter(one.marker for one in await self.apart(self.panel.passings, exam.id))
        rows = {one.marker: one for one in await self.apart(statistics.rows, ratings, worth, tolerance)}
        agreements = await self.apart(statistics.agreements, ratings)
        schools = await self.apart(self.panel.schools, exam.id)
        here = {candidate.school for candidate in self.context.hall.candidates(exam).values()}
        told = await self.severities.of(exam.id, statistics.shares(ratings, worth))
        self.answer(
            {
                "markers": [
                    {
                        **(vars(rows[name]) if name in rows else {"marker": name}),
                        "named": name in exam.marking.everybody,
                        "handed_on": passed[name],
                        "severity": vars(told.severities[name]) if name in told.severities else None,
                        "extreme": told.extremes.get(name),
                        "unknown": sorted(schools[name]) if name in schools and not schools[name] & here else [],
                    }
                    for name in sorted(exam.marking.everybody | rows.keys())
                ],
                "questions": {item: vars(own) for item, own in agreements.items()},
                "why": self.translate(told.why) if told.why else "",
                "stuck": await self.apart(self.panel.stuck, exam.id, exam.marking.markers),
            }
        )


class Sheets(PanelApi):
    """Answers to choose check scripts from."""

    async def get(self, exam_id: str, item_id: str) -> None:
        """{"sheets": [{"code", "edition", "text", "standard": [points, comment] or null}]}."""
        exam = self.exam_for_lead(exam_id)
        item = self.marked(exam, item_id)
        found = await self.apart(self.panel.sheets, exam.id, item.id, SHEETS)
        self.answer({"sheets": [vars(one) for one in found]})


class Standard(PanelApi):
    """The lead's own mark of an answer, which makes it a check script."""

    async def post(self, exam_id: str, item_id: str) -> None:
        """{"code", "edition", "client", "points", "comment"} -> {}."""
        exam = self.exam_for_lead(exam_id)
        item, body = self.marked(exam, item_id), self.body()
        code, client, edition = matching(CODE, body.get("code")), matching(CLIENT, body.get("client")), edition_of(body)
        if released(exam.folder) is not None:
            raise ProblemError(409, SETTLED, REFUSED[SETTLED])
        points, comment = points_of(body.get("points")), text_of(body.get("comment", ""), MOST_COMMENT)
        if not fits(item, points):
            raise ProblemError(409, RENEWED, REFUSED[RENEWED])
        setting = self.panel.standard(
            exam.id, item.id, code, edition, points, actor=self.current_user.user, client=client, comment=comment
        )
        try:
            await asyncio.wrap_future(setting)
        except RefusedError as refusal:
            raise ProblemError(409, refusal.code, REFUSED[refusal.code]) from refusal
        self.answer({})


class Settings(PanelApi):
    """Who marks, and by which rules."""

    async def post(self, exam_id: str) -> None:
        """{"markers", "adjudicators", "marks", "tolerance", "check_every"} -> {}; written into exam.toml."""
        exam = self.exam_for_lead(exam_id)
        rules = rules_of(self.body())
        try:
            await asyncio.to_thread(write, exam, rules)
        except HeldError as error:
            sentence = N_("Other work on this exam is under way. Try again when it is done.")
            raise ProblemError(409, "at_work", sentence) from error
        worth = worth_of(self.items(exam))
        await asyncio.wrap_future(self.panel.govern(exam.id, rules, worth, self.current_user.user))
        self.answer({})


def write(exam: Exam, rules: Marking) -> None:
    """Put `rules` into exam.toml, and leave the rest as it is there now. Raises HeldError while the office is at it.

    Once the results are released others may be named, for answers that a ruling put in line again; rules by which
    what is settled would not be are a ProblemError.
    """
    with held(exam.folder / AT_WORK):
        now = Exam.load(exam.folder)
        settling = (rules.marks, rules.tolerance) != (now.marking.marks, now.marking.tolerance)
        if settling and released(exam.folder) is not None:
            sentence = N_("The results are released: who marks can still be changed, marks and tolerance cannot.")
            raise ProblemError(409, SETTLED, sentence)
        replace(now, marking=rules).save()


def rules_of(body: dict[str, Any]) -> Marking:
    """The rules that a browser sends. Raises ProblemError where they are none."""
    names = [body.get(name) for name in ("markers", "adjudicators")]
    if not all(isinstance(one, list) and len(one) <= MOST_NAMES for one in names):
        raise unreadable()
    if not all(isinstance(name, str) and 0 < len(name.strip()) <= MOST_NAME for one in names for name in one or ()):
        raise unreadable()
    if not all(name == cleaned(name) for one in names for name in one or ()):  # TOML takes no other
        raise unreadable()
    plain = {name: body.get(name) for name in ("marks", "tolerance", "check_every")}
    for name, given in zip(("markers", "adjudicators"), names, strict=True):
        plain[name] = list(dict.fromkeys(one.strip() for one in given or ()))
    try:
        return parse_marking(Fields(plain))
    except DocumentError as error:
        raise ProblemError(
            400,
            "rules",
            N_("One or two marks, a tolerance between 0 and 100 %, and a whole number of marks between check scripts."),
        ) from error


def worth_of(items: dict[str, Item]) -> dict[str, float]:
    """Item id -> points."""
    return {item.id: item.points for item in items.values()}
