"""What an invigilator decides, at the real service: each act, who may, what it does, and what the log tells of it."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from exams import sealed
from exams.exam import Exam, Session
from exams.seb import HEADER
from exams.sitting import SittingStore
from tests.support.exam_client import SEAT, Client, change
from tests.support.exam_host import CANDIDATES, PREFIX, Served, own_name, store_url
from tests.support.platform import until
from tests.support.ports import free_port

FIRST, SECOND, THIRD = (candidate.number for candidate in CANDIDATES)
KEY = "81aad4ab9dfd447cc479e6a4a7c9a544e2cafc7f3adeb68b2a21efad68eca4dc"


@pytest.fixture(scope="module")
def process(tmp_path_factory, simulator):
    running = Served(tmp_path_factory.mktemp("invigilation"), free_port(), simulator)
    yield running
    running.stop()


@pytest.fixture
def fresh(process, request):
    """The service with an exam that no other test knows, by rules of its own; its log holds at the end."""

    def start(**changes):
        process.furnish(own_name(request), **changes)
        return process

    yield start
    store = SittingStore(store_url(process.home))
    broken = store.verify()
    store.close()
    assert broken is None


def decide(client, act, status=200, **body):
    reply = client.write(f"{client.service.exam}/attend", act=act, **body)
    assert reply.status_code == status, reply.text
    return reply.json().get("numbers", reply.json().get("error"))


def watched(client, number=FIRST):
    """What the desk shows of a candidate, as soon as its readings are those of now."""
    rows = client.page(f"api/{client.service.exam}/watch").json()["candidates"]
    return next(row for row in rows if row["number"] == number)


def shows(client, number=FIRST, **wanted):
    until(lambda: wanted.items() <= watched(client, number).items(), 10, f"the desk shows {wanted}")


def state(client):
    return client.page(f"api/{client.service.exam}/state").json()


def test_another_machine_goes_on_with_the_invigilators_word_alone(fresh):
    service = fresh()
    own, other = Client(service, "student01"), Client(service, "student01", machine="other")
    teacher = Client(service, "teacher01")
    item = own.enter().json()["items"][0]["id"]
    own.save(change(1, item, "A"))
    assert decide(teacher, "allowed", 409, number=FIRST) == "nothing"  # nobody has asked
    for _ in range(3):
        assert other.enter("other-machine").json()["error"] == "elsewhere"
    assert own.save(change(2, item, "B")).status_code == 200  # asking takes nothing away
    shows(teacher, asked=True)
    assert decide(teacher, "allowed", number=FIRST) == [FIRST]
    entered = other.enter("other-machine").json()
    assert [held["value"] for held in entered["latest"]] == ["B"]
    assert own.save(change(3, item, "C")).json()["error"] == "taken_over"
    assert own.enter().json()["error"] == "elsewhere"  # the machine before needs the word too
    told = [entry["act"] for entry in history(teacher)]
    assert told == ["opened", "asked", "allowed", "entered", "asked"]


def history(client, number=FIRST):
    return client.page(f"api/{client.service.exam}/candidates/{number}/history").json()["entries"]


def test_a_tab_that_is_closed_and_opened_on_the_same_machine_needs_nobody(fresh):
    service = fresh()
    Client(service, "student01").enter()
    assert Client(service, "student01").enter("second-tab").status_code == 200


def test_candidates_check_in_with_the_code_of_their_room(fresh):
    service = fresh(checkin=True)
    student, teacher = Client(service, "student01"), Client(service, "teacher01")
    assert student.enter().json()["error"] == "check_in"
    clock = student.page(f"api/{service.exam}/clock").json()
    assert clock["hindrances"] == ["check_in"]
    codes = teacher.page(f"api/{service.exam}/watch").json()["codes"]
    assert [one["room"] for one in codes] == ["101"]  # the other room is another school's
    everywhere = {
        one["room"]: one["code"] for one in Client(service, "lead01").page(f"api/{service.exam}/watch").json()["codes"]
    }
    assert everywhere.keys() == {"101", "202"}
    wrong = student.write(f"{service.exam}/checkin", code=everywhere["202"])
    assert (wrong.status_code, wrong.json()["error"]) == (403, "wrong")
    assert student.write(f"{service.exam}/checkin", code=f" {everywhere['101'].lower()} ").status_code == 200
    assert student.enter().status_code == 200
    assert history(teacher)[0]["detail"] == {"room": "101"}


def test_the_code_of_a_room_cannot_be_guessed(fresh):
    service = fresh(checkin=True)
    student = Client(service, "student01")
    said = [student.write(f"{service.exam}/checkin", code=f"WRONG{place}").status_code for place in range(8)]
    assert said == [403] * 5 + [429] * 3
    assert Client(service, "student02").write(f"{service.exam}/checkin", code="WRONG").status_code == 403


def test_an_invigilator_checks_a_room_in(fresh):
    service = fresh(checkin=True)
    teacher = Client(service, "teacher01")
    assert decide(teacher, "checked_in", room="101") == [FIRST, SECOND]
    assert decide(teacher, "checked_in", 409, room="101") == "nothing"
    assert decide(teacher, "checked_in", 400, room="202") == "unreadable"  # not theirs to watch over
    assert Client(service, "student01").enter().status_code == 200
    assert Client(service, "student03").enter().json()["error"] == "check_in"


def test_who_comes_late_begins_on_the_invigilators_word(fresh):
    service = fresh(opens_in_s=-1900, late_minutes=30)
    student, teacher = Client(service, "student01"), Client(service, "teacher01")
    assert student.enter().json()["error"] == "late"
    shows(teacher, late=True)
    assert decide(teacher, "admitted_late", 400, number=FIRST) == "reason"
    assert decide(teacher, "admitted_late", number=FIRST, reason="the bus broke down") == [FIRST]
    assert student.enter().status_code == 200
    assert Client(service, "student02").enter().json()["error"] == "late"


def test_who_began_in_time_comes_back_after_the_last_time_to_begin(fresh):
    service = fresh(opens_in_s=-1797, late_minutes=30)
    student, other = Client(service, "student01"), Client(service, "student02")
    assert student.enter().status_code == 200
    until(
        lambda: other.page(f"api/{service.exam}/clock").json()["hindrances"] == ["late"], 10, "the last time to begin"
    )
    assert student.enter().status_code == 200


def test_while_paused_time_stands_still_and_nothing_is_written(fresh):
    service = fresh()
    student, teacher = Client(service, "student01"), Client(service, "teacher01")
    item = student.enter().json()["items"][0]["id"]
    before = state(student)
    assert decide(teacher, "paused", 400, number=FIRST) == "reason"
    assert decide(teacher, "paused", number=FIRST, reason="fire alarm") == [FIRST]
    assert state(student)["paused"] is True
    shows(teacher, state="paused")
    assert student.enter("another-tab").json()["error"] == "paused"
    assert student.save(change(1, item, "A")).status_code == 200  # it was on its way
    until(lambda: student.save(change(2, item, "B")).status_code == 409, 20, "saves are refused")
    assert student.save(change(2, item, "B")).json()["error"] == "paused"
    assert decide(teacher, "resumed", number=FIRST) == [FIRST]
    after = state(student)
    stood = history(teacher)[-1]["detail"]["seconds"]
    assert stood >= 10
    assert after["deadline"] - before["deadline"] == 1000 * stood
    assert student.save(change(3, item, "B")).status_code == 200


def test_a_room_is_paused_and_goes_on(fresh):
    service = fresh()
    one, two, far = (Client(service, user) for user in ("student01", "student02", "student03"))
    for client in (one, two, far):
        client.enter()
    lead = Client(service, "lead01")
    assert decide(lead, "paused", room="101", reason="noise") == [FIRST, SECOND]
    assert [state(client)["paused"] for client in (one, two, far)] == [True, True, False]
    assert decide(lead, "paused", reason="everywhere") == [THIRD]
    assert decide(lead, "resumed") == [FIRST, SECOND, THIRD]


def test_a_paper_is_annulled_and_reinstated_by_the_lead(fresh):
    service = fresh()
    student, teacher, lead = (Client(service, user) for user in ("student01", "teacher01", "lead01"))
    item = student.enter().json()["items"][0]["id"]
    student.save(change(1, item, "A"))
    assert decide(teacher, "annulled", 403, number=FIRST, reason="a phone") == "lead_only"
    assert decide(lead, "annulled", number=FIRST, reason="a phone") == [FIRST]
    assert student.save(change(2, item, "B")).json()["error"] == "closed"
    assert "作废" in student.page(f"{service.exam}/receipt").text
    assert student.page(f"{service.exam}/result").status_code == 409
    shows(lead, state="annulled")
    store = SittingStore(store_url(service.home))
    assert (store.responses(service.exam), store.submitted_at(service.exam)) == ({}, {})
    assert decide(lead, "reinstated", number=FIRST, reason="it was a calculator") == [FIRST]
    assert store.responses(service.exam) == {FIRST: {item: "A"}}
    store.close()
    assert student.save(change(2, item, "B")).status_code == 200


def test_extra_time_on_the_day_counts_before_and_after_the_beginning(fresh):
    service = fresh(lasts_s=36_000)
    lead, teacher = Client(service, "lead01"), Client(service, "teacher01")
    assert decide(teacher, "extended", 403, number=SECOND, reason="r", minutes=5) == "lead_only"
    assert decide(lead, "extended", 400, number=SECOND, reason="r") == "minutes"
    assert decide(lead, "extended", number=SECOND, reason="a broken arm", minutes=30) == [SECOND]
    entered = Client(service, "student02").enter().json()
    begun = entered["now"]
    planned = 90 + CANDIDATES[1].extra_minutes + 30
    assert planned * 60_000 - 5000 < entered["deadline"] - begun <= planned * 60_000
    decide(lead, "extended", number=SECOND, reason="and a leg", minutes=15)
    assert state(Client(service, "student02"))["deadline"] == entered["deadline"] + 15 * 60_000


def test_leaving_the_page_is_counted_once_however_often_it_is_told(fresh):
    service = fresh()
    student, teacher = Client(service, "student01"), Client(service, "teacher01")
    student.enter()
    for count, seconds in ((1, 4), (1, 4), (2, 30)):
        told = student.write(f"{service.exam}/left", seat=SEAT, count=count, seconds=seconds)
        assert told.status_code == 200
    shows(teacher, left=2, left_s=34)
    for wrong in (
        {"count": 0, "seconds": 1},
        {"count": 1, "seconds": 0},
        {"count": 1, "seconds": True},
        {"count": 10**9, "seconds": 1},
    ):
        assert student.write(f"{service.exam}/left", seat=SEAT, **wrong).status_code == 400


def test_another_network_address_is_noted(fresh):
    service = fresh()
    student, teacher = Client(service, "student01"), Client(service, "teacher01")
    student.enter()
    for _ in range(2):
        student.page(f"api/{service.exam}/state", headers={"X-Real-Ip": "192.0.2.7"})
    shows(teacher, moves=1)
    moved = history(teacher)[-1]
    assert (moved["act"], moved["detail"]) == ("moved", {"from": "127.0.0.1", "to": "192.0.2.7"})


def sealed_for(url, key=KEY):
    return {HEADER: hashlib.sha256((url + key).encode()).hexdigest()}


def test_an_exam_for_safe_exam_browser_opens_in_no_other(fresh):
    """The header as https://safeexambrowser.org/developer/seb-config-key.html tells it."""
    service = fresh(seb_keys=(KEY,))
    student = Client(service, "student01")
    for path in (f"{service.exam}/", f"{service.exam}/room", f"api/{service.exam}/clock", f"api/{service.exam}/state"):
        url = service.base + path
        assert student.page(path).status_code == 403
        assert student.page(path, headers=sealed_for(url, key="0" * 64)).status_code == 403
        assert student.page(path, headers=sealed_for(service.base)).status_code == 403
        assert student.page(path, headers={HEADER: "é"}).status_code == 403
        assert student.page(path, headers=sealed_for(url)).status_code in {200, 409}
    assert student.enter().json()["error"] == "seb"
    student.headers.update(sealed_for(f"{service.base}api/{service.exam}/enter"))
    assert student.enter().status_code == 200
    assert Client(service, "teacher01").page(f"{service.exam}/desk").status_code == 200


