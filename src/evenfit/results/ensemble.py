"""Ensemble: trials mixed so that together they lose least out of fold.

Caruana, Niculescu-Mizil, Crew & Ksikes, "Ensemble selection from libraries of models", ICML,
2004: starting from nothing, add the trial that helps the mixture most, again and again, with
replacement; the weight of a trial is how often it was added. Probabilities are mixed, or numbers.
Weights are fitted on the base loss; whether the mixture is used is judged by the metric, on rows
that did not choose its weights.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenfit.results.metrics import Metric, metric_of, split_losses
from evenfit.results.study import Ensemble, Truth
from evenfit.results.trial import COMPLETE, Trial

Numbers = npt.NDArray[np.floating]
Array = npt.NDArray[np.float64]
Integers = npt.NDArray[np.intp]

ROUNDS = 25
CANDIDATES = 15
MOST_ROWS = 20_000  # that choose weights; more do not change them


def mix(truth: Truth, trials: Sequence[Trial], *, selected: int, seed: int) -> Ensemble:
    """Mix the complete trials, and say whether the mixture beats the selected one (its place).

    For every fold the best trials and their weights are chosen by the rows of the other folds,
    and judged on its own: `loss` is the mean over folds, and `single_loss` that of the selected
    trial on the same rows. The weights given are those of all rows. Of repeats, the first is used.
    """
    metric = metric_of(truth.metric, task=truth.task)
    folds = truth.split_of[0]
    count = int(folds.max()) + 1
    places = [
        place
        for place, trial in enumerate(trials)
        if trial.status == COMPLETE and np.isfinite(trial.predictions[0][folds >= 0]).all()
    ]
    single = float(trials[selected].selection_loss[trials[selected].best][:count].mean())
    alone = Ensemble(trials=(trials[selected].number,), weights=(1.0,), loss=single, single_loss=single, used=False)
    if len(places) < 2 or count < 2:
        return alone
    losses = np.stack([trials[place].selection_loss[trials[place].best][:count] for place in places])
    made = {place: _material(truth, trials[place]) for place in places}
    rows = _some(np.flatnonzero(folds >= 0), seed=seed)
    mixed = np.full((1, len(folds), truth.classes), np.nan)
    for fold in range(count):
        others = np.delete(losses, fold, axis=1)
        chosen = [places[i] for i in np.argsort(others.mean(axis=1), kind="stable")[:CANDIDATES]]
        weights = _greedy(truth, [made[place] for place in chosen], rows[folds[rows] != fold])
        within = np.flatnonzero(folds == fold)
        mixed[0, within] = _mixture([trials[place].predictions[0][within] for place in chosen], weights)
    loss = _mean_loss(metric, mixed, truth)
    best = [places[i] for i in np.argsort(losses.mean(axis=1), kind="stable")[:CANDIDATES]]
    weights = _greedy(truth, [made[place] for place in best], rows)
    members = [(trials[place].number, float(w)) for place, w in zip(best, weights, strict=True) if w > 0]
    members.sort(key=lambda member: (-member[1], member[0]))
    return Ensemble(
        trials=tuple(number for number, _ in members),
        weights=tuple(weight for _, weight in members),
        loss=loss,
        single_loss=single,
        used=loss < single and len(members) > 1,
    )


def _material(truth: Truth, trial: Trial) -> Numbers:
    """What the base loss of a mixture is made of: the true class's probability, or the error: [N]."""
    predictions = np.asarray(trial.predictions[0], dtype=np.float64)
    if truth.task == "regression":
        return np.asarray(predictions[:, 0] - truth.target)
    index = np.asarray(truth.target, dtype=np.int64)[:, None]
    return np.exp(np.take_along_axis(predictions, index, axis=1)[:, 0])


def _greedy(truth: Truth, material: Sequence[Numbers], rows: Integers) -> Array:
    """Weights that lose least on the rows: [candidates], summing to 1."""
    made = np.stack([each[rows] for each in material])
    counts = np.zeros(len(made))
    if truth.task == "regression":
        products = made @ made.T
        for _ in range(ROUNDS):
            # |total + candidate|^2, without the part that all candidates share
            counts[np.argmin(2 * products @ counts + np.diag(products))] += 1
        return counts / ROUNDS
    made = np.maximum(made, 1e-30).astype(np.float32)
    total = np.zeros(made.shape[1], dtype=np.float32)
    for _ in range(ROUNDS):
        # The mean over rounds shifts every candidate's log alike.
        best = int(np.argmax(np.log(total + made).mean(axis=1, dtype=np.float64)))
        counts[best] += 1
        total += made[best]
    return counts / ROUNDS


def _mixture(predictions: Sequence[Numbers], weights: Array) -> Array:
    """Mix predictions [N, K]: numbers as they are, log-probabilities as probabilities."""
    stacked = np.stack([each for each, weight in zip(predictions, weights, strict=True) if weight > 0])
    kept = weights[weights > 0]
    if stacked.shape[-1] == 1:
        return np.asarray(np.tensordot(kept, stacked, axes=1))
    top = stacked.max(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(top + np.log(np.tensordot(kept, np.exp(stacked - top), axes=1)))


def _mean_loss(metric: Metric, predictions: Array, truth: Truth) -> float:
    values = metric.values(predictions, truth.target)
    return float(split_losses(metric, values, truth.target, truth.split_of[:1]).mean())


def _some(rows: Integers, *, seed: int) -> Integers:
    """All rows, or a fixed number of them by chance."""
    if len(rows) <= MOST_ROWS:
        return rows
    rng = np.random.default_rng([seed, 0xE5])
    return np.sort(rng.choice(rows, MOST_ROWS, replace=False))
