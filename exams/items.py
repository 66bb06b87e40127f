"""Items 试题: what a bank holds and a form asks. A bank file is YAML; `exams/bank/README.md` shows how to write one.

Types: A1 (single sentence), A2 (case), A3/A4 (several on one shared case), B1 (several on shared options), X (several
options right), numeric, ecg (read from a tracing: by options where it has some, else as a number), measurement (on a
DICOM image), hotspot (a place marked on one), short (marked by a teacher against its rubric) and code (Python, marked
by its tests).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from courses.measure import checked
from courses.models import ecg
from courses.simulations import SIMULATIONS
from exams import code
from exams.asset import ON_IMAGE, parse_asset
from exams.documents import DocumentError, Fields, read_yaml
from exams.regions import Region, parse_regions

LEVELS = ("recall", "apply", "analyse")
SINGLE = ("A1", "A2", "A3", "A4", "B1")
SHARED_STEM = ("A3", "A4")
GROUPED = (*SHARED_STEM, "B1")
FORWARD_ONLY = "A4"  # the case goes on, and what is told later would answer what was asked before
TYPES = (*SINGLE, "X", "numeric", "ecg", *ON_IMAGE, "short", "code")
MEASURES = ("length", "angle", "ellipse", "probe")
MARK = "probe"  # what a hotspot item is answered with
LETTERS = "ABCDEFGH"
SINGLE_OPTIONS = 5  # the licensing exam's A-type items have five options
FEWEST_OPTIONS = 4
MOST_FRAMES = 100_000
POINTS_STEP = 0.5  # points are multiples of it, so that sums of marks are exact


@dataclass(frozen=True)
class Group:
    """What several items share: a case (A3, A4) or a list of options (B1).

    forward_only: a candidate who has gone on to the next item of the case cannot change the one before. A4 items are
    so anyway, as in the computer-based licensing exams; here A3 items become so too.
    """

    id: str
    stem: str = ""
    options: tuple[tuple[str, str], ...] = ()
    forward_only: bool = False

    def document(self) -> dict[str, Any]:
        """The group as plain data, as a bank writes it."""
        shared: dict[str, Any] = {"stem": self.stem} if self.stem else {"options": dict(self.options)}
        return {"id": self.id, **shared} | ({"forward_only": True} if self.forward_only else {})


@dataclass(frozen=True)
class Item:
    """One item with its key. `public()` is what may leave the server before release.

    difficulty: expected share of candidates who get it right, 0 to 1. tolerance: greatest accepted distance from the
    key, in `unit`. options: (letter, text) pairs, for B1 the group's. example: the author's own measurement, which
    earns full marks. regions: where a mark on the image earns points. rubric: (points, what earns them) pairs, together
    `points`. starter: the code that a candidate begins with; solution, tests: see `exams.code`. accepted, void: by a
    later ruling on the key (`exams.key`) these letters are right too, or everybody who sat the paper gets the points.
    """

    id: str
    type: str
    subject: str
    topic: str
    level: str
    difficulty: float
    points: float
    stem: str
    rationale: str
    source: str
    key: str | tuple[str, ...] | float | None = None
    options: tuple[tuple[str, str], ...] = ()
    group: Group | None = None
    asset: Mapping[str, Any] | None = None
    unit: str = ""
    tolerance: float = 0.0
    measure: str = ""
    minimum_area: float = 0.0
    example: Mapping[str, Any] | None = None
    regions: tuple[Region, ...] = ()
    rubric: tuple[tuple[float, str], ...] = ()
    model_answer: str = ""
    max_length: int = 0
    starter: str = ""
    solution: str = ""
    tests: str = ""
    accepted: tuple[str, ...] = ()
    void: bool = False

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of the options."""
        return tuple(letter for letter, _ in self.options)

    @property
    def forward_only(self) -> bool:
        """Whether it is closed as soon as a later item of its group has been opened."""
        return self.type == FORWARD_ONLY or bool(self.group and self.group.forward_only)

    def public(self) -> dict[str, Any]:
        """What a candidate's browser may see: never key, regions, rationale, rubric, tolerance or a case's name."""
        shown: dict[str, Any] = {
            "id": self.id,
            "type": self.type,
            "stem": self.stem,
            "options": [{"id": letter, "text": text} for letter, text in self.options],
            "asset": self._public_asset(),
            "points": self.points,
        }
        if self.group:
            shown["group"] = self.group.id
            if self.group.stem:
                shown["group_stem"] = self.group.stem
        if self.forward_only:
            shown["forward_only"] = True
        for name in ("unit", "measure", "max_length", "starter"):
            if getattr(self, name):
                shown[name] = getattr(self, name)
        if examples := code.visible(self.tests):
            shown["examples"] = examples
        return shown

    def _public_asset(self) -> dict[str, Any] | None:
        if self.asset is None:
            return None
        if self.asset["kind"] == "simulation":  # what the model is set to may be the answer
            return {"kind": "simulation", **SIMULATIONS[self.asset["model"]].shown(self.asset["controls"])}
        # the name of a rhythm or of a case may be the answer: signals and frames are served by item id
        return {name: self.asset[name] for name in ("kind", "frame", "window") if name in self.asset}

    def signals(self) -> dict[str, Any]:
        """The tracing of an item with an ECG asset: {"fs": Hz, "leads": [...]}, the same at every call.

        Raises ValueError where the item has none.
        """
        if self.asset is None or self.asset["kind"] != "ecg":
            raise ValueError(f"Item {self.id} has no ECG.")
        asset = self.asset
        tracing = ecg.synthesise(
            asset["rhythm"], asset["seconds"], asset["fs"], asset["seed"], **asset.get("parameters", {})
        )
        shown = asset.get("leads")
        return {**tracing, "leads": [lead for lead in tracing["leads"] if not shown or lead["name"] in shown]}

    def document(self) -> dict[str, Any]:
        """The item as plain data, as a bank writes it; its group is named by id."""
        plain: dict[str, Any] = {name: getattr(self, name) for name in COMMON}
        if self.group:
            plain["group"] = self.group.id
        if self.asset is not None:
            plain["asset"] = dict(self.asset)
        if self.type == "short":
            rubric = [{"points": points, "text": text} for points, text in self.rubric]
            return plain | {"rubric": rubric, "model_answer": self.model_answer, "max_length": self.max_length}
        if self.type == "code":
            return plain | {name: getattr(self, name) for name in code.FIELDS}
        if self.type == "hotspot":
            return plain | {"regions": [region.document() for region in self.regions]}
        plain["key"] = list(self.key) if isinstance(self.key, tuple) else self.key
        if self.options:
            return plain if self.type == "B1" else plain | {"options": dict(self.options)}
        plain |= {"unit": self.unit, "tolerance": self.tolerance}
        if self.example is not None:
            plain |= {"measure": self.measure, "example": dict(self.example)}
        return plain | ({"minimum_area": self.minimum_area} if self.minimum_area else {})


