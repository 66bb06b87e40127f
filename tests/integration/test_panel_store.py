"""The panel's store by itself: lines, leases, check scripts, corrections, and what was altered behind its back."""

import dataclasses
import uuid
from collections import Counter

import pytest
import sqlalchemy as sa

from exams.change import RefusedError
from exams.exam import Exam
from exams.panel.rules import Kind, Marker
from exams.panel.store import LEASE_MS, PanelStore
from tests.support.exam_host import furnish
from tests.support.panel_case import RULES, adjudicator, marker, openings


def client() -> str:
    return uuid.uuid4().hex


class Time:
    def __init__(self):
        self.ms = 1_900_000_000_000

    def __call__(self):
        return self.ms


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def store(tmp_path, time):
    made = PanelStore(f"sqlite:///{tmp_path / 'exams.sqlite'}", time)
    made.open("e", openings(8), RULES, "lead").result()
    yield made
    made.close()


def give(store, own: Marker, answer, points=(4.0,), **more):
    return store.mark("e", "i1", own, answer.code, answer.edition, points, client=client(), **more).result()


def refused(future):
    error = future.exception(60)
    assert isinstance(error, RefusedError), error
    return error.code


def test_opening_the_same_answers_again_changes_nothing_and_a_newer_rubric_puts_them_in_line(store):
    assert store.open("e", openings(8), RULES, "lead").result() == {"new": 0, "again": 0, "withdrawn": 0}
    one, two = marker("m1"), marker("m2")
    for own in (one, two):
        give(store, own, store.claim("e", "i1", own, 1).result()[0])
    assert [count.done for count in store.counts("e")] == [1, 0]
    newer = [dataclasses.replace(answer, version=2) if answer.item == "i1" else answer for answer in openings(8)]
    assert store.open("e", newer, RULES, "lead").result() == {"new": 0, "again": 8, "withdrawn": 0}
    assert [count.done for count in store.counts("e")] == [0, 0]
    assert store.finals("e") == {}
    given = store.claim("e", "i1", one, 5).result()
    assert {answer.edition for answer in given} == {2}
    assert store.verify() is None


def test_an_annulled_paper_is_withdrawn_and_may_come_back(store):
    one = marker("m1")
    (given,) = store.claim("e", "i1", one, 1).result()
    rows = {row.code: row for row in store.sheets("e", "i1", 99)}
    number = rows[given.code].text.split()[1]
    rest = [answer for answer in openings(8) if answer.number != f"n{int(number):05}"]
    assert store.open("e", rest, RULES, "lead").result() == {"new": 0, "again": 0, "withdrawn": 2}
    assert refused(store.mark("e", "i1", one, given.code, 1, (1.0,), client=client())) == "withdrawn"
    assert sum(count.total for count in store.counts("e")) == 14
    assert store.open("e", openings(8), RULES, "lead").result()["again"] == 2
    give(store, one, given)


def test_a_lease_that_ran_out_goes_to_another_and_its_mark_counts_while_it_is_needed(store, time):
    one, two, three = marker("m1"), marker("m2"), marker("m3")
    mine = store.claim("e", "i1", one, 8).result()
    store.claim("e", "i1", two, 8).result()
    assert store.claim("e", "i1", three, 8).result() == []
    time.ms += LEASE_MS + 1
    theirs = {answer.code for answer in store.claim("e", "i1", three, 1).result()}
    late = next(answer for answer in mine if answer.code in theirs)
    give(store, one, late)  # one of the two marks it needs is under way, the other is this
    fourth = marker("m4")
    taken = {answer.code for answer in store.claim("e", "i1", fourth, 8).result()}
    assert late.code not in taken
    assert refused(store.mark("e", "i1", two, late.code, 1, (1.0,), client=client())) == "not_needed"
    assert [answer.code for answer in store.claim("e", "i1", one, 8).result()] == [
        answer.code for answer in mine if answer.code != late.code
    ]


