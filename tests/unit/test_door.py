"""The door: few start at once, in the order of their knock, and whoever goes away loses the place."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from hub.door import PATIENCE_S, Door


class Clock:
    """Time that a test moves."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


async def test_as_many_as_may_start_go_in_and_the_next_is_told_its_place():
    door = Door(2, Clock())
    assert [await door.enter(ticket, 0) for ticket in "abcd"] == [0, 0, 1, 2]
    assert len(door) == 4


async def test_who_leaves_lets_the_first_of_the_line_in():
    door = Door(1, Clock())
    await door.enter("a", 0)
    waiting = asyncio.create_task(door.enter("b", 60))
    await asyncio.sleep(0)
    assert await door.enter("c", 0) == 2
    door.leave("a")
    assert await waiting == 0
    assert door.place("c") == 1


async def test_a_free_place_is_the_first_ones_not_the_fastest_ones():
    door = Door(1, Clock())
    await door.enter("a", 0)
    await door.enter("first", 0)
    door.leave("a")
    assert await door.enter("late", 0) == 1
    assert await door.enter("first", 0) == 0


async def test_a_page_that_was_closed_holds_nobody_up():
    clock = Clock()
    door = Door(1, clock)
    await door.enter("a", 0)
    await door.enter("gone", 0)
    clock.now += PATIENCE_S / 2
    await door.enter("here", 0)
    clock.now += PATIENCE_S / 2 + 1
    assert await door.enter("here", 0) == 1
    door.leave("a")
    assert await door.enter("here", 0) == 0


async def test_a_full_house_keeps_its_line_until_somebody_leaves():
    open_labs = ["x", "y"]
    door = Door(2, Clock(), lambda: 2 - len(open_labs))
    assert door.full
    assert [await door.enter(ticket, 0) for ticket in "ab"] == [1, 2]
    open_labs.pop()
    assert not door.full
    assert await door.enter("late", 0) == 2
    assert await door.enter("a", 0) == 0
    assert door.full
    assert [door.place("b"), door.place("late")] == [1, 2]


async def test_whoever_is_in_line_takes_no_room_from_themselves():
    door = Door(1, Clock(), lambda: 2)
    await door.enter("a", 0)
    assert await door.enter("b", 0) == 1
    assert not door.full
    door.leave("a")
    assert await door.enter("b", 0) == 0


async def test_news_comes_when_the_place_is_another_and_not_before():
    door = Door(1, Clock())
    for ticket in "abc":
        await door.enter(ticket, 0)
    assert await door.wait("c", 60, known=1) == 2
    news = asyncio.create_task(door.wait("c", 60, known=2))
    await asyncio.sleep(0)
    assert not news.done()
    door.leave("b")
    assert await news == 1


async def test_a_lab_that_closes_is_seen_without_a_word():
    open_labs = ["x"]
    door = Door(1, room=lambda: 1 - len(open_labs))
    waiting = asyncio.create_task(door.wait("a", 60))
    await asyncio.sleep(0)
    open_labs.pop()
    assert await waiting == 0


@given(st.integers(1, 4), st.lists(st.tuples(st.sampled_from(["knock", "leave"]), st.integers(0, 8)), max_size=60))
def test_never_more_inside_than_may_start(starts, acts):
    async def play():
        door, inside = Door(starts, Clock()), set()
        for act, number in acts:
            ticket = str(number)
            if act == "leave":
                door.leave(ticket)
                inside.discard(ticket)
            elif ticket not in inside and await door.enter(ticket, 0) == 0:
                inside.add(ticket)
            assert len(inside) <= starts

    asyncio.run(play())
