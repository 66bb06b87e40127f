"""Agreement of markers: how far two who mark the same answers independently give the same. Pure.

weighted_kappa: J. Cohen, Psychological Bulletin 70 (1968) 213, with the squared distance as weight of a disagreement.
icc: P. E. Shrout and J. L. Fleiss, Psychological Bulletin 86 (1979) 420, case 1 (the markers differ from
answer to answer).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def weighted_kappa(pairs: Sequence[tuple[float, float]]) -> float | None:
    """Agreement beyond chance of the two marks of each answer, 1 where all agree, 0 where none do beyond chance.

    None where there are no pairs, or all marks are the same: then chance agrees as well.
    """
    if not pairs:
        return None
    one, other = np.asarray(pairs, dtype=float).T
    observed = np.mean((one - other) ** 2)
    # the mean of (a - b)^2 over all a of one and b of the other, without the table of them
    by_chance = np.var(one) + np.var(other) + (np.mean(one) - np.mean(other)) ** 2
    return None if by_chance == 0 else float(1 - observed / by_chance)


def icc(answers: Sequence[Sequence[float]]) -> float | None:
    """ICC(1,1): the share of the variance of single marks that lies between answers; `answers`: the marks of each.

    Answers with one mark tell nothing and are left out. None where fewer than two are left, or all marks are the same.
    Where answers have different numbers of marks, k is their mean corrected for its spread (k0 of the one-way analysis
    of variance).
    """
    marked = [np.asarray(own, dtype=float) for own in answers if len(own) > 1]
    if len(marked) < 2:
        return None
    sizes = np.array([len(own) for own in marked])
    means = np.array([own.mean() for own in marked])
    total, groups = sizes.sum(), len(marked)
    grand = (sizes * means).sum() / total
    between = (sizes * (means - grand) ** 2).sum() / (groups - 1)
    within = sum(((own - own.mean()) ** 2).sum() for own in marked) / (total - groups)
    k = (total - (sizes**2).sum() / total) / (groups - 1)
    spread = between + (k - 1) * within
    return None if spread == 0 else float((between - within) / spread)
