"""The formats by name, and what an export or import is in every one of them.

An export is read back before it is handed out: whatever does not come back as it was is listed, so that nothing is
dropped in silence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from importlib import import_module

from exams.documents import DocumentError
from exams.interchange.bankfile import BankFile, Defaults, completed
from exams.interchange.question import Reading
from exams.interchange.report import ALL, WHOLE, Loss
from exams.interchange.safe import harm
from exams.items import Item

FORMATS = ("gift", "moodle", "qti21", "qti30", "xlsx")
NO_DEFAULTS = Defaults("", "", "", "", 0.0, 0.0)
NO_TEXT = "left out: the format cannot hold its text"
NO_ASSET = "left out: the format has no place for a tracing, a DICOM image or an experiment; xlsx carries it"
NO_CODE = "left out: the format has no place for code and its tests; xlsx carries it"
OTHERS = ("gift", "moodle", "qti21", "qti30")
NOTES = {
    "rubric": {"gift": "stands in comments, which other programs skip"},
    "shared stem": dict.fromkeys(("gift", "moodle", "qti21"), "is repeated in each item that shares it"),
    "shared options": dict.fromkeys(OTHERS, "are repeated in each item that shares them"),
    "half marks": dict.fromkeys(OTHERS, "of X items are not kept: other programs have rules of their own"),
    "type, level, difficulty": dict.fromkeys(
        OTHERS, "stand in tags or keywords, which other programs show but do not use"
    ),
}
"""What a format carries so that we read it as it was, but other programs do not."""


@dataclass(frozen=True)
class Format:
    """How one format is read, with how nameless questions are called, and written."""

    read: Callable[[bytes, str], Reading]
    write: Callable[[Sequence[Item]], bytes]


def format_of(name: str) -> Format:
    """The format `name`; some take a while to import."""
    module = import_module(f"exams.interchange.{name}")
    return Format(module.read, module.write)


def imported(data: bytes, name: str, stem: str, defaults: Defaults) -> tuple[BankFile, list[Loss]]:
    """The bank file made of `data` in the format `name`, and the report. Raises DocumentError where it is refused."""
    return completed(format_of(name).read(data, stem), defaults)


def exported(items: Sequence[Item], name: str) -> tuple[bytes, list[Loss]]:
    """The items in the format `name`, and the report."""
    losses = []
    kept = []
    for item in items:
        why = _kept_out(item, name)
        losses += [Loss(item.id, WHOLE, why)] if why else []
        kept += [] if why else [item]
    unreadable = _unreadable(kept, name)
    losses += [Loss(item, WHOLE, why) for item, why in unreadable.items()]
    kept = [item for item in kept if item.id not in unreadable]
    data, back = _written(kept, name)
    losses += [loss for item in kept for loss in differences(item, back.get(item.id))]
    return data, losses + [
        Loss(ALL, what, said[name]) for what, said in NOTES.items() if name in said and _has(kept, what)
    ]


def _unreadable(items: Sequence[Item], name: str) -> dict[str, str]:
    """{item id: why} of the items that no reader would take back."""
    try:
        _, back = _written(items, name)
        return {item.id: NO_TEXT for item in items if item.id not in back}
    except DocumentError as error:
        if len(items) == 1:
            return {items[0].id: f"left out: {error.sentence.rstrip('.')}"}
    return {item: why for each in items for item, why in _unreadable([each], name).items()}


def _written(items: Sequence[Item], name: str) -> tuple[bytes, dict[str, Item]]:
    """The file, and the items that a reader takes from it."""
    chosen = format_of(name)
    data = chosen.write(items)
    if not items:
        return data, {}
    found, _ = completed(chosen.read(data, "unnamed"), NO_DEFAULTS)
    return data, {item.id: item for item in found.items}


def _kept_out(item: Item, name: str) -> str:
    if name != "xlsx" and item.type == "code":
        return NO_CODE
    if name != "xlsx" and item.asset is not None:
        return NO_ASSET
    try:
        texts = [item.stem, item.rationale, item.source, item.unit, item.model_answer, item.subject, item.topic]
        texts += [text for _, text in (*item.options, *item.rubric)] + [item.group.stem if item.group else ""]
        found = next(filter(None, map(harm, texts)), "")
    except DocumentError as error:
        found = error.sentence
    return f"left out: its text holds {found}" if found else ""


def _has(items: Iterable[Item], what: str) -> bool:
    """Whether a note concerns any of the items."""
    return any(
        {
            "rubric": bool(item.rubric),
            "shared stem": bool(item.group and item.group.stem),
            "shared options": bool(item.group and item.group.options),
            "half marks": item.type == "X",
        }.get(what, True)
        for item in items
    )


def differences(item: Item, back: Item | None) -> list[Loss]:
    """What of `item` is otherwise in `back`, which came of it."""
    if back is None:
        return [Loss(item.id, WHOLE, NO_TEXT)]
    changed = [field.name for field in fields(Item) if getattr(item, field.name) != getattr(back, field.name)]
    return [Loss(item.id, name, "comes back changed: the format has no place for it as it stands") for name in changed]
