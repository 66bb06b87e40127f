"""Responses: what a candidate answered to an item, as an append-only log, and the pure rules over it.

Every change of an answer or of its flag is one `Response` with a sequence number that the candidate's browser gives it.
Numbers only grow, so whatever the order of arrival and however often one arrives, the highest number says what holds.

Going on from an item of a case that goes forward only is a response too, to the name `passed(item)` and without a
value: what was answered to the item under a higher number does not count, in whatever order the two arrive.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

MAX_SEQUENCE = 100_000
"""Changes one sitting can hold: ten a second for almost three hours. It bounds what one candidate can make us store."""

MAX_VALUE_BYTES = 20_000
"""An answer as JSON: a long short answer is 6 kB; anything near this is not an answer."""


MOST_LEVELS = 4
"""Lists and objects within each other: the points of a measurement are the third. What is written must be readable from
any depth of any program's stack, or one answer would stop the collecting of all."""

LARGEST_NUMBER = 1e15
"""No answer counts further, and every program reads a number up to here as the same."""

DEVICE = re.compile(r"[A-Za-z0-9-]{1,64}")


PASSED = "#passed"
"""No id of an item holds this sign (`exams.documents.SLUG`)."""


def passed(item: str) -> str:
    """The name under which a log says that the candidate went on from `item`."""
    return item + PASSED


class InvalidResponseError(ValueError):
    """What a browser sent is not a response to this form; the message says why, in English."""


@dataclass(frozen=True)
class Response:
    """One change. `value` is None or empty where the answer was cleared; `device` names the browser it came from."""

    sequence: int
    item: str
    value: Json
    flagged: bool
    device: str

    def public(self) -> dict[str, Json]:
        """The same as JSON for the candidate's browser."""
        return {
            "sequence": self.sequence,
            "item": self.item,
            "value": self.value,
            "flagged": self.flagged,
            "device": self.device,
        }


@dataclass(frozen=True)
class Counts:
    """How far a candidate is; a flagged item is also counted as answered or unanswered."""

    answered: int
    flagged: int
    unanswered: int


def parse(data: object, items: Collection[str]) -> Response:
    """A response from JSON that a browser sent.

    Raises InvalidResponseError where it is not one to an item of `items`.
    """
    if not isinstance(data, dict):
        raise InvalidResponseError("a response is not an object")
    sequence, item, device = data.get("sequence"), data.get("item"), data.get("device")
    if type(sequence) is not int or not 1 <= sequence <= MAX_SEQUENCE:
        raise InvalidResponseError(f"sequence {sequence!r} is not a number from 1 to {MAX_SEQUENCE}")
    if not isinstance(item, str) or item not in items:
        raise InvalidResponseError(f"item {item!r} is not in this form")
    if not isinstance(device, str) or not DEVICE.fullmatch(device):
        raise InvalidResponseError("device is not a name of 1 to 64 letters, digits and -")
    value = data.get("value")
    if not _plain(value, MOST_LEVELS):
        raise InvalidResponseError(f"the answer to item {item} is nested too deep or has a number that is too large")
    try:
        size = len(canonical(value))
    except ValueError as error:  # NaN, or half of a surrogate pair: JSON that no other program would read back
        raise InvalidResponseError(f"the answer to item {item} is not plain JSON") from error
    if size > MAX_VALUE_BYTES:
        raise InvalidResponseError(f"the answer to item {item} is longer than {MAX_VALUE_BYTES} bytes")
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # SQLite gives it back so, and a digest over 5.0 would not fit 5 any more
    return Response(sequence, item, value, data.get("flagged") is True, device)


def _plain(value: object, levels: int) -> bool:
    """Whether `value` has no more than `levels` lists and objects within each other, and no number out of bounds."""
    if isinstance(value, int | float):
        return abs(value) <= LARGEST_NUMBER
    if not isinstance(value, list | dict):
        return True
    parts = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_plain(part, levels - 1) for part in parts)


def latest(log: Iterable[Response]) -> dict[str, Response]:
    """What holds for each item: the response with the highest sequence among those before the item was passed."""
    log = tuple(log)
    closed = closings(log)
    held: dict[str, Response] = {}
    for response in log:
        if response.sequence > closed.get(response.item, MAX_SEQUENCE):
            continue
        known = held.get(response.item)
        if known is None or response.sequence > known.sequence:
            held[response.item] = response
    return held


def closings(log: Iterable[Response]) -> dict[str, int]:
    """The sequence from which on an item cannot be answered any more, of those that were passed."""
    closed: dict[str, int] = {}
    for response in log:
        if response.item.endswith(PASSED):
            item = response.item.removesuffix(PASSED)
            closed[item] = min(response.sequence, closed.get(item, MAX_SEQUENCE))
    return closed


def late(log: Iterable[Response], sent: Iterable[Response]) -> list[Response]:
    """Those of `sent` that answer an item after it was passed."""
    sent = tuple(sent)
    closed = closings((*log, *sent))
    return [response for response in sent if response.sequence > closed.get(response.item, MAX_SEQUENCE)]


def blank(value: Json) -> bool:
    """Whether a value answers nothing: never given, cleared, or white space."""
    return value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip())


def counts(held: Mapping[str, Response], items: Collection[str]) -> Counts:
    """How many of `items` are answered, flagged and unanswered."""
    responses = [held[item] for item in items if item in held]
    answered = sum(not blank(response.value) for response in responses)
    return Counts(answered, sum(response.flagged for response in responses), len(items) - answered)


def canonical(value: object) -> bytes:
    """`value` as JSON in one way only (sorted keys, no spaces, UTF-8), to be measured or hashed."""
    return _canonical.encode(value).encode()


_canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: object) -> str:
    """SHA-256 (hex) over `value` as JSON."""
    return hashlib.sha256(canonical(value)).hexdigest()


def receipt_hash(exam: str, number: str, form: str, closed_ms: int, answers: Mapping[str, Json]) -> str:
    """SHA-256 (hex) over who answered what and when.

    A candidate who keeps it can have the answers that are marked checked against it.
    """
    return digest({"exam": exam, "number": number, "form": form, "closed": closed_ms, "answers": dict(answers)})
