"""Values come back as they were, with their exact types; what is no value is refused, and nothing is run."""

import json
import math
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import ItemsView, KeysView, ValuesView
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from courses import values
from courses.values import Opaque, decode, encode

ARRAYS = arrays.arrays(
    st.one_of(
        arrays.boolean_dtypes(),
        arrays.integer_dtypes(endianness="?"),
        arrays.floating_dtypes(endianness="?"),
        arrays.complex_number_dtypes(),
        arrays.unicode_string_dtypes(),
        arrays.datetime64_dtypes(),
    ),
    arrays.array_shapes(min_dims=0, min_side=0),
)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers().map(lambda number: number << 200),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters()),
    st.text("\ud83d\ude00a"),
    st.binary(),
    st.fractions(),
    st.decimals(),
    st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=8))])),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.builds(range, st.integers(), st.integers(), st.integers(1)),
    arrays.from_dtype(np.dtype("float64")),
    arrays.from_dtype(np.dtype("int16")),
    arrays.from_dtype(np.dtype("U5")).map(np.str_),
    st.binary().map(np.bytes_),
)
KEYS = st.one_of(st.none(), st.integers(), st.text(), st.tuples(st.integers(), st.text()), st.frozensets(st.integers()))
VALUES = st.recursive(
    ATOMS | ARRAYS,
    lambda own: st.one_of(
        st.lists(own),
        st.lists(own).map(tuple),
        st.dictionaries(KEYS, own),
        st.dictionaries(KEYS, own).map(OrderedDict),
        st.lists(own).map(lambda entries: deque(entries, 7)),
        st.sets(KEYS),
        st.frozensets(KEYS),
        st.lists(KEYS).map(Counter),
        st.dictionaries(KEYS, own).map(lambda pairs: pairs.keys()),
        st.dictionaries(KEYS, own).map(lambda pairs: pairs.values()),
        st.dictionaries(KEYS, own).map(lambda pairs: pairs.items()),
    ),
    max_leaves=12,
)


