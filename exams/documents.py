"""Documents written by people (YAML, TOML, JSON), read strictly: what is unknown or of the wrong kind is refused.

A *document* is plain data (mappings, lists, text, numbers) with a path to every value; a YAML document also knows the
line of every value, so that a refusal reads `file:line: one sentence`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

TYPE_NAMES: dict[type, str] = {
    str: "text",
    float: "a number",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping",
    datetime: "a time",
}
Position = tuple[str | int, ...]
SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


class DocumentError(ValueError):
    """What is wrong in a document, in one sentence; `str()` gives it with the file, and the line where known."""

    def __init__(self, sentence: str, path: Position = (), where: str = ""):
        super().__init__(sentence, path, where)
        self.sentence = sentence
        self.path = path
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}" if self.where else self.sentence


@dataclass(frozen=True)
class Document:
    """Plain `data` read from the file `name`, with the line (from 1) of each value by its path."""

    name: str
    data: Any
    lines: Mapping[Position, int] = field(default_factory=dict)

    def located(self, error: DocumentError) -> DocumentError:
        """`error` with this document's file and the nearest line known for its path."""
        for end in range(len(error.path), -1, -1):
            if error.path[:end] in self.lines:
                return DocumentError(error.sentence, error.path, f"{self.name}:{self.lines[error.path[:end]]}")
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.path).lstrip(".")
        return DocumentError(error.sentence, error.path, f"{self.name}: {place}" if place else self.name)


class Fields:
    """The fields of one mapping, taken one by one; `done()` refuses those that nobody asked for.

    Every method raises DocumentError with the path of the field: where a field without a default is missing, and
    where its value is of another kind than asked for.
    """

    def __init__(self, data: Any, path: Position = ()):
        if not isinstance(data, Mapping):
            raise DocumentError("A mapping of fields is expected here.", path)
        self.data = data
        self.path = path
        self.taken: set[str] = set()

    def __contains__(self, name: str) -> bool:
        return name in self.data

    def fail(self, name: str, sentence: str) -> DocumentError:
        """An error about the field `name`."""
        return DocumentError(sentence, (*self.path, name))

    def _take(self, name: str, kind: type, default: Any) -> Any:
        self.taken.add(name)
        if name not in self.data:
            if default is ...:
                raise self.fail(name, f"The field {name!r} is missing.")
            return default
        value = self.data[name]
        accepted = (int, float) if kind is float else kind
        if not isinstance(value, accepted) or (isinstance(value, bool) and kind is not bool):
            raise self.fail(name, f"The field {name!r} must be {TYPE_NAMES[kind]}, not {value!r:.60}.")
        return value

    def text(self, name: str, default: Any = ...) -> str:
        """Text that is not blank, without the white space around it."""
        value: str = self._take(name, str, default).strip()
        if not value and default is ...:
            raise self.fail(name, f"The field {name!r} is blank.")
        return value

    def slug(self, name: str) -> str:
        """An identifier: letters of the English alphabet, digits, `-` and `_`; nbgrader allows no others."""
        value = self.text(name)
        if not SLUG.fullmatch(value):
            raise self.fail(name, f"The {name} {value!r} may hold only letters a-z, A-Z, digits, - and _.")
        return value

    def one_of(self, name: str, choices: Sequence[str]) -> str:
        """One of the texts `choices`."""
        value = self.text(name)
        if value not in choices:
            raise self.fail(name, f"{value!r} is not one of {', '.join(choices)}.")
        return value

    def number(self, name: str, default: Any = ..., *, above: float = float("-inf")) -> float:
        """A number greater than `above`."""
        try:
            value = float(self._take(name, float, default))
        except OverflowError:  # a whole number may have any number of digits
            value = float("inf")
        if not above < value < float("inf"):
            raise self.fail(name, f"The field {name!r} must be a finite number greater than {above:g}.")
        return value

    def whole(self, name: str, default: Any = ..., *, minimum: int = 0) -> int:
        """A whole number, at least `minimum`."""
        value: int = self._take(name, int, default)
        if value < minimum:
            raise self.fail(name, f"The field {name!r} must be at least {minimum}.")
        return value

    def instant(self, name: str) -> datetime:
        """A date and time with its offset from UTC, as aware UTC."""
        value: datetime = self._take(name, datetime, ...)
        if value.tzinfo is None:
            raise self.fail(name, f"The field {name!r} needs its offset from UTC, as in 2027-01-08T09:00:00+08:00.")
        return value.astimezone(UTC)

    def list(self, name: str, default: Any = ...) -> Sequence[Any]:
        """A list."""
        value: Sequence[Any] = self._take(name, list, default)
        return value

    def flag(self, name: str, default: Any = ...) -> bool:
        """True or false."""
        value: bool = self._take(name, bool, default)
        return value

    def texts(self, name: str, default: Any = ...) -> tuple[str, ...]:
        """A list of texts."""
        values = self.list(name, default)
        if not all(isinstance(value, str) for value in values):
            raise self.fail(name, f"The field {name!r} is a list of texts.")
        return tuple(values)

    def mapping(self, name: str, default: Any = ...) -> Fields:
        """A mapping, as Fields of its own."""
        return Fields(self._take(name, dict, default), (*self.path, name))

    def done(self) -> None:
        """Refuse the first field that was not taken."""
        for name in self.data:
            if name not in self.taken:
                raise self.fail(name, f"The field {name!r} is unknown here; known are {', '.join(sorted(self.taken))}.")


def read_yaml(path: Path) -> Document:
    """The YAML document in `path`.

    Raises DocumentError where the text is not YAML or a field stands twice in one mapping.
    """
    try:
        loader = yaml.CSafeLoader(path.read_text(encoding="utf-8"))  # libyaml is five times as fast
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise _no_yaml(error, path) from error
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = str(error).splitlines()[0]
        raise DocumentError(f"The file cannot be read as UTF-8 text ({reason}).", (), str(path)) from error
    lines: dict[Position, int] = {}

    def plain(node: yaml.Node, at: Position) -> Any:
        lines.setdefault(at, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            mapping: dict[str, Any] = {}
            for key, value in node.value:
                line = key.start_mark.line + 1
                if not isinstance(key, yaml.ScalarNode) or key.value in mapping:
                    raise DocumentError("A field stands here twice, or is no plain text.", at, f"{path}:{line}")
                lines[(*at, key.value)] = line
                mapping[key.value] = plain(value, (*at, key.value))
            return mapping
        if isinstance(node, yaml.SequenceNode):
            return [plain(value, (*at, index)) for index, value in enumerate(node.value)]
        try:
            return loader.construct_object(node)
        except ValueError as error:  # a date that does not exist, a number in a wrong base
            raise DocumentError(
                f"{node.value!r} cannot be read: put it in quotes.", at, f"{path}:{lines[at]}"
            ) from error

    try:
        return Document(str(path), None if root is None else plain(root, ()), lines)
    except yaml.MarkedYAMLError as error:  # a tag that is none of ours
        raise _no_yaml(error, path) from error


def _no_yaml(error: yaml.MarkedYAMLError, path: Path) -> DocumentError:
    line = error.problem_mark.line + 1 if error.problem_mark else 1
    return DocumentError(f"This is not valid YAML: {error.problem}.", (), f"{path}:{line}")
