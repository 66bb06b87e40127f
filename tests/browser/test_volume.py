"""The 3-D view in a real browser: the engine comes from our own host and renders the volume that the kernel holds."""

import base64
import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect

from courses.cases import CaseStore
from tests.support.viewer_host import WidgetHost, page_of
from widgets.itk_engine import fetch

# itkwidgets warns and replaces modules of its own on import, so it runs in a process of its own here
PREPARE = """
import base64, json, pathlib, sys
from courses.cases import CaseStore
from widgets.volume import Volume
widget = Volume(lambda: CaseStore(pathlib.Path(sys.argv[1])).open("phantom-ct"))
widget.show()
store = {key: base64.b64encode(bytes(value)).decode() for key, value in widget._store.items()}
print(json.dumps({"calls": widget.calls, "store": store, "state": widget.state}))
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    cases = tmp_path_factory.mktemp("cases")
    CaseStore(cases).open("phantom-ct")
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", PREPARE, str(cases)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_itkwidgets_makes_the_store_and_the_calls(prepared):
    assert prepared["state"] == "open"
    assert ".zattrs" in prepared["store"]
    assert [name for name, _ in prepared["calls"]] == [
        "setImageGradientOpacity",
        "setImageShadowEnabled",
        "setImageVolumeSampleDistance",
    ]


def stored(prepared):
    """Answers for the keys of the prepared store."""
    return lambda name: base64.b64decode(prepared["store"][name]) if name in prepared["store"] else None


LIT = """() => viewer.getViewProxy().getRepresentations()
  .flatMap((shown) => shown.getVolumes?.() ?? []).map((volume) => volume.getProperty().getShade())"""


@pytest.mark.parametrize("size", [(1366, 768), (390, 844)])
def test_the_volume_is_rendered_and_the_page_stays_free(prepared, browser, size):
    fetch()
    traits = {"state": "closed", "message": "", "calls": prepared["calls"]}
    with (
        WidgetHost("volume", traits, keys=stored(prepared)) as host,
        page_of(browser, host, size=size) as page,
    ):
        assert page.locator("iframe").count() == 0  # nothing is loaded before it is wanted
        page.get_by_role("button", name="三维显示").click()
        stage = page.locator(".xv-volume")
        # lit, one picture takes ten seconds on a processor, and the page waits for several of them
        expect(stage).to_have_attribute("data-shown", "true", timeout=20_000)
        page.set_default_timeout(10_000)
        page.wait_for_function("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        engine = page.frames[1]
        assert engine.evaluate(LIT) == [False]
        # the tests' browser draws on the processor: a quarter of the pixels, and no way to switch the light on
        expect(stage).to_have_attribute("data-coarse", "")
        drawn = engine.locator("canvas").first
        assert drawn.evaluate("(canvas) => canvas.width") <= stage.bounding_box()["width"] / 2
        expect(drawn).to_be_visible()
        assert engine.locator('[class*="uiContainer"]:visible').count() == 0