def test_what_a_page_holds_is_kept_for_it_and_not_given_again(store, time):
    one, two, three = marker("m1"), marker("m2"), marker("m3")
    mine = store.claim("e", "i1", one, 3).result()
    time.ms += LEASE_MS - 1
    codes = [answer.code for answer in mine]
    assert store.claim("e", "i1", one, 0, codes).result() == []
    time.ms += LEASE_MS - 1
    store.claim("e", "i1", two, 8).result()
    others = {answer.code for answer in store.claim("e", "i1", three, 8).result()}
    assert others & set(codes) == set()
    assert len(others) == 5


def test_a_check_script_comes_after_so_many_marks_once_and_looks_like_any_other(store):
    (lead_choice, *_) = store.sheets("e", "i1", 9)
    own = (lead_choice.code, lead_choice.edition, (2.5,))
    store.standard("e", "i1", *own, actor="lead", client=client(), comment="标准").result()
    one = marker("m9")
    seen = []
    while given := store.claim("e", "i1", one, 1, check_every=3).result():
        seen.append(given[0].code)
        give(store, one, given[0])
    assert len(seen) == len(set(seen)) == 8
    assert seen.index(lead_choice.code) == 2  # with the third
    kinds = Counter(rating.kind for rating in store.ratings("e"))
    assert kinds == {Kind.MARK: 7, Kind.CHECK: 1, Kind.STANDARD: 1}
    assert [own["i1"] for own in store.finals("e").values()] == [(2.5, "标准")]


@pytest.mark.parametrize("by", ["marks", "handing on"])
def test_a_mark_given_blind_is_no_adjudication_and_its_marker_may_decide_afterwards(store, time, by):
    one, two, both = marker("m1"), marker("m2"), marker("m3", marks=True, adjudicates=True)
    (answer,) = store.claim("e", "i1", both, 1).result()
    time.ms += LEASE_MS + 1
    for own, points in ((one, 0.0), (two, 4.0)):
        assert store.claim("e", "i1", own, 1).result()[0].code == answer.code
        if by == "marks":
            give(store, own, answer, (points,))
        else:
            store.hand_on("e", "i1", own, answer.code, 1, "unreadable").result()
    assert refused(store.mark("e", "i1", both, answer.code, 1, (3.0,), client=client())) == "not_needed"
    (given,) = store.claim("e", "i1", both, 1, disputes=True).result()
    assert (given.code, len(given.given) + len(given.said)) == (answer.code, 2)
    give(store, both, given, (3.0,))
    assert [own["i1"] for own in store.finals("e").values()] == [(3.0, "")]


def test_what_is_done_is_not_handed_on_but_for_a_check_script(store, time):
    late, one, two = marker("m1"), marker("m2"), marker("m3")
    (answer,) = store.claim("e", "i1", late, 1).result()
    time.ms += LEASE_MS + 1
    for own in (one, two):
        give(store, own, store.claim("e", "i1", own, 1).result()[0])
    assert refused(store.hand_on("e", "i1", late, answer.code, 1, "unreadable")) == "not_needed"
    (check,) = store.claim("e", "i1", one, 1).result()
    store.standard("e", "i1", check.code, 1, (2.0,), actor="lead", client=client()).result()
    store.hand_on("e", "i1", one, check.code, 1, "unreadable").result()
    assert [count.done for count in store.counts("e")] == [2, 0]


def test_answers_that_too_few_markers_are_left_for_are_counted(store):
    one, two, own = marker("m1"), marker("m2"), marker("m3", "橘井医学院")
    names = ("m1", "m2")
    assert (store.stuck("e", names), store.stuck("e", ("m1",))) == (0, 16)
    (answer,) = store.claim("e", "i1", one, 1).result()
    give(store, one, answer)
    assert (store.stuck("e", names), store.stuck("e", ("m2",))) == (0, 15)
    assert store.claim("e", "i1", two, 1).result()[0].code == answer.code
    store.hand_on("e", "i1", two, answer.code, 1, "look").result()
    assert (store.stuck("e", names), store.stuck("e", ("m1", "m2", "m3"))) == (1, 0)
    assert store.claim("e", "i1", own, 0).result() == []
    assert store.schools("e") == {"m1": frozenset(), "m2": frozenset(), "m3": frozenset({"橘井医学院"})}
    assert store.stuck("e", ("m1", "m3")) == 4  # two candidates of m3's school, two answers each


