"""Frames: what a sandboxed answer says is taken in one shape alone, and can be written down whatever stood in it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub import frames

ERROR = {"ename": "E", "evalue": "v", "traceback": ["line"]}
RAISED = {"type": "E", "bases": ["E", "object"], "text": "v"}
OUTPUTS: list[dict[str, object]] = [
    {"output_type": "stream", "name": "stdout", "text": "x"},
    {"output_type": "display_data", "data": {"text/plain": "x", "image/png": "aGk="}, "metadata": {}},
    {"output_type": "execute_result", "data": {"text/plain": "x"}, "metadata": {}, "execution_count": 3},
    {"output_type": "error", **ERROR},
]
FRAME = {"outputs": OUTPUTS, "error": ERROR, "leaves": [[0, {"value": [1, 2.5]}], ["a", {"raised": RAISED}]]}


def line(**changes):
    return json.dumps({**FRAME, **changes}).encode()


def test_a_frame_is_taken_as_it_is():
    assert frames.read(line()) == FRAME
    assert frames.read(line(error=None))["error"] is None


def test_a_frame_of_millions_of_values_is_refused_unread():
    most = frames.MOST_PARTS // 2
    assert len(frames.read(line(leaves=[[0, {"value": [[]] * (most - 100)}]]))["leaves"]) == 1
    with pytest.raises(frames.FrameError, match="too many values"):
        frames.read(line(leaves=[[0, {"value": [[]] * most}]]))


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"nonsense",
        b"\xff",
        b"[]",
        b'"text"',
        json.dumps({**FRAME, "more": 1}).encode(),
        json.dumps({"outputs": []}).encode(),
        b'{"outputs": [], "error": null, "leaves": [[0, {"value": NaN}]]}',
        b'{"outputs": [], "error": null, "leaves": [[0, {"value": 1e999}]]}',
        b'{"outputs": [], "error": null, "leaves": [[0, {"value": ' + b"9" * 10_000 + b"}]]}",
        b'{"outputs": [], "error": null, "leaves": [[0, {"value": ' + b"[" * 300 + b"]" * 300 + b"}]]}",
        b"[" * 1_000_000,
        b'"\\' * 500_000,
    ],
)
def test_what_is_no_frame_is_refused(wrong):
    with pytest.raises(frames.FrameError):
        frames.read(wrong)


@pytest.mark.parametrize(
    "output",
    [
        "x",
        {"output_type": ["stream"], "name": "stdout", "text": "x"},
        {"output_type": "other"},
        {"output_type": "stream", "name": "stdin", "text": "x"},
        {"output_type": "stream", "name": "stdout", "text": ["x"]},
        {"output_type": "stream", "name": "stdout", "text": "x", "more": 1},
        {"output_type": "display_data", "data": {"text/html": "x"}, "metadata": {}},
        {"output_type": "display_data", "data": {"image/png": "<svg>"}, "metadata": {}},
        {"output_type": "display_data", "data": {}, "metadata": {}},
        {"output_type": "execute_result", "data": {"text/plain": "x"}, "metadata": {}, "execution_count": True},
        {"output_type": "error", "ename": "E", "evalue": 1, "traceback": []},
    ],
)
def test_other_outputs_are_refused(output):
    with pytest.raises(frames.FrameError):
        frames.read(line(outputs=[output]))


@pytest.mark.parametrize(
    "leaf",
    [
        [0],
        [True, {"value": 1}],
        [None, {"value": 1}],
        [0, {"value": 1, "raised": RAISED}],
        [0, {}],
        [0, {"raised": {**RAISED, "bases": "E"}}],
        [0, {"raised": {**RAISED, "text": 1}}],
    ],
)
def test_other_leaves_are_refused(leaf):
    with pytest.raises(frames.FrameError):
        frames.read(line(leaves=[leaf]))


def test_half_of_a_surrogate_pair_does_not_reach_a_file():
    frame = frames.read(line(outputs=[{"output_type": "stream", "name": "stdout", "text": "a\ud800b"}]))
    assert frame["outputs"][0]["text"] == "a?b"


def test_metadata_is_not_taken_over():
    shown = {**OUTPUTS[1], "metadata": {"image/png": {"width": "1e9"}}}
    assert frames.read(line(outputs=[shown]))["outputs"][0]["metadata"] == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda own: st.lists(own) | st.dictionaries(st.text(), own),
)


@given(st.dictionaries(st.sampled_from(["outputs", "error", "leaves"]), JSON) | JSON)
def test_whatever_comes_is_a_frame_or_refused(data):
    try:
        frame = frames.read(json.dumps(data).encode())
    except frames.FrameError:
        return
    assert json.dumps(frame, allow_nan=False).encode()
