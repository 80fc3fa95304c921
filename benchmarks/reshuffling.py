"""One holdout for all configs of a search, against one drawn anew for each: which of them picks the better config.

    python benchmarks/reshuffling.py --kind classes --rows 400 --configs 16 --tables 30 --json

Every table is generated anew. Random configs are trained on the same 10 splits by the engine, each split with a
quarter of the rows held out, and each of their networks is judged on 20,000 fresh rows. From the table of losses,
config by split, both ways of searching are replayed 2,000 times: `same` looks at all configs on one split (or three),
`reshuffled` at each on a split of its own. What is compared is the mean loss on fresh rows of all ten networks of the
config that is picked, as if it were trained again, less that of the best config. `gain` is that regret of `same` minus
that of `reshuffled`, with its standard error over tables; `flatters` is how much lower the picked config's held out
loss is than its loss on fresh rows. Nagler, Schneider, Bischl & Feurer, "Reshuffling resampling splits can improve
generalization of hyperparameter optimization", NeurIPS 2024.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import numpy.typing as npt
from estimate import FRESH
from nested import table_of

from evenfit.data.splits import make_splits
from evenfit.data.table import understand
from evenfit.deploy.part import predictions
from evenfit.experiments.here import Here
from evenfit.results.metrics import default_metric
from evenfit.results.row_values import base_loss
from evenfit.results.trial import COMPLETE
from evenfit.runs.deployment import fold_members, make_model
from evenfit.runs.search import Found, conclude, plan_search, run_search
from evenfit.specs.budget import Budget

SPLITS, SHARE, REPLAYS = 10, 0.25, 2_000
LOOKS = (1, 3)  # splits that a config is judged by

Losses = npt.NDArray[np.float64]  # [configs, splits]


def losses_of(kind: str, *, rows: int, configs: int, seed: int) -> tuple[Losses, Losses]:
    """Losses on held out rows and on fresh ones."""
    generator = np.random.default_rng(seed)
    table = understand(table_of(kind, rows, generator), target="target")
    search = plan_search(
        table,
        make_splits(table, folds=5, repeats=SPLITS, seed=seed, holdout=SHARE),
        metric=default_metric("regression" if kind.startswith(("number", "noise-number")) else "binary"),
        budget=Budget(trials=configs),
        workers=1,
        seed=seed,
        selection="best",
        proposals="random",
        racing="none",
    )
    found = run_search(search, Here(search.problem), stop_at=None, found=Found(), tell=lambda _: None)
    model = make_model(search, found, conclude(search, found, seconds=0.0, stopped=found.stopped))
    fresh = model.schema.apply(table_of(kind, FRESH, generator), with_target=True)
    if fresh.target is None:
        raise RuntimeError("the fresh rows have no target")
    held, truth = [], []
    for number, trial in sorted(found.trials.items()):
        if trial.status != COMPLETE or number not in found.states:
            continue
        part = fold_members(search, found, number)
        outputs = predictions(part, fresh, classes=search.problem.truth.classes)
        held.append(trial.validation_loss[trial.best])
        truth.append([base_loss(known, fresh.target).mean() for known in outputs])
    return np.array(held, dtype=np.float64), np.array(truth, dtype=np.float64)


def replay(held: Losses, truth: Losses, *, looks: int, seed: int) -> dict[str, float]:
    """Regret of both ways, and what their winners' held out losses flatter."""
    generator = np.random.default_rng([seed, looks])
    count, splits = held.shape
    config = np.arange(count)
    quality = truth.mean(axis=1)
    found: dict[str, list[float]] = {"same": [], "reshuffled": [], "same_flatters": [], "reshuffled_flatters": []}
    for _ in range(REPLAYS):
        own = generator.random((count, splits)).argsort(axis=1)[:, :looks]
        for name, chosen in (("same", np.broadcast_to(own[0], own.shape)), ("reshuffled", own)):
            seen = held[config[:, None], chosen].mean(axis=1)
            winner = int(seen.argmin())
            found[name].append(quality[winner] - quality.min())
            found[f"{name}_flatters"].append(quality[winner] - seen[winner])
    return {name: float(np.mean(values)) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("classes", "number", "noise", "noise-number"), default="classes")
    parser.add_argument("--rows", type=int, default=400)
    parser.add_argument("--configs", type=int, default=16)
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="seed of the first table")
    parser.add_argument("--json", action="store_true", help="an object for each table, and two at the end")
    options = parser.parse_args()
    began = time.monotonic()
    found: dict[int, list[dict[str, float]]] = {looks: [] for looks in LOOKS}
    for seed in range(options.first, options.first + options.tables):
        held, truth = losses_of(options.kind, rows=options.rows, configs=options.configs, seed=seed)
        for looks in LOOKS:
            found[looks].append(replay(held, truth, looks=looks, seed=seed))
            if options.json:
                line = {"name": options.kind, "seed": seed, "looks": looks, "configs": len(held)} | found[looks][-1]
                print(json.dumps(line), flush=True)
    for looks, all_of in found.items():
        means = {name: float(np.mean([one[name] for one in all_of])) for name in all_of[0]}
        gains = np.array([one["same"] - one["reshuffled"] for one in all_of])
        error = float(gains.std(ddof=1) / np.sqrt(len(gains))) if len(gains) > 1 else float("nan")
        answer = {"name": options.kind, "rows": options.rows, "looks": looks, "tables": len(all_of)}
        answer |= {"gain": float(gains.mean()), "error": error, "seconds": time.monotonic() - began} | means
        print(json.dumps(answer) if options.json else "  ".join(f"{name} {value}" for name, value in answer.items()))


if __name__ == "__main__":
    main()
