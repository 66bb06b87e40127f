"""The marking desk in the running exam service: who may reach what, and that no mark is lost or doubled."""

import dataclasses
import json
import random
import re
import threading
import tomllib
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from tornado.web import create_signed_value

from exams import key, release, roster
from exams.agreement import icc
from exams.exam import ROSTER, Exam
from exams.panel.change import Opening
from exams.panel.routes import ROUTES
from exams.panel.rules import Kind
from exams.panel.store import PanelStore
from exams.panelrules import Marking
from exams.sitting import SittingStore
from tests.support.exam_client import Client
from tests.support.exam_host import CANDIDATES, PREFIX, ROOT, Process, Served, own_name, store_url
from tests.support.narrowing import present
from tests.support.panel_case import ITEMS, RULES, SCHOOLS, marker, openings, school_of
from tests.support.platform import until
from tests.support.ports import free_port

ITEM = "dx-exam-022"
WORTH = [1, 1, 1, 1]
PANEL = Marking(("teacher01", "teacher02", "lead02", "student02"), ("lead01", "invigilator2"), check_every=0)
OVER = {"opens_in_s": -8000, "lasts_s": 7200}


def client() -> str:
    return uuid.uuid4().hex


@pytest.fixture(scope="module")
def process(tmp_path_factory, simulator):
    running = Served(tmp_path_factory.mktemp("panel"), free_port(), simulator)
    yield running
    running.stop()


def answers_of(count: int) -> list[Opening]:
    return [dataclasses.replace(one, item=ITEM) for one in openings(count, {ITEM: 4.0})]


@pytest.fixture
def service(process, request):
    """The service, with an exam of this test's own, whose panel has four answers of ITEM, one of each school."""
    process.furnish(own_name(request), marking=PANEL, **OVER)
    with_store(process, lambda store: store.open(process.exam, answers_of(4), PANEL, "lead01").result())
    return process


def with_store(process, work):
    store = PanelStore(store_url(process.home))
    try:
        return work(store)
    finally:
        store.close()


class Staff(Client):
    """One of staff at the marking desk of the exam that the test is about."""

    def claim(self, wanted=5, holding=(), disputes=False, item=ITEM):
        path = f"{self.service.exam}/marking/{item}/claim"
        return self.write(path, wanted=wanted, holding=list(holding), disputes=disputes)

    def deeds(self, *deeds, item=ITEM):
        return self.write(f"{self.service.exam}/marking/{item}/deeds", deeds=list(deeds))

    def mark(self, answer, points=(1, 0.5, 0, 1), **more):
        deed = {"deed": "mark", "client": client(), "code": answer["code"], "edition": answer["edition"], "seconds": 9}
        (outcome,) = self.deeds(deed | {"points": list(points), **more}).json()["outcomes"]
        return "saved" if outcome["saved"] else outcome["error"]

    def hand_on(self, answer, reason="look"):
        deed = {"deed": "hand_on", "client": client(), "code": answer["code"], "edition": answer["edition"]}
        (outcome,) = self.deeds(deed | {"reason": reason, "note": ""}).json()["outcomes"]
        return "saved" if outcome["saved"] else outcome["error"]

    def api(self, path):
        return self.page(f"api/{self.service.exam}/{path}")


