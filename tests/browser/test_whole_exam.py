"""A whole joint exam: roster, blueprint, two forms, tickets, 42 candidates of 5 colleges, and what happens on the day.

Forty candidates are programs that talk to the real service, each with a session of its own; two sit in real browsers.
The service is killed once on the way. What the day leaves behind is collected, verified, then tampered with and caught.
"""

import random
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from openpyxl import Workbook
from playwright.sync_api import expect

from exams.cli import exam as commands
from exams.exam import DATABASE
from exams.sitting import SittingStore
from tests.support.exam_client import XSRF, Client
from tests.support.exam_host import COLLEGES, PREFIX, Process, settings_of, store_url
from tests.support.narrowing import present
from tests.support.ports import free_port

EXAM = "dx-joint"
BLUEPRINT = """
title = "诊断学联考"
subject = "diagnostics"
difficulty = 0.7
difficulty_tolerance = 0.1
cells = [
    { topic = "examination", level = "recall", type = "A1", count = 3, points = 1 },
    { topic = "examination", level = "apply", type = "A2", count = 1, points = 1 },
    { topic = "laboratory", level = "recall", type = "A1", count = 2, points = 1 },
    { topic = "laboratory", level = "analyse", type = "A2", count = 2, points = 1 },
    { topic = "laboratory", level = "apply", type = "numeric", count = 2, points = 1 },
    { topic = "ecg", level = "recall", type = "A1", count = 2, points = 1 },
    { topic = "ecg", level = "apply", type = "ecg", count = 2, points = 1 },
    { topic = "imaging", level = "apply", type = "measurement", count = 1, points = 2 },
]
"""
SEED = 20261125
AT_ONCE = 12
PEOPLE = [
    (
        f"27{college:02}{place:02}",
        f"student{college}{place:02}",
        name,
        "AB"[(college + place) % 2],
        f"{college}0{1 + place % 2}",
    )
    for college, name in enumerate(COLLEGES)
    for place in range(9 if college < 2 else 8)
]
"""Number, user, school, form and room of 42 candidates: two rooms a college, forms side by side."""
ONLINE = [PEOPLE[0][0], PEOPLE[9][0]]
"""Those in real browsers, of two colleges."""


