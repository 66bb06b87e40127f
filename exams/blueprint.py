"""A blueprint 双向细目表: how many items of each content, cognitive level and type a form has. TOML, read strictly.

title = "诊断学联考"
subject = "diagnostics"
difficulty = 0.68                # mean of the items' difficulties, weighted by points
difficulty_tolerance = 0.04
information_tolerance = 0.05     # how far a form's information may be from the forms' mean, as a share of it
exposure_limit = 3               # an item that stood in so many forms already is left out
anchors = ["dx-ecg-003"]         # in every form
enemies = [["dx-ecg-001", "dx-ecg-004"]]   # at most one of each list in a form
cells = [{ topic = "ecg", level = "recall", type = "A1", count = 1, points = 1 }]
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from exams.documents import Document, DocumentError, Fields
from exams.items import LEVELS, TYPES, Item


@dataclass(frozen=True)
class Cell:
    """`count` items of one topic, level and type, each worth `points`."""

    topic: str
    level: str
    type: str
    count: int
    points: float

    def holds(self, item: Item) -> bool:
        """Whether `item` belongs into this cell."""
        return (item.topic, item.level, item.type, item.points) == (self.topic, self.level, self.type, self.points)

    def __str__(self) -> str:
        return f"{self.topic} x {self.level} x {self.type} ({self.points:g} points)"


@dataclass(frozen=True)
class Blueprint:
    """The cells of a form, and the mean difficulty (weighted by points) it must come to, within the tolerance.

    information_tolerance: None where forms need not match in it. exposure_limit: None for none. anchors and enemies are
    ids of items.
    """

    title: str
    subject: str
    difficulty: float
    difficulty_tolerance: float
    cells: tuple[Cell, ...]
    information_tolerance: float | None = None
    exposure_limit: int | None = None
    anchors: tuple[str, ...] = ()
    enemies: tuple[tuple[str, ...], ...] = ()

    @property
    def count(self) -> int:
        """How many items a form has."""
        return sum(cell.count for cell in self.cells)

    @property
    def points(self) -> float:
        """How many points a form has."""
        return sum(cell.count * cell.points for cell in self.cells)


def load(path: Path) -> Blueprint:
    """The blueprint in `path`. Raises DocumentError where it is missing or says what it may not."""
    try:
        document = Document(str(path), tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise DocumentError(f"The blueprint cannot be read ({error}).", (), str(path)) from error
    try:
        fields = Fields(document.data)
        blueprint = Blueprint(
            fields.text("title"),
            fields.text("subject"),
            fields.number("difficulty", above=0),
            fields.number("difficulty_tolerance", above=0),
            tuple(_cell(Fields(entry, ("cells", index))) for index, entry in enumerate(fields.list("cells"))),
            fields.number("information_tolerance", above=0) if "information_tolerance" in fields else None,
            fields.whole("exposure_limit", minimum=1) if "exposure_limit" in fields else None,
            fields.texts("anchors") if "anchors" in fields else (),
            tuple(_enemies(fields, index) for index in range(len(fields.list("enemies", [])))),
        )
        fields.done()
        _refuse_twins(blueprint)
    except DocumentError as error:
        raise document.located(error) from error
    return blueprint


def _cell(fields: Fields) -> Cell:
    cell = Cell(
        fields.text("topic"),
        fields.one_of("level", LEVELS),
        fields.one_of("type", TYPES),
        fields.whole("count", minimum=1),
        fields.number("points", above=0),
    )
    fields.done()
    return cell


def _enemies(fields: Fields, index: int) -> tuple[str, ...]:
    ids = fields.data["enemies"][index]
    if not isinstance(ids, list) or len(set(map(str, ids))) < 2 or not all(isinstance(name, str) for name in ids):
        raise DocumentError("Enemies are lists of two or more item ids.", ("enemies", index))
    return tuple(ids)


def _refuse_twins(blueprint: Blueprint) -> None:
    seen: set[str] = set()
    for index, cell in enumerate(blueprint.cells):
        if str(cell) in seen:
            raise DocumentError(f"The cell {cell} stands here twice.", ("cells", index))
        seen.add(str(cell))
    if not blueprint.cells:
        raise DocumentError("A blueprint needs at least one cell.", ("cells",))
