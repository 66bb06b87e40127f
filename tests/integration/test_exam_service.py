"""The exam service: who may reach what, and what survives kill -9."""

import hashlib
import html
import itertools
import json
import os
import re
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from tornado.web import create_signed_value

from exams import release
from exams.response import passed
from exams.sitting import SittingStore
from tests.support.exam_client import SEAT, Client, change
from tests.support.exam_host import CANDIDATES, PREFIX, Process, Served, furnish, own_name, store_url
from tests.support.narrowing import present
from tests.support.platform import until
from tests.support.ports import free_port


@pytest.fixture(scope="module")
def process(tmp_path_factory, simulator):
    running = Served(tmp_path_factory.mktemp("service"), free_port(), simulator)
    yield running
    running.stop()


@pytest.fixture
def service(process):
    """The service, with the exam `joint`."""
    if not (process.home / "exams" / "joint").exists():
        process.furnish("joint")
    process.exam = "joint"
    return process


@pytest.fixture
def fresh(process, request):
    """The service with an exam that no other test knows."""

    def start(**changes):
        process.furnish(own_name(request), **changes)
        return process

    return start


@pytest.fixture
def mortal(tmp_path, request):
    """The service as a process of this test's own, to be killed."""
    running = Process(tmp_path, free_port())
    running.furnish(own_name(request))
    yield running
    running.stop()


@pytest.fixture
def sat(service):
    """student01 is in the room, with an answer; the ids of a plain, an image and an ECG item."""
    client = Client(service, "student01")
    items = client.enter().json()["items"]
    client.save(change(1, items[0]["id"])).raise_for_status()
    kinds = {(item["asset"] or {"kind": "plain"})["kind"]: item["id"] for item in reversed(items)}
    return client, kinds


# which status each path gives to each of ROLES: student02 is a candidate who has not entered; teacher02's school has no
# candidate, teacher01's and lead02's have; lead01 is in charge
PAGES = {
    "": (302, 200, 200, 200, 200, 200, 200, 200),
    "ticket": (200, 200, 200, 200, 200, 200, 200, 200),
    "login-problem": (403, 403, 403, 403, 403, 403, 403, 403),
    "joint/": (302, 200, 404, 404, 404, 404, 404, 404),
    "joint/room": (302, 200, 404, 404, 404, 404, 404, 404),
    "joint/receipt": (302, 302, 404, 404, 404, 404, 404, 404),
    "joint/result": (302, 404, 404, 404, 404, 404, 404, 404),
    "joint/desk": (302, 404, 404, 200, 404, 200, 200, 200),
    "joint/key": (302, 404, 404, 403, 404, 409, 403, 403),  # 409: it is not over
    "api/joint/key/versions/2": (401, 404, 404, 403, 404, 409, 403, 403),
    "other/": (302, 404, 404, 404, 404, 404, 404, 404),
    "other/room": (302, 404, 404, 404, 404, 404, 404, 404),
    "nowhere/": (302, 404, 404, 404, 404, 404, 404, 404),
    "api/joint/clock": (401, 200, 404, 404, 404, 404, 404, 404),
    "api/joint/state": (401, 409, 404, 404, 404, 404, 404, 404),
    "api/joint/watch": (401, 404, 404, 200, 404, 200, 200, 200),
    "api/joint/candidates/2026010001/history": (401, 404, 404, 200, 404, 200, 404, 200),
    "api/joint/items/{dicom}/series": (401, 409, 404, 404, 404, 404, 404, 404),
    "api/joint/items/{dicom}/frames/0": (401, 409, 404, 404, 404, 404, 404, 404),
    "api/joint/items/{ecg}/signals": (401, 409, 404, 404, 404, 404, 404, 404),
}
WRITES = {
    "joint/items/{simulation}/runs": (403, 409, 404, 404, 404, 404, 404, 404),
    "other/enter": (403, 404, 404, 404, 404, 404, 404, 404),
    "joint/responses": (403, 409, 404, 404, 404, 404, 404, 404),
    "joint/submit": (403, 409, 404, 404, 404, 404, 404, 404),
    "joint/acts/collect": (403, 404, 404, 403, 404, 200, 403, 403),
    "joint/acts/unknown": (403, 404, 404, 403, 404, 400, 403, 403),
    "joint/credit": (403, 404, 404, 403, 404, 400, 403, 403),
    "joint/stop": (403, 404, 404, 403, 404, 409, 403, 403),
    "joint/key/preview": (403, 404, 404, 403, 404, 409, 403, 403),
    "joint/key/sign": (403, 404, 404, 403, 404, 409, 403, 403),
    "joint/left": (403, 409, 404, 404, 404, 404, 404, 404),
    "joint/checkin": (403, 400, 404, 404, 404, 404, 404, 404),
    "joint/attend": (403, 404, 404, 400, 404, 400, 400, 400),
    "joint/unseal": (403, 404, 404, 403, 404, 400, 403, 403),
    "joint/force": (403, 404, 404, 400, 404, 400, 400, 400),
}
ROLES = (None, "student02", "outsider", "teacher01", "teacher02", "lead01", "lead02", "operator01")
BODY = {"seat": SEAT, "sequence": 0, "count": 1, "seconds": 1, "responses": [change(1, "x")]}


