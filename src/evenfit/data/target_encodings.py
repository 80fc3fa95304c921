"""A regression's target as the network learns it, and predictions back in its own units."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evenfit.data.quantiles import fit_quantiles, from_normal, to_normal
from evenfit.errors import ConfigError, DataError

TargetChoice = Literal["none", "standard", "log", "quantile"]
TARGET_CHOICES: tuple[TargetChoice, ...] = ("none", "standard", "log", "quantile")

SKEWED = 1.0  # skewness beyond which other encodings are worth a search
RESIDUALS = 200  # quantiles of training residuals that are kept with a network
# Encoded predictions where smearing is computed; between them it is interpolated. The grid is fixed, so that a row's
# result never depends on the rows beside it.
_GRID = np.linspace(-8, 8, 513)


@dataclass(frozen=True, eq=False, kw_only=True)
class TargetEncoding:
    """What the training rows say about the target.

    encoded = (f(y) - mean) / deviation, where f is y itself ("standard"), log(y + offset) ("log") or y's normal
    quantile ("quantile").
    """

    choice: TargetChoice
    mean: float
    deviation: float
    offset: float  # of the logarithm
    low: float  # the least target of the training rows, and the greatest: predictions are clipped to them
    high: float
    knots: np.ndarray  # of the quantiles; empty for the others


def fit_target(target: np.ndarray, weights: np.ndarray | None, choice: TargetChoice) -> TargetEncoding:
    """Fit the encoding to the targets given, the training rows' alone.

    Raises:
        DataError: a logarithm is asked for where a target is negative.
    """
    if choice not in TARGET_CHOICES:
        raise ConfigError(f"target encoding must be one of {', '.join(TARGET_CHOICES)}; got {choice!r}")
    low, high = float(target.min()), float(target.max())
    knots = fit_quantiles(target) if choice == "quantile" else np.zeros(0)
    offset = _offset(target) if choice == "log" else 0.0
    raw = TargetEncoding(choice=choice, mean=0.0, deviation=1.0, offset=offset, low=low, high=high, knots=knots)
    if choice == "none":
        return raw
    transformed = encode_target(raw, target)
    if weights is not None and not weights.any():
        weights = None
    mean = float(np.average(transformed, weights=weights))
    deviation = float(np.sqrt(np.average((transformed - mean) ** 2, weights=weights)))
    if deviation <= 1e-12 * max(abs(mean), abs(low), abs(high)) or deviation < 1e-150:
        deviation = 1.0  # the training rows agree: nothing to scale
    return TargetEncoding(choice=choice, mean=mean, deviation=deviation, offset=offset, low=low, high=high, knots=knots)


def encode_target(encoding: TargetEncoding, target: np.ndarray) -> np.ndarray:
    """The target as the network learns it: float64 [rows].

    For "log" and "quantile" targets outside the training rows' range are taken as its ends.
    """
    if encoding.choice == "log":
        target = np.log(np.clip(target, encoding.low, encoding.high) + encoding.offset)
    elif encoding.choice == "quantile":
        target = to_normal(target, encoding.knots)
    encoded: np.ndarray = (target - encoding.mean) / encoding.deviation
    return encoded


def restore_target(encoding: TargetEncoding, predictions: np.ndarray, residuals: np.ndarray | None) -> np.ndarray:
    """Predictions in the target's own units: their mean where residuals are given; float64, any shape.

    The inverse of a mean is not the mean of the inverse; Duan, "Smearing estimate: a nonparametric retransformation
    method", JASA 1983, averages the inverse over the residuals. For "standard" and "none" there is nothing to smear.
    Results are clipped to the range of the training rows.

    Args:
        encoding: of the rows that trained the network.
        predictions: of the network.
        residuals: encoded target minus prediction, of training rows; thinned to 200 quantiles. None for the plain
            inverse, which is the median rather than the mean.
    """
    predictions = np.asarray(predictions, np.float64)
    if encoding.choice in ("standard", "none") or residuals is None or not np.size(residuals):
        return _invert(encoding, predictions)
    thinned = np.asarray(residuals, np.float64).ravel()
    if len(thinned) > RESIDUALS:
        thinned = thin(thinned)
    known = predictions[~np.isnan(predictions)]
    if not known.size:
        return predictions
    first = max(min(int(np.searchsorted(_GRID, known.min(), side="right")) - 1, len(_GRID) - 2), 0)
    last = max(int(np.searchsorted(_GRID, known.max())), first + 1)
    grid = _GRID[first : last + 1]
    smeared = _invert(encoding, grid[:, None] + thinned[None, :]).mean(1)
    means: np.ndarray = np.interp(predictions, grid, smeared)
    return means


def thin(residuals: np.ndarray) -> np.ndarray:
    """As many residuals as are kept, spread as these are: their quantiles, rising."""
    found: np.ndarray = np.quantile(residuals, (np.arange(RESIDUALS) + 0.5) / RESIDUALS)
    return found


def target_choices(target: np.ndarray) -> tuple[TargetChoice, ...]:
    """The encodings worth a search: more than one where the skewness is beyond 1, either way.

    The logarithm is among them where no target is negative, the long tail is on the right, and the logarithm is less
    skewed than the target itself.
    """
    spread = float(np.ptp(target))
    if len(target) < 20 or spread == 0:
        return ("standard",)
    skewness = _skewness(target / spread)
    if not abs(skewness) > SKEWED:
        return ("standard",)
    if target.min() >= 0 and skewness > 0 and abs(_skewness(np.log(target + _offset(target)))) < skewness:
        return ("standard", "log", "quantile")
    return ("standard", "quantile")


def _offset(target: np.ndarray) -> float:
    """What is added before the logarithm, so that it is defined at 0 and has no long tail below.

    Nothing where the least target is within a tenth of the 5% quantile; else that quantile of the positive targets:
    1 for most counts, which makes it log(1 + y).
    """
    if target.min() < 0:
        raise DataError(
            f"target encoding 'log' needs a target that is never negative, got {target.min():.6g}; use 'quantile'"
        )
    positive = target[target > 0]
    if not len(positive):
        return 1.0
    typical = float(np.quantile(positive, 0.05))
    return 0.0 if target.min() >= typical / 10 else typical


def _invert(encoding: TargetEncoding, predictions: np.ndarray) -> np.ndarray:
    raw = predictions * encoding.deviation + encoding.mean
    if encoding.choice == "log":
        raw = np.exp(np.minimum(raw, 700)) - encoding.offset
    elif encoding.choice == "quantile":
        raw = from_normal(raw, encoding.knots)
    return np.clip(raw, encoding.low, encoding.high) if encoding.choice != "none" else raw


def _skewness(values: np.ndarray) -> float:
    centred = values - values.mean()
    return float((centred**3).mean() / max(float((centred**2).mean()) ** 1.5, 1e-300))
