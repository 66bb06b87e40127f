"""Teachers at the bank's desk in a real browser: from finding an item to its being live, and what goes wrong."""

import re
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect

from exams import ledger
from exams.bankdesk.furnish import FOLDER
from exams.items import load_bank, load_file
from tests.support.exam_host import BANK, Served, furnish_bank, own_name
from tests.support.narrowing import present
from tests.support.ports import free_port

WIDE, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}
ITEM, ECG = "dx-ecg-001", "dx-ecg-002"
MOST_TABS = 150


@pytest.fixture(scope="module")
def process(tmp_path_factory, simulator):
    running = Served(tmp_path_factory.mktemp("bank"), free_port(), simulator)
    running.furnish("joint")
    yield running
    running.stop()


@pytest.fixture
def bank(process, request):
    """A bank that no other test knows, by its name."""
    name = own_name(request)
    furnish_bank(process.home, name)
    return name


class Desk:
    """One of staff at a machine of their own, and what went wrong in it."""

    def __init__(self, browser, process, bank, user, size=WIDE, language="zh"):
        self.process, self.bank = process, bank
        self.context = browser.new_context(viewport=size, locale="zh-CN")
        self.context.add_cookies([{"name": "xinglin_language", "value": language, "url": process.site}])
        self.faults: list[str] = []
        self.refusals = 0
        self.context.on("request", self._request)
        self.page = self.context.new_page()
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        self.page.goto(f"{process.base}login?as={user}")

    def _console(self, message):
        # the browser itself writes a line for an answer that refuses something; those that a test expects are counted
        if message.type == "error" and re.search(r"status of 4\d\d", message.text):
            self.refusals += 1
        elif message.type == "error":
            self.faults.append(message.text)

    def _request(self, request):
        if request.url.startswith("http") and urlsplit(request.url).netloc != urlsplit(self.process.site).netloc:
            self.faults.append(f"another host: {request.url}")

    def open(self, path=""):
        self.page.goto(f"{self.process.base}bank/{self.bank}/{path}")

    def fits(self):
        """Nothing is cut off at the side or has to be scrolled to."""
        width = self.page.evaluate("document.documentElement.scrollWidth")
        assert width <= self.page.viewport_size["width"], self.page.url

    def deed(self, name):
        self.page.locator(f"[data-deed={name}]").click()
        self.page.locator("dialog .button:not(.second)").click()
        expect(self.page.locator("dialog")).to_have_count(0)
        expect(self.page.locator(".banner.good")).to_be_visible()

    def tab_to(self, selector):
        """By the Tab key alone."""
        for _ in range(MOST_TABS):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"the Tab key does not reach {selector}")


@pytest.fixture
def desks(browser, process, bank):
    made = []

    def make(user="teacher01", **options):
        made.append(Desk(browser, process, bank, user, **options))
        return made[-1]

    yield make
    for desk in made:
        desk.context.close()
    assert [fault for desk in made for fault in desk.faults] == []


def stored(process, bank, name):
    """The item in its file, and what the ledger makes of it."""
    folder = process.home / FOLDER / bank
    item = next(item for item in load_bank(folder) if item.id == name)
    return item, ledger.state(present(ledger.read(folder)), item)


BOTH = pytest.mark.parametrize(("size", "language"), [(WIDE, "zh"), (PHONE, "en")], ids=["wide-zh", "phone-en"])


@BOTH
def test_from_a_search_to_a_live_item(desks, process, bank, size, language):
    one, two = (desks(user, size=size, language=language) for user in ("teacher01", "teacher02"))
    page = one.page
    one.open()
    expect(page.locator("#items li")).to_have_count(50)
    page.fill("#by-text", "走纸速度 定标")
    expect(page.locator("#items li")).to_have_count(1)
    one.fits()
    page.click(f"[data-item={ITEM}]")
    frame = page.frame_locator("#preview")
    expect(frame.locator("#stem")).to_contain_text("走纸速度")
    expect(frame.locator(".option")).to_have_count(5)
    frame.locator(".option").nth(2).click()
    expect(frame.locator(".option :checked")).to_have_count(1)
    one.fits()
    expect(page.locator("#rationale")).to_contain_text("小方格边长")
    page.click("#edit")
    one.fits()
    page.fill("[data-field=stem] textarea", "一个小方格代表多少？")
    page.click("#save")
    page.wait_for_url(f"**/item/{ITEM}")
    expect(page.locator("#state")).to_have_class("pill draft")
    expect(page.locator("[data-deed=review]")).to_have_count(0)
    expect(page.locator("#refused")).to_contain_text("teacher01")
    two.open(f"item/{ITEM}")
    two.deed("review")
    expect(two.page.locator("#state")).to_have_class("pill reviewed")
    page.reload()
    one.deed("publish")
    expect(page.locator("#state")).to_have_class("pill live")
    expect(page.locator("#history li")).to_have_count(6)
    item, state = stored(process, bank, ITEM)
    assert (item.stem, state) == ("一个小方格代表多少？", ledger.State.LIVE)
    page.click("#back")
    expect(page.locator("#by-text")).to_have_value("走纸速度 定标")


