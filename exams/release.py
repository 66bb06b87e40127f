"""Release 发布: what each candidate may see of the marks, frozen by the group lead's act. Before it there is nothing.

`<exam folder>/released/<one release>/<candidate number>.json` holds points and comments as they stood; `release.json`
says which release holds, who made it and when. It is written last, so that a release is there as a whole or not at all.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from exams import files
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
    """Who released the results of an exam, when (aware UTC), and the version of the key that they are by.

    folder: the name of the folder that they lie in.
    """

    by: str
    at: datetime
    key: int
    folder: str


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
    (folder / FOLDER).mkdir(exist_ok=True, mode=0o700)
    target = Path(tempfile.mkdtemp(dir=folder / FOLDER))
    for number, own in results.items():
        path = target / f"{number}.json"
        path.touch(0o600)
        path.write_text(json.dumps(frozen(own), ensure_ascii=False), encoding="utf-8")
    os.sync()  # once: a release has thousands of files
    made, before = Release(by, at, key, target.name), released(folder)
    files.write(folder / MARK, json.dumps({**vars(made), "at": at.isoformat()}, ensure_ascii=False).encode())
    # whoever is reading the release before it still finds that; all else is of older ones, or of some that ended early
    for path in set((folder / FOLDER).glob("*/")) - {target, before and folder / FOLDER / before.folder}:
        shutil.rmtree(path)
    return made


def frozen(own: Sequence[Marked]) -> Frozen:
    """Results as they are kept."""
    return [{"item": one.item, "points": one.points, "comment": one.comment} for one in own]


def kept(folder: Path) -> dict[str, Frozen]:
    """Candidate number -> what is released of the exam kept in `folder`."""
    made = released(folder)
    paths = () if made is None else (folder / FOLDER / made.folder).glob("*.json")
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


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


def released(folder: Path) -> Release | None:
    """The release of the exam kept in `folder`, None before it."""
    try:
        mark = json.loads((folder / MARK).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return Release(mark["by"], datetime.fromisoformat(mark["at"]), mark["key"], mark.get("folder", "."))


def result(folder: Path, form_of: Callable[[int], Form], number: str) -> CandidateResult | None:
    """What candidate `number` may see of the form that `form_of` reads, with its key of the version it is given.

    None before release, and without marks.
    """
    release = released(folder)
    if release is None or not SLUG.fullmatch(number):
        return None
    path = folder / FOLDER / release.folder / f"{number}.json"
    if not path.exists():
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
