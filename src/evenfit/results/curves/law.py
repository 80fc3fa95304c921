"""Law: a loss that falls with the training rows n as c + a n^-alpha, fitted to a learning curve.

The form, and how well it extrapolates beside others: Viering & Loog, "The shape of learning curves: a review", IEEE
TPAMI, 2023.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.floating[Any] | np.integer[Any]]

LEAST_EXPONENT, MOST_EXPONENT = 0.05, 3.0
_STARTS = 48  # exponents that are tried at first
_FINER = 12  # exponents that are tried between neighbours, at each finer look
_LOOKS = 4
_MOST_NUMBERS = 4_000_000  # in memory at once


@dataclass(frozen=True, kw_only=True)
class Law:
    """Loss = floor + scale * rows^-exponent.

    Example:
        >>> Law(floor=0.1, scale=2.0, exponent=0.5).at(100)
        0.30000000000000004
    """

    floor: float  # c, at least 0: what no number of rows would undercut
    scale: float  # a, at least 0
    exponent: float  # alpha

    def at(self, rows: float) -> float:
        """Give the loss that the law has at a number of training rows."""
        return float(self.floor + self.scale * float(rows) ** -self.exponent)


@dataclass(frozen=True, eq=False, kw_only=True)
class Laws:
    """Laws of B curves, side by side."""

    floor: Array  # [B]
    scale: Array  # [B]
    exponent: Array  # [B]

    def at(self, rows: float) -> Array:
        """Give the losses at a number of training rows: [B]."""
        return np.asarray(self.floor + self.scale * float(rows) ** -self.exponent)


def fit_law(rows: Numbers, losses: Numbers, *, weights: Numbers) -> Law:
    """Fit a law to one curve by weighted least squares.

    Args:
        rows: [Z] training rows, above 0.
        losses: [Z] mean losses.
        weights: [Z] the precision of each: one over its variance.

    Example:
        >>> rows = np.array([50, 100, 200, 400, 800])
        >>> law = fit_law(rows, 0.2 + 3 * rows**-0.7, weights=np.ones(5))
        >>> round(law.floor, 3), round(law.scale, 2), round(law.exponent, 3)
        (0.2, 3.0, 0.7)
    """
    laws = fit_laws(rows, np.asarray(losses)[None], weights=weights)
    return Law(floor=float(laws.floor[0]), scale=float(laws.scale[0]), exponent=float(laws.exponent[0]))


def fit_laws(rows: Numbers, losses: Numbers, *, weights: Numbers) -> Laws:
    """Fit laws to many curves at once: losses [B, Z] of the same sizes and weights [Z].

    With the exponent given, floor and scale are a least-squares problem of two numbers with a closed form, bounds
    included; so only the exponent is looked for, from many starts over all of its range, each look finer than the one
    before. There is no local minimum to be caught in.
    """
    most = float(np.max(rows))
    share = np.asarray(rows, dtype=np.float64) / most  # powers of it stay near 1
    precision = np.asarray(weights, dtype=np.float64) / np.sum(weights)
    step = max(1, _MOST_NUMBERS // (_STARTS * len(rows)))
    curves = np.asarray(losses, dtype=np.float64)
    parts = [_fit(share, part, precision) for part in np.array_split(curves, -(-len(curves) // step))]
    floor, scale, exponent = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Laws(floor=floor, scale=scale * most**exponent, exponent=exponent)


def _fit(share: Array, losses: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Floor, scale at the largest size, and exponent of each curve."""
    exponents = np.broadcast_to(np.geomspace(LEAST_EXPONENT, MOST_EXPONENT, _STARTS), (len(losses), _STARTS))
    curve = np.arange(len(losses))
    for look in range(_LOOKS):
        error, floor, scale = _least_squares(share, losses, weights, exponents)
        best = error.argmin(axis=1)
        if look == _LOOKS - 1:
            break
        low = exponents[curve, np.maximum(best - 1, 0)]
        high = exponents[curve, np.minimum(best + 1, exponents.shape[1] - 1)]
        exponents = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, _FINER)
    return floor[curve, best], scale[curve, best], exponents[curve, best]


def _least_squares(share: Array, losses: Array, weights: Array, exponents: Array) -> tuple[Array, Array, Array]:
    """Squared error, floor and scale of each curve at each exponent: exponents [B, E] -> [B, E], thrice."""
    powers = share ** -exponents[..., None]  # [B, E, Z]
    level = losses @ weights  # [B]
    mean = powers @ weights  # [B, E]
    spread = np.maximum((powers**2) @ weights - mean**2, 1e-300)
    together = np.einsum("bez,bz,z->be", powers, losses, weights) - mean * level[:, None]
    scale = np.maximum(together / spread, 0)
    floor = level[:, None] - scale * mean
    # Where the floor would lie below 0 it is 0, and the scale is that of a line through the origin.
    through = np.maximum(np.einsum("bez,bz,z->be", powers, losses, weights) / ((powers**2) @ weights), 0)
    scale, floor = np.where(floor < 0, through, scale), np.maximum(floor, 0)
    residual = losses[:, None] - floor[..., None] - scale[..., None] * powers
    return (residual**2) @ weights, floor, scale