@pytest.mark.parametrize(("path", "expected"), PAGES.items(), ids=PAGES)
def test_reading_by_role(service, sat, path, expected):
    path = path.format(**sat[1])
    assert tuple(Client(service, user).page(path).status_code for user in ROLES) == expected


@pytest.mark.parametrize(("path", "expected"), WRITES.items(), ids=WRITES)
def test_writing_by_role(service, sat, path, expected):
    path = path.format(**sat[1])
    assert tuple(Client(service, user).write(path, **BODY).status_code for user in ROLES) == expected


# whose candidates each of those who watch sees, of all that CANDIDATES has
WATCHED = {
    "teacher01": ["2026010001", "2026010002"],
    "lead01": ["2026010001", "2026010002", "2026020001"],
    "lead02": ["2026020001"],
    "operator01": ["2026010001", "2026010002", "2026020001"],
}


@pytest.mark.parametrize(("user", "numbers"), WATCHED.items(), ids=WATCHED)
def test_who_watches_sees_the_own_school_and_who_is_in_charge_sees_all(service, user, numbers):
    client = Client(service, user)
    assert [row["number"] for row in client.page("api/joint/watch").json()["candidates"]] == numbers
    page = client.page("joint/desk").text
    assert ('data-act="collect"' in page, 'id="credit"' in page) == (user == "lead01",) * 2
    shown = {school for school in ("杏林医学院", "橘井医学院") if school in page}
    seen = {candidate.school for candidate in CANDIDATES if candidate.number in numbers}
    assert shown == (set() if len(numbers) == len(CANDIDATES) else seen)
    assert "joint/desk" in client.page("").text


def test_who_watches_no_candidate_finds_no_exam_in_the_list(service):
    assert "joint" not in Client(service, "teacher02").page("").text


def test_what_an_errand_could_not_do_is_an_error_in_the_askers_language(service):
    lead = Client(service, "lead01")
    (service.home / "nothing-to-collect").touch()
    zh = lead.write("joint/acts/collect")
    lead.cookies.set("xinglin_language", "en")
    en = lead.write("joint/acts/collect")
    (service.home / "nothing-to-collect").unlink()
    assert (zh.status_code, zh.json()["message"]) == (409, "没有可收的答卷。")
    assert (en.status_code, en.json()["message"]) == (409, "There is nothing to collect.")


def test_every_route_is_in_the_tables_above(service):
    from exams.service import make_app
    from tests.support.exam_host import config

    app = make_app(config(service.home))
    rules: list[Any] = app.wildcard_router.rules  # each has a path to match
    patterns = [rule.matcher.regex.pattern for rule in rules]
    tried = [PREFIX + path.format(dicom="d", ecg="e") for path in PAGES] + [
        PREFIX + "api/" + path.format(simulation="s") for path in WRITES
    ]
    # the desks of the item bank and of marking have tables of their own
    known = re.compile(
        rf"{PREFIX}(login|health|logout|static/.*|api/.*/enter|(api/)?bank/.*|.*/(marking|panel)(/.*)?)\$|\.\*\$"
    )
    untried = [pattern for pattern in patterns if not any(re.match(pattern, path) for path in tried)]
    assert [pattern for pattern in untried if not known.match(pattern)] == []


