"""Waiting: configs that were proposed and have not ended, as a history shows them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from evenfit.experiments.heat import Heat
from evenfit.results.trial import PLANNED, Trial

_UNKNOWN = np.full((1, 1), np.nan)


def waiting(heat: Heat, ended: Sequence[Trial] = ()) -> tuple[Trial, ...]:
    """Give a heat's configs as trials without a loss, so that a proposer neither repeats them nor learns from them.

    Those that are among the ``ended`` trials are left out.
    """
    known = {trial.number for trial in ended}
    return tuple(
        Trial(
            number=entry.number,
            round=heat.round,
            config=entry.config,
            status=PLANNED,
            epochs=np.zeros(1, dtype=np.int64),
            training_loss=_UNKNOWN,
            validation_loss=_UNKNOWN,
            selection_loss=_UNKNOWN,
            row_values=np.empty((1, 0, 0, 0), dtype=np.float16),
            best=0,
            predictions=np.empty((0, 0, 0), dtype=np.float32),
            seconds=0.0,
        )
        for entry in heat.entries
        if entry.number not in known
    )
