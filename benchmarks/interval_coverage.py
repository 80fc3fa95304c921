"""Count how often the 95% intervals of bias, variance and loss hold the truth, where the truth is known.

For each world (a function, its noise, a learner and a number of training rows) the learner is fitted to some thousands
of independent training sets, and predicts some thousands of rows. These predictions are the population: its bias,
variance and loss are known exactly. Each trial then draws R of the training sets and N of the rows, with replacement,
with fresh labels, as disjoint samples of one large file would be; takes their loss apart, the noise being known; and
looks whether each interval holds the population's value.

    python benchmarks/interval_coverage.py --json --trials 400
    python benchmarks/interval_coverage.py --json --losses domingos --replicates 5 50 --rows 200 --trials 1000

Prints one object a line for each loss, part, R and N: `name`, `seconds` (of one decomposition), `quality` (the share of
intervals that hold the truth, over all worlds), `peer_quality` (the same for the mean over replicates with its t
interval, which takes the rows for fixed and does not correct the parts), `ratio` (the median width over that of the
peer), `lowest` and `highest` (the shares of single worlds), `trials`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit, stdtrit
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from evenfit.results.decomposition.cells import LOSSES
from evenfit.results.decomposition.decompose import decompose

Array = np.ndarray
SETS, ROWS = 1500, 3000  # of the population
PARTS = ("loss", "bias_squared", "variance")


@dataclass(frozen=True, kw_only=True)
class World:
    """What is to be learnt, and how."""

    name: str
    truth: Callable[[Array], Array]  # [n, d] -> the mean [n], or the probabilities of classes [n, K]
    columns: int
    rows: int  # of a training set
    learner: Callable[[Array, Array, Array, int], Array]  # (X, y, where, K) -> numbers, or log-probabilities
    noise: float = 0.0  # deviation; of numbers alone


@dataclass(frozen=True, kw_only=True)
class Population:
    """Predictions of all training sets on all rows, and what is true of the rows."""

    predictions: Array  # [T, M, K]
    truth: Array  # [M] means, or [M, K] probabilities
    noise: float


def least_squares(X: Array, y: Array, where: Array, classes: int) -> Array:  # noqa: ARG001 - as all learners
    """Ordinary least squares with an intercept."""
    weights = np.linalg.lstsq(np.c_[np.ones(len(X)), X], y, rcond=None)[0]
    return np.c_[np.ones(len(where)), where] @ weights


def squares(X: Array, y: Array, where: Array, classes: int) -> Array:
    """Least squares on columns and their squares."""
    return least_squares(np.c_[X, X**2], y, np.c_[where, where**2], classes)


def ridge(X: Array, y: Array, where: Array, classes: int) -> Array:  # noqa: ARG001 - as all learners
    """Ridge regression of strength 5."""
    return where @ np.linalg.solve(X.T @ X + 5 * np.eye(X.shape[1]), X.T @ (y - y.mean())) + y.mean()


def _nearest(X: Array, where: Array, count: int) -> Array:
    apart = (where**2).sum(1)[:, None] + (X**2).sum(1) - 2 * where @ X.T
    return np.argpartition(apart, count - 1, axis=1)[:, :count]


def neighbours(X: Array, y: Array, where: Array, classes: int) -> Array:
    """The mean of the 5 nearest; of classes, smoothed shares of the 9 nearest."""
    if classes == 1:
        return y[_nearest(X, where, 5)].mean(1)
    return _smoothed(np.eye(classes)[y][_nearest(X, where, 9)].sum(1))


def tree(X: Array, y: Array, where: Array, classes: int) -> Array:
    """A tree of depth 3; of classes, smoothed shares in its leaves."""
    if classes == 1:
        return DecisionTreeRegressor(max_depth=3, random_state=0).fit(X, y).predict(where)
    model = DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, y)
    counts = np.zeros((model.tree_.node_count, classes))
    np.add.at(counts, model.apply(X), np.eye(classes)[y])
    return _smoothed(counts)[model.apply(where)]


def gaussians(X: Array, y: Array, where: Array, classes: int) -> Array:
    """Linear discriminants of a shrunken covariance."""
    counts = np.bincount(y, minlength=classes) + 1.0
    middles = np.stack([(X[y == k].sum(0)) / (counts[k]) for k in range(classes)])
    spread = np.cov((X - middles[y]).T).reshape(X.shape[1], -1) + 0.2 * np.eye(X.shape[1])
    slopes = np.linalg.solve(spread, middles.T)
    scores = where @ slopes - 0.5 * (middles * slopes.T).sum(1) + np.log(counts / counts.sum())
    return scores - np.logaddexp.reduce(scores, axis=1, keepdims=True)


def _smoothed(counts: Array) -> Array:
    return np.log((counts + 0.5) / (counts + 0.5).sum(-1, keepdims=True))


def _two(log_odds: Array) -> Array:
    return np.stack([1 - expit(log_odds), expit(log_odds)], axis=1)


def _several(scores: Array) -> Array:
    return np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))


def plane(X: Array) -> Array:
    """A linear mean."""
    return X @ np.linspace(1.5, -0.5, X.shape[1])


def bend(X: Array) -> Array:
    """A curved mean."""
    return X[:, 0] ** 2 - X[:, 1] + 0.5 * X[:, 0] * X[:, 1]


def bumps(X: Array) -> Array:
    """A mean that goes up and down."""
    return np.sin(2.5 * X[:, 0]) * np.cos(1.5 * X[:, 1]) * 1.5


def wave(X: Array) -> Array:
    """Two classes in stripes."""
    return _two(3 * np.sin(2 * X[:, 0]))


REGRESSIONS = (
    World(name="plane, least squares", truth=plane, columns=6, rows=25, learner=least_squares, noise=1.0),
    World(name="bend, least squares", truth=bend, columns=3, rows=60, learner=least_squares, noise=0.5),
    World(name="bend, squares", truth=bend, columns=4, rows=40, learner=squares, noise=1.5),
    World(name="plane, ridge", truth=plane, columns=15, rows=30, learner=ridge, noise=1.0),
    World(name="bumps, ridge", truth=bumps, columns=2, rows=100, learner=ridge, noise=0.2),
    World(name="bumps, neighbours", truth=bumps, columns=2, rows=80, learner=neighbours, noise=0.5),
    World(name="plane, neighbours", truth=plane, columns=4, rows=40, learner=neighbours, noise=2.0),
    World(name="bumps, tree", truth=bumps, columns=2, rows=100, learner=tree, noise=0.5),
    World(name="bend, tree", truth=bend, columns=5, rows=50, learner=tree, noise=0.3),
)
CLASSIFICATIONS = (
    World(name="line, gaussians", truth=lambda X: _two(2 * X[:, 0] - X[:, 1]), columns=3, rows=30, learner=gaussians),
    World(
        name="wave, neighbours", truth=lambda X: _two(3 * np.sin(2 * X[:, 0])), columns=2, rows=60, learner=neighbours
    ),
    World(name="wave, tree", truth=lambda X: _two(3 * np.sin(2 * X[:, 0])), columns=2, rows=100, learner=tree),
    World(name="line, tree", truth=lambda X: _two(4 * X[:, 0] + 2), columns=3, rows=40, learner=tree),
    World(
        name="three, gaussians",
        truth=lambda X: _several(np.stack([2 * X[:, 0], 2 * X[:, 1], -X[:, 0]], 1)),
        columns=3,
        rows=60,
        learner=gaussians,
    ),
    World(
        name="four, neighbours",
        truth=lambda X: _several(2 * np.concatenate([X, -X], axis=1)),
        columns=2,
        rows=100,
        learner=neighbours,
    ),
)


def draw(rng: np.random.Generator, truth: Array, noise: float) -> Array:
    """Labels of rows whose truth is known."""
    if truth.ndim == 1:
        return truth + noise * rng.normal(size=len(truth))
    drawn = (rng.random(len(truth))[:, None] > truth.cumsum(1)).sum(1)
    return np.minimum(drawn, truth.shape[1] - 1)


def population(world: World, *, seed: int) -> Population:
    """Fit the learner to many training sets."""
    rng = np.random.default_rng(seed)
    where = rng.normal(size=(ROWS, world.columns))
    truth = world.truth(where)
    classes = 1 if truth.ndim == 1 else truth.shape[1]
    predictions = np.empty((SETS, ROWS, classes), np.float32)
    for each in range(SETS):
        X = rng.normal(size=(world.rows, world.columns))
        y = draw(rng, world.truth(X), world.noise)
        predictions[each] = world.learner(X, y, where, classes).reshape(ROWS, classes)
    return Population(predictions=predictions, truth=truth, noise=world.noise)


def known(of: Population, loss: str) -> dict[str, float]:
    """The parts of the population's loss."""
    drawn, truth = of.predictions.astype(np.float64), of.truth
    if truth.ndim == 1:
        bias = float(((drawn[..., 0].mean(0) - truth) ** 2).mean())
        variance = float(drawn[..., 0].var(0).mean())
        return {"loss": bias + variance + of.noise**2, "bias_squared": bias, "variance": variance}
    if loss == "log":
        middle = drawn.mean(0)
        variance = -float(np.logaddexp.reduce(middle, axis=1).mean())
        whole = -float((truth * middle).sum(1).mean())
        return {"loss": whole, "bias_squared": whole - variance - entropy(truth), "variance": variance}
    if loss == "squared":
        drawn = np.exp(drawn)
        bias, variance = float(((drawn.mean(0) - truth) ** 2).sum(1).mean()), float(drawn.var(0).sum(1).mean())
        return {"loss": bias + variance + gini(truth), "bias_squared": bias, "variance": variance}
    votes = drawn.argmax(2)
    shares = np.stack([(votes == k).mean(0) for k in range(truth.shape[1])], axis=1)
    whole = 1 - float((truth * shares).sum(1).mean())
    if loss == "zero-one":
        variance, noise = 0.5 * gini(shares), 0.5 * gini(truth)
        return {"loss": whole, "bias_squared": whole - variance - noise, "variance": variance}
    best = truth.argmax(1)
    bias = float((shares.argmax(1) != best).mean())
    against = 1 - float(shares[np.arange(len(best)), best].mean())
    return {"loss": whole, "bias_squared": bias, "variance": against - bias}


