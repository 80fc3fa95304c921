"""Repeats: whether a model that is fitted again to the same rows, from the same seed, is the same."""

from __future__ import annotations

import numpy as np

from evenfit.data.splits import Split
from evenfit.experiments.fitting.fits import Fit, Learner, never


def note_on_repeats(learner: Learner, split: Split, *, seed: int, name: str) -> str:
    """Fit the learner's first variant twice, and say whether it repeats; nothing is said where it does, or fails.

    What evenfit fits always does. A user's model does, unless it draws from a generator that is none of its
    ``random_state``s and none of numpy's, Python's or torch's global ones.

    Args:
        learner: of the variant.
        split: rows for both fits.
        seed: of both.
        name: what the model is called.

    Returns:
        A sentence, or nothing.
    """
    fits = [Fit(variant=0, split=0, seed=seed)] * 2
    found = list(learner(fits, [split], checkpoints=0, workers=1, stop=never))
    if len(found) < 2 or any(one.failure for one in found):
        return ""
    first, second = (one.predictions for one in found)
    if np.array_equal(first, second):
        return ""
    apart = float(np.abs(first - second).max())
    return (
        f"{name} does not repeat: fitted again to the same rows from the same seed, predictions differ by up to "
        f"{apart:.2g}; give it a random_state that is used, or take what is said of seeds as part of the noise"
    )
