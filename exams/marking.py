"""Marking 评分: an item and a response give a mark. Pure; whatever a candidate sends, it answers and never raises."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from courses import measure
from exams.items import MARK, MOST_FRAMES, Item
from exams.regions import earned
from exams.response import canonical

CORRECT = "Correct."
PARTLY = "Partly correct: some of the right options are missing."
NEAR = "Partly correct: the mark lies near the right place."
WRONG = "Wrong."
BLANK = "No answer."
INVALID = "This is not a valid answer."
AWAITS_MARKER = "Awaits a marker."
AWAITS_RUN = "Awaits its run in the sandbox."
GIVEN = "Given to everybody by a ruling."

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


def mark(item: Item, response: object, series: measure.Image | None = None) -> Mark:
    """The mark of `response` to `item`; a measurement is measured anew on `series`, the image of the item."""
    if item.void:
        return Mark(item.points, item.points, True, GIVEN)
    if is_blank(item, response):
        return Mark(0.0, item.points, False, BLANK)
    if item.type == "short":
        return Mark(0.0, item.points, None, AWAITS_MARKER)
    if item.type == "code":  # `exams.autograde` runs it
        return Mark(0.0, item.points, None, AWAITS_RUN)
    if item.type == "X":
        share, reason = _several(item, response)
    elif item.options:
        share, reason = _one(item, response)
    elif item.type == "hotspot":
        share, reason = _placed(item, response)
    else:
        share, reason = _close(item, value(item, response, series))
    return Mark(item.points * share, item.points, share == 1, reason)


def sheets(
    items: Sequence[Item], responses: Mapping[str, Mapping[str, object]], images: Mapping[str, measure.Image]
) -> dict[str, dict[str, Mark]]:
    """Candidate number -> item id -> mark, of every candidate in `responses`; `images`: case id -> series.

    Item by item, and of an item each different answer once: thousands of candidates give the same few.
    """
    marked: dict[str, dict[str, Mark]] = {number: {} for number in responses}
    for item in items:
        image = images.get((item.asset or {}).get("case", ""))
        known: dict[str | bytes | None, Mark] = {}
        for number, own in responses.items():
            response = own.get(item.id)
            # a text stands for itself; the JSON of anything else is bytes, and so is never the same as a text
            name = response if response is None or isinstance(response, str) else canonical(response)
            if name not in known:
                known[name] = mark(item, response, image)
            marked[number][item.id] = known[name]
    return marked


def points_of(own: Mapping[str, Mark]) -> dict[str, float | None]:
    """Item id -> points of a candidate's marks, None where a person marks."""
    return {item: None if one.correct is None else one.points for item, one in own.items()}


def is_blank(item: Item, response: object) -> bool:
    """Whether nothing was answered; for a short answer and for code what is no text is nothing, and the starter too."""
    if item.type in ("short", "code") and not isinstance(response, str):
        return True
    if item.type == "code" and str(response).strip() == item.starter:
        return True
    return response is None or response == [] or (isinstance(response, str) and not response.strip())


def value(item: Item, response: object, series: measure.Image | None = None) -> float | None:
    """The number that `response` gives to a numeric, ecg or measurement item, in the item's unit.

    None where it gives none: not a number, not the measurement asked for, no image to measure it on, or a region
    smaller than the item's minimum area.
    """
    if item.type != "measurement":
        return number(response)
    if series is None or not isinstance(response, Mapping) or response.get("kind") != item.measure:
        return None
    try:
        measured, _ = measure.evaluate(response, series)
    except ValueError:
        return None
    if item.minimum_area and measure.ellipse_area(response["points"], series.spacing) < item.minimum_area:
        return None
    return measured


def place(response: object) -> tuple[int, float, float] | None:
    """(frame, x, y) of the mark that `response` is; None where it is none."""
    if not isinstance(response, Mapping) or response.get("kind") != MARK:
        return None
    try:
        _, frame, [(x, y)] = measure.checked(response, MOST_FRAMES)
    except ValueError:
        return None
    return frame, x, y


