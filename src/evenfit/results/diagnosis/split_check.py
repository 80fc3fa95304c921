"""Split check: whether the rows that judge are like those that train.

Rows are told apart by a classifier, as Lopez-Paz & Oquab propose ("Revisiting classifier two-sample tests", ICLR
2017); where nothing tells them apart, its AUC is 0.5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import special

from evenfit.results.diagnosis.diagnosis import SplitCheck
from evenfit.results.ranks import auc_shares
from evenfit.results.study import Interval

Numbers = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]

LEAST_AUC = 0.6  # below it, rows that differ surely still differ little
CHANCE = 0.01  # of saying that rows are unlike which are alike
HARDER = 0.15  # of the expected loss: a smaller difference says nothing of the split, however sure it is
ROUGH = 0.3  # of the expected loss: where chance alone moves the loss so far, too few rows judge


def check_split(
    ranking: Numbers,
    judging: Flags,
    *,
    columns: Sequence[tuple[str, float]],
    own: Numbers,
    expected: Numbers,
    loss: str,
) -> SplitCheck:
    """Say whether rows that were given to judge by can be told from those that train, and lose as much.

    Args:
        ranking: how likely each row is to be one that judges, by a classifier that did not see it: [n].
        judging: whether it is one: [n].
        columns: how well each column alone tells them apart, the best first.
        own: loss of each row that judges, by models that trained on the others: [m].
        expected: loss of each row that trains, out of fold: [k].
        loss: what the losses are called.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> known, judging = rng.normal(size=400), np.arange(400) < 100
        >>> check_split(known + 2 * judging, judging, columns=[("x", 0.9)], own=known[:100] ** 2,
        ...             expected=known[100:] ** 2, loss="squared error").unlike
        True
    """
    told, chance = _told_apart(ranking, judging)
    usual, own_loss = float(expected.mean()), float(own.mean())
    error = float(expected.std(ddof=1)) * math.sqrt(1 / len(own) + 1 / len(expected))
    reach = float(special.ndtri(1 - CHANCE / 2)) * error
    band = Interval(mean=usual, low=max(0.0, usual - reach), high=usual + reach, level=1 - CHANCE)
    own_error = float(own.std(ddof=1)) / math.sqrt(len(own)) if len(own) > 1 else math.inf
    # Either error may be the larger one: a shifted sample has a spread of its own.
    far = abs(own_loss - usual) > float(special.ndtri(1 - CHANCE / 2)) * max(error, own_error)
    far = far and abs(own_loss - usual) > HARDER * abs(usual)
    apart = chance < CHANCE and told.mean >= LEAST_AUC
    return SplitCheck(
        told_apart=told,
        chance=chance,
        columns=tuple(columns),
        own_loss=own_loss,
        expected=band,
        unlike=apart or far,
        sentence=_sentence(told, apart=apart, far=far, own=own_loss, band=band, columns=columns, loss=loss),
    )


def _told_apart(ranking: Numbers, judging: Flags) -> tuple[Interval, float]:
    """AUC with its interval, and the chance of one as high where rows are alike."""
    shares = 1 - auc_shares(ranking, judging).astype(np.float64)
    auc = float(shares.mean())
    reach = float(special.ndtri(0.975)) * float(shares.std(ddof=1)) / math.sqrt(len(shares))
    some, others = int(judging.sum()), int((~judging).sum())
    spread = math.sqrt((some + others + 1) / (12 * some * others))  # of a rank sum where rows are alike
    interval = Interval(mean=auc, low=max(0.0, auc - reach), high=min(1.0, auc + reach))
    return interval, float(special.ndtr((0.5 - auc) / spread))


def _sentence(
    told: Interval,
    *,
    apart: bool,
    far: bool,
    own: float,
    band: Interval,
    columns: Sequence[tuple[str, float]],
    loss: str,
) -> str:
    words = f"The rows that judge are told from those that train with an AUC of {told.mean:.2f} "
    words += f"({told.low:.2f} to {told.high:.2f}; 0.5 is not at all)"
    if apart and columns:
        words += f", most by {' and '.join(name for name, auc in columns[:2] if auc >= LEAST_AUC) or columns[0][0]}"
    usual = f"{band.low:.3g} to {band.high:.3g}"
    if far:
        than = "harder" if own > band.mean else "easier"
        words += f"; they are {than}: {loss} is {own:.3g} on them, and {usual} on as many rows drawn at random."
    else:
        words += f"; {loss} is {own:.3g} on them, and {usual} on as many rows drawn at random."
    if band.high - band.mean > ROUGH * abs(band.mean):
        words += " They are too few to judge by: chance alone moves their loss that far."
    return words
