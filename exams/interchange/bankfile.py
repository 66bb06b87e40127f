"""A bank file 题库文件 from what was read: gaps filled as agreed, each item checked as the bank checks it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from exams import code
from exams.documents import DocumentError, Fields
from exams.interchange.question import Reading
from exams.interchange.report import WHOLE, Loss
from exams.interchange.safe import harm
from exams.items import (
    GROUPED,
    LETTERS,
    POINTS_STEP,
    SHARED_STEM,
    SINGLE_OPTIONS,
    Group,
    Item,
    parse_group,
    parse_item,
    parse_items,
)

NO_RATIONALE = "（无解析）"
NO_UNIT = "（无单位）"
NO_MODEL_ANSWER = "（无参考答案）"
NO_CRITERION = "由阅卷教师评定"
USUAL_LENGTH = 500  # characters of a short answer, where a file sets no limit
ORDER = (
    *("id", "type", "subject", "topic", "group", "level", "difficulty", "points", "stem", "asset", "options"),
    *(
        "measure",
        "key",
        "tolerance",
        "unit",
        "minimum_area",
        "example",
        "regions",
        "rubric",
        "model_answer",
        "starter",
        "solution",
        "tests",
        "max_length",
    ),
    *("rationale", "source"),
)
"""The fields of an item as banks write them."""

WIDTH = 120  # of a line of YAML


@dataclass(frozen=True)
class Defaults:
    """What stands in where a file says nothing."""

    subject: str
    topic: str
    source: str
    level: str = "apply"
    difficulty: float = 0.7
    points: float = 1.0


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, as people write them."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        """A text."""
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)


_Dumper.add_representer(str, _Dumper.represent_str)


@dataclass(frozen=True)
class BankFile:
    """The items that were accepted, and the plain data of the bank file that holds them."""

    items: tuple[Item, ...]
    data: Mapping[str, Any]

    def text(self) -> str:
        """As YAML."""
        return dumped(self.data)


def dumped(data: Any) -> str:
    """Plain data as bank files write it, in YAML."""
    text: str = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=WIDTH)
    return text


def completed(reading: Reading, defaults: Defaults) -> tuple[BankFile, list[Loss]]:
    """The bank file with every sound item of `reading`, and the whole report.

    Raises DocumentError where an id stands twice or a text could harm readers: then nothing is imported.
    """
    losses = list(reading.losses)
    _refuse_twice(str(item["id"]) for item in reading.items)
    for item in reading.items:
        for text in texts_of([_unmarked(item), reading.groups.get(str(item.get("group")), {})]):
            if found := harm(text):
                raise DocumentError(f"Question {item['id']} holds {found}: remove it and import again.")
    groups = _sound_groups(reading)
    items = []
    for entry in reading.items:
        full, filled = _filled(entry, defaults)
        why = _fault(full, groups)
        losses += [Loss(str(entry["id"]), WHOLE, why)] if why else filled
        items += [] if why else [full]
    items = _without_lonely(items, groups, losses)
    gone = {loss.item for loss in losses if loss.what == WHOLE} - {item["id"] for item in items}
    losses = [loss for loss in losses if loss.what == WHOLE or loss.item not in gone]
    data = _data(items, groups)
    accepted = parse_items(Fields(data), str(data["subject"]), str(data["topic"])) if items else ()
    return BankFile(accepted, data), losses


def _unmarked(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of an item without the markers of hidden tests, where they may stand: `exams.code` sees to them."""
    tests = entry.get("tests")
    if entry.get("type") != "code" or not isinstance(tests, str):
        return dict(entry)
    return {**entry, "tests": tests.replace(code.BEGIN, "").replace(code.END, "")}


def _data(items: list[dict[str, Any]], groups: Mapping[str, Group]) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in ("subject", "topic"):
        data[name] = Counter(str(item[name]) for item in items).most_common(1)[0][0] if items else ""
    used = dict.fromkeys(str(item["group"]) for item in items if "group" in item)
    if used:
        data["groups"] = [groups[name].document() for name in used]
    data["items"] = [entry_of(item, data) for item in items]
    return data


