"""A test cell split in two gives the marks of the cell run as it stands, and what it wants does not reach the probe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.autograde.split import SplitError, split, student_names
from tests.support.properties import examples
from tests.support.split_cells import STUDENT, WRONG, as_it_stands, ours

QUICKSTART = [
    '''"""Check that squares returns the correct output for several inputs"""
assert squares(1) == [1]
assert squares(2) == [1, 4]
assert squares(10) == [1, 4, 9, 16, 25, 36, 49, 64, 81, 100]
assert squares(11) == [1, 4, 9, 16, 25, 36, 49, 64, 81, 100, 121]''',
    '''"""Check that squares raises an error for invalid inputs"""
try:
    squares(0)
except ValueError:
    pass
else:
    raise AssertionError("did not raise")

try:
    squares(-4)
except ValueError:
    pass
else:
    raise AssertionError("did not raise")''',
    '''"""Check that sum_of_squares returns the correct answer for various inputs."""
assert sum_of_squares(1) == 1
assert sum_of_squares(2) == 5
assert sum_of_squares(10) == 385
assert sum_of_squares(11) == 506''',
    '''"""Check that sum_of_squares relies on squares."""
orig_squares = squares
del squares
try:
    sum_of_squares(1)
except NameError:
    pass
else:
    raise AssertionError("sum_of_squares does not use squares")
finally:
    squares = orig_squares''',
]
CELLS = [
    *QUICKSTART,
    "squares = lambda n: [7]\nassert sum_of_squares(3) == 7",
    "def squares(n):\n    return [n, n]\nassert sum_of_squares(3) == 6",
    "assert squares(2) == [1, 4] and sum_of_squares(2) == 5",
    "assert squares(2) == [0, 1] or sum_of_squares(2) == 5, f'{squares(-1)}'",
    "assert 1 < sum_of_squares(2) < sum_of_squares(3) < 15",
    "assert (squares(1) if RATE == 72 else squares(2)) == [1]",
    "for n in range(1, 4):\n    assert squares(n) == [0] or sum_of_squares(n) in (1, 5, 14)",
    "for n in range(1, 4):\n    assert not (squares(n) and sum_of_squares(n) > 14)",
    "for n, want in [(1, 1), (2, 5), (3, 14)]:\n    assert sum_of_squares(n) == want",
    "cases = {1: 1, 2: 5}\nfor n in cases:\n    if sum_of_squares(n) != cases[n]:\n        raise AssertionError('no')",
    "score = 0\nfor n, want in [(1, 1), (2, 5), (3, 14), (0, 0)]:\n    try:\n        assert sum_of_squares(n) == want\n"
    "        assert squares(n)[0] == 1\n        score += 1\n    except Exception:\n        pass\nscore",
    "score = 0\nif sum_of_squares(2) == 5: score += 2\nif squares(1) == [1]: score += 1.5\nscore",
    "score = sum(sum_of_squares(n) == w for n, w in [(1, 1), (2, 5)])\nscore / 2",
    "4 * (sum_of_squares(2) == 5)",
    "sum_of_squares(1)",
    "sum_of_squares(9)",
    "'text'",
    "2;",
    "assert all(sum_of_squares(n) >= n for n in range(1, 5))\nassert any(sum_of_squares(n) == 5 for n in range(1, 5))",
    "assert [squares(n)[-1] for n in range(1, 4) if n != 2] == [1, 9]",
    "assert {n: sum_of_squares(n) for n in (1, 2)} == {1: 1, 2: 5}",
    "assert list(evens(7)) == [0, 2, 4, 6]\nassert sorted(evens(5), reverse=True) == [4, 2, 0]",
    "assert list(map(sum_of_squares, [1, 2])) == [1, 5]",
    "s = Stack()\nassert s.size == 0\ns.push(1)\ns.push(2)\nassert s.size == 2\nassert s.pop() == 2\n"
    "assert s.pop() == 1",
    "s = Stack().push(4)\ns.pop()\ntry:\n    s.pop()\nexcept EmptyError as error:\n    assert 'empty' in str(error)\n"
    "else:\n    raise AssertionError",
    "s, t = Stack(), Stack()\ns.push(1)\nassert (s.size, t.size) == (1, 0)",
    "s = Stack()\ns.own = [1, 2]\ns.own[0] = 5\ndel s.own[1]\ns.own += [3]\nassert s.pop() == 3 and s.pop() == 5",
    "assert isinstance(Stack(), Stack) and isinstance(squares(1), list) and callable(squares)",
    "def check(n, want):\n    assert sum_of_squares(n) == want\ncheck(1, 1)\ncheck(3, 14)",
    "def check(got, want):\n    assert got == want\ncheck(squares(2), [1, 4])",
    "def right(n):\n    return sum_of_squares(n) == sum(i * i for i in range(n + 1))\n"
    "assert right(1) or right(2)\nassert right(3)",
    "right = lambda n: squares(n)[-1] == n * n\nassert all([right(1), right(4)])",
    "results = []\nfor n in (1, 2):\n    results.append(sum_of_squares(n))\nassert results == [1, 5]",
    "total = 0\nwhile total < 20:\n    total += sum_of_squares(2) or 20\nassert total == 20",
    "n = 0\nwhile True:\n    n += 1\n    if n > 5 or sum_of_squares(n) > 10:\n        break\nassert n == 3",
    "RATE = 5\nassert RATE == 5",
    "assert RATE == 72\nRATE += 1\nassert RATE == 73",
    "import math as m\nimport numpy as np\nassert m.sqrt(sum_of_squares(1)) == 1\n"
    "np.testing.assert_allclose(squares(2), [1, 4])",
    "with contextlib.suppress(ValueError):\n    squares(0)\n    assert False\nassert squares(1) == [1]".replace(
        "with", "import contextlib\nwith"
    ),
    "import contextlib\nscore = 0\nfor n in (1, 0, 2):\n    with contextlib.suppress(AssertionError, ValueError):\n"
    "        assert sum_of_squares(n) == n\n        assert squares(n)[0] == 1\n        score += 1\nscore",
    "score = 0\nfor n in (1, 2, 3):\n    if sum_of_squares(n) == n * n and squares(n)[-1] == n * n:\n"
    "        score += 1\nscore",
    "score = 0\nfor n in (1, 2, 3):\n    score += sum_of_squares(n) < 14 and squares(n)[-1] == n * n\nscore",
    "score = 0\nscore += all(sum_of_squares(n) == n for n in (1, 2, 0))\nscore += squares(2) == [1, 4]\nscore",
    "def t(n):\n    assert sum_of_squares(n) > n\n    return 1\nscore = 0\nfor n in (0, 1, 2, 3):\n"
    "    try:\n        score += t(n)\n    except (AssertionError, ValueError):\n        pass\nscore",
    "total = 0\nfor n in (1, 0, 2):\n    try:\n        total += sum(sum_of_squares(i) for i in range(n, 3))\n"
    "        total += len(squares(n))\n    except ValueError:\n        pass\nassert total == 14",
    "class Case:\n    def squares(self):\n        assert squares(2) == [1, 4]\nCase().squares()",
    "assert [x for x in [squares(2)] for x in x] == [1, 4]",
    "r = squares(3)\nr.reverse()\nassert r == [9, 4, 1] and r[0] == 9",
    "try:\n    value = sum_of_squares(0)\nexcept (ValueError, KeyError):\n"
    "    value = sum_of_squares(1)\nassert value == 1",
    "try:\n    assert sum_of_squares(1) == 2\nexcept AssertionError:\n    assert squares(1) == [1]",
    "for bad in (0, -1):\n    try:\n        squares(bad)\n    except ValueError:\n        continue\n"
    "    raise AssertionError",
    "assert (lambda n: squares(n))(1) == [1]",
    "if (n := 2) and squares(n) == [1, 4]:\n    pass\nelse:\n    raise AssertionError",
    "match squares(2):\n    case [a, b]:\n        assert (a, b) == (1, 4)\n    case _:\n        raise AssertionError",
    "assert f'{sum_of_squares(2):03d}' == '005'",
    "assert squares(*[2]) == [*squares(1), 4]",
]


UNEVEN = """
def squares(n):
    if n in {raises}:
        raise ValueError("no")
    return [i ** 2 for i in range(1, n + 1 + (n in {wrong}))]

