"""Study: what tuning gives back, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from evenfit.results.metrics import metric_of
from evenfit.results.trial import Trial
from evenfit.specs.config import Config

if TYPE_CHECKING:
    from evenfit.results.nested_estimate import NestedEstimate


@dataclass(frozen=True, kw_only=True, repr=False)
class Truth:
    """What trials are judged by: the target of every row and the splits that validate it."""

    task: str  # binary, multiclass or regression
    metric: str  # a name of METRICS: what selection looks at
    target: npt.NDArray[Any]  # [N] class codes, or numbers in the target's own units
    classes: int  # K; 1 for regression
    split_of: npt.NDArray[np.int64]  # [R, N] index of the split that validates the row; -1 is never
    training_rows: npt.NDArray[np.int64]  # [S] rows that each split trains on
    groups: npt.NDArray[np.int64] | None = None  # [N] rows of one group are resampled together

    def __repr__(self) -> str:
        """The task and the counts: its arrays would fill pages."""
        rows, splits = len(self.target), len(self.training_rows)
        return f"Truth(task={self.task!r}, metric={self.metric!r}, rows={rows}, splits={splits})"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A mean with its interval, at ``level``."""

    mean: float
    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, kw_only=True)
class Side:
    """One config as the report shows it: both losses, with the corrected interval over splits."""

    trial: int
    config: Config
    epoch: int
    training_loss: Interval  # clean base loss
    validation_loss: Interval  # base loss
    gap: Interval  # validation minus training loss, paired over splits
    training_scores: Mapping[str, float]  # accuracy and auc, or rmse and r2; on training rows only those known
    validation_scores: Mapping[str, float]  # out of fold, over all rows
    selection_loss: Interval  # the metric's loss


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """The selection-corrected estimate (BBC-CV) of the metric's loss on fresh rows."""

    mean: float
    low: float
    high: float
    level: float
    plain: float  # the winner's own cross-validation mean, which is too optimistic
    optimism: float  # mean - plain: what selecting on the same rows flatters
    metric: str
    resamples: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Paired out-of-bag difference, default minus selected: above 0 where tuning helped."""

    difference: Interval
    better: bool  # both whole 95% intervals, of the difference and of the gain, are above 0
    same: bool  # the default itself was selected
    gain: Interval | None = (
        None  # out-of-bag, the constant prediction minus selected: above 0 where something is learnt
    )


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Underfit, overfit or balanced, with the evidence and a sentence."""

    name: str
    gap: Interval
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Ensemble:
    """Weights over trials whose out-of-fold predictions together lose least."""

    trials: tuple[int, ...]
    weights: tuple[float, ...]  # they sum to 1
    loss: float  # of the whole, out of fold, on rows that did not choose it
    single_loss: float  # of the selected trial's predictions on the same rows
    used: bool  # it won out of fold, so it is what is deployed


@dataclass(frozen=True, kw_only=True)
class SearchStep:
    """The winner among the first trials of a search: its own loss, and what it loses on fresh rows."""

    trials: int
    plain: float  # cross-validation mean of the winner
    corrected: float  # BBC-CV estimate; the difference is the optimism


@dataclass(frozen=True, kw_only=True)
class FrontPoint:
    """A complete config than which no other has a lower loss at the same price, or a lower price at the same loss."""

    trial: int
    loss: Interval  # the metric's, over splits
    price: float  # parameters of one network, or microseconds a row
    left: float | None = None  # of size: parameters of one network that are not exactly 0


@dataclass(frozen=True, kw_only=True)
class Front:
    """The trade between the loss and what a network costs in use."""

    objective: str  # size or latency
    how: str  # prices are counted, measured, or by the cost model
    networks: int  # of one config, one a split: what a size is to be taken times
    prefer: str  # loss, small or knee: how the selected config was chosen along the front
    points: tuple[FrontPoint, ...]  # from the cheapest to that of the lowest loss
    small: int  # trial: the cheapest within one corrected standard error of the lowest loss
    knee: int  # trial: where the front bends most
    prices: tuple[float, ...]  # of every trial, in their order


@dataclass(frozen=True, kw_only=True, repr=False)
class Study:
    """The trials, the selected config, and the honest estimate."""

    truth: Truth
    trials: tuple[Trial, ...]
    selection: str  # one-se or best
    default: Side
    selected: Side
    estimate: Estimate
    comparison: Comparison
    verdict: Verdict
    ensemble: Ensemble
    seconds: float
    stopped: str  # what ended it: seconds, trials, epochs, target, settled, or exhausted: nothing was left
    notes: tuple[str, ...] = ()
    front: Front | None = None  # where there was a second objective
    steps: tuple[SearchStep, ...] = ()  # the optimism by number of trials; the last is the whole search
    nested: NestedEstimate | None = None  # what whole searches on parts of the rows say, where they were asked for

    def __repr__(self) -> str:
        """A line: how many trials, which was selected, what to expect of it, and what ended the search."""
        metric = metric_of(self.truth.metric, task=self.truth.task)
        known, better = self.estimate, "" if self.comparison.better else "not "
        mean, *ends = (metric.score(loss) for loss in (known.mean, known.low, known.high))
        return (
            f"Study({len(self.trials)} trials, selected {self.selected.trial}: {metric.label} {mean:.4g} "
            f"({min(ends):.4g} to {max(ends):.4g}) on fresh rows, {better}shown to beat the default; "
            f"ended by {self.stopped}, {self.seconds:.1f} s)"
        )
