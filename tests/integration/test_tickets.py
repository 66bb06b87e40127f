"""Admission tickets: one candidate, one exam, no hub; few tries; nothing after the exam."""

import re
from typing import Any

import pytest
import requests
import sqlalchemy as sa
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from exams import audit
from exams.cli import exam
from exams.documents import DocumentError
from exams.knock import LIMIT, LONGEST_S, Knock, answer
from exams.sitting import SittingStore
from exams.tickets import LENGTH, SIGNS, Tickets, new_code, normal, printed
from tests.support.exam_host import CANDIDATES, PREFIX, Served, own_name, settings_of, store_url
from tests.support.narrowing import present
from tests.support.ports import free_port

XSRF = re.compile(r'name="_xsrf" value="([^"]+)"')
TICKET = re.compile(r"<dd>(\d+)</dd>.*?<p class=\"code\"[^>]*>([^<]+)</p>", re.DOTALL)
FIRST, SECOND = CANDIDATES[0], CANDIDATES[1]


@given(st.lists(st.text(min_size=1), min_size=1, unique=True))
def test_a_code_opens_its_own_number_and_no_other(numbers):
    tickets, codes = Tickets().issued(numbers)
    for number in numbers:
        assert tickets.opens(number, codes[number])
        assert tickets.opens(number, printed(codes[number]).lower().replace("-", " "))
        assert not tickets.opens(number, new_code())
        assert not any(tickets.opens(number, codes[other]) for other in numbers if other != number)
    assert not tickets.opens("nobody at all", codes[numbers[0]])
    assert not any(code in repr(tickets) or code in str(tickets.hashes) for code in codes.values())


def test_a_code_is_59_random_bits_that_are_easily_read():
    code = new_code()
    assert (len(code), len(SIGNS) ** LENGTH > 2**59) == (12, True)
    assert not set(SIGNS) & set("01ILO")
    assert normal(printed(code)) == code
    assert len({new_code() for _ in range(1000)}) == 1000


def test_a_new_code_ends_the_old_one():
    tickets, old = Tickets().issued(["N1", "N2"])
    tickets, new = tickets.issued(["N1"])
    assert (tickets.opens("N1", old["N1"]), tickets.opens("N1", new["N1"]), tickets.opens("N2", old["N2"])) == (0, 1, 1)


def test_tickets_are_kept_for_this_user_alone(tmp_path):
    assert not Tickets.load(tmp_path).hashes
    tickets, codes = Tickets().issued(["N1"])
    tickets.save(tmp_path)
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o077 == 0
    assert Tickets.load(tmp_path).opens("N1", codes["N1"])
    path.write_text("{}")
    with pytest.raises(DocumentError, match="cannot be read"):
        Tickets.load(tmp_path)


def test_tries_wait_longer_each_time_and_forget_after_a_right_one(tmp_path):
    now = [0]
    store, again = (SittingStore(store_url(tmp_path), lambda: now[0]) for _ in range(2))  # two processes have one each
    wrong: dict[str, Any] = {"right": False, "alarm": [audit.Act(0, "joint", "service", "ticket_tried", {})]}
    right: dict[str, Any] = {"right": True, "welcome": [audit.Act(0, "joint", "N1", "admitted", {})]}
    try:
        for _ in range(LIMIT):
            assert store.knock("N1", **wrong).result() == 0
        assert again.knock("N1", **right).result() == 30_000
        assert again.knock("N2", **right).result() == 0
        now[0] = 30_000
        assert store.knock("N1", **wrong).result() == 0
        assert again.knock("N1", **wrong).result() == 60_000
        for _ in range(20):
            now[0] += LONGEST_S * 1000
            assert store.knock("N1", **wrong).result() == 0
        assert store.knock("N1", **right).result() == LONGEST_S * 1000
        now[0] += LONGEST_S * 1000
        assert store.knock("N1", **right).result() == 0
        assert [store.knock("N1", **wrong).result() for _ in range(LIMIT + 1)] == [0] * LIMIT + [30_000]
        told = [entry.act for entry in store.audit("joint")]
        assert told == ["ticket_tried", "admitted", "admitted", "ticket_tried"]
    finally:
        store.close()
        again.close()


@given(st.lists(st.booleans()))
def test_knocks_at_once_are_answered_as_one_after_the_other(rights):
    knocks = [Knock(at, "N1", right) for at, right in enumerate(rights)]
    outcomes = []
    for batches in ([knocks], [[knock] for knock in knocks]):
        engine = sa.create_engine("sqlite://")
        with engine.begin() as connection:
            audit.metadata.create_all(connection)
            outcomes.append([wait for batch in batches for wait in answer(connection, batch)])
        engine.dispose()
    assert outcomes[0] == outcomes[1]


def test_a_number_that_is_on_no_ticket_fills_nothing(service):
    running = service()
    issue(running)
    assert [Browser(running).knock("nobody", "x").status_code for _ in range(LIMIT + 1)] == [403] * (LIMIT + 1)


@pytest.fixture(scope="module")
def process(tmp_path_factory, simulator):
    running = Served(tmp_path_factory.mktemp("tickets"), free_port(), simulator)
    running.furnish("joint")
    yield running
    running.stop()


@pytest.fixture
def service(process, request):
    """The service with an exam of this test's own."""

    def start(**changes):
        process.furnish(own_name(request), **changes)
        return process

    return start


