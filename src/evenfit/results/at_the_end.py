"""At the end: what each trial of a race would have lost on all splits, trained to its end, so that losses compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenfit.results.trial import COMPLETE, DIVERGED, Trial

Array = npt.NDArray[np.float64]


def losses_at_the_end(trials: Sequence[Trial]) -> Array:
    """Give a loss for each trial, [T]: of complete ones their own; of dropped ones what they were on the way to.

    A config that was dropped at an epoch is taken to have had as much to gain from there on as those of its heat that
    went on gained, at the median; where none of its heat did, as those of all heats. One that was tried on some splits
    is taken to differ on the others from the default, the first trial, as it does on those. Otherwise the loss of
    a dropped config would say how early it was dropped. Diverged trials have none: NaN.
    """
    whole = [trial for trial in trials if trial.status == COMPLETE]
    by_heat: dict[int, list[Trial]] = defaultdict(list)
    for trial in whole:
        by_heat[trial.round].append(trial)
    found = np.full(len(trials), np.nan)
    for place, trial in enumerate(trials):
        if trial.status == DIVERGED:
            continue
        with np.errstate(all="ignore"):
            loss = trial.loss
        if trial.status != COMPLETE:
            loss += _elsewhere(trial, trials[0])
            share = _share(trial)
            if share < 1:
                heat = [one for one in by_heat[trial.round] if _share(one) > share] or whole
                loss -= float(np.median([_gained(one, since=share) for one in heat])) if heat else 0.0
        found[place] = loss
    return np.where(np.isfinite(found), found, np.nan)


def _share(trial: Trial) -> float:
    """The share of its epochs that a trial came to."""
    return float(trial.epochs[-1]) / trial.config.epochs


def _gained(trial: Trial, *, since: float) -> float:
    """By how much a complete trial's lowest loss fell after it had come to a share of its epochs."""
    means = np.asarray(trial.selection_loss, dtype=np.float64).mean(axis=1)
    then = means[trial.epochs <= since * trial.config.epochs]
    return float(then.min() - means.min()) if len(then) else 0.0


def _elsewhere(trial: Trial, default: Trial) -> float:
    """How much higher the default's loss is on all splits than on those that the trial was tried on."""
    known = np.asarray(default.selection_loss[default.best], dtype=np.float64)
    return 0.0 if trial.seen.all() else float(known.mean() - known[trial.seen].mean())
