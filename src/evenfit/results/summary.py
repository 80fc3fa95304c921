"""Summary: what the trials of a search say together, as a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from evenfit.results.baseline import constant_predictions
from evenfit.results.bbc import OutOfBag, out_of_bag, shrunk_interval
from evenfit.results.ensemble import mix
from evenfit.results.front import Prices, make_front
from evenfit.results.history import search_sizes
from evenfit.results.intervals import corrected_interval
from evenfit.results.metrics import metric_of, scores
from evenfit.results.selection import select, validation_rows
from evenfit.results.study import Comparison, Ensemble, Estimate, Interval, SearchStep, Side, Study, Truth
from evenfit.results.trial import Trial
from evenfit.results.verdict import judge
from evenfit.specs.objectives import KNEE, SMALL

LEVEL = 0.90  # of the estimate
CLAIM_LEVEL = 0.95  # of "better than the default"


def summarise(
    truth: Truth,
    trials: Sequence[Trial],
    *,
    selection: str,
    seed: int,
    seconds: float,
    stopped: str,
    resamples: int = 1000,
    notes: Sequence[str] = (),
    prices: Prices | None = None,
) -> Study:
    """Select a config, and say honestly how good it is: the study of these trials.

    The first trial by number is the default config. The same trials and seed give the same study.

    Raises:
        ConfigError: the rule of selection or the metric is unknown.
        ValueError: no trial has a finite loss.
    """
    trials = sorted(trials, key=lambda trial: trial.number)
    known = None if prices is None else prices.values
    place = select(truth, trials, rule=selection, prices=known)
    selected = side(truth, trials[place])
    metric = metric_of(truth.metric, task=truth.task)
    resampled = out_of_bag(
        truth,
        trials,
        rule=selection,
        baseline=metric.values(constant_predictions(truth), truth.target),
        searched=search_sizes(len(trials)),
        resamples=resamples,
        seed=seed,
        prices=known,
    )
    plain = trials[place].loss
    # Against the same config's loss on all rows: how much better some configs are is no doubt about this one.
    optimism = shrunk_interval(resampled.selected[-1] - resampled.whole[-1], level=LEVEL)
    return Study(
        truth=truth,
        trials=tuple(trials),
        selection=selection,
        default=side(truth, trials[0]),
        selected=selected,
        estimate=Estimate(
            mean=plain + optimism.mean,
            low=plain + optimism.low,
            high=plain + optimism.high,
            level=LEVEL,
            plain=plain,
            optimism=optimism.mean,
            metric=truth.metric,
            resamples=resamples,
        ),
        comparison=compare(resampled, same=place == 0),
        verdict=judge(truth, trials[place], selected),
        ensemble=_ensemble(truth, trials, selected=place, seed=seed, alone=selection in (SMALL, KNEE)),
        seconds=seconds,
        stopped=stopped,
        notes=tuple(notes),
        front=None if prices is None else make_front(truth, trials, prices, rule=selection),
        steps=_steps(truth, trials, resampled, rule=selection, prices=known),
    )


def side(truth: Truth, trial: Trial) -> Side:
    """One config at its epoch, as the report shows it."""
    training, validation = trial.training_loss[trial.best], trial.validation_loss[trial.best]
    mean = float(training.mean())
    known = dict(zip(("accuracy", "auc"), map(float, trial.training_scores), strict=False))
    if truth.task == "regression":
        known = {"rmse": math.sqrt(mean) if mean >= 0 else math.nan, "r2": 1 - mean / float(np.var(truth.target) or 1)}
    return Side(
        trial=trial.number,
        config=trial.config,
        epoch=trial.epoch,
        training_loss=_over_splits(truth, training),
        validation_loss=_over_splits(truth, validation),
        gap=_over_splits(truth, validation - training),
        training_scores=known,
        validation_scores=scores(truth.task, trial.predictions, truth.target),
        selection_loss=_over_splits(truth, trial.selection_loss[trial.best]),
    )


def _over_splits(truth: Truth, losses: npt.NDArray[np.floating]) -> Interval:
    return corrected_interval(losses, training_rows=truth.training_rows, validation_rows=validation_rows(truth))


def compare(resampled: OutOfBag, *, same: bool) -> Comparison:
    """Say whether the selected config beats the default, and has learnt anything at all.

    On a target that no column explains, a stronger penalty truly loses less than the default and
    yet has found nothing; so "better" also asks that the constant prediction is beaten.
    """
    selected = resampled.selected[-1]
    difference = shrunk_interval(resampled.default - selected, level=CLAIM_LEVEL)
    gain = shrunk_interval(resampled.baseline - selected, level=CLAIM_LEVEL)
    return Comparison(
        difference=difference, better=not same and difference.low > 0 and gain.low > 0, same=same, gain=gain
    )


def _ensemble(truth: Truth, trials: Sequence[Trial], *, selected: int, seed: int, alone: bool) -> Ensemble:
    """A mix of configs; where the selected one was chosen for its price, it is used alone."""
    mixed = mix(truth, trials, selected=selected, seed=seed)
    return replace(mixed, used=False) if alone else mixed


def _steps(
    truth: Truth, trials: Sequence[Trial], resampled: OutOfBag, *, rule: str, prices: Sequence[float] | None
) -> tuple[SearchStep, ...]:
    """The plain and the corrected loss of the search's winner after so many trials."""
    steps = []
    for searched, lost in zip(resampled.searched, resampled.selected - resampled.whole, strict=True):
        try:
            known = None if prices is None else prices[:searched]
            plain = trials[select(truth, trials[:searched], rule=rule, prices=known)].loss
        except ValueError:  # none of the first trials is finite
            continue
        steps.append(
            SearchStep(trials=searched, plain=plain, corrected=plain + shrunk_interval(lost, level=LEVEL).mean)
        )
    return tuple(steps)
