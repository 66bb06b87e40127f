"""What a probe's loops run over holds no wanted value where nothing but comparisons needs it; marks stay the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.autograde.split import split
from tests.support.properties import examples
from tests.support.split_cells import STUDENT, WRONG, as_it_stands, ours

BODY = "\n    assert sum_of_squares(n) == w - 7000"
RIGHT = {1: 7001, 2: 7005, 3: 7014}
"""What `sum_of_squares` is to give, and 7000: numbers that stand in a probe only where they were wanted."""


def probe(cell: str, shown: frozenset[str] = frozenset()) -> str:
    return split(cell, STUDENT, shown).probe


MASKED = [
    "for n, w in [(1, 7001), (2, 7005)]:" + BODY,
    "for n, w in ([1, 7001], [2, 7005]):" + BODY,
    "for w, n in ((7001, 1), (7005, 2)):" + BODY,
    "for (n, (k, w)), v in [((1, (0, 7001)), 7777), ((2, (0, 7005)), 7778)]:" + BODY + " + k",
    "for [n, w] in [(1, 7001)]:" + BODY,
    "for n, w in {1: 7001, 2: 7005}.items():" + BODY,
    "for w, n in {7001: 1, 7005: 2}.items():" + BODY,
    "for k, (n, w) in {'one': (1, 7001), 'two': (2, 7005)}.items():" + BODY,
    "for n, w in {'one': (1, 7001), 'two': (2, 7005)}.values():" + BODY,
    "for n, w in zip([1, 2], [7001, 7005]):" + BODY,
    "for n, w in zip((1, 2), (7001, 7005), strict=True):" + BODY,
    "for (n, k), w in zip(zip([1, 2], [7777, 7778]), [7001, 7005]):" + BODY,
    "for i, (n, w) in enumerate([(1, 7001), (2, 7005)]):" + BODY,
    "for i, (n, w) in enumerate(zip([1, 2], [7001, 7005]), 1):" + BODY,
    "for n, w in reversed(list([(1, 7001), (2, 7005)])):" + BODY,
    "cases = [(1, 7001), (2, 7005)]\nfor n, w in cases:" + BODY,
    "cases: list = [(1, 7001), (2, 7005)]\nfor n, w in cases:" + BODY,
    "cases = [(1, 7001), (2, 7005)]\nfor n, w in cases:" + BODY + "\nfor i, (n, v) in enumerate(cases):"
    "\n    assert squares(n)",
    "cases = [(1, 7001)]\nfor n, w in cases:" + BODY + "\ncases = [(2, 7005)]\nfor n, w in cases:" + BODY,
    "cases = {1: 7001, 2: 7005}\nfor n, w in cases.items():" + BODY,
    "cases = {1: 7001, 2: 7005}\nfor n in cases:\n    assert sum_of_squares(n) == cases[n] - 7000",
    "cases = {1: 7001, 2: 7005}\nfor n in cases.keys():\n    assert sum_of_squares(n) == cases[n] - 7000",
    "given, wanted = [1, 2], 0\nwanted = [7001, 7005]\nfor n, w in zip(given, wanted):" + BODY,
    "cases = zip([1, 2], [7001, 7005])\nfor n, w in cases:" + BODY,
    "most = 7001\nfor n, w in [(1, most)]:" + BODY,
    "for n, w in [(1, 7000 + 1), (2, float(7005)), (1, -7001 + 14002)]:" + BODY,
    "for n, test in [(1, lambda got: got == 7001 - 7000)]:\n    assert test(sum_of_squares(n))",
    "import numpy as np\nfor n, w in [(2, np.array([7001, 7004]))]:\n    assert np.allclose(squares(n), w - 7000)",
    "assert all(sum_of_squares(n) == w - 7000 for n, w in [(1, 7001), (2, 7005)])",
    "assert [w - 7000 == sum_of_squares(n) for n, w in zip([1, 2], [7001, 7005])] == [True, True]",
    "cases = [(1, 7001), (2, 7005)]\nsum(sum_of_squares(n) == w - 7000 for n, w in cases) * 2",
    "def check():\n    for n, w in [(1, 7001), (2, 7005)]:\n        assert sum_of_squares(n) == w - 7000\ncheck()",
    "score = 0\nfor n, w in [(1, 7001), (2, 7005)]:\n    if sum_of_squares(n) == w - 7000:\n        score += 2\nscore",
    "for n, w in [(1, 7001), (2, 7005)]:\n    got = sum_of_squares(n)\n    assert got == w - 7000",
    "for case in [(1, 7001), (2, 7005)]:\n    assert sum_of_squares(case[0]) == case[1] - 7000",
    "for case in [(1, 7001), (2, 7005)]:\n    n, w = case" + BODY,
    "for case in [(1, (0, 7001)), (2, (0, 7005))]:\n    n, pair = case\n    k, w = pair\n"
    "    assert sum_of_squares(n) == w - 7000",
    "for case in [{'n': 1, 'w': 7001}, {'n': 2, 'w': 7005}]:\n    assert sum_of_squares(case['n']) == case['w'] - 7000",
    "cases = [{'n': 1, 'w': [7001]}]\nfor case in cases:\n    assert sum_of_squares(case['n']) == case['w'][0] - 7000",
    "def check(n, w):\n    assert sum_of_squares(n) == w - 7000\ncheck(1, 7001)\ncheck(n=2, w=7005)\ncheck(3, w=7014)",
    "def check(n, w):\n    assert sum_of_squares(n) == w - 7000\nfor n, v in [(1, 7001), (2, 7005)]:\n    check(n, v)",
    "def check(n, w):\n    assert sum_of_squares(n) == w - 7000\nfor n, w in [(1, 7001), (2, 7005)]:\n    check(n, w)",
    "def check(case):\n    n, w = case\n    assert sum_of_squares(n) == w - 7000\ncheck((1, 7001))",
]


@pytest.mark.parametrize("cell", MASKED)
def test_places_that_nothing_reads_do_not_reach_the_probe(cell: str) -> None:
    assert "__leaf__" in probe(cell)
    assert not [secret for secret in ("70", "77", "14002") if secret in probe(cell)]
    assert [ours(cell, answer) for answer in WRONG] == [as_it_stands(cell, answer) for answer in WRONG]
    assert as_it_stands(cell) == 4


LOOP = "for n, w in [(1, 7001), (2, 7005)]:"
KEPT = [
    # the way to a leaf, or what it is called with, needs it
    LOOP + "\n    if sum_of_squares(n) != w - 7000:\n        squares(n)",
    LOOP + "\n    if w > 7003:\n        assert squares(n)",
    LOOP + "\n    assert sum_of_squares(w - 7000)",
    "assert all(squares(n) for n, w in [(1, 7001), (2, 7005)] if w < 7003)",
    LOOP + "\n    w -= 7000\n    assert squares(w)",
    # it is read by another way than its name in the loop
    LOOP + BODY + "\nassert squares(w - 7000)",
    LOOP + BODY + "\nseen = locals()['w']\nassert squares(seen - 7000)",
    LOOP + BODY + "\nassert squares(eval('w') - 7000)",
    LOOP + BODY + "\nseen = vars()['w']\nassert squares(seen - 7000)",
    LOOP + BODY + "\nassert squares(globals()['w'] - 7000)",
    LOOP + BODY + "\nimport __main__ as own\nassert squares(own)",
    "def check():\n    global w\n    " + LOOP + "\n        assert squares(n)\ncheck()",
    "class Case:\n    w = 0\n    " + LOOP + "\n        pass\n    n = 2\nassert squares(Case.w - 7003)",
    # the literal is used otherwise, too
    "cases = [(1, 7001), (2, 7005)]\nfor n, w in cases:" + BODY + "\nassert squares(cases[0][0])",
    "cases = [(1, 7001), (2, 7005)]\nother = cases\nother.append((3, 7014))\nfor n, w in cases:\n    assert squares(n)"
    "\nassert squares(len(other))",
    "cases = {1: 7001}\nfor n in cases:\n    assert squares(cases[n] - 7000)",
    "def pairs(cases=[(1, 7001)]):\n    for n, w in cases:\n        assert squares(n)\npairs()",
    "cases = [(1, 7001)]\nfor n, w in cases:" + BODY + "\nfor pair in cases:\n    assert squares(*pair[:1])",
    "for case in [(1, 7001), (2, 7005)]:\n    assert sum_of_squares(case[0]) == case[1] - 7000\n"
    "    assert squares(len(case))",
    "for case in [(1, 7001)]:\n    assert sum_of_squares(case[-1] - 7000)",
    "for i in (0, 1):\n    for case in [(1, 7001)]:\n        assert sum_of_squares(case[i] % 7000)",
    "for case in [{'n': 1, 'w': 7001}]:\n    n, w = case.values()\n    assert squares(n)",
    "for case in [{'n': 1, 'w': 7001}]:\n    n, w = case.values()\n    assert squares(case['n'] + w - 7000)",
    # it is an argument of another function, or of one that reads it
    "def check(n, w=0):\n    assert squares(n)\n    return w\nassert squares(check(1, 7001) - 7000)",
    "def check(n, w):\n    assert squares(n)\n    again(w)\ndef again(v):\n    assert squares(v - 7000)\n"
    "for n, w in [(1, 7001)]:\n    check(n, w)",
    "def check(n, *w):\n    assert squares(n)\ncheck(1, 7001)",
    "def check(n, w):\n    assert squares(n)\ncheck(*[1, 7001])",
    "def outer():\n    def max(n, w):\n        assert squares(n)\n    max(1, 2)\nouter()\n"
    "assert squares(max(1, 7001) - 7000)",
    "def check(n, w):\n    assert squares(n)\ncheck, add = (lambda n, w: squares(n + w - 7000)), 1\n"
    "assert check(1, 7001)",
    "def twice(check):\n    return lambda n, w: [check(n, w), check(n, w)]\n@twice\n"
    "def check(n, w):\n    assert squares(n)\ncheck(1, 7001)",
    # to leave it out would change which cases there are, or what runs
    "for n, w in {(1, 7001), (2, 7005)}:" + BODY,
    "for w, n in {7001: 1, 7000 + 1: 2}.items():" + BODY,
    "for n, *w in [(1, 7001), (2, 7005)]:\n    assert sum_of_squares(n) == w[0] - 7000",
    "for w, n in [(7001, 1), (7005,)]:\n    assert squares(n)".replace("(7005,)", "*[(7005, 2)]"),
    "for n, w in sorted([(2, 7005), (1, 7001)]):" + BODY,
    "def zip(one, other):\n    return [(a, b) for a, b in [(1, 7001)]] if one else other\n"
    "for n, w in zip([1], [7001]):" + BODY,
    "import random\nrandom.seed(1)\nfor n, w in [(1, 7001 + random.randint(0, 0))]:" + BODY,
]


@pytest.mark.parametrize("cell", KEPT)
def test_places_that_are_needed_stay(cell: str) -> None:
    assert "70" in probe(cell)
    assert [ours(cell, answer) for answer in WRONG] == [as_it_stands(cell, answer) for answer in WRONG]


def test_names_of_students_and_of_shown_cells_stay() -> None:
    own = "for n, RATE in [(1, 7001), (2, 7005)]:\n    assert squares(n)"
    assert "7001" in probe(own)
    assert "7001" in probe(own.replace("RATE", "SCALE"), frozenset({"SCALE"}))
    assert "7001" not in probe(own.replace("RATE", "SCALE"))


def test_the_replay_is_the_cell_with_its_values() -> None:
    assert "7001" in split(MASKED[0], STUDENT).replay


def test_a_value_that_only_a_masked_place_reads_goes_with_it() -> None:
    assert probe("most = 7001\nfor n, w in [(1, most)]:" + BODY) == (
        "for n, w in [(1, None)]:\n    __leaf__(0, lambda: sum_of_squares(n))"
    )


cases = st.lists(
    st.tuples(st.sampled_from([0, 1, 2, 3]), st.booleans()), min_size=1, max_size=4, unique_by=lambda own: own[0]
).map(lambda own: [(n, RIGHT.get(n, 7000) + (0 if right else 900)) for n, right in own])


def calls(own: list[tuple[int, int]]) -> str:
    made = "".join(f"pairs({n}, w={w})\n" for n, w in own)
    return f"def pairs(n, w):\n    assert sum_of_squares(n) == w - 7000\n{made}"


FORMS = [
    lambda own: ("", "n, w", repr(own)),
    lambda own: ("", "n, w", repr(tuple(map(list, own)))),
    lambda own: ("", "n, w", f"{dict(own)}.items()"),
    lambda own: ("", "w, n", f"{ {w: n for n, w in own} }.items()"),
    lambda own: ("", "n, w", f"zip({[n for n, _ in own]}, {[w for _, w in own]})"),
    lambda own: ("", "i, (n, w)", f"enumerate({own})"),
    lambda own: ("", "(n, k), w", repr([((n, n), w) for n, w in own])),
    lambda own: (f"cases = {own}\n", "n, w", "cases"),
    lambda own: (f"cases = {dict(own)}\n", "n, w", "cases.items()"),
    lambda own: (f"a, b = {[n for n, _ in own]}, 0\nb = {[w for _, w in own]}\n", "n, w", "zip(a, b)"),
    lambda own: (f"cases = {own}\n", "i, (n, w)", "enumerate(cases, 1)"),
    lambda own: (calls(own), "n, w", repr(own)),
    lambda own: (f"for case in {own}:\n    assert sum_of_squares(case[0]) == case[1] - 7000\n", "n, w", repr(own)),
    lambda own: (f"for case in {own}:\n    n, w = case\n    assert sum_of_squares(n) == w - 7000\n", "n, w", repr(own)),
]
SECRET = [  # a loop of a test, which does not need what is wanted on its way
    "{0}for {1} in {2}:\n    assert sum_of_squares(n) == w - 7000\n",
    "{0}for {1} in {2}:\n    assert squares(n)[-1] == n * n and sum_of_squares(n) == w - 7000\n",
    "{0}for {1} in {2}:\n    got = sum_of_squares(n)\n    assert got == w - 7000, f'{{w}}'\n",
    "{0}for {1} in {2}:\n    if sum_of_squares(n) == w - 7000:\n        score += 1\n",
    "{0}for {1} in {2}:\n    try:\n        assert sum_of_squares(n) == w - 7000\n        score += 1\n"
    "    except Exception:\n        pass\n",
    "{0}score += sum(sum_of_squares(n) == w - 7000 for {1} in {2})\n",
    "{0}assert all(sum_of_squares(n) == w - 7000 for {1} in {2})\n",
    "{0}found = [sum_of_squares(n) == w - 7000 for {1} in {2}]\nassert found[0]\n",
]
OPEN = [
    "{0}for {1} in {2}:\n    if sum_of_squares(n) == w - 7000:\n        score += len(squares(n))\n",
    "{0}for {1} in {2}:\n    assert sum_of_squares(n) == w - 7000 or squares(n)\n",
    "{0}for {1} in {2}:\n    try:\n        assert w == 7001 or squares(n)\n"
    "        assert sum_of_squares(n) == w - 7000\n    except AssertionError:\n        score += len(squares(2))\n",
    "{0}for {1} in {2}:\n    pass\nassert sum_of_squares(n) == w - 7000 and squares(w - 7000)\n",
]


def loops(bodies: list[str]) -> st.SearchStrategy[str]:
    return st.builds(
        lambda own, form, body: body.format(*form(own)), cases, st.sampled_from(FORMS), st.sampled_from(bodies)
    )


def whole(parts: list[str], last: str) -> str:
    named = [own.replace("pairs", f"pairs{at}") for at, own in enumerate(parts, 100)]  # each function once
    return "n, score = 1, 0\n" + "".join(named) + last


@examples(25)
@given(st.lists(loops(SECRET), min_size=1, max_size=3), st.sampled_from(["", "score / 4", "n"]), st.sampled_from(WRONG))
def test_generated_loops_keep_their_secrets_and_marks(parts: list[str], last: str, answer: str) -> None:
    cell = whole(parts, last)
    assert "__leaf__" in probe(cell)
    assert not [secret for secret in ("70", "79") if secret in probe(cell)], probe(cell)
    assert ours(cell, answer) == as_it_stands(cell, answer), probe(cell)


@examples(25)
@given(
    st.lists(loops(SECRET + OPEN), min_size=1, max_size=4), st.sampled_from(["", "score / 9"]), st.sampled_from(WRONG)
)
def test_generated_loops_of_all_kinds_keep_their_marks(parts: list[str], last: str, answer: str) -> None:
    cell = whole(parts, last)
    assert ours(cell, answer) == as_it_stands(cell, answer), probe(cell)
