"""Does the estimate keep its promise? Coverage and false claims on searches whose truth is known.

Small networks (one hidden layer, full-batch Adam) of many configs are really trained on the folds
of synthetic tables of two classes, all at once in numpy. The probability of every fresh row is
known, so that the loss of the winner's fold members on fresh rows is known almost exactly, and can
be compared with what the summary of the search promised.

    python benchmarks/promises.py --json --rows 500 --configs 20 --tables 200
    python benchmarks/promises.py --json --noise        # nothing to learn: claims are false ones

Prints one object a line: `name`, `seconds`, `quality` (the share of 90% intervals that hold the
truth; with --noise the share of searches that claim to beat the default), and `peer_quality` (the
same for the corrected t interval around the winner's own cross-validation mean; with --noise, of
the difference to the default alone), and `ratio`, the width of the interval over that of the peer.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass

import numpy as np

from evenfit.results.intervals import corrected_interval
from evenfit.results.metrics import METRICS, split_losses
from evenfit.results.row_values import base_loss
from evenfit.results.study import Study, Truth
from evenfit.results.summary import summarise
from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.config import Config

Array = np.ndarray
HIDDEN = 8
CHECKPOINTS = (2, 4, 7, 11, 16, 23, 32, 45, 60, 80)
FRESH_ROWS = 1500


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of two classes, and fresh rows whose probabilities are known."""

    X: Array
    target: Array
    fresh: Array
    probability: Array  # of class 1 on the fresh rows


def table(rng: np.random.Generator, *, rows: int, columns: int, signal: float) -> Table:
    """Draw a table: log-odds are linear plus a product of two columns, scaled by the signal."""
    slope = rng.normal(size=columns) / np.sqrt(columns)
    X = rng.normal(size=(rows + FRESH_ROWS, columns))
    log_odds = signal * (X @ slope + 0.5 * X[:, 0] * X[:, 1])
    probability = 1 / (1 + np.exp(-log_odds))
    target = (rng.random(rows + FRESH_ROWS) < probability).astype(np.int64)
    return Table(X=X[:rows], target=target[:rows], fresh=X[rows:], probability=probability[rows:])


@dataclass(frozen=True, kw_only=True)
class Members:
    """What each of M networks is trained with."""

    rates: Array  # [M] learning rates
    decays: Array  # [M] strengths of L2, decoupled
    noises: Array  # [M] deviation of noise on the inputs
    rows: Array  # [M, N] 1 for training rows


def forward(weights: list[Array], X: Array) -> tuple[Array, Array]:
    """Hidden units [M, N, H] and log-odds [M, N]."""
    hidden = np.maximum(np.matmul(X, weights[0]) + weights[1], 0)
    return hidden, np.matmul(hidden, weights[2])[..., 0] + weights[3][:, :, 0]


