"""Rosters as offices keep them, in workbooks that openpyxl wrote."""

import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from exams import roster_sheet
from exams.documents import DocumentError
from exams.roster import Candidate


def workbook(path: Path, *rows: tuple[object, ...]) -> Path:
    book = Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("说明").append(("this sheet is not read",))
    book.save(path)
    return path


def test_an_office_writes_chinese_names_in_its_own_order_and_numbers_as_numbers(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "roster.xlsx",
        ("姓名", "准考证号", "学校", "用户名", "考场", "座位", "延长分钟", None),
        ("学生01", 2027010001, "东校", "student01", 101, 7.0, 30, None),
        (None,) * 8,
        ("学生02", "2027010002", " 西校 ", "student02", None, None, None, None),
    )
    assert roster_sheet.read(path) == (
        Candidate("2027010001", "student01", "学生01", "东校", "A", 30, "101", "7"),
        Candidate("2027010002", "student02", "学生02", "西校", "A"),
    )


def test_our_own_names_forms_and_sessions(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "roster.xlsx",
        ("number", "user", "name", "school", "form", "extra_minutes", "session"),
        ("N1", "u1", "n", "s", "B", 0, "pm"),
    )
    assert roster_sheet.read(path) == (Candidate("N1", "u1", "n", "s", "B", 0, "", "", "pm"),)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([("姓名", "学校", "用户名")], r"roster.xlsx:1: The first row has no column number \(准考证号\)"),
        ([("准考证号", "姓名", "学校", "用户名", "星座")], "The first line must be"),
        ([("准考证号", "姓名", "学校", "用户名"), (1, "a", "s", "u"), (1, "b", "s", "v")], "roster.xlsx:3: .* twice"),
        ([("准考证号", "姓名", "学校", "用户名", "延长分钟"), (1, "a", "s", "u", 1.5)], "whole number, not '1.5'"),
        ([], "The first sheet is empty"),
    ],
)
def test_what_is_wrong_is_said_with_its_row(tmp_path: Path, rows: list[tuple[object, ...]], said: str) -> None:
    with pytest.raises(DocumentError, match=said):
        roster_sheet.read(workbook(tmp_path / "roster.xlsx", *rows))


def test_a_workbook_that_could_do_harm_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "roster.xlsx", ("准考证号",))
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("xl/vbaProject.bin", b"macro")
    with pytest.raises(DocumentError, match="macros"):
        roster_sheet.read(path)
    path.write_bytes(b"not a workbook")
    with pytest.raises(DocumentError, match=r"roster.xlsx"):
        roster_sheet.read(path)
    with pytest.raises(DocumentError, match="cannot be read"):
        roster_sheet.read(tmp_path / "nowhere.xlsx")
