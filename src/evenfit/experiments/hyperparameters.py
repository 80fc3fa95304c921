"""Hyperparameters: which of them the losses of a search depended on, by forests and by what the best have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.experiments.fanova import Measure, Parts, divide, measure_of, strongest
from evenfit.proposals.ped_anova import ped_anova
from evenfit.results.at_the_end import losses_at_the_end
from evenfit.results.hyperparameters import Hyperparameter, Hyperparameters, Pair, Surface
from evenfit.results.study import Interval
from evenfit.results.trial import COMPLETE, Trial

Array = npt.NDArray[np.float64]

FEWEST = 20  # trials with finite losses: of fewer nothing is said
LEVEL = 0.9
_MOST_TRIALS = 400  # the latest; more make forests slow
_RESAMPLES, _SHUFFLES, _LEAST_RESAMPLES = 20, 5, 6
_TREES = 16
_FAR = 1.5  # interquartile ranges above the third quartile: losses that are higher count as that
_MOST_PAIRS = 20


@dataclass(frozen=True, eq=False, kw_only=True)
class _Columns:
    """The values that differ among T trials, as numbers."""

    names: tuple[str, ...]
    numbers: Array  # [T, D]; of words, their places among the words in order
    words: Mapping[str, tuple[Any, ...]]  # of those that are words


def hyperparameter_importance(
    trials: Sequence[Trial],
    *,
    seed: int = 0,
    seconds: float = float("inf"),
    clock: Callable[[], float] = time.perf_counter,
) -> Hyperparameters:
    """Say what share of the variance of a search's losses each hyperparameter explains, alone and in pairs.

    Forests are fitted to resampled trials, and their variance is divided among the values that differ (fANOVA), over
    each value as it was searched and all of them independent; what that gives where losses are shuffled stands
    beside it. PED-ANOVA, which asks what the best configs have in common, is the second opinion. Dropped trials
    count with the loss that they were on the way to. A value that could do nothing in a config is there as the
    default's, as configs have it.

    Args:
        trials: of a search; the first is the default.
        seed: of the resampling and the forests.
        seconds: within which to stop; with infinite ones the same trials and seed give the same numbers.
        clock: monotonic seconds.
    """
    began = clock()
    losses = losses_at_the_end(trials)
    kept = np.flatnonzero(np.isfinite(losses))[-_MOST_TRIALS:]
    used, losses = [trials[int(place)] for place in kept], losses[kept]
    refusal = _refusal(used, losses)
    if refusal:
        return Hyperparameters(trials=len(used), refusal=refusal)
    low, high = np.quantile(losses, [0.25, 0.75])
    ceiling = float(high + _FAR * (high - low)) if high > low else float(losses.max())
    notes = _notes(trials, used, far=int((losses > ceiling).sum()), ceiling=ceiling)
    losses = np.minimum(losses, ceiling)
    columns = _columns(used)
    measure = measure_of(columns.numbers)
    parts, explained = _resampled(columns.numbers, losses, measure, seed=seed, until=began + seconds, clock=clock)
    if len(parts) < _LEAST_RESAMPLES:
        return Hyperparameters(trials=len(used), refusal="there was no time to ask which hyperparameters mattered")
    if not explained > 0:
        return Hyperparameters(
            trials=len(used),
            explained=explained,
            refusal=f"of {len(used)} configs the losses of those held back could not be foretold from their values, so "
            "that no importance can be read from them",
        )
    chance = _shuffled(columns.numbers, losses, measure, seed=seed, until=began + seconds, clock=clock)
    best = ped_anova(dict(zip(columns.names, columns.numbers.T, strict=True)), losses)
    pairs = _pairs(columns, parts, chance)
    return Hyperparameters(
        trials=len(used),
        explained=explained,
        alone=_alone(columns, parts, chance, best),
        pairs=pairs,
        surface=_surface(columns, measure, parts) if pairs else None,
        notes=notes,
    )


def _refusal(used: Sequence[Trial], losses: Array) -> str:
    """Why these trials tell nothing; empty where they may."""
    if len(used) < FEWEST:
        return f"importance needs {FEWEST} configs with finite losses; there are {len(used)}"
    if not np.ptp(losses) > 0:
        return "all configs have the same loss"
    return "" if len({trial.config for trial in used}) > 1 else "all configs are the same"


def _notes(trials: Sequence[Trial], used: Sequence[Trial], *, far: int, ceiling: float) -> tuple[str, ...]:
    """What was done to the losses."""
    known = [f"{len(trials) - len(used)} configs without finite losses are left out"] if len(used) < len(trials) else []
    dropped = sum(trial.status != COMPLETE for trial in used)
    known += [f"{dropped} dropped configs count with the loss that they were on the way to"] if dropped else []
    known += [f"{far} losses above {ceiling:.3g} count as {ceiling:.3g}"] if far else []
    return tuple(known)


def _columns(trials: Sequence[Trial]) -> _Columns:
    """Every value that differs, as a column."""
    configs = [trial.config.to_json() for trial in trials]
    names, columns, words = [], [], {}
    for name in configs[0]:
        tried = [config[name] for config in configs]
        distinct = sorted(set(tried), key=str)
        if len(distinct) < 2:
            continue
        names.append(name)
        if isinstance(distinct[0], str):
            words[name] = tuple(distinct)
            columns.append([float(distinct.index(value)) for value in tried])
        else:
            columns.append([float(value) for value in tried])
    return _Columns(names=tuple(names), numbers=np.array(columns, dtype=np.float64).T, words=words)


def _forest(numbers: Array, losses: Array, *, seed: int) -> Any:
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - only where a search is asked about

    forest = RandomForestRegressor(_TREES, min_samples_leaf=2, max_features=0.6, random_state=seed, n_jobs=1)
    return forest.fit(numbers, losses)


def _resampled(
    numbers: Array, losses: Array, measure: Measure, *, seed: int, until: float, clock: Callable[[], float]
) -> tuple[list[Parts], float]:
    """Divide the variance of forests of resampled trials, and say what they foretell of trials not drawn."""
    generator = np.random.default_rng([seed, 0x1A])
    told, votes = np.zeros(len(losses)), np.zeros(len(losses))
    parts: list[Parts] = []
    for number in range(_RESAMPLES):
        if clock() > until:
            break
        drawn = generator.integers(len(losses), size=len(losses))
        forest = _forest(numbers[drawn], losses[drawn], seed=int(generator.integers(2**31 - 1)))
        parts.append(divide(forest, measure, seed=number))
        out = np.setdiff1d(np.arange(len(losses)), drawn)
        if len(out):
            told[out] += forest.predict(numbers[out])
            votes[out] += 1
    seen = votes > 0
    variance = float(np.var(losses[seen])) if seen.any() else 0.0
    if not variance > 0:
        return parts, 0.0
    return parts, 1 - float(np.mean((losses[seen] - told[seen] / votes[seen]) ** 2)) / variance


def _shuffled(
    numbers: Array, losses: Array, measure: Measure, *, seed: int, until: float, clock: Callable[[], float]
) -> list[Parts]:
    """Divide the variance of forests that have nothing to learn."""
    generator = np.random.default_rng([seed, 0x1B])
    parts: list[Parts] = []
    for number in range(_SHUFFLES):
        if parts and clock() > until:
            break
        shuffled = generator.permutation(losses)
        drawn = generator.integers(len(losses), size=len(losses))
        forest = _forest(numbers[drawn], shuffled[drawn], seed=int(generator.integers(2**31 - 1)))
        parts.append(divide(forest, measure, seed=number))
    return parts


def _alone(
    columns: _Columns, parts: Sequence[Parts], chance: Sequence[Parts], best: Mapping[str, float]
) -> tuple[Hyperparameter, ...]:
    by_chance = np.mean([one.alone for one in chance], axis=0)
    found = [
        Hyperparameter(
            name=name,
            share=_interval([float(one.alone[place]) for one in parts]),
            chance=float(by_chance[place]),
            best=best[name],
        )
        for place, name in enumerate(columns.names)
    ]
    return tuple(sorted(found, key=lambda one: -one.share.mean))


def _pairs(columns: _Columns, parts: Sequence[Parts], chance: Sequence[Parts]) -> tuple[Pair, ...]:
    """The pairs that explain most together."""
    by_chance = np.mean([one.pairs for one in chance], axis=0)
    found = [
        Pair(
            names=(columns.names[first], columns.names[second]),
            share=_interval([float(one.pairs[first, second]) for one in parts]),
            chance=float(by_chance[first, second]),
        )
        for first in range(len(columns.names))
        for second in range(first + 1, len(columns.names))
    ]
    return tuple(sorted(found, key=lambda one: -one.share.mean)[:_MOST_PAIRS])


def _surface(columns: _Columns, measure: Measure, parts: Sequence[Parts]) -> Surface:
    """The loss at values of the strongest pair, on average over forests and over the other values."""
    pair = strongest(parts)
    at = [measure.of(place) for place in pair]
    losses = np.mean([one.two[at[0], at[1]] for one in parts], axis=0)
    names = (columns.names[pair[0]], columns.names[pair[1]])
    shown = [
        tuple(
            columns.words[name][int(code)] if name in columns.words else float(code) for code in measure.values[where]
        )
        for name, where in zip(names, at, strict=True)
    ]
    return Surface(
        names=names,
        values=(shown[0], shown[1]),
        losses=tuple(tuple(float(loss) for loss in row) for row in losses),
    )


def _interval(shares: Sequence[float]) -> Interval:
    low, high = np.quantile(shares, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(mean=float(np.mean(shares)), low=float(low), high=float(high), level=LEVEL)
