"""The bank's desk in the running exam service: who may reach what, and what becomes of what they send."""

import http.client
import io
import json
import re
import shutil
import threading
import zipfile
from datetime import UTC, datetime
from typing import Any

import pytest
from tornado.web import create_signed_value

from exams import ledger
from exams.bankdesk.furnish import FOLDER
from exams.bankdesk.routes import ROUTES
from exams.interchange import formats
from exams.items import load_bank, load_file
from exams.ledger import Act
from tests.support.exam_client import Client
from tests.support.exam_host import BANK, PREFIX, Served, furnish_bank, own_name
from tests.support.narrowing import present
from tests.support.platform import until
from tests.support.ports import free_port

ITEM, ECG, DICOM, DRAFT = "dx-ecg-001", "dx-ecg-002", "dx-exam-018", "dx-ecg-018"
AT = "at/0123456789abcdef"
DATA = re.compile(r'id="data">(.*?)</script>', re.DOTALL)


@pytest.fixture(scope="module")
def process(tmp_path_factory, simulator):
    running = Served(tmp_path_factory.mktemp("service"), free_port(), simulator)
    furnish_bank(running.home)
    running.furnish("joint")
    yield running
    running.stop()


@pytest.fixture
def bank(process, request):
    """A bank that no other test knows, by its name."""
    name = own_name(request)
    furnish_bank(process.home, name)
    return name


def staff(process, bank, user="teacher01"):
    return Desk(process, bank, user)


class Desk(Client):
    """One of staff at the desk of a bank."""

    def __init__(self, process, bank, user):
        self.bank = bank
        super().__init__(process, user)

    def look(self, path="", **options):
        return self.page(f"bank/{self.bank}/{path}", **options)

    def ask(self, path, **options):
        return self.page(f"api/bank/{self.bank}/{path}", **options)

    def tell(self, path, **body):
        return self.write(f"bank/{self.bank}/{path}", **body)

    def form(self, path):
        """What the page of a form gives its script."""
        return json.loads(present(DATA.search(self.look(path).text)).group(1))

    def change(self, name, **changes):
        """Save an item as it is in the form now, changed."""
        (own,) = self.form(f"edit/{name}")["items"]
        document = {field: value for field, value in own["document"].items() if field != "_by"}
        return self.tell("items", items=[document | changes], versions={name: own["version"]}, group=None)

    def deed(self, name, deed, version=None):
        version = version or json.loads(present(DATA.search(self.look(f"item/{name}").text)).group(1))["version"]
        return self.tell(f"items/{name}/deeds/{deed}", version=version)

    def upload(self, data, kind="gift", name="questions.txt", **options):
        query = {"format": kind, "name": name} | options
        return self.post(f"{self.service.base}api/bank/{self.bank}/import", params=query, data=data)


