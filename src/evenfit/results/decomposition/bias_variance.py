"""BiasVariance: a loss taken apart, as a frozen value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evenfit.results.study import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Array = npt.NDArray[np.float64]

KNOWN, REPLICATED, INCLUDED = "known", "replicated", "included"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of an expected loss: as it comes, and with the bias of few replicates removed."""

    plain: float  # plug-in
    corrected: Interval  # unbiased, or the jackknife's; may lie below 0, and is shown so


@dataclass(frozen=True, kw_only=True)
class Noise:
    """The part of a loss that no model can avoid."""

    source: str  # known; replicated: measured within groups of equal rows; included: in bias_squared, bounded only
    part: Part | None  # None where it is included
    at_most: float  # the upper end of its interval; where it is included, of that of bias_squared
    rows: int = 0  # rows that have an equal one, where it is replicated
    groups: int = 0  # that they form


@dataclass(frozen=True, eq=False, kw_only=True)
class Maps:
    """Which rows, and which replicates, carry the loss, the bias and the variance: corrected estimates.

    The means over rows, and those over replicates, are the parts.
    """

    numbers: npt.NDArray[np.int64]  # [N] place of each among the judged rows as they were given
    loss: Array  # [N]
    bias_squared: Array  # [N]
    variance: Array  # [N]
    replicates: npt.NDArray[np.int64]  # [N] that judge the row
    replicate_numbers: npt.NDArray[np.int64]  # [R] place of each among those that were to be fitted
    replicate_loss: Array  # [R]
    replicate_bias_squared: Array  # [R]
    replicate_variance: Array  # [R]

    def share_of_variance(self, most: float = 0.1) -> float:
        """Give the share of the variance that the given share of rows carries, those with most of it.

        Example:
            >>> from evenfit.results.decomposition.decompose import decompose
            >>> spread = np.array([3.0, 1.0, 1.0, 1.0])
            >>> drawn = np.array([-1.0, 0.0, 1.0])[:, None, None, None] * spread[:, None]
            >>> found = decompose(drawn, np.zeros(4), loss="squared", classification=False)
            >>> found.maps.share_of_variance(0.25)
            0.75
        """
        whole = float(self.variance.sum())
        if not whole > 0:
            return math.nan
        count = max(1, round(most * len(self.variance)))
        return float(np.sort(self.variance)[::-1][:count].sum()) / whole


@dataclass(frozen=True, eq=False, kw_only=True)
class BiasVariance:
    """An expected loss of models trained on other data, taken apart: a mean over rows of each part.

    ``loss`` is ``bias_squared`` + ``variance`` + noise, exactly, both plain and corrected; where noise is not known,
    ``bias_squared`` includes it. For log loss and Domingos' zero-one loss, ``bias_squared`` is what their authors call
    bias; Domingos' ``variance`` counts against where the main prediction is wrong, ``disagreement`` counts it alike.
    """

    loss_name: str  # squared, log, zero-one or domingos
    loss: Part
    bias_squared: Part
    variance: Part
    noise: Noise
    data: Part | None  # variance of the training data; None with one seed
    seed: Part | None  # variance of chance in training
    disagreement: Part | None  # Domingos alone: how often a prediction differs from the main one
    correction: str  # unbiased or jackknife: what the corrected estimates are
    sampling: str  # disjoint, bootstrap or given
    replicates: int  # R
    seeds: int  # S
    rows: int  # N judged rows
    training_rows: int  # of one replicate
    maps: Maps
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def includes_noise(self) -> bool:
        """Whether ``bias_squared`` has the noise in it."""
        return self.noise.source == INCLUDED

    def parts(self) -> Mapping[str, Part]:
        """Give the parts that there are, by name."""
        known = {
            "loss": self.loss,
            "bias_squared": self.bias_squared,
            "variance": self.variance,
            "noise": self.noise.part,
            "data": self.data,
            "seed": self.seed,
            "disagreement": self.disagreement,
        }
        return {name: part for name, part in known.items() if part is not None}

    def __repr__(self) -> str:
        """The parts with their intervals, in a line: its maps are too long to be printed."""
        known = {name: part.corrected for name, part in self.parts().items()}
        said = "; ".join(f"{name} {one.mean:.4g} ({one.low:.4g} to {one.high:.4g})" for name, one in known.items())
        return f"<BiasVariance: {self.loss_name} {said}; {self.replicates} training sets, {self.rows} rows>"

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values: numbers that cannot be had are None."""
        return {
            "loss_name": self.loss_name,
            "correction": self.correction,
            "sampling": self.sampling,
            "replicates": self.replicates,
            "seeds": self.seeds,
            "rows": self.rows,
            "training_rows": self.training_rows,
            "bias_includes_noise": self.includes_noise,
            "parts": {name: _part(part) for name, part in self.parts().items()},
            "noise": {
                "source": self.noise.source,
                "at_most": _number(self.noise.at_most),
                "rows": self.noise.rows,
                "groups": self.noise.groups,
            },
            "maps": {
                "rows": self.maps.numbers.tolist(),
                "loss": _numbers(self.maps.loss),
                "bias_squared": _numbers(self.maps.bias_squared),
                "variance": _numbers(self.maps.variance),
                "replicates": self.maps.replicates.tolist(),
            },
            "by_replicate": {
                "replicates": self.maps.replicate_numbers.tolist(),
                "loss": _numbers(self.maps.replicate_loss),
                "bias_squared": _numbers(self.maps.replicate_bias_squared),
                "variance": _numbers(self.maps.replicate_variance),
            },
            "failures": list(self.failures),
            "notes": list(self.notes),
        }

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the parts as bars with their intervals, on ``ax`` or on new axes."""
        from evenfit.results.decomposition.drawing import draw_parts  # noqa: PLC0415 - matplotlib takes long to import

        return draw_parts(self, ax)


def _part(part: Part) -> dict[str, Any]:
    found = part.corrected
    return {
        "plain": _number(part.plain),
        "mean": _number(found.mean),
        "low": _number(found.low),
        "high": _number(found.high),
        "level": found.level,
    }


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: Array) -> list[float | None]:
    return [_number(value) for value in values.tolist()]
