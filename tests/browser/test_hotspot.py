"""Marking a place on an image in the exam room: by mouse, by touch, by keyboard alone; one mark, and no key."""

from math import floor

import pytest
from playwright.sync_api import expect

from exams.exam import exam_in
from exams.marking import mark
from tests.support.candidate import PHONE, WIDE, kept
from tests.support.platform import until


def to_the_hotspot(desk, kind="图上定位"):
    """Open the first hotspot item; its stage and the item itself."""
    desk.go("hotspot", kind)
    stage = desk.page.locator(".stage .xv-stage")
    expect(stage).to_have_attribute("data-shown", "12")
    stem = desk.page.locator(".stem").inner_text().strip()
    form = exam_in(desk.service.home / "exams", desk.service.exam).form("A")
    return stage, next(item for item in form.items if item.stem == stem)


def place_of(stage, x, y):
    """Where pixel (x, y) of the 512 x 512 phantom is on the screen, within `stage`: the whole picture, centred."""
    box = stage.bounding_box()
    scale = min(box["width"], box["height"]) / 512
    return {"x": box["width"] / 2 + (x - 255.5) * scale, "y": box["height"] / 2 + (y - 255.5) * scale}


def answered(service, item, wanted=bool):
    """The response to `item` that the server holds, as soon as it is one that is `wanted`: the viewer tells it soon."""

    def found():
        response = kept(service).get(item.id)
        return response if response and wanted(response) else None

    return until(found, 10, "an answer")


@pytest.mark.parametrize(
    ("size", "language", "kind"),
    [(WIDE, "zh", "图上定位"), (PHONE, "en", "Mark on the image")],
    ids=["wide-zh", "phone-en"],
)
def test_a_click_is_a_mark_and_the_next_click_takes_its_place(desks, service, size, language, kind):
    desk = desks(size=size, language=language)
    desk.enter()
    stage, item = to_the_hotspot(desk, kind)
    stage.scroll_into_view_if_needed()
    x, y = item.regions[0].inside()
    stage.click(position=place_of(stage, 255, 255))
    assert mark(item, answered(service, item)).points == 0
    stage.click(position=place_of(stage, x, y))
    response = answered(service, item, lambda one: mark(item, one).points > 0)
    expect(desk.page.locator(".stage .xv-measure")).to_have_count(1)
    assert response["points"][0] == pytest.approx([x, y], abs=2)
    assert mark(item, response).points == item.points
    desk.page.reload()
    expect(desk.page.locator("article.question")).to_be_visible()
    to_the_hotspot(desk, kind)
    expect(desk.page.locator(".stage .xv-measure")).to_have_count(1)
    expect(desk.page.locator(".measure .hint")).to_contain_text(str(floor(response["points"][0][0] + 0.5)))


def test_by_keyboard_alone_a_mark_is_set_moved_and_taken_away(desks, service):
    desk = desks()
    page = desk.page
    desk.enter()
    stage, item = to_the_hotspot(desk)
    stage.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    before = answered(service, item)["points"][0]
    page.keyboard.press("Tab")
    expect(page.locator(".stage .xv-measure")).to_be_focused()
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+ArrowLeft")
    after = answered(service, item, lambda one: one["points"][0][0] < before[0])["points"][0]
    assert after[1] > before[1]
    expect(page.locator(".measure .hint")).to_contain_text(str(floor(after[1] + 0.5)))
    page.keyboard.press("Delete")
    until(lambda: item.id not in kept(service), 10, "the mark is taken away")
    expect(page.locator(".measure .hint")).to_have_text("尚未标记。")


def test_a_tap_is_a_mark(browser, service, desks):
    desk = desks(size=PHONE, has_touch=True)
    desk.enter()
    stage, item = to_the_hotspot(desk)
    stage.scroll_into_view_if_needed()
    x, y = item.regions[0].inside()
    stage.tap(position=place_of(stage, x, y))
    assert mark(item, answered(service, item)).points == item.points


def test_no_answer_of_the_server_tells_where_the_regions_are(desks):
    desk = desks()
    seen = []

    def noted(answer):
        if "json" in answer.headers.get("content-type", ""):
            seen.append(answer)

    desk.page.on("response", noted)
    desk.enter()
    _, item = to_the_hotspot(desk)
    desk.page.keyboard.press("PageUp")
    desk.saved()
    texts = [answer.text() for answer in seen]
    assert any(item.id in text for text in texts)
    numbers = [f"{number:g}" for region in item.regions for number in region.circle]
    assert [
        text for text in texts if "regions" in text or "circle" in text or any(n in text for n in numbers if "." in n)
    ] == []
