"""The rules of the panel: what an answer needs, who may mark it, and what is taken out of it."""

import dataclasses
from collections import Counter

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from exams import audit, facets
from exams.change import RefusedError
from exams.database import connect
from exams.documents import DocumentError, Fields
from exams.form import Form
from exams.panel import changes, reading
from exams.panel.blind import MASK, cleaned, masked
from exams.panel.change import Claim, Drawn, HandOn, Mark, Open, Standard
from exams.panel.lead import WHY
from exams.panel.opening import openings as entering
from exams.panel.rules import MOST_HANDED_ON, Given, Kind, Marker, Script, State, corrected, final, kind_for, state
from exams.panel.statistics import rows
from exams.panel.tables import answers, claims, handed_on, marks
from exams.panelrules import Marking, parse_marking
from exams.roster import Candidate
from tests.support.exam_host import form_of_every_type
from tests.support.panel_case import ITEMS, RULES, SCHOOLS, adjudicator, marker, openings, school_of
from tests.support.properties import examples

OWN, OTHER = "杏林医学院", "橘井医学院"


def script(*totals, kind=Kind.MARK, **changes):
    given = tuple(Given(f"m{at}", kind, total) for at, total in enumerate(totals, 1))
    return dataclasses.replace(Script(OTHER, needed=2, tolerance=1.0, marks=given), **changes)


def with_mark(one, kind, total, by="a1"):
    return dataclasses.replace(one, marks=(*one.marks, Given(by, kind, total)))


@pytest.mark.parametrize(
    ("one", "needs", "points"),
    [
        (script(), State.OPEN, None),
        (script(3.0), State.OPEN, None),
        (script(3.0, 3.0), State.DONE, 3.0),
        (script(3.0, 3.5), State.DONE, 3.25),
        (script(3.0, 2.0), State.DONE, 2.5),
        (script(3.5, 2.0), State.DISPUTED, None),
        (script(3.5, needed=1), State.DONE, 3.5),
        (with_mark(script(3.5, 2.0), Kind.ADJUDICATION, 2.0), State.DONE, 2.0),
        (with_mark(script(), Kind.STANDARD, 1.5), State.DONE, 1.5),
        (with_mark(script(4.0, 4.0), Kind.STANDARD, 1.5), State.DONE, 1.5),
        (with_mark(script(), Kind.CHECK, 1.5), State.OPEN, None),
        (script(handed_on=frozenset({"m8"})), State.OPEN, None),
        (script(handed_on=frozenset({"m8", "m9"})), State.DISPUTED, None),
        (script(3.0, 3.0, handed_on=frozenset({"m8", "m9"})), State.DISPUTED, None),
        (script(3.0, 3.0, withdrawn=True), State.WITHDRAWN, None),
    ],
)
def test_what_an_answer_needs_and_what_its_mark_is(one, needs, points):
    assert (state(one), final(one)) == (needs, points)


ME, DECIDES = marker("me", OWN), adjudicator("me", OWN)
BOTH = marker("me", OWN, marks=True, adjudicates=True)


@pytest.mark.parametrize(
    ("one", "who", "others", "expected"),
    [
        (script(), ME, {}, Kind.MARK),
        (script(3.0), ME, {}, Kind.MARK),
        (script(3.0), ME, {"m2": Kind.MARK}, "not_needed"),
        (script(), ME, {"m1": Kind.MARK, "m2": Kind.MARK}, "not_needed"),
        (script(), ME, {"m1": Kind.CHECK, "m2": Kind.CHECK}, Kind.MARK),
        (script(3.0, 3.0), ME, {}, "not_needed"),
        (script(school=OWN), ME, {}, "own_school"),
        (script(4.0, 1.0, school=OWN), DECIDES, {}, "own_school"),
        (script(handed_on=frozenset({"me"})), ME, {}, "handed_on"),
        (with_mark(script(), Kind.MARK, 1.0, "me"), ME, {}, "marked_already"),
        (script(4.0, 1.0), ME, {}, "not_needed"),
        (script(4.0, 1.0), DECIDES, {}, Kind.ADJUDICATION),
        (script(4.0, 1.0), DECIDES, {"a2": Kind.ADJUDICATION}, "not_needed"),
        (script(4.0, 1.0), BOTH, {}, Kind.ADJUDICATION),
        (script(), BOTH, {}, Kind.MARK),
        (script(), DECIDES, {}, "not_needed"),
        (with_mark(script(4.0, 1.0), Kind.ADJUDICATION, 2.0), DECIDES, {}, "not_needed"),
        (with_mark(script(4.0), Kind.MARK, 1.0, "me"), BOTH, {}, "marked_already"),
        (with_mark(script(), Kind.STANDARD, 2.0, "lead"), ME, {}, Kind.CHECK),
        (with_mark(script(), Kind.STANDARD, 2.0, "lead"), DECIDES, {}, "not_needed"),
        (with_mark(script(school=OWN), Kind.STANDARD, 2.0, "lead"), ME, {}, "own_school"),
        (script(withdrawn=True), ME, {}, "withdrawn"),
    ],
)
def test_who_may_give_which_mark(one, who, others, expected):
    try:
        found: str = kind_for(one, who, others)
    except RefusedError as refusal:
        found = refusal.code
    assert found == expected


