"""Schedules: the learning rate, and strengths and rates, over a member's own epochs, as shares of their highest value.

To add one, write the function of progress in [0, 1) and name it in ``SCHEDULES`` or ``SHARES``.
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


def linear(progress: float) -> float:
    """Fall evenly to 0."""
    return 1.0 - progress


def early(progress: float) -> float:
    """Fall evenly to 0 over the first half, then stay there (Liu et al., "Dropout reduces underfitting", ICML 2023)."""
    return max(0.0, 1.0 - 2.0 * progress)


def late(progress: float) -> float:
    """Stay at 0 for the first half, then at the highest value (Liu et al., 2023)."""
    return 0.0 if progress < 0.5 else 1.0


SHARES: dict[str, Callable[[float], float]] = {
    "constant": lambda progress: 1.0,  # noqa: ARG005 - as all others, a function of progress
    "linear": linear,
    "early": early,
    "late": late,
    "flat-cosine": lambda progress: float(flat_cosine(np.array([progress]))[0]),
}
