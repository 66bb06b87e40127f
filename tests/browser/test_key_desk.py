"""The group lead changes the key of an exam in a real browser, by keyboard alone, and on a phone."""

import dataclasses
from typing import Any

import pytest
from playwright.sync_api import expect

from exams import key
from exams.items import load_bank
from exams.marks import MarkStore
from tests.support.axe import findings
from tests.support.candidate import PHONE, WIDE
from tests.support.exam_client import Client
from tests.support.exam_command import run
from tests.support.exam_host import BANK, own_name, store_url
from tests.support.sat_exam import LEAD, number_of, sat_exam

SIGN_MS = 60_000
SINGLE = next(item for item in load_bank(BANK) if item.type == "A1")
NUMBER = next(item for item in load_bank(BANK) if item.type == "numeric")
SHORT = next(item for item in load_bank(BANK) if item.type == "short")
SPACED = [(SHORT.points - 1, "诊断  正确\u3000依据充分"), (1.0, "鉴别\u3000两种  以上")]
OTHER = next(letter for letter in SINGLE.letters if letter != SINGLE.key)
SHEETS: list[dict[str, Any]] = [
    {SINGLE.id: SINGLE.key},
    {SINGLE.id: OTHER},
    {SINGLE.id: OTHER, NUMBER.id: f"{NUMBER.key:g}", SHORT.id: "啰音"},
    {},
]


@pytest.fixture
def exam(service, request):
    made = sat_exam(service.home, f"{own_name(request)}-k".lower(), [SINGLE, NUMBER, SHORT], SHEETS)
    done = run(service.home, "mark", made.id, "--by", LEAD)
    assert done.exit_code == 0, done.output
    return made


MANY = 450


@pytest.fixture
def large(service, request):
    """More candidates than a page shows at once, none of whom gave the number."""
    made = sat_exam(service.home, f"{own_name(request)}-l".lower(), [SINGLE, NUMBER], [{}] * MANY)
    done = run(service.home, "mark", made.id, "--by", LEAD)
    assert done.exit_code == 0, done.output
    return made


def at_the_desk(desks, service, exam, **options):
    page = desks(LEAD, **options).page
    page.goto(f"{service.base}login?as={LEAD}")
    page.goto(f"{service.base}{exam.id}/desk")
    return page


def tab_to(page, selector):
    for _ in range(60):
        if page.evaluate("selector => document.activeElement?.matches(selector)", selector):
            return
        page.keyboard.press("Tab")
    raise AssertionError(selector)


def test_a_key_is_changed_by_keyboard_alone(desks, service, exam):
    page = at_the_desk(desks, service, exam, size=WIDE)
    tab_to(page, f'a[href$="{exam.id}/key"]')
    page.keyboard.press("Enter")
    expect(page.locator("#stem")).to_have_text(SINGLE.stem)
    tab_to(page, f'input[name="accepted"][value="{OTHER}"]')
    page.keyboard.press("Space")
    tab_to(page, "#show")
    page.keyboard.press("Enter")
    expect(page.locator("#preview-title")).to_contain_text("2 名考生的成绩将变动")
    expect(page.locator("#preview tbody tr")).to_have_count(2)
    first = page.locator("#preview tbody tr").first
    expect(first).to_contain_text(number_of(1))
    expect(first).to_contain_text(f"1: 0 → {SINGLE.points:g}")
    assert findings(page) == []
    assert key.newest(exam) == key.FIRST
    tab_to(page, "#reason")
    page.keyboard.type("教材第十版两种说法并存")
    page.keyboard.press("Enter")
    expect(page.locator("#desk-message")).to_contain_text("第 2 版答案已生效；2 名考生", timeout=SIGN_MS)
    expect(page.locator("#versions")).to_contain_text("教材第十版两种说法并存")
    assert key.versions(exam)[0].changes == {SINGLE.id: {"accepted": [OTHER]}}
    marks = MarkStore(store_url(service.home))
    assert marks.sheets(exam.id, 2)[number_of(1)].points[SINGLE.id] == SINGLE.points
    marks.close()
    tab_to(page, "[data-version]")
    page.keyboard.press("Enter")
    expect(page.locator("#preview-title")).to_contain_text("2 名考生的成绩有变动")