@BOTH
def test_the_preview_is_the_room_at_both_sizes(desks, bank, size, language):
    desk = desks(size=size, language=language)
    page = desk.page
    desk.open(f"item/{ECG}")
    frame = page.frame_locator("#preview")
    expect(frame.locator(".stage canvas, .stage svg").first).to_be_visible()
    inner = page.locator("#preview").element_handle().content_frame()
    page.click("[data-size=computer]")
    assert inner.evaluate("innerWidth") == 1364  # 1366 less the frame's own border
    side = [inner.locator(one).bounding_box() for one in (".asset", ".options")]
    assert side[0]["x"] + side[0]["width"] <= side[1]["x"]
    page.click("[data-size=phone]")
    assert inner.evaluate("innerWidth") == 388
    assert inner.evaluate("document.documentElement.scrollWidth") == 388
    above = [inner.locator(one).bounding_box() for one in (".asset", ".options")]
    assert above[0]["y"] + above[0]["height"] <= above[1]["y"]
    desk.fits()


def test_an_image_of_a_case_is_shown_and_measured_on(desks, bank):
    name = next(item.id for item in load_bank(BANK) if item.type == "measurement" and item.measure == "length")
    desk = desks()
    desk.open(f"item/{name}")
    inner = desk.page.locator("#preview").element_handle().content_frame()
    stage = inner.locator(".stage canvas").first
    expect(stage).to_be_visible()
    box = stage.bounding_box()
    desk.page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    desk.page.mouse.down()
    desk.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=4)
    desk.page.mouse.up()
    expect(inner.locator(".measure .hint")).to_contain_text("mm")


@BOTH
def test_every_page_fits(desks, bank, size, language):
    desk = desks(size=size, language=language)
    members = [item.id for item in load_file(BANK / "ecg.yaml") if item.group]
    kinds = {item.type: item.id for item in load_bank(BANK)}
    pages = [
        "",
        "import",
        "new?type=A3",
        "new?type=B1",
        "new?type=measurement",
        "group/dx-ecg-g1",
        f"item/{members[0]}",
    ]
    for path in [*pages, *(f"edit/{name}" for name in kinds.values())]:
        desk.open(path)
        ready = {"": "#items li", "import": "#file"}.get(path, "#preview" if "item/" in path else "[data-field=id]")
        expect(desk.page.locator(ready).first).to_be_visible()
        desk.fits()


def test_by_the_keyboard_alone(desks, process, bank):
    one, two = desks(), desks("teacher02")
    page, keys = one.page, one.page.keyboard
    one.open()
    one.tab_to("#by-text")
    keys.type("走纸速度 定标")
    expect(page.locator("#items li")).to_have_count(1)
    one.tab_to(f"[data-item={ITEM}]")
    keys.press("Enter")
    page.wait_for_url(f"**/item/{ITEM}")
    one.tab_to("#edit")
    keys.press("Enter")
    page.wait_for_url(f"**/edit/{ITEM}")
    one.tab_to("[data-field=rationale] textarea")
    keys.press("End")
    keys.type("补充。")
    one.tab_to("#save")
    keys.press("Enter")
    page.wait_for_url(f"**/item/{ITEM}")
    two.open(f"item/{ITEM}")
    two.tab_to("[data-deed=review]")
    two.page.keyboard.press("Enter")
    expect(two.page.locator("dialog")).to_be_visible()
    two.page.keyboard.type("已核对")
    two.page.keyboard.press("Enter")
    expect(two.page.locator("#state")).to_have_class("pill reviewed")
    expect(two.page.locator("#history")).to_contain_text("已核对")
    assert stored(process, bank, ITEM)[0].rationale.endswith("补充。")


