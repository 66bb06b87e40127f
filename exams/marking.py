"""Marking 评分: an item and a response give a mark. Pure; whatever a candidate sends, it answers and never raises."""

from __future__ import annotations

import math
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from exams.items import Item

CORRECT = "Correct."
PARTLY = "Partly correct: some of the right options are missing."
WRONG = "Wrong."
BLANK = "No answer."
INVALID = "This is not a valid answer."
AWAITS_MARKER = "Awaits a marker."
TOO_SMALL = "The region is too small to measure."

X_SHARE_OF_SUBSET = 0.5
"""X items: all right options and no other earn the points; some of them and no wrong one this share; else nothing."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?")
LONGEST_NUMBER = 40
ROUNDING = 1e-9  # slack, in units of the key, so that 0.18 is within 0.02 of 0.16 in binary too


@dataclass(frozen=True)
class Mark:
    """Points earned of `maximum`, whether right (None: a teacher decides), and why: an English msgid."""

    points: float
    maximum: float
    correct: bool | None
    reason: str


def number(response: object) -> float | None:
    """The number in a response, None where there is none. Full-width digits, as Chinese input gives them, count."""
    if not isinstance(response, str) or len(response) > LONGEST_NUMBER:
        return None
    text = unicodedata.normalize("NFKC", response).replace("\u2212", "-").strip()
    if not text.isascii() or not NUMBER.fullmatch(text):
        return None
    return float(text)


def close(value: float, item: Item) -> bool:
    """Whether `value` is within the tolerance of the key of `item`."""
    return isinstance(item.key, float) and abs(value - item.key) <= item.tolerance + ROUNDING


def is_blank(response: object) -> bool:
    """Whether nothing was answered."""
    return response is None or response == [] or (isinstance(response, str) and not response.strip())


def mark(item: Item, response: object, series: Any = None) -> Mark:  # noqa: ARG001
    """The mark of `response` to `item`; a measurement is measured again on `series`, the image of the item."""
    if is_blank(response):
        return Mark(0.0, item.points, False, BLANK)
    if item.type == "short":
        if isinstance(response, str):
            return Mark(0.0, item.points, None, AWAITS_MARKER)
        return Mark(0.0, item.points, False, INVALID)
    share, reason = _share(item, response)
    return Mark(item.points * share, item.points, share == 1, reason)


def _share(item: Item, response: object) -> tuple[float, str]:
    """The share of the points earned, and why."""
    if item.type == "X":
        return _several(item, response)
    if item.options:
        if response not in item.letters:
            return 0.0, INVALID
        return (1.0, CORRECT) if response == item.key else (0.0, WRONG)
    value = number(response)
    if value is None or not math.isfinite(value):
        return 0.0, INVALID
    return (1.0, CORRECT) if close(value, item) else (0.0, WRONG)


def _several(item: Item, response: object) -> tuple[float, str]:
    if (
        not isinstance(response, (list, tuple))
        or not all(isinstance(letter, str) and letter in item.letters for letter in response)
        or len(set(response)) < len(response)
    ):
        return 0.0, INVALID
    chosen, right = set(response), set(item.key if isinstance(item.key, tuple) else ())
    if chosen == right:
        return 1.0, CORRECT
    return (X_SHARE_OF_SUBSET, PARTLY) if chosen < right else (0.0, WRONG)