# which status each path gives to each of ROLES. teacher01, teacher02 and lead02 mark; invigilator2 and lead01, who is
# in charge, adjudicate; student02 is named too, but no teacher; invigilator3 and operator01 are not named
ROLES = (None, "student02", "outsider", "teacher01", "lead02", "invigilator2", "invigilator3", "lead01", "operator01")
MARKERS, ALL_OF_PANEL = (404, 404, 200, 200, 404, 404, 404, 404), (404, 404, 200, 200, 200, 404, 200, 404)
LEADS = (404, 404, 403, 403, 404, 404, 200, 403)
PAGES = {
    "{exam}/marking/": (302, *ALL_OF_PANEL),
    "{exam}/marking/{item}": (302, *MARKERS),
    "{exam}/marking/{item}?disputes=1": (302, 404, 404, 404, 404, 200, 404, 200, 404),
    "{exam}/marking/nothing": (302, *[404] * 8),
    "nowhere/marking/": (302, *[404] * 8),
    "api/{exam}/marking/questions": (401, *ALL_OF_PANEL),
    "api/{exam}/marking/{item}/own": (401, *ALL_OF_PANEL),
    "api/{exam}/marking/items/{item}/series": (401, *[404] * 8),
    "api/{exam}/marking/items/{item}/frames/0": (401, *[404] * 8),
    "api/{exam}/marking/items/{item}/signals": (401, *[404] * 8),
    "{exam}/panel": (302, *LEADS),
    "api/{exam}/panel/watch": (401, *LEADS),
    "api/{exam}/panel/markers": (401, *LEADS),
    "api/{exam}/panel/items/{item}/sheets": (401, *LEADS),
    "api/{exam}/panel/items/nothing/sheets": (401, 404, 404, 403, 403, 404, 404, 404, 403),
}
WRITES = {
    "{exam}/marking/{item}/claim": (403, *ALL_OF_PANEL),
    "{exam}/marking/{item}/deeds": (403, *ALL_OF_PANEL),
    "{exam}/marking/nothing/claim": (403, *[404] * 8),
    "{exam}/panel/items/{item}/standard": (403, 404, 404, 403, 403, 404, 404, 409, 403),
    "{exam}/panel/settings": (403, *LEADS),
}
BODY = {
    "wanted": 0,
    "holding": [],
    "disputes": False,
    "deeds": [],
    "code": "0" * 16,
    "edition": 1,
    "client": "a-client-of-this",
    "points": WORTH,
    **{name: list(value) if isinstance(value, tuple) else value for name, value in vars(PANEL).items()},
}


@pytest.fixture(scope="module")
def roles(process):
    """The service with one exam for all the tables below, and a session of each role."""
    process.furnish("roles", marking=PANEL, **OVER)
    with_store(process, lambda store: store.open("roles", answers_of(4), PANEL, "lead01").result())
    return [Staff(process, user) for user in ROLES]


@pytest.mark.parametrize(("path", "expected"), PAGES.items(), ids=PAGES)
def test_reading_by_role(roles, path, expected):
    path = path.format(exam="roles", item=ITEM)
    assert tuple(one.page(path).status_code for one in roles) == expected


@pytest.mark.parametrize(("path", "expected"), WRITES.items(), ids=WRITES)
def test_writing_by_role(roles, path, expected):
    path = path.format(exam="roles", item=ITEM)
    assert tuple(one.write(path, **BODY).status_code for one in roles) == expected


def test_every_route_is_in_the_tables_above():
    tried = [path.format(exam="e", item="i").split("?")[0] for path in PAGES]
    tried += ["api/" + path.format(exam="e", item="i") for path in WRITES]
    assert [pattern for pattern, _ in ROUTES if not any(re.fullmatch(pattern, path) for path in tried)] == []


def test_a_ticket_of_the_same_name_is_nobody_here(service):
    """A session that an admission ticket began has a candidate's number for a name, and no groups."""
    key = (service.home / "secrets" / "exams-cookie").read_text()
    told = {"user": "teacher01", "groups": ["teacher"], "staff": True, "hub": "", "exam": service.exam}
    one = Staff(service)
    session = create_signed_value(key, "xinglin-exams-session", json.dumps(told)).decode()
    one.cookies.set("xinglin-exams-session", session, path=PREFIX)
    assert one.page(f"{service.exam}/marking/").status_code == 404