class Hall:
    """The exam and its day: commands as an office gives them, and the service as a process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.process = Process(home, free_port())
        self.process.exam = EXAM

    def command(self, *arguments: str, fails: bool = False) -> str:
        done = CliRunner().invoke(
            commands,
            list(arguments),
            obj=settings_of(self.home),
        )
        assert (done.exit_code != 0) == fails, done.output
        return done.output

    def prepare(self) -> None:
        """From a roster in a workbook and a blueprint to tickets, with the paper sealed."""
        book = Workbook()
        book.active.append(("准考证号", "用户名", "姓名", "学校", "试卷", "考场", "座位"))
        for place, (number, user, school, form, room) in enumerate(PEOPLE, 1):
            book.active.append((int(number), user, f"考生{number}", school, form, room, place))
        book.save(self.home / "roster.xlsx")
        plan, forms, now = self.home / "plan.toml", self.home / "forms", datetime.now(UTC)
        plan.write_text(BLUEPRINT)
        self.command(
            "assemble",
            str(plan),
            "--forms",
            "2",
            "--seed",
            "7",
            "--exam",
            EXAM,
            "--out",
            str(forms),
        )
        self.command(
            *("build", EXAM, "--title", "诊断学联考", "--lead", "lead01", "--forms", str(forms)),
            *("--opens", (now - timedelta(minutes=1)).isoformat(), "--closes", (now + timedelta(hours=2)).isoformat()),
            *("--minutes", "60", "--roster", str(self.home / "roster.xlsx"), "--checkin", "--late-minutes", "30"),
            *("--seal", "until-open"),
        )
        self.command("tickets", EXAM, "--by", "lead01", "--out", str(self.home / "tickets.html"))
        page = (self.home / "tickets.html").read_text()
        found = re.findall(r"<dd>(27\d{4})</dd>.*?class=\"code\"[^>]*>([^<]+)<", page, re.DOTALL)
        self.tickets = dict(found)
        assert self.tickets.keys() == {number for number, *_ in PEOPLE}

    def store(self) -> SittingStore:
        return SittingStore(store_url(self.home))


class Candidate(requests.Session):
    """A candidate as a program: comes with the ticket, sends what it answers in any order, some of it twice."""

    def __init__(self, hall: Hall, number: str) -> None:
        super().__init__()
        self.hall, self.number, self.random = hall, number, random.Random(f"{SEED}/{number}")
        self.base = hall.process.base
        self.answers: dict[str, object] = {}
        self.sequence = 0

    def come(self) -> None:
        page = self.get(f"{self.base}ticket")
        token = present(XSRF.search(page.text))[1]
        self.headers["X-XSRFToken"] = token
        form = {"number": self.number, "code": self.hall.tickets[self.number], "_xsrf": token}
        reply = self.post(f"{self.base}ticket", data=form, allow_redirects=False)
        assert reply.headers["Location"] == f"{PREFIX}{EXAM}/", reply.text

    def ask(self, path: str, **body: Any) -> requests.Response:
        return self.post(f"{self.base}api/{EXAM}/{path}", json=body)

    def enter(self) -> dict:
        reply: dict[str, Any] = self.ask("enter", seat=f"seat-{self.number}").json()
        self.items = reply["items"]
        return reply

    def write(self, share: float) -> None:
        """Answer a share of the items, changing some answers; send them in batches out of order, and one twice."""
        log = []
        answerable = [item for item in self.items if item["type"] != "measurement"]
        for item in self.random.sample(answerable, round(share * len(answerable))):
            for _ in range(self.random.choice((1, 1, 2))):
                self.sequence += 1
                value = self.random.choice(item["options"])["id"] if item["options"] else round(self.random.random(), 3)
                log.append({"sequence": self.sequence, "item": item["id"], "value": value, "device": "program"})
                self.answers[item["id"]] = value
        self.random.shuffle(log)
        while log:
            batch, log = log[:5], log[5:]
            for _ in range(self.random.choice((1, 1, 2))):
                reply = self.ask("responses", seat=f"seat-{self.number}", responses=batch)
                assert reply.json()["acknowledged"] == [one["sequence"] for one in batch], reply.text

    def hand_in(self) -> requests.Response:
        return self.ask("submit", seat=f"seat-{self.number}", sequence=self.sequence)


@pytest.fixture(scope="module")
def hall(tmp_path_factory):
    made = Hall(tmp_path_factory.mktemp("whole"))
    made.prepare()
    made.process.start()
    made.process.wait()
    yield made
    made.process.stop()


def everyone(work, candidates):
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(work, candidates))


def test_a_whole_exam(hall, browser):
    programs = [Candidate(hall, number) for number, *_ in PEOPLE if number not in ONLINE]
    assert len(programs) == 40
    known = {one.number: one for one in programs}
    lead = Client(hall.process, "lead01")
    invigilators = [Client(hall.process, f"invigilator{college}") for college in range(len(COLLEGES))]

    # they come; nobody is in before the code of the room, or the invigilator's word
    everyone(Candidate.come, programs)
    assert programs[0].ask("enter", seat="seat-too-early").json()["error"] == "check_in"
    codes = {one["room"]: one["code"] for one in lead.page(f"api/{EXAM}/watch").json()["codes"]}
    rooms = {number: room for number, _, _, _, room in PEOPLE}
    by_hand = [number for number in rooms if rooms[number] == "401"]
    assert decide(invigilators[4], "checked_in", room="401") == sorted(by_hand)
    for one in programs:
        if one.number not in by_hand:
            assert one.ask("checkin", code=codes[rooms[one.number]]).status_code == 200
    everyone(Candidate.enter, programs)
    assert len({tuple(item["id"] for item in one.items) for one in programs}) == 40  # an order of each one's own

    # two sit in real browsers
    first, second = (Room(hall, browser, number, codes[rooms[number]]) for number in ONLINE)
    everyone(lambda one: one.write(0.5), programs)
    first.answer(3)
    second.answer(3)

    # the first one's network goes; the second one's browser is gone; the service is killed
    first.context.set_offline(True)
    first.answer(4)
    expect(first.page.locator("#saving")).to_have_attribute("data-state", "unsaved")
    hall.process.kill()
    second.answer(1)  # nobody hears it: it is kept in the browser
    second.page.close()
    hall.process.start()
    hall.process.wait()
    first.context.set_offline(False)
    second.come_back()
    for room in (first, second):
        room.saved()

    # what invigilators do
    paused = programs[3]
    assert decide(invigilators[college_of(paused)], "paused", number=paused.number, reason="an alarm") == [
        paused.number
    ]
    assert paused.ask("enter", seat="another-seat-1").json()["error"] == "paused"
    assert decide(lead, "resumed", number=paused.number) == [paused.number]
    slow, lost, cheat, gone = programs[8], programs[12], programs[20], programs[30]
    assert decide(lead, "extended", number=slow.number, reason="a right of theirs", minutes=20) == [slow.number]
    given = lead.write(f"{EXAM}/credit", seconds=300, reason="a power cut", room="101").json()["sittings"]
    assert given == sum(rooms[number] == "101" for number in rooms)
    other_machine = Candidate(hall, lost.number)
    other_machine.come()
    assert other_machine.ask("enter", seat="other-seat-1").json()["error"] == "elsewhere"
    assert decide(invigilators[college_of(lost)], "allowed", number=lost.number) == [lost.number]
    assert other_machine.ask("enter", seat=f"seat-{lost.number}").status_code == 200
    assert decide(lead, "annulled", number=cheat.number, reason="a phone") == [cheat.number]
    assert cheat.hand_in().json()["error"] == "closed"
    everyone(lambda one: one.write(0.4), [one for one in programs if one is not cheat])
    forced = invigilators[college_of(gone)].write(f"{EXAM}/force", number=gone.number, reason="left the room")
    assert forced.status_code == 200
    assert gone.hand_in().json()["error"] == "closed"

    # they hand in; the office collects, and the log holds
    everyone(lambda one: one.hand_in().raise_for_status(), [one for one in programs if one not in (cheat, gone)])
    for room in (first, second):
        room.hand_in()
    store = hall.store()
    responses = store.responses(EXAM)
    assert responses.keys() == rooms.keys() - {cheat.number}
    for number, one in known.items():
        if one is not cheat:
            assert responses[number] == one.answers
    for room in (first, second):
        assert sorted(responses[room.number].values()) == sorted(room.answers)
    assert store.submitted_at(EXAM).keys() == responses.keys()
    assert store.verify() is None
    store.close()
    assert "41 sittings were collected" in hall.command("collect", EXAM, "--by", "lead01")
    seal = present(re.search(r"last seal: (\w+)", hall.command("audit", EXAM)))[1]
    assert "all up to it is as it was then" in hall.command("audit", EXAM, "--seal", seal)
    tampered(hall, known[PEOPLE[5][0]])


def college_of(candidate: Candidate) -> int:
    return int(candidate.number[2:4])


def decide(client, act, **body):
    reply = client.write(f"{EXAM}/attend", act=act, **body)
    assert reply.status_code == 200, reply.text
    return reply.json()["numbers"]


def tampered(hall, candidate):
    """One answer is altered in the database, as somebody with its password could: the audit says where."""
    with sqlite3.connect(hall.home / "exams" / DATABASE) as database:
        found = database.execute(
            "SELECT entry FROM responses JOIN sittings ON sittings.id = sitting WHERE number = ? AND sequence = 1",
            (candidate.number,),
        ).fetchone()
        database.execute(
            "UPDATE responses SET value = '\"Z\"' WHERE sequence = 1 AND sitting ="
            " (SELECT id FROM sittings WHERE number = ?)",
            (candidate.number,),
        )
    database.close()
    said = hall.command("audit", EXAM, fails=True)
    assert f"broken at entry {found[0]}: the responses that it saved are not those in the database" in said


class Room:
    """A candidate in a real browser, who answers choice items by keyboard."""

    def __init__(self, hall, browser, number, code):
        self.number, self.base = number, hall.process.base
        self.context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
        self.page = self.context.new_page()
        self.answers = []
        self.page.goto(f"{self.base}ticket")
        self.page.fill("#number", number)
        self.page.fill("#code", hall.tickets[number])
        self.page.locator("main button").click()
        self.page.fill("#room-code", code)
        self.page.keyboard.press("Enter")
        self.page.check("#confirm")
        self.page.click("#enter")
        expect(self.page.locator("article.question")).to_be_visible()

    def answer(self, count):
        """Answer the next so many questions that have single options."""
        while count:
            options = self.page.locator("article.question input[type=radio]")
            if options.count():
                chosen = options.nth(count % options.count())
                chosen.check()
                self.answers.append(chosen.get_attribute("value"))
                count -= 1
            self.page.locator("#next").click()

    def saved(self):
        expect(self.page.locator("#saving")).to_have_attribute("data-state", "saved", timeout=15_000)

    def come_back(self):
        self.page = self.context.new_page()
        self.page.goto(f"{self.base}{EXAM}/room")
        expect(self.page.locator("article.question")).to_be_visible()

    def hand_in(self):
        self.page.click("#submit")
        self.page.click("#submit-now")
        self.page.wait_for_url("**/receipt")
        self.context.close()
