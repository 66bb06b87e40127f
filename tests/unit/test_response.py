import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.response import (
    MAX_SEQUENCE,
    MAX_VALUE_BYTES,
    InvalidResponseError,
    Response,
    blank,
    counts,
    late,
    latest,
    parse,
    passed,
    receipt_hash,
)

ITEMS = ("a", "b", "c")
VALUES = st.none() | st.text(max_size=5) | st.lists(st.sampled_from("ABCDE"), max_size=3)
RESPONSES = st.builds(
    Response,
    sequence=st.integers(1, 50),
    item=st.sampled_from(ITEMS),
    value=VALUES,
    flagged=st.booleans(),
    device=st.just("d"),
)
LOGS = st.lists(RESPONSES, unique_by=lambda response: response.sequence)


@given(log=LOGS, data=st.data())
def test_latest_does_not_depend_on_the_order_of_arrival_nor_on_duplicates(log, data):
    again = data.draw(st.permutations(log + log[: len(log) // 2]))
    assert latest(again) == latest(log)


@given(log=LOGS)
def test_the_highest_sequence_of_an_item_holds(log):
    held = latest(log)
    assert set(held) == {response.item for response in log}
    for response in log:
        assert held[response.item].sequence >= response.sequence


MOVES = st.lists(
    RESPONSES
    | st.builds(
        Response, st.integers(1, 50), st.sampled_from(ITEMS).map(passed), st.none(), st.just(False), st.just("d")
    ),
    unique_by=lambda response: response.sequence,
)


@given(log=MOVES, data=st.data())
def test_what_was_answered_after_going_on_does_not_count_in_whatever_order_it_arrives(log, data):
    ends: dict[str, int] = {}
    for response in sorted(log, key=lambda one: one.sequence):
        ends.setdefault(response.item, response.sequence)
    answers = [one for one in log if one.item in ITEMS and one.sequence < ends.get(passed(one.item), MAX_SEQUENCE)]
    again = data.draw(st.permutations(log + log[: len(log) // 2]))
    held = latest(again)
    assert {item: held[item] for item in ITEMS if item in held} == latest(answers)


@given(log=MOVES, data=st.data())
def test_a_server_that_refuses_what_comes_too_late_holds_the_same(log, data):
    """Whether a late answer arrives before the going on, and is kept, or after, and is refused, it never counts."""
    kept: list[Response] = []
    for response in data.draw(st.permutations(log + log[: len(log) // 2])):
        if not late(kept, [response]):
            kept.append(response)
    assert latest(kept) == latest(log)


@given(log=LOGS)
def test_counts_add_up(log):
    found = counts(latest(log), ITEMS)
    assert found.answered + found.unanswered == len(ITEMS)
    assert 0 <= found.flagged <= len(ITEMS)


@given(value=st.sampled_from([None, "", " ", "\u3000\n", [], {}]))
def test_what_answers_nothing_is_blank(value):
    assert blank(value)


@pytest.mark.parametrize("value", ["A", "0", ["A"], {"kind": "length"}, 0, False])
def test_what_answers_something_is_not_blank(value):
    assert not blank(value)


def sent(**changes):
    return {"sequence": 1, "item": "a", "value": "B", "flagged": False, "device": "d"} | changes


def test_what_is_sent_comes_back_the_same():
    response = parse(sent(value={"kind": "length", "points": [[1, 2.5], [3, 4]]}, flagged=True), ITEMS)
    assert parse(response.public(), ITEMS) == response


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        sent(sequence=0),
        sent(sequence=MAX_SEQUENCE + 1),
        sent(sequence=True),
        sent(sequence="1"),
        sent(item="z"),
        sent(item=["a"]),
        sent(device=""),
        sent(device=7),
        sent(value="x" * MAX_VALUE_BYTES),
        sent(value=float("nan")),
        sent(value="\ud800"),
        sent(device="\ud800"),
        sent(value=[[[[["A"]]]]]),
        sent(value={"value": 10**400}),
        sent(value=-(10**16)),
    ],
)
def test_what_no_script_of_ours_sends_is_refused(wrong):
    with pytest.raises(InvalidResponseError):
        parse(wrong, ITEMS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(data=JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(sent(), JSON)))
def test_whatever_is_sent_parsing_answers_or_refuses(data):
    with contextlib.suppress(InvalidResponseError):
        assert parse(data, ITEMS).item in ITEMS


ANSWERS = st.dictionaries(st.sampled_from(ITEMS), VALUES)


@given(one=ANSWERS, other=ANSWERS)
def test_a_receipt_fits_only_its_answers(one, other):
    proofs = [receipt_hash("e", "n", "A", 1, dict(reversed(answers.items()))) for answers in (one, other)]
    assert (proofs[0] == proofs[1]) == (one == other)


@pytest.mark.parametrize("sent", ["5.0", "-0.0", "1e15", "1E2"])
def test_a_number_without_a_fraction_is_whole_so_that_every_database_gives_back_what_was_hashed(sent):
    value = parse({"sequence": 1, "item": ITEMS[0], "device": "d", "value": json.loads(sent)}, ITEMS).value
    assert type(value) is int
    assert value == float(sent)