@pytest.fixture
def spaced(service, request):
    """A short answer whose rubric has spaces that mean something."""
    item = dataclasses.replace(SHORT, rubric=tuple(SPACED))
    made = sat_exam(service.home, f"{own_name(request)}-s".lower(), [item], [{SHORT.id: "啰音"}])
    done = run(service.home, "mark", made.id, "--by", LEAD)
    assert done.exit_code == 0, done.output
    return made


def test_a_rubric_keeps_its_spaces(desks, service, spaced):
    page = at_the_desk(desks, service, spaced, size=WIDE)
    page.goto(f"{service.base}{spaced.id}/key")

    def asked():
        with page.expect_request("**/key/preview") as sent:
            page.click("#show")
        return sent.value.post_data_json["changes"][SHORT.id]

    page.check('input[name="void"]')
    assert asked() == {"void": True}
    page.uncheck('input[name="void"]')
    rubric = page.locator('textarea[name="rubric"]')
    rubric.fill(rubric.input_value().replace("两种", "三种"))
    (points, text), (one, other) = SPACED
    changed = [{"points": points, "text": text}, {"points": one, "text": other.replace("两种", "三种")}]
    assert asked() == {"rubric": changed}


def test_what_is_no_text_is_refused_in_a_sentence(service, exam):
    lead, half = Client(service, LEAD), "\ud83d"  # of a pair of surrogates, which no file can hold
    accepted = {SINGLE.id: {"accepted": [OTHER]}}
    digest = lead.write(f"{exam.id}/key/preview", changes=accepted).json()["digest"]
    for path, body, code in (
        ("sign", {"changes": accepted, "digest": digest, "reason": half}, "unreadable"),
        ("preview", {"changes": {SHORT.id: {"model_answer": half}}}, "unreadable"),
        ("preview", {"changes": {SINGLE.id: {"accepted": [[]]}}}, "changes"),
    ):
        reply = lead.write(f"{exam.id}/key/{path}", **body)
        assert (reply.status_code, reply.json()["error"]) == (400, code)
    assert key.proposed(exam) is None


def test_everybody_whose_marks_change_can_be_seen(desks, service, large):
    page = at_the_desk(desks, service, large, size=WIDE)
    page.goto(f"{service.base}{large.id}/key")
    page.select_option("#item", NUMBER.id)
    page.check('input[name="void"]')
    page.click("#show")
    expect(page.locator("#preview-title")).to_contain_text(f"{MANY} 名考生")
    more = page.get_by_role("button", name="显示更多")
    for shown in (200, 400):
        expect(page.locator("#preview tbody tr")).to_have_count(shown)
        expect(more).to_contain_text(f"{MANY - shown} 名")
        more.click()
    expect(page.locator("#preview tbody tr")).to_have_count(MANY)
    expect(page.locator("#preview tbody tr").last).to_contain_text(number_of(MANY - 1))
    expect(more).to_be_hidden()


def test_on_a_phone_and_in_english_it_fits_and_refuses_in_a_sentence(desks, service, exam):
    desk = desks(LEAD, size=PHONE, language="en")
    desk.expecting_faults = True
    page = desk.page
    page.goto(f"{service.base}login?as={LEAD}")
    page.goto(f"{service.base}{exam.id}/key")
    page.select_option("#item", NUMBER.id)
    page.check('input[name="void"]')
    page.click("#show")
    expect(page.locator("#preview-title")).to_have_text("3 candidates get other marks.")
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    assert findings(page) == []
    page.select_option("#item", SHORT.id)
    page.fill('textarea[name="model_answer"]', "另一个参考答案")
    page.click("#show")
    expect(page.locator("#preview-title")).to_contain_text("People mark the answers to this question anew")
    expect(page.locator("#preview-title")).to_contain_text("change for 0 candidates. The marks of 1 more may change")
    expect(page.locator("#preview tbody tr")).to_contain_text(["3: ? → ?"])
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
