"""The ledger of a bank: what became of each version of each item, who did it and when. One JSON a line, only appended.

An item is a draft until another teacher than its author has reviewed this very version; then it may go live, and only
live items come into forms. Whatever is changed in an item makes another version, which is a draft again. Uses in forms
and statistics of exams stand here too. A bank without a ledger is not kept this way: all its items may be used.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from exams.documents import DocumentError
from exams.items import Item
from exams.response import canonical

FILE = "ledger.jsonl"


class State(StrEnum):
    """Where a version of an item stands."""

    DRAFT = "draft"
    REVIEWED = "reviewed"
    LIVE = "live"
    RETIRED = "retired"


class Act(StrEnum):
    """What can be done to an item."""

    WRITE = "write"
    REVIEW = "review"
    PUBLISH = "publish"
    RETIRE = "retire"
    USE = "use"
    MEASURE = "measure"


class NotAllowedError(ValueError):
    """Why an act is not allowed, in one sentence."""


@dataclass(frozen=True)
class Entry:
    """One act. at: aware UTC, ISO 8601. detail: of USE {exam, form}, of MEASURE {exam} and the fields of `Measured`."""

    at: str
    by: str
    act: Act
    item: str
    version: str
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """What an exam told of an item, whatever its version.

    candidates: how many were asked. difficulty: share of the points they earned, 0 to 1, so that 1 is the easiest.
    discrimination: correlation of the item's points with those of the rest of the form, -1 to 1.
    """

    candidates: int
    difficulty: float
    discrimination: float


def version_of(item: Item) -> str:
    """What changes whenever anything in an item does, the stem or options that it shares included."""
    group = None if item.group is None else asdict(item.group)
    if group is not None and not group["forward_only"]:
        del group["forward_only"]  # a version keeps its name: most groups were hashed before they could say this
    return hashlib.sha256(canonical([item.document(), group])).hexdigest()[:16]


def state(entries: Iterable[Entry], item: Item) -> State:
    """Where the item, as it is now, stands."""
    return state_of(entries, item.id, version_of(item))


def state_of(entries: Iterable[Entry], item: str, version: str) -> State:
    """Where this version of the item stands."""
    found = State.DRAFT
    for entry in entries:
        if entry.item == item and entry.version == version:
            found = AFTER.get(entry.act, found)
    return found


AFTER = {
    Act.WRITE: State.DRAFT,
    Act.REVIEW: State.REVIEWED,
    Act.PUBLISH: State.LIVE,
    Act.RETIRE: State.RETIRED,
}


def authors(entries: Iterable[Entry], item: Item) -> set[str]:
    """Who put their name to the item as it is now."""
    version = version_of(item)
    return {entry.by for entry in entries if (entry.item, entry.version, entry.act) == (item.id, version, Act.WRITE)}


def allow(entries: Sequence[Entry], item: Item, act: Act, by: str) -> None:
    """Raise NotAllowedError where `by` may not do `act` to the item as it is now."""
    now = state(entries, item)
    if act is Act.REVIEW:
        if now is not State.DRAFT:
            raise NotAllowedError(f"{item.id} is {now}: only a draft is reviewed.")
        if not (known := authors(entries, item)):
            raise NotAllowedError(f"Nobody has put their name to {item.id} as it is now: its author does that first.")
        if by in known:
            raise NotAllowedError(f"{by} wrote {item.id}: another teacher reviews it.")
    elif act is Act.PUBLISH and now is not State.REVIEWED:
        raise NotAllowedError(f"{item.id} is {now}: only a reviewed item goes live.")
    elif act is Act.RETIRE and now is State.RETIRED:
        raise NotAllowedError(f"{item.id} is retired already.")


def exposure(entries: Iterable[Entry]) -> dict[str, int]:
    """In how many forms each item stood, whatever its version."""
    counted: dict[str, int] = {}
    for entry in entries:
        if entry.act is Act.USE:
            counted[entry.item] = counted.get(entry.item, 0) + 1
    return counted


def measured(entries: Iterable[Entry]) -> dict[str, Measured]:
    """What the last exam that was measured told of each item."""
    return {entry.item: _measured(entry) for entry in entries if entry.act is Act.MEASURE}


def _measured(entry: Entry) -> Measured:
    return Measured(*(entry.detail[name] for name in ("candidates", "difficulty", "discrimination")))


def usable(entries: Sequence[Entry] | None, items: Sequence[Item]) -> list[Item]:
    """The items that may come into a form: live ones; all of a bank without a ledger."""
    if entries is None:
        return list(items)
    own: dict[str, list[Entry]] = {}
    for entry in entries:
        own.setdefault(entry.item, []).append(entry)
    return [item for item in items if state(own.get(item.id, ()), item) is State.LIVE]


def entry(item: Item, act: Act, by: str, at: datetime, **detail: object) -> Entry:
    """An entry about the item as it is now."""
    return Entry(at.isoformat(timespec="seconds"), by, act, item.id, version_of(item), detail)


def read(bank: Path) -> list[Entry] | None:
    """The ledger of the bank in the folder `bank`, None where it has none.

    Raises DocumentError, `file:line: sentence`, where a line is no entry.
    """
    path = bank / FILE
    if not path.exists():
        return None
    found = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            found.append(Entry(**{**(plain := json.loads(line)), "act": Act(plain["act"])}))
            if found[-1].act is Act.MEASURE:
                _measured(found[-1])
        except (ValueError, TypeError, KeyError) as error:
            raise DocumentError(f"This line is no entry of a ledger ({error}).", (), f"{path}:{number}") from error
    return found


def append(bank: Path, entries: Iterable[Entry]) -> None:
    """Write entries at the end of the ledger, on disk when this returns; writers of several processes take turns."""
    lines = "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in entries)
    with (bank / FILE).open("a", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.write(lines)
        file.flush()
        os.fsync(file.fileno())
