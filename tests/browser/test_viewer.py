"""The image viewer in a real browser: what it paints, measures and says, by mouse, touch and keyboard."""

import io

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from courses import measure
from courses import series as series_module
from courses.cases import CaseStore
from courses.models import phantom
from courses.series import Series
from tests.support.viewer_host import WidgetHost, drag, page_of, saved

SIZES = [(1366, 768), (390, 844)]


@pytest.fixture(scope="module")
def scan(tmp_path_factory):
    return CaseStore(tmp_path_factory.mktemp("cases")).open("phantom-ct")


def viewer(series, **traits):
    return WidgetHost(
        "dicom_viewer",
        {"series": series.meta(), "index": 5, "window": [], "tool": "scroll", "measurements": [], **traits},
        series.frame_bytes,
    )


def stage_box(page):
    page.wait_for_selector("[data-shown]")
    return page.locator(".xv-stage").bounding_box()


def screen(page, series, point):
    """Where a point of the picture is on the screen at the first zoom: fitted, centred."""
    box = stage_box(page)
    ratio = series.spacing[0] / series.spacing[1]
    scale = min(box["width"] / series.columns, box["height"] / (series.rows * ratio))
    x = box["x"] + (box["width"] - (series.columns - 1) * scale) / 2 + point[0] * scale
    y = box["y"] + (box["height"] - (series.rows - 1) * scale * ratio) / 2 + point[1] * scale * ratio
    return x, y


def greys_at(page, *points):
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    return [picture.getpixel((round(x), round(y))) for x, y in points]


def expected_grey(value, center, width):
    """PS3.3 C.11.2.1.2.1, the linear function, to 8 bits."""
    if width == 1:
        return 255 * (value > center - 0.5)
    return 255 * min(1, max(0, (value - (center - 0.5)) / (width - 1) + 0.5))


# bands of 32 columns, in HU
VALUES = [-1000, -600, -200, 0, 40, 200, 1000, 1800]


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    def fill(folder):
        row = np.repeat(np.array(VALUES) + 1024, 32).astype(np.int16)
        frames = np.broadcast_to(row, (3, 256, 256)).copy()
        series_module.write(
            folder,
            Series("bands", "Bands", "CT", 3, 256, 256, (1.0, 1.0), 1.0, -1024.0, "HU", (("DICOM", 40.0, 400.0),)),
            frames,
        )

    return CaseStore(tmp_path_factory.mktemp("bands")).add("bands", fill)


@pytest.mark.parametrize("plain", [False, True], ids=["webgl2", "canvas"])
def test_window_and_level_to_the_pixel(browser, bands, plain):
    """Greys on the screen are those of the DICOM formula, by shader and by the fallback alike."""
    script = """
    const get = HTMLCanvasElement.prototype.getContext;
    HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
      return kind === "webgl2" ? null : get.call(this, kind, ...rest);
    };
    """
    with viewer(bands, index=0) as host, page_of(browser, host, script=script if plain else None) as page:
        stage_box(page)
        expect(page.get_by_text("简易显示（无 WebGL2）")).to_have_count(1 if plain else 0)
        for center, width in [(40, 400), (-600, 1500), (500, 2000), (40, 80), (0, 1)]:
            page.evaluate("(window) => model.set('window', window)", [center, width])
            found = greys_at(page, *(screen(page, bands, (band * 32 + 16, 60)) for band in range(len(VALUES))))
            for value, colour in zip(VALUES, found, strict=True):
                assert colour == pytest.approx([expected_grey(value, center, width)] * 3, abs=1.0), (
                    center,
                    width,
                    value,
                )


def test_invert(browser, bands):
    with viewer(bands, index=0) as host, page_of(browser, host) as page:
        at = screen(page, bands, (16, 60))
        assert greys_at(page, at) == [(0, 0, 0)]
        page.get_by_role("button", name="反色").click()
        assert greys_at(page, at) == [(255, 255, 255)]


@pytest.mark.parametrize("size", SIZES, ids=["laptop", "phone"])
def test_length_by_mouse(browser, scan, size):
    start, end = phantom.rod_ends()
    points = [phantom.to_pixel(*start), phantom.to_pixel(*end)]
    with viewer(scan, index=30) as host, page_of(browser, host, size=size) as page:
        stage_box(page)
        page.get_by_role("button", name="长度").click()
        drag(page, *[screen(page, scan, point) for point in points])
        (made,) = saved(page, "measurements")
        assert made["kind"] == "length"
        assert made["frame"] == 30
        value, unit = measure.evaluate(made, scan)
        assert (made["value"], made["unit"]) == (pytest.approx(value), unit)
        # half a CSS pixel at either end, in mm of this size
        box = page.locator(".xv-stage").bounding_box()
        screen_mm = scan.spacing[0] * scan.columns / min(box["width"], box["height"])
        assert value == pytest.approx(phantom.ROD_LENGTH_MM, abs=2 * screen_mm)


