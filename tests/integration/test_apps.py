"""The apps service over the real hub: labs open, and nothing else of the platform does."""

import json

import psutil
import pytest
import tornado.httpclient
import tornado.websocket
from jupyter_server.services.kernels.connection.base import serialize_msg_to_ws_v1

from hub.apps import PROTOCOL
from tests.support.labs import LAB, opened
from tests.support.platform import closed, until
from widgets.i18n import COOKIE


def test_a_lab_opens_for_whoever_is_logged_in(platform):
    _session, page, config = opened(platform, "student01")
    assert "神经干动作电位" in page.text
    assert config["kernelId"]


def test_nobody_gets_no_lab(platform):
    answer = platform.session().get(platform.url + LAB, timeout=20)
    assert "/hub/login" in answer.url


def test_the_page_holds_no_source_and_no_token(platform):
    _session, page, config = opened(platform, "student01")
    assert "check_threshold" not in page.text
    tokens = [file.read_text() for file in (platform.home / "secrets").iterdir()]
    assert [token for token in tokens if token in page.text] == []
    assert not config.get("token")


@pytest.mark.parametrize(
    "path",
    [
        "voila/tree",
        "voila/tree/physiology",
        "voila/files/physiology/01_nerve.ipynb",
        "voila/api/contents",
        "voila/api/contents/physiology/01_nerve.ipynb",
        "api/contents/physiology/01_nerve.ipynb",
        "api/kernels",
        "api/terminals",
        "voila/static/../../../../state.sqlite",
        "voila/labextensions/../../secrets/cookie-secret",
        "voila/render/../../state.sqlite",
        "voila/render/physiology/nothing.ipynb",
        "voila/render/%2e%2e/%2e%2e/demo-accounts.json",
    ],
)
@pytest.mark.parametrize("user", ["student01", "teacher01"])
def test_nothing_but_labs_is_served(platform, user, path):
    answer = platform.session(user).get(f"{platform.url}/services/apps/{path}", timeout=20)
    assert answer.status_code in {403, 404}, answer.url


@pytest.mark.parametrize(
    ("language", "sentence"), [("zh", "这个地址没有内容"), ("en", "There is nothing at this address")]
)
@pytest.mark.parametrize("user", [None, "student01"])
@pytest.mark.parametrize("path", ["nothing", "nothing/at/all", "voila/nothing"])
def test_an_address_of_nothing_leads_back_in_the_visitors_language(platform, user, path, language, sentence):
    session = platform.session(user)
    session.cookies.set(COOKIE, language)
    answer = session.get(f"{platform.url}/services/apps/{path}", timeout=20)
    assert answer.status_code == 404
    assert sentence in answer.text
    assert 'href="/hub/home"' in answer.text


def test_a_lab_that_is_none_leads_back(platform):
    answer = platform.session("student01").get(f"{platform.url}/services/apps/voila/render/no", timeout=20)
    assert answer.status_code == 404
    assert 'href="/hub/home"' in answer.text


def test_the_line_is_for_whoever_is_logged_in_and_shows_a_ticket(platform):
    line = f"{platform.url}/services/apps/line"
    assert platform.session().get(line, params={"ticket": "t"}, timeout=20).status_code == 403
    session = platform.session("student01")
    session.get(f"{platform.url}/services/apps/voila/render/no", timeout=20)  # logs in at the service
    assert session.get(line, timeout=20).status_code == 400
    for known in ("", "0", "-1", "²", "many"):
        answer = session.get(line, params={"ticket": "t", "known": known}, timeout=20)
        assert answer.json() == {"place": 0, "full": False}, known
    assert session.get(platform.url + LAB, params={"ticket": "t"}, timeout=60).status_code == 200


def test_a_kernel_answers_its_owner_alone(platform):
    owner, _page, config = opened(platform, "student01")
    kernel = f"{platform.url}/services/apps/api/kernels/{config['kernelId']}"
    assert owner.get(kernel, timeout=10).status_code == 200
    for other in ("student02", "teacher01", "lead01", "operator01"):
        session = platform.session(other)
        session.get(platform.url + LAB, timeout=60)  # logs in at the service
        assert session.get(kernel, timeout=10).status_code == 403, other
        header = {"X-XSRFToken": session.cookies.get("_xsrf", path="/services/apps/") or ""}
        assert session.delete(kernel, headers=header, timeout=10).status_code == 403, other
        closing = f"{platform.url}/services/apps/voila/api/shutdown/{config['kernelId']}"
        assert session.post(closing, headers=header, timeout=10).status_code == 403, other
    assert owner.get(kernel, timeout=10).status_code == 200


