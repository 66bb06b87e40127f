from hypothesis import given
from hypothesis import strategies as st

from exams.timing import GRACE_MS, MINUTE_MS, Allowance, Phase, closed_at, deadline, phase

INSTANTS = st.integers(min_value=0, max_value=4_000_000_000_000)
ALLOWANCES = st.builds(
    Allowance,
    minutes=st.integers(1, 600),
    closes_ms=INSTANTS,
    extra_minutes=st.integers(0, 240),
    credit_s=st.integers(0, 14_400),
)


def test_deadline_of_a_plain_sitting():
    started = 1_000_000
    assert deadline(started, Allowance(90, started + 120 * MINUTE_MS)) == started + 90 * MINUTE_MS


def test_who_comes_late_ends_with_the_exam():
    closes = 100 * MINUTE_MS
    assert deadline(40 * MINUTE_MS, Allowance(90, closes)) == closes


def test_extra_time_and_credit_go_beyond_the_closing():
    closes = 100 * MINUTE_MS
    assert (
        deadline(40 * MINUTE_MS, Allowance(90, closes, extra_minutes=10, credit_s=90)) == closes + 10 * 60_000 + 90_000
    )


@given(started=INSTANTS, allowance=ALLOWANCES, more=st.integers(1, 3600))
def test_credit_moves_the_deadline_by_just_itself(started, allowance, more):
    credited = Allowance(allowance.minutes, allowance.closes_ms, allowance.extra_minutes, allowance.credit_s + more)
    assert deadline(started, credited) - deadline(started, allowance) == more * 1000


@given(started=INSTANTS, allowance=ALLOWANCES, later=st.integers(0, 10**9))
def test_entering_later_never_gives_an_earlier_deadline_nor_more_time(started, allowance, later):
    first, second = deadline(started, allowance), deadline(started + later, allowance)
    assert second >= first
    assert second - (started + later) <= first - started


@given(now=INSTANTS, end=INSTANTS, submitted=st.none() | INSTANTS)
def test_a_sitting_once_closed_stays_closed_at_the_same_instant(now, end, submitted):
    closed = closed_at(now, end, submitted)
    if closed is not None:
        assert closed_at(now + 1, end, submitted) == closed
    else:
        assert submitted is None
        assert now <= end + GRACE_MS


def test_grace_ends_where_it_says():
    assert closed_at(GRACE_MS, 0, None) is None
    assert closed_at(GRACE_MS + 1, 0, None) == GRACE_MS


def test_phase_includes_the_opening_and_not_the_closing():
    assert [phase(now, 10, 20) for now in (9, 10, 19, 20)] == [Phase.BEFORE, Phase.OPEN, Phase.OPEN, Phase.OVER]