def test_before_the_exam_is_over_its_markers_learn_nothing_of_its_paper(process, request):
    process.furnish(own_name(request), marking=PANEL)
    with_store(process, lambda store: store.open(process.exam, answers_of(4), PANEL, "lead01").result())
    one = Staff(process, "teacher01")
    assert one.page(f"{process.exam}/marking/{ITEM}").status_code == 404
    assert (one.claim().status_code, one.api(f"marking/{ITEM}/own").status_code) == (404, 404)
    front = one.page(f"{process.exam}/marking/")
    assert (front.status_code, ITEM in front.text) == (200, False)
    assert one.api("marking/questions").json()["questions"] == []


def test_what_markers_are_sent_names_nobody(service):
    """Neither number nor school of anybody, but for the marker's own name."""
    one = Staff(service, "teacher01")
    told = [one.claim(), one.api("marking/questions"), one.page(f"{service.exam}/marking/{ITEM}")]
    given = told[0].json()["answers"]
    assert len(given) == 3
    one.mark(given[0])
    told += [one.api(f"marking/{ITEM}/own"), one.page(f"{service.exam}/marking/")]
    for answer in told:
        assert answer.status_code == 200
        assert not re.search(r"n0000\d", answer.text)
        assert not any(school in answer.text for school in SCHOOLS)
    assert set(given[0]) == {"code", "edition", "text", "given", "said"}
    assert set(told[3].json()["answers"][0]) == {"code", "edition", "text", "points", "comment"}


def test_two_marks_that_differ_go_to_an_adjudicator_who_is_told_the_points_and_not_by_whom(service):
    first, second, decides = (Staff(service, user) for user in ("teacher01", "teacher02", "lead01"))
    mine = {one["code"]: one for one in first.claim().json()["answers"]}
    theirs = {one["code"]: one for one in second.claim().json()["answers"]}
    code = sorted(mine.keys() & theirs.keys())[0]
    assert first.mark(mine[code], (1, 1, 1, 1), comment="很好") == "saved"
    assert decides.claim(disputes=True).json() | {"now": 0} == {"now": 0, "answers": [], "left": 0}
    assert second.mark(theirs[code], (1, 0.5, 0, 0)) == "saved"
    answer = decides.claim(disputes=True)
    (given,) = answer.json()["answers"]
    assert [one["total"] for one in given["given"]] == [1.5, 4]
    assert "teacher" not in answer.text
    assert decides.mark(given, (1, 1, 0.5, 0)) == "saved"
    assert second.mark(theirs[code], (1, 1, 1, 1), again=True) == "too_late"
    finals = with_store(service, lambda store: store.finals(service.exam))
    assert list(finals.values()) == [{ITEM: (2.5, "")}]  # who was overruled does not speak to the candidate


def test_only_adjudicators_ask_for_what_markers_differ_on(service):
    reply = Staff(service, "teacher01").claim(disputes=True)
    assert (reply.status_code, reply.json()["error"]) == (403, "no_adjudicator")
    assert Staff(service, "lead01").claim(disputes=True).status_code == 200


def test_nobody_is_given_their_own_school_and_a_mark_without_a_claim_is_refused(service):
    own, other = Staff(service, "teacher01"), Staff(service, "teacher02")
    given = {one["code"] for one in own.claim().json()["answers"]}
    every = other.claim().json()["answers"]
    assert (len(given), len(every)) == (3, 4)
    (left_out,) = [one for one in every if one["code"] not in given]
    assert own.mark(left_out) == "not_given"
    assert own.mark({"code": "f" * 16, "edition": 1}) == "unknown"
    assert own.mark(every[0] | {"edition": 2}) == "renewed"


