"""The corrected estimate beside nested cross-validation and the truth, by the engine itself.

    python benchmarks/nested.py --kind classes --rows 300 --trials 12 --tables 20 --json

Every table is generated anew and searched as `--nested 5` does, each search with the same number of trials; the
selected config's networks are judged one by one on 20,000 fresh rows. `agree` is the share of tables on which the
intervals of the nested and of the corrected estimate meet, `held` and `nested_held` how often each holds the truth,
`apart` the mean of nested minus corrected in half widths of the corrected interval, `claims` and `nested_claims` how
often each says that the search beat the default. Of the kinds `noise` and `noise-number` nothing can be learnt:
claims are false.
"""

from __future__ import annotations

import argparse
import json
import time

import numpy as np
import polars as pl
from estimate import COLUMNS, FRESH, make_table

from evenfit.data.splits import make_splits
from evenfit.data.table import understand
from evenfit.experiments.here import Here
from evenfit.results.metrics import default_metric
from evenfit.results.row_values import base_loss
from evenfit.results.study import Interval
from evenfit.runs.deployment import make_model
from evenfit.runs.nested import Nesting, measure_nested
from evenfit.runs.search import Found, Search, conclude, plan_search, run_search
from evenfit.specs.budget import Budget

OUTER = 5


def table_of(kind: str, rows: int, generator: np.random.Generator) -> pl.DataFrame:
    if kind != "noise-number":
        return make_table(kind, rows, generator)
    values = generator.normal(size=(rows, COLUMNS))
    columns = {f"x{column}": values[:, column] for column in range(COLUMNS)}
    return pl.DataFrame(columns | {"target": generator.normal(size=rows)})


def measure(kind: str, *, rows: int, trials: int, seed: int, nested: bool) -> dict[str, float]:
    """One table: what each estimate says, and the truth."""
    generator = np.random.default_rng(seed)
    table = understand(table_of(kind, rows, generator), target="target")
    task = "regression" if kind.endswith("number") else "binary"

    def plan(rows_of, budget) -> Search:  # type: ignore[no-untyped-def]
        return plan_search(
            rows_of,
            make_splits(rows_of, folds=5, seed=seed),
            metric=default_metric(task),
            budget=budget,
            workers=1,
            seed=seed,
            selection="best",
        )

    search = plan(table, Budget(trials=trials))
    found = run_search(search, Here(search.problem), stop_at=None, found=Found(), tell=lambda _: None)
    study = conclude(search, found, seconds=0.0, stopped=found.stopped)
    model = make_model(search, found, study)
    fresh = model.schema.apply(table_of(kind, FRESH, generator), with_target=True)
    if fresh.target is None:
        raise RuntimeError("the fresh rows have no target")
    truth = float(np.mean([base_loss(known, fresh.target).mean() for known in model.member_outputs(fresh)]))
    estimate = study.estimate
    corrected = Interval(mean=estimate.mean, low=estimate.low, high=estimate.high, level=estimate.level)
    known = {"held": estimate.low <= truth <= estimate.high, "claims": study.comparison.better}
    if nested:
        outer = measure_nested(
            table,
            Nesting(folds=OUTER, seed=seed, budget=Budget(trials=trials * (OUTER + 1))),
            plan=plan,
            give=lambda problem, _: Here(problem),
            stop_at=None,
        )
        known |= {
            "agree": outer.agrees(corrected),
            "nested_held": outer.members.low <= truth <= outer.members.high,
            "nested_claims": outer.better,
            "apart": 2 * (outer.members.mean - estimate.mean) / (estimate.high - estimate.low),
        }
    return {name: float(value) for name, value in known.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=("classes", "number", "noise", "noise-number"), default="classes")
    parser.add_argument("--rows", type=int, default=300)
    parser.add_argument("--trials", type=int, default=12, help="of each search")
    parser.add_argument("--tables", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="seed of the first table")
    parser.add_argument("--plain", action="store_true", help="without nested searches")
    parser.add_argument("--lines", action="store_true", help="an object for each table, too, as soon as it is done")
    parser.add_argument("--json", action="store_true", help="one object")
    options = parser.parse_args()
    began = time.monotonic()
    settings = {"name": options.kind, "rows": options.rows, "trials": options.trials}
    found = []
    for seed in range(options.first, options.first + options.tables):
        found.append(
            measure(options.kind, rows=options.rows, trials=options.trials, seed=seed, nested=not options.plain)
        )
        if options.lines:
            print(json.dumps(settings | {"seed": seed} | found[-1]), flush=True)
    means = {name: float(np.mean([one[name] for one in found])) for name in found[0]}
    settings |= {"tables": options.tables}
    answer = settings | {"seconds": time.monotonic() - began} | means
    print(json.dumps(answer) if options.json else "  ".join(f"{name} {value}" for name, value in answer.items()))


if __name__ == "__main__":
    main()
