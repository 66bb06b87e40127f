"""A workbook: one row an item on the first sheet, one row a group on the second, columns named in Chinese and English.

It carries everything: assets, examples and regions as JSON, a rubric as lines such as `1 分：...` (as JSON where lines
would be read otherwise). Formulas are refused, since what they show is not what they say.
"""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.styles import Alignment, Font

from exams.documents import SLUG, DocumentError
from exams.interchange.question import Reading, number, numeral, read_guide
from exams.interchange.report import ALL, WHOLE, Loss
from exams.interchange.safe import read_xml, read_zip
from exams.items import GROUPED, LETTERS, SHARED_STEM, TYPES, Group, Item, groups_of

MOST_ROWS = 20_000
MOST_COLUMNS = 100
WIDE, NARROW = 48, 12  # characters, of a column
OLE = b"\xd0\xcf\x11\xe0"  # how files of Excel 97 to 2003, and those with a password, begin
OPTIONS = {letter: f"选项{letter}" for letter in LETTERS}
COLUMNS = {
    "id": "编号",
    "type": "题型",
    "subject": "学科",
    "topic": "主题",
    "level": "层次",
    "difficulty": "难度",
    "points": "分值",
    "group": "题组",
    "stem": "题干",
    **OPTIONS,
    "key": "答案",
    "unit": "单位",
    "tolerance": "允许误差",
    "rubric": "评分标准",
    "model_answer": "参考答案",
    "max_length": "字数上限",
    "starter": "起始代码",
    "solution": "参考程序",
    "tests": "测试",
    "asset": "图像",
    "measure": "测量",
    "minimum_area": "最小面积",
    "example": "示例测量",
    "regions": "热区",
    "rationale": "解析",
    "source": "出处",
}
GROUP_COLUMNS = {"id": "编号", "stem": "共用题干", "forward_only": "不可返回", **OPTIONS}
YES = {"是", "yes", "true", "1"}
ITEMS_SHEET, GROUPS_SHEET = "试题 items", "题组 groups"
CODE = ("starter", "solution", "tests")
LONG = ("stem", "rationale", "source", "rubric", "model_answer", *CODE)
NUMBERS = ("difficulty", "points", "tolerance", "minimum_area", "max_length")
JSON_COLUMNS = ("asset", "example", "regions")
SAID = {"单选": "A1", "单选题": "A1", "多选": "X", "多选题": "X", "数值": "numeric", "计算题": "numeric"}
SAID |= {
    "编程": "code",
    "简答": "short",
    "简答题": "short",
    "问答题": "short",
    "心电图": "ecg",
    "测量": "measurement",
    "热点": "hotspot",
}
LEVELS_SAID = {"记忆": "recall", "识记": "recall", "应用": "apply", "分析": "analyse"}


def write(items: Sequence[Item]) -> bytes:
    """The items as a workbook."""
    book = Workbook()
    _sheet(book.active, ITEMS_SHEET, COLUMNS, map(_row, items))
    _sheet(book.create_sheet(), GROUPS_SHEET, GROUP_COLUMNS, map(_group_row, groups_of(items)))
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _row(item: Item) -> dict[str, Any]:
    plain = item.document()
    key = plain.get("key")
    row = plain | dict(plain.get("options", {})) | {"key": "".join(key) if isinstance(key, list) else key}
    row |= {name: json.dumps(plain[name], ensure_ascii=False) for name in JSON_COLUMNS if name in plain}
    if item.rubric:
        lines = "\n".join(f"{numeral(criterion['points'])} 分：{criterion['text']}" for criterion in plain["rubric"])
        same = read_guide(lines) == (plain["rubric"], "")
        row["rubric"] = lines if same else json.dumps(plain["rubric"], ensure_ascii=False)
    return row


def _group_row(group: Group) -> dict[str, Any]:
    forward_only = "是" if group.forward_only else None
    return {"id": group.id, "stem": group.stem or None, "forward_only": forward_only, **dict(group.options)}


