"""The key 答案 of an exam in its versions: what was ruled after the exam about what is right, and by whom.

Version 1 is the key that the forms were built with. A ruling makes the next: for some items other fields (`RULED`) than
before. `<exam folder>/keys/<version>.json` holds each, and none is ever altered, so that the marks of every version can
be told again. What is proposed and not signed yet is `keys/proposed.json`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from exams import files
from exams.documents import DocumentError, Fields
from exams.exam import Exam
from exams.form import Form
from exams.items import SINGLE, Item, parse_item

FOLDER, PROPOSED = "keys", "proposed.json"
FIRST = 1

RULED = ("key", "tolerance", "minimum_area", "regions", "rubric", "model_answer", "tests")
"""The fields of an item that a ruling may change, as a bank writes them; besides `accepted` and `void`."""

BY_PEOPLE = frozenset({"rubric", "model_answer"})
"""Those by which people mark."""

Fieldset = Mapping[str, Any]
Changes = Mapping[str, Fieldset]
"""Item id -> field -> what it is from now on."""


class KeyRefusedError(DocumentError):
    """Why a ruling cannot be made, in one sentence."""


@dataclass(frozen=True)
class Version:
    """One version of a key: who ruled (`by`), when (aware UTC), why, and what it changed of the version before."""

    number: int
    by: str
    at: datetime
    reason: str
    changes: Changes


@dataclass(frozen=True)
class Proposal:
    """A ruling that is not signed yet. digest: of it and of the marks it changes, as they were shown to who signs."""

    by: str
    reason: str
    changes: Changes
    digest: str


def versions(exam: Exam) -> tuple[Version, ...]:
    """The rulings on an exam's key, oldest first; the first of them makes version 2."""
    folder = exam.folder / FOLDER
    found = (json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("[0-9]*.json"))
    told = [Version(**{**one, "at": datetime.fromisoformat(one["at"])}) for one in found]
    return tuple(sorted(told, key=lambda version: version.number))


def newest(exam: Exam) -> int:
    """The number of the version that marks are given by now."""
    return max((version.number for version in versions(exam)), default=FIRST)


def outdated(exam: Exam, path: Path) -> bool:
    """Whether the file `path`, made from the forms, is missing or older than the newest key."""
    if not path.exists():
        return True
    rulings = (exam.folder / FOLDER).glob("[0-9]*.json")
    return any(ruling.stat().st_mtime_ns > path.stat().st_mtime_ns for ruling in rulings)


def form_at(exam: Exam, form: str, version: int | None = None) -> Form:
    """A form of `exam` with its key of `version`, None for the newest. Raises DocumentError as `Exam.form` does."""
    ruled = [one.changes for one in versions(exam) if version is None or one.number <= version]
    return ruled_form(exam.form(form), ruled)


def ruled_form(form: Form, rulings: Sequence[Changes]) -> Form:
    """`form` after `rulings`, one upon the other; items that it does not have are others' business."""
    items = {item.id: item for item in form.items}
    for changes in rulings:
        items |= {name: ruled(items[name], fields) for name, fields in changes.items() if name in items}
    return replace(form, items=tuple(items.values()))


def ruled(item: Item, fields: Fieldset) -> Item:
    """`item` with other `fields`. Raises KeyRefusedError where they are none that can be ruled, or make no item."""
    own = dict(fields)
    void, accepted = own.pop("void", item.void), own.pop("accepted", list(item.accepted))
    document = item.document()
    if unknown := own.keys() - ({*RULED} & document.keys()):
        raise KeyRefusedError(f"{item.id}: a ruling cannot change {', '.join(sorted(unknown))}.")
    try:
        changed = parse_item(Fields(document | own), {item.group.id: item.group} if item.group else {})
    except DocumentError as error:
        raise KeyRefusedError(f"{item.id}: {error}") from error
    if not isinstance(void, bool):
        raise KeyRefusedError(f"{item.id}: void is true or false.")
    others = set(item.letters) - {changed.key}
    if not isinstance(accepted, list) or not all(isinstance(one, str) and one in others for one in accepted):
        raise KeyRefusedError(f"{item.id}: what is accepted beside the key are other letters of its options.")
    if accepted and item.type not in (*SINGLE, "ecg"):
        raise KeyRefusedError(f"{item.id}: several keys can be accepted only where one option is chosen.")
    return replace(changed, void=void, accepted=tuple(sorted(accepted)))


def rubric_version(exam: Exam, item: str) -> int:
    """The version of the key that last changed how people mark `item`; their marks of earlier ones count no more."""
    return max((one.number for one in versions(exam) if BY_PEOPLE & one.changes.get(item, {}).keys()), default=FIRST)


def retaken(exam: Exam, since: int) -> set[str]:
    """The items on which people's marks of version `since` count no more: the rubric is another, or a rule gives points
    to everybody, or does so no more.
    """
    fields = BY_PEOPLE | {"void"}
    later = (one.changes.items() for one in versions(exam) if one.number > since)
    return {item for changes in later for item, changed in changes if fields & changed.keys()}


def checked(exam: Exam, changes: Changes) -> None:
    """Raise KeyRefusedError unless `changes` change something, and items that `exam` has."""
    known = {item.id: item for form in exam.forms for item in form_at(exam, form).items}
    if not changes:
        raise KeyRefusedError("Nothing is changed: choose a question and what is right about it.")
    for name, fields in changes.items():
        if name not in known:
            raise KeyRefusedError(f"The exam has no item {name!r}.")
        if ruled(known[name], fields) == known[name]:
            raise KeyRefusedError(f"{name}: that is its key already.")


def propose(exam: Exam, proposal: Proposal) -> None:
    """Keep a ruling until it is signed; it replaces another that was not. Raises KeyRefusedError."""
    checked(exam, proposal.changes)
    _write(exam.folder / FOLDER / PROPOSED, vars(proposal))


def proposed(exam: Exam) -> Proposal | None:
    """The ruling that waits to be signed."""
    try:
        return Proposal(**json.loads((exam.folder / FOLDER / PROPOSED).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def sign(exam: Exam, proposal: Proposal, by: str, at: datetime) -> Version:
    """Make the proposal the next version, in force from now on."""
    checked(exam, proposal.changes)
    version = Version(newest(exam) + 1, by, at, proposal.reason, proposal.changes)
    _write(exam.folder / FOLDER / f"{version.number}.json", {**vars(version), "at": at.isoformat()})
    (exam.folder / FOLDER / PROPOSED).unlink(missing_ok=True)
    return version


def _write(path: Path, data: Mapping[str, object]) -> None:
    path.parent.mkdir(exist_ok=True, mode=0o700)
    files.write(path, json.dumps(data, ensure_ascii=False).encode())