def test_what_is_typed_survives_a_reload_and_a_mistake_is_shown_at_its_field(desks, process, bank):
    desk = desks()
    page = desk.page
    desk.open(f"edit/{ECG}")
    page.fill("[data-field=stem] textarea", "写到一半")
    page.fill("[data-field=difficulty] input", "3")
    page.reload()
    expect(page.locator("#discard")).to_be_visible()
    expect(page.locator("[data-field=stem] textarea")).to_have_value("写到一半")
    page.click("#save")
    expect(page.locator("[data-field=difficulty] .wrong")).to_contain_text("0 与 1 之间")
    expect(page.locator("[data-field=difficulty] input")).to_be_focused()
    page.fill("[data-field=difficulty] input", "0.6")
    page.click("#save")
    page.wait_for_url(f"**/item/{ECG}")
    assert stored(process, bank, ECG)[0].difficulty == 0.6
    desk.open(f"edit/{ECG}")
    expect(page.locator("#discard")).to_have_count(0)
    assert desk.refusals == 1


@pytest.mark.parametrize("mine", [True, False], ids=["mine", "theirs"])
def test_of_two_who_edit_the_second_compares_and_decides(desks, process, bank, mine):
    one, two = desks(), desks("teacher02")
    for desk in (one, two):
        desk.open(f"edit/{ITEM}")
    two.page.fill("[data-field=rationale] textarea", "先来的。")
    two.page.click("#save")
    two.page.wait_for_url(f"**/item/{ITEM}")
    one.page.fill("[data-field=stem] textarea", "后来的？")
    one.page.click("#save")
    expect(one.page.locator("#clash")).to_contain_text("先来的。")
    expect(one.page.locator("#message")).to_contain_text("teacher02")
    expect(one.page.locator("[data-field=stem] textarea")).to_have_value("后来的？")
    one.page.click("#keep-mine" if mine else "#take-theirs")
    if mine:
        one.page.wait_for_url(f"**/item/{ITEM}")
        assert stored(process, bank, ITEM)[0].stem == "后来的？"
    else:
        expect(one.page.locator("[data-field=rationale] textarea")).to_have_value("先来的。")
        assert stored(process, bank, ITEM)[0].rationale == "先来的。"
    assert one.refusals == 1


def fill(page, part, stem, options=True):
    own = page.locator("#parts > .card").nth(part)
    own.locator("[data-field=stem] textarea").fill(stem)
    if options:
        for place, field in enumerate(own.locator("[data-field=options] li input").all()):
            field.fill(f"选项{place}")
    own.locator("[data-field=key] label").nth(1).click()
    own.locator("[data-field=rationale] textarea").fill("理由。")
    own.locator("[data-field=source] input").fill("《诊断学》第9版")


def test_a_new_case_with_its_first_two_questions(desks, process, bank):
    desk = desks()
    page = desk.page
    desk.open("new")
    page.select_option("#type", "A3")
    page.click("#choose-type")
    page.locator("#group [data-field=stem] textarea").fill("男，58 岁，反复咳嗽 20 年。")
    for part in range(2):
        fill(page, part, f"第 {part + 1} 问")
    page.click("#save")
    page.wait_for_url("**/item/**")
    expect(page.frame_locator("#preview").locator(".shared")).to_contain_text("反复咳嗽")
    expect(page.locator("#members a")).to_have_count(3)
    page.click("#edit-shared")
    expect(page.locator("#changing")).to_contain_text("dx-ecg-020")
    page.locator("#group [data-field=stem] textarea").fill("女，58 岁。")
    page.click("#save")
    page.wait_for_url("**/item/**")
    pair = [stored(process, bank, name)[0] for name in ("dx-ecg-019", "dx-ecg-020")]
    assert [item.group.stem for item in pair] == ["女，58 岁。"] * 2
    assert [item.key for item in pair] == ["B", "B"]


def test_one_more_item_on_shared_options(desks, process, bank):
    desk = desks()
    page = desk.page
    desk.open("new?type=B1&group=dx-ecg-g1")
    fill(page, 0, "反映后壁的导联是", options=False)
    page.click("#save")
    page.wait_for_url("**/item/**")
    item, state = stored(process, bank, "dx-ecg-019")
    assert (item.group.id, item.key, state) == ("dx-ecg-g1", "B", ledger.State.DRAFT)