def entry_of(item: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The item as it is written into the bank file `data`, which says subject and topic for all of its items."""
    own = {name: item[name] for name in sorted(item, key=_place)}
    return {name: value for name, value in own.items() if name not in ("subject", "topic") or value != data[name]}


def _place(name: str) -> int:
    return ORDER.index(name) if name in ORDER else len(ORDER)


def _refuse_twice(ids: Iterable[str]) -> None:
    twice = [name for name, count in Counter(ids).items() if count > 1]
    if twice:
        raise DocumentError(f"The id {twice[0]!r} stands in the file twice: give each question its own, import again.")


def texts_of(value: Any) -> Iterator[str]:
    """Every text in plain data, names of fields included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from texts_of(name)
            yield from texts_of(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts_of(inner)


def _sound_groups(reading: Reading) -> dict[str, Group]:
    groups = {}
    for name, shared in reading.groups.items():
        try:
            groups[name] = parse_group(Fields({"id": name, **shared}))
        except DocumentError:  # its items are left out: what they share has no group
            continue
    return groups


def _filled(entry: Mapping[str, Any], defaults: Defaults) -> tuple[dict[str, Any], list[Loss]]:
    """The item with nothing missing, and what was filled in."""
    full = {name: value for name, value in entry.items() if name != "guide"}
    losses: list[Loss] = []

    def fill(name: str, value: Any) -> None:
        if name not in full:
            full[name] = value
            losses.append(Loss(str(entry["id"]), name, f"the file does not say it, {_shown(value)} stands in"))

    for name in ("subject", "topic", "level", "difficulty", "source"):
        fill(name, getattr(defaults, name))
    fill("rationale", NO_RATIONALE)
    if "points" not in full and full.get("rubric"):
        full["points"] = sum(criterion["points"] for criterion in full["rubric"])
    fill("points", defaults.points)
    points = full["points"]
    if isinstance(points, float) and 0 < points < 10_000 and points % POINTS_STEP:
        full["points"] = max(POINTS_STEP, round(points / POINTS_STEP) * POINTS_STEP)
        losses.append(
            Loss(str(entry["id"]), "points", f"points are multiples of {POINTS_STEP:g}, so they were rounded")
        )
    if full.get("type") == "short":
        guide = entry.get("guide")
        fill("rubric", [{"points": full["points"], "text": guide or NO_CRITERION}])
        fill("model_answer", guide or NO_MODEL_ANSWER)
        fill("max_length", USUAL_LENGTH)
    elif full.get("type") == "numeric":
        fill("unit", NO_UNIT)
    return full, losses


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "one criterion for all points"
    return f"{value:g}" if isinstance(value, float) else f"{value!s:.60}"


def _fault(full: Mapping[str, Any], groups: Mapping[str, Group]) -> str:
    """Why the bank refuses the item; "" where it does not."""
    options = full.get("options", {})
    kind = full.get("type")
    if kind in ("A1", "A2", "A3", "A4") and isinstance(options, Mapping) and len(options) != SINGLE_OPTIONS:
        more = "add what is missing" if len(options) < SINGLE_OPTIONS else "remove the rest"
        return (
            f"left out: {kind} items have {SINGLE_OPTIONS} options, this one has {len(options)}: {more} and import it"
        )
    if isinstance(options, Mapping) and len(options) > len(LETTERS):
        return f"left out: an item has at most {len(LETTERS)} options, this one has {len(options)}"
    try:
        parse_item(Fields(full), groups)
    except DocumentError as error:
        return f"left out: {error.sentence.rstrip('.')}"
    except (TypeError, ValueError, KeyError, OverflowError):
        return "left out: a field holds what it cannot hold"
    return ""


def _without_lonely(
    items: list[dict[str, Any]], groups: Mapping[str, Group], losses: list[Loss]
) -> list[dict[str, Any]]:
    """The items, those that are the last of their group made items of their own."""
    members = Counter(str(item.get("group")) for item in items)
    kept = []
    for item in items:
        if item.get("type") not in GROUPED or members[str(item["group"])] > 1:
            kept.append(item)
            continue
        group = groups[item["group"]]
        alone = {name: value for name, value in item.items() if name != "group"}
        if item["type"] in SHARED_STEM:
            alone |= {"type": "A2", "stem": f"{group.stem}\n{item['stem']}"}
        elif len(group.options) == SINGLE_OPTIONS:
            alone |= {"type": "A1", "options": dict(group.options)}
        else:
            losses.append(Loss(item["id"], WHOLE, "left out: a group needs two items or more"))
            continue
        losses.append(
            Loss(item["id"], "group", f"it is the only one of its group, so it is an {alone['type']} item now")
        )
        kept.append(alone)
    return kept
