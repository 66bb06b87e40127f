"""The banks of an installation, `$XINGLIN_HOME/banks/<name>/`, kept in memory while their files stay.

A bank of ten thousand items takes seconds to read; one file of it that changed takes milliseconds.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from exams import ledger
from exams.documents import SLUG, DocumentError
from exams.files import Stamp, stamp
from exams.items import Group, Item, load_file
from exams.ledger import Act, Entry, Measured, State


@dataclass(frozen=True)
class Record:
    """An item with what the bank knows of it.

    file: the name of its bank file. text: all that is searched, case folded. forms: the exam of each form it stood in.
    """

    item: Item
    version: str
    file: str
    text: str
    state: State
    forms: tuple[str, ...]
    measured: Measured | None


@dataclass(frozen=True)
class Bank:
    """A bank as it is on disk: records by item id in the order of files and places, entries of its ledger by item id.

    has_ledger: without one, forms take all of its items.
    """

    name: str
    folder: Path
    records: Mapping[str, Record]
    entries: Mapping[str, Sequence[Entry]]
    has_ledger: bool

    def members(self, group: str) -> list[Item]:
        """The items of a group."""
        return [one.item for one in self.records.values() if one.item.group and one.item.group.id == group]

    def group(self, group: str) -> Group | None:
        """The group of this id."""
        return next((item.group for item in self.members(group)), None)

    def names(self) -> frozenset[str]:
        """Every id that is taken: of items and groups, and of items that were there once."""
        groups = {one.item.group.id for one in self.records.values() if one.item.group}
        return frozenset(self.records.keys() | groups | self.entries.keys())

    def next_ids(self, topic: str, count: int) -> list[str]:
        """Ids for new items of the topic: the numbers after the highest of those that begin as most of them do."""
        alike = [_numbered(one.item.id) for one in self.records.values() if one.item.topic == topic]
        usual = Counter(prefix for prefix, digits in alike if digits).most_common(1)
        prefix = usual[0][0] if usual else f"{topic if SLUG.fullmatch(topic) else self.name}-"
        taken = [digits for name in self.names() for own, digits in [_numbered(name)] if digits and own == prefix]
        last = max(taken, key=int, default="000")
        return [f"{prefix}{number:0{len(last)}}" for number in range(int(last) + 1, int(last) + 1 + count)]


def _numbered(name: str) -> tuple[str, str]:
    """An id as what is before the digits at its end, and these."""
    before = name.rstrip("0123456789")
    return before, name[len(before) :]


@dataclass(frozen=True)
class _Read:
    """An item as it stands in a file."""

    item: Item
    version: str
    file: str
    text: str


def searched(item: Item) -> str:
    """All that a search looks at, the key apart: case folded, its parts on lines of their own."""
    group = item.group
    options = [text for _, text in (*item.options, *item.rubric)]
    parts = [item.id, item.topic, item.stem, *options, item.rationale, item.source, item.model_answer]
    return "\n".join(parts + ([group.id, group.stem] if group else [])).casefold()


class Banks:
    """The banks below `root`; several threads may ask at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._files: dict[Path, tuple[Stamp | None, tuple[_Read, ...]]] = {}
        self._banks: dict[str, tuple[object, Bank]] = {}

    def names(self) -> list[str]:
        """The names of all banks."""
        return sorted(path.name for path in self.root.glob("*/") if SLUG.fullmatch(path.name))

    def bank(self, name: str) -> Bank:
        """The bank of this name as it is on disk now.

        Raises LookupError where there is none, DocumentError (`file:line: sentence`) where a file of it is wrong.
        """
        folder = self.root / name
        if not SLUG.fullmatch(name) or not folder.is_dir():
            raise LookupError(name)
        with self._lock:
            paths = sorted(folder.glob("*.yaml"))
            stamps = [(path, stamp(path)) for path in (*paths, folder / ledger.FILE)]
            known = self._banks.get(name)
            if known is None or known[0] != stamps:
                known = self._banks[name] = (stamps, self._read(name, folder, paths))
            return known[1]

    def _read(self, name: str, folder: Path, paths: Sequence[Path]) -> Bank:
        read: dict[str, _Read] = {}
        groups: dict[str, str] = {}
        for path in paths:
            for one in self._file(path):
                group = one.item.group.id if one.item.group else one.item.id
                other = read[one.item.id].file if one.item.id in read else groups.setdefault(group, path.name)
                if one.item.id in read or other != path.name:
                    raise DocumentError(f"An id of {path.name} stands in {other} too: {one.item.id}.", (), str(path))
                read[one.item.id] = one
        entries: dict[str, list[Entry]] = {}
        written = ledger.read(folder)
        for entry in written or ():
            entries.setdefault(entry.item, []).append(entry)
        records = {
            one.item.id: Record(
                one.item,
                one.version,
                one.file,
                one.text,
                ledger.state_of(own := entries.get(one.item.id, ()), one.item.id, one.version),
                tuple(str(entry.detail.get("exam")) for entry in own if entry.act is Act.USE),
                ledger.measured(own).get(one.item.id),
            )
            for one in read.values()
        }
        return Bank(name, folder, MappingProxyType(records), MappingProxyType(entries), written is not None)

    def _file(self, path: Path) -> tuple[_Read, ...]:
        now = stamp(path)
        known = self._files.get(path)
        if known is None or known[0] != now:
            items = load_file(path)
            own = tuple(_Read(item, ledger.version_of(item), path.name, searched(item)) for item in items)
            known = self._files[path] = (now, own)
        return known[1]
