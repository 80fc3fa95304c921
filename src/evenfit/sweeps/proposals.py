"""What a sweep tries next: grid, random, bayes, or Optuna, each a function of what has been tried."""

from __future__ import annotations

import json
import math
import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

from evenfit.proposals.quantiles import draw_quantiles
from evenfit.sweeps.distributions import Distribution
from evenfit.sweeps.parameters import Names
from evenfit.sweeps.sweep import Sweep

Chosen = dict[Names, Any]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A trial as proposals see it."""

    chosen: Mapping[Names, Any]
    loss: float | None  # its best so far, lower is better; none while it runs or where it failed
    running: bool = False
    latest: float | None = None  # the last that a failed one had


Propose = Callable[[Sweep, Sequence[Tried], int], Chosen | None]


def grid(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen | None:
    """Give the next of all combinations: names sorted, the last the fastest, as W&B has it; none after the last."""
    del seed
    names = sorted(sweep.parameters, key=".".join)
    seen = {_key(trial.chosen) for trial in tried}
    sizes = [sweep.parameters[name].size for name in names]
    for place in range(math.prod(sizes)):
        chosen = _combination(sweep, names, sizes=sizes, place=place)
        if _key(chosen) not in seen:
            return chosen
    return None


def draw_random(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen:
    """Draw each parameter independently; the n-th draw depends on the seed and n alone."""
    generator = random.Random(f"{seed}/{len(tried)}")  # noqa: S311 - not for secrets
    return {name: known.at(generator.random()) for name, known in sweep.parameters.items()}


def bayes(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen:
    """Maximise expected improvement under a Gaussian process over quantiles, as W&B does.

    An isotropic Matern kernel of nu 1.5; what runs is taken at the mean; 1,000 random points. Failed trials get the
    worst loss. Unlike W&B's, every value has a place of its own, 0 and False too, and probabilities are honoured.
    """
    ended = [trial for trial in tried if not trial.running]
    losses = [trial.loss for trial in ended if trial.loss is not None]
    searched = [(name, known) for name, known in sweep.parameters.items() if len(known.values) != 1]
    if len(losses) < 2 or not searched:
        return draw_random(sweep, tried, seed)
    generator = np.random.default_rng([seed, len(tried)])
    filled = {"worst": max, "best": min}.get(sweep.impute, max)(losses)
    points = _points(searched, ended)
    values = np.array([_loss(trial, sweep.impute, filled) for trial in ended])
    if len(points) > 100:
        kept = generator.integers(len(points), size=100)
        points, values = points[kept], values[kept]
    spread = values.std() or 1.0
    values = (values - values.mean()) / spread
    process = _fitted(points, values)
    running = [trial for trial in tried if trial.running]
    if running:
        fantasies = _points(searched, running)
        points, values = np.vstack([points, fantasies]), np.append(values, process.predict(fantasies))
        process = _fitted(points, values)
    tests = generator.random((1000, len(searched)))
    mean, deviation = process.predict(tests, return_std=True)
    deviation = np.maximum(deviation, 1e-12)
    gain = (values.min() - mean) / deviation
    improvement = deviation * (gain * norm.cdf(gain) + norm.pdf(gain))
    best = tests[int(np.argmax(improvement))]
    fixed = {name: known.values[0] for name, known in sweep.parameters.items() if len(known.values) == 1}
    return fixed | {name: known.at(float(u)) for (name, known), u in zip(searched, best, strict=True)}


def tpe(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen:
    """Draw by Optuna's tree-structured Parzen estimators, over quantiles."""
    searched = [(name, known) for name, known in sweep.parameters.items() if len(known.values) != 1]
    history = [
        ([_code(known, trial.chosen[name]) for name, known in searched], trial.loss)
        for trial in tried
        if trial.loss is not None and not trial.running
    ]
    sizes = [len(known.values) for _, known in searched]
    drawn = draw_quantiles(sizes, history, seed=seed + 7919 * len(tried))
    chosen = {name: known.values[0] for name, known in sweep.parameters.items() if len(known.values) == 1}
    for (name, known), u in zip(searched, drawn, strict=True):
        chosen[name] = known.values[int(u)] if known.values else known.at(min(max(u, 1e-9), 1 - 1e-9))
    return chosen


PROPOSALS: Mapping[str, Propose] = {"grid": grid, "random": draw_random, "bayes": bayes, "optuna": tpe}


def nested(chosen: Mapping[Names, Any]) -> dict[str, Any]:
    """Give values in the mappings that a sweep file nests them in."""
    result: dict[str, Any] = {}
    for names, value in chosen.items():
        place = result
        for name in names[:-1]:
            place = place.setdefault(name, {})
        place[names[-1]] = value
    return result


def _combination(sweep: Sweep, names: Sequence[Names], *, sizes: Sequence[int], place: int) -> Chosen:
    digits = []
    for size in reversed(sizes):
        place, digit = divmod(place, size)
        digits.append(digit)
    return {name: sweep.parameters[name].nth(d) for name, d in zip(names, reversed(digits), strict=True)}


def _key(chosen: Mapping[Names, Any]) -> str:
    """A combination's identity; 1 and 1.0 are one, as they are to W&B, and 1 and True are two."""
    plain = sorted((".".join(name), _whole(value)) for name, value in chosen.items())
    return json.dumps(plain, sort_keys=True, default=str)


def _whole(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _loss(trial: Tried, impute: str, filled: float) -> float:
    """A trial's loss, or what stands for it where it failed."""
    if trial.loss is not None:
        return trial.loss
    return trial.latest if impute == "latest" and trial.latest is not None else filled


def _code(known: Distribution, value: Any) -> float:
    if not known.values:
        return known.quantile(value)
    return float(next(i for i, each in enumerate(known.values) if each == value and type(each) is type(value)))


def _points(searched: Sequence[tuple[Names, Distribution]], trials: Sequence[Tried]) -> Any:
    return np.array([[known.quantile(trial.chosen[name]) for name, known in searched] for trial in trials])


def _fitted(points: Any, values: Any) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415 - only bayes needs it
    from sklearn.gaussian_process.kernels import Matern  # noqa: PLC0415

    process = GaussianProcessRegressor(kernel=Matern(nu=1.5), alpha=1e-7, n_restarts_optimizer=2, random_state=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a kernel at its bound is no news
        return process.fit(points, values)
