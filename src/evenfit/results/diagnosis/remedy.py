"""Remedy: what one change of a model did to its loss on rows that it had not seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from evenfit.results.study import Interval

HELPS, HARMS, NO_USE, UNDECIDED = "helps", "harms", "no use", "undecided"
OUTCOMES = (HELPS, HARMS, NO_USE, UNDECIDED)


@dataclass(frozen=True, kw_only=True)
class Remedy:
    """One change, measured on the same splits and seeds as the model itself.

    ``effect`` is the change of the headline metric's loss, remedied minus as it is: below 0 it helps.
    """

    name: str  # wider, more_dropout, ...
    words: str  # in a few words: "a network twice as wide"
    direction: str  # less variance, less bias, either, or none of a placebo
    outcome: str  # one of OUTCOMES
    effect: Interval  # corrected over splits, seeds' own spread taken in
    percent: Interval  # the same as a share of the model's loss, in percent
    chance: float  # of an effect this far from 0 if it did nothing: Holm's, over all that were tested
    loss: float  # with the change, mean over splits
    splits: int  # that it was measured on
    sentence: str  # what was found
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # by name of the value: (as it is, changed)
    seconds: float = 0.0  # of a core


@dataclass(frozen=True, kw_only=True)
class Placebos:
    """Copies of the model as it is, from other seeds: what a remedy that does nothing looks like."""

    remedies: tuple[Remedy, ...]  # each tested as if it were a remedy
    spread: float  # standard deviation of the mean loss over seeds, in units of the loss
    percent: float  # the same as a share of the loss, in percent
    found: int  # how many were said to help: each one was said so wrongly
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Combination:
    """The two remedies that help most, together."""

    remedy: Remedy  # its effect against the model as it is
    names: tuple[str, str]
    against_best: Interval  # change of the loss against the better of the two alone; below 0 the second one adds
    sentence: str


@dataclass(frozen=True, kw_only=True)
class Confirmation:
    """A remedy that was chosen, measured once more on folds and from seeds that did not choose it."""

    name: str
    words: str
    effect: Interval  # below 0 it helps
    percent: Interval
    splits: int
    confirmed: bool  # the whole interval is below 0
    sentence: str


@dataclass(frozen=True, kw_only=True)
class NotTested:
    """A change that was not measured, and why."""

    name: str
    words: str
    reason: str
