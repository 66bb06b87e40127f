"""The wire: messages arrive whole and in order with their descriptors, and the end of one side is seen by the other."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.kernels import wire
from tests.support.narrowing import present


@pytest.fixture
def ends():
    near, far = wire.pair()
    yield near, far
    near.close()
    far.close()


@given(st.lists(st.dictionaries(st.text(max_size=20), st.text(max_size=200), max_size=5), max_size=8))
def test_messages_arrive_as_they_were_sent(messages):
    near, far = wire.pair()
    with near, far:
        for message in messages:
            wire.send(near, message)
        assert [wire.receive(far) for _ in messages] == [(message, []) for message in messages]


def test_a_descriptor_comes_along(ends):
    near, far = ends
    read, write = os.pipe()
    wire.send(near, {"act": "fork"}, [write])
    os.close(write)
    _message, (received,) = present(wire.receive(far))
    os.write(received, b"x")
    os.close(received)
    assert os.read(read, 2) == b"x"
    os.close(read)


def test_a_message_that_does_not_fit_is_refused_and_nothing_is_sent(ends):
    near, far = ends
    with pytest.raises(wire.MessageTooLongError):
        wire.send(near, {"env": "x" * wire.LONGEST})
    wire.send(near, {"next": 1})
    assert wire.receive(far) == ({"next": 1}, [])


def test_the_longest_message_fits(ends):
    near, far = ends
    message = {"env": "x" * (wire.LONGEST - 12)}
    wire.send(near, message)
    assert wire.receive(far) == (message, [])


def test_what_was_said_before_leaving_is_heard_though_it_left_something_unread(ends):
    near, far = ends
    wire.send(near, {"act": "fork"})
    wire.send(far, {"broken": "why"})
    far.close()
    assert wire.receive(near) == ({"broken": "why"}, [])
    assert wire.receive(near) is None
