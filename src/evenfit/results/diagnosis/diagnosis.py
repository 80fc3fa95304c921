"""Diagnosis: the verdict on a model, what was measured for it, and the remedies, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.diagnosis.regime import Regime
from evenfit.results.diagnosis.remedy import Combination, Confirmation, NotTested, Placebos, Remedy
from evenfit.results.json import plain
from evenfit.results.study import Interval

Numbers = npt.NDArray[np.floating]


@dataclass(frozen=True, kw_only=True)
class Losses:
    """How well the model does, with corrected intervals over splits; its loss on each is the mean over seeds."""

    training: Interval  # clean base loss: log loss, or squared error
    validation: Interval  # base loss
    gap: Interval  # validation minus training, paired over splits
    constant: float  # base loss of predicting the same for every row
    headline: Interval  # the headline metric's loss
    score: float  # what a user reads of it
    score_low: float  # the score's interval, as numbers from low to high
    score_high: float


@dataclass(frozen=True, eq=False, kw_only=True)
class EpochCurve:
    """Base losses by epoch, means over splits and seeds with corrected intervals: all axes are [E]."""

    epochs: npt.NDArray[np.int64]
    training: Numbers
    training_low: Numbers
    training_high: Numbers
    validation: Numbers
    validation_low: Numbers
    validation_high: Numbers


@dataclass(frozen=True, kw_only=True)
class DataSlope:
    """What fewer training rows cost, and so what more of them may bring."""

    shares: tuple[float, ...]  # of a split's training rows, rising; the last is 1
    rows: tuple[int, ...]  # training rows, as many as shares
    losses: tuple[Interval, ...]  # the headline metric's loss at each
    slope: Interval  # change of the loss from half of the rows to all of them, paired: below 0, rows help
    percent: Interval  # the same in percent of the loss with all rows
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Where the base loss comes from: bias (noise included), chance of the rows, chance of the seed.

    Training sets of different repeats share most of their rows, so the part of the rows is understated.
    """

    bias: float  # noise is in it
    rows: float  # variance over training sets
    seed: float  # variance over seeds, the same training set
    loss: str  # squared or log
    ensemble_gain: float  # loss of one model less that of the mean over seeds
    sentence: str


@dataclass(frozen=True, kw_only=True)
class SplitCheck:
    """Whether the rows that judge are like those that train, where the user says which is which."""

    told_apart: Interval  # AUC of telling them apart, out of fold: 0.5 where they are alike
    chance: float  # of an AUC that high if they were alike
    columns: tuple[tuple[str, float], ...]  # those that differ most, each with its own AUC, from 0.5 to 1
    own_loss: float  # headline loss on the rows given to judge by
    expected: Interval  # headline loss on as many rows drawn at random, as an interval for that one loss
    unlike: bool  # whether they are too unlike for one to judge the other
    sentence: str


@dataclass(frozen=True, eq=False, kw_only=True)
class Diagnosis:
    """What is the matter with a model on a table, and what helps; everything in it was measured."""

    task: str  # binary, multiclass or regression
    metric: str  # the headline metric's name in METRICS
    metric_label: str
    higher: bool  # whether a higher score is better
    model: str  # what was diagnosed, in a few words
    config: Mapping[str, Any]  # its values by name
    rows: int
    columns: int
    folds: int
    repeats: int
    seed: int
    error: float | None  # the acceptable error, in the headline score, where the user gave one
    regime: Regime
    losses: Losses
    remedies: tuple[Remedy, ...]  # the most helpful first
    placebos: Placebos
    not_tested: tuple[NotTested, ...] = ()
    combination: Combination | None = None
    confirmations: tuple[Confirmation, ...] = ()
    data: DataSlope | None = None
    curve: EpochCurve | None = None
    parts: Parts | None = None
    split_check: SplitCheck | None = None
    seconds: float = 0.0
    budget: float | None = None  # seconds
    fits: int = 0  # models that were trained
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        """The name of the regime."""
        return self.regime.name

    def of(self, outcome: str) -> tuple[Remedy, ...]:
        """Give the remedies that came out so: helps, harms, no use or undecided."""
        return tuple(remedy for remedy in self.remedies if remedy.outcome == outcome)

    def __repr__(self) -> str:
        """The verdict and what helps, in a line or two: the rest is too long to be printed."""
        helping = ", ".join(remedy.words for remedy in self.of("helps")) or "nothing that was tested"
        return f"<Diagnosis: {self.regime.sentence} Shown to help: {helping}.>"

    def to_json(self) -> dict[str, Any]:
        """Give everything as plain values: dicts, lists, strings, numbers, booleans and None, by the names above."""
        found: dict[str, Any] = _values(self)
        return found


def _values(value: Any) -> Any:
    """Plain values of a frozen value, all the way down."""
    if is_dataclass(value) and not isinstance(value, type):
        return {known.name: _values(getattr(value, known.name)) for known in fields(value)}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): _values(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [_values(each) for each in value]
    return plain(value)
