"""What invigilators decide, in any order: the sum of the log is what the tables hold, and time adds up."""

import contextlib
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.attendance import NOTHING, STEPS, after
from exams.change import Origin, RefusedError
from exams.response import Response
from exams.sitting import SittingStore
from exams.sitting_attend import FITS
from exams.timing import GRACE_MS, MINUTE_MS, Allowance
from tests.support.narrowing import present
from tests.support.properties import examples

START_MS = 1_800_000_000_000
ALLOWANCE = Allowance(60, START_MS + 600 * MINUTE_MS)
NUMBERS = ("n1", "n2", "n3")
PEOPLE = tuple(FITS)
ACTS = st.sampled_from([*PEOPLE, "left", "moved", "enter", "save", "submit", "credit", "force"])
STORY = st.lists(
    st.tuples(ACTS, st.sampled_from(NUMBERS), st.integers(0, 20 * MINUTE_MS), st.sampled_from(["own", "other"])),
    max_size=40,
)


class Clock:
    now = START_MS

    def __call__(self):
        return self.now


class Teller:
    """Does one act after the other to a store and remembers what must be true then."""

    def __init__(self, path):
        self.clock = Clock()
        self.store = SittingStore(f"sqlite:///{path}", self.clock)
        self.sequence = dict.fromkeys(NUMBERS, 0)
        self.given_ms = dict.fromkeys(NUMBERS, 0)
        self.paused_at: dict[str, int] = {}
        self.acknowledged: dict[str, dict[int, str]] = {number: {} for number in NUMBERS}

    def tell(self, act, number, wait_ms, device):
        self.clock.now += wait_ms
        with contextlib.suppress(RefusedError):
            self._do(act, number, device)

    def _do(self, act, number, device):
        store, seat = self.store, f"seat-{device}"
        origin = Origin(device, f"address-{device}", "test")
        sitting = store.sitting("e", number)
        if act == "enter":
            store.enter("e", number, "A", 7, ALLOWANCE, seat=seat, actor="u", origin=origin).result()
        elif act == "save" and sitting:
            self.sequence[number] += 1
            response = Response(self.sequence[number], "item", device, False, "d")
            store.save(sitting, seat, [response]).result()
            self.acknowledged[number][response.sequence] = device
        elif act == "submit" and sitting:
            store.submit("e", number, seat, max(self.acknowledged[number], default=0), "u").result()
        elif act == "force":
            store.force("e", number, "r", "lead").result()
        elif act == "credit" and store.credit("e", 60, "r", "lead", number).result():
            self.given_ms[number] += MINUTE_MS
        elif act in STEPS:
            detail: dict[str, dict[str, object]] = {
                "left": {"seat": seat, "count": 1, "seconds": 3},
                "moved": {"to": f"address-{device}"},
            }
            told = detail.get(act, {"reason": "r", "minutes": 5})
            if store.attend("e", [number], act, "lead", told).result():
                self._happened(act, number)

    def _happened(self, act, number):
        if act == "extended":
            self.given_ms[number] += 5 * MINUTE_MS
        elif act == "paused":
            self.paused_at[number] = self.clock.now
        elif act == "resumed":
            stood = self.clock.now - self.paused_at.pop(number)
            self.given_ms[number] += -(-stood // 1000) * 1000


@given(STORY)
@examples(60)
def test_whatever_happens_time_adds_up_nothing_acknowledged_is_lost_and_the_log_holds(tmp_path_factory, story):
    teller = Teller(tmp_path_factory.mktemp("attendance") / "exams.sqlite")
    for step in story:
        teller.tell(*step)
    store, now = teller.store, teller.clock.now
    assert store.verify() is None
    for number in NUMBERS:
        sitting, here = store.sitting("e", number), store.attendance_of("e", number)
        assert (here.paused_ms is not None) == (number in teller.paused_at)
        if sitting is None:
            continue
        assert sitting.deadline_ms == sitting.started_ms + 60 * MINUTE_MS + teller.given_ms[number]
        kept = {response.sequence: response.value for response in store.log(sitting)}
        assert kept == teller.acknowledged[number]
        told = [entry for entry in store.history("e", number) if entry.act in STEPS]
        sum_of_log = NOTHING
        for entry in told:
            sum_of_log = after(sum_of_log, entry.act, entry.at_ms, entry.detail)
        assert sum_of_log == here
        if here.annulled_ms is not None:
            assert number not in store.responses("e")
            assert sitting.closed_at(now) is not None
    store.close()


def test_a_pause_keeps_a_sitting_open_however_long_it_lasts(tmp_path):
    teller = Teller(tmp_path / "exams.sqlite")
    teller.tell("enter", "n1", 0, "own")
    teller.tell("paused", "n1", 59 * MINUTE_MS, "own")
    teller.clock.now += 300 * MINUTE_MS
    sitting = present(teller.store.sitting("e", "n1"))
    assert sitting.closed_at(teller.clock.now) is None
    assert sitting.deadline_at(teller.clock.now) == teller.clock.now + MINUTE_MS
    teller.tell("resumed", "n1", 0, "own")
    sitting = present(teller.store.sitting("e", "n1"))
    assert sitting.deadline_ms == teller.clock.now + MINUTE_MS
    assert sitting.closed_at(sitting.deadline_ms + GRACE_MS + 1) == sitting.deadline_ms + GRACE_MS
    teller.store.close()


ALTERED = {
    "a check-in": "UPDATE attendance SET checked_ms = 1 WHERE number = 'n2'",
    "an annulment undone": "UPDATE attendance SET annulled_ms = NULL WHERE number = 'n1'",
    "leaving forgotten": "UPDATE attendance SET left_s = 0 WHERE number = 'n1'",
    "another machine": "UPDATE attendance SET device = 'mine' WHERE number = 'n1'",
    "a row deleted": "DELETE FROM attendance WHERE number = 'n1'",
    "a row invented": "INSERT INTO attendance SELECT exam, 'n9', 1, late_ms, paused_ms, annulled_ms, extra_minutes,"
    " device, asked, address, moves, left, left_s, left_seat, left_count FROM attendance WHERE number = 'n1'",
}


@pytest.mark.parametrize("statement", ALTERED.values(), ids=ALTERED)
def test_what_was_altered_in_the_attendance_is_found(tmp_path, statement):
    teller = Teller(tmp_path / "exams.sqlite")
    for act in ("enter", "left", "annulled"):
        teller.tell(act, "n1", 0, "own")
    teller.tell("enter", "n2", 0, "own")
    assert teller.store.verify() is None
    with sqlite3.connect(tmp_path / "exams.sqlite") as database:
        assert database.execute(statement).rowcount == 1
    database.close()
    found = teller.store.verify()
    assert found is not None
    assert "the attendance of candidate" in found.why
    teller.store.close()