def test_a_mark_sent_twice_is_one_and_a_correction_takes_its_place(service):
    one = Staff(service, "teacher02")
    answer = one.claim(wanted=1).json()["answers"][0]
    deed = {"deed": "mark", "client": client(), "seconds": 1, "code": answer["code"], "edition": 1, "points": WORTH}
    twice = one.deeds(deed, deed).json()["outcomes"]
    assert [outcome["saved"] for outcome in (*twice, *one.deeds(deed).json()["outcomes"])] == [True] * 3
    assert one.mark(answer) == "marked_already"
    assert one.mark(answer, (0, 0, 0, 0.5), again=True) == "saved"
    (own,) = one.api(f"marking/{ITEM}/own").json()["answers"]
    assert own["points"] == [0, 0, 0, 0.5]
    (kept,) = with_store(service, lambda store: store.ratings(service.exam))
    assert kept.total == 0.5


@pytest.mark.parametrize(
    "broken",
    [
        {"points": [1, 1, 1, -0.5]},
        {"points": [1, 1, 1, 10**400]},
        {"points": [0] * 10_000},
        {"points": [1, 1, 1, True]},
        {"points": [1, 1, 1, "1"]},
        {"points": None},
        {"code": "../etc"},
        {"code": 7},
        {"edition": "1"},
        {"edition": 10**9},
        {"client": "x"},
        {"client": None},
        {"seconds": "long"},
        {"comment": ["x"]},
        {"again": 1},
        {"deed": "praise"},
        {"deed": "hand_on", "reason": "tired"},
        {"deed": "hand_on", "reason": ["look"]},
    ],
)
def test_what_is_no_mark_is_refused_and_nothing_of_the_request_is_kept(roles, broken):
    one = roles[3]
    answer = one.write(f"roles/marking/{ITEM}/claim", wanted=1, holding=[], disputes=False).json()["answers"][0]
    deed = {"deed": "mark", "client": client(), "seconds": 1, "code": answer["code"], "edition": 1, "points": WORTH}
    said = one.write(f"roles/marking/{ITEM}/deeds", deeds=[deed, deed | {"client": client()} | broken])
    assert said.status_code == 400
    assert with_store(one.service, lambda store: store.ratings("roles")) == []


def test_who_has_no_school_marks_only_where_nobody_has_one(service, request):
    rules = dataclasses.replace(PANEL, markers=("teacher03",))
    service.furnish(own_name(request) + "-2", marking=rules, **OVER)
    own = [dataclasses.replace(one, school="") for one in answers_of(2)]
    with_store(service, lambda store: store.open(service.exam, own, rules, "lead01").result())
    one, front = Staff(service, "teacher03"), f"{service.exam}/marking/"
    for answer in (one.claim(), one.api("marking/questions"), one.page(front)):
        assert (answer.status_code, "学校" in answer.text) == (403, True)
    nobody_has_one = [dataclasses.replace(candidate, school="") for candidate in CANDIDATES]
    roster.write(service.home / "exams" / service.exam / ROSTER, nobody_has_one)
    assert len(one.claim().json()["answers"]) == 2


def test_after_the_release_what_is_settled_stays_and_what_is_open_is_marked(service):
    lead, one, two = (Staff(service, user) for user in ("lead01", "teacher02", "lead02"))
    theirs = {answer["code"]: answer for answer in two.claim().json()["answers"]}
    mine = {answer["code"]: answer for answer in one.claim().json()["answers"]}
    done, disputed, open_yet = [mine[code] for code in sorted(theirs)]
    for own, points in ((one, (1, 1, 1, 1)), (two, (1, 1, 1, 0.5))):
        assert own.mark(done, points) == "saved"
    assert (one.mark(disputed, (1, 1, 1, 1)), two.mark(disputed, (0, 0, 0, 0))) == ("saved", "saved")
    folder = service.home / "exams" / service.exam
    release.release(folder, {}, "lead01", datetime.now(UTC), 1)
    assert one.mark(done, (0, 0, 0, 0), again=True) == "settled"
    standard = {"edition": 1, "client": client(), "points": WORTH, "comment": "", "code": done["code"]}
    rules = {name: BODY[name] for name in vars(PANEL)}
    others = [rules | {"marks": 1}, rules | {"tolerance": 0.5}]
    refused = [lead.write(f"{service.exam}/panel/items/{ITEM}/standard", **standard)]
    refused += [lead.write(f"{service.exam}/panel/settings", **own) for own in others]
    assert [(said.status_code, said.json()["error"]) for said in refused] == [(409, "settled")] * 3
    assert Exam.load(folder).marking == PANEL
    named = {"markers": ["teacher02", "lead02"], "adjudicators": ["lead01"]}
    assert lead.write(f"{service.exam}/panel/settings", **(rules | named)).status_code == 200
    (given,) = lead.claim(disputes=True).json()["answers"]
    assert (lead.mark(given, (1, 0, 0, 0)), one.mark(open_yet), two.mark(open_yet)) == ("saved",) * 3