async def connect(platform, session, kernel, protocols=(PROTOCOL,)):
    address = f"{platform.url.replace('http', 'ws')}/services/apps/api/kernels/{kernel}/channels"
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in session.cookies if cookie.path != "/hub/")
    request = tornado.httpclient.HTTPRequest(address, headers={"Cookie": cookies, "Origin": platform.url})
    return await tornado.websocket.websocket_connect(request, subprotocols=list(protocols))


async def say(socket, message):
    """Send a message as a page does."""
    data = serialize_msg_to_ws_v1(message, message["channel"], lambda part: json.dumps(part).encode())
    await socket.write_message(data, binary=True)


async def test_a_page_in_a_protocol_that_voila_cannot_read_is_refused(platform):
    """In the older one it would count to a length that is none, and every lab would stand still."""
    session, _page, config = opened(platform, "student01")
    for protocols in ((), ("v0.kernel.websocket.jupyter.org",)):
        with pytest.raises(tornado.httpclient.HTTPClientError, match="400"):
            await connect(platform, session, config["kernelId"], protocols)


async def test_no_code_from_the_browser_reaches_a_kernel(platform):
    session, _page, config = opened(platform, "student01")
    socket = await connect(platform, session, config["kernelId"])
    header = {"msg_id": "m", "msg_type": "execute_request", "session": "s", "username": "", "version": "5.3"}
    content = {"code": "print('reached')", "silent": False}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
    await say(socket, message)
    question = {**message, "header": {**header, "msg_id": "k", "msg_type": "kernel_info_request"}, "content": {}}
    await say(socket, question)
    answers: list[str | bytes | None] = []
    while not any("kernel_info_reply" in str(answer) for answer in answers):
        answers.append(await socket.read_message())
    await closed(socket)
    assert "execute_reply" not in str(answers)
    assert "reached" not in str(answers)


async def test_nobody_listens_in_on_anothers_kernel(platform):
    _owner, _page, config = opened(platform, "student01")
    other = platform.session("student02")
    other.get(platform.url + LAB, timeout=60)
    with pytest.raises(tornado.httpclient.HTTPClientError, match="403"):
        await connect(platform, other, config["kernelId"])


def test_a_kernel_knows_no_secret_of_the_service(platform):
    opened(platform, "student01")
    service = platform.part("hub.cli", "course")
    kernels = [
        child for child in psutil.Process(service.pid).children(recursive=True) if "hub.kernels" in child.cmdline()
    ]
    assert kernels
    names = {name for kernel in kernels for name in kernel.environ()}
    assert sorted(name for name in names if name.startswith(("JUPYTERHUB", "CONFIGPROXY", "XINGLIN_PLAN"))) == []


def test_a_visit_is_a_fork_of_the_lab_made_ready(platform):
    """Two visitors of one role get one page, but for their kernels, which are children of one parent."""
    service = platform.part("hub.cli", "course")
    _first, one, first = opened(platform, "student01")
    _second, two, second = opened(platform, "student04")
    assert first["kernelId"] != second["kernelId"]
    assert one.text.replace(first["kernelId"], "") == two.text.replace(second["kernelId"], "")
    log = (platform.home / "logs" / "apps.log").read_text("utf-8")
    assert "is run anew for each visit" not in log
    parents = [kernel.parent() for kernel in psutil.Process(service.pid).children(recursive=True)]
    assert max(parents.count(parent) for parent in parents) >= 2


def test_closing_the_page_ends_the_kernel(platform):
    session, _page, config = opened(platform, "student03")
    header = {"X-XSRFToken": session.cookies.get("_xsrf", path="/services/apps/")}
    closing = f"{platform.url}/services/apps/voila/api/shutdown/{config['kernelId']}"
    assert session.post(closing, headers=header, timeout=20).status_code == 204
    kernel = f"{platform.url}/services/apps/api/kernels/{config['kernelId']}"
    until(lambda: session.get(kernel, timeout=10).status_code in {403, 404}, 10, "the kernel is gone")


@pytest.mark.parametrize("header", [{}, {"Authorization": "token "}, {"Authorization": "token guessed"}])
def test_a_report_needs_a_kernels_token(platform, header):
    report = {"task": "threshold", "success": True, "response": 1}
    answer = platform.session("student01").post(
        f"{platform.url}/services/apps/report", json=report, headers=header, timeout=10
    )
    assert answer.status_code == 403
