"""Majority: whether the class that most replicates vote for is the wrong one, from few replicates.

The main prediction of Domingos is that of infinitely many replicates. That of R votes is wrong too often: where votes
are nearly tied, chance decides. How often the majority of m replicates is wrong can be had without bias for any m
below R, from all subsets of m. Where votes are near a tie at rows whose classes are near one too, its excess falls as
1 / sqrt(m), elsewhere as 1 / m. Two sizes m give what is left when the excess is taken off, by the generalised
jackknife (Schucany, Gray & Owen, "On bias reduction in estimation", JASA, 1971). The ordinary jackknife supposes 1 / m
and leaves out one vote, which changes a majority only at a tie: its intervals hold the truth half the time or less.

A majority of several classes is looked at between the class in question and its strongest rival.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]
Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SHARE = 0.25  # how far towards an excess of 1 / m


def sizes(votes: int) -> tuple[int, int]:
    """Give the two sizes of subsets for this many votes, odd, so that two classes do not tie.

    Example:
        >>> sizes(50), sizes(20), sizes(5)
        ((5, 25), (3, 9), (1, 3))
    """
    half = (votes + 1) // 2
    large = max(half - (half % 2 == 0), min(3, votes - 1))
    return 2 * int(math.sqrt(large) / 2) + 1, large


def weights(votes: int) -> tuple[tuple[int, float, float], ...]:
    """Give (size, weight, lean) of each size: the weights that take the excess off, and what 1 / m alone would change.

    Example:
        >>> [(size, round(weight, 3), round(lean, 3)) for size, weight, lean in weights(5)]
        [(3, 2.366, -0.866), (1, -1.366, 0.866)]
    """
    small, large = sizes(votes)
    if small == large:  # too few votes to tell how the excess falls
        return ((large, 1.0, 0.0),)
    share = _SHARE * max(1 - 5 / votes, 0.0)
    root, plain = 1 / (1 - math.sqrt(small / large)), 1 / (1 - small / large)
    weight = (1 - share) * root + share * plain
    return ((large, weight, plain - root), (small, 1 - weight, root - plain))


def doubt(lean: float, share: float, *, votes: float, rows: int) -> float:
    """Give the variance that votes do not show: of how the excess falls, and of rows that are seldom met.

    The first was chosen by simulation (``benchmarks/interval_coverage.py``). The second is what one success and one
    failure more would add to the variance of a share, in the manner of Agresti & Coull, "Approximate is better than
    'exact' for interval estimation of binomial proportions", The American Statistician, 1998.

    Args:
        lean: how much an excess of 1 / m alone would change the share.
        share: of rows where the main prediction is wrong.
        votes: on one row.
        rows: N.
    """
    known = min(max(share, 0.0), 1.0)
    shrunk = (rows * known + 1) / (rows + 2)
    seldom = max(shrunk * (1 - shrunk) - known * (1 - known), 0.0) / rows
    return (0.1 + 6.0 / votes**2) * lean**2 + seldom


def pseudo_values(votes: Counts, known: Flags, best: Counts, *, classes: int) -> tuple[Array, Array]:
    """Give pseudo-values of whether the main prediction is not ``best``, and how far they lean on one supposition.

    Args:
        votes: [R, n] of each replicate on each row.
        known: [R, n] whether it votes there.
        best: [n] the class that the main prediction is compared with.
        classes: K.

    Returns:
        Pseudo-values [R, n], 0 where a replicate does not vote; and [n], what an excess of 1 / m would give more than
        one of 1 / sqrt(m).
    """
    replicates, rows = votes.shape
    counts = np.stack([((votes == each) & known).sum(axis=0) for each in range(classes)], axis=1)
    place = np.arange(rows)
    others = counts.copy()
    others[place, best] = -1
    rival = np.argmax(others, axis=1)
    whole, ours, theirs = known.sum(axis=0), counts[place, best], counts[place, rival]
    ties_lost = rival < best
    pseudo, lean = np.zeros((replicates, rows)), np.zeros(rows)
    for count in np.unique(whole[whole >= 2]).tolist():
        own = whole == count
        chosen, a, b, lost = votes[:, own], ours[own], theirs[own], ties_lost[own]
        for size, weight, leaning in weights(count):
            wrong = _wrong(count, size, a, b, lost)
            without_ours = _wrong(count - 1, size, np.maximum(a - 1, 0), b, lost)
            without_theirs = _wrong(count - 1, size, a, np.maximum(b - 1, 0), lost)
            without_another = _wrong(count - 1, size, a, b, lost)
            left = np.where(chosen == rival[own], without_theirs, without_another)
            left = np.where(chosen == best[own], without_ours, left)
            pseudo[:, own] += weight * (count * wrong - (count - 1) * left)
            lean[own] += leaning * wrong
    return np.where(known, pseudo, 0.0), lean


def _wrong(votes: int, size: int, ours: Counts, theirs: Counts, ties_lost: Flags) -> Array:
    """The chance that among ``size`` of the votes the rival has more than we have, or as many where it wins ties.

    Votes are drawn without replacement: counts are hypergeometric.
    """
    if size > votes:
        return np.zeros(len(ours))
    ours = np.minimum(ours, votes)
    theirs = np.minimum(theirs, votes - ours)
    distinct, row_of = np.unique(
        np.stack([ours, theirs, ties_lost.astype(np.int64)], axis=1), axis=0, return_inverse=True
    )
    mine, yours = (each.ravel() for each in np.meshgrid(np.arange(size + 1), np.arange(size + 1), indexing="ij"))
    kept = mine + yours <= size
    mine, yours = mine[kept], yours[kept]
    chances = np.zeros(len(distinct))
    for place, (a, b, lost) in enumerate(distinct.tolist()):
        beaten = yours >= mine if lost else yours > mine
        i, j = mine[beaten], yours[beaten]
        logs = _log_choose(a, i) + _log_choose(b, j) + _log_choose(votes - a - b, size - i - j)
        chances[place] = np.exp(logs - _log_choose(votes, np.array(size))).sum()
    return np.asarray(chances[row_of.ravel()])


def _log_choose(whole: int, some: npt.NDArray[np.integer]) -> Array:
    """The logarithm of the number of ways to choose some of the whole; minus infinity where there are none."""
    possible = (some >= 0) & (some <= whole)
    inside = np.where(possible, some, 0)
    ways = special.gammaln(whole + 1) - special.gammaln(inside + 1) - special.gammaln(whole - inside + 1)
    return np.where(possible, ways, -np.inf)
