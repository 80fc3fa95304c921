"""Extrapolation: what twice the training rows would give by a curve's law, with its interval, or why it cannot be said.

The law must earn its say: fitted without the largest sizes it must foretell the loss at the largest better than "it
stays as it was" does. About one curve in seven is ill-behaved: Yan et al., "LCDB 1.1: a database illustrating learning
curves are more ill-behaved than previously thought", 2025.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from evenfit.results.curves.law import Law, Laws, fit_law, fit_laws
from evenfit.results.curves.steps import CHANCE, LEAST_CHANGE, find_rise, paired, rise_chance
from evenfit.results.study import Interval

Array = npt.NDArray[np.float64]

LEVEL = 0.95
LEAST_SIZES, LEAST_SPLITS = 5, 4
RESAMPLES = 1000
_TIMES = 2.0  # how many times the rows are asked about
_MISFIT = 0.01  # of the curve's fall: how far a law may be off that is right
_BAND_POINTS = 25


@dataclass(frozen=True, kw_only=True)
class HeldBack:
    """What a law that was fitted to the smaller sizes said of the largest."""

    rows: float  # the largest size
    fitted_up_to: float  # the largest of the sizes that the law was fitted to
    predicted: float  # by that law
    last: float  # the loss at the largest size that it was fitted to: "it stays as it was"
    measured: float

    @property
    def error(self) -> float:
        """How far the law was off."""
        return abs(self.predicted - self.measured)

    @property
    def last_error(self) -> float:
        """How far the last value was off."""
        return abs(self.last - self.measured)


@dataclass(frozen=True, eq=False, kw_only=True)
class Band:
    """The law's losses with their interval, over rows up to twice the largest size."""

    rows: Array  # [P], rising
    loss: Array  # [P]
    low: Array  # [P]
    high: Array  # [P]


@dataclass(frozen=True, eq=False, kw_only=True)
class Extrapolation:
    """A curve's law and what follows from it; where ``refusal`` says why nothing follows, ``twice`` is None."""

    rows: float  # the largest size
    twice_rows: float
    refusal: str = ""  # why twice the rows cannot be spoken of, in a sentence
    reason: str = ""  # the same in a word: sizes, splits, rises, peak, flat, last-value, noise
    law: Law | None = None
    floor: Interval | None = None
    exponent: Interval | None = None
    twice: Interval | None = None  # the loss with twice the rows
    gain: Interval | None = None  # how much lower that is than the loss with the largest size
    held_back: HeldBack | None = None
    band: Band | None = None


