"""The imaging lab from its first task to its last, each answered wrongly and then rightly, at both sizes."""

import pytest
from playwright.sync_api import expect

from courses.imaging import window_level
from courses.models import phantom
from tests.support.person import LAB_S, PHONE, WIDE
from tests.support.platform import needs_bwrap
from tests.support.viewer_host import drag

pytestmark = needs_bwrap()
TITLE = {"zh": "窗宽窗位与 CT 值测量", "en": "Window, level and CT numbers"}
PRESETS = {"zh": ["肺窗", "骨窗", "脑窗"], "en": ["Lung", "Bone", "Brain"]}


class Lab:
    """The open lab: its picture and its tasks by number."""

    def __init__(self, page):
        self.page = page
        expect(page.locator(".xv-stage").first).to_be_visible(timeout=LAB_S)

    def task(self, number):
        """The card of a task, on show: until the kernel has turned the page, the one before it still is."""
        self.page.locator(".xl-steps").get_by_role("button", name=str(number), exact=True).click()
        card = self.page.locator(".xl-task:visible")
        expect(card).to_contain_text(f"任务 {number}")  # the kernel changes the card: the one before is there till then
        return card

    def judged(self, card, right):
        card.get_by_role("button", name="提交").click()
        expect(card.locator(".xl-right" if right else ".xl-wrong")).to_be_in_viewport()

    def draw(self, tool, start, end):
        """Drag with a tool between two points of the phantom, mm."""
        self.page.locator(f'[data-tool="{tool}"]').first.click()
        stage = self.page.locator(".xv-stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        scale = min(box["width"], box["height"]) / phantom.COLUMNS / phantom.PIXEL_MM
        middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        drag(self.page, *((middle[0] + x * scale, middle[1] + y * scale) for x, y in (start, end)))

    def region(self, name):
        item = phantom.insert(name)
        self.draw("ellipse", (item.x - 8, item.y - 8), (item.x + 8, item.y + 8))

    def slice(self, number):
        self.page.locator(".xv-foot input").fill(str(number))
        expect(self.page.locator(".xv-ne")).to_contain_text(f"{number} / {phantom.SLICES}")


@pytest.mark.parametrize(("user", "size", "language"), [("student01", WIDE, "zh"), ("student04", PHONE, "en")])
def test_every_task_wrong_then_right(people, user, size, language):
    person = people(user, size=size, language=language)
    person.open_lab(TITLE[language])
    lab, page = Lab(person.page), person.page
    for number, (preset, task) in enumerate(zip(PRESETS[language], window_level.WINDOWS.values(), strict=True), 1):
        card = lab.task(number)
        page.get_by_role("button", name="软组织窗" if language == "zh" else "Soft tissue").click()
        lab.judged(card, right=False)
        page.get_by_role("button", name=preset, exact=True).click()
        card.locator("select").select_option(str(phantom.HIDDEN[task.insert][0]))
        lab.judged(card, right=True)
    card = lab.task(4)
    lab.judged(card, right=False)
    lab.region("fat")
    lab.judged(card, right=True)
    card = lab.task(5)
    lab.judged(card, right=False)
    lab.slice(phantom.SIZE_SLICES[0] + 6)
    lab.draw("length", *phantom.rod_ends())
    lab.judged(card, right=True)
    card = lab.task(6)
    lab.slice(7)
    lab.region("unknown")
    lab.judged(card, right=False)
    card.get_by_text("急性血肿").click()
    lab.judged(card, right=True)
    page.get_by_role("button", name="评价任务").click()
    page.get_by_role("button", name="查看本次小结").click()
    expect(page.locator(".xl-evaluation")).to_contain_text("已完成 6 / 6")
    assert page.evaluate("document.documentElement.scrollWidth") == size[0]
    person.open("/hub/home")
    progress = page.locator("article", has_text=TITLE[language]).get_by_role("progressbar")
    expect(progress).to_have_attribute("aria-valuenow", "6")


class SlowLine:
    """The line from the kernel, whose words can be held back; those to the kernel go at once."""

    def __init__(self, page):
        self.held, self.holding = [], False
        page.route_web_socket("**/channels*", self._connect)

    def _connect(self, socket):
        self.socket, server = socket, socket.connect_to_server()
        server.on_message(lambda word: self.held.append(word) if self.holding else socket.send(word))

    def release(self):
        self.holding = False
        for word in self.held:
            self.socket.send(word)


def test_what_is_pressed_after_a_measurement_knows_of_it_however_slow_the_kernel_is(people):
    person = people("student05")
    line = SlowLine(person.page)
    person.open_lab(TITLE["zh"])
    lab, page = Lab(person.page), person.page
    card = lab.task(4)
    lab.judged(card, right=False)
    line.holding = True
    page.get_by_role("button", name="软组织窗").click()
    lab.region("fat")
    card.get_by_role("button", name="提交").click()
    line.release()
    expect(card.locator(".xl-right")).to_be_in_viewport()
