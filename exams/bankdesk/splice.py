"""Changing one entry of a bank file and leaving every other character of it as it is: comments, order, style."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from typing import Any

import yaml

from exams.interchange.bankfile import dumped

LISTS = ("groups", "items")


def replaced(text: str, part: str, index: int, entry: Mapping[str, Any]) -> str:
    """`text` with entry `index` of the list `part` (groups or items) put in place of what stands there."""
    sequence = _sequence(text, part)
    node = sequence.value[index]
    start, end = node.start_mark.index, _end(text, node, flow=sequence.flow_style)
    return text[:start] + _written(entry, node.start_mark.column, flow=sequence.flow_style) + text[end:]


def added(text: str, part: str, entry: Mapping[str, Any]) -> str:
    """`text` with one more entry at the end of the list `part`, which need not be there yet."""
    if part not in _lists(text):
        at = _lists(text)["items"][0]
        return f"{text[:at]}{part}:\n- {_written(entry, 2, flow=False)}\n{text[at:]}"
    sequence = _sequence(text, part)
    last = sequence.value[-1]
    end = _end(text, last, flow=sequence.flow_style)
    if sequence.flow_style:
        return f"{text[:end]}, {_written(entry, 0, flow=True)}{text[end:]}"
    dash = text.rindex("-", 0, last.start_mark.index)
    column = dash - text.rfind("\n", 0, dash) - 1
    return f"{text[:end]}\n{' ' * column}- {_written(entry, column + 2, flow=False)}{text[end:]}"


def _lists(text: str) -> dict[str, tuple[int, yaml.SequenceNode]]:
    """Where each list's name stands, and the list."""
    root: Any = yaml.compose(text, yaml.SafeLoader)
    return {key.value: (key.start_mark.index, value) for key, value in root.value if key.value in LISTS}


def _sequence(text: str, part: str) -> yaml.SequenceNode:
    return _lists(text)[part][1]


def _end(text: str, node: Any, *, flow: bool | None) -> int:
    """Where an entry ends: its last letter, or, where lists are written line by line, the end of that line."""
    last = node
    while not isinstance(last, yaml.ScalarNode) and not last.flow_style:
        last = last.value[-1][1] if isinstance(last, yaml.MappingNode) else last.value[-1]
    end = len(text[: last.end_mark.index].rstrip())
    line = text.find("\n", end)
    return end if flow else len(text) if line < 0 else line


def _written(entry: Mapping[str, Any], column: int, *, flow: bool | None) -> str:
    """The entry as YAML whose first line begins in `column`."""
    if flow:
        return json.dumps(entry, ensure_ascii=False)
    return textwrap.indent(dumped(dict(entry)).rstrip("\n"), " " * column).lstrip(" ")
