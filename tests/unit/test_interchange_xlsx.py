"""Workbooks as teachers fill them, and those that mean harm."""

import datetime
from io import BytesIO
from zipfile import ZipFile

import pytest
from openpyxl import Workbook

from exams.documents import DocumentError
from exams.interchange.bankfile import Defaults
from exams.interchange.formats import exported, imported
from tests.support.narrowing import present
from tests.support.packages import packed

OWN = Defaults("dx", "t", "某书")
NAMES = [
    "编号",
    "题型",
    "题干",
    "选项A",
    "选项B",
    "选项C",
    "选项D",
    "选项E",
    "答案",
    "层次",
    "允许误差",
    "评分标准",
    "备注",
]


def book(*rows, names=NAMES, sheets=()) -> bytes:
    made = Workbook()
    made.active.append(names)
    for row in rows:
        made.active.append(row)
    for title, lines in sheets:
        sheet = made.create_sheet(title)
        for line in lines:
            sheet.append(line)
    file = BytesIO()
    made.save(file)
    return file.getvalue()


FIVE = ["甲", "乙", "丙", "丁", "戊"]


def test_what_teachers_fill_in_is_read():
    rows = [
        ["q1", "A1型", "题干一", 0.5, 1, "丙", "丁", "戊", "b", "记忆"] + [None] * 4 + ["多余"],
        ["q2", "多选题", "题干二", *FIVE, "A、C", "应用", None, None, "难"],
        [None, None, "算一算", None, None, None, None, None, 7.4, "分析", 0.05],
        [3, "简答题", "说一说", None, None, None, None, None, None, None, None, "1 分：甲\n2分: 乙"],
        ["q5", "单选", "四个选项", *FIVE[:4], None, "A"],
        ["q6", "连线题", "连一连", *FIVE, "A"],
        ["q7", "单选", "日期", datetime.date(2026, 1, 2), *FIVE[1:], "A"],
        [],
        ["q8", "数值", "几何", None, None, None, None, None, "很多"],
    ]
    made, losses = imported(book(*rows, sheets=[("说明", [["x"]])]), "xlsx", "mid", OWN)
    one, several, numeric, short = made.items
    assert (one.type, one.level, one.key, one.options[:2]) == ("A1", "recall", "B", (("A", "0.5"), ("B", "1")))
    assert (several.type, several.key, several.level) == ("X", ("A", "C"), "apply")
    assert (numeric.id, numeric.type, numeric.key, numeric.tolerance) == ("mid-004", "numeric", 7.4, 0.05)
    assert (short.id, short.rubric, short.points) == ("3", ((1.0, "甲"), (2.0, "乙")), 3.0)
    told = {(loss.item, loss.what): loss.why for loss in losses}
    assert "this one has 4" in told["q5", "item"]
    assert "its type '连线题' is not one of" in told["q6", "item"]
    assert told["q7", "item"].startswith("left out: cell D8 holds a date")
    assert told["q8", "item"] == "left out: its key '很多' is not a number"
    assert "the column '备注' is not read" in [loss.why for loss in losses if loss.what == "column"]
    assert "the column '15' is not read" in [loss.why for loss in losses if loss.what == "column"]
    assert told["*", "sheet"] == "the sheet '说明' is not read"
    assert {what for item, what in told if item == "mid-004"} >= {"id", "type", "unit"}


def test_groups_stand_on_a_sheet_of_their_own():
    names = ["id", "type", "stem", "group", *"ABCDE", "key"]
    rows = [
        ["a1", "A3", "问一", "g1", *FIVE, "A"],
        ["a2", "", "问二", "g1", *FIVE, "B"],
        ["b1", "B1", "问三", "g2", *[None] * 5, "D"],
        ["b2", "", "问四", "g2", *[None] * 5, "A"],
    ]
    groups = [
        ["编号", "共用题干", *(f"选项{letter}" for letter in "ABCD")],
        ["g1", "男，30 岁。"],
        ["g2", "", *FIVE[:4]],
        ["g3", "x"],
    ]
    made, losses = imported(book(*rows, names=names, sheets=[("题组", groups)]), "xlsx", "mid", OWN)
    assert [(item.type, present(item.group).id) for item in made.items] == [
        ("A3", "g1"),
        ("A3", "g1"),
        ("B1", "g2"),
        ("B1", "g2"),
    ]
    assert [loss.why for loss in losses if loss.item == "g3"] == ["no item belongs to it"]