COMMON = ("id", "type", "subject", "topic", "level", "difficulty", "points", "stem", "rationale", "source")


def parse_group(fields: Fields) -> Group:
    """A group from its fields: a stem or options. Raises DocumentError."""
    group = Group(
        fields.slug("id"),
        fields.text("stem", ""),
        _options(fields, FEWEST_OPTIONS, len(LETTERS)) if "options" in fields else (),
        fields.flag("forward_only", False),
    )
    fields.done()
    if bool(group.stem) == bool(group.options):
        raise fields.fail("id", f"Group {group.id} needs either a shared stem or shared options.")
    if group.forward_only and not group.stem:
        raise fields.fail("forward_only", "Only a case goes forward only: items on shared options have no order.")
    return group


def parse_item(fields: Fields, groups: Mapping[str, Group], subject: str = "", topic: str = "") -> Item:
    """An item from its fields; subject and topic where it does not name its own. Raises DocumentError."""
    kind = fields.one_of("type", TYPES)
    values: dict[str, Any] = {
        "type": kind,
        "id": fields.slug("id"),
        "subject": fields.text("subject", subject),
        "topic": fields.text("topic", topic),
        "level": fields.one_of("level", LEVELS),
        "difficulty": fields.number("difficulty", above=0),
        "points": fields.number("points", above=0),
    }
    values |= {name: fields.text(name) for name in ("stem", "rationale", "source")}
    if values["difficulty"] >= 1:
        raise fields.fail("difficulty", "The difficulty is the share expected to get it right, between 0 and 1.")
    if values["points"] % POINTS_STEP:
        raise fields.fail("points", f"Points are multiples of {POINTS_STEP:g}.")
    if kind in GROUPED:
        values["group"] = _group(fields, kind, groups)
    if kind in ("ecg", *ON_IMAGE) or (kind != "B1" and "asset" in fields):
        values["asset"] = parse_asset(fields.mapping("asset"), kind)
    if kind in (*SINGLE, "X") or (kind == "ecg" and "options" in fields):
        values |= _choice(fields, kind, values.get("group"))
    elif kind == "hotspot":
        regions = parse_regions(fields, values["asset"]["frame"], values["points"])
        values |= {"measure": MARK, "regions": regions}
    elif kind == "short":
        values |= _short(fields, values["points"])
    elif kind == "code":
        values |= code.parse_code(fields)
    else:
        values |= _number(fields)
        if kind == "measurement":
            values |= _measurement(fields)
    fields.done()
    return Item(**values)


def _options(fields: Fields, fewest: int, most: int) -> tuple[tuple[str, str], ...]:
    inner = fields.mapping("options")
    options = tuple((str(letter), inner.text(letter)) for letter in inner.data)
    letters = [letter for letter, _ in options]
    if not fewest <= len(options) <= most or letters != list(LETTERS[: len(options)]):
        wanted = str(fewest) if fewest == most else f"{fewest} to {most}"
        raise fields.fail("options", f"Options are lettered A, B, C, ... in order, {wanted} of them.")
    if len({text for _, text in options}) < len(options):
        raise fields.fail("options", "Two options say the same.")
    return options