ROLES = (None, "student02", "outsider", "teacher01", "teacher02", "lead01", "lead02", "operator01")
STAFF = (200,) * 5
PAGES = {
    "bank/": (302, 403, 403, *[302] * 5),
    "bank/diagnostics/": (302, 403, 403, *STAFF),
    f"bank/diagnostics/item/{ITEM}": (302, 403, 403, *STAFF),
    f"bank/diagnostics/preview/{ITEM}": (302, 403, 403, *STAFF),
    f"bank/diagnostics/edit/{ITEM}": (302, 403, 403, *STAFF),
    "bank/diagnostics/new": (302, 403, 403, *STAFF),
    "bank/diagnostics/group/dx-ecg-g1": (302, 403, 403, *STAFF),
    "bank/diagnostics/import": (302, 403, 403, *STAFF),
    "bank/nowhere/": (302, 403, 403, *[404] * 5),
    "bank/diagnostics/item/nowhere": (302, 403, 403, *[404] * 5),
    "bank/diagnostics/group/nowhere": (302, 403, 403, *[404] * 5),
    "bank/diagnostics/new?type=unknown": (302, 403, 403, *[404] * 5),
    "api/bank/diagnostics/items": (401, 403, 403, *STAFF),
    "api/bank/nowhere/items": (401, 403, 403, *[404] * 5),
    "api/bank/diagnostics/items?page=x": (401, 403, 403, *[400] * 5),
    f"api/bank/diagnostics/{AT}/items/{DICOM}/series": (401, 403, 403, *STAFF),
    f"api/bank/diagnostics/{AT}/items/{DICOM}/frames/0": (401, 403, 403, *STAFF),
    f"api/bank/diagnostics/{AT}/items/{DICOM}/frames/99999": (401, 403, 403, *[404] * 5),
    f"api/bank/diagnostics/{AT}/items/{ITEM}/frames/0": (401, 403, 403, *[404] * 5),
    f"api/bank/diagnostics/{AT}/items/{ECG}/signals": (401, 403, 403, *STAFF),
    f"api/bank/diagnostics/{AT}/items/{ITEM}/signals": (401, 403, 403, *[404] * 5),
    "api/bank/diagnostics/cases/items/phantom-ct/series": (401, 403, 403, *STAFF),
    "api/bank/diagnostics/cases/items/phantom-ct/frames/0": (401, 403, 403, *STAFF),
    "api/bank/diagnostics/cases/items/nowhere/series": (401, 403, 403, *[404] * 5),
    "api/bank/diagnostics/export/gift": (401, 403, 403, *[404] * 5),
}
WRITES = {  # an empty body is not what our scripts send; nobody has our token without a page of ours
    "bank/diagnostics/items": (403, 403, 403, *[400] * 5),
    f"bank/diagnostics/items/{ITEM}/deeds/retire": (403, 403, 403, *[400] * 5),
    "bank/diagnostics/items/nowhere/deeds/retire": (403, 403, 403, *[404] * 5),
    f"bank/diagnostics/items/{ITEM}/deeds/use": (403, 405, 405, *[405] * 5),
    f"bank/diagnostics/{AT}/items/{ITEM}/runs": (403, 403, 403, *[404] * 5),
    "bank/diagnostics/import": (403, 403, 403, *[400] * 5),
    "bank/diagnostics/import/confirm": (403, 403, 403, *[409] * 5),
    "bank/diagnostics/export": (403, 403, 403, *[400] * 5),
}


def dicom_item():
    return next(item.id for item in load_bank(BANK) if item.asset and item.asset["kind"] == "dicom")


@pytest.mark.parametrize(("path", "expected"), PAGES.items(), ids=PAGES)
def test_reading_by_role(process, path, expected):
    path = path.replace(DICOM, dicom_item())
    assert tuple(Client(process, user).page(path).status_code for user in ROLES) == expected


@pytest.mark.parametrize(("path", "expected"), WRITES.items(), ids=WRITES)
def test_writing_by_role(process, path, expected):
    assert tuple(Client(process, user).write(path).status_code for user in ROLES) == expected


def test_every_route_is_in_the_tables_above():
    tried = [path.partition("?")[0] for path in PAGES] + [f"api/{path}" for path in WRITES]
    assert [pattern for pattern, _ in ROUTES if not any(re.fullmatch(pattern, path) for path in tried)] == []


def test_every_kind_of_item_is_shown_edited_and_tried(process):
    """One of each type and kind of asset in the packaged banks; a simulation runs with one's own numbers."""
    client, kinds = Client(process, "teacher01"), {}
    for name in ("diagnostics", "imaging", "physiology"):
        shutil.copytree(BANK.parent / name, process.home / FOLDER / f"whole-{name}")
        for item in load_bank(BANK.parent / name):
            kinds[item.type, (item.asset or {}).get("kind")] = f"whole-{name}", item
    assert ("numeric", "simulation") in kinds
    for name, item in kinds.values():
        for page in ("item", "preview", "edit"):
            assert client.page(f"bank/{name}/{page}/{item.id}").status_code == 200, (page, item.id)
    name, item = kinds["numeric", "simulation"]
    controls = {control["id"]: control["value"] for control in item.public()["asset"]["controls"]}
    reply = client.write(f"bank/{name}/{AT}/items/{item.id}/runs", values=controls)
    assert len(reply.json()["run"]["x"]) == len(reply.json()["run"]["y"]) > 100
    assert client.write(f"bank/{name}/{AT}/items/{item.id}/runs", values={}).status_code == 400


