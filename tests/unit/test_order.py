from collections import Counter
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exams.order import ordered, seed_of, with_options_ordered


@dataclass(frozen=True)
class Asked:
    id: str
    type: str
    group: str | None


@st.composite
def forms(draw):
    """Sections of one type each, made of single items and of groups."""
    items = []
    for section, kind in enumerate(draw(st.permutations(["A1", "B1", "X", "short"]))):
        for block, size in enumerate(draw(st.lists(st.integers(1, 3), max_size=4))):
            group = f"{section}-{block}" if size > 1 else None
            items += [Asked(f"{section}-{block}-{place}", kind, group) for place in range(size)]
    return items


@given(items=forms(), seed=st.integers(0, 2**48 - 1))
def test_nothing_is_lost_and_sections_and_groups_stay_together(items, seed):
    shown = ordered(items, seed)
    assert sorted(shown, key=items.index) == items
    assert [item.type for item in shown] == [item.type for item in items]
    for group in {item.group for item in items if item.group}:
        places = [place for place, item in enumerate(shown) if item.group == group]
        assert places == list(range(places[0], places[0] + len(places)))
        assert [shown[place] for place in places] == [item for item in items if item.group == group]


@given(items=forms(), seed=st.integers(0, 2**48 - 1))
def test_a_seed_explains_an_order(items, seed):
    assert ordered(items, seed) == ordered(items, seed)


def test_seeds_differ_between_candidates_and_stay_for_ever():
    assert seed_of("joint", "2026010001") != seed_of("joint", "2026010002")
    # printf 'joint/2026010001' | sha256sum | cut -c1-12
    assert seed_of("joint", "2026010001") == int("4e52ba93a93f", 16)


OPTIONS = [{"id": letter, "text": text} for letter, text in zip("ABCDE", "春夏秋冬年", strict=True)]


def shown(options=OPTIONS, **changes):
    return {"id": "i1", "type": "A1", "options": options, "stem": "?", **changes}


@given(st.integers(0, 2**48 - 1))
def test_options_keep_their_ids_and_texts(seed):
    item = shown()
    seen = with_options_ordered(item, seed)
    assert sorted(seen["options"], key=OPTIONS.index) == OPTIONS
    assert {**seen, "options": OPTIONS} == item
    assert seen == with_options_ordered(item, seed)


def test_every_order_of_options_comes_about_as_often():
    first = Counter(
        with_options_ordered(shown(), seed_of("x", str(number)))["options"][0]["id"] for number in range(5000)
    )
    # 1000 each are expected; five standard deviations of a binomial(5000, 1/5) are 141
    assert all(859 < first[letter] < 1141 for letter in "ABCDE")


def test_items_on_shared_options_see_them_in_one_order_and_others_in_their_own():
    shared = [with_options_ordered(shown(id=name, type="B1", group="g1"), 7)["options"] for name in ("i1", "i2", "i3")]
    assert shared[0] == shared[1] == shared[2]
    own = {str(with_options_ordered(shown(id=f"i{number}"), 7)["options"]) for number in range(20)}
    assert len(own) > 1


@pytest.mark.parametrize(
    "texts",
    [
        ["0.12 s", "0.16 s", "0.20 s", "0.24 s", "0.28 s"],
        ["<5 mm", "5~10 mm", "11~15 mm", "16~20 mm", ">20 mm"],
        ["春", "夏", "秋", "冬", "以上都是"],
        ["春", "夏", "A项和B项", "冬", "年"],
        [],
    ],
)
def test_quantities_and_options_that_speak_of_others_stay(texts):
    options = [{"id": letter, "text": text} for letter, text in zip("ABCDE", texts, strict=False)]
    for seed in range(20):
        assert with_options_ordered(shown(options), seed)["options"] == options


def test_the_order_of_options_stays_for_ever():
    """Random.shuffle over a seed is fixed by Python's documentation of `random`; so is SHA-256."""
    order = [option["id"] for option in with_options_ordered(shown(), seed_of("joint", "2026010001"))["options"]]
    # python3 -c "import random, hashlib as h; s = int('4e52ba93a93f', 16); o = list('ABCDE');
    # random.Random(int(h.sha256(f'{s}/i1'.encode()).hexdigest()[:12], 16)).shuffle(o); print(o)"
    assert order == list("ACBED")
