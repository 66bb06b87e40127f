"""Cases that go forward only: what was left behind is read, not changed, on whatever machine and in whatever state."""

import re

import pytest
from playwright.sync_api import expect

from tests.support.candidate import PHONE, WIDE, kept, let_in, watch
from tests.support.narrowing import present


def to_the_case(desk):
    """Open the first question of the A4 case; its place, from 0."""
    desk.go("A4")
    return int(present(re.search(r"\d+", desk.page.locator("#question-title .number").inner_text()))[0]) - 1


def choose(page, place):
    """Choose an option by its place and give its letter in the bank."""
    option = page.locator(".option input").nth(place)
    option.check()
    return option.get_attribute("value")


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_who_goes_on_is_warned_once_and_cannot_come_back(desks, service, size):
    desk = desks(size=size)
    page = desk.page
    desk.enter()
    first = to_the_case(desk)
    answer = choose(page, 1)
    expect(page.locator("#forward")).to_be_visible()
    page.click("#next")
    expect(page.locator("dialog[data-forward]")).to_be_visible()
    page.locator("dialog .button.second").click()
    expect(page.locator(".option input").nth(1)).to_be_enabled()
    desk.press(page.locator("#next"))
    choose(page, 0)
    page.click("#next")  # it was said once, and nothing is left unanswered
    expect(page.locator("dialog")).to_have_count(0)
    desk.at(first)
    expect(page.locator(".option input").nth(1)).to_be_checked()
    expect(page.locator(".option input").nth(1)).to_be_disabled()
    expect(page.locator("#flag")).to_be_disabled()
    page.keyboard.press("c")
    expect(page.locator(".option input").nth(1)).to_be_checked()
    expect(page.locator("#map .grid button").nth(first)).to_have_attribute("aria-label", re.compile("已锁定"))
    desk.saved()
    assert answer in kept(service).values()


def test_leaving_the_case_closes_nothing(desks):
    desk = desks()
    desk.enter()
    first = to_the_case(desk)
    desk.page.keyboard.press("PageUp")
    desk.page.locator("#map .grid button").nth(first).click()
    expect(desk.page.locator("dialog")).to_have_count(0)
    expect(desk.page.locator(".option input").first).to_be_enabled()


def test_an_unanswered_question_is_named_before_it_is_closed(desks):
    desk = desks()
    desk.enter()
    first = to_the_case(desk)
    desk.page.keyboard.press("PageDown")
    expect(desk.page.locator("dialog[data-forward]")).to_contain_text(str(first + 1))
    desk.page.keyboard.press("Escape")
    expect(desk.page.locator("#question-title .number")).to_contain_text(str(first + 1))


def test_it_stays_closed_after_loading_again_and_on_another_machine(desks, service):
    desk, other, teacher = desks(), desks(), desks("teacher01")
    watch(teacher)
    desk.enter()
    first = to_the_case(desk)
    choose(desk.page, 2)
    desk.press(desk.page.locator("#next"))
    desk.saved()
    desk.page.reload()
    expect(desk.page.locator("article.question")).to_be_visible()
    still_closed(desk, first)
    other.knock()
    let_in(teacher)
    expect(other.page.locator("article.question")).to_be_visible()
    still_closed(other, first)
    other.faults = [fault for fault in other.faults if "status of 409" not in fault]  # the invigilator was asked


def still_closed(desk, first):
    desk.at(first)
    expect(desk.page.locator(".option input").nth(2)).to_be_checked()
    expect(desk.page.locator(".option input").nth(2)).to_be_disabled()


def test_what_was_answered_before_going_on_arrives_although_the_network_was_away(desks, service):
    desk = desks()
    page = desk.page
    desk.enter()
    to_the_case(desk)
    with desk.fault():
        desk.context.set_offline(True)
        before = choose(page, 3)
        desk.press(page.locator("#next"))
        after = choose(page, 0)
        expect(page.locator("#saving")).to_have_attribute("data-state", "unsaved")
        desk.context.set_offline(False)
        desk.saved()
    assert sorted(kept(service).values()) == sorted([before, after])


def test_an_answer_that_comes_after_the_candidate_went_on_elsewhere_does_not_count_and_is_told(desks, service):
    old, new, teacher = desks(), desks(), desks("teacher01")
    watch(teacher)
    old.enter()
    first = to_the_case(old)
    counted = choose(old.page, 1)
    old.saved()
    with old.fault():
        old.context.set_offline(True)
        choose(old.page, 4)
        new.knock()
        let_in(teacher)
        expect(new.page.locator("article.question")).to_be_visible()
        new.at(first)
        new.at(first + 1)
        new.saved()
        old.context.set_offline(False)
        old.page.locator("dialog[data-elsewhere] button").click(timeout=60_000)
        let_in(teacher)
    expect(old.page.locator("dialog")).to_contain_text(f"{first + 1}")
    old.page.locator("dialog button").click()
    expect(old.page.locator(".option input").nth(1)).to_be_checked()
    expect(old.page.locator(".option input").nth(1)).to_be_disabled()
    old.saved()
    assert list(kept(service).values()) == [counted]
    for desk in (old, new):  # the browser's own lines: the seat is taken, the invigilator is asked
        desk.faults = [fault for fault in desk.faults if "status of 409" not in fault]