def sum_of_squares(n):
    if n in {fails}:
        raise AssertionError("no")
    return n * (n + 1) * (2 * n + 1) // 6 + (n in {off})
"""
"""Right for some numbers, wrong for others."""


@pytest.mark.parametrize("answer", WRONG)
@pytest.mark.parametrize("cell", CELLS)
def test_both_halves_give_what_the_cell_gives(cell: str, answer: str) -> None:
    assert ours(cell, answer) == as_it_stands(cell, answer)


@pytest.mark.parametrize("cell", CELLS)
def test_each_cell_can_be_passed(cell: str) -> None:
    assert as_it_stands(cell) or cell in ("sum_of_squares(9)",)


def expressions(depth: int) -> st.SearchStrategy[str]:
    number = st.integers(-1, 4).map(str) | st.sampled_from(
        ["n", "sum_of_squares(n)", "sum_of_squares(2)", "squares(n)[0]"]
    )
    compared = st.builds("{} {} {}".format, number, st.sampled_from(["==", "<", "!=", ">="]), number)
    if not depth:
        return compared
    inner = expressions(depth - 1)
    return st.one_of(
        compared,
        st.builds("({} and {})".format, inner, inner),
        st.builds("({} or {})".format, inner, inner),
        st.builds("(not {})".format, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("all({} for n in range(1, 3))".format, inner),
        st.builds("any([{} for n in range(2, 4)])".format, inner),
        st.builds("any({} for n in range(2, 4))".format, inner),
    )


def indented(text: str) -> str:
    return "".join(f"    {line}\n" for line in text.splitlines())


def statements(depth: int) -> st.SearchStrategy[str]:
    wanted = expressions(2)
    simple = st.one_of(
        st.builds("assert {}\n".format, wanted),
        st.builds("n = {}\n".format, st.sampled_from(["1", "n + 1", "sum_of_squares(1)", "sum_of_squares(n) + 1"])),
        st.builds("score += {}\n".format, wanted),
        st.builds("found.append(sum_of_squares({}))\n".format, st.sampled_from("n12")),
        st.builds("assert {} in found\n".format, st.sampled_from("n15")),
        st.just("seen = squares(n)\nassert seen[-1] == n ** 2\n"),
        st.just("helped = check(n)\n"),
        st.just("squares = squares\n"),
    )
    if not depth:
        return simple
    block = st.lists(statements(depth - 1), min_size=1, max_size=3).map("".join).map(indented)
    return st.one_of(
        simple,
        st.builds("if {}:\n{}else:\n{}".format, wanted, block, block),
        st.builds("for n in range(1, 4):\n{}".format, block),
        st.builds("for n in squares(2):\n{}".format, block),
        st.builds("try:\n{}except ValueError:\n{}".format, block, block),
        st.builds("with contextlib.suppress({}):\n{}".format, st.sampled_from(["ValueError", "Exception"]), block),
        st.builds("try:\n{}except AssertionError:\n{}else:\n{}".format, block, block, block),
        st.builds("try:\n{}except Exception:\n{}finally:\n{}".format, block, st.just("    pass\n"), block),
    )


def answers() -> st.SearchStrategy[str]:
    some = st.sets(st.integers(-1, 4)).map(lambda numbers: tuple(sorted(numbers)))
    few = st.sets(st.integers(-1, 4), max_size=1).map(lambda numbers: tuple(sorted(numbers)))
    uneven = st.builds(
        lambda *sets: UNEVEN.format(**dict(zip(("raises", "wrong", "fails", "off"), sets, strict=True))),
        few,
        some,
        few,
        some,
    )
    return st.sampled_from(WRONG[:6]) | uneven


HEAD = "import contextlib\nn, score, found = 1, 0, []\ndef check(n):\n    assert {}\n    return {}\n"


@examples(60)
@given(
    expressions(1),
    expressions(1),
    st.lists(statements(2), min_size=1, max_size=5).map("".join),
    st.sampled_from(["", "score / 8", "n", "sum_of_squares(n)"]),
    answers(),
)
def test_generated_tests_give_the_same(one: str, other: str, body: str, last: str, answer: str) -> None:
    cell = HEAD.format(one, other) + body + last
    assert ours(cell, answer) == as_it_stands(cell, answer), split(cell, STUDENT).probe


@pytest.mark.parametrize(
    ("cell", "secrets"),
    [
        *((cell, ["did not", "121", "506", "385", "does not use"]) for cell in QUICKSTART),
        ("wanted = [1, 4, 99]\nassert squares(3) == wanted", ["99", "wanted"]),
        ("def check(got, want):\n    assert got == want\ncheck(squares(2), 99)", ["99"]),
        ("import numpy as np\nnp.testing.assert_allclose(squares(2), 99)", ["99", "numpy"]),
        ("if squares(2) != 99:\n    raise AssertionError('no')", ["99", "no'"]),
        ("assert all(squares(n) == 99 * n for n in range(3))", ["99"]),
        ("try:\n    squares(0)\nexcept ValueError as e:\n    assert 'wanted' in str(e)", ["wanted"]),
        ("score = 0\nif squares(2) == 99: score += 1\nscore / 77", ["99", "77"]),
        ("for n in (1, 2):\n    assert isinstance(squares(n), list) and squares(n) == 99", ["99"]),
    ],
)
def test_what_is_wanted_does_not_reach_the_probe(cell: str, secrets: list[str]) -> None:
    probe = split(cell, STUDENT).probe
    assert "__leaf__" in probe
    for secret in secrets:
        assert secret not in probe


@pytest.mark.parametrize(
    ("cell", "sentence", "line"),
    [
        (
            "%timeit squares(1)",
            "This is no plain Python: IPython's own commands (`%`, `!`, `?`) cannot stand in it.",
            1,
        ),
        ("\nassert squares((n := 3))", "A call of a student's code holds `:=`, `await` or `yield`.", 2),
        ("class A:\n    a = squares(3)", "A class of the test uses a student's code outside of its methods.", 2),
        ("class A(Stack):\n    pass", "A class of the test is based on a student's class.", 1),
        ("with Stack() as s:\n    pass", "A test uses a student's object in `with`.", 1),
        ("s = Stack()\ns.a, b = 1, 2", "A student's object is written to together with something else.", 2),
        ("async def f():\n    await squares(3)", "`await` cannot stand in a test.", 2),
    ],
)
def test_what_cannot_be_split_is_refused_with_its_line(cell: str, sentence: str, line: int) -> None:
    with pytest.raises(SplitError) as refused:
        split(cell, STUDENT)
    assert (refused.value.text, refused.value.line) == (sentence, line)


def test_the_names_of_a_students_cells() -> None:
    cells = [
        "import math\nfrom x import y\ndef f(a):\n    b = 1\nc = d, e = 1, 2",
        "for g in range(3):\n    pass",
        "%no",
    ]
    assert student_names(cells) == set("fcdeg")