def test_region_by_mouse_agrees_with_python(browser, scan):
    item = phantom.insert("fat")
    corners = [phantom.to_pixel(item.x - 9, item.y - 9), phantom.to_pixel(item.x + 9, item.y + 9)]
    with viewer(scan, tool="ellipse") as host, page_of(browser, host) as page:
        drag(page, *[screen(page, scan, corner) for corner in corners])
        (made,) = saved(page, "measurements")
        stats = measure.ellipse_stats(scan.frame(5), made["points"], scan.slope, scan.intercept)
        assert (made["value"], made["sd"], made["pixels"]) == pytest.approx((stats.mean, stats.sd, stats.pixels))
        assert made["area"] == pytest.approx(measure.ellipse_area(made["points"], scan.spacing))
        assert made["value"] == pytest.approx(item.hu, abs=2)
        expect(page.locator(".xv-measure text")).to_contain_text("均值")


def test_angle_by_three_clicks_then_edit_and_delete_by_keyboard(browser, scan):
    with viewer(scan, tool="angle") as host, page_of(browser, host) as page:
        for point in ((100, 256), (256, 256), (256, 100)):
            page.mouse.click(*screen(page, scan, point))
        (made,) = saved(page, "measurements")
        assert made["value"] == pytest.approx(90, abs=0.5)
        page.locator(".xv-measure").focus()
        before = made["points"]
        page.keyboard.press("ArrowRight")
        (moved,) = saved(page, "measurements")
        step = moved["points"][0][0] - before[0][0]
        assert step > 0
        assert [[x - step, y] for x, y in moved["points"]] == [pytest.approx(point) for point in before]
        page.keyboard.press("Enter")  # the first point alone
        page.keyboard.press("Shift+ArrowUp")
        (bent,) = saved(page, "measurements")
        assert bent["points"][1:] == moved["points"][1:]
        assert bent["points"][0][1] == pytest.approx(moved["points"][0][1] - 10 * step)
        page.keyboard.press("Delete")
        assert saved(page, "measurements") == []
        expect(page.locator(".xv-stage")).to_be_focused()


def test_everything_by_keyboard(browser, scan):
    with viewer(scan) as host, page_of(browser, host) as page:
        stage_box(page)
        page.locator(".xv-stage").focus()
        for key, index in [("ArrowDown", 6), ("PageDown", 7), ("PageUp", 6), ("End", 39), ("Home", 0), ("ArrowUp", 0)]:
            page.keyboard.press(key)
            assert page.evaluate("model.get('index')") == index
        page.keyboard.press("1")
        assert saved(page, "window") == [-600, 1500]
        page.keyboard.press("w")
        page.keyboard.press("ArrowRight")
        assert saved(page, "window")[1] > 1500
        page.keyboard.press("l")
        page.keyboard.press("Enter")
        for _ in range(4):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Enter")
        (made,) = saved(page, "measurements")
        (x0, y0), (x1, y1) = made["points"]
        assert y0 == y1
        assert made["value"] == pytest.approx((x1 - x0) * scan.spacing[1])
        page.keyboard.press("Enter")
        page.keyboard.press("Escape")  # one begun is given up, the finished one stays
        assert len(saved(page, "measurements")) == 1
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()


def test_scroll_wheel_and_right_drag(browser, scan):
    with viewer(scan) as host, page_of(browser, host) as page:
        x, y = screen(page, scan, (256, 256))
        page.mouse.move(x, y)
        page.mouse.wheel(0, 120)
        page.wait_for_selector('[data-shown="6"]')
        page.mouse.down(button="right")
        page.mouse.move(x + 50, y - 25, steps=5)
        page.mouse.up(button="right")
        center, width = saved(page, "window")
        assert width > 400
        assert center < 40


def test_drag_through_the_slices_asks_for_each_once(browser, scan):
    with viewer(scan, index=0) as host, page_of(browser, host) as page:
        x, y = screen(page, scan, (256, 256))
        drag(page, (x, y), (x, y + 12 * 20))
        page.wait_for_selector('[data-shown="20"]')
        page.wait_for_function("document.querySelectorAll('.xv-message:not([hidden])').length === 0")
        assert len(host.asked) == len(set(host.asked))