def extrapolate(rows: Array, losses: Array, *, factor: float, seed: int = 0) -> Extrapolation:
    """Fit a law to a learning curve, and say what twice its largest size would give.

    Each size counts by the precision of its mean. The interval is of curves resampled over splits, each with all of
    its sizes since these are paired, spread as the corrected variance of overlapping training sets asks; then widened
    by the law's error at the held-back largest size.

    Args:
        rows: [Z] mean training rows of each size, rising.
        losses: [S, Z] of S splits, at least 0.
        factor: of the corrected variance of a mean over splits: `correction`.
        seed: of the resampling.

    Example:
        >>> rows = 50.0 * 2.0 ** np.arange(6)
        >>> noise = 0.01 * np.random.default_rng(1).standard_normal((10, 6))
        >>> found = extrapolate(rows, 0.2 + 3 * rows**-0.5 + noise, factor=0.1)
        >>> found.refusal, found.twice_rows, round(found.twice.mean, 2)
        ('', 3200.0, 0.25)
    """
    rows, losses = np.asarray(rows, dtype=np.float64), np.asarray(losses, dtype=np.float64)
    most = float(rows[-1]) if len(rows) else math.nan
    found = Extrapolation(rows=most, twice_rows=_TIMES * most)
    refused = _too_little(rows, losses) or _ill_behaved(rows, losses, factor=factor)
    if refused is not None:
        return replace(found, reason=refused[0], refusal=refused[1])
    held_back = _hold_back(rows, losses, factor=factor)
    weights = _weights(losses, factor=factor)
    law = fit_law(rows, losses.mean(axis=0), weights=weights)
    curves = _resampled(losses, factor=factor, seed=seed)
    laws = fit_laws(rows, curves, weights=weights)
    # Percentiles of resampled means know nothing of Student's t.
    reach = float(special.stdtrit(len(losses) - 1, (1 + LEVEL) / 2) / special.ndtri((1 + LEVEL) / 2))
    now, then = laws.at(most), laws.at(_TIMES * most)
    # The law tells the change from the last size on; where it passes by the last loss, that is what is known better.
    gain = _interval(law.at(most) - law.at(_TIMES * most), now - then, widen=held_back.error, reach=reach)
    twice = _interval(
        float(losses[:, -1].mean()) - gain.mean, curves[:, -1] + then - now, widen=held_back.error, reach=reach
    )
    found = replace(
        found,
        law=law,
        floor=_interval(law.floor, laws.floor, widen=0.0, reach=reach),
        exponent=_interval(law.exponent, laws.exponent, widen=0.0, reach=reach),
        held_back=held_back,
        band=_band(rows, curves, law, laws, last=float(losses[:, -1].mean()), widen=held_back.error, reach=reach),
    )
    refused = _unearned(losses, held_back, gain)
    if refused is not None:
        return replace(found, reason=refused[0], refusal=refused[1])
    return replace(found, twice=replace(twice, low=max(0.0, twice.low)), gain=gain)


def _too_little(rows: Array, losses: Array) -> tuple[str, str] | None:
    """Say where there are too few sizes or splits for a law of three numbers."""
    if len(rows) < LEAST_SIZES:
        return (
            "sizes",
            f"a law needs at least {LEAST_SIZES} sizes that models could be fitted to; there are {len(rows)}",
        )
    if len(losses) < LEAST_SPLITS:
        return "splits", f"an interval needs at least {LEAST_SPLITS} splits; there are {len(losses)}"
    return None


def _ill_behaved(rows: Array, losses: Array, *, factor: float) -> tuple[str, str] | None:
    """Say where the curve does not fall as a law would."""
    means = losses.mean(axis=0)
    own = paired(factor, len(losses))
    rise = find_rise(losses)
    if rise is not None and rise.peak:
        return "peak", (
            f"the loss has a peak near {rows[rise.high]:,.0f} training rows: it rises from {means[rise.low]:.4g} at "
            f"{rows[rise.low]:,.0f} to {means[rise.high]:.4g} and falls again, which no power law does"
        )
    if rise is not None:
        return "rises", (
            f"the loss rises with more rows, from {means[rise.low]:.4g} at {rows[rise.low]:,.0f} to "
            f"{means[rise.high]:.4g} at {rows[rise.high]:,.0f}, by more than its noise"
        )
    known = np.log(losses) if (losses > 0).all() else losses
    still = means[0] - means[-1] <= LEAST_CHANGE * abs(means[0])
    if still or not rise_chance(known[:, 0] - known[:, -1], factor=own) < CHANCE:
        return "flat", (
            f"from {rows[0]:,.0f} to {rows[-1]:,.0f} training rows the loss changes by {means[-1] - means[0]:.2g}, "
            "which cannot be told from its noise"
        )
    return None


def _unearned(losses: Array, held_back: HeldBack, gain: Interval) -> tuple[str, str] | None:
    """Say where the law is not worth more than the last value, or not known well enough."""
    if not held_back.error < held_back.last_error:
        return "last-value", (
            f"fitted up to {held_back.fitted_up_to:,.0f} rows, the law is off by {held_back.error:.2g} at "
            f"{held_back.rows:,.0f}, no better than the last value, which is off by {held_back.last_error:.2g}"
        )
    fall = float(losses[:, 0].mean() - losses[:, -1].mean())
    if gain.high - gain.low > fall:
        return "noise", (
            f"the gain could lie anywhere from {gain.low:.2g} to {gain.high:.2g}, a wider range than the whole fall of "
            f"the curve, {fall:.2g}; more repeats would narrow it"
        )
    return None