def issue(service, *options):
    """The codes by number, from the printed page."""
    out = service.home / f"{service.exam}-{len(list(service.home.iterdir()))}.html"
    command = ["tickets", service.exam, "--by", "lead01", "--out", str(out), *options]
    done = CliRunner().invoke(exam, command, obj=settings_of(service.home))
    assert done.exit_code == 0, done.output
    assert out.stat().st_mode & 0o077 == 0
    return dict(TICKET.findall(out.read_text("utf-8")))


class Browser(requests.Session):
    """Somebody at the gate, in Chinese or in English."""

    def __init__(self, service, language="zh"):
        super().__init__()
        self.base, self.exam = service.base, service.exam
        self.cookies.set("xinglin_language", language)

    def knock(self, number, code):
        token = present(XSRF.search(self.get(f"{self.base}ticket").text))[1]
        form = {"_xsrf": token, "number": number, "code": code}
        return self.post(f"{self.base}ticket", data=form, allow_redirects=False)

    def page(self, path=""):
        return self.get(self.base + path, allow_redirects=False)


def test_the_right_code_leads_to_the_waiting_room_of_this_exam_and_nowhere_else(service):
    running = service()
    codes = issue(running, "--address", "exam.example.edu.cn")
    assert set(codes) == {candidate.number for candidate in CANDIDATES}
    browser = Browser(running)
    answer = browser.knock(FIRST.number, codes[FIRST.number].lower())
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{PREFIX}{running.exam}/")
    (cookie,) = [line for line in answer.raw.headers.getlist("Set-Cookie") if "-session=" in line]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    page = browser.page(f"{running.exam}/")
    assert (page.status_code, FIRST.name in page.text) == (200, True)
    assert browser.page("joint/").status_code == 404  # the same person is a candidate there too
    assert "joint/" not in browser.page("").text
    assert browser.page(f"{running.exam}/desk").status_code == 404
    assert browser.page(f"api/{running.exam}/watch").status_code == 404


def test_a_wrong_code_is_said_in_the_readers_language_and_the_number_stays(service):
    running = service()
    codes = issue(running)
    for language, said in (("zh", "准考证号与验证码不符"), ("en", "do not belong together")):
        answer = Browser(running, language).knock(FIRST.number, codes[SECOND.number])
        assert (answer.status_code, said in answer.text) == (403, True)
        assert f'value="{FIRST.number}"' in answer.text
    for number, code in (("", "x"), (FIRST.number, ""), ("9" * 65, "x"), (FIRST.number, "x" * 65)):
        assert Browser(running).knock(number, code).status_code == 400
    assert "<script>" not in Browser(running).knock("<script>", "x").text


def test_after_five_wrong_codes_the_right_one_has_to_wait_and_the_log_tells(service):
    running = service()
    number = CANDIDATES[2].number  # of no other test: wrong tries are counted by number
    code = issue(running)[number]
    browser = Browser(running)
    assert [browser.knock(number, f"wrong{at}").status_code for at in range(5)] == [403] * 5
    answer = browser.knock(number, code)
    assert answer.status_code == 429
    assert "秒后再试" in answer.text
    store = SittingStore(store_url(running.home))
    (entry,) = [entry for entry in store.audit(running.exam) if entry.act == "ticket_tried"]
    store.close()
    assert (entry.detail["number"], entry.detail["wrong"]) == (number, 5)


def test_a_new_ticket_ends_the_old_one(service):
    running = service()
    old = issue(running)
    new = issue(running, "--candidate", FIRST.number)
    assert set(new) == {FIRST.number}
    assert Browser(running).knock(FIRST.number, old[FIRST.number]).status_code == 403
    assert Browser(running).knock(FIRST.number, new[FIRST.number]).status_code == 302
    assert Browser(running).knock(SECOND.number, old[SECOND.number]).status_code == 302


def test_codes_die_with_the_exam(service):
    running = service(opens_in_s=-100, lasts_s=50)
    codes = issue(running)
    assert Browser(running).knock(FIRST.number, codes[FIRST.number]).status_code == 403


def test_a_form_from_elsewhere_is_refused(service):
    running = service()
    codes = issue(running)
    form = {"number": FIRST.number, "code": codes[FIRST.number]}
    assert requests.post(f"{running.base}ticket", data=form, allow_redirects=False, timeout=20).status_code == 403


def test_neither_codes_nor_tries_are_in_the_services_output(service, process):
    running = service()
    codes = issue(running)
    Browser(running).knock(FIRST.number, codes[FIRST.number])
    kept = [path.read_bytes() for path in running.home.rglob("*") if path.is_file() and path.suffix != ".html"]
    for code in codes.values():
        assert not any(normal(code).encode() in content or code.encode() in content for content in kept)


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--candidate", "nobody"], "has no candidate 'nobody'"), (["--out", "."], "exists already")],
)
def test_what_the_command_refuses(service, options, said, tmp_path):
    running = service()
    command = ["tickets", running.exam, "--by", "lead01", "--out", str(tmp_path / "t.html"), *options]
    done = CliRunner().invoke(exam, command, obj=settings_of(running.home))
    assert done.exit_code == 1
    assert said in done.output
    assert not (tmp_path / "t.html").exists()
