"""A question as another program's file says it, before it is an item of ours, and what becomes of it.

The readers of the formats make questions; `read_as_items` turns them into the fields that a bank file has. Facts are
fields of ours that other programs know only as tags or keywords: `level:recall`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from exams.documents import SLUG
from exams.interchange.report import WHOLE, Loss
from exams.items import GROUPED, LETTERS, SHARED_STEM, SINGLE, Item

CASE, CHOICE, MULTIPLE, NUMBER, TEXT = "case", "single choice", "multiple choice", "number", "text"
KIND_OF = dict.fromkeys(SINGLE, CHOICE) | {"X": MULTIPLE, "numeric": NUMBER, "short": TEXT}
USUAL = {CHOICE: "A1", MULTIPLE: "X", NUMBER: "numeric", TEXT: "short"}
TEXT_FACTS = ("type", "subject", "topic", "level", "group", "unit")
NUMBER_FACTS = ("difficulty", "points", "max_length")
EXACT_TOLERANCE = 1e-6  # stands for "this number only": our items accept a range, be it ever so small
MOST_DIGITS = 60  # characters of a number
SOURCE_LINE = "来源："
MODEL_ANSWER = "参考答案："
CRITERION = re.compile(r"(\d+(?:\.\d+)?) ?分[：:] ?(.*)", re.DOTALL)
NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Question:
    """One question of a file. `right` are the places (from 0) of the right options; `case` is a shared stem."""

    name: str
    kind: str
    stem: str
    options: tuple[str, ...] = ()
    right: tuple[int, ...] = ()
    number: float | None = None
    tolerance: float | None = None
    guide: str = ""
    rationale: str = ""
    source: str = ""
    case: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True)
class Reading:
    """The items of a file as fields of a bank file, incomplete as they may be, with the groups and the losses."""

    items: tuple[Mapping[str, Any], ...]
    groups: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    losses: tuple[Loss, ...] = ()


class UnusableError(ValueError):
    """A question that no item can be made of; `loss` says why."""

    def __init__(self, name: str, why: str):
        super().__init__(name, why)
        self.loss = Loss(name, WHOLE, f"left out: {why}")


def numeral(value: float) -> str:
    """A number as briefly as it can be written without becoming another."""
    short = f"{value:.15g}"
    return short if float(short) == value else repr(value)


def number(text: str) -> float | None:
    """The number that `text` is, None where it is none."""
    plain = text.strip()
    return float(plain) if len(plain) <= MOST_DIGITS and NUMERAL.fullmatch(plain) else None


def facts(item: Item, but: Sequence[str] = ()) -> list[str]:
    """The facts of an item, `name:value` each, but for those that have another place."""
    known = {"type": item.type, "subject": item.subject, "topic": item.topic, "level": item.level}
    known |= {"difficulty": numeral(item.difficulty), "points": numeral(item.points)}
    known |= {"group": item.group.id if item.group else "", "unit": item.unit}
    known |= {"max_length": str(item.max_length) if item.max_length else ""}
    return [f"{name}:{value}" for name, value in known.items() if value and name not in but]


def read_facts(tags: Iterable[str], name: str) -> tuple[dict[str, str], tuple[Loss, ...]]:
    """The facts among the tags of the question `name`; other tags are lost."""
    found: dict[str, str] = {}
    losses = []
    for tag in tags:
        key, colon, value = tag.partition(":")
        if colon and key in (*TEXT_FACTS, *NUMBER_FACTS) and key not in found:
            found[key] = value
        else:
            losses.append(Loss(name, "tag", f"the bank has no place for the tag {tag!r}"))
    return found, tuple(losses)


def with_source(item: Item) -> str:
    """The rationale with a last line that names the source."""
    return f"{item.rationale}\n{SOURCE_LINE}{item.source}"


def without_source(text: str) -> tuple[str, str]:
    """(rationale, source) of what `with_source` made."""
    head, line, tail = f"\n{text}".rpartition(f"\n{SOURCE_LINE}")
    return (head.strip(), tail.strip()) if line and "\n" not in tail.strip() else (text.strip(), "")


def guide(item: Item) -> str:
    """What a marker needs: the rubric, a line for each criterion, and the model answer."""
    criteria = [f"{numeral(points)} 分：{text}" for points, text in item.rubric]
    return "\n".join([*criteria, MODEL_ANSWER + item.model_answer])


def read_guide(text: str) -> tuple[list[dict[str, Any]], str]:
    """(rubric, model answer) of what `guide` made; no rubric where no criterion stands in `text`."""
    head, _, answer = text.partition(MODEL_ANSWER)
    rubric: list[dict[str, Any]] = []
    for line in head.strip().split("\n"):
        if criterion := CRITERION.fullmatch(line.strip()):
            rubric.append({"points": float(criterion[1]), "text": criterion[2].strip()})
        elif rubric and line.strip():
            rubric[-1]["text"] += f"\n{line}"
    return rubric, answer.strip()


def named(questions: Iterable[Question], stem: str) -> list[Question]:
    """The questions with names that may be ids of items; those that may not are changed, which the losses say."""
    done = []
    for place, question in enumerate(questions, 1):
        usable = re.sub(r"[^A-Za-z0-9_-]+", "-", question.name).strip("-_")
        name = usable if SLUG.fullmatch(usable) and len(usable) >= len(question.name) / 2 else f"{stem}-{place:03d}"
        losses = tuple(replace(loss, item=name) if loss.item == question.name else loss for loss in question.losses)
        if name != question.name:
            losses += (Loss(name, "id", f"{question.name!r} is no id here, so the item is called {name}"),)
        done.append(replace(question, name=name, losses=losses))
    return done


def read_as_items(questions: Sequence[Question], losses: Iterable[Loss] = ()) -> Reading:
    """The questions as fields of a bank file."""
    cases = {question.name: question.stem for question in questions if question.kind == CASE}
    found = [*losses]
    groups: dict[str, dict[str, Any]] = {}
    items = []
    for question in questions:
        found += question.losses
        if question.kind != CASE:
            items.append(_fields(_split(question, cases), groups, found))
    found += [
        Loss(name, "description", "a text without a question has no place in a bank")
        for name in cases
        if name not in groups
    ]
    return Reading(tuple(items), groups, tuple(found))


def _split(question: Question, cases: Mapping[str, str]) -> Question:
    """The question with its case apart from its stem, where it stands before it."""
    case = cases.get(question.facts.get("group", ""), "")
    if question.case or not case:
        return question
    if question.stem.startswith(case) and question.stem != case:
        return replace(question, case=case, stem=question.stem.removeprefix(case).strip())
    return question


def _fields(question: Question, groups: dict[str, dict[str, Any]], losses: list[Loss]) -> dict[str, Any]:
    kind = question.facts.get("type", "")
    if KIND_OF.get(kind) != question.kind:
        kind = USUAL[question.kind]
        losses.append(Loss(question.name, "type", f"the file does not say it, {kind} stands in"))
    own: dict[str, Any] = {"id": question.name, "type": kind}
    own |= {name: question.facts[name] for name in ("subject", "topic", "level") if question.facts.get(name)}
    for name in ("difficulty", "points"):
        value = number(question.facts.get(name, ""))
        if value is not None:
            own[name] = value
    texts = {"stem": question.stem, "rationale": question.rationale, "source": question.source}
    own |= {name: text for name, text in texts.items() if text}
    if question.kind == NUMBER:
        own |= _numeric(question, losses)
    elif question.kind == TEXT:
        own |= _short(question)
    else:
        right = [LETTERS[place] for place in question.right if place < len(LETTERS)]
        own["options"] = {str(place): text for place, text in enumerate(question.options)}
        if len(question.options) <= len(LETTERS):
            own["options"] = dict(zip(LETTERS, question.options, strict=False))
        own["key"] = right if question.kind == MULTIPLE else "".join(right)
    return _grouped(question, own, groups, losses) if kind in GROUPED or question.case else own


def _numeric(question: Question, losses: list[Loss]) -> dict[str, Any]:
    tolerance = question.tolerance
    if not tolerance:
        tolerance = EXACT_TOLERANCE
        why = f"the file accepts only the exact number, {EXACT_TOLERANCE:.6f} stands in"
        losses.append(Loss(question.name, "tolerance", why))
    found = {"key": question.number, "tolerance": tolerance, "unit": question.facts.get("unit")}
    return {name: value for name, value in found.items() if value is not None}


def _short(question: Question) -> dict[str, Any]:
    rubric, answer = read_guide(question.guide)
    found: dict[str, Any] = {"guide": question.guide} if question.guide and not rubric else {}
    if rubric:
        found["rubric"] = rubric
    if answer:
        found["model_answer"] = answer
    length = question.facts.get("max_length", "")
    return found | ({"max_length": int(length)} if re.fullmatch("[1-9][0-9]{0,8}", length) else {})


def _grouped(
    question: Question, own: dict[str, Any], groups: dict[str, dict[str, Any]], losses: list[Loss]
) -> dict[str, Any]:
    """The item as a member of its group; alone, where it has none or differs from what the group shares."""
    group = question.facts.get("group", "")
    shares_stem = own["type"] in SHARED_STEM
    shared = {"stem": question.case} if question.case else {"options": own.get("options", {})}
    if (
        bool(question.case) == shares_stem
        and own["type"] in GROUPED
        and SLUG.fullmatch(group)
        and groups.setdefault(group, shared) == shared
    ):
        own["group"] = group
        return {name: value for name, value in own.items() if name != "options" or shares_stem}
    stem = "\n".join(text for text in (question.case, question.stem) if text)
    if own["type"] not in GROUPED:
        return own | {"stem": stem}
    alone = "A2" if shares_stem else "A1"
    losses.append(Loss(question.name, "group", f"the items of its group differ in what they share: {alone} now"))
    return own | {"type": alone, "stem": stem}