def _hold_back(rows: Array, losses: Array, *, factor: float) -> HeldBack:
    """Foretell the largest size from those up to half of it, or from all the others where these are too few."""
    used = int((rows <= 1.02 * rows[-1] / _TIMES).sum())
    used = used if used >= LEAST_SIZES - 1 else len(rows) - 1
    part = losses[:, :used]
    law = fit_law(rows[:used], part.mean(axis=0), weights=_weights(part, factor=factor))
    most, before, last = float(rows[-1]), float(rows[used - 1]), float(part[:, -1].mean())
    return HeldBack(
        rows=most,
        fitted_up_to=before,
        predicted=last + law.at(most) - law.at(before),
        last=last,
        measured=float(losses[:, -1].mean()),
    )


def _apart(losses: Array) -> tuple[Array, Array]:
    """What a split adds to all of its sizes [S], judged by the larger ones, and what is left of its losses [S, Z]."""
    of_split = losses[:, losses.shape[1] // 2 :].mean(axis=1)
    return of_split, losses - of_split[:, None]


def _weights(losses: Array, *, factor: float) -> Array:
    """The precision of each size's mean, what a split adds to all of its sizes left out: [Z]."""
    variances = factor * np.var(_apart(losses)[1], axis=0, ddof=1)
    means = losses.mean(axis=0)
    # Even without noise no curve follows a law to the last digit, and no size may rule all the others.
    least = (_MISFIT * (means.max() - means.min())) ** 2 + 1e-12 * np.mean(means) ** 2 + 1e-300
    return np.asarray(1 / (variances + least))


def _resampled(losses: Array, *, factor: float, seed: int) -> Array:
    """Mean curves of splits drawn anew: [B, Z].

    The level has the spread of the corrected variance, the shape that of paired differences.
    """
    splits = len(losses)
    drawn = np.random.default_rng([seed, 0x1A]).multinomial(splits, np.full(splits, 1 / splits), size=RESAMPLES)
    shares = drawn / splits - 1 / splits
    level, shape = _apart(losses)
    spread, own = (math.sqrt(one * splits * splits / (splits - 1)) for one in (factor, paired(factor, splits)))
    found = losses.mean(axis=0) + spread * (shares @ level)[:, None] + own * (shares @ shape)
    return np.asarray(np.maximum(found, 0))


def _interval(middle: float, resampled: Array, *, widen: float, reach: float) -> Interval:
    """Percentiles of resampled values, stretched for few splits, and widened by an error apart from theirs."""
    low, high = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    below, above = (math.hypot(reach * max(0.0, part), widen) for part in (middle - low, high - middle))
    return Interval(mean=middle, low=middle - below, high=middle + above, level=LEVEL)


def _band(rows: Array, curves: Array, law: Law, laws: Laws, *, last: float, widen: float, reach: float) -> Band:
    """The law over the sizes, led to the last loss; the error at the held-back size widens it beyond."""
    most = float(rows[-1])
    at = np.geomspace(rows[0], _TIMES * most, _BAND_POINTS)
    led = np.clip(np.log(at / rows[-2]) / math.log(most / rows[-2]), 0, 1)
    beyond = np.clip(np.log(at / most) / math.log(_TIMES), 0, 1)
    off, offs = last - law.at(most), curves[:, -1] - laws.at(most)
    found = [
        _interval(law.at(one) + near * off, laws.at(one) + near * offs, widen=widen * far, reach=reach)
        for one, near, far in zip(at, led, beyond, strict=True)
    ]
    return Band(
        rows=at,
        loss=np.array([one.mean for one in found]),
        low=np.array([max(0.0, one.low) for one in found]),
        high=np.array([one.high for one in found]),
    )