def test_a_new_measurement_is_measured_by_its_author_in_the_image(desks, process, bank):
    desk = desks()
    page = desk.page
    desk.open("new?type=measurement")
    for name, text in {
        "asset.case": "phantom-ct",
        "asset.frame": "12",
        "unit": "mm",
        "key": "40",
        "tolerance": "30",
    }.items():
        page.locator(f"[data-field='{name}'] input").first.fill(text)
    page.fill("[data-field=stem] textarea", "测量长度")
    page.fill("[data-field=rationale] textarea", "理由。")
    page.fill("[data-field=source] input", "《医学影像学》第8版")
    page.get_by_role("button", name="在影像中测量").click()
    stage = page.locator(".example canvas").first
    expect(stage).to_be_visible()
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.45, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.52, y, steps=4)
    page.mouse.up()
    points = page.locator("[data-field=example] input").nth(1)
    expect(points).not_to_have_value("")
    desk.fits()
    page.click("#save")
    page.wait_for_url("**/item/**")
    item, _ = stored(process, bank, "dx-ecg-019")
    assert (item.measure, item.example["frame"], len(item.example["points"])) == ("length", 12, 2)


@pytest.mark.parametrize("kind", ["X", "numeric", "ecg", "short"])
def test_a_new_item_of_other_types(desks, process, bank, kind):
    desk = desks()
    page = desk.page
    desk.open(f"new?type={kind}")
    page.fill("[data-field=stem] textarea", "新题")
    page.fill("[data-field=rationale] textarea", "理由。")
    page.fill("[data-field=source] input", "《诊断学》第9版")
    if kind == "X":
        for place, field in enumerate(page.locator("[data-field=options] li input").all()):
            field.fill(f"选项{place}")
        page.locator("[data-field=key] label").nth(0).click()
        page.locator("[data-field=key] label").nth(3).click()
    elif kind == "short":
        page.locator("[data-field=rubric] li input").nth(0).fill("1")
        page.locator("[data-field=rubric] li input").nth(1).fill("要点")
        page.fill("[data-field=model_answer] textarea", "答案")
    else:
        if kind == "ecg":
            page.select_option("[data-field='asset.rhythm'] select", "av_block_1")
            page.locator("[data-field='asset.parameters'] input[name=pr]").fill("240")
            page.select_option("[data-field=_by] select", "number")
        page.locator("[data-field=key]:visible input").fill("0.24")
        page.locator("[data-field=tolerance]:visible input").fill("0.02")
        page.locator("[data-field=unit]:visible input").fill("s")
    page.click("#save")
    page.wait_for_url("**/item/**")
    item, _ = stored(process, bank, "dx-ecg-019")
    assert item.type == kind
    assert {"X": item.key == ("A", "D"), "short": item.rubric == ((1.0, "要点"),)}.get(kind, item.key == 0.24)
    assert kind != "ecg" or item.asset["parameters"] == {"pr": 240.0}


def test_an_import_is_read_and_confirmed_and_a_hostile_one_refused(desks, process, bank, tmp_path):
    desk = desks()
    page = desk.page
    desk.open("import")
    evil = tmp_path / "evil.txt"
    evil.write_text("::x:: <script>alert(1)</script> {=a ~b ~c ~d ~e}", encoding="utf-8")
    page.set_input_files("#file", evil)
    page.click("#send")
    expect(page.locator("#message")).to_contain_text("script")
    good = tmp_path / "questions.txt"
    good.write_text("::in-1:: 问？ {=a ~b ~c ~d ~e}\n\n::in-2:: 四个 {=a ~b ~c ~d}\n", encoding="utf-8")
    page.set_input_files("#file", good)
    page.click("#send")
    expect(page.locator("#found-title")).to_contain_text("1")
    expect(page.locator("#found .report").first).to_contain_text("in-2")
    assert not (process.home / FOLDER / bank / "questions.yaml").exists()
    page.click("#confirm")
    expect(page.locator("#message")).to_contain_text("1 题")
    assert stored(process, bank, "in-1")[1] is ledger.State.DRAFT
    page.locator("#message a").click()
    expect(page.locator("[data-item=in-1]")).to_be_visible()
    assert desk.refusals == 1


def test_what_is_found_is_exported(desks, bank):
    desk = desks()
    page = desk.page
    desk.open("?topic=ecg&type=B1")
    expect(page.locator("#items li").first).to_be_visible()
    page.click("#export")
    page.select_option("dialog select", "moodle")
    page.locator("dialog .button:not(.second)").click()
    with page.expect_download() as download:
        page.click("#download")
    assert download.value.suggested_filename == f"{bank}.xml"
    assert "<quiz>" in download.value.path().read_text("utf-8")