def _sheet(sheet: Any, title: str, columns: Mapping[str, str], rows: Iterable[Mapping[str, Any]]) -> None:
    sheet.title = title
    sheet.freeze_panes = "B2"
    for place, (name, chinese) in enumerate(columns.items(), 1):
        cell = sheet.cell(1, place, f"{chinese} {name}")
        cell.font = Font(bold=True)
        sheet.column_dimensions[cell.column_letter].width = WIDE if name in LONG else NARROW
    for line, row in enumerate(rows, 2):
        for place, name in enumerate(columns, 1):
            value = row.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, float) and float(f"{value:.15g}") != value:
                value = repr(value)  # a workbook keeps 15 digits of a number, and all of a text
            cell = sheet.cell(line, place, value)
            if isinstance(value, str):
                cell.data_type = "s"  # even where it begins like a formula
                cell.number_format = "@"
                cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
                cell.alignment = Alignment(wrap_text=name in LONG, vertical="top")


@dataclass
class _Row:
    """One row of a sheet by column; `bad` says what of it cannot be taken."""

    line: int
    cells: dict[str, Any] = field(default_factory=dict)
    bad: str = ""

    def text(self, name: str) -> str:
        value = self.cells.get(name, "")
        return numeral(value) if isinstance(value, float) else str(value).strip()