def train(members: Members, data: Table, rng: np.random.Generator, *, folds: int) -> tuple[Array, Array]:
    """Train all members at once; log-odds at the checkpoints on the table's and on fresh rows: [E, M, rows]."""
    count, columns = len(members.rates), data.X.shape[1]
    X, fresh = data.X.astype(np.float32), data.fresh.astype(np.float32)
    shapes = [(columns, HIDDEN), (1, HIDDEN), (HIDDEN, 1), (1, 1)]
    scales = [np.sqrt(2 / columns), 0.0, np.sqrt(1 / HIDDEN), 0.0]
    # Configs share the first weights of their fold, as in the product.
    weights = [
        np.tile(rng.normal(size=(folds, *shape)) * scale, (count // folds, 1, 1)).astype(np.float32)
        for shape, scale in zip(shapes, scales, strict=True)
    ]
    first, second = [np.zeros_like(each) for each in weights], [np.zeros_like(each) for each in weights]
    share = (members.rows / members.rows.sum(axis=1, keepdims=True)).astype(np.float32)
    rate, decay = members.rates[:, None, None].astype(np.float32), members.decays[:, None, None].astype(np.float32)
    on_table, on_fresh = [], []
    for step in range(1, CHECKPOINTS[-1] + 1):
        inputs = X + members.noises[:, None, None].astype(np.float32) * rng.standard_normal(X.shape, np.float32)
        hidden, log_odds = forward(weights, inputs)
        slope = (share * (1 / (1 + np.exp(-log_odds)) - data.target))[..., None]
        back = np.matmul(slope, weights[2].transpose(0, 2, 1)) * (hidden > 0)
        slopes = [
            np.matmul(inputs.transpose(0, 2, 1), back),
            back.sum(axis=1, keepdims=True),
            np.matmul(hidden.transpose(0, 2, 1), slope),
            slope.sum(axis=1, keepdims=True),
        ]
        for place, each in enumerate(slopes):
            first[place] = 0.9 * first[place] + 0.1 * each
            second[place] = 0.99 * second[place] + 0.01 * each**2
            move = (first[place] / (1 - 0.9**step)) / (np.sqrt(second[place] / (1 - 0.99**step)) + 1e-8)
            weights[place] = weights[place] - rate * (move + (decay * weights[place] if place % 2 == 0 else 0))
        if step in CHECKPOINTS:
            on_table.append(forward(weights, X)[1])
            on_fresh.append(forward(weights, fresh)[1])
    return np.stack(on_table), np.stack(on_fresh)


def log_probabilities(log_odds: Array) -> Array:
    """Of both classes: [...] -> [..., 2]."""
    return -np.logaddexp(0, np.stack([log_odds, -log_odds], axis=-1))


def search(
    seed: int, *, rows: int, configs: int, folds: int, signal: float, metric: str
) -> tuple[Truth, list[Trial], Array]:
    """A whole search on one table, and every trial's loss on fresh rows at every epoch: [T, E]."""
    rng = np.random.default_rng(seed)
    data = table(rng, rows=rows, columns=10, signal=signal)
    split_of = rng.permutation(rows) % folds
    rates = np.exp(rng.uniform(np.log(3e-3), np.log(1e-1), configs))
    decays = np.where(rng.random(configs) < 0.3, 0, np.exp(rng.uniform(np.log(1e-2), np.log(3), configs)))
    noises = np.where(rng.random(configs) < 0.5, 0, rng.uniform(0, 1, configs))
    rates[0], decays[0], noises[0] = 2e-2, 0, 0  # the default
    members = Members(
        rates=np.repeat(rates, folds),
        decays=np.repeat(decays, folds),
        noises=np.repeat(noises, folds),
        rows=np.tile(split_of != np.arange(folds)[:, None], (configs, 1)),
    )
    on_table, on_fresh = train(members, data, rng, folds=folds)
    on_table = on_table.reshape(len(CHECKPOINTS), configs, folds, rows)
    truth = Truth(
        task="binary",
        metric=metric,
        target=data.target,
        classes=2,
        split_of=split_of[None],
        training_rows=np.bincount(split_of, minlength=folds) * -1 + rows,
    )
    # the probability of each fresh row is known, so labels add no noise
    p, log_p = data.probability, log_probabilities(on_fresh)
    if metric == "log_loss":
        lost = -(p * log_p[..., 1] + (1 - p) * log_p[..., 0])
    elif metric == "accuracy":
        lost = np.where(on_fresh > 0, 1 - p, p)
    else:
        raise SystemExit(f"metric must be log_loss or accuracy; got {metric!r}")
    fresh = lost.mean(axis=-1).reshape(len(CHECKPOINTS), configs, folds).mean(axis=2).T
    trials = [_trial(truth, on_table[:, number], number=number) for number in range(configs)]
    return truth, trials, fresh


def _trial(truth: Truth, log_odds: Array, *, number: int) -> Trial:
    """The trial of one config's log-odds on all rows: [E, F, N]."""
    split_of, folds = truth.split_of[0], log_odds.shape[1]
    rows = np.arange(len(split_of))
    everywhere = base_loss(log_probabilities(log_odds), truth.target)  # [E, F, N]
    training = np.stack([everywhere[:, fold, split_of != fold].mean(axis=-1) for fold in range(folds)], axis=1)
    validation = np.stack([everywhere[:, fold, split_of == fold].mean(axis=-1) for fold in range(folds)], axis=1)
    out_of_fold = log_probabilities(log_odds[:, split_of, rows])[:, None]
    metric = METRICS[truth.metric]
    values = metric.values(out_of_fold, truth.target)
    selection = split_losses(metric, values, truth.target, truth.split_of)
    best = int(selection.mean(axis=1).argmin())
    return Trial(
        number=number,
        round=0,
        config=Config(),
        status=COMPLETE,
        epochs=np.array(CHECKPOINTS),
        training_loss=training,
        validation_loss=validation,
        selection_loss=selection,
        row_values=values.astype(np.float16),
        best=best,
        predictions=out_of_fold[best],
        seconds=1.0,
    )


def promise(study: Study, fresh: Array) -> dict[str, float]:
    """What a study promised, against what came."""
    trial = next(trial for trial in study.trials if trial.number == study.selected.trial)
    truth, came, estimate = study.truth, fresh[trial.number, trial.best], study.estimate
    counts = np.bincount(truth.split_of[0])
    plain = corrected_interval(
        trial.selection_loss[trial.best], training_rows=truth.training_rows, validation_rows=counts, level=0.9
    )
    error = float(np.std(trial.row_values[trial.best, 0, :, 0].astype(np.float64))) / np.sqrt(len(truth.target))
    return {
        "covered": float(estimate.low <= came <= estimate.high),
        "too_low": float(came > estimate.high),
        # in units of what rows that were independent would leave in doubt
        "bias": (estimate.mean - came) / error,
        "plain_bias": (estimate.plain - came) / error,
        "spread": (estimate.mean - came) / error,
        "ratio": (estimate.high - estimate.low) / (plain.high - plain.low),
        "width": (estimate.high - estimate.low) / error / 3.29,
        "plain_covered": float(plain.low <= came <= plain.high),
        "naive_covered": float(abs(estimate.plain - came) <= 1.645 * error),
        "claims": float(study.comparison.better),
        "differs": float(study.comparison.difference.low > 0 and not study.comparison.same),
        "same": float(study.comparison.same),
        "loss": float(came),
        "default_loss": float(fresh[0, study.trials[0].best]),
    }


def measure(arguments: argparse.Namespace, *, rows: int, configs: int) -> list[dict[str, object]]:
    """Run many searches and count, for each rule of selection."""
    found: dict[str, list[dict[str, float]]] = {rule: [] for rule in arguments.rules}
    seconds = dict.fromkeys(arguments.rules, 0.0)
    for seed in range(arguments.tables):
        signal = 0.0 if arguments.noise else (0.5, 1.0, 2.0, 4.0)[seed % 4]
        truth, trials, fresh = search(
            arguments.seed + seed,
            rows=rows,
            configs=configs,
            folds=arguments.folds,
            signal=signal,
            metric=arguments.metric,
        )
        for rule, promises in found.items():
            began = time.perf_counter()
            study = summarise(
                truth, trials, selection=rule, resamples=arguments.resamples, seed=seed, seconds=0, stopped="budget"
            )
            seconds[rule] += time.perf_counter() - began
            promises.append(promise(study, fresh))
    return [_count(arguments, promises, rule, rows, configs, seconds[rule]) for rule, promises in found.items()]


def _count(
    arguments: argparse.Namespace,
    found: list[dict[str, float]],
    rule: str,
    rows: int,
    configs: int,
    seconds: float,
) -> dict[str, object]:
    """The line of one rule."""
    means = {key: float(np.mean([each[key] for each in found])) for key in found[0]}
    means["spread"] = float(np.std([each["spread"] for each in found]))
    return {
        "name": f"{'noise' if arguments.noise else 'coverage'} {rule} {arguments.metric} {rows} rows {configs} configs",
        "seconds": round(seconds / len(found), 3),
        "quality": means["claims" if arguments.noise else "covered"],
        "peer_quality": means["differs" if arguments.noise else "plain_covered"],
        "tables": arguments.tables,
        **{key: round(value, 4) for key, value in means.items()},
    }


def main() -> None:
    """Measure every combination that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print one JSON object a line (always so)")
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 500])
    parser.add_argument("--configs", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--rules", nargs="+", default=["one-se", "best"])
    parser.add_argument("--metric", default="log_loss")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--tables", type=int, default=100)
    parser.add_argument("--resamples", type=int, default=500)
    parser.add_argument("--noise", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for rows in arguments.rows:
        for configs in arguments.configs:
            for line in measure(arguments, rows=rows, configs=configs):
                print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
