"""Nested cross-validation: whole searches on parts of the rows, each judged by rows that it has never seen.

The reference for the selection-corrected estimate: it asks nothing of the corrections, and costs a search for every
part. Varma & Simon, "Bias in error estimation when using cross-validation for model selection", BMC Bioinformatics,
2006; Cawley & Talbot, "On over-fitting in model selection", JMLR 2010.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evenfit.results.intervals import corrected_interval
from evenfit.results.study import Interval
from evenfit.specs.config import Config


@dataclass(frozen=True, kw_only=True)
class OuterFold:
    """One search on the other folds' rows, and what it came to on this fold's; losses are the metric's."""

    fold: int
    training_rows: int  # that the search had
    rows: int  # that it was judged by
    trials: int
    config: Config  # that it selected
    same: bool  # whether that was the default
    members_loss: float  # of the selected config's networks, one by one: what an estimate is about
    deployed_loss: float  # of what would be deployed: those networks together, or a mix of configs
    default_loss: float  # of the default's networks, one by one
    plain: float  # what the search's winner showed on its own splits
    estimate: Interval  # the search's own corrected estimate
    seconds: float
    constant_loss: float = math.nan  # of the same prediction for every row, from the search's; NaN in runs of before it

    def to_json(self) -> dict[str, Any]:
        """Give every value by name, ready for JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> OuterFold:
        """Make a fold from what ``to_json`` gave."""
        values = dict(stored)
        values["config"] = Config.from_json(values["config"])
        values["estimate"] = Interval(**values["estimate"])
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class NestedEstimate:
    """What nested cross-validation says of the whole search: intervals over the outer folds."""

    folds: tuple[OuterFold, ...]
    members: Interval  # of the selected configs' networks, one by one
    deployed: Interval
    default: Interval
    difference: Interval  # the default's minus the selected's, paired by fold: above 0 where tuning helped
    gain: Interval  # the constant prediction's minus the selected's, paired by fold
    plain: Interval  # of the searches' winners on their own splits
    optimism: Interval  # members minus plain, paired by fold

    @property
    def better(self) -> bool:
        """Whether the whole interval of the difference to the default is above 0, and that to the constant prediction.

        Where nothing can be learnt, a more regularised config has truly a lower loss than the default; it has not
        found anything.
        """
        return self.difference.low > 0 and self.gain.low > 0

    def agrees(self, estimate: Interval) -> bool:
        """Say whether an estimate of the same search and this one have some value in both of their intervals."""
        return self.members.low <= estimate.high and estimate.low <= self.members.high


def nested_estimate(folds: Sequence[OuterFold], *, level: float = 0.95, claim_level: float = 0.95) -> NestedEstimate:
    """Put outer folds together: means, with intervals that know that their training rows overlap.

    Args:
        folds: at least two.
        level: of the intervals.
        claim_level: of the differences to the default and to the constant prediction, which "better" is said by.

    Example:
        >>> known = Interval(mean=0.4, low=0.3, high=0.5)
        >>> folds = [
        ...     OuterFold(
        ...         fold=fold,
        ...         training_rows=80,
        ...         rows=20,
        ...         trials=10,
        ...         config=Config(),
        ...         same=False,
        ...         members_loss=0.4 + 0.1 * fold,
        ...         deployed_loss=0.4,
        ...         default_loss=0.6 + 0.1 * fold,
        ...         plain=0.3,
        ...         estimate=known,
        ...         seconds=1.0,
        ...         constant_loss=0.8 + 0.1 * fold,
        ...     )
        ...     for fold in range(2)
        ... ]
        >>> found = nested_estimate(folds)
        >>> round(found.members.mean, 2), round(found.difference.mean, 2), found.better
        (0.45, 0.2, True)
    """
    training, judged = (np.array([getattr(one, name) for one in folds]) for name in ("training_rows", "rows"))
    members, deployed, default, constant, plain = (
        np.array([getattr(one, name) for one in folds])
        for name in ("members_loss", "deployed_loss", "default_loss", "constant_loss", "plain")
    )

    def interval(losses: Any, *, level: float = level) -> Interval:
        return corrected_interval(losses, training_rows=training, validation_rows=judged, level=level)

    return NestedEstimate(
        folds=tuple(folds),
        members=interval(members),
        deployed=interval(deployed),
        default=interval(default),
        difference=interval(default - members, level=claim_level),
        gain=interval(constant - members, level=claim_level),
        plain=interval(plain),
        optimism=interval(members - plain),
    )
