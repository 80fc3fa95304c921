"""Ranks: 1 - AUC of weighted rows, and what each row contributes to it.

The area under the ROC curve is the probability that a row of the class ranks above a row of the
rest, ties counting half (Hanley & McNeil, "The meaning and use of the area under a ROC curve",
Radiology, 1982).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]


def auc_loss(ranking: Numbers, positive: Flags, weights: Numbers) -> Array:
    """1 - AUC for each weighting: ranking [N], positive [N], weights [B, N] -> [B].

    NaN where a weighting leaves one of the two sides empty. One sort serves all weightings.

    Example:
        >>> auc_loss(np.array([1.0, 2.0, 3.0]), np.array([False, False, True]), np.ones((1, 3)))
        array([0.])
    """
    order = np.argsort(ranking)  # any order among ties: they count alike
    ranking, positive, weights = ranking[order], positive[order], weights[:, order]
    below = np.zeros((weights.shape[0], len(order) + 1))
    np.cumsum(weights * ~positive, axis=1, out=below[:, 1:])
    first = np.searchsorted(ranking, ranking[positive], side="left")
    last = np.searchsorted(ranking, ranking[positive], side="right")
    chosen = weights[:, positive]
    won = np.einsum("bn,bn->b", chosen, (below[:, first] + below[:, last]) / 2)
    pairs = chosen.sum(axis=1) * below[:, -1]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1 - won / pairs)


def auc_shares(ranking: Numbers, positive: Flags) -> Numbers:
    """Give numbers whose mean is 1 - AUC and whose weighted mean is nearly that of the weighting.

    They are the loss plus each row's influence on it (Hampel, "The influence curve and its role
    in robust estimation", JASA, 1974): how far the row outranks, or is outranked by, the other
    side. ranking [N] -> [N]; NaN throughout where one side is empty.
    """
    above, below = np.sort(ranking[positive]), np.sort(ranking[~positive])
    if not len(above) or not len(below):
        return np.full(len(ranking), np.nan, dtype=np.float32)
    share = np.empty(len(ranking), dtype=np.float32)
    share[positive] = 1 - _part_below(below, ranking[positive])
    share[~positive] = _part_below(above, ranking[~positive])
    loss = share[positive].mean(dtype=np.float64)
    # A side of few rows moves the loss more with each of them.
    scale = np.where(positive, len(ranking) / len(above), len(ranking) / len(below))
    return np.asarray(loss + (share - loss) * scale, dtype=np.float32)


def _part_below(ordered: Numbers, ranking: Numbers) -> Array:
    """The part of the ordered numbers that lies below each of the others, ties counting half."""
    first = np.searchsorted(ordered, ranking, side="left")
    last = np.searchsorted(ordered, ranking, side="right")
    return np.asarray((first + last) / (2 * len(ordered)))