@pytest.mark.parametrize(
    ("one", "recent", "others", "expected"),
    [
        (with_mark(script(3.0), Kind.MARK, 1.0, "me"), True, {}, Kind.MARK),
        (with_mark(script(3.0), Kind.MARK, 1.0, "me"), False, {}, "too_late"),
        (with_mark(script(3.0), Kind.MARK, 1.0, "me"), True, {"a1": Kind.ADJUDICATION}, "too_late"),
        (with_mark(with_mark(script(3.0), Kind.MARK, 1.0, "me"), Kind.ADJUDICATION, 2.0), True, {}, "too_late"),
        (with_mark(script(4.0, 1.0), Kind.ADJUDICATION, 2.0, "me"), True, {}, Kind.ADJUDICATION),
        (with_mark(script(), Kind.CHECK, 2.0, "me"), True, {}, Kind.CHECK),
        (with_mark(script(), Kind.STANDARD, 2.0, "me"), True, {}, "too_late"),
        (with_mark(script(3.0, withdrawn=True), Kind.MARK, 1.0, "me"), True, {}, "withdrawn"),
        (with_mark(script(3.0, school=OWN), Kind.MARK, 1.0, "me"), True, {}, "own_school"),
    ],
)
def test_what_a_marker_may_correct(one, recent, others, expected):
    try:
        found: str = corrected(one, ME, recent, others, released=False)
    except RefusedError as refusal:
        found = refusal.code
    assert found == expected


def test_once_the_results_are_released_only_what_is_open_is_corrected():
    open_yet, done = with_mark(script(), Kind.MARK, 1.0, "me"), with_mark(script(1.5), Kind.MARK, 1.0, "me")
    assert corrected(open_yet, ME, True, {}, released=True) is Kind.MARK
    with pytest.raises(RefusedError, match="settled"):
        corrected(done, ME, True, {}, released=True)


MARKERS = [marker(f"m{at}", SCHOOLS[at]) for at in range(4)] + [
    adjudicator("a1", SCHOOLS[0]),
    Marker("a2", frozenset({SCHOOLS[1]}), marks=True, adjudicates=True),
]
WHO = st.sampled_from(MARKERS)
POINTS = st.sampled_from([(0.0,), (1.0,), (1.5,), (4.0,)])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("claim"), WHO, st.integers(0, 3), st.booleans()),
        st.tuples(st.just("mark"), WHO, st.integers(0, 3), POINTS, st.booleans()),
        st.tuples(st.just("mark"), WHO, st.integers(0, 3), POINTS, st.just(False)),
        st.tuples(st.just("hand_on"), WHO, st.integers(0, 3)),
        st.tuples(st.just("lapse"), WHO, st.integers(1, 3)),
        st.tuples(st.just("standard"), st.integers(0, 3), POINTS),
        st.tuples(st.just("open"), st.integers(2, 4), st.integers(1, 2)),
    ),
    min_size=10,
    max_size=40,
)


DECIDING = (Kind.STANDARD, Kind.ADJUDICATION)


