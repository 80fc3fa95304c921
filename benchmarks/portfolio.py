"""Find the portfolio: configs that together do well on many tables, to be tried first on any.

    python benchmarks/portfolio.py FOLDER --write src/evenfit/proposals/portfolio.json
    python benchmarks/portfolio.py FOLDER --tables a,b,c --configs 48 --rows 500

A pool of random configs, written as changes to the default so that they fit every size of table, is tried on each
table (cut to `--rows` training rows, 3 folds; the worse half of a fleet ends at 0.3 of its epochs, with the best loss
it had). Then configs are taken one by one, each time the one that lowers the mean regret of the best of all taken the
most, the default being the first. A table's regret is 0 at its best config and 1 at the default. Classification and
regression have a pool and a portfolio each.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from small import read_small, search_of, tables_of

from evenfit.data.encodings import InputShape
from evenfit.experiments.heat import Entry, Finished, Heat, HeatDone
from evenfit.experiments.here import Here
from evenfit.experiments.sizing import SHARED, default_config, make_space
from evenfit.proposals.draws import draw_random
from evenfit.proposals.near import draw_near
from evenfit.proposals.portfolio import TIMES, Changes, changed
from evenfit.runs.search import Search
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Space

FOLDS, BATCH, SPLITS = 3, 4, 5  # a pool's fleets have so many configs; the space is that of 5 folds
KINDS = ("classification", "regression")


def nominal_space(kind: str) -> Space:
    """The space of a table of 1,000 rows with numeric and other columns."""
    classification, shape = kind == "classification", InputShape(numeric=8, features=16, cardinalities=())
    default = default_config(
        rows=1000,
        shape=shape,
        outputs=2 if classification else 1,
        splits=SPLITS,
        budget=Budget(trials=1),
        workers=1,
        classification=classification,
    )
    space = make_space(
        default, costs=lambda _: 1.0, most_seconds=np.inf, shape=shape, inputs=("quantile", "robust"),
        targets=("standard",) if classification else ("standard", "quantile"), classification=classification,
    )  # fmt: skip
    near = {default.epochs // 2, default.epochs, default.epochs * 2}
    epochs = replace(space.values["epochs"], values=tuple(sorted(near)))  # of a table's own, others may be too far
    return replace(space, values=space.values | {"epochs": epochs})


def make_pool(kind: str, *, configs: int, seed: int) -> list[Changes]:
    """Half drawn from the whole space, half near the default."""
    space, pool = nominal_space(kind), []
    for batch in range(-(-configs // BATCH)):
        draw = draw_near if batch % 2 else draw_random
        drawn = draw(space, (), BATCH, shared=SHARED, seed=1000 * seed + batch)
        pool += [as_changes(config, space) for config in drawn]
    return pool[:configs]


def as_changes(config: Config, space: Space) -> Changes:
    """A config as what it changes of the default: factors of sizes, values of others to two digits."""
    default, changes = space.default.to_json(), {}
    for name in space.values:
        value = getattr(config, name)
        if value != default[name]:
            changes[name] = value / default[name] if name in TIMES else rounded(value)
    return changes


def rounded(value: Any) -> Any:
    return float(f"{value:.2g}") if isinstance(value, float) else value


def tried(search: Search, pool: list[Changes]) -> np.ndarray:
    """The loss of the default and of each of the pool on a table: [1 + configs]."""
    configs = [search.space.default, *(changed(search.space, changes) for changes in pool)]
    fleets: dict[tuple[Any, ...], list[int]] = {}
    for number, config in enumerate(configs):
        fleets.setdefault(tuple(getattr(config, name) for name in SHARED), []).append(number)
    losses = np.full(len(configs), np.inf)
    workers = Here(search.problem)
    for place, numbers in enumerate(fleets.values()):
        entries = tuple(Entry(number=number, config=configs[number], protected=number == 0) for number in numbers)
        workers.submit(Heat(round=place, entries=entries, rungs=(0.3,), checkpoints=10))
        done = False
        while not done:
            for event in workers.receive():
                done |= isinstance(event, HeatDone)
                if isinstance(event, Finished) and np.isfinite(event.trial.loss):
                    losses[event.trial.number] = event.trial.loss
    return losses


def greedy(losses: np.ndarray, *, size: int) -> tuple[list[int], list[float]]:
    """The configs that lower the mean regret the most, one by one, and what it is then. Losses: [tables, configs]."""
    default, best = losses[:, :1], losses.min(axis=1, keepdims=True)
    regret = (losses - best) / np.maximum(default - best, 1e-12)
    reached, taken, means = np.ones(len(losses)), [], []
    while len(taken) < size:
        means_with = np.minimum(reached[:, None], regret).mean(axis=0)
        chosen = int(means_with.argmin())
        if means_with[chosen] >= reached.mean() - 1e-9:
            break
        reached = np.minimum(reached, regret[:, chosen])
        taken.append(chosen)
        means.append(round(float(reached.mean()), 3))
    return taken, means


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the tables, as tables.py reads them")
    parser.add_argument("--tables", help="a,b,c; default: all of the folder")
    parser.add_argument("--configs", type=int, default=96, help="of each pool")
    parser.add_argument("--rows", type=int, default=1500, help="most training rows")
    parser.add_argument("--size", type=int, default=12, help="of each portfolio, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--write", type=Path, help="the file that evenfit reads")
    options = parser.parse_args()
    names = options.tables.split(",") if options.tables else tables_of(options.folder)
    pools = {kind: make_pool(kind, configs=options.configs, seed=options.seed) for kind in KINDS}
    losses: dict[str, dict[str, np.ndarray]] = {kind: {} for kind in KINDS}
    begin = time.process_time()
    for name in names:
        table = read_small(options.folder, name, rows=options.rows)
        search = search_of(table, folds=FOLDS, seed=options.seed, budget=Budget(trials=1))
        losses[table.task][name] = tried(search, pools[table.task])
        print(f"{name}: {time.process_time() - begin:.0f} core-seconds so far", file=sys.stderr, flush=True)
    answer: dict[str, Any] = {
        "made": {
            "by": "benchmarks/portfolio.py",
            "tables": {kind: sorted(known) for kind, known in losses.items()},
            "rows": options.rows,
            "folds": FOLDS,
            "configs": options.configs,
            "seed": options.seed,
        }
    }
    for kind, known in losses.items():
        taken, means = greedy(np.array([*known.values()]), size=options.size) if known else ([], [])
        answer["made"][f"regret_{kind}"] = means
        answer[kind] = [pools[kind][number - 1] for number in taken]
    text = json.dumps(answer, indent=1) + "\n"
    print(text)
    if options.write:
        options.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
