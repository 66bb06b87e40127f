"""What the group lead reads of the markers: how much, how fast, how like the others, how strict. Pure.

`rows` is the one place where the figures come from: it is given the marks (`PanelStore.ratings`) and knows no store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median

from exams import facets
from exams.agreement import icc, weighted_kappa
from exams.panel.reading import Rating
from exams.panel.rules import Kind

INDEPENDENT = (Kind.MARK, Kind.CHECK)
"""Marks that were given without knowing any other."""


@dataclass(frozen=True)
class Row:
    """A marker's figures; None where there is too little to say.

    marks, checks: how many of each; seconds: the median; share: the mean share of an item's points they give. others:
    the mean of (own mark - the other marker's), standard: of (own mark - the lead's), both in shares of the item's
    points: above 0 is milder. agreed: the share of answers marked by another too where both are within the tolerance.
    """

    marker: str
    marks: int
    checks: int
    adjudications: int
    seconds: float | None
    share: float | None
    others: float | None
    standard: float | None
    agreed: float | None
    kappa: float | None


def rows(ratings: Sequence[Rating], worth: Mapping[str, float], tolerance: Mapping[str, float]) -> list[Row]:
    """The markers by name.

    worth: item id -> its points; tolerance: item id -> the greatest difference that is no dispute.
    """
    by_answer: dict[str, list[Rating]] = defaultdict(list)
    by_marker: dict[str, list[Rating]] = defaultdict(list)
    for rating in ratings:
        by_answer[rating.answer].append(rating)
        if rating.kind is not Kind.STANDARD:
            by_marker[rating.marker].append(rating)
    return [_row(marker, own, by_answer, worth, tolerance) for marker, own in sorted(by_marker.items())]


def _row(
    marker: str,
    given: Sequence[Rating],
    by_answer: Mapping[str, Sequence[Rating]],
    worth: Mapping[str, float],
    tolerance: Mapping[str, float],
) -> Row:
    own = [rating for rating in given if rating.kind in INDEPENDENT]
    others, standard, agreed, pairs = [], [], [], []
    for rating in own:
        for other in by_answer[rating.answer]:
            away = (rating.total - other.total) / worth[rating.item]
            if other.kind is Kind.STANDARD:
                standard.append(away)
            elif other.kind in INDEPENDENT and other.marker != marker:
                others.append(away)
                pairs.append((rating.total / worth[rating.item], other.total / worth[rating.item]))
                agreed.append(abs(rating.total - other.total) <= tolerance[rating.item])
    return Row(
        marker=marker,
        marks=sum(rating.kind is Kind.MARK for rating in own),
        checks=sum(rating.kind is Kind.CHECK for rating in own),
        adjudications=len(given) - len(own),
        seconds=median(rating.seconds for rating in own) if own else None,
        share=_mean(rating.total / worth[rating.item] for rating in own),
        others=_mean(others),
        standard=_mean(standard),
        agreed=_mean(agreed),
        kappa=weighted_kappa(pairs),
    )


@dataclass(frozen=True)
class Agreement:
    """How far the markers of an item agree: the weighted kappa of first and second marks, ICC(1,1). None: unknown."""

    kappa: float | None
    icc: float | None


def agreements(ratings: Iterable[Rating]) -> dict[str, Agreement]:
    """Item id -> agreement, of the marks that were given independently."""
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for rating in ratings:
        if rating.kind in INDEPENDENT:
            found[rating.item][rating.answer].append(rating.total)
    return {
        item: Agreement(
            weighted_kappa([(own[0], own[1]) for own in by_answer.values() if len(own) > 1]),
            icc(list(by_answer.values())),
        )
        for item, by_answer in found.items()
    }


def shares(ratings: Iterable[Rating], worth: Mapping[str, float]) -> list[facets.Rating]:
    """The marks that were given independently, as the severity of the markers is computed from them."""
    return [
        facets.Rating(one.answer, one.marker, one.item, one.total / worth[one.item])
        for one in ratings
        if one.kind in INDEPENDENT
    ]


def _mean(values: Iterable[float]) -> float | None:
    """The mean, None of nothing."""
    known = list(values)
    return fmean(known) if known else None