@pytest.mark.parametrize("points", [(1, 1, 1), (1, 1, 1, 1, 0), (1, 1, 1, 1.5), (1, 1, 1, 0.25), ()])
def test_points_of_another_rubric_are_refused_by_themselves(service, points):
    one = Staff(service, "teacher02")
    first, second = one.claim(2).json()["answers"]
    told = [{"deed": "mark", "client": client(), "seconds": 1, "points": own} for own in (list(points), WORTH)]
    sent = [deed | {"code": of["code"], "edition": 1} for deed, of in zip(told, (first, second), strict=True)]
    said = one.deeds(*sent)
    assert said.status_code == 200
    assert [outcome.get("error", "saved") for outcome in said.json()["outcomes"]] == ["renewed", "saved"]


def test_as_many_deeds_as_a_page_sends_at_once_are_taken(service):
    at_once = int(present(re.search(r"const BATCH = (\d+);", (ROOT / "exams/room/outbox.js").read_text()))[1])
    deed = {"deed": "mark", "seconds": 10**400, "code": "f" * 16, "edition": 1, "points": WORTH}
    said = Staff(service, "teacher02").deeds(*({**deed, "client": client()} for _ in range(at_once)))
    assert [outcome["error"] for outcome in said.json()["outcomes"]] == ["unknown"] * at_once


def test_a_question_that_was_voided_takes_no_marks_and_stops_none_of_others(service):
    one = Staff(service, "teacher02")
    first, second = one.claim(2).json()["answers"]
    kept = {"deed": "mark", "client": client(), "seconds": 1, "code": first["code"], "edition": 1, "points": WORTH}
    assert one.deeds(kept).json()["outcomes"][0]["saved"]
    rule(service, {"void": True})
    assert one.deeds(kept).json()["outcomes"][0]["saved"]  # it is on disk, whatever came after
    assert (one.mark(second), one.hand_on(second), one.claim().status_code) == ("withdrawn", "withdrawn", 404)


def test_a_comment_that_no_database_takes_is_taken_without_what_it_cannot_hold(service):
    one = Staff(service, "teacher02")
    answer = one.claim(wanted=1).json()["answers"][0]
    assert one.mark(answer, comment="好\x00的 \ud800 \u202e") == "saved"
    (own,) = one.api(f"marking/{ITEM}/own").json()["answers"]
    assert own["comment"] == "好的 ? \u202e"


