"""Spending: how many epochs trials have trained, and how many a heat may train.

An epoch is one pass of one network over its training rows: a config that trains for 32 epochs on 5 splits takes 160.
"""

from __future__ import annotations

from collections.abc import Sequence

from evenfit.experiments.checkpoints import checkpoint_epochs
from evenfit.experiments.heat import Heat
from evenfit.results.trial import PLANNED, Trial
from evenfit.specs.racing import survivors


def trained_epochs(trials: Sequence[Trial]) -> int:
    """Count the epochs that trials have trained, over all the splits that they were tried on."""
    return sum(int(trial.epochs[-1]) * int(trial.seen.sum()) for trial in trials if trial.status != PLANNED)


def most_epochs(heat: Heat, splits: int) -> int:
    """Give the most epochs that a heat can train: those of a race in which none diverges.

    Where some splits come first, all configs may go on to the others.
    """
    if not heat.entries:
        return 0
    epochs, left = heat.entries[0].config.epochs, len(heat.entries)
    checkpoints = checkpoint_epochs(epochs, heat.checkpoints)
    rungs = {min(checkpoints, key=lambda at: abs(at - share * epochs)) for share in heat.rungs}
    spent = since = 0
    for rung in sorted(rungs - {epochs}) if not heat.first else ():
        spent += left * (rung - since)
        left, since = survivors(left, heat.thinning), rung
    return (spent + left * (epochs - since)) * splits
