"""The estimate against the truth, by the engine itself: how often its interval holds the loss on fresh rows.

    python benchmarks/estimate.py --kind classes --rows 400 --trials 24 --searches 100 --json

Every search is on a table of its own; its selected config's networks are judged one by one on 20,000 fresh rows. The
peer is the winner's plain cross-validation mean with an interval of the same width. `quality` is the share of searches
whose interval holds the truth, `optimism` how far the mean lies below it in standard errors.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass

import numpy as np
import polars as pl

from evenfit.data.splits import make_splits
from evenfit.data.table import understand
from evenfit.experiments.here import Here
from evenfit.results.metrics import default_metric
from evenfit.results.row_values import base_loss
from evenfit.runs.deployment import make_model
from evenfit.runs.search import Found, conclude, plan_search, run_search
from evenfit.specs.budget import Budget

COLUMNS, FRESH, FOLDS = 8, 20_000, 5
DEVIATIONS = 2 * 1.645  # that a 90% interval is wide


@dataclass(frozen=True)
class Promise:
    """One search: the truth, the estimate, and the plain mean."""

    truth: float
    mean: float
    low: float
    high: float
    plain: float
    better: bool


def make_table(kind: str, rows: int, generator: np.random.Generator) -> pl.DataFrame:
    values = generator.normal(size=(rows, COLUMNS))
    signal = values[:, 0] * values[:, 1] + np.sin(2 * values[:, 2]) + 0.8 * values[:, 3]
    if kind == "number":
        target = signal + 0.7 * generator.normal(size=rows)
    else:
        chance = 0.4 if kind == "noise" else 1 / (1 + np.exp(0.3 - signal))
        target = np.where(generator.random(rows) < chance, "yes", "no")
    return pl.DataFrame({f"x{column}": values[:, column] for column in range(COLUMNS)} | {"target": target})


def search_once(kind: str, rows: int, trials: int, seed: int) -> Promise:
    generator = np.random.default_rng(seed)
    table = understand(make_table(kind, rows, generator), target="target")
    search = plan_search(
        table,
        make_splits(table, folds=FOLDS, seed=seed),
        metric=default_metric("regression" if kind == "number" else "binary"),
        budget=Budget(trials=trials),
        workers=1,
        seed=seed,
        selection="best",
    )
    found = run_search(search, Here(search.problem), stop_at=None, found=Found(), tell=lambda _: None)
    study = conclude(search, found, seconds=0.0, stopped="budget")
    model = make_model(search, found, study)
    fresh = model.schema.apply(make_table(kind, FRESH, generator), with_target=True)
    if fresh.target is None:
        raise RuntimeError("the fresh rows have no target")
    truth = float(np.mean([base_loss(known, fresh.target).mean() for known in model.member_outputs(fresh)]))
    estimate = study.estimate
    return Promise(truth, estimate.mean, estimate.low, estimate.high, estimate.plain, study.comparison.better)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=["classes", "number", "noise"], default="classes")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--searches", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0, help="of the first search")
    parser.add_argument("--json", action="store_true", help="one object")
    options = parser.parse_args()
    begin = time.perf_counter()
    found = [
        search_once(options.kind, options.rows, options.trials, options.seed + number)
        for number in range(options.searches)
    ]
    errors = np.array([(one.high - one.low) / DEVIATIONS for one in found])
    held = [one.low <= one.truth <= one.high for one in found]
    plainly = [one.low <= one.truth + one.mean - one.plain <= one.high for one in found]
    measured = {
        "name": f"estimate-{options.kind}-{options.rows}-rows-{options.trials}-configs",
        "ratio": float(np.mean(held)) / max(float(np.mean(plainly)), 1e-9),
        "seconds": round(time.perf_counter() - begin, 1),
        "quality": float(np.mean(held)),
        "peer_quality": float(np.mean(plainly)),
        "optimism": round(float(np.mean([one.truth - one.mean for one in found] / errors)), 3),
        "peer_optimism": round(float(np.mean([one.truth - one.plain for one in found] / errors)), 3),
        "claims": sum(one.better for one in found),
        "searches": len(found),
    }
    if options.json:
        print(json.dumps(measured))
    else:
        print("\n".join(f"{name}: {value}" for name, value in measured.items()))


if __name__ == "__main__":
    main()