def same(one: object, other: object) -> bool:
    """Equal with equal types, all the way down; nan is nan."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, np.generic) and isinstance(other, np.generic):
        return one.tobytes() == other.tobytes()
    if isinstance(one, dict) and isinstance(other, dict):
        return same(list(one), list(other)) and same(list(one.values()), list(other.values()))
    if isinstance(one, (KeysView, ValuesView, ItemsView)) and isinstance(other, (KeysView, ValuesView, ItemsView)):
        return same(list(one), list(other))
    if isinstance(one, (list, tuple, deque)) and isinstance(other, (list, tuple, deque)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, (set, frozenset)) and isinstance(other, (set, frozenset)):
        return one == other
    if isinstance(one, (datetime, time)) and isinstance(other, (datetime, time)):
        return one == other and one.fold == other.fold and one.tzinfo == other.tzinfo
    return repr(one) == repr(other)


@given(VALUES)
def test_a_value_comes_back_with_its_exact_type(value: object) -> None:
    assert same(decode(json.loads(json.dumps(encode(value)))), value)


NAMES = [*values.READERS, *values.SEQUENCES, "dict", "scalar"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda own: st.lists(own) | st.dictionaries(st.sampled_from(NAMES), own),
)


@given(JSON)
def test_whatever_is_decoded_gives_a_value_or_a_value_error(data: object) -> None:
    try:
        value = decode(data)
    except ValueError:
        return
    containers = (Opaque, list, tuple, dict, deque, KeysView, ValuesView, ItemsView)
    assert same(decode(encode(value)), value) or isinstance(value, containers)


class Rate(float):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = float.__hash__


class Yes:
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = object.__hash__


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (len, "builtin_function_or_method"),
        (lambda: 1, "function"),
        (math, "module"),
        (Yes(), "Yes"),
        (Rate(3), "Rate"),
        (Yes, "type"),
        (np.array([Yes()]), "ndarray"),
        (np.zeros(2, dtype=[("a", "i4")]), "ndarray"),
        (iter([]), "list_iterator"),
        (datetime(2027, 1, 1, tzinfo=ZoneInfo("Asia/Shanghai")), "datetime"),
    ],
)
def test_what_is_no_data_is_opaque(value: object, name: str) -> None:
    read = decode(encode([value]))
    assert [type(own) for own in read] == [Opaque]
    assert read[0].type_name == name


def test_an_opaque_value_is_equal_to_itself_alone() -> None:
    one, other = decode(encode([Yes(), Yes()]))
    assert one != other
    assert one == one


def test_a_named_tuple_becomes_the_tuple_that_it_equals() -> None:
    point = namedtuple("point", "x y")
    assert type(decode(encode(point(1, 2)))) is tuple
    assert decode(encode(point(1, 2))) == point(1, 2)


def test_a_defaultdict_comes_without_its_factory() -> None:
    read = decode(encode(defaultdict(list, a=[1])))
    assert type(read) is defaultdict
    assert read == {"a": [1]}
    assert read.default_factory is None


def nested(depth: int) -> list[object]:
    return [nested(depth - 1)] if depth else []


def test_twenty_lists_in_one_another_are_data_and_no_more() -> None:
    assert decode(encode(nested(20))) == nested(20)
    assert decode(encode(nested(21))).type_name == "list"
    data: object = {"list": []}
    for _ in range(21):
        data = {"list": [data]}
    with pytest.raises(ValueError, match="too deep"):
        decode(data)


def test_a_list_within_itself_is_opaque() -> None:
    ring: list[object] = []
    ring.append(ring)
    assert decode(encode(ring)).type_name == "list"


@pytest.mark.parametrize(
    "value",
    ["x" * 2_000_001, 1 << 9_000_000, list(range(300_000)), np.zeros(300_000), b"x" * 1_999_999],
    ids=["text", "integer", "list", "array", "bytes"],
)
def test_what_is_too_large_is_opaque(value: object) -> None:
    assert decode(encode(value)).type_name == type(value).__name__


@pytest.mark.parametrize(
    "data",
    [
        {"list": "abc"},
        {"set": [{"list": []}]},
        {"dict": [[1]]},
        {"dict": [[{"list": []}, 1]]},
        {"int": "12 3"},
        {"int": 5},
        {"float": "1.5"},
        {"decimal": "1" + "0" * 10 + "x"},
        {"fraction": ["1", "0"]},
        {"range": ["0", "1", "0"]},
        {"bytes": "###"},
        {"str": "/w=="},
        {"numpy": ["|O8", [1], "AAAAAAAAAAA="]},
        {"numpy": ["<f8", [1000000000000], ""]},
        {"numpy": ["<f8", [-1], ""]},
        {"numpy": ["<f8", [True], "AAAAAAAAAAA="]},
        {"numpy": ["<U0", [100000000000], ""]},
        {"numpy": ["<f8,<f8", [1], "AAAAAAAAAAA="]},
        {"scalar": ["float64", 1.0]},
        {"datetime": ["tomorrow", 0]},
        {"timedelta": [1.5, 0, 0]},
        {"timedelta": [10**12, 0, 0]},
        {"deque": [-1, []]},
        {"eval": "1"},
        {"opaque": 3},
        {"list": [], "tuple": []},
        {},
        [],
        math.nan,
        {"str": "eA==" * 600_000},
    ],
)
def test_what_is_no_encoded_value_is_refused(data: object) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the one error of decode
        decode(data)


def test_dates_and_times() -> None:
    moment = datetime(2027, 10, 31, 1, 30, fold=1)
    assert decode(encode(moment)).fold == 1
    assert decode(encode(date(2027, 1, 1))) == date(2027, 1, 1)
    assert decode(encode(Fraction(1, 3))) == Fraction(1, 3)
    assert decode(encode(Decimal("1.10"))).as_tuple() == Decimal("1.10").as_tuple()