def test_the_lead_sees_how_far_it_is_sets_a_check_script_and_changes_the_rules(service):
    lead, one, two = (Staff(service, user) for user in ("lead01", "teacher02", "lead02"))
    given = one.claim().json()["answers"]
    for answer in given[:2]:
        one.mark(answer, (1, 1, 1, 0))
    two.hand_on(two.claim(wanted=1).json()["answers"][0])
    seen = lead.api("panel/watch").json()
    (count,) = seen["questions"]
    assert (count["total"], count["unmarked"], count["partly"], count["tolerance"]) == (4, 2, 2, 1.0)
    sheets = lead.api(f"panel/items/{ITEM}/sheets").json()["sheets"]
    assert len(sheets) == 4
    standard = {"code": sheets[0]["code"], "edition": 1, "client": client(), "points": [1, 0, 0, 0], "comment": ""}
    assert lead.write(f"{service.exam}/panel/items/{ITEM}/standard", **standard).status_code == 200
    assert lead.api("panel/watch").json()["questions"][0]["checks"] == 1
    rows = {row["marker"]: row for row in lead.api("panel/markers").json()["markers"]}
    assert (rows["teacher02"]["marks"], rows["lead02"]["handed_on"], rows["teacher01"].get("marks")) == (2, 1, None)
    assert {name: row["unknown"] for name, row in rows.items() if row["unknown"]} == {"teacher02": ["别处医学院"]}
    before = Exam.load(service.home / "exams" / service.exam)
    rules = {"markers": ["teacher02", "teacher02 "], "adjudicators": [], "marks": 1, "tolerance": 0.1, "check_every": 3}
    assert lead.write(f"{service.exam}/panel/settings", **rules).status_code == 200
    after = Exam.load(service.home / "exams" / service.exam)
    assert after.marking == Marking(("teacher02",), (), 1, 0.1, 3)
    assert dataclasses.replace(after, marking=before.marking) == before
    assert lead.api("panel/watch").json()["questions"][0]["done"] in {2, 3}
    assert one.page(f"{service.exam}/marking/").status_code == 200
    assert two.page(f"{service.exam}/marking/").status_code == 404


def test_the_lead_is_told_who_is_severe_and_how_far_they_agree(service):
    """teacher02 gives a point of four less than lead02 does for each answer."""
    names = {"teacher02": -0.5, "lead02": 0.5}

    def mark(store):
        store.open(service.exam, answers_of(40), PANEL, "lead01").result()
        for name, away in names.items():
            given = {one.code for one in store.claim(service.exam, ITEM, marker(name, "橘井医学院"), 40).result()}
            for at, code in enumerate(sorted(given)):
                points = [1.0, 0.5 + away, (at % 3) / 2, (at % 2) / 2]
                own = (marker(name, "橘井医学院"), code, 1)
                store.mark(service.exam, ITEM, *own, points, client=client()).result()

    with_store(service, mark)
    told = Staff(service, "lead01").api("panel/markers").json()
    rows = {row["marker"]: row for row in told["markers"]}
    assert told["why"] == ""
    assert rows["teacher02"]["others"] == -0.25
    assert rows["lead02"]["agreed"] == 1.0
    assert rows["teacher02"]["severity"]["logits"] > 0.5 > -0.5 > rows["lead02"]["severity"]["logits"]
    assert rows["teacher01"]["severity"] is None
    assert set(told["questions"]) == {ITEM}
    both = [(2.0 + (at % 3) / 2 + (at % 2) / 2 - 0.5, 2.0 + (at % 3) / 2 + (at % 2) / 2 + 0.5) for at in range(30)]
    assert told["questions"][ITEM]["icc"] == pytest.approx(icc(both))


@pytest.mark.parametrize(
    "rules",
    [
        {"marks": 3},
        {"tolerance": 2},
        {"tolerance": 10**400},
        {"markers": "teacher01"},
        {"markers": [7]},
        {"markers": ["teacher\ud800"]},
        {"adjudicators": ["teacher\x7f"]},
        {"check_every": 0.5},
    ],
)
def test_rules_that_are_none_are_refused(roles, rules):
    before = tomllib.loads((roles[0].service.home / "exams" / "roles" / "exam.toml").read_text())
    assert roles[7].write("roles/panel/settings", **(BODY | rules)).status_code == 400
    assert tomllib.loads((roles[0].service.home / "exams" / "roles" / "exam.toml").read_text()) == before


