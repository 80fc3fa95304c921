"""Diagnosis: fit a model, its placebos and remedies on the same splits, the most telling first, while time is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split
from evenfit.experiments.fitting.fits import Curve, Fit, Fitted, Learner
from evenfit.experiments.interventions.intervention import Intervention
from evenfit.fleet.chance import member_seed
from evenfit.results.metrics import metric_of, split_losses
from evenfit.results.row_values import base_loss
from evenfit.results.study import Truth

Numbers = npt.NDArray[np.floating]

CHECKPOINTS = 12
_FOLDS = 10_000  # more than there are folds in a repeat
_DRAW = 0xD1A6  # of seeds: those that a search chose this config by would flatter it
_ROUND = 0.12  # of the time that is left: what a round of remedies may take, so that the plan can be corrected


@dataclass(frozen=True, eq=False, kw_only=True)
class Wish:
    """A variant to be fitted on some splits, from a draw of seeds."""

    name: str
    variant: Any
    splits: tuple[Split, ...]
    draw: int = 0
    cost: float = 1.0  # of a fit, as a multiple of the model's as it is


@dataclass(frozen=True, eq=False, kw_only=True)
class Outcome:
    """What a variant came to on splits: S of them, in the order of the wish."""

    losses: Numbers  # [S] of the headline metric
    training: Numbers  # [S] clean base loss
    validation: Numbers  # [S] base loss
    predictions: tuple[Numbers, ...]  # [S] of [rows judged, K]
    curves: tuple[Curve, ...] = ()
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0  # of a core


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is diagnosed, and by what."""

    learner_of: Callable[[Sequence[Any]], Learner]
    truth: Truth
    seed: int
    workers: int


def fulfil(case: Case, wishes: Sequence[Wish], *, checkpoints: int = 0, stop: Callable[[], bool]) -> dict[str, Outcome]:
    """Fit what is wished for, all in one go; wishes that were stopped before their end are left out.

    A model's seed is a function of the case's, the draw and its split's repeat and fold: never of the variant, so that
    variants are paired.
    """
    began = time.monotonic()
    splits: dict[int, tuple[int, Split]] = {}
    fits: list[Fit] = []
    owner: list[tuple[int, int]] = []
    for number, wish in enumerate(wishes):
        for place, split in enumerate(wish.splits):
            known = splits.setdefault(id(split), (len(splits), split))[0]
            seed = member_seed(case.seed, _DRAW + wish.draw, split.repeat * _FOLDS + split.fold)
            fits.append(Fit(variant=number, split=known, seed=seed))
            owner.append((number, place))
    learner = case.learner_of([wish.variant for wish in wishes])
    found: list[dict[int, Fitted]] = [{} for _ in wishes]
    unique = [split for _, split in splits.values()]
    for fitted in learner(fits, unique, checkpoints=checkpoints, workers=case.workers, stop=stop):
        number, place = owner[fitted.number]
        found[number][place] = fitted
    spent = (time.monotonic() - began) * case.workers
    units = sum(wish.cost * len(wish.splits) for wish in wishes) or 1.0
    return {
        wish.name: _outcome(case.truth, wish, own, seconds=spent * wish.cost * len(wish.splits) / units)
        for wish, own in zip(wishes, found, strict=True)
        if len(own) == len(wish.splits)
    }


def _outcome(truth: Truth, wish: Wish, fitted: dict[int, Fitted], *, seconds: float) -> Outcome:
    ordered = [fitted[place] for place in range(len(wish.splits))]
    losses, validation = np.full(len(ordered), np.nan), np.full(len(ordered), np.nan)
    for place, (split, one) in enumerate(zip(wish.splits, ordered, strict=True)):
        if not one.failure:
            losses[place] = headline_loss(truth, one.predictions, split.validate)
            validation[place] = float(base_loss(one.predictions, truth.target[split.validate]).mean())
    usable = ~np.array([bool(one.failure) for one in ordered])
    if usable.any():  # a fold that the metric cannot judge, such as AUC of one class, moves no mean
        losses = np.where(
            np.isnan(losses) & usable, np.nanmean(losses) if np.isfinite(losses).any() else np.nan, losses
        )
    return Outcome(
        losses=losses,
        training=np.array([one.training_loss for one in ordered]),
        validation=validation,
        predictions=tuple(one.predictions for one in ordered),
        curves=tuple(one.curve for one in ordered if one.curve is not None),
        failures=tuple(dict.fromkeys(one.failure for one in ordered if one.failure)),
        notes=tuple(dict.fromkeys(note for one in ordered for note in one.notes)),
        seconds=seconds,
    )


def joined(first: Outcome, second: Outcome) -> Outcome:
    """Put what a variant came to on some splits before what it came to on others."""
    return Outcome(
        losses=np.concatenate([first.losses, second.losses]),
        training=np.concatenate([first.training, second.training]),
        validation=np.concatenate([first.validation, second.validation]),
        predictions=first.predictions + second.predictions,
        curves=first.curves + second.curves,
        failures=tuple(dict.fromkeys(first.failures + second.failures)),
        notes=tuple(dict.fromkeys(first.notes + second.notes)),
        seconds=first.seconds + second.seconds,
    )