class Play:
    """What is done, one step after the other, on one database."""

    def __init__(self, connection):
        self.connection, self.now, self.clients = connection, 1_900_000_000_000, 0
        self.refused = []

    def make(self, change):
        with self.connection.begin():
            (outcome,) = changes.apply(self.connection, [change])
        if isinstance(outcome, RefusedError):
            self.refused.append(outcome.code)
        elif isinstance(outcome, Exception):
            raise outcome
        return outcome

    def open(self, count, version=1):
        drawn = [
            Drawn(dataclasses.replace(one, version=version), f"{int(one.number[1:]):016x}", 97 * at % 31)
            for at, one in enumerate(openings(count, {"i1": 4.0}))
        ]
        self.make(Open(self.now, "e", "lead", RULES, tuple(drawn)))

    def edition(self, code):
        query = sa.select(answers.c.edition).where(answers.c.code == code)
        with self.connection.begin():
            return self.connection.scalar(query) or 1

    def chosen(self, who, place):
        """The code of an answer: one that the marker was given, where there is any."""
        query = sa.select(answers.c.code).join(claims, claims.c.answer == answers.c.id)
        with self.connection.begin():
            given = sorted(self.connection.scalars(query.where(claims.c.marker == who)))
        return given[place % len(given)] if given else f"{place:016x}"

    def step(self, name, *told):
        code = f"{told[0]:016x}" if name == "standard" else ""
        if name in {"mark", "hand_on"}:
            code = self.chosen(told[0].user, told[1])
        self.clients += 1
        if name == "open":
            self.open(*told)
        elif name in {"claim", "lapse"}:
            who, wanted, disputes = (*told, False)[:3]
            until = self.now + 15 * 60_000
            own = (who, wanted, (), disputes and who.adjudicates, 2, until, self.clients)
            self.make(Claim(self.now, "e", "i1", *own))
            self.now += 20 * 60_000 if name == "lapse" else 0
        elif name == "standard":
            points = told[1]
            edition = self.edition(code)
            self.make(Standard(self.now, "e", "i1", code, edition, "lead", points, "", f"client-{self.clients}"))
        elif name == "mark":
            who, _, points, again = told
            edition, client = self.edition(code), f"client-{self.clients}"
            self.make(Mark(self.now, "e", "i1", code, edition, who, points, "", 1.0, client, again))
        else:
            self.make(HandOn(self.now, "e", "i1", code, self.edition(code), told[0], "look", ""))

    def check(self):
        """What holds at any time."""
        by_name = {one.user: one for one in MARKERS}
        with self.connection.begin():
            rows = {row.id: row for row in self.connection.execute(sa.select(answers))}
            held = self.connection.execute(sa.select(marks).where(marks.c.holds)).all()
            given = self.connection.execute(sa.select(claims)).all()
            told = reading.finals(self.connection, "e")
            passed = Counter((row.answer, row.edition) for row in self.connection.execute(sa.select(handed_on)))
        pairs = [(one.answer, one.marker, one.edition) for one in held]
        assert len(pairs) == len(set(pairs))
        for one in held:
            if one.kind != Kind.STANDARD:
                assert rows[one.answer].school not in by_name[one.marker].schools
        for own in rows.values():
            assert own.school == school_of(own.number)
            here = [one for one in held if one.answer == own.id and one.edition == own.edition]
            ordinary = [one for one in here if one.kind == Kind.MARK]
            live = [one for one in given if one.answer == own.id and one.until_ms > self.now and one.kind == Kind.MARK]
            assert len(ordinary) <= own.needed
            if own.state == State.OPEN:
                assert len({one.marker for one in (*ordinary, *live)}) <= own.needed
            totals = [one.total for one in ordinary]
            agreed = len(totals) == own.needed and max(totals) - min(totals) <= own.tolerance
            agreed = agreed and passed[own.id, own.edition] < MOST_HANDED_ON
            decided = [one.total for kind in DECIDING for one in here if one.kind == kind]
            done = own.state != State.WITHDRAWN and (bool(decided) or agreed)
            assert (own.state == State.DONE) == done
            assert (own.number in told) == done
            if done:
                assert told[own.number]["i1"][0] == (decided[0] if decided else sum(totals) / own.needed)


@pytest.fixture(scope="module")
def engine():
    made = connect("sqlite://", audit.metadata)
    yield made
    made.dispose()


@examples(20)
@given(STEPS)
def test_whatever_is_done_in_whatever_order_no_answer_is_marked_twice_by_one_or_by_its_own_school(engine, steps):
    with engine.connect().execution_options(writing=True) as connection:
        with connection.begin():
            for table in reversed(audit.metadata.sorted_tables):
                connection.execute(sa.delete(table))
        play = Play(connection)
        play.open(4)
        for step in steps:
            play.step(*step)
            play.check()
        with connection.begin():
            assert reading.verify(connection) is None


def test_two_hand_an_answer_on_and_an_adjudicator_decides_it(engine):
    assert MOST_HANDED_ON == 2
    given_to = [Given("m1", Kind.MARK, 2.0)]
    one = script(handed_on=frozenset({"m2", "m3"}), marks=tuple(given_to))
    assert kind_for(one, adjudicator("a1"), {}) is Kind.ADJUDICATION
    assert final(with_mark(one, Kind.ADJUDICATION, 3.5)) == 3.5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("我是张三丰，学号2026010001。", f"我是{MASK}，学号{MASK}。"),
        ("我是 张 三 丰", f"我是 {MASK}"),
        ("学号２０２６０１０００１", f"学号{MASK}"),
        ("20260100012 个细胞", "20260100012 个细胞"),
        ("来自杏林医学院", f"来自{MASK}"),
        ("ZHANG3 和 zhang3", f"{MASK} 和 {MASK}"),
        ("三丰", "三丰"),
        ("叩诊浊音", "叩诊浊音"),
    ],
)
def test_what_tells_whose_an_answer_is_is_masked(text, expected):
    assert masked(text, ["张三丰", "2026010001", "杏林医学院", "zhang3", "丰", ""]) == expected