def test_each_session_has_its_window(fresh):
    now = datetime.now(UTC)
    sessions = (
        Session("am", now - timedelta(seconds=30), now + timedelta(hours=1), ("杏林医学院",)),
        Session("pm", now + timedelta(hours=1), now + timedelta(hours=2), ("橘井医学院",)),
    )
    service = fresh(sessions=sessions)
    entered = Client(service, "student01").enter().json()
    assert entered["deadline"] == round(sessions[0].closes.timestamp() * 1000)
    assert Client(service, "student03").enter().json()["error"] == "before"
    clock = Client(service, "student03").page(f"api/{service.exam}/clock").json()
    assert clock["opens"] == round(sessions[1].opens.timestamp() * 1000)


def test_a_sealed_paper_waits_for_the_key_that_the_lead_holds(fresh):
    service = fresh()
    exam = Exam.load(service.home / "exams" / service.exam)
    form, key = exam.form("A"), sealed.new_key()
    sealed.seal(exam, form, key)
    (exam.folder / "A.json").unlink()
    student, teacher, lead = (Client(service, user) for user in ("student01", "teacher01", "lead01"))
    assert student.page(f"{service.exam}/").status_code == 200
    assert student.enter().json()["error"] == "sealed"
    assert student.page(f"api/{service.exam}/state").status_code == 409  # no time runs
    assert 'id="unseal"' in lead.page(f"{service.exam}/desk").text
    assert 'id="unseal"' not in teacher.page(f"{service.exam}/desk").text
    assert teacher.write(f"{service.exam}/unseal", key=key).status_code == 403
    wrong = lead.write(f"{service.exam}/unseal", key=sealed.new_key())
    assert (wrong.status_code, wrong.json()["error"]) == (403, "wrong")
    assert lead.write(f"{service.exam}/unseal", key=key).status_code == 200
    assert len(student.enter().json()["items"]) == len(form.items)


def test_nobody_decides_about_those_whom_they_do_not_watch_over(fresh):
    service = fresh()
    Client(service, "student03").enter()
    assert decide(Client(service, "teacher01"), "paused", 400, number=THIRD, reason="r") == "unreadable"
    assert decide(Client(service, "student01"), "paused", 404, number=FIRST, reason="r") == "not_found"
    assert Client(service, "teacher01").page(f"api/{service.exam}/candidates/{THIRD}/history").status_code == 404


@pytest.mark.parametrize(
    "body", [{"act": "opened"}, {"act": 1}, {"act": "paused", "number": 7}, {"act": "paused", "reason": 7}, {}]
)
def test_what_is_no_act_is_refused(fresh, body):
    service = fresh()
    reply = Client(service, "lead01").write(f"{service.exam}/attend", **body)
    assert (reply.status_code, reply.json()["error"]) == (400, "unreadable")
    assert PREFIX in service.base
