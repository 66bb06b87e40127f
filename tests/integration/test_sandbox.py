"""A student's own JupyterLab, tried from its terminal: it holds the student's folder and nothing of the platform."""

import json

import pytest
import tornado.httpclient
import tornado.websocket

from tests.support.platform import closed, needs_bwrap, until

pytestmark = needs_bwrap()
USER = "student03"


@pytest.fixture(scope="module")
def server(platform):
    """(session, address) of the student's running server, opened as the portal does: a lab as a notebook."""
    session = platform.session(USER)
    session.get(f"{platform.url}/hub/notebook/physiology/01_nerve", timeout=60)
    address = f"{platform.url}/user/{USER}"
    until(
        lambda: session.get(f"{address}/lab", timeout=30).url.startswith(f"{address}/lab"), 90, "the server is up", 0.5
    )
    return session, address


async def run(server, platform, command):
    """What `command` prints in a terminal of the student's server."""
    session, address = server
    header = {"X-XSRFToken": session.cookies.get("_xsrf", path=f"/user/{USER}/")}
    made = session.post(f"{address}/api/terminals", headers=header, timeout=20)
    assert made.status_code == 200, made.text
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies if cookie.path != "/hub/")
    socket = await tornado.websocket.websocket_connect(
        tornado.httpclient.HTTPRequest(
            f"{address.replace('http', 'ws')}/terminals/websocket/{made.json()['name']}",
            headers={"Cookie": cookies, "Origin": platform.url},
        )
    )
    await socket.write_message(json.dumps(["stdin", f"{command}; echo DO''NE\r"]))
    printed = ""
    while "DONE" not in printed:
        said = await socket.read_message()
        assert said is not None
        kind, text, *_ = json.loads(said)
        printed += text if kind == "stdout" else ""
    await closed(socket)
    return printed


async def test_the_students_folder_is_there_with_the_lab(server, platform):
    assert "physiology_01_nerve.ipynb" in await run(server, platform, "ls ~/labs")


async def test_nothing_of_the_platform_is_there(server, platform):
    home = platform.home
    for path in (
        "state.sqlite",
        "hub.sqlite",
        "secrets",
        "homes",
        "exams",
        "nbgrader/diagnostics",
        "demo-accounts.json",
    ):
        assert (home / path).exists(), path
        assert "No such file" in await run(server, platform, f"ls {home}/{path}")


async def test_the_item_bank_and_the_hub_are_not_there(server, platform):
    printed = await run(server, platform, 'python -c \'import courses.tasks; print("labs", "import")\'')
    assert "labs import" in printed
    for package in ("exams.items", "hub.settings"):
        assert "ModuleNotFoundError" in await run(server, platform, f"python -c 'import {package}'")


async def test_no_other_process_is_seen_and_no_privilege_is_held(server, platform):
    printed = await run(server, platform, "ls /proc | grep -c '^[0-9]'; id -u; grep CapEff /proc/self/status")
    numbers = [int(line) for line in printed.split() if line.isdigit()]
    assert 0 < numbers[0] < 20
    assert 1000 in numbers
    assert "0000000000000000" in printed


async def test_the_system_cannot_be_written(server, platform):
    for target in ("/usr/x", "/courses/x", "/etc/x", "$(python -c 'import courses; print(courses.__path__[0])')/x"):
        printed = await run(server, platform, f"touch {target} && echo WRI''TTEN")
        assert "WRITTEN" not in printed, target


async def test_the_environment_holds_the_students_own_token_alone(server, platform):
    printed = await run(server, platform, "env")
    held = [file.name for file in (platform.home / "secrets").iterdir() if file.read_text() in printed]
    assert held == []
    assert "XINGLIN" not in printed


def test_another_student_does_not_get_in(server, platform):
    _session, address = server
    other = platform.session("student02")
    assert other.get(f"{address}/api/status", timeout=20).status_code == 403
    assert "/lab" not in other.get(f"{address}/lab", timeout=20).url.removeprefix(f"{address}/")


def test_its_kernels_are_forks_in_the_sandbox(server, platform):
    session, address = server
    header = {"X-XSRFToken": session.cookies.get("_xsrf", path=f"/user/{USER}/")}
    made = session.post(f"{address}/api/kernels", json={"name": "xinglin"}, headers=header, timeout=60)
    assert made.status_code == 201, made.text
    forks = [process for process in platform.processes() if "hub.kernels" in " ".join(process.cmdline())]
    inside = [process for process in forks if any("bwrap" in each.name() for each in process.parents())]
    assert [process for process in inside if process.parent() in inside]