@given(st.text(), st.lists(st.text(min_size=1)))
def test_no_name_and_no_text_stops_the_masking(text, names):
    clean = cleaned(text)
    clean.encode()
    assert "\x00" not in clean
    masked(clean, names)


def test_only_written_answers_of_closed_sittings_enter_and_without_what_the_room_said_is_too_long():
    form = form_of_every_type("e")
    first, second = [item for item in form.items if item.type == "short"]
    choice = next(item for item in form.items if item.type == "A1")
    roster = [Candidate(f"n{at}", f"u{at}", f"考生{at}", "新来医学院", "A") for at in range(4)]
    long = "长" * (first.max_length + 5)
    responses: dict[str, dict[str, object]] = {
        "n0": {first.id: long, second.id: "  ", choice.id: "A"},
        "n1": {first.id: {"not": "text"}, second.id: f"{OWN}和新来医学院的考生1 的答案"},
        "n2": {first.id: "还没有交卷"},
    }
    made = entering([form], roster, [OWN], responses, {"n0", "n1", "n3"}, {second.id: 3})
    assert [(one.number, one.item, one.text, one.worth, one.version) for one in made] == [
        ("n0", first.id, "长" * first.max_length, first.points, 1),
        ("n1", second.id, f"{MASK}和{MASK}的{MASK} 的答案", second.points, 3),
    ]


@pytest.mark.parametrize(
    ("share", "points", "expected"), [(0.2, 4, 1.0), (0.2, 3, 0.5), (0.2, 2, 0.5), (0.2, 1, 0), (0, 9, 0), (1, 3, 3)]
)
def test_the_tolerance_is_a_share_of_the_points_in_their_steps(share, points, expected):
    assert Marking(tolerance=share).tolerance_of(points) == expected


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ({"marks": 3}, "once or twice"),
        ({"marks": 0}, "at least 1"),
        ({"tolerance": 1.5}, "share of the points"),
        ({"tolerance": -0.1}, "share of the points"),
        ({"markers": ["a", "a"]}, "stands there once"),
        ({"adjudicators": [" "]}, "none is blank"),
        ({"check_every": -1}, "at least 0"),
        ({"unknown": 1}, "unknown here"),
    ],
)
def test_what_an_exam_may_not_say_of_its_panel(told, said):
    with pytest.raises(DocumentError, match=said):
        parse_marking(Fields(told, ("marking",)))


def test_who_is_stricter_than_the_others_and_the_standard_is_told():
    made = [
        ("x", "m1", Kind.MARK, 1.0),
        ("x", "m2", Kind.MARK, 3.0),
        ("y", "lead", Kind.STANDARD, 2.0),
        ("y", "m1", Kind.CHECK, 1.0),
        ("z", "a1", Kind.ADJUDICATION, 2.0),
    ]
    ratings = [
        reading.Rating(answer, "i1", who, kind, total, 10.0, at) for at, (answer, who, kind, total) in enumerate(made)
    ]
    told = {row.marker: row for row in rows(ratings, ITEMS, {"i1": 1.0})}
    assert sorted(told) == ["a1", "m1", "m2"]
    one = told["m1"]
    assert (one.marks, one.checks, one.share, one.others, one.standard, one.agreed) == (1, 1, 0.25, -0.5, -0.25, 0.0)
    assert (told["m2"].others, told["m2"].standard) == (0.5, None)
    assert (told["a1"].adjudications, told["a1"].seconds) == (1, None)


def test_every_reason_for_no_severity_is_in_the_catalogue():
    assert set(WHY) == {facets.TOO_FEW, facets.APART, facets.ALIKE, facets.EXTREME, facets.FAILED}


def test_a_form_without_written_answers_brings_none():
    form = form_of_every_type("e")
    plain = Form("A", "e", tuple(item for item in form.items if item.type != "short"))
    roster = [Candidate("n0", "u0", "考生", OWN, "A")]
    assert entering([plain], roster, [OWN], {"n0": {plain.items[0].id: "A"}}, {"n0"}) == []