def read(data: bytes, stem: str) -> Reading:
    """The items of a workbook; `stem` begins the ids of those without. Raises DocumentError where it is refused."""
    losses = _checked(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that no item needs
            book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            sheets = {sheet.title: sheet for sheet in book.worksheets}
            items_sheet, groups_sheet = _chosen(sheets)
            rows = [*_rows(items_sheet, COLUMNS, losses)]
            group_rows = [*_rows(groups_sheet, GROUP_COLUMNS, losses)] if groups_sheet else []
            book.close()
    except DocumentError:
        raise
    except Exception as error:  # of a damaged workbook, openpyxl may raise anything
        raise DocumentError(f"The file is not a sound workbook ({error!s:.80}): save it as .xlsx again.") from error
    losses += [
        Loss(ALL, "sheet", f"the sheet {title!r} is not read")
        for title, sheet in sheets.items()
        if sheet not in (items_sheet, groups_sheet)
    ]
    groups = {row.text("id"): _shared(row) for row in group_rows if not row.bad}
    losses += [Loss(row.text("id"), "group", row.bad) for row in group_rows if row.bad]
    if not rows:
        raise DocumentError(f"There are no items on the sheet {items_sheet.title!r}: write one a row below the names.")
    items = [item for row in rows if (item := _item(row, f"{stem}-{row.line:03d}", groups, losses))]
    used = {item.get("group") for item in items}
    losses += [Loss(name, "group", "no item belongs to it") for name in groups if name not in used]
    return Reading(tuple(items), groups, tuple(losses))


def first_sheet(data: bytes) -> list[tuple[object, ...]]:
    """The values of the cells of a workbook's first sheet, by row. Raises DocumentError where it is refused."""
    _checked(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that no value needs
            book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False, data_only=True)
            sheet = book.worksheets[0]
            sheet.reset_dimensions()
            rows = [tuple(row) for row in sheet.iter_rows(values_only=True)]
            book.close()
    except Exception as error:  # of a damaged workbook, openpyxl may raise anything
        raise DocumentError(f"The file is not a sound workbook ({error!s:.80}): save it as .xlsx again.") from error
    return rows


def _checked(data: bytes) -> list[Loss]:
    """What of the workbook is not read. Raises DocumentError where one of its parts could do harm."""
    if data.startswith(OLE):
        raise DocumentError("This is an .xls file, or one with a password: save it as .xlsx without, import again.")
    files = read_zip(data)
    if any(name.lower().endswith("vbaproject.bin") for name in files):
        raise DocumentError("The workbook holds macros: save it as .xlsx, which has none, and import again.")
    for name, part in files.items():
        if name.lower().endswith((".xml", ".rels")):
            read_xml(part, name)
    unread = {"xl/media/": "picture", "xl/comments": "comment", "xl/threadedComments/": "comment"}
    found = {what for begin, what in unread.items() if any(name.startswith(begin) for name in files)}
    return [Loss(ALL, what, f"{what}s in the workbook are not read") for what in sorted(found)]


def _chosen(sheets: Mapping[str, Any]) -> tuple[Any, Any]:
    """(the sheet of items, that of groups or None)."""
    groups = next((sheet for title, sheet in sheets.items() if re.search("题组|groups", title, re.I)), None)
    rest = [sheet for sheet in sheets.values() if sheet is not groups]
    if not rest:
        raise DocumentError("The workbook has no sheet of items: write them on its first sheet.")
    return rest[0], groups


def _rows(sheet: Any, columns: Mapping[str, str], losses: list[Loss]) -> Iterator[_Row]:
    """The rows that hold anything, below the row of names."""
    sheet.reset_dimensions()
    header = next(iter(sheet.iter_rows(max_row=1)), ())
    if sum(cell.value is not None for cell in header) > MOST_COLUMNS:
        raise DocumentError(f"The sheet {sheet.title!r} has more than {MOST_COLUMNS} columns: remove what is no item.")
    names = _names([cell.value for cell in header[:MOST_COLUMNS]], columns)
    if "stem" not in names.values():
        wanted = f"{columns['stem']} or stem"
        raise DocumentError(f"The sheet {sheet.title!r} has no column named {wanted} in its first row: add the names.")
    unread: dict[int, None] = {}
    count = 0
    for line, cells in enumerate(sheet.iter_rows(min_row=2, max_col=MOST_COLUMNS), 2):
        filled = [cell for cell in cells if cell.value is not None and str(cell.value).strip()]
        if not filled:
            continue
        count += 1
        if count > MOST_ROWS:
            raise DocumentError(f"The sheet {sheet.title!r} has more than {MOST_ROWS} rows: split it.")
        row = _Row(line)
        for cell in filled:
            if cell.data_type == "f":
                raise DocumentError(f"Cell {cell.coordinate} holds a formula: paste its value there, import again.")
            if name := names.get(cell.column):
                _take(row, name, cell)
            else:
                unread[cell.column] = None
        if row.cells or row.bad:
            yield row
    for column in unread:
        title = header[column - 1].value if column <= len(header) else None
        losses.append(Loss(ALL, "column", f"the column {str(title or column)!r:.60} is not read"))


def _names(header: Sequence[object], columns: Mapping[str, str]) -> dict[int, str]:
    """{column from 1: name}; a column may be named in Chinese, in English or in both."""
    known = {
        _squeezed(said): name
        for name, chinese in columns.items()
        for said in (name, chinese, f"{chinese}{name}", f"{name}{chinese}")
    }
    found: dict[int, str] = {}
    for place, title in enumerate(header, 1):
        name = known.get(_squeezed(str(title or "")), "")
        if name and name in found.values():
            raise DocumentError(f"Two columns are named {columns[name]} ({name}): keep one of them.")
        if name:
            found[place] = name
    return found


def _squeezed(title: str) -> str:
    return re.sub(r"[\s_/|（）()]+", "", title).lower()


def _take(row: _Row, name: str, cell: Any) -> None:
    value = cell.value
    if isinstance(value, bool | date | time | timedelta) or cell.data_type == "e":
        row.bad = f"cell {cell.coordinate} holds a date, a time or an error, not text: format it as text, type it again"
    elif isinstance(value, int | float):
        percent = str(cell.number_format).endswith("%") and name not in NUMBERS
        row.cells[name] = f"{numeral(round(value * 100, 9))}%" if percent else float(value)
    else:
        row.cells[name] = str(value).strip()


def _shared(row: _Row) -> dict[str, Any]:
    options = {letter: row.text(letter) for letter in LETTERS if row.text(letter)}
    shared: dict[str, Any] = {"options": options} if options else {"stem": row.text("stem")}
    return shared | ({"forward_only": True} if row.text("forward_only").lower() in YES else {})


def _item(row: _Row, unnamed: str, groups: Mapping[str, Any], losses: list[Loss]) -> dict[str, Any] | None:
    """The fields of an item; None where it is left out."""
    name = row.text("id")
    if not SLUG.fullmatch(name):
        losses.append(Loss(unnamed, "id", f"{name!r:.40} is no id here, so the item is called {unnamed}"))
        name = unnamed
    own: dict[str, Any] = {"id": name}
    try:
        own["type"] = _type(row, groups, name, losses)
        own |= {each: row.text(each) for each in ("subject", "topic", "stem", "rationale", "source") if row.text(each)}
        own |= {each: row.text(each) for each in ("unit", "measure", "model_answer", *CODE) if row.text(each)}
        own |= {each: _number(row, each) for each in NUMBERS if each in row.cells and each != "max_length"}
        own |= {each: _json(row, each) for each in JSON_COLUMNS if row.text(each)}
        if row.text("level"):
            own["level"] = LEVELS_SAID.get(row.text("level"), row.text("level").lower())
        if "max_length" in row.cells:
            own["max_length"] = int(_number(row, "max_length"))
        if row.text("rubric"):
            own |= _rubric(row)
        own |= _keyed(row, own["type"])
        if row.bad:
            raise ValueError(row.bad)
    except (ValueError, OverflowError) as error:
        losses.append(Loss(name, WHOLE, f"left out: {error}"))
        return None
    return own


def _type(row: _Row, groups: Mapping[str, Any], name: str, losses: list[Loss]) -> str:
    said = re.sub("型题?$", "", row.text("type"))
    found = {kind.lower(): kind for kind in TYPES} | SAID
    if said:
        if said.lower() not in found:
            raise ValueError(f"its type {said!r:.40} is not one of {', '.join(TYPES)}")
        return found[said.lower()]
    shared = groups.get(row.text("group"), {})
    if row.text("A"):
        kind = "X" if len(_letters(row.text("key"))) > 1 else "A3" if "stem" in shared else "A1"
    else:
        kind = "B1" if "options" in shared else "numeric" if number(row.text("key")) is not None else "short"
    losses.append(Loss(name, "type", f"the file does not say it, {kind} stands in"))
    return kind


def _keyed(row: _Row, kind: str) -> dict[str, Any]:
    """Options, group and key, as far as the row has them; the bank says what is missing."""
    own: dict[str, Any] = {}
    if row.text("group"):
        own["group"] = row.text("group")
    if kind not in GROUPED and "group" in own:
        raise ValueError(f"{kind} items belong to no group: clear the cell")
    options = {letter: row.text(letter) for letter in LETTERS if row.text(letter)}
    if options:
        own["options"] = options
    if not row.text("key"):
        return own
    if kind == "X":
        return own | {"key": _letters(row.text("key"))}
    if kind in (*SHARED_STEM, "A1", "A2", "B1") or options:
        return own | {"key": row.text("key").upper()}
    return own | {"key": _number(row, "key")}


def _letters(text: str) -> list[str]:
    letters = re.sub(r"[\s,，、;；]+", "", text).upper()
    return sorted(letters) if re.fullmatch(f"[{LETTERS}]+", letters) else [text]


def _number(row: _Row, name: str) -> float:
    value = number(row.text(name))
    if value is None:
        raise ValueError(f"its {name} {row.text(name)!r:.40} is not a number")
    return value


def _json(row: _Row, name: str) -> Any:
    try:
        return json.loads(row.text(name))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its {name} is not JSON as an export writes it") from error


def _rubric(row: _Row) -> dict[str, Any]:
    if row.text("rubric").startswith("[{"):
        return {"rubric": _json(row, "rubric")}
    rubric, _ = read_guide(row.text("rubric"))
    return {"rubric": rubric} if rubric else {"guide": row.text("rubric")}