def test_a_roster_without_schools_is_marked_by_whoever_has_none(tmp_path):
    store = PanelStore(f"sqlite:///{tmp_path / 'exams.sqlite'}")
    store.open("e", [dataclasses.replace(one, school="") for one in openings(3)], RULES, "lead").result()
    one = marker("m1")
    assert store.left("e", "i1", one) == 3
    for answer in store.claim("e", "i1", one, 3).result():
        give(store, one, answer)
    assert [count.partly for count in store.counts("e")] == [3, 0]
    store.close()


def test_what_a_corrected_roster_gives_to_the_markers_own_school_is_theirs_no_more(store):
    one = marker("m1", "橘井医学院")
    (answer,) = store.claim("e", "i1", one, 1).result()
    give(store, one, answer)
    corrected = [dataclasses.replace(own, school="橘井医学院") for own in openings(8)]
    store.open("e", corrected, RULES, "lead").result()
    again = store.mark("e", "i1", one, answer.code, 1, (0.0,), client=client(), again=True)
    assert (store.own("e", "i1", one), refused(again)) == ([], "own_school")


def test_two_who_hand_on_bring_it_to_an_adjudicator_with_their_reasons(store):
    one, two, decides = marker("m1"), marker("m2"), adjudicator("a1")
    answer = store.claim("e", "i1", one, 1).result()[0]
    store.hand_on("e", "i1", one, answer.code, 1, "unreadable", "看不清").result()
    store.hand_on("e", "i1", one, answer.code, 1, "unreadable").result()
    assert refused(store.mark("e", "i1", one, answer.code, 1, (1.0,), client=client())) == "not_given"
    assert store.disputes("e") == []
    assert store.claim("e", "i1", two, 1).result()[0].code == answer.code
    store.hand_on("e", "i1", two, answer.code, 1, "known").result()
    (given,) = store.claim("e", "i1", decides, 1, disputes=True).result()
    assert (given.code, [one["reason"] for one in given.said]) == (answer.code, ["unreadable", "known"])
    give(store, decides, given, (1.5,), comment="仲裁")
    assert [own["i1"] for own in store.finals("e").values()] == [(1.5, "仲裁")]


def test_only_the_last_marks_may_be_corrected(tmp_path):
    store = PanelStore(f"sqlite:///{tmp_path / 'exams.sqlite'}")
    store.open("e", openings(12), RULES, "lead").result()
    one = marker("m1")
    given = store.claim("e", "i1", one, 12).result()
    for answer in given:
        give(store, one, answer)
    assert [own.code for own in store.own("e", "i1", one)] == [answer.code for answer in reversed(given[2:])]
    assert refused(store.mark("e", "i1", one, given[1].code, 1, (0.0,), client=client(), again=True)) == "too_late"
    give(store, one, given[2], (0.0,), again=True)
    assert store.own("e", "i1", one)[-1].points == (0.0,)
    assert store.verify() is None
    store.close()


def test_a_mark_that_was_altered_in_the_database_is_found(tmp_path):
    url = f"sqlite:///{tmp_path / 'exams.sqlite'}"
    store = PanelStore(url)
    store.open("e", openings(4), RULES, "lead").result()
    one = marker("m1")
    give(store, one, store.claim("e", "i1", one, 1).result()[0], comment="好")
    engine = sa.create_engine(url)
    for change in ("points = '[1.0]'", "marker = 'm2'", "comment = '坏'", "kind = 'adjudication'"):
        with engine.begin() as connection:
            before = connection.execute(sa.text("SELECT points, marker, comment, kind FROM panel_marks")).one()
            connection.execute(sa.text(f"UPDATE panel_marks SET {change}"))
        assert store.verify() is not None, change
        with engine.begin() as connection:
            values = dict(before._mapping)
            connection.execute(
                sa.text("UPDATE panel_marks SET points=:points, marker=:marker, comment=:comment, kind=:kind"), values
            )
    assert store.verify() is None
    engine.dispose()
    store.close()


def test_an_exam_with_a_panel_is_read_as_it_was_written(tmp_path):
    furnish(tmp_path, marking=RULES)
    assert Exam.load(tmp_path / "exams" / "joint").marking == RULES