def test_what_leads_to_the_desk_stands_where_its_markers_look(service):
    links = {user: Staff(service, user).page(f"{service.exam}/desk").text for user in ("lead01", "teacher01")}
    assert all('id="to-marking"' in page and "formgrader" not in page for page in links.values())
    assert ('id="to-panel"' in links["lead01"], 'id="to-panel"' in links["teacher01"]) == (True, False)
    # whose school has no candidate finds the exam in the list all the same
    assert f"{service.exam}/marking/" in Staff(service, "teacher02").page("").text
    assert f"{service.exam}/marking/" not in Staff(service, "outsider").page("").text


def test_the_history_of_a_candidate_does_not_tell_who_marked_it(service):
    number = CANDIDATES[0].number
    with_store(service, lambda store: marked_by(store, service.exam, number))
    told = Staff(service, "teacher01").api(f"candidates/{number}/history")
    assert told.status_code == 200
    assert "m1" not in told.text


def marked_by(store, exam, number):
    store.open(exam, [Opening(number, SCHOOLS[1], ITEM, "A", "答案", 4.0)], RULES, "lead01").result()
    (given,) = store.claim(exam, ITEM, marker("m1"), 1).result()
    store.mark(exam, ITEM, marker("m1"), given.code, given.edition, (1.0,), client=client()).result()


# many at once, and what dies in between


def works(one: Staff, rng: random.Random, kept: list[str], stop: threading.Event) -> None:
    """A marker who marks until there is nothing left, as a page does: sent again until it is told what became of it."""
    while not stop.is_set() and (given := patient(lambda: one.claim())["answers"]):
        for answer in given:
            points = [rng.choice([0, 0.5, 1]) for _ in WORTH]
            deed: dict[str, Any] = {"deed": "mark", "client": client(), "seconds": 1, "points": points}
            deed |= {"code": answer["code"], "edition": answer["edition"]}
            (outcome,) = patient(lambda deed=deed: one.deeds(deed))["outcomes"]
            assert outcome["saved"], outcome
            kept.append(deed["client"])


def patient(ask):
    """The answer to a request, asked again while the service is away."""
    for _ in range(3000):
        try:
            answer = ask()
        except OSError:
            threading.Event().wait(0.02)
            continue
        if answer.status_code < 500:
            assert answer.status_code == 200, answer.text
            return answer.json()
    raise AssertionError("the service stayed away")


def rows_of(url):
    """(client, marker, answer, holds, kind, school of the candidate) of every mark."""
    from exams.panel.tables import answers, marks

    engine = sa.create_engine(url.replace("postgresql:", "postgresql+pg8000:"))
    own = (marks.c.client, marks.c.marker, marks.c.answer, marks.c.holds, marks.c.kind, answers.c.number)
    with engine.connect() as connection:
        found = connection.execute(sa.select(*own).join(answers, marks.c.answer == answers.c.id)).all()
    engine.dispose()
    return found


def nothing_lost_or_doubled(rows, told, schools):
    """Every mark that a page was told is saved is there, once; nobody marked twice, or their own school."""
    clients = Counter(row.client for row in rows)
    assert set(told) <= clients.keys()
    assert set(clients.values()) <= {1}
    pairs = Counter((row.answer, row.marker) for row in rows if row.holds)
    assert set(pairs.values()) <= {1}
    assert set(Counter(row.answer for row in rows if row.kind == Kind.MARK).values()) <= {RULES.marks}
    assert [row for row in rows if school_of(row.number) in schools[row.marker]] == []


@pytest.fixture
def mortal(tmp_path):
    """The service as a process of its own, to be killed."""
    running = Process(tmp_path, free_port())
    yield running
    running.stop()


