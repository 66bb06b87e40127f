"""Putting answers in line, and what each of them needs after something changed; within a writer's transaction."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from exams import audit
from exams.panel.change import Drawn, Govern, Open
from exams.panel.rules import Kind, Script, State, state
from exams.panel.tables import answers, in_parts, scripts
from exams.panelrules import Marking


def noted(script: Script) -> tuple[State, int]:
    """What `answers` keeps of an answer, so that a claim need not look at its marks: state, independent marks."""
    return state(script), len(script.of_kind(Kind.MARK))


def note(connection: sa.Connection, answer: sa.Row[Any], script: Script) -> None:
    """Note what `answer` needs now that it is `script`."""
    now = noted(script)
    if now != (answer.state, answer.given):
        values = {"state": now[0], "given": now[1]}
        connection.execute(sa.update(answers).where(answers.c.id == answer.id).values(values))


def settle(connection: sa.Connection, ids: Collection[int]) -> None:
    """Note what each of the answers `ids` needs now."""
    for part in in_parts(ids):
        known = sa.select(answers.c.id, answers.c.state, answers.c.given).where(answers.c.id.in_(part))
        before = {row.id: (row.state, row.given) for row in connection.execute(known)}
        moved: dict[tuple[State, int], list[int]] = defaultdict(list)
        for own, script in scripts(connection, part).items():
            if (now := noted(script)) != before[own]:
                moved[now].append(own)
        for (needs, given), those in moved.items():
            connection.execute(sa.update(answers).where(answers.c.id.in_(those)).values(state=needs, given=given))


def open_answers(connection: sa.Connection, change: Open) -> dict[str, int]:
    """Put answers in line; gives how many are "new", in line "again", and "withdrawn" since they are none any more.

    Asked for twice, the second changes nothing. An answer whose text is another now, or whose rubric has a newer
    version, is marked anew.
    """
    rows = connection.execute(sa.select(answers).where(answers.c.exam == change.exam))
    known = {(row.number, row.item): row for row in rows}
    wanted = {(one.opening.number, one.opening.item): one for one in change.drawn}
    new = [_row(change, one) for key, one in wanted.items() if key not in known]
    if new:
        connection.execute(sa.insert(answers), new)
    gone = [row.id for key, row in known.items() if key not in wanted and row.state != State.WITHDRAWN]
    for part in in_parts(gone):
        connection.execute(sa.update(answers).where(answers.c.id.in_(part)).values(state=State.WITHDRAWN))
    again = []
    for key, row in known.items():
        if key in wanted and (values := _news(row, change.rules, wanted[key])):
            connection.execute(sa.update(answers).where(answers.c.id == row.id).values(values))
            again.append(row.id)
    settle(connection, again)
    counts = {"new": len(new), "again": len(again), "withdrawn": len(gone)}
    if any(counts.values()):
        audit.append(connection, [audit.Act(change.at_ms, change.exam, change.actor, "panel_opened", counts)])
    return counts


def _row(change: Open, drawn: Drawn) -> dict[str, object]:
    """A new answer as `answers` keeps it."""
    own = vars(drawn.opening)
    worth = drawn.opening.worth
    kept = {name: own[name] for name in ("number", "school", "item", "form", "text", "version")}
    rules = {"needed": change.rules.marks, "tolerance": change.rules.tolerance_of(worth)}
    chance = {"code": drawn.code, "place": drawn.place}
    return {"exam": change.exam, **kept, **rules, **chance, "edition": 1, "state": State.OPEN, "given": 0}


def _news(row: sa.Row[Any], rules: Marking, drawn: Drawn) -> dict[str, object]:
    """What is to be changed of an answer that is known; nothing where it is as it was."""
    own = drawn.opening
    values: dict[str, object] = {}
    if own.text != row.text or own.version > row.version:
        values = {"text": own.text, "version": max(own.version, row.version), "edition": row.edition + 1}
    if (rules.marks, rules.tolerance_of(own.worth)) != (row.needed, row.tolerance):
        values |= {"needed": rules.marks, "tolerance": rules.tolerance_of(own.worth)}
    if own.school != row.school:
        values["school"] = own.school
    if row.state == State.WITHDRAWN:
        values["state"] = State.OPEN
    return values


def govern(connection: sa.Connection, change: Govern) -> None:
    """Mark by other rules from now on; what is settled by them is settled, what is not any more is in line again."""
    for item, worth in change.worth.items():
        here = (answers.c.exam == change.exam, answers.c.item == item)
        rules = {"needed": change.rules.marks, "tolerance": change.rules.tolerance_of(worth)}
        connection.execute(sa.update(answers).where(*here).values(rules))
    settle(connection, connection.scalars(sa.select(answers.c.id).where(answers.c.exam == change.exam)).all())
    named = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(change.rules).items()}
    audit.append(connection, [audit.Act(change.at_ms, change.exam, change.actor, "panel_governed", named)])
