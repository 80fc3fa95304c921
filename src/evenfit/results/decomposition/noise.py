"""Noise: as it is known, or measured where rows are repeated, from how the targets of equal rows differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError, DataError

Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

MEASURABLE = ("squared", "zero-one")  # entropy and the likeliest class cannot be had from a few repeats
FEWEST = 5  # groups of equal rows: fewer say nothing of how far the noise is known


@dataclass(frozen=True, kw_only=True)
class MeasuredNoise:
    """The noise of repeated rows, which is taken for that of all rows."""

    mean: float  # in units of the loss; unbiased
    variance: float  # of the mean
    groups: int  # of equal rows
    rows: int  # in them


def measure_noise(alike: Integers, target: npt.NDArray[Any], *, loss: str, classes: int) -> MeasuredNoise:
    """Measure noise by pure error: the spread of targets within groups of equal rows, pooled.

    For numbers it is their variance; for classes 1 - sum P^2, or half of it for zero-one loss: the chance, or half the
    chance, that two equal rows have different classes. Groups of g rows weigh g - 1. The variance is the jackknife's
    over groups, by its linear form. Copies of a row are no repeats: where a table has any, noise is understated.

    Args:
        alike: [N] equal for rows that are equal.
        target: [N] class codes, or numbers.
        loss: squared or zero-one.
        classes: K; 1 for numbers.

    Raises:
        DataError: too few rows are repeated, or the loss has no such estimate.

    Example:
        >>> pairs = np.repeat(np.arange(500), 2)
        >>> target = np.random.default_rng(0).normal(size=1000)
        >>> found = measure_noise(pairs, target, loss="squared", classes=1)
        >>> abs(found.mean - 1) < 3 * found.variance**0.5
        True
    """
    if loss not in MEASURABLE:
        raise DataError(f"repeated rows tell the noise of {' and '.join(MEASURABLE)} loss alone; got {loss!r}")
    places, group_of, sizes = np.unique(alike, return_inverse=True, return_counts=True)
    repeated = sizes >= 2
    groups = int(repeated.sum())
    if groups < FEWEST:
        raise DataError(
            f"noise can be measured where at least {FEWEST} rows are repeated with targets of their own; got {groups}"
        )
    values = np.asarray(target, np.float64)[:, None] if classes == 1 else np.eye(classes)[np.asarray(target, np.int64)]
    sums = np.zeros((len(places), values.shape[1]))
    np.add.at(sums, group_of, values)
    apart = ((values - (sums / sizes[:, None])[group_of]) ** 2).sum(axis=1)
    within = np.bincount(group_of, weights=apart, minlength=len(places))[repeated]
    degrees = (sizes[repeated] - 1).astype(np.float64)
    scale = 0.5 if loss == "zero-one" else 1.0
    mean = float(within.sum() / degrees.sum())
    residuals = within - mean * degrees
    variance = float((residuals**2).sum() * groups / (groups - 1) / degrees.sum() ** 2)
    return MeasuredNoise(
        mean=scale * mean, variance=scale**2 * variance, groups=groups, rows=int(sizes[repeated].sum())
    )


@dataclass(frozen=True, eq=False, kw_only=True)
class KnownNoise:
    """What is known of the noise of N rows; nothing, where all are None."""

    of_rows: Array | None = None  # [N] in units of the loss
    probabilities: Array | None = None  # [N, K] of classes, for Domingos' loss
    measured: MeasuredNoise | None = None


def read_noise(
    noise: float | Array | MeasuredNoise | None, *, loss: str, classification: bool, shape: tuple[int, ...]
) -> KnownNoise:
    """Read noise as it is given: one variance or one a row for numbers, probabilities of classes for classes.

    Args:
        noise: as given; None where nothing is known.
        loss: a name of `LOSSES`.
        classification: whether there are classes.
        shape: [R, S, N, K] of the predictions.

    Raises:
        ConfigError: it has another shape, or cannot be.
    """
    rows, width = shape[2], shape[3]
    if noise is None:
        return KnownNoise()
    if isinstance(noise, MeasuredNoise):
        return KnownNoise(of_rows=np.full(rows, noise.mean), measured=noise)
    given = np.asarray(noise, dtype=np.float64)
    if not np.isfinite(given).all() or (given < 0).any():
        raise ConfigError("noise must be finite and not below 0")
    if not classification:
        if given.shape not in ((), (rows,)):
            raise ConfigError(f"noise must be one variance, or one for each of {rows:,} rows; got {given.shape}")
        return KnownNoise(of_rows=np.broadcast_to(given, (rows,)))
    if given.shape != (rows, width):
        raise ConfigError(
            f"the noise of classes must be their probabilities, [{rows:,} rows, {width} classes]; got {given.shape}"
        )
    if not np.allclose(given.sum(axis=1), 1.0, atol=1e-6):
        raise ConfigError("the probabilities of classes must sum to 1 in every row")
    if loss == "domingos":
        return KnownNoise(probabilities=given)
    if loss == "log":
        return KnownNoise(of_rows=-(given * np.log(np.where(given > 0, given, 1.0))).sum(axis=1))
    return KnownNoise(of_rows=(1 - (given**2).sum(axis=1)) * (1.0 if loss == "squared" else 0.5))
