"""Surrogate: a forest that foretells the loss of a search's trials, asked what one hyperparameter does on average.

Partial dependence: Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics, 2001;
of hyperparameters: Moosbauer et al., "Explaining hyperparameter optimization via partial dependence plots", NeurIPS
2021. A search tries good regions more often, so that the average is over what it tried, and never controlled.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError, DataError
from evenfit.results.curves.validation_curve import ValidationCurve
from evenfit.results.study import Interval
from evenfit.results.trial import Trial

Array = npt.NDArray[np.float64]

LEAST_TRIALS = 12
RESAMPLES = 60
LEVEL = 0.95
_TREES = 24
_POINTS = 12  # most values that a curve has
_FAR = 4.0  # times the middle half's width above it: losses beyond count as this


@dataclass(frozen=True, eq=False, kw_only=True)
class _Columns:
    """Trials as numbers for a forest: T trials; ``own`` are the columns of the hyperparameter that is asked about."""

    numbers: Array  # [T, C]
    own: tuple[int, ...]
    choices: tuple[Any, ...]  # of the hyperparameter where it is a word, a column each; empty for numbers

    def at(self, value: Any) -> Array:
        """All trials, as if each had this value, and had trained to its end: [T, C]."""
        found = self.numbers.copy()
        found[:, list(self.own)] = [value == one for one in self.choices] if self.choices else float(value)
        found[:, -1] = 1.0
        return found


def search_curve(trials: Sequence[Trial], name: str, *, metric: str, loss: str, seed: int = 0) -> ValidationCurve:
    """Say what one hyperparameter does to both losses, on average over the other values that a search tried.

    Forests are fitted to resampled trials, each to the losses at the trial's epoch and to how far the trial came;
    a forest then foretells every trial with each value in turn, trained to its end. Intervals are percentiles over
    resamples.

    Args:
        trials: of a search.
        name: of a value of a config, of which the trials have at least two.
        metric: a name of METRICS, whose loss the trials were selected by.
        loss: what it is called.
        seed: of the resampling and the forests.

    Raises:
        ConfigError: no config has such a value.
        DataError: there are too few trials with finite losses, or all have the same value.
    """
    if not trials or name not in trials[0].config.to_json():
        known = sorted(trials[0].config.to_json()) if trials else []
        raise ConfigError(f"a config has no value named {name!r}; it has {', '.join(known) or 'none, without trials'}")
    losses = np.array([_losses(trial) for trial in trials])
    kept = np.flatnonzero(np.isfinite(losses).all(axis=1))
    if len(kept) < LEAST_TRIALS:
        raise DataError(f"a curve of a search needs {LEAST_TRIALS} trials with finite losses; got {len(kept)}")
    used, losses = [trials[int(place)] for place in kept], losses[kept]
    values = _values([getattr(trial.config, name) for trial in used])
    if len(values) < 2:
        raise DataError(f"all trials have the same {name}, {values[0]}; evenfit.validation_curve tries others")
    ceiling = _ceiling(losses[:, 0])
    notes = ["an average over the search, in which other values varied too; not a controlled comparison"]
    notes += [f"{len(trials) - len(used)} trials without finite losses are left out"] if len(used) < len(trials) else []
    far = int((losses[:, 0] > ceiling).sum())
    notes += [f"{far} losses above {ceiling:.3g} count as {ceiling:.3g}"] if far else []
    columns = _columns(used, name)
    curves, explained = _forests(columns, np.minimum(losses, [ceiling, _ceiling(losses[:, 1])]), values, seed=seed)
    if not explained > 0:
        notes.append("the forest tells nothing about trials that it has not seen: do not trust this curve")
    best = int(curves[:, :, 0].mean(axis=0).argmin())
    return ValidationCurve(
        name=name,
        values=values,
        metric=metric,
        loss=loss,
        controlled=False,
        training_intervals=_intervals(curves[:, :, 1]),
        loss_intervals=_intervals(curves[:, :, 0]),
        best=best,
        differences=_intervals(curves[:, :, 0] - curves[:, best : best + 1, 0]),
        training_differences=_intervals(curves[:, :, 1] - curves[:, best : best + 1, 1]),
        explained=explained,
        trials=len(used),
        notes=tuple(notes),
    )


def _losses(trial: Trial) -> tuple[float, float]:
    """The loss a trial was selected by and the clean training loss, at its epoch; in one unit where they are one."""
    with np.errstate(all="ignore"):
        loss = trial.loss
        training = float(np.mean(trial.training_loss[trial.best][trial.seen]))
    return loss, training


def _values(tried: Sequence[Any]) -> tuple[Any, ...]:
    """The values that the curve has: those tried, or quantiles of them where they are many."""
    distinct = sorted(set(tried), key=lambda value: (isinstance(value, str), value))
    if len(distinct) <= _POINTS or isinstance(distinct[0], str):
        return tuple(distinct)
    places = np.linspace(0, len(distinct) - 1, _POINTS).round().astype(int)
    return tuple(distinct[place] for place in places)


def _ceiling(losses: Array) -> float:
    """The loss that all worse ones count as, so that a few bad configs do not rule the average."""
    low, high = np.quantile(losses, [0.25, 0.75])
    return float(high + _FAR * (high - low)) if high > low else float(losses.max())


def _columns(trials: Sequence[Trial], name: str) -> _Columns:
    """Every value that varies as a column, words as a column for each choice, and last how far the trial came."""
    configs = [trial.config.to_json() for trial in trials]
    parts: list[list[float]] = []
    own: list[int] = []
    choices: tuple[Any, ...] = ()
    for key in configs[0]:
        tried = [config[key] for config in configs]
        distinct = sorted(set(tried), key=str)
        if len(distinct) < 2:
            continue
        if isinstance(distinct[0], str):
            added = [[float(value == one) for value in tried] for one in distinct]
        else:
            added = [[float(value) for value in tried]]
        if key == name:
            own = list(range(len(parts), len(parts) + len(added)))
            choices = tuple(distinct) if isinstance(distinct[0], str) else ()
        parts += added
    parts.append([float(trial.epochs[-1]) / trial.config.epochs for trial in trials])
    return _Columns(numbers=np.array(parts, dtype=np.float64).T, own=tuple(own), choices=choices)


def _forests(columns: _Columns, losses: Array, values: Sequence[Any], *, seed: int) -> tuple[Array, float]:
    """Curves [B, V, 2] by forests of resampled trials, and the share of the loss's variance told out of bag."""
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - only where a search is asked about

    generator = np.random.default_rng([seed, 0x5E])
    count, (means, spreads) = len(losses), (losses.mean(axis=0), losses.std(axis=0))
    spreads = np.where(spreads > 0, spreads, 1.0)
    asked = np.concatenate([columns.at(value) for value in values])
    curves, told, votes = [], np.zeros(count), np.zeros(count)
    for _ in range(RESAMPLES):
        drawn = generator.integers(count, size=count)
        forest = RandomForestRegressor(
            n_estimators=_TREES, min_samples_leaf=2, max_features=0.6, random_state=int(generator.integers(2**31 - 1))
        )
        forest.fit(columns.numbers[drawn], (losses[drawn] - means) / spreads)
        curves.append(forest.predict(asked).reshape(len(values), count, 2).mean(axis=1) * spreads + means)
        out = np.setdiff1d(np.arange(count), drawn)
        if len(out):
            told[out] += forest.predict(columns.numbers[out])[:, 0]
            votes[out] += 1
    seen = votes > 0
    truth = (losses[seen, 0] - means[0]) / spreads[0]
    error = float(np.mean((truth - told[seen] / votes[seen]) ** 2))
    variance = float(np.var(truth))
    return np.array(curves), 1 - error / variance if variance > 0 else 0.0


def _intervals(curves: Array) -> tuple[Interval, ...]:
    """Mean and percentiles over resamples: [B, V] -> V of them."""
    low, high = np.quantile(curves, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return tuple(
        Interval(mean=float(mean), low=float(below), high=float(above), level=LEVEL)
        for mean, below, above in zip(curves.mean(axis=0), low, high, strict=True)
    )
