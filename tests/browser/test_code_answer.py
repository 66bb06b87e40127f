"""An answer in code: an editor that indents, that nobody is caught in, and that keeps every character."""

import pytest
from playwright.sync_api import expect

from exams.items import load_bank
from tests.support.candidate import PHONE, WIDE, kept
from tests.support.exam_host import BANK

CODE = {item.starter: item for item in load_bank(BANK) if item.type == "code"}


@pytest.fixture
def code(desks):
    desk = desks()
    desk.enter()
    desk.go("code", "编程题")
    return desk


def test_it_begins_with_the_starter_and_shows_examples_alone(code, service):
    field = code.page.locator("#answer-text")
    item = CODE[field.input_value()]
    expect(field).to_have_attribute("spellcheck", "false")
    assert "monospace" in field.evaluate("field => getComputedStyle(field).fontFamily")
    expect(code.page.locator(".code-shown")).to_have_text(item.public()["examples"])
    hidden = item.tests.split("BEGIN HIDDEN TESTS\n")[1].split("###")[0].strip()
    assert hidden.splitlines()[-1] not in code.page.content()
    assert kept(service) == {}


def test_tab_indents_enter_keeps_the_indentation_and_escape_lets_go(code, service):
    field = code.page.locator("#answer-text")
    field.fill("")
    field.press("i")
    code.page.keyboard.type("f systolic:")
    code.page.keyboard.press("Enter")
    code.page.keyboard.type("x = 1")
    code.page.keyboard.press("Enter")
    code.page.keyboard.press("Tab")
    code.page.keyboard.type("y")
    expect(field).to_have_value("if systolic:\n    x = 1\n        y")
    code.page.keyboard.press("Shift+Tab")
    expect(field).to_have_value("if systolic:\n    x = 1\n    y")
    field.select_text()
    code.page.keyboard.press("Tab")
    expect(field).to_have_value("    if systolic:\n        x = 1\n        y")
    code.page.keyboard.press("Shift+Tab")
    written = "if systolic:\n    x = 1\n    y"
    expect(field).to_have_value(written)
    expect(field).to_be_focused()
    code.saved()
    assert list(kept(service).values()) == [written]
    code.page.keyboard.press("Escape")
    code.page.keyboard.press("Tab")
    expect(field).not_to_be_focused()
    expect(field).to_have_value(written)
    expect(field).to_have_attribute("aria-describedby", "code-keys text-count")
    expect(code.page.locator("#code-keys")).to_have_text("Tab 键缩进；要离开输入框，请先按 Esc 再按 Tab。")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_nothing_sticks_out(desks, size):
    desk = desks(size=size)
    desk.enter()
    desk.go("code", "编程题")
    expect(desk.page.locator("#answer-text")).to_be_visible()
    assert desk.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