def test_a_text_that_looks_like_a_formula_stays_text():
    made, _ = imported(book(["q1", "A1", "题干", *FIVE, "A"]), "xlsx", "mid", OWN)
    (item,) = made.items
    wild = type(item)(**{**vars(item), "stem": "=HYPERLINK(1)", "rationale": "+1"})
    data, losses = exported((wild,), "xlsx")
    assert not losses
    back, _ = imported(data, "xlsx", "mid", OWN)
    assert back.items == (wild,)


SOUND = book(["q1", "A1", "题干", *FIVE, "A"])


def changed(name: str, text: str | bytes) -> bytes:
    """The sound workbook with one part of it changed, or added."""
    with ZipFile(BytesIO(SOUND)) as archive:
        files = {each: archive.read(each) for each in archive.namelist()}
    return packed(files | {name: text})


BOMB = '<!DOCTYPE x [<!ENTITY a "aa">]><sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">&a;</sst>'
FAR = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    + "".join(f'<row r="{n}"><c r="A{n}" t="inlineStr"><is><t>x</t></is></c></row>' for n in (1, 1048576))
    + "</sheetData></worksheet>"
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (book(["q1", "A1", "=1+1", *FIVE, "A"]), "Cell C2 holds a formula"),
        (book(["q1", "A1", "题", *FIVE, "A"], names=["a", "b"]), "has no column named 题干 or stem"),
        (book(["q1"], names=["题干", "stem"]), "Two columns are named 题干"),
        (book(), "There are no items"),
        (book(*[["q1", "A1", "题干", *FIVE, "A"]] * 2), "The id 'q1' stands in the file twice"),
        (book(["q1", "A1", "<script>x</script>", *FIVE, "A"]), "a <script> element"),
        (book(["q1", "A1", "<img src=x onerror=y>", *FIVE, "A"]), "an event handler"),
        (book(["q1", "A1", "x", "javascript:alert(1)", *FIVE[1:], "A"]), "an address that runs"),
        (changed("xl/sharedStrings.xml", BOMB), "xl/sharedStrings.xml declares a DTD or entities"),
        (changed("xl/sharedStrings.xml", BOMB.encode("utf-16")), "declares a DTD or entities"),
        (changed("xl/worksheets/sheet1.xml", FAR), "has no column named"),
        (changed("xl/worksheets/sheet1.xml", b" " * 50_000_000), "The zip unpacks to more than"),
        (changed("xl/workbook.xml", "<x/>"), "The workbook has no sheet"),
        (changed("xl/worksheets/sheet1.xml", "<x"), "is not valid XML"),
        (packed({"a.xml": "<x/>"}), "not a sound workbook"),
        (changed("xl/vbaProject.bin", b"x"), "holds macros"),
        (changed("../evil", b"x"), "a file outside its own folder"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "This is an .xls file"),
        ("编号,题干".encode(), "not a sound zip"),
    ],
)
def test_what_could_harm_is_refused(data, said):
    with pytest.raises(DocumentError, match=said):
        imported(data, "xlsx", "mid", OWN)


def test_more_rows_than_any_bank_has_are_refused(monkeypatch):
    monkeypatch.setattr("exams.interchange.xlsx.MOST_ROWS", 2)
    with pytest.raises(DocumentError, match="more than 2 rows"):
        imported(book(*[["q", "A1", "x", *FIVE, "A"]] * 3), "xlsx", "mid", OWN)
