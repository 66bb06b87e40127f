"""Release 发布: what each candidate may see of the marks, frozen by the group lead's act. Before it there is nothing.

`<exam folder>/released/<candidate number>.json` holds points and comments as they stood; `release.json` says who
released them and when, and is written last: without it nothing is released.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from exams.audit import Entry
from exams.documents import SLUG
from exams.form import Form
from exams.items import Item
from exams.response import Json, digest

MARK, FOLDER = "release.json", "released"
ACT = "release"
"""The audit log's word for it."""

Frozen = list[Json]
"""One candidate's results as they are kept: item, points and comment of each item."""


class Marked(Protocol):
    """One item's marks (`exams.gradebook.Result`)."""

    @property
    def item(self) -> str:
        """The item's id."""

    @property
    def points(self) -> float:
        """Points earned."""

    @property
    def comment(self) -> str:
        """What the marker wrote."""


@dataclass(frozen=True)
class Release:
    """Who released the results of an exam, when (aware UTC), and the version of the key that they are by."""

    by: str
    at: datetime
    key: int


@dataclass(frozen=True)
class ItemResult:
    """What a candidate sees of one item: `item` as in the exam room (`Item.public()`), points, comment, rationale.

    key: the letters of the right options, or the number with its tolerance; empty where a marker decides. ruled:
    whether the points were given to everybody by a ruling.
    """

    item: Mapping[str, Any]
    points: float
    maximum: float
    comment: str
    rationale: str
    key: tuple[str, ...]
    ruled: bool


@dataclass(frozen=True)
class CandidateResult:
    """What a candidate sees of an exam after release."""

    number: str
    points: float
    maximum: float
    at: datetime
    items: tuple[ItemResult, ...]


def release(folder: Path, results: Mapping[str, Sequence[Marked]], by: str, at: datetime, key: int) -> Release:
    """Let each candidate of `results` see them from now on; `folder` is the exam's, `key` the version of its key.

    A second release, as after a correction or an annulment, replaces the first.
    """
    target = folder / FOLDER
    target.mkdir(exist_ok=True, mode=0o700)
    for path in target.glob("*.json"):
        if path.stem not in results:
            path.unlink()
    for number, own in results.items():
        _write(target / f"{number}.json", frozen(own))
    _write(folder / MARK, {"by": by, "at": at.isoformat(), "key": key})
    return Release(by, at, key)


def frozen(own: Sequence[Marked]) -> Frozen:
    """Results as they are kept."""
    return [{"item": one.item, "points": one.points, "comment": one.comment} for one in own]


def kept(folder: Path) -> dict[str, Frozen]:
    """Candidate number -> what is released of the exam kept in `folder`."""
    if released(folder) is None:
        return {}
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (folder / FOLDER).glob("*.json")}


def differing(folder: Path, results: Mapping[str, Sequence[Marked]]) -> set[str]:
    """The numbers of those whose `results` are not what is released, or who have some in one of both alone."""
    held, now = kept(folder), {number: frozen(own) for number, own in results.items()}
    return {number for number in held.keys() | now.keys() if held.get(number) != now.get(number)}


def signature(key: int, results: Mapping[str, Frozen]) -> str:
    """What the audit log tells of results by a version of the key."""
    return digest({"key": key, "results": dict(results)})


def altered(folder: Path, entries: Iterable[Entry]) -> int | None:
    """The newest entry of a release in the exam's audit log if what is released is not what it tells of.

    0 where it tells of none; None where all is as told.
    """
    made, told = released(folder), [entry for entry in entries if entry.act == ACT]
    if not told:
        return None if made is None else 0
    wanted = told[-1].detail.get("digest")  # the first entries of this kind had none
    here = made is not None and signature(made.key, kept(folder)) == wanted
    return None if here or wanted is None else told[-1].id


def _write(path: Path, data: object) -> None:
    draft = path.with_name(path.name + ".part")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(data, file, ensure_ascii=False)
    draft.replace(path)


def released(folder: Path) -> Release | None:
    """The release of the exam kept in `folder`, None before it."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Release(mark["by"], datetime.fromisoformat(mark["at"]), mark["key"])


def result(folder: Path, form_of: Callable[[int], Form], number: str) -> CandidateResult | None:
    """What candidate `number` may see of the form that `form_of` reads, with its key of the version it is given.

    None before release, and without marks.
    """
    release = released(folder)
    path = folder / FOLDER / f"{number}.json"
    if release is None or not SLUG.fullmatch(number) or not path.exists():
        return None
    items, form = [], form_of(release.key)
    for one in json.loads(path.read_text(encoding="utf-8")):
        item = form.item(one["item"])
        told = (one["points"], item.points, one["comment"], item.rationale)
        seen = ItemResult(item.public(), *told, key(item), item.void)
        items.append(seen)
    return CandidateResult(number, sum(one.points for one in items), form.maximum, release.at, tuple(items))


def key(item: Item) -> tuple[str, ...]:
    """The key as a candidate reads it after release."""
    if isinstance(item.key, float):
        return (f"{item.key:g} ± {item.tolerance:g} {item.unit}",)
    return item.key if isinstance(item.key, tuple) else tuple(sorted(filter(None, [item.key, *item.accepted])))
