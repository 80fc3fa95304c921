"""Hyperparameters: which of them a search's losses depended on, alone and in pairs, as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from evenfit.results.study import Interval


@dataclass(frozen=True, kw_only=True)
class Hyperparameter:
    """What one hyperparameter explains, over the values that were searched."""

    name: str  # of a config's value
    share: Interval  # of the variance of the loss, by itself (fANOVA); the interval is over resampled trials
    chance: float  # the share that it has where losses are shuffled among the trials
    best: float  # how different its values are among the best configs, as a share of all such differences (PED-ANOVA)

    @property
    def clear(self) -> bool:
        """Whether the whole interval lies above what chance gives."""
        return self.share.low > self.chance


@dataclass(frozen=True, kw_only=True)
class Pair:
    """What two hyperparameters explain together, beyond what each does by itself."""

    names: tuple[str, str]
    share: Interval
    chance: float

    @property
    def clear(self) -> bool:
        """Whether the whole interval lies above what chance gives."""
        return self.share.low > self.chance


@dataclass(frozen=True, kw_only=True)
class Surface:
    """The loss that is expected at values of two hyperparameters, on average over the others that were searched."""

    names: tuple[str, str]
    values: tuple[tuple[Any, ...], tuple[Any, ...]]
    losses: tuple[tuple[float, ...], ...]  # a row for each value of the first


@dataclass(frozen=True, kw_only=True)
class Hyperparameters:
    """What the losses of a search depended on; the most important first."""

    trials: int  # with finite losses
    refusal: str = ""  # why nothing is known; the rest is then empty
    explained: float = 0.0  # share of the loss's variance that is foretold of trials not seen
    alone: tuple[Hyperparameter, ...] = ()
    pairs: tuple[Pair, ...] = ()
    surface: Surface | None = None  # of the strongest pair
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give it as plain values."""
        return {
            "trials": self.trials,
            "refusal": self.refusal,
            "explained": self.explained,
            "alone": [
                {
                    "name": one.name,
                    **_interval(one.share),
                    "chance": one.chance,
                    "clear": one.clear,
                    "best": one.best,
                }
                for one in self.alone
            ],
            "pairs": [
                {"names": list(one.names), **_interval(one.share), "chance": one.chance, "clear": one.clear}
                for one in self.pairs
            ],
            "surface": None
            if self.surface is None
            else {
                "names": list(self.surface.names),
                "values": [list(values) for values in self.surface.values],
                "losses": [list(row) for row in self.surface.losses],
            },
            "notes": list(self.notes),
        }


def _interval(known: Interval) -> dict[str, float]:
    return {"mean": known.mean, "low": known.low, "high": known.high, "level": known.level}