def _choice(fields: Fields, kind: str, group: Group | None) -> dict[str, Any]:
    if kind == "X":
        options = _options(fields, FEWEST_OPTIONS, SINGLE_OPTIONS)
        key = fields.list("key")
        right = tuple(letter for letter, _ in options if letter in key)
        if right != tuple(key) or not 2 <= len(right) < len(options):
            raise fields.fail("key", "The key of an X item lists two or more of its options, not all, in order.")
        return {"options": options, "key": right}
    shared = group.options if group else ()
    options = shared or _options(fields, SINGLE_OPTIONS, SINGLE_OPTIONS)
    letter = fields.text("key")
    if letter not in dict(options):
        raise fields.fail("key", f"The key {letter!r} is not one of the options {', '.join(dict(options))}.")
    return {"options": options, "key": letter}


def _number(fields: Fields) -> dict[str, Any]:
    return {
        "key": fields.number("key"),
        "unit": fields.text("unit"),
        "tolerance": fields.number("tolerance", above=0),
    }


def _measurement(fields: Fields) -> dict[str, Any]:
    measure = fields.one_of("measure", MEASURES)
    example = fields.mapping("example")
    own = {
        "kind": example.one_of("kind", [measure]),
        "frame": example.whole("frame"),
        "points": example.list("points"),
    }
    example.done()
    try:
        checked(own, MOST_FRAMES)
    except ValueError as error:
        raise fields.fail("example", f"The example is no measurement: {error}.") from error
    area = fields.number("minimum_area", above=0) if "minimum_area" in fields else 0.0
    return {"measure": measure, "minimum_area": area, "example": own}


def _short(fields: Fields, points: float) -> dict[str, Any]:
    rubric = []
    for index, entry in enumerate(fields.list("rubric")):
        criterion = Fields(entry, (*fields.path, "rubric", index))
        rubric.append((criterion.number("points", above=0), criterion.text("text")))
        criterion.done()
    if sum(worth for worth, _ in rubric) != points:
        raise fields.fail("rubric", f"The rubric's points must add up to the item's {points:g}.")
    return {
        "rubric": tuple(rubric),
        "model_answer": fields.text("model_answer"),
        "max_length": fields.whole("max_length", minimum=1),
    }


def _group(fields: Fields, kind: str, groups: Mapping[str, Group]) -> Group:
    name = fields.text("group")
    if name not in groups:
        raise fields.fail("group", f"There is no group {name!r} in this file.")
    group = groups[name]
    if bool(group.stem) != (kind in SHARED_STEM):
        raise fields.fail("group", f"{kind} items share {'a stem' if kind in SHARED_STEM else 'options'}: see {name}.")
    return group


def parse_items(fields: Fields, subject: str = "", topic: str = "") -> tuple[Item, ...]:
    """The items under `items`, with the groups under `groups`; both come from one document. Raises DocumentError."""
    groups: dict[str, Group] = {}
    for index, entry in enumerate(fields.list("groups", [])):
        own = Fields(entry, ("groups", index))
        group = parse_group(own)
        if group.id in groups:
            raise own.fail("id", f"The group id {group.id!r} stands here twice.")
        groups[group.id] = group
    items: dict[str, Item] = {}
    for index, entry in enumerate(fields.list("items")):
        own = Fields(entry, ("items", index))
        item = parse_item(own, groups, subject, topic)
        if item.id in items:
            raise own.fail("id", f"The item id {item.id!r} stands here twice.")
        items[item.id] = item
    for index, name in enumerate(groups):
        if sum(item.group is groups[name] for item in items.values()) < 2:
            raise DocumentError(f"Group {name} needs two items or more.", ("groups", index))
    return tuple(items.values())


def load_file(path: Path) -> tuple[Item, ...]:
    """The items of one bank file. Raises DocumentError, `file:line: sentence`."""
    document = read_yaml(path)
    try:
        fields = Fields(document.data)
        items = parse_items(fields, fields.text("subject"), fields.text("topic"))
        fields.done()
    except DocumentError as error:
        raise document.located(error) from error
    return items


def load_bank(folder: Path) -> tuple[Item, ...]:
    """All items of the bank files in `folder`, in order of file and place.

    Raises DocumentError where a file is wrong, where an item id or group id stands in two files, or where there is
    no file at all.
    """
    seen: dict[str, Path] = {}
    items: list[Item] = []
    for path in sorted(folder.glob("*.yaml")):
        for item in load_file(path):
            for name in {item.id} | ({item.group.id} if item.group else set()):
                if seen.setdefault(name, path) != path:
                    raise DocumentError(f"The id {name!r} stands in {seen[name].name} too.", (), _line_of(path, name))
            items.append(item)
    if not items:
        raise DocumentError("There are no bank files (*.yaml) here.", (), str(folder))
    return tuple(items)


def _line_of(path: Path, name: str) -> str:
    document = read_yaml(path)
    for part in ("items", "groups"):
        for index, entry in enumerate(document.data.get(part, [])):
            if entry["id"] == name:
                return f"{path}:{document.lines[part, index, 'id']}"
    return str(path)


def groups_of(items: Iterable[Item]) -> tuple[Group, ...]:
    """The groups that `items` belong to, each once, in order."""
    return tuple(dict.fromkeys(item.group for item in items if item.group))
