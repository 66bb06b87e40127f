"""Writing into a bank: one change is one bank file put in place as a whole, and then the ledger.

Writers take turns by a lock of the bank. Who edited what somebody else has changed meanwhile is refused.
"""

from __future__ import annotations

import fcntl
import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from exams import files, ledger
from exams.bankdesk import deeds, splice
from exams.bankdesk.banks import Bank, Banks
from exams.documents import Document, DocumentError, Fields, read_yaml
from exams.interchange.bankfile import dumped, entry_of, texts_of
from exams.interchange.safe import MOST_TEXT, harm
from exams.items import Group, Item, load_file, parse_items
from exams.ledger import Act, NotAllowedError
from exams.response import canonical

LOCK = ".lock"
MOST_LINES = 400
"""Of a bank file that more items are added to."""


class ClashError(Exception):
    """What was edited is not any more what it was edited from; `item` names one item concerned."""

    def __init__(self, item: str) -> None:
        super().__init__(item)
        self.item = item


@dataclass(frozen=True)
class Change:
    """Items by id as plain data, and the group they share where that is written too.

    versions: by id, the versions of those items that were in the bank; who is not named here is new. group_version: of
    the group as it was, "" for a new one.
    """

    items: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str] = field(default_factory=dict)
    group: Mapping[str, Any] | None = None
    group_version: str = ""


def group_version(group: Group) -> str:
    """What changes whenever a group does."""
    return hashlib.sha256(canonical(asdict(group))).hexdigest()[:16]


@contextmanager
def turn(folder: Path) -> Iterator[None]:
    """Within, nobody else writes into the bank in `folder`."""
    with (folder / LOCK).open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def save(
    banks: Banks, name: str, change: Change, by: str, at: datetime, check: Callable[[Item], None] = lambda _: None
) -> list[str]:
    """Write the change into its bank file; the ids of the items that are drafts of `by` now.

    check: raises DocumentError, with the path in the item, where one may not be as it is. Raises ClashError, and
    DocumentError with the path of what is wrong: ("items", id, field...) or ("group", field...).
    """
    with turn(banks.root / name):
        bank = banks.bank(name)
        _refuse_clashes(bank, change)
        _refuse_texts(change)
        path = _file_of(bank, change)
        document = read_yaml(path) if path.exists() else Document(str(path), _empty(bank, change))
        places = _places(document.data, change)
        data = _changed(document.data, places)
        items = _parsed(data)
        for item in items:
            if item.id in change.items:
                _checked(item, check)
        text = _text(path, document.data, places, data)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text, encoding="utf-8")
        try:
            if load_file(draft) != items:
                raise RuntimeError(f"{path} would not hold what was meant.")
        finally:
            draft.unlink()
        before = {record.item.id: record.version for record in bank.records.values()}
        written = [item for item in items if ledger.version_of(item) != before.get(item.id)]
        if written:
            files.write(path, text.encode())
            ledger.append(bank.folder, [ledger.entry(item, Act.WRITE, by, at) for item in written])
        return [item.id for item in written]


def add(banks: Banks, name: str, data: Mapping[str, Any], stem: str, by: str, at: datetime) -> list[str]:
    """Write a whole new bank file, called by `stem`; its items are drafts of `by`. Raises ClashError, DocumentError."""
    with turn(banks.root / name):
        bank = banks.bank(name)
        fields = Fields(data)
        items = parse_items(fields, fields.text("subject"), fields.text("topic"))
        ids = {item.id for item in items} | {item.group.id for item in items if item.group}
        if known := sorted(ids & bank.names()):
            raise ClashError(known[0])
        files.write(_free(bank.folder, stem), dumped(data).encode())
        ledger.append(bank.folder, [ledger.entry(item, Act.WRITE, by, at) for item in items])
        return [item.id for item in items]


def do(banks: Banks, name: str, item: str, version: str, deed: Act, by: str, at: datetime, note: str) -> None:
    """Do `deed` to this version of an item. Raises ClashError, and NotAllowedError."""
    with turn(banks.root / name):
        bank = banks.bank(name)
        record = bank.records.get(item)
        if record is None or record.version != version:
            raise ClashError(item)
        if reason := deeds.refusal(bank.entries.get(item, ()), record.item, deed, by):
            raise NotAllowedError(reason)
        detail = {"note": note} if note else {}
        ledger.append(bank.folder, [ledger.entry(record.item, deed, by, at, **detail)])


