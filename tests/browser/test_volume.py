"""The 3-D view in a real browser: the engine comes from our own host and renders the volume that the kernel holds."""

import json
import subprocess
import sys

import pytest
from playwright.sync_api import expect
from viewer_host import WidgetHost, open_chromium, page_of

from courses.cases import CaseStore
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


def test_the_volume_is_rendered(prepared):
    fetch()
    import base64

    def key(name):
        return base64.b64decode(prepared["store"][name]) if name in prepared["store"] else None

    traits = {"state": "closed", "message": "", "calls": prepared["calls"]}
    with WidgetHost("volume", traits, keys=key) as host, open_chromium() as chromium, page_of(chromium, host) as page:
        assert page.locator("iframe").count() == 0  # nothing is loaded before it is wanted
        page.get_by_role("button", name="三维显示").click()
        expect(page.locator(".xv-volume")).to_have_attribute("data-shown", "true", timeout=60_000)
        frame = page.frame_locator("iframe")
        expect(frame.locator("canvas").first).to_be_visible()