def number(response: object) -> float | None:
    """The number in a response, None where there is none. Full-width digits, as Chinese input gives them, count."""
    if not isinstance(response, str) or len(response) > LONGEST_NUMBER:
        return None
    text = unicodedata.normalize("NFKC", response).replace("\u2212", "-").strip()
    return float(text) if text.isascii() and NUMBER.fullmatch(text) else None


def _close(item: Item, given: float | None) -> tuple[float, str]:
    """The share of the points that a number earns, and why."""
    if given is None or not isinstance(item.key, float):
        return 0.0, INVALID
    return (1.0, CORRECT) if abs(given - item.key) <= item.tolerance + ROUNDING else (0.0, WRONG)


def _placed(item: Item, response: object) -> tuple[float, str]:
    """The share of the points that a mark on the image earns, and why."""
    if (at := place(response)) is None:
        return 0.0, INVALID
    share = earned([region.plain() for region in item.regions], *at) / item.points
    return share, CORRECT if share == 1 else NEAR if share else WRONG


def _one(item: Item, response: object) -> tuple[float, str]:
    """The share of the points that one letter earns, and why."""
    if response not in item.letters:
        return 0.0, INVALID
    return (1.0, CORRECT) if response in (item.key, *item.accepted) else (0.0, WRONG)


def _several(item: Item, response: object) -> tuple[float, str]:
    """The share of the points that a list of letters earns, and why."""
    if (
        not isinstance(response, (list, tuple))
        or not all(isinstance(letter, str) and letter in item.letters for letter in response)
        or len(set(response)) < len(response)
    ):
        return 0.0, INVALID
    chosen, right = set(response), set(item.key or ()) if isinstance(item.key, tuple) else set()
    if chosen == right:
        return 1.0, CORRECT
    return (X_SHARE_OF_SUBSET, PARTLY) if chosen < right else (0.0, WRONG)


@dataclass(frozen=True)
class Examples:
    """Responses an item makes for itself: full marks, none, and not an answer at all."""

    correct: Any
    wrong: Any
    invalid: Any


def examples(item: Item) -> Examples:
    """Responses to `item` of every kind; those of a short answer a teacher marks, those of code a run."""
    if item.type == "code":
        return Examples(item.solution, "raise NotImplementedError()", {"not": "text"})
    if item.type == "short":
        return Examples(item.model_answer, "", {"not": "text"})
    if isinstance(item.key, tuple):
        return Examples(list(item.key), [letter for letter in item.letters if letter not in item.key], ["Z"])
    if item.options:
        return Examples(item.key, next(letter for letter in item.letters if letter != item.key), "Z")
    if item.type == "measurement":
        return _measurement_examples(item)
    if item.type == "hotspot":
        return _hotspot_examples(item)
    assert isinstance(item.key, float)  # noqa: S101 - the schema's rule for what has no options
    return Examples(f"{item.key:g}", f"{item.key + 3 * item.tolerance:g}", "not a number")


def _hotspot_examples(item: Item) -> Examples:
    """A mark inside the best region; one that lies left of all; one without points."""
    best = max(item.regions, key=lambda region: region.points)
    x, y = best.inside()
    left = min(min((corner[0] for corner in one.polygon), default=0.0) for one in item.regions)
    left = min([left, *(one.circle[0] - one.circle[2] for one in item.regions if one.circle)]) - 1
    correct = {"kind": MARK, "frame": best.first, "points": [[x, y]]}
    return Examples(correct, {**correct, "points": [[left, y]]}, {**correct, "points": []})


def _measurement_examples(item: Item) -> Examples:
    """The author's measurement; the same shrunk into the image's corner; one without points."""
    correct = dict(item.example or {})
    (x0, y0), *_ = correct["points"]
    small = [[round((x - x0) / 8, 3), round((y - y0) / 8, 3)] for x, y in correct["points"]]
    if item.measure == "angle":  # an angle does not shrink: flatten it
        small = [[0, 0], [1, 0], [2, 0]]
    return Examples(correct, {**correct, "points": small}, {**correct, "points": []})