def entropy(probabilities: Array) -> float:
    """The mean entropy of rows."""
    return -float((probabilities * np.log(np.maximum(probabilities, 1e-300))).sum(1).mean())


def gini(probabilities: Array) -> float:
    """The mean over rows of 1 - sum P^2."""
    return float(1 - (probabilities**2).sum(1).mean())


def naive(cells: Array) -> tuple[float, float]:
    """The t interval of a mean over replicates: (low, high)."""
    reach = float(stdtrit(len(cells) - 1, 0.975)) * float(cells.std(ddof=1)) / np.sqrt(len(cells))
    return float(cells.mean()) - reach, float(cells.mean()) + reach


def trial(
    of: Population, loss: str, truth: dict[str, float], rng: np.random.Generator, *, shape: tuple[int, int]
) -> Array:
    """Whether each part's interval and the peer's hold the truth, and both widths: [parts, 4]."""
    sets, rows = rng.integers(SETS, size=shape[0]), rng.integers(ROWS, size=shape[1])
    here = of.truth[rows]
    classification = of.truth.ndim == 2
    found = decompose(
        of.predictions[sets][:, None, rows],
        draw(rng, here, of.noise),
        loss=loss,
        classification=classification,
        noise=here if classification else of.noise**2,
    )
    lines = []
    for name in PARTS:
        part, true = found.parts()[name], truth[name]
        own = getattr(found.maps, f"replicate_{name}")
        low, high = naive(own - own.mean() + part.plain)
        width = part.corrected.high - part.corrected.low
        lines.append([part.corrected.low <= true <= part.corrected.high, low <= true <= high, width, high - low])
    return np.array(lines, dtype=float)