def test_the_paper_leaves_without_keys(sat):
    client, _ = sat
    items = client.enter().json()["items"]
    allowed = {
        "id",
        "type",
        "stem",
        "options",
        "asset",
        "points",
        "group",
        "group_stem",
        "unit",
        "measure",
        "max_length",
        "starter",
        "examples",
        "forward_only",
    }
    assert len(items) > 10
    assert set().union(*items) <= allowed
    assert all(
        set(item["asset"] or {}) <= {"kind", "frame", "window", "controls", "x_axis", "y_axis"} for item in items
    )


def test_pictures_of_the_own_open_sitting(sat):
    client, kinds = sat
    told = client.page(f"api/joint/items/{kinds['dicom']}/series")
    assert "phantom" not in told.text.lower()  # the case is called "CT phantom", phantom-ct; others, what they show
    meta = told.json()["series"]
    frame = client.page(f"api/joint/items/{kinds['dicom']}/frames/0")
    assert len(frame.content) == 2 * meta["rows"] * meta["columns"]
    assert "private" in frame.headers["Cache-Control"]
    assert "immutable" in frame.headers["Cache-Control"]
    again = client.page(f"api/joint/items/{kinds['dicom']}/frames/0", headers={"If-None-Match": frame.headers["Etag"]})
    assert again.status_code == 304
    signals = client.page(f"api/joint/items/{kinds['ecg']}/signals").json()["signals"]
    assert signals["fs"] > 0
    assert client.page(f"api/joint/items/{kinds['plain']}/series").status_code == 404
    assert client.page(f"api/joint/items/{kinds['ecg']}/series").status_code == 404
    assert client.page(f"api/joint/items/{kinds['dicom']}/frames/{meta['frames']}").status_code == 404


