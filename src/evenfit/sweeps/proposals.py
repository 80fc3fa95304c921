"""What a sweep tries next: grid, random, bayes, or Optuna, each a function of what has been tried."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evenfit.sweeps.distributions import Distribution
from evenfit.sweeps.parameters import Names
from evenfit.sweeps.sweep import Sweep

Chosen = dict[Names, Any]


@dataclass(frozen=True, kw_only=True)
class Tried:
    """A trial as proposals see it: what its runs have logged so far, lower is better."""

    chosen: Mapping[Names, Any]
    loss: float | None  # the best that it has had
    worst: float | None = None
    latest: float | None = None
    running: bool = False
    failed: bool = False


Propose = Callable[[Sweep, Sequence[Tried], int], Chosen | None]


def grid(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen | None:
    """Give the next of all combinations: names sorted, the last the fastest, as W&B has it; none after the last.

    The n-th trial has the n-th combination, so that no list of them is ever made.
    """
    del seed
    names = sorted(sweep.parameters)
    place = len(tried)
    digits = []
    for name in reversed(names):
        place, digit = divmod(place, sweep.parameters[name].size)
        digits.append(digit)
    if place:
        return None
    return {name: sweep.parameters[name].nth(digit) for name, digit in zip(names, reversed(digits), strict=True)}


def draw_random(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen:
    """Draw each parameter independently.

    The n-th draw is the one that W&B's own code makes after ``random.seed(seed)``: names sorted, a number for each,
    constants too.
    """
    generator = random.Random(seed)  # noqa: S311 - not for secrets
    for _ in range(len(tried) * len(sweep.parameters)):
        generator.random()
    return {name: sweep.parameters[name].at(generator.random()) for name in sorted(sweep.parameters)}


def bayes(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen:
    """Maximise expected improvement under a Gaussian process over quantiles, number for number as W&B does.

    An isotropic Matern kernel of nu 1.5 on at most 100 trials; what runs is taken at the mean; 1,000 random points;
    a kernel at its bounds gives way to chance. Unlike in W&B's code 0, False and the empty text have places of their
    own, and probabilities are honoured.
    """
    searched = _searched(sweep)
    generator = np.random.RandomState([seed, len(tried)])
    known, values = _known(sweep, tried)
    running = [trial for trial in tried if trial.running and not sweep.impute_while_running][:95]
    if len(known) < 2 or not searched:
        return _at(sweep, generator.uniform(size=len(searched)))
    points = _points(searched, known)
    if len(points) > 100:
        kept = generator.randint(len(points), size=100)
        process, mean, spread = _fitted(points[kept], values[kept])
        used, losses = points[kept], values[kept]
    else:
        process, mean, spread = _fitted(points, values)
        used, losses = points, values
    if running:
        fantasies = _points(searched, running)
        losses = np.append(losses, process.predict(fantasies) * spread + mean)
        process, mean, spread = _fitted(np.vstack([used, fantasies]), losses)
    tests = generator.uniform(size=(1000, len(searched)))
    best = _best(process, tests, lowest=(values.min() - mean) / spread)
    if _at_bounds(process):
        best = int(generator.randint(0, len(tests) - 1))
    return _at(sweep, tests[best])


def _best(process: Any, tests: Any, *, lowest: float) -> int:
    """The place of the point with the greatest expected improvement."""
    from scipy.stats import norm  # noqa: PLC0415 - half a second that only bayes needs

    predicted, covariance = process.predict(tests, return_cov=True)
    deviation = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    better = lowest - predicted
    gain = better / (deviation + 1e-6)
    return int(np.argmax(better * norm.cdf(gain) + deviation * norm.pdf(gain)))


def _known(sweep: Sweep, tried: Sequence[Tried]) -> tuple[list[Tried], Any]:
    """The trials that the process is fitted to, and their losses, those of failed ones imputed."""
    used = [trial for trial in tried if not trial.running or sweep.impute_while_running]
    worsts = [trial.worst for trial in tried if not trial.running and trial.worst is not None]
    worst = max(worsts, default=0.0)
    return used, np.array([_loss(sweep, trial, worst=worst) for trial in used], dtype=float)


def _loss(sweep: Sweep, trial: Tried, *, worst: float) -> float:
    """A trial's loss, or what stands for it where it failed or has none."""
    if trial.loss is not None and not trial.failed:
        return trial.loss
    rule = sweep.impute_while_running if trial.running else sweep.impute
    if rule == "worst":
        return worst
    own = trial.loss if rule == "best" else trial.latest
    return 0.0 if own is None else own


def _at(sweep: Sweep, point: Any) -> Chosen:
    quantiles = dict(zip([name for name, _ in _searched(sweep)], map(float, point), strict=True))
    return {
        name: sweep.parameters[name].at(quantiles[name]) if name in quantiles else sweep.parameters[name].values[0]
        for name in sorted(sweep.parameters)
    }


def tpe(sweep: Sweep, tried: Sequence[Tried], seed: int) -> Chosen:
    """Draw by Optuna's tree-structured Parzen estimators, over quantiles."""
    from evenfit.proposals.quantiles import draw_quantiles  # noqa: PLC0415 - a second that only Optuna needs

    searched = _searched(sweep)
    history = [
        ([_code(known, trial.chosen[name]) for name, known in searched], trial.loss)
        for trial in tried
        if trial.loss is not None and not trial.running and not trial.failed
    ]
    sizes = [len(known.values) for _, known in searched]
    drawn = draw_quantiles(sizes, history, seed=seed + 7919 * len(tried))
    chosen = {name: known.values[0] for name, known in sweep.parameters.items() if known.constant}
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


def _searched(sweep: Sweep) -> list[tuple[Names, Distribution]]:
    return [(name, sweep.parameters[name]) for name in sorted(sweep.parameters) if not sweep.parameters[name].constant]


def _code(known: Distribution, value: Any) -> float:
    if not known.values:
        return known.quantile(value)
    return float(next(i for i, each in enumerate(known.values) if each == value and type(each) is type(value)))


def _points(searched: Sequence[tuple[Names, Distribution]], trials: Sequence[Tried]) -> Any:
    return np.array([[known.cumulative(trial.chosen[name]) for name, known in searched] for trial in trials])


def _fitted(points: Any, values: Any) -> tuple[Any, float, float]:
    """A process fitted to standardised losses, their mean and their spread."""
    from sklearn.gaussian_process import GaussianProcessRegressor  # noqa: PLC0415 - only bayes needs it
    from sklearn.gaussian_process.kernels import Matern  # noqa: PLC0415

    scale = max(float(np.abs(values).max()), 1.0)  # else a huge loss would overflow
    scaled = values / scale
    mean, spread = scaled.mean(), scaled.std() + 1e-6 / scale
    process = GaussianProcessRegressor(kernel=Matern(nu=1.5), alpha=1e-7, n_restarts_optimizer=2, random_state=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a kernel at its bound is no news
        process.fit(points, (scaled - mean) / spread)
    return process, mean * scale, spread * scale


def _at_bounds(process: Any) -> bool:
    return bool(np.isclose(process.kernel_.bounds, np.atleast_2d(process.kernel_.theta).T).any())