def test_a_ticket_opens_no_bank(process):
    """The session of a ticket, whoever the candidate is at the hub."""
    known = {"user": "teacher01", "groups": [], "staff": False, "hub": "", "exam": "joint"}
    key = (process.home / "secrets" / "exams-cookie").read_text()
    client = Client(process)
    session = create_signed_value(key, "xinglin-exams-session", json.dumps(known)).decode()
    client.cookies.set("xinglin-exams-session", session, path=PREFIX)
    for path in PAGES:
        assert client.page(path).status_code == 403


def test_only_staff_are_shown_the_way(process):
    assert "bank/" in Client(process, "teacher02").page("").text
    assert "bank/" not in Client(process, "student01").page("").text


def test_a_change_needs_the_token_of_our_own_page(process, bank):
    desk = staff(process, bank)
    for token in (None, Client(process, "teacher02").headers["X-XSRFToken"]):
        for path in ("items", f"items/{ITEM}/deeds/retire", "import", "import/confirm", "export"):
            reply = desk.post(f"{process.base}api/bank/{bank}/{path}", json={}, headers={"X-XSRFToken": token})
            assert reply.status_code == 403
    cross = {"Sec-Fetch-Site": "cross-site"}
    assert desk.post(f"{process.base}api/bank/{bank}/items", json={}, headers=cross).status_code == 403


def test_the_list_is_searched_filtered_and_counted_on_the_server(process, bank):
    desk = staff(process, bank)
    everything = desk.ask("items").json()
    items = load_bank(BANK)
    assert (everything["total"], len(everything["items"]), everything["pages"]) == (len(items), 50, 3)
    files = len(list(BANK.glob("*.yaml")))
    assert everything["counts"]["state"] == {"live": len(items) - 2 * files, "draft": 2 * files}
    drafts = desk.ask("items", params={"state": "draft", "topic": "ecg"}).json()
    assert (
        drafts["total"]
        == everything["counts"]["topic"]["ecg"]
        - desk.ask("items", params={"state": "live", "topic": "ecg"}).json()["total"]
    )
    last = desk.ask("items", params={"page": "2"}).json()["items"]
    assert [row["id"] for row in last] == [item.id for item in items[100:]]
    assert "key" not in everything["items"][0]


def test_what_exams_told_stands_in_the_list_and_at_the_item(process, bank):
    folder = process.home / FOLDER / bank
    item = next(item for item in load_bank(BANK) if item.id == ITEM)
    now = datetime.now(UTC)
    told = {"exam": "dx-1", "candidates": 212, "difficulty": 0.8312, "discrimination": 0.27}
    used = ledger.entry(item, Act.USE, "lead01", now, exam="dx-1", form="A")
    ledger.append(folder, [used, ledger.entry(item, Act.MEASURE, "lead01", now, **told)])
    desk = staff(process, bank)
    (row,) = desk.ask("items", params={"text": ITEM}).json()["items"]
    assert (row["forms"], row["difficulty"], row["discrimination"], row["candidates"]) == (1, 0.8312, 0.27, 212)
    page = desk.look(f"item/{ITEM}").text
    assert "难度 0.83，区分度 0.27，考生 212 人" in page
    assert "dx-1" in page


def test_nobody_learns_here_which_items_are_in_the_paper_of_an_exam_that_is_not_over(process, bank):
    folder = process.home / FOLDER / bank
    item = next(item for item in load_bank(BANK) if item.id == ITEM)
    uses = [ledger.entry(item, Act.USE, "lead01", datetime.now(UTC), exam=exam, form="A") for exam in ("joint", "gone")]
    ledger.append(folder, uses)
    desk = staff(process, bank)
    (row,) = desk.ask("items", params={"text": ITEM}).json()["items"]
    page = desk.look(f"item/{ITEM}").text
    assert (row["forms"], "joint" in page, "gone · A" in page) == (1, False, True)


def test_the_preview_holds_what_a_candidate_may_see_and_nothing_more(process, bank):
    desk = staff(process, bank)
    for item in load_bank(BANK):
        if item.group or item.asset or item.id == ITEM:
            told = json.loads(present(DATA.search(desk.look(f"preview/{item.id}").text)).group(1))
            assert told["items"][told["index"]] == json.loads(json.dumps(item.public()))
            assert all(one.get("group") == (item.group and item.group.id) for one in told["items"])
    page = desk.look(f"preview/{ITEM}")
    assert "frame-ancestors 'self'" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in desk.look(f"item/{ITEM}").headers["Content-Security-Policy"]
    assert "小方格边长" not in page.text
    assert "小方格边长" in desk.look(f"item/{ITEM}").text


