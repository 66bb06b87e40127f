"""What a sandboxed answer says of a cell, read as hostile: one line of JSON, of this shape and no other.

    {"outputs": [...], "error": null | {"ename", "evalue", "traceback"}, "leaves": [[key, {"value"} | {"raised"}], ...]}

Values stay encoded: whoever compares them decodes them (`courses.values`), and knows that they are hostile too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from typing import Any

STREAMS = ("stdout", "stderr")
LONGEST_NAME = 500
MOST_BASES = 100
DEEPEST = 200
"""Lists and objects in one another: several times what `courses.values` writes for the deepest value."""
MOST_PARTS = 2_000_000
"""Brackets and commas of one frame: to read millions of tiny values takes seconds and half a gigabyte."""
BASE64 = re.compile(r"[A-Za-z0-9+/\n]*={0,2}\n?")
BRACKETS = re.compile(r'"(?:[^"\\]++|\\(?s:.))*+(?:"|\\?\Z)|[\[{]|[\]}]')
"""Text, which ends somewhere or at the end, or a bracket."""


class FrameError(ValueError):
    """This is no frame; the message says why."""


def read(line: bytes) -> dict[str, Any]:
    """The frame in a `line`. Raises FrameError."""
    try:
        if sum(map(line.count, (b"[", b"{", b","))) > MOST_PARTS:
            raise FrameError("it has too many values")
        text = line.decode()
        _check_depth(text)
        data = json.loads(text, parse_constant=_finite, parse_float=_finite)
    except ValueError as error:
        raise FrameError(str(error)) from error
    frame = _fields(data, {"outputs", "error", "leaves"})
    return {
        "outputs": [_output(each) for each in _list(frame["outputs"])],
        "error": None if frame["error"] is None else _error(frame["error"]),
        "leaves": [_leaf(each) for each in _list(frame["leaves"])],
    }


def _check_depth(text: str) -> None:
    depth = 0
    for found in BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEEPEST:
            raise FrameError("it is nested too deep")


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise FrameError(f"{number[:LONGEST_NAME]} is no number of JSON")
    return value


def _fields(data: object, names: set[str]) -> dict[str, Any]:
    if not isinstance(data, dict) or data.keys() != names:
        raise FrameError(f"an object with {', '.join(sorted(names))} was to stand here")
    return data


def _list(data: object) -> list[Any]:
    if not isinstance(data, list):
        raise FrameError("a list was to stand here")
    return data


def _text(data: object) -> str:
    """Text that can be written to a file; half of a pair of surrogates cannot."""
    if not isinstance(data, str):
        raise FrameError("text was to stand here")
    return data.encode("utf-8", "replace").decode()


def _name(data: object) -> str:
    return _text(data)[:LONGEST_NAME]


def _count(data: object) -> int | None:
    if data is not None and type(data) is not int:
        raise FrameError("a number was to stand here")
    return data


def _png(data: object) -> str:
    if not BASE64.fullmatch(text := _text(data)):
        raise FrameError("an image is in base64")
    return text


SHOWN: Mapping[str, Callable[[object], str]] = {"text/plain": _text, "image/png": _png}


def _error(data: object) -> dict[str, Any]:
    error = _fields(data, {"ename", "evalue", "traceback"})
    return {
        "ename": _name(error["ename"]),
        "evalue": _text(error["evalue"]),
        "traceback": [_text(line) for line in _list(error["traceback"])],
    }


def _stream(data: dict[str, Any]) -> dict[str, Any]:
    if data["name"] not in STREAMS:
        raise FrameError("there is no such stream")
    return {"output_type": "stream", "name": data["name"], "text": _text(data["text"])}


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(data["data"], dict) or not data["data"] or data["data"].keys() - SHOWN.keys():
        raise FrameError("an output is text or a PNG image")
    shown = {name: SHOWN[name](text) for name, text in data["data"].items()}
    return {"output_type": data["output_type"], "data": shown, "metadata": {}}


def _result(data: dict[str, Any]) -> dict[str, Any]:
    return {**_shown(data), "execution_count": _count(data["execution_count"])}


def _failed(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "error", **_error({name: data[name] for name in ("ename", "evalue", "traceback")})}


OUTPUTS: Mapping[str, tuple[set[str], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "stream": ({"name", "text"}, _stream),
    "display_data": ({"data", "metadata"}, _shown),
    "execute_result": ({"data", "metadata", "execution_count"}, _result),
    "error": ({"ename", "evalue", "traceback"}, _failed),
}


def _output(data: object) -> dict[str, Any]:
    kind = data.get("output_type") if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(kind, str) or kind not in OUTPUTS:
        raise FrameError("there is no such output")
    fields, take = OUTPUTS[kind]
    _fields(data, {"output_type", *fields})
    return take(data)


def _leaf(data: object) -> list[Any]:
    if not isinstance(data, list) or len(data) != 2 or type(data[0]) not in (int, str) or not isinstance(data[1], dict):
        raise FrameError("a leaf has a key and an outcome")
    key, outcome = _name(data[0]) if isinstance(data[0], str) else data[0], data[1]
    if outcome.keys() == {"value"}:
        return [key, {"value": outcome["value"]}]
    raised = _fields(_fields(outcome, {"raised"})["raised"], {"type", "bases", "text"})
    told = {
        "type": _name(raised["type"]),
        "bases": [_name(each) for each in _list(raised["bases"])[:MOST_BASES]],
        "text": _name(raised["text"]),
    }
    return [key, {"raised": told}]