def test_a_write_needs_the_token_of_our_own_page(service, sat):
    client, kinds = sat
    url = f"{service.base}api/joint/responses"
    body = {"seat": SEAT, "responses": [change(900, kinds["plain"])]}
    stolen = {"X-XSRFToken": Client(service, "student02").headers["X-XSRFToken"]}
    assert client.post(url, json=body, headers={"X-XSRFToken": None}).status_code == 403
    assert client.post(url, json=body, headers=stolen).status_code == 403
    assert client.post(url, json=body, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert client.post(f"{service.base}logout", headers={"X-XSRFToken": None}).status_code == 403


def test_a_forged_or_foreign_session_is_none(service, sat):
    forged = Client(service)
    forged.cookies.set("xinglin-exams-session", sat[0].cookies["xinglin-exams-session"][:-4] + "0000", path=PREFIX)
    assert forged.page("").status_code == 302
    # on a shared machine, who logs out of the hub and in again has another hub session
    shared = Client(service, "student01")
    assert shared.page("joint/").status_code == 200
    shared.cookies.set("jupyterhub-session-id", "of the next one")
    assert shared.page("joint/").status_code == 302


def test_who_logs_out_leaves_neither_a_session_nor_pictures_on_the_machine(service):
    client = Client(service, "student01")
    reply = client.post(f"{service.base}logout", allow_redirects=False)
    assert (reply.headers["Location"], reply.headers["Clear-Site-Data"]) == ("/hub/logout", '"cache"')
    assert client.page("joint/").status_code == 302


def test_login_leads_nowhere_else(service):
    for target in ("https://example.org/", "//example.org/", "/hub/home", PREFIX + "\\example.org"):
        reply = Client(service).page("login", params={"as": "student01", "next": target})
        assert reply.headers["Location"] == PREFIX


def test_headers(service, sat):
    page = sat[0].page("joint/room")
    assert page.headers["Cache-Control"] == "no-store"
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert sat[0].page("api/joint/state").headers["Cache-Control"] == "no-store"
    script = present(re.search(r'src="([^"]+room\.js)"', page.text)).group(1)
    assert "immutable" in requests.get(service.site + script).headers["Cache-Control"]
    cookies = {cookie.name: cookie for cookie in sat[0].cookies}
    for name in ("xinglin-exams-session", "xinglin-exams-xsrf"):
        assert cookies[name].path == PREFIX
        assert cookies[name].has_nonstandard_attr("HttpOnly")
        assert cookies[name].get_nonstandard_attr("SameSite") in ("Lax", "Strict")


@pytest.mark.parametrize(
    "path", ["static/../service.py", "static/0/room/room.js", "static/%2e%2e/%2e%2e/secrets", "joint"]
)
def test_there_is_nothing_else(sat, path):
    assert sat[0].page(path).status_code == 404


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{", b'{"seat": 1}', b'{"seat": "' + SEAT.encode() + b'", "responses": [NaN]}', b"[" * 100_000],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(service, sat, body):
    reply = sat[0].post(f"{service.base}api/joint/responses", data=body)
    assert (reply.status_code, reply.json()["error"]) == (400, "unreadable")


def test_errors_speak_the_readers_language(service):
    client = Client(service, "outsider")
    zh = client.page("api/joint/clock").json()["message"]
    client.cookies.set("xinglin_language", "en")
    assert (zh[:2], client.page("api/joint/clock").json()["message"][:8]) == ("没有", "There is")


def test_before_it_opens_no_paper_leaves(fresh):
    service = fresh(opens_in_s=3600)
    client = Client(service, "student01")
    assert client.page(f"{service.exam}/").status_code == 200
    assert client.page(f"{service.exam}/room").headers["Location"] == f"{PREFIX}{service.exam}/"
    assert (client.enter().status_code, client.enter().json()["error"]) == (409, "before")
    stems = [item["stem"][:12] for item in _items(service)]
    for path in ("", f"{service.exam}/", f"api/{service.exam}/clock"):
        assert not any(stem in client.page(path).text for stem in stems)


def _items(service):
    from exams.hall import Hall

    hall = Hall(service.home / "exams")
    return [item.public() for item in hall.paper(present(hall.exam(service.exam)), "A").items.values()]


def test_who_never_came_cannot_enter_an_exam_that_is_over(fresh):
    service = fresh(opens_in_s=-100, lasts_s=50)
    client = Client(service, "student01")
    assert (client.enter().status_code, client.enter().json()["error"]) == (409, "over")
    assert client.page(f"{service.exam}/").status_code == 409


def test_an_item_of_a_case_cannot_be_answered_after_going_on(fresh):
    client = Client(fresh(), "student01")
    items = client.enter().json()["items"]
    item = next(one["id"] for one in items if one.get("forward_only"))
    assert client.save(change(1, item, "A")).status_code == 200
    assert client.save(change(3, passed(item), None)).status_code == 200
    refused = client.save(change(4, item, "B"), change(5, items[0]["id"], "C"))
    assert (refused.status_code, refused.json()["error"]) == (409, "locked")
    assert "下一问" in refused.json()["message"]
    assert client.save(change(2, item, "C")).status_code == 200  # written before, arrived after
    assert client.save(change(6, passed(items[0]["id"]), None)).status_code == 400  # no case, nothing to go on in
    held = {one["item"]: one["value"] for one in client.enter().json()["latest"]}
    assert held == {item: "C", passed(item): None}


def test_kill_9_between_two_answers_loses_nothing_acknowledged(mortal):
    client = Client(mortal, "student01")
    items = [item["id"] for item in client.enter().json()["items"]]
    acknowledged = {}
    for sequence, item in zip(range(1, 31), itertools.cycle(items)):
        if sequence % 10 == 0:
            mortal.kill()
            with pytest.raises(requests.ConnectionError):
                client.save(change(sequence, item, "A"))
            mortal.start()
            mortal.wait()
        reply = client.save(change(sequence, item, f"answer {sequence}"))
        assert reply.json()["acknowledged"] == [sequence]
        acknowledged[item] = f"answer {sequence}"
    mortal.kill()
    store = SittingStore(store_url(mortal.home))
    assert store.responses(mortal.exam) == {CANDIDATES[0].number: acknowledged}
    assert store.verify() is None
    store.close()


def test_kill_9_while_many_save_loses_nothing_acknowledged(mortal):
    """Responses are sent one after the other until the service is gone; those it confirmed must be there."""
    client = Client(mortal, "student02")
    item = client.enter().json()["items"][0]["id"]
    confirmed = 0
    killer = threading.Timer(0.3, mortal.kill)
    killer.start()
    try:
        for sequence in range(1, 100_000):
            confirmed = client.save(change(sequence, item, sequence)).json()["acknowledged"][-1]
    except requests.ConnectionError:
        pass
    killer.join()
    store = SittingStore(store_url(mortal.home))
    sitting = present(store.sitting(mortal.exam, CANDIDATES[1].number))
    kept = [response.sequence for response in store.log(sitting)]
    assert kept[:confirmed] == list(range(1, confirmed + 1))
    assert len(kept) - confirmed <= 1  # one may have been written without the word coming back
    assert store.verify() is None
    store.close()


def test_a_sitting_from_waiting_room_to_receipt(fresh):
    service = fresh()
    client = Client(service, "student03")
    assert CANDIDATES[2].number in client.page(f"{service.exam}/").text
    entered = client.enter().json()
    assert 0 < entered["deadline"] - entered["now"] <= 90 * 60_000
    items = [item["id"] for item in entered["items"]]
    client.save(change(1, items[0], "A"), change(2, items[1], "C"))
    other = Client(service, "student03")
    again = other.enter(seat="another-machine-1").json()
    assert [item["id"] for item in again["items"]] == items
    assert {held["item"]: held["value"] for held in again["latest"]} == {items[0]: "A", items[1]: "C"}
    assert again["sequence"] == 2
    assert client.save(change(3, items[0], "B")).json()["error"] == "taken_over"
    assert other.write(f"{service.exam}/submit", seat="another-machine-1", sequence=3).json()["error"] == "incomplete"
    receipt = other.write(f"{service.exam}/submit", seat="another-machine-1", sequence=2).json()["receipt"]
    page = other.get(service.site + receipt).text
    assert CANDIDATES[2].number in page
    assert other.save(change(3, items[0]), seat="another-machine-1").json()["error"] == "closed"
    assert other.enter().json()["error"] == "closed"
    assert other.page(f"{service.exam}/room").headers["Location"] == receipt
    for item in entered["items"]:
        if (item["asset"] or {}).get("kind") == "ecg":
            assert other.page(f"api/{service.exam}/items/{item['id']}/signals").json()["error"] == "closed"
    assert _proof(page) == _proof(client.page(f"{service.exam}/receipt").text)


@dataclass(frozen=True)
class Marked:
    item: str
    points: float
    comment: str


def test_a_result_is_seen_by_its_candidate_alone_and_only_after_release(fresh):
    service = fresh()
    client, other = Client(service, "student01"), Client(service, "student02")
    item = next(item for item in client.enter().json()["items"] if item["options"])
    client.save(change(1, item["id"], "A"))
    client.write(f"{service.exam}/submit", seat=SEAT, sequence=1)
    assert (client.page(f"{service.exam}/result").status_code, other.page(f"{service.exam}/result").status_code) == (
        404,
        404,
    )
    assert f"{service.exam}/result" not in client.page("").text
    number = CANDIDATES[0].number
    marked = [Marked(item["id"], 0.5, "<b>注意</b>审题")]
    release.release(service.home / "exams" / service.exam, {number: marked}, "lead01", datetime.now(UTC), 1)
    page = client.page(f"{service.exam}/result").text
    assert "&lt;b&gt;注意&lt;/b&gt;审题" in page
    assert f"0.5</b> / {sum(item['points'] for item in _items(service)):g}" in page
    assert 'class="chosen"' in page
    assert f"{service.exam}/result" in client.page("").text
    refused = [other, Client(service, "outsider"), Client(service, "teacher01"), Client(service, "lead01")]
    assert [one.page(f"{service.exam}/result").status_code for one in refused] == [404] * 4


def test_a_result_has_the_questions_under_the_numbers_that_they_had_in_the_room(fresh):
    service = fresh()
    client = Client(service, "student01")
    items = client.enter().json()["items"]
    client.submit(0)
    marked = [Marked(item["id"], 0.0, "") for item in _items(service)]
    folder = service.home / "exams" / service.exam
    release.release(folder, {CANDIDATES[0].number: marked}, "lead01", datetime.now(UTC), 1)
    page = html.unescape(client.page(f"{service.exam}/result").text)
    places = [page.index(f'<p class="stem">{item["stem"].strip()}') for item in items]
    assert places == sorted(places)
    assert [item["id"] for item in items] != [item.item for item in marked]


@pytest.fixture
def alone(tmp_path):
    """`python -m exams`, told of a hub that is down."""
    furnish(tmp_path)
    port = free_port()
    scopes = '["access:services!service=exams"]'
    hub = {
        "JUPYTERHUB_SERVICE_NAME": "exams",
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
        "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{port}",
        "JUPYTERHUB_CLIENT_ID": "service-exams",
        "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{PREFIX}oauth_callback",
        "JUPYTERHUB_OAUTH_ACCESS_SCOPES": scopes,
        "JUPYTERHUB_API_TOKEN": "a-token",
        "JUPYTERHUB_API_URL": "http://127.0.0.1:9/hub/api",
        "JUPYTERHUB_BASE_URL": "/",
        "XINGLIN_HOME": str(tmp_path),
        "XINGLIN_EXAMS_DATABASE": store_url(tmp_path),
    }
    process = Process(tmp_path, port)
    process.start(["-m", "exams", "xinglin"], os.environ | hub)
    process.wait()
    yield process
    process.stop()


def test_login_starts_at_the_hub_and_those_who_are_in_stay_in_without_it(alone):
    client = Client(alone)
    login = client.page("joint/").headers["Location"]
    authorize = client.get(alone.site + login, allow_redirects=False).headers["Location"]
    asked = dict(parse_qsl(urlsplit(authorize).query))
    assert urlsplit(authorize).path == "/hub/api/oauth2/authorize"
    assert {"client_id", "redirect_uri", "state", "code_challenge"} <= asked.keys()
    refused = client.get(f"{alone.base}oauth_callback", params={"code": "x", "state": "forged"})
    assert (refused.status_code, urlsplit(refused.url).path) == (403, f"{PREFIX}login-problem")
    assert "登录没有成功" in refused.text
    key = (alone.home / "secrets" / "exams-cookie").read_text()
    known = {"user": "student01", "groups": ["student"], "staff": False, "hub": hashlib.sha256(b"").hexdigest()[:16]}
    session = create_signed_value(key, "xinglin-exams-session", json.dumps(known)).decode()
    client.cookies.set("xinglin-exams-session", session, path=PREFIX)
    assert CANDIDATES[0].number in client.page("joint/").text


def _proof(page):
    return present(re.search(r'id="proof">([0-9a-f]{64})<', page)).group(1)


def test_the_desk_sees_who_is_where_and_the_lead_gives_time_back(fresh):
    service = fresh()
    candidate, lead = Client(service, "student01"), Client(service, "lead01")
    entered = candidate.enter().json()
    candidate.save(change(1, entered["items"][0]["id"]))
    rows = {
        row["number"]: row
        for row in Client(service, "teacher01").page(f"api/{service.exam}/watch").json()["candidates"]
    }
    assert [(row["state"], row["answered"]) for row in rows.values()] == [("in", 1), ("absent", 0)]
    given = lead.write(f"{service.exam}/credit", seconds=300, reason="power failure", number=None)
    assert given.json()["sittings"] == 1
    assert candidate.page(f"api/{service.exam}/state").json()["deadline"] == entered["deadline"] + 300_000
    assert lead.write(f"{service.exam}/acts/collect").json()["message"] == f"{service.exam} collected by lead01"
    candidate.write(f"{service.exam}/submit", seat=SEAT, sequence=1)
    teacher = Client(service, "teacher01")

    def handed_in():
        rows = teacher.page(f"api/{service.exam}/watch").json()["candidates"]
        return [row["state"] for row in rows] == ["submitted", "absent"]

    until(handed_in, 5, "the desk shows that the paper is handed in")
    store = SittingStore(store_url(service.home))
    acts = [entry.act for entry in store.audit(service.exam)]
    assert acts == ["opened", "saved", "credited", "submitted"]
    store.close()
    release.release(service.home / "exams" / service.exam, {}, "lead01", datetime.now(UTC), 1)
    late = lead.write(f"{service.exam}/credit", seconds=300, reason="asked for it", number=None)
    assert (late.status_code, late.json()["error"]) == (409, "released")


def test_time_is_given_back_to_a_room(fresh):
    service = fresh()
    clients = {user: Client(service, user) for user in ("student01", "student02", "student03")}
    before = {user: client.enter().json()["deadline"] for user, client in clients.items()}
    lead = Client(service, "lead01")
    given = lead.write(f"{service.exam}/credit", seconds=60, reason="the router", room="101")
    assert given.json()["sittings"] == 2
    later = {user: client.page(f"api/{service.exam}/state").json()["deadline"] for user, client in clients.items()}
    assert {user: later[user] - before[user] for user in before} == {
        "student01": 60_000,
        "student02": 60_000,
        "student03": 0,
    }
    assert lead.write(f"{service.exam}/credit", seconds=60, reason="x", room="none").json()["sittings"] == 0
    assert lead.write(f"{service.exam}/credit", seconds=60, reason="x", room=3).status_code == 400


def test_who_watches_hands_in_for_a_candidate_with_what_is_saved(fresh):
    service = fresh()
    candidate, teacher = Client(service, "student01"), Client(service, "teacher01")
    candidate.enter()
    item = next(item for item in candidate.enter().json()["items"] if item["type"] == "A1")
    candidate.save(change(1, item["id"], "C")).raise_for_status()
    force = f"{service.exam}/force"
    assert teacher.write(force, number=CANDIDATES[0].number, reason=" ").json()["error"] == "reason"
    assert teacher.write(force, number=CANDIDATES[1].number, reason="x").json()["error"] == "not_entered"
    assert teacher.write(force, number=CANDIDATES[2].number, reason="of another school").status_code == 400
    done = teacher.write(force, number=CANDIDATES[0].number, reason="left the room")
    assert done.status_code == 200
    assert (candidate.save(change(2, item["id"], "D")).status_code, candidate.submit(1).status_code) == (409, 409)
    assert "2026010001-" in candidate.page(f"{service.exam}/receipt").text
    assert teacher.write(force, number=CANDIDATES[0].number, reason="again").json()["error"] == "closed"
    store = SittingStore(store_url(service.home))
    assert store.responses(service.exam)[CANDIDATES[0].number] == {item["id"]: "C"}
    (entry,) = [entry for entry in store.audit(service.exam) if entry.act == "forced"]
    assert (entry.actor, entry.detail["reason"]) == ("teacher01", "left the room")
    assert store.verify() is None
    store.close()


def test_two_errands_of_one_exam_do_not_meet(fresh):
    service = fresh()
    lead, hold = Client(service, "lead01"), service.home / "hold"
    hold.touch()
    answers = []
    first = threading.Thread(target=lambda: answers.append(lead.write(f"{service.exam}/acts/collect").status_code))
    first.start()
    until((service.home / "held").exists, 10, "the first errand is under way")
    second = Client(service, "lead01").write(f"{service.exam}/acts/collect")
    hold.unlink()
    first.join()
    assert (answers, second.status_code, second.json()["error"]) == ([200], 409, "at_work")
    assert lead.write(f"{service.exam}/acts/collect").status_code == 200