def test_a_picture_is_kept_by_a_browser_until_the_item_changes(process, bank):
    desk = staff(process, bank)
    name = dicom_item()

    def base():
        return json.loads(present(DATA.search(desk.look(f"preview/{name}").text)).group(1))["api"]

    before = base()
    frame = desk.get(process.site + before + f"items/{name}/frames/0")
    assert (frame.status_code, "immutable" in frame.headers["Cache-Control"]) == (200, True)
    assert desk.change(name, rationale="另一个解析。").status_code == 200
    assert base() != before


def test_an_edit_is_a_draft_again_reviewed_by_another_and_published(process, bank):
    one, two = staff(process, bank), staff(process, bank, "teacher02")
    assert one.change(ITEM, stem="新的题干").json()["items"] == [ITEM]
    assert 'data-deed="review"' not in one.look(f"item/{ITEM}").text
    assert "须由另一位教师审核" in one.look(f"item/{ITEM}").text
    assert 'data-deed="review"' in two.look(f"item/{ITEM}").text
    refused = one.deed(ITEM, "review")
    assert (refused.status_code, refused.json()["error"]) == (409, "not_allowed")
    assert "须由另一位教师审核" in refused.json()["message"]
    assert one.deed(ITEM, "publish").status_code == 409
    assert two.deed(ITEM, "review").status_code == 200
    assert one.deed(ITEM, "publish").status_code == 200
    assert one.deed(ITEM, "retire", "of long ago").json()["error"] == "clash"
    folder = process.home / FOLDER / bank
    own = [(entry.by, str(entry.act)) for entry in present(ledger.read(folder)) if entry.item == ITEM][3:]
    assert own == [("teacher01", "write"), ("teacher02", "review"), ("teacher01", "publish")]
    (item,) = [item for item in load_file(folder / "ecg.yaml") if item.id == ITEM]
    assert item.stem == "新的题干"
    assert ledger.state(present(ledger.read(folder)), item) is ledger.State.LIVE


def test_of_two_who_edit_the_second_is_told_and_saves_after_looking(process, bank):
    one, two = staff(process, bank), staff(process, bank, "teacher02")
    (mine,) = one.form(f"edit/{ITEM}")["items"]
    assert two.change(ITEM, rationale="先来的。").status_code == 200
    body: dict[str, Any] = {"items": [mine["document"] | {"stem": "后来的"}], "group": None}
    body["items"][0].pop("_by")
    refused = one.tell("items", versions={ITEM: mine["version"]}, **body)
    assert (refused.status_code, refused.json()["error"]) == (409, "clash")
    assert "teacher02" in refused.json()["message"]
    (now,) = one.form(f"edit/{ITEM}")["items"]
    assert now["document"]["rationale"] == "先来的。"
    assert one.tell("items", versions={ITEM: now["version"]}, **body).status_code == 200


