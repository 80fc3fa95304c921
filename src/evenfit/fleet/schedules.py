"""Schedules: the learning rate over a member's own epochs, as shares of its highest value.

To add one, write the function of progress in [0, 1) and name it in ``SCHEDULES``. Strengths of penalties and rates of
dropout have schedules of their own, those of ``evenfit.regularize.schedules``.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def constant(progress: FloatArray) -> FloatArray:
    """Stay at the highest value."""
    return np.ones_like(progress)


def cosine(progress: FloatArray) -> FloatArray:
    """Fall along half a cosine to 0 (Loshchilov & Hutter, "SGDR", 2017, without restarts)."""
    return 0.5 * (1 + np.cos(np.pi * progress))


def coslog4(progress: FloatArray) -> FloatArray:
    """Rise and fall four times, ever slower: RealMLP's (Holzmueller et al., "Better by default", 2024)."""
    return 0.5 * (1 - np.cos(2 * np.pi * np.log2(1 + 15 * progress)))


def flat_cosine(progress: FloatArray) -> FloatArray:
    """Stay at the highest value for the first half, then fall along half a cosine to 0."""
    return np.where(progress < 0.5, 1.0, 0.5 * (1 + np.cos(np.pi * (2 * progress - 1))))


SCHEDULES: dict[str, Callable[[FloatArray], FloatArray]] = {
    "constant": constant,
    "cosine": cosine,
    "coslog4": coslog4,
    "flat-cosine": flat_cosine,
}