def _refuse_clashes(bank: Bank, change: Change) -> None:
    for item, version in change.versions.items():
        record = bank.records.get(item)
        if record is None or record.version != version:
            raise ClashError(item)
    for item in change.items.keys() - change.versions.keys():
        if item in bank.names():
            raise DocumentError(f"The bank has the id {item!r} already.", ("items", item, "id"))
    if change.group is not None:
        own = str(change.group.get("id"))
        group = bank.group(own)
        if change.group_version and (group is None or group_version(group) != change.group_version):
            raise ClashError(next((member.id for member in bank.members(own)), own))
        if not change.group_version and own in bank.names() | change.items.keys():
            raise DocumentError(f"The bank has the id {own!r} already.", ("group", "id"))


def _refuse_texts(change: Change) -> None:
    """What an import would refuse is refused here too: items are shown as notebooks and handed to other programs."""
    for item, entry in change.items.items():
        if not str(entry.get("topic", "")).strip():
            raise DocumentError("The field 'topic' is blank.", ("items", item, "topic"))
    parts = [(("items", item), entry) for item, entry in change.items.items()]
    for path, entry in [*parts, (("group",), change.group or {})]:
        for name, value in entry.items():
            for text in texts_of(value):
                if len(text) > MOST_TEXT:
                    raise DocumentError(f"A text is longer than {MOST_TEXT} characters.", (*path, name))
                if found := harm(text):
                    raise DocumentError(f"The text holds {found}: write it in another way.", (*path, name))


def _file_of(bank: Bank, change: Change) -> Path:
    """The bank file that a change belongs into."""
    group = str((change.group or next(iter(change.items.values()))).get("group" if change.group is None else "id"))
    for record in bank.records.values():
        if record.item.id in change.versions or (record.item.group and record.item.group.id == group):
            return bank.folder / record.file
    topic = str(next(iter(change.items.values())).get("topic"))
    for name in reversed(dict.fromkeys(one.file for one in bank.records.values() if one.item.topic == topic)):
        path = bank.folder / name
        if read_yaml(path).data["topic"] == topic and path.read_text("utf-8").count("\n") < MOST_LINES:
            return path
    return _free(bank.folder, topic)


def _free(folder: Path, stem: str) -> Path:
    """A file in `folder` that is not there yet, named after `stem`."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-_") or "items"
    names = [plain, *(f"{plain}_{number}" for number in range(2, 10_000))]
    return next(path for name in names if not (path := folder / f"{name}.yaml").exists())


def _empty(bank: Bank, change: Change) -> dict[str, Any]:
    """A bank file without items, for those of the change."""
    subjects = Counter(one.item.subject for one in bank.records.values()).most_common(1)
    topic = str(next(iter(change.items.values())).get("topic"))
    return {"subject": subjects[0][0] if subjects else bank.name, "topic": topic, "items": []}


Places = list[tuple[str, int | None, Mapping[str, Any]]]
"""What is written where: the list, the index there (None: at the end), the entry."""


def _places(data: Mapping[str, Any], change: Change) -> Places:
    def place(part: str, own: str) -> int | None:
        return next((index for index, one in enumerate(data.get(part, [])) if one["id"] == own), None)

    group: Places = []
    if change.group is not None:
        group = [("groups", place("groups", str(change.group.get("id"))), change.group)]
    return group + [("items", place("items", item), entry_of(entry, data)) for item, entry in change.items.items()]


def _changed(data: Mapping[str, Any], places: Places) -> dict[str, Any]:
    """The file's data with the entries in their places."""
    changed = dict(data)
    for part, index, entry in places:
        entries = list(changed.get(part, []))
        at = len(entries) if index is None else index
        entries[at : at + 1] = [entry]
        changed[part] = entries
    order = ("subject", "topic", "groups", "items")
    return {name: changed[name] for name in sorted(changed, key=order.index)}


def _checked(item: Item, check: Callable[[Item], None]) -> None:
    try:
        check(item)
    except DocumentError as error:
        raise DocumentError(error.sentence, ("items", item.id, *error.path)) from error


def _parsed(data: Mapping[str, Any]) -> tuple[Item, ...]:
    """The items of the file; what is wrong in them is said of the change's items and group."""
    try:
        fields = Fields(data)
        items = parse_items(fields, fields.text("subject"), fields.text("topic"))
        fields.done()
    except DocumentError as error:
        raise DocumentError(error.sentence, _told(error.path, data)) from error
    return items


def _told(path: Sequence[str | int], data: Mapping[str, Any]) -> tuple[str | int, ...]:
    if len(path) < 2 or path[0] not in splice.LISTS or not isinstance(path[1], int):
        return ()
    if path[0] == "groups":
        return ("group", *path[2:])
    return ("items", str(data["items"][path[1]].get("id")), *path[2:])


def _text(path: Path, data: Mapping[str, Any], places: Places, changed: Mapping[str, Any]) -> str:
    if not data["items"]:
        return dumped(changed)
    text = path.read_text("utf-8")
    for part, index, entry in places:
        text = splice.added(text, part, entry) if index is None else splice.replaced(text, part, index, entry)
    return text