def test_many_at_once_lose_nothing(process, bank):
    names = [item.id for item in load_file(BANK / "ecg.yaml")[1:13] if item.group is None]
    desks = [staff(process, bank, "teacher01" if place % 2 else "teacher02") for place in range(len(names))]
    answers = []

    def edit(desk, name):
        answers.append(desk.change(name, source=f"来源 {name}").status_code)

    threads = [threading.Thread(target=edit, args=pair) for pair in zip(desks, names, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [200] * len(names)
    items = {item.id: item.source for item in load_bank(process.home / FOLDER / bank)}
    assert {name: items[name] for name in names} == {name: f"来源 {name}" for name in names}


@pytest.mark.parametrize(
    ("changes", "path", "said"),
    [
        ({"stem": ""}, ["stem"], "“题干”不能为空"),
        ({"key": "Z"}, ["key"], "不在选项"),
        ({"rationale": "<iframe src=x>"}, ["rationale"], "iframe"),
        ({"asset": {"kind": "dicom", "case": "nowhere", "frame": 0}}, ["asset", "case"], "病例库中没有"),
        ({"asset": {"kind": "dicom", "case": "phantom-ct", "frame": 9999}}, ["asset", "frame"], "帧"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_in_the_readers_language(process, bank, changes, path, said):
    refused = staff(process, bank).change(ITEM, **changes)
    assert refused.status_code == 400
    assert (refused.json()["error"], refused.json()["path"]) == ("field", ["items", ITEM, *path])
    assert said in refused.json()["message"]


def test_the_authors_own_measurement_must_earn_the_points(process, bank):
    name = next(item.id for item in load_bank(BANK) if item.type == "measurement")
    desk = staff(process, bank)
    (own,) = desk.form(f"edit/{name}")["items"]
    assert desk.change(name, rationale="测得同样的值。").status_code == 200
    refused = desk.change(name, key=own["document"]["key"] + 2 * own["document"]["tolerance"])
    assert (refused.status_code, refused.json()["path"]) == (400, ["items", name, "example"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"items": [], "versions": {}, "group": None},
        {"items": [1], "versions": {}},
        {"items": [{"id": 1}], "versions": {}},
        {"items": [{"id": "x"}, {"id": "x"}], "versions": {}},
        {"items": [{"id": "x"}], "versions": {"y": "v"}},
        {"items": [{"id": "x"}], "versions": []},
        {"items": [{"id": "x"}], "versions": {}, "group": 3},
        {"items": [{"id": f"x{n}"} for n in range(21)], "versions": {}},
    ],
)
def test_what_our_scripts_never_send_is_refused(process, bank, body):
    refused = staff(process, bank).tell("items", **body)
    assert (refused.status_code, refused.json()["error"]) == (400, "unreadable")


@pytest.mark.parametrize("name", ["../ecg", "", "a b", "题", "x" * 300 + "/y"])
def test_no_id_leads_out_of_the_bank(process, bank, name):
    desk = staff(process, bank)
    (own,) = desk.form("new")["items"]
    entry = own["document"] | {"id": name, "stem": "s", "rationale": "r", "source": "b", "key": "A"}
    entry["options"] = dict(zip("ABCDE", "vwxyz", strict=True))
    assert desk.tell("items", items=[entry], versions={}, group=None).status_code == 400
    before = sorted(path.name for path in (process.home / FOLDER / bank).iterdir())
    entry |= {"id": "dx-new-1", "topic": "../../../x"}
    assert desk.tell("items", items=[entry], versions={}, group=None).status_code == 200
    after = {path.name for path in (process.home / FOLDER / bank).iterdir()} - set(before)
    assert after == {"x.yaml"}


GIFT = """// [id:in-1]
::in-1:: 正常成人安静时的呼吸频率为 {=12～20 次/分 ~8～10 次/分 ~20～30 次/分 ~30～40 次/分 ~6～8 次/分}

::in-2:: 只有四个选项 {=a ~b ~c ~d}

::dx-ecg-001:: 题库已有的编号 {=a ~b ~c ~d ~e}
"""


def test_an_import_is_told_about_first_and_written_when_confirmed(process, bank):
    desk, folder = staff(process, bank), process.home / FOLDER / bank
    before = {path: path.read_bytes() for path in folder.glob("*.*l")}
    told = desk.upload(GIFT.encode()).json()
    assert [item["id"] for item in told["items"]] == ["in-1"]
    assert told["clashes"] == ["dx-ecg-001"]
    assert all("dx-ecg-001" not in line["items"] for line in told["report"])
    assert any("in-2" in line["items"] and "未导入" in line["why"] for line in told["report"])
    assert {path: path.read_bytes() for path in folder.glob("*.*l")} == before
    other = staff(process, bank, "teacher02")
    assert other.tell("import/confirm", token=told["token"]).status_code == 409
    assert desk.tell("import/confirm", token="another").status_code == 409
    assert desk.tell("import/confirm", token=told["token"]).json()["items"] == ["in-1"]
    (item,) = load_file(folder / "questions.yaml")
    (entry,) = [entry for entry in present(ledger.read(folder)) if entry.item == "in-1"]
    assert (item.id, item.topic, entry.by, entry.act) == ("in-1", "imported", "teacher01", Act.WRITE)
    assert desk.tell("import/confirm", token=told["token"]).status_code == 409
    again = desk.upload(GIFT.encode()).json()
    assert (again["items"], sorted(again["clashes"])) == ([], ["dx-ecg-001", "in-1"])


def bomb():
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("imsmanifest.xml", b"0" * 60_000_000)
    return packed.getvalue()


HOSTILE = {
    "script": (b"::x:: <script>alert(1)</script> {=a ~b ~c ~d ~e}", "gift"),
    "entities": (b'<!DOCTYPE q [<!ENTITY x SYSTEM "file:///etc/passwd">]><quiz>&x;</quiz>', "moodle"),
    "bomb": (bomb(), "qti30"),
    "no zip": (b"PK\x03\x04 broken", "xlsx"),
    "binary": (b"\0\1\2\3" * 100, "gift"),
    "deep": (b"<quiz>" + b"<a>" * 5000 + b"</a>" * 5000 + b"</quiz>", "moodle"),
    "empty": (b"", "gift"),
}


@pytest.mark.parametrize(("data", "kind"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_is_refused_with_a_sentence_and_leaves_nothing(process, bank, data, kind):
    desk, folder = staff(process, bank), process.home / FOLDER / bank
    refused = desk.upload(data, kind, "../../evil.zip")
    assert (refused.status_code, refused.json()["error"]) == (400, "refused")
    assert re.search("[\u4e00-\u9fff]", refused.json()["message"])
    until(lambda: not any((folder / ".desk").iterdir()), 5, "the upload is gone")
    assert desk.ask("items").status_code == 200


def announced(desk, path, length):
    """The status for a body that is announced and never sent."""
    connection = http.client.HTTPConnection("127.0.0.1", desk.service.port, timeout=10)
    cookie = "; ".join(f"{one.name}={one.value}" for one in desk.cookies)
    headers = {"Cookie": cookie, "X-XSRFToken": desk.headers["X-XSRFToken"], "Content-Length": str(length)}
    connection.request("POST", f"{PREFIX}api/bank/{desk.bank}/{path}", headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_an_upload_has_its_limit_and_its_formats(process, bank):
    desk = staff(process, bank)
    assert announced(desk, "import?format=gift", 50_000_001) == 413
    assert announced(desk, "items", 2_000_000) == 400  # nowhere else may a body be so large
    assert desk.upload(b"x", "pdf").status_code == 400
    assert desk.upload(GIFT.encode(), difficulty="2").json()["error"] == "difficulty"


@pytest.mark.parametrize("kind", formats.FORMATS)
def test_what_a_search_found_is_exported_whole_and_comes_back(process, bank, kind):
    desk = staff(process, bank)
    made = desk.tell("export", format=kind, query={"text": "", "topic": "ecg"}).json()
    items = [item for item in load_bank(BANK) if item.topic == "ecg"]
    kept = [item for item in items if kind == "xlsx" or (item.asset is None and item.type != "code")]
    assert (made["written"], made["left_out"]) == (len(kept), len(items) - len(kept))
    assert all(re.search("[\u4e00-\u9fff]", line["why"]) for line in made["report"])
    reply = desk.get(process.site + made["href"])
    assert f'filename="{made["name"]}"' in reply.headers["Content-Disposition"]
    assert reply.headers["Cache-Control"] == "no-store"
    other = staff(process, bank, "teacher02")
    assert other.get(process.site + made["href"]).status_code == 404
    told = desk.upload(reply.content, kind, made["name"]).json()
    assert sorted(told["clashes"]) == sorted(item.id for item in kept)


def test_an_export_takes_groups_whole_and_not_nothing(process, bank):
    desk = staff(process, bank)
    member = next(item for item in load_bank(BANK) if item.group and item.type == "B1")
    mates = [item for item in load_bank(BANK) if item.group == member.group]
    assert desk.tell("export", format="xlsx", query={"text": member.id}).json()["written"] == len(mates)
    assert desk.tell("export", format="xlsx", query={"text": "nowhere to be found"}).status_code == 409
    assert desk.tell("export", format="pdf", query={}).status_code == 400


def test_a_bank_that_somebody_broke_says_where(process, bank):
    path = process.home / FOLDER / bank / "ecg.yaml"
    path.write_text(path.read_text("utf-8").replace("level: recall", "level: often", 1), encoding="utf-8")
    refused = staff(process, bank).ask("items")
    assert (refused.status_code, refused.json()["error"]) == (409, "bank_wrong")
    assert "ecg.yaml:" in refused.json()["message"]
