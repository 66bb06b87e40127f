"""A written answer: every character counted once, the limit in sight, and nothing lost in silence."""

import pytest
from playwright.sync_api import expect

from tests.support.candidate import kept

RARE = "𠮷"
"""A Chinese character of two UTF-16 code units."""


def to_the_text(desk, kind="简答题"):
    desk.go("short", kind)
    form = desk.page.locator("#text-count").inner_text()
    return desk.page.locator("#answer-text"), int("".join(filter(str.isdigit, form.split("/")[-1].split("of")[-1])))


def paste(field, text):
    field.focus()
    field.evaluate("(field, text) => document.execCommand('insertText', false, text)", text)


def test_a_character_counts_once(desks, service):
    desk = desks()
    desk.enter()
    field, limit = to_the_text(desk)
    field.fill(f"胸腔积液{RARE}\nA")
    expect(desk.page.locator("#text-count")).to_have_text(f"7 / {limit} 字")
    desk.saved()
    assert list(kept(service).values()) == [f"胸腔积液{RARE}\nA"]


def test_near_the_limit_it_is_said_politely_and_beyond_it_all_is_kept(desks, service):
    desk = desks(language="en")
    desk.enter()
    field, limit = to_the_text(desk, "Short answer")
    said = desk.page.locator("#text-remark")
    expect(said).to_have_attribute("role", "status")
    paste(field, RARE * (limit - 30))
    expect(desk.page.locator("#text-count")).to_have_text(f"{limit - 30} of {limit} characters")
    expect(said).to_be_empty()
    paste(field, "液" * 20)
    expect(said).to_have_text("10 characters left.")
    paste(field, "液" * 10)
    expect(said).to_have_text("The limit is reached.")
    paste(field, "超出的话")
    expect(said).to_have_text(f"4 characters too many: only the first {limit} are marked.")
    desk.saved()
    assert list(kept(service).values()) == [RARE * (limit - 30) + "液" * 30 + "超出的话"]
    desk.page.reload()
    expect(desk.page.locator("article.question")).to_be_visible()
    field, _ = to_the_text(desk, "Short answer")
    expect(said).to_have_text(f"4 characters too many: only the first {limit} are marked.")


def test_a_paste_that_no_server_would_take_changes_nothing_and_says_so(desks, service):
    desk = desks()
    desk.enter()
    field, _ = to_the_text(desk)
    field.fill("原来的答案")
    desk.saved()
    paste(field, "长" * 8000)
    expect(desk.page.locator("#text-remark")).to_contain_text("未能插入")
    expect(field).to_have_value("原来的答案")
    field.press("End")
    field.press_sequentially("完")
    desk.saved()
    assert list(kept(service).values()) == ["原来的答案完"]


@pytest.mark.parametrize("chosen", ["胸腔积液"])
def test_what_an_input_method_composes_is_counted_when_it_is_text(desks, service, chosen):
    desk = desks()
    desk.enter()
    field, limit = to_the_text(desk)
    field.focus()
    session = desk.context.new_cdp_session(desk.page)
    session.send("Input.imeSetComposition", {"text": "xiong'qiang", "selectionStart": 11, "selectionEnd": 11})
    expect(desk.page.locator("#text-count")).to_have_text(f"0 / {limit} 字")
    session.send("Input.insertText", {"text": chosen})
    expect(desk.page.locator("#text-count")).to_have_text(f"4 / {limit} 字")
    desk.saved()
    assert list(kept(service).values()) == [chosen]
