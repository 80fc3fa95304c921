"""Shape: whether a part rises and falls again over a sweep, by a test on paired differences, never by eye."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

Array = npt.NDArray[np.float64]

DOUBLE_DESCENT, PEAK, NONE = "double descent", "peak", "none"
CHANCE = 0.05  # of naming a peak that is not there


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What a part was shown to do over the values of a hyperparameter.

    ``double descent``: it falls, rises to a peak and falls again; ``peak``: it rises and falls again; ``none``: neither
    was shown. Places are those of the values; None where there is none.
    """

    part: str  # loss, bias_squared or variance
    kind: str
    chance: float  # of at least so clear a rise and fall if there were none
    valley: int | None  # where the rise begins
    peak: int | None
    after: int | None  # where it has fallen again


def find_shape(part: str, by_replicate: Sequence[Array], by_row: Sequence[Array]) -> Shape:
    """Look for a peak among V values: a rise and a fall behind it, both beyond chance.

    Each pair of values is compared by the paired ratio over replicates and over rows, one-sided, by its logarithm: at a
    peak of interpolation losses have hardly a mean. Differences are taken where a part is not above 0. A peak needs
    both its comparisons; probabilities are multiplied by the number of pairs (Bonferroni; an intersection-union test,
    Berger, "Multiparameter hypothesis testing and acceptance sampling", Technometrics, 1982), so that a curve that only
    falls or only rises is said to have a peak with a probability of at most `CHANCE`.

    Args:
        part: what the numbers are of.
        by_replicate: V arrays [R], the part of each replicate, the same replicates throughout.
        by_row: V arrays [N], the part of each row, the same rows throughout.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> curve = [3.0, 1.0, 2.0, 0.5]
        >>> shape = find_shape(
        ...     "loss",
        ...     [level + 0.1 * rng.normal(size=20) for level in curve],
        ...     [level + 0.1 * rng.normal(size=99) for level in curve],
        ... )
        >>> shape.kind, shape.valley, shape.peak, shape.after
        ('double descent', 1, 2, 3)
    """
    count = len(by_replicate)
    if count < 3:
        return Shape(part=part, kind=NONE, chance=1.0, valley=None, peak=None, after=None)
    rises = np.ones((count, count))  # [i, j] the chance of as clear a rise from i to j if there were none
    for i in range(count):
        for j in range(count):
            if i != j:
                rises[i, j] = _chance(*_compared(by_replicate[i], by_replicate[j], by_row[i], by_row[j]))
    pairs = count * (count - 1) // 2
    before = [(float(rises[:j, j].min()), int(rises[:j, j].argmin())) for j in range(1, count - 1)]
    behind = [(float(rises[j + 1 :, j].min()), j + 1 + int(rises[j + 1 :, j].argmin())) for j in range(1, count - 1)]
    both = [max(up[0], down[0]) for up, down in zip(before, behind, strict=True)]
    chance = min(1.0, pairs * min(both))
    if not chance < CHANCE:
        return Shape(part=part, kind=NONE, chance=chance, valley=None, peak=None, after=None)
    heights = _heights(by_replicate)
    clearest = 1 + int(np.argmin(both))
    valley, after = int(heights[:clearest].argmin()), clearest + 1 + int(heights[clearest + 1 :].argmin())
    peak = valley + 1 + int(heights[valley + 1 : after].argmax())
    valley, after = int(heights[:peak].argmin()), peak + 1 + int(heights[peak + 1 :].argmin())
    falls = pairs * rises[valley, :valley].min() < CHANCE if valley else False
    kind = DOUBLE_DESCENT if falls else PEAK
    return Shape(part=part, kind=kind, chance=chance, valley=valley, peak=peak, after=after)


def _heights(by_replicate: Sequence[Array]) -> Array:
    """How high each value is: the mean logarithm over replicates, or the mean where a part is not above 0."""
    if min(each.min() for each in by_replicate) > 0:
        return np.array([float(np.log(each).mean()) for each in by_replicate])
    return np.array([float(each.mean()) for each in by_replicate])


def _compared(replicates: Array, higher: Array, rows: Array, higher_rows: Array) -> tuple[Array, Array]:
    """Logarithms of ratios by replicate and, around their mean, by row; or differences of both."""
    if min(replicates.min(), higher.min()) > 0 and min(rows.mean(), higher_rows.mean()) > 0:
        return np.log(higher / replicates), higher_rows / higher_rows.mean() - rows / rows.mean()
    return higher - replicates, higher_rows - rows


def _chance(by_replicate: Array, by_row: Array) -> float:
    """Give the one-sided chance of a mean difference at least as high as this if it were 0."""
    mean = float(by_replicate.mean())
    of_replicates = float(by_replicate.var(ddof=1)) / len(by_replicate)
    of_rows = float(by_row.var(ddof=1)) / len(by_row) if len(by_row) > 1 else 0.0
    variance = of_replicates + of_rows
    if not variance > 0 or not math.isfinite(variance):
        return 0.0 if mean > 0 else 1.0
    degrees = variance**2 / (of_replicates**2 / (len(by_replicate) - 1) + of_rows**2 / max(len(by_row) - 1, 1))
    return float(special.stdtr(degrees, -mean / math.sqrt(variance)))
