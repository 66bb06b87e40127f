"""Many-facet Rasch model of marks: how severe each marker is, with answers and questions held apart from it. Pure.

J. M. Linacre, Many-Facet Rasch Measurement (MESA Press 1994). The log-odds of a mark over the next lower one are the
answer's quality less the question's difficulty, the marker's severity and the step; markers' severities average to 0.
Estimated by marginal maximum likelihood (the library `mirt`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

MOST_CATEGORIES = 7
"""Marks of a question are put into so many steps: of more, some would hardly ever be given and little known of them."""
FEWEST_RATINGS = 10
"""Of a marker: with fewer their severity is noise."""


@dataclass(frozen=True)
class Rating:
    """One mark: `share` of the question's points, 0 to 1, that `marker` gave `answer` to the question `item`."""

    answer: str
    marker: str
    item: str
    share: float


@dataclass(frozen=True)
class Severity:
    """A marker's severity in logits (above 0: severer than the others on average) and its standard error.

    infit, outfit: mean squares; 1 as the model expects, above 1.5 the marker wavers, below 0.5 they hardly differ
    between answers (Linacre's limits).
    """

    marker: str
    logits: float
    error: float
    infit: float
    outfit: float


class NotEstimableError(ValueError):
    """The marks do not say how severe the markers are; the message is an English msgid that says why."""


TOO_FEW = "Too few answers are marked twice so far."
APART = "The markers share too few answers: some have marked none that another marked too."
ALIKE = "The marks hardly differ so far."
EXTREME = "Too little is left without the markers who gave only the lowest or only the highest mark."
FAILED = "The severity could not be computed."

LOWEST, HIGHEST = "lowest", "highest"


def severities(ratings: Sequence[Rating]) -> list[Severity]:
    """The severity of each marker with FEWEST_RATINGS or more, the severest first, but for `extremes`.

    Raises NotEstimableError.
    """
    kept, extreme = _telling(ratings)
    answers, markers = sorted({one.answer for one in kept}), sorted({one.marker for one in kept})
    items = sorted({one.item for one in kept})
    if len(markers) < 2 or len(answers) < FEWEST_RATINGS:
        raise NotEstimableError(EXTREME if extreme else TOO_FEW)
    if not _connected(kept, markers):
        raise NotEstimableError(APART)
    scores, categories = _categories(kept)
    if categories < 2:
        raise NotEstimableError(ALIKE)
    return _fit(kept, scores, categories, answers, markers, items)


def extremes(ratings: Sequence[Rating]) -> dict[str, str]:
    """Who gave FEWEST_RATINGS or more, all the LOWEST or all the HIGHEST mark: no number says how severe they are."""
    return _telling(ratings)[1]


def _telling(ratings: Sequence[Rating]) -> tuple[list[Rating], dict[str, str]]:
    """The ratings that severities can be estimated from, and the `extremes`.

    A marker, or a question, whose marks all are at one end would be at infinity. Without them another may be at an end.
    """
    kept, extreme = _enough(ratings), dict[str, str]()
    while kept:
        scores, categories = _categories(kept)
        ends = {0: LOWEST, categories - 1: HIGHEST}
        markers = _at_one_end([one.marker for one in kept], scores, ends)
        items = _at_one_end([one.item for one in kept], scores, ends)
        if categories < 2 or not (markers or items):
            break
        extreme |= markers
        kept = _enough([one for one in kept if one.marker not in markers and one.item not in items])
    return kept, extreme


def _at_one_end(names: Sequence[str], scores: np.ndarray, ends: Mapping[int, str]) -> dict[str, str]:
    """Those of `names` whose scores are all the same one of `ends`, and which."""
    given: dict[str, set[int]] = defaultdict(set)
    for name, score in zip(names, scores.tolist(), strict=True):
        given[name].add(score)
    return {name: ends[min(own)] for name, own in given.items() if len(own) == 1 and min(own) in ends}


def _enough(ratings: Sequence[Rating]) -> list[Rating]:
    """The ratings of answers that two or more marked, by markers with enough of them."""
    kept = list(ratings)
    while True:
        by_answer = _counted([one.answer for one in kept])
        by_marker = _counted([one.marker for one in kept])
        left = [one for one in kept if by_answer[one.answer] > 1 and by_marker[one.marker] >= FEWEST_RATINGS]
        if len(left) == len(kept):
            return left
        kept = left


def _counted(names: Sequence[str]) -> dict[str, int]:
    return dict(zip(*np.unique(names, return_counts=True), strict=True)) if names else {}


def _connected(ratings: Sequence[Rating], markers: Sequence[str]) -> bool:
    """Whether answers that two marked lead from every marker to every other."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    level = {name: place for place, name in enumerate(markers)}
    node = {name: len(level) + place for place, name in enumerate({one.answer for one in ratings})}
    ends = [level[one.marker] for one in ratings], [node[one.answer] for one in ratings]
    graph = coo_array((np.ones(len(ratings)), ends), shape=(len(level) + len(node),) * 2)
    return int(connected_components(graph, directed=False)[0]) == 1


def _categories(ratings: Sequence[Rating]) -> tuple[np.ndarray, int]:
    """The step of each rating, 0 upwards without one that nobody gave, and how many there are."""
    steps = np.rint(np.array([one.share for one in ratings]) * (MOST_CATEGORIES - 1)).astype(int)
    given, scores = np.unique(steps, return_inverse=True)
    return scores, len(given)


def _fit(
    ratings: Sequence[Rating],
    scores: np.ndarray,
    categories: int,
    answers: Sequence[str],
    markers: Sequence[str],
    items: Sequence[str],
) -> list[Severity]:
    from mirt.estimation import fit_mfrm
    from mirt.exceptions import MirtError
    from mirt.models import Facet, PolytomousMFRM

    row = {name: place for place, name in enumerate(answers)}
    level, question = ({name: place for place, name in enumerate(names)} for names in (markers, items))
    width = max(_counted([one.answer for one in ratings]).values())
    table = np.full((len(answers), width), -1)
    marker_of, item_of = np.zeros_like(table), np.zeros_like(table)
    filled = np.zeros(len(answers), dtype=int)
    for one, score in zip(ratings, scores, strict=True):
        place = row[one.answer], filled[row[one.answer]]
        table[place], marker_of[place], item_of[place] = score, level[one.marker], question[one.item]
        filled[row[one.answer]] += 1
    model = PolytomousMFRM(len(items), categories, [Facet("marker", len(markers))])
    try:
        fitted = fit_mfrm(model, table, {"marker": marker_of}, item_indices=item_of)
    except MirtError as error:
        raise NotEstimableError(FAILED) from error
    told = [fitted.facet_parameters, fitted.facet_se, fitted.infit, fitted.outfit]
    found = [Severity(name, *(float(own["marker"][place]) for own in told)) for place, name in enumerate(markers)]
    return sorted(found, key=lambda one: -one.logits)