def on_splits(whole: Outcome, places: Sequence[int]) -> Outcome:
    """Give what a variant came to on some of its splits, those on which it failed not among them."""
    curves = whole.curves  # those that failed have none
    if len(curves) == len(whole.losses):
        curves = tuple(curves[place] for place in places)
    return replace(
        whole,
        losses=whole.losses[list(places)],
        training=whole.training[list(places)],
        validation=whole.validation[list(places)],
        predictions=tuple(whole.predictions[place] for place in places),
        curves=curves,
    )


def headline_loss(truth: Truth, predictions: Numbers, rows: npt.NDArray[np.int64]) -> float:
    """Give the headline metric's loss of predictions of some rows: [rows, K]."""
    metric = metric_of(truth.metric, task=truth.task)
    whole = np.full((1, len(truth.target), predictions.shape[1]), np.nan)
    whole[0, rows] = predictions
    split_of = np.full((1, len(truth.target)), -1)
    split_of[0, rows] = 0
    return float(split_losses(metric, metric.values(whole, truth.target), truth.target, split_of)[0])


# ---- the whole, in rounds


@dataclass(kw_only=True)
class Findings:
    """What has been measured so far, and what it took."""

    remedies: dict[str, Outcome] = field(default_factory=dict)
    fits: int = 0
    units: float = 0.0  # fits, each as a multiple of the model's as it is
    seconds: float = 0.0  # that they took, of a core

    def add(self, wishes: Sequence[Wish], outcomes: dict[str, Outcome], *, seconds: float) -> None:
        """Count what was done."""
        done = [wish for wish in wishes if wish.name in outcomes]
        self.fits += sum(len(wish.splits) for wish in done)
        self.units += sum(wish.cost * len(wish.splits) for wish in done)
        self.seconds += seconds

    def forget_pace(self) -> None:
        """Estimate what a fit takes from those to come alone."""
        self.units = self.seconds = 0.0

    @property
    def each(self) -> float:
        """Core-seconds of one fit of the model as it is."""
        return self.seconds / self.units if self.units else 0.0


def run_round(
    case: Case, found: Findings, wishes: Sequence[Wish], *, checkpoints: int = 0, stop: Callable[[], bool]
) -> dict[str, Outcome]:
    """Fulfil wishes, and take what it took into the plan."""
    began = time.monotonic()
    outcomes = fulfil(case, wishes, checkpoints=checkpoints, stop=stop)
    found.add(wishes, outcomes, seconds=(time.monotonic() - began) * case.workers)
    return outcomes


def measure_remedies(
    case: Case,
    found: Findings,
    interventions: Sequence[Intervention],
    splits: tuple[Split, ...],
    *,
    seconds_left: Callable[[], float],
    stop: Callable[[], bool],
) -> Iterator[tuple[str, ...]]:
    """Measure interventions in their order, as many as time allows, and yield the names of each round's.

    Args:
        case: what is diagnosed.
        found: what has been measured; remedies are added.
        interventions: the most promising first.
        splits: those of the model as it is.
        seconds_left: for remedies.
        stop: whether to stop now.
    """
    waiting = list(interventions)
    while waiting:
        left = seconds_left() * case.workers
        chosen, cost = [], 0.0
        for one in list(waiting):
            own = one.cost * len(splits) * found.each
            if cost + own > left:
                continue  # a cheaper one may still fit
            chosen.append(one)
            waiting.remove(one)
            cost += own
            if cost > max(_ROUND * left, 2 * case.workers):
                break
        if not chosen:
            return
        wishes = [Wish(name=one.name, variant=one.variant, splits=splits, cost=one.cost) for one in chosen]
        outcomes = run_round(case, found, wishes, stop=stop)
        for one in chosen:
            if one.name in outcomes:
                found.remedies[one.name] = outcomes[one.name]
        yield tuple(name for name in outcomes)
        if stop():
            return


def ensemble_losses(case: Case, own: Sequence[Outcome], splits: Sequence[Split]) -> Numbers:
    """Give the headline losses of the mean of several models' predictions: [S].

    Of classes, probabilities are averaged.
    """
    found = np.empty(len(splits))
    for place, split in enumerate(splits):
        each = np.stack([one.predictions[place] for one in own])
        found[place] = headline_loss(case.truth, mean_prediction(each), split.validate)
    return found


def mean_prediction(predictions: Numbers) -> Numbers:
    """Average numbers, or the probabilities of classes: [members, rows, K] -> [rows, K].

    Example:
        >>> mean_prediction(np.log([[[0.5, 0.5]], [[0.1, 0.9]]])).round(2).tolist()
        [[-1.2, -0.36]]
    """
    if predictions.shape[-1] == 1:
        return np.asarray(predictions.mean(axis=0))
    return np.asarray(np.logaddexp.reduce(predictions, axis=0) - np.log(len(predictions)))


def by_repeat(own: Sequence[Outcome], splits: Sequence[Split], rows: int) -> Numbers:
    """Give out-of-fold predictions of whole repeats, [repeats, members, rows, K]; NaN where a row is not judged."""
    counts = Counter(split.repeat for split in splits)
    repeats = sorted(repeat for repeat, count in counts.items() if count == max(counts.values()))
    known = np.full((len(repeats), len(own), rows, own[0].predictions[0].shape[1]), np.nan)
    for member, outcome in enumerate(own):
        for split, predictions in zip(splits, outcome.predictions, strict=True):
            if split.repeat not in repeats:
                continue
            known[repeats.index(split.repeat), member, split.validate] = predictions
    return known