def measure(arguments: argparse.Namespace) -> None:
    """Count over all worlds, and print a line for each loss, part and size."""
    found: dict[tuple[str, str, int, int], dict[str, Array]] = {}
    seconds: dict[tuple[int, int], list[float]] = {}
    for number, world in enumerate(REGRESSIONS + CLASSIFICATIONS):
        of = population(world, seed=arguments.seed + number)
        losses = ["squared"] if of.truth.ndim == 1 else arguments.losses
        for loss in set(losses) & set(arguments.losses):
            truth = known(of, loss)
            for shape in [(r, n) for r in arguments.replicates for n in arguments.rows]:
                rng = np.random.default_rng([arguments.seed, number, *shape, len(loss)])
                began = time.perf_counter()
                lines = np.stack([trial(of, loss, truth, rng, shape=shape) for _ in range(arguments.trials)])
                seconds.setdefault(shape, []).append((time.perf_counter() - began) / arguments.trials)
                kind = "numbers" if of.truth.ndim == 1 else "classes"
                for place, part in enumerate(PARTS):
                    found.setdefault((f"{loss} of {kind}", part, *shape), {})[world.name] = lines[:, place]
    for (loss, part, replicates, rows), worlds in sorted(found.items()):
        each = {name: lines[:, 0].mean() for name, lines in worlds.items()}
        every = np.concatenate(list(worlds.values()))
        line = {
            "name": f"coverage of {part}, {loss}, R {replicates}, N {rows}",
            "seconds": round(float(np.mean(seconds[replicates, rows])), 4),
            "quality": round(float(every[:, 0].mean()), 4),
            "peer_quality": round(float(every[:, 1].mean()), 4),
            "ratio": round(float(np.median(every[:, 2]) / max(np.median(every[:, 3]), 1e-300)), 3),
            "lowest": [min(each, key=each.__getitem__), round(min(each.values()), 4)],
            "highest": [max(each, key=each.__getitem__), round(max(each.values()), 4)],
            "trials": arguments.trials,
        }
        print(json.dumps(line), flush=True)


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line (always so)")
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--replicates", type=int, nargs="+", default=[5, 10, 20, 50])
    parser.add_argument("--rows", type=int, nargs="+", default=[50, 200, 1000])
    parser.add_argument("--losses", nargs="+", default=list(LOSSES), choices=list(LOSSES))
    parser.add_argument("--seed", type=int, default=0)
    measure(parser.parse_args())


if __name__ == "__main__":
    main()