def fingers(page, *frames):
    """Touches by the browser's own input, [(x, y), ...] a frame: down, moves, up."""
    client = page.context.new_cdp_session(page)
    for number, points in enumerate(frames):
        touches = [{"x": x, "y": y, "id": place} for place, (x, y) in enumerate(points)]
        client.send(
            "Input.dispatchTouchEvent", {"type": "touchMove" if number else "touchStart", "touchPoints": touches}
        )
    client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_touch_measures_and_pinch_zooms(browser, scan):
    with viewer(scan, tool="length", index=30) as host, page_of(browser, host, size=(390, 844), touch=True) as page:
        a, b = screen(page, scan, (150, 256)), screen(page, scan, (350, 256))
        middle = ((a[0] + b[0]) / 2, a[1])
        fingers(page, [a], [middle], [b])
        (made,) = saved(page, "measurements")
        assert made["value"] == pytest.approx(100, abs=2)
        before = page.locator(".xv-se").inner_text()
        fingers(page, [(a[0] + 40, a[1]), (b[0] - 40, b[1])], [(a[0] + 20, a[1]), (b[0] - 20, b[1])], [a, b])
        expect(page.locator(".xv-se")).not_to_have_text(before)
        assert len(saved(page, "measurements")) == 1  # two fingers measure nothing


def test_missing_spacing_is_said_and_read_in_pixels(browser, bands):
    meta = {**bands.meta(), "spacing": None}
    host = WidgetHost("dicom_viewer", {"series": meta, "index": 0, "tool": "length"}, bands.frame_bytes)
    with host, page_of(browser, host, language="en") as page:
        a, b = screen(page, bands, (50, 50)), screen(page, bands, (150, 50))
        drag(page, a, b)
        (made,) = saved(page, "measurements")
        assert made["unit"] == "px"
        expect(page.get_by_text("No spacing: pixels")).to_be_visible()
        expect(page.get_by_text("The image has no pixel spacing: lengths are in pixels.")).to_be_visible()


def test_synthetic_is_said_in_both_languages(browser, scan):
    for language, text in (("zh", "合成影像"), ("en", "Synthetic")):
        with viewer(scan) as host, page_of(browser, host, language=language) as page:
            expect(page.get_by_text(text, exact=True)).to_be_visible()


def test_orientation_letters(browser, scan):
    with viewer(scan) as host, page_of(browser, host) as page:
        stage_box(page)
        assert {place: page.locator(f".xv-letter.xv-{place}").inner_text() for place in "nswe"} == {
            "n": "A",
            "s": "P",
            "w": "R",
            "e": "L",
        }


def test_lost_graphics_come_back(browser, bands):
    with viewer(bands, index=0) as host, page_of(browser, host) as page:
        at = screen(page, bands, (6 * 32 + 16, 60))
        assert greys_at(page, at) == [(255, 255, 255)]
        page.evaluate(
            "() => { const canvas = document.querySelector('.xv-stage canvas');"
            " window.lose = canvas.getContext('webgl2').getExtension('WEBGL_lose_context'); lose.loseContext(); }"
        )
        expect(page.get_by_role("alert")).to_contain_text("显卡驱动暂停了")
        page.evaluate("() => lose.restoreContext()")
        expect(page.locator(".xv-message")).to_be_hidden()
        assert greys_at(page, at) == [(255, 255, 255)]


def test_a_slice_that_does_not_come_can_be_asked_for_again(browser, scan):
    with viewer(scan) as host:
        host.broken = {5}
        with page_of(browser, host, quiet=False) as page:
            page.clock.install()
            page.reload()
            expect(page.get_by_text("正在载入影像")).to_be_visible()
            expect(page.locator(".xv-message")).to_be_visible()
            for _ in range(3):
                page.clock.run_for(7000)
            expect(page.get_by_role("alert")).to_contain_text("第 6 层没有送达")
            host.broken = set()
            page.get_by_role("button", name="重试").click()
            page.wait_for_selector('[data-shown="5"]')
            expect(page.locator(".xv-message")).to_be_hidden()


def test_a_closed_viewer_stops(browser, scan):
    with viewer(scan) as host, page_of(browser, host) as page:
        stage_box(page)
        page.evaluate("() => { cleanup(); model.set('index', 20); model.set('window', [0, 100]); }")


@pytest.mark.parametrize("size", SIZES, ids=["laptop", "phone"])
@pytest.mark.parametrize("language", ["zh", "en"])
def test_nothing_is_wider_than_the_screen_and_targets_are_big(browser, scan, size, language):
    with viewer(scan) as host, page_of(browser, host, language=language, size=size) as page:
        stage_box(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for box in page.locator(".xv-button").evaluate_all(
            "(all) => all.map((one) => one.getBoundingClientRect().toJSON())"
        ):
            assert box["height"] >= 44
            assert box["width"] >= 40
