"""What a front buys: how small a network is that the folds cannot tell from the best, and what it loses on fresh rows.

    python benchmarks/front.py FOLDER --tables airfoil,wdbc --trials 40 --rows 500

Each table is cut to `--rows` training rows and a third as many that no search sees, and searched once with
`objectives=("loss", "size")` and a budget in trials. Of the same trials the lowest loss
(`prefer="loss"`), the smallest within one corrected standard error of it (`small`) and the knee (`knee`) are deployed
alone, fold members of one config.
`fresh` is each one's base loss on the fresh rows over that of the lowest.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from small import labels, read_small

from evenfit.data.arrays import from_memory
from evenfit.experiments.here import Here
from evenfit.runs.memory import plan_in_memory
from evenfit.runs.search import Found, conclude, run_search
from evenfit.specs.budget import Budget
from proposals import fresh_loss

if TYPE_CHECKING:
    from peers.table import Table

PREFERENCES = ("loss", "small", "knee")


def measured(table: Table, *, trials: int, folds: int, seed: int) -> dict[str, Any]:
    """One search, and what each preference makes of its trials."""
    known = from_memory(table.train, labels(table, table.y_train), task=table.task)
    search = plan_in_memory(
        known,
        metric=None,
        budget=Budget(trials=trials),
        folds=folds,
        seed=seed,
        workers=1,
        objectives=("loss", "size"),
    )
    found = run_search(search, Here(search.problem), stop_at=None, found=Found(), tell=lambda _: None)
    row: dict[str, Any] = {"table": table.name, "seed": seed}
    for prefer in PREFERENCES:
        study = conclude(replace(search, prefer=prefer), found, seconds=0.0, stopped="trials")
        study = replace(study, ensemble=replace(study.ensemble, used=False))
        row["points"] = len(study.front.points) if study.front else 0
        row[prefer] = {
            "parameters": int(search.price(study.selected.config)),
            "loss": study.estimate.plain,
            "estimate": study.estimate.mean,
            "fresh": fresh_loss(search, found, study, table),
        }
    return row


def main() -> None:
    """Measure table by table, and say means at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tables", required=True, help="names, with commas")
    parser.add_argument("--trials", type=int, default=40)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    rows = []
    for name in options.tables.split(","):
        table = read_small(options.folder, name, rows=options.rows)
        for seed in range(options.seeds):
            rows.append(measured(table, trials=options.trials, folds=options.folds, seed=seed))
            sys.stdout.write(json.dumps(rows[-1]) + "\n")
            sys.stdout.flush()
    for prefer in PREFERENCES[1:]:
        fewer = [row["loss"]["parameters"] / row[prefer]["parameters"] for row in rows]
        worse = [row[prefer]["fresh"] / row["loss"]["fresh"] for row in rows]
        sys.stdout.write(
            f"{prefer}: {np.exp(np.mean(np.log(fewer))):.2f} times fewer parameters, fresh loss times "
            f"{np.exp(np.mean(np.log(worse))):.3f} (geometric means of {len(rows)})\n"
        )


if __name__ == "__main__":
    main()
