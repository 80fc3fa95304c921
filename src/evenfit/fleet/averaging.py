"""Averaging: what a member predicts with is a mean of its weights at the ends of epochs.

A moving average forgets by its decay, and is corrected for having started from nothing; over the last share of the
epochs stochastic weight averaging takes its place, the plain mean (Izmailov et al., "Averaging weights leads to wider
optima and better generalization", UAI 2018).
"""

from __future__ import annotations

import math

from evenfit.specs.config import Config


def decay(config: Config, epoch: int) -> float:
    """Give the share of the average that stays when ``epoch``, counted from 0, has been trained; 0 replaces it."""
    place = _place(config, epoch)
    return config.weight_averaging if place < 0 else place / (place + 1)


def correction(config: Config, trained: int) -> float:
    """Give what the average after ``trained`` epochs is to be divided by; 0 where there is none."""
    if _place(config, trained - 1) >= 0:
        return 1.0
    return 1 - config.weight_averaging**trained if config.weight_averaging > 0 and trained > 0 else 0.0


def _place(config: Config, epoch: int) -> int:
    """Count the epochs before this one that the plain mean is made of; below 0 it has not begun."""
    if config.swa_share == 0:
        return -1
    begin = min(config.epochs - 1, math.ceil(config.epochs * (1 - config.swa_share)))
    return epoch - begin