def test_five_markers_at_once_on_sqlite_and_the_service_killed_in_the_middle(mortal, request):
    mortal.furnish(own_name(request), marking=dataclasses.replace(PANEL, markers=tuple(FIVE)), **OVER)
    with_store(mortal, lambda store: store.open(mortal.exam, answers_of(60), PANEL, "lead01").result())
    kept: list[str] = []
    stop = threading.Event()
    with ThreadPoolExecutor(len(FIVE)) as pool:
        pages = [Staff(mortal, user) for user in FIVE]
        working = [pool.submit(works, one, random.Random(at), kept, stop) for at, one in enumerate(pages)]
        try:
            until(lambda: len(kept) >= 40 or all(one.done() for one in working), 120, "a third is marked", 0.01)
            mortal.kill()
            mortal.start()
            mortal.wait()
            for one in working:
                one.result(120)
        finally:
            stop.set()
    here = with_store(mortal, lambda store: (store.counts(mortal.exam), store.verify()))
    schools = {user: {school} if school in SCHOOLS else set() for user, school in FIVE.items()}
    rows = [row for row in rows_of(store_url(mortal.home)) if row.client in set(kept)]
    assert len(rows) == len(kept) == len(set(kept)) == 120
    nothing_lost_or_doubled(rows, kept, schools)
    (count,) = here[0]
    assert (count.unmarked, count.partly, here[1]) == (0, 0, None)
    sittings = SittingStore(store_url(mortal.home))
    assert sittings.verify() is None
    sittings.close()


FIVE = {
    "teacher01": "杏林医学院",
    "teacher02": "别处医学院",
    "lead02": "橘井医学院",
    "invigilator2": "悬壶医学院",
    "invigilator4": "岐黄医学院",
}


def test_twenty_markers_at_once_on_postgresql_over_two_stores(database):
    stores = [PanelStore(database) for _ in range(2)]
    stores[0].open("e", openings(100), RULES, "lead").result()
    markers = [marker(f"m{at}", SCHOOLS[at % len(SCHOOLS)]) for at in range(20)]
    told = []

    def work(place):
        store, own, rng = stores[place % 2], markers[place], random.Random(place)
        for item, worth in ITEMS.items():
            while given := store.claim("e", item, own, 5).result(60):
                for answer in given:
                    name, points = client(), (rng.choice([0.0, 1.0, worth]),)
                    store.mark("e", item, own, answer.code, answer.edition, points, client=name).result(60)
                    told.append(name)

    with ThreadPoolExecutor(len(markers)) as pool:
        for one in [pool.submit(work, place) for place in range(len(markers))]:
            one.result(300)
    rows = rows_of(database)
    assert len(rows) == len(told) == 400
    nothing_lost_or_doubled(rows, told, {one.user: one.schools for one in markers})
    assert [count.unmarked + count.partly for count in stores[1].counts("e")] == [0, 0]
    assert stores[1].pending("e") == 200 - len([1 for own in stores[0].finals("e").values() for _ in own])
    assert stores[1].verify() is None
    for store in stores:
        store.close()


def rule(service, changes):
    """A ruling on ITEM, signed; its answers are not yet put in line by it."""
    exam = Exam.load(service.home / "exams" / service.exam)
    proposal = key.Proposal("lead01", "原评分标准有误", {ITEM: changes}, "")
    key.propose(exam, proposal)
    return key.sign(exam, proposal, "lead01", datetime.now(UTC))


def test_markers_see_and_mark_by_the_rubric_of_now(service):
    """A ruling on the rubric after the exam: other criteria, and an answer marked by the old ones is in line again."""
    staff = Staff(service, "teacher01")
    (answer, *_) = staff.claim(1).json()["answers"]
    assert staff.mark(answer) == "saved"
    rubric = [{"points": 3, "text": "重订的第一条"}, {"points": 1, "text": "重订的第二条"}]
    version = rule(service, {"rubric": rubric})
    again = [dataclasses.replace(one, version=version.number) for one in answers_of(4)]
    assert with_store(service, lambda store: store.open(service.exam, again, PANEL, "lead01").result())["again"] == 4
    page = staff.page(f"{service.exam}/marking/{ITEM}")
    assert "重订的第一条" in page.text
    (answer, *_) = staff.claim(1).json()["answers"]
    assert staff.mark(answer) == "renewed"
    assert staff.mark(answer, (3, 0.5)) == "saved"
