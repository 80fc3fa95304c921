"""Ways to race, with the same processor time each: the loss on rows that no search has seen.

    python benchmarks/racing.py FOLDER --tables a,b,c --seconds 6 --seeds 3 --cache racing.jsonl --json

FOLDER holds tables as `tables.py` reads them. Each table is cut to `--rows` rows to tune and train on, and up to 2,000
to judge by. A search is that of `evenfit fit` with a budget in seconds, on one worker; its clock is the processor time
of this process, so that what else the machine does takes nothing from it. The mean prediction of the selected config's
networks is judged by log loss or RMSE. The peer is the default way to race.
"""

from __future__ import annotations

import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # before numpy

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from peers.table import Table, read_table, read_tasks

from evenfit.data.arrays import from_memory
from evenfit.data.splits import make_splits
from evenfit.experiments.heat import Finished, HeatDone
from evenfit.experiments.problem import prepare
from evenfit.experiments.race import race
from evenfit.experiments.tuning import Limits, Terms, tune
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.proposals.ways import way_of
from evenfit.results.logits import log_softmax
from evenfit.results.metrics import default_metric
from evenfit.results.selection import select
from evenfit.runs.progress import ignore
from evenfit.runs.search import Search, plan_search
from evenfit.runs.warming import warm_engine
from evenfit.specs.budget import Budget
from evenfit.specs.racing import RACING, RACINGS, racing_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from evenfit.experiments.heat import Heat
    from evenfit.experiments.problem import Prepared, Problem

TABLES = (
    "churn,telco-churn,spambase,splice,pendigits,cmc,uci-kin8nm,elevators,bike-sharing,abalone,uci-concrete,airfoil"
)
FOLDS, READ_ROWS, RESAMPLES = 5, 8_000, 10_000


@dataclass(frozen=True)
class Searched:
    """What one search came to."""

    table: str
    seed: int
    racing: str
    loss: float  # on rows that it has not seen
    validation_loss: float
    trials: int
    complete: int
    network_epochs: int
    seconds: float


class Clocked:
    """One worker, this process, whose clock is its processor time."""

    count = 1

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.prepared: dict[tuple[str, str], Prepared] = {}
        self.running: Any = None
        self.round = 0

    @property
    def idle(self) -> int:
        return int(self.running is None)

    def samples(self, config: Any) -> Prepared:
        choice = (config.inputs, config.target)
        if choice not in self.prepared:
            self.prepared[choice] = prepare(self.problem, inputs=choice[0], target=choice[1])
        return self.prepared[choice]

    def submit(self, heat: Heat) -> None:
        prepared = self.samples(heat.entries[0].config)
        self.running, self.round = race(self.problem, prepared, heat, clock=time.process_time), heat.round

    def receive(self) -> list[Any]:
        event = next(self.running, None)
        if event is None:
            self.running = None
            return [HeatDone(round=self.round)]
        return [event]


def plan(table: Table, rows: int, *, seconds: float, seed: int) -> tuple[Search, np.ndarray]:
    """The search on some of a table's rows, and the numbers of those to judge by, which are in no split."""
    kept = min(rows, len(table.train))
    frame = pd.concat([table.train[:kept], table.test], ignore_index=True)
    codes = np.concatenate([table.y_train[:kept], table.y_test])
    target = np.array(table.classes, dtype=object)[codes] if table.classes else codes
    task = "classification" if table.classes else "regression"
    whole = from_memory(frame, target, task=task)
    if whole.rows != len(frame):
        raise ValueError(f"{table.name} loses rows where its target is read")
    known = from_memory(frame[:kept], target[:kept], task=task)
    search = plan_search(
        whole,
        make_splits(known, folds=FOLDS, seed=seed),
        metric=default_metric("regression" if not table.classes else "multiclass"),
        budget=Budget(seconds=seconds),
        workers=1,
        seed=seed,
        selection="best",
    )
    return search, np.arange(kept, len(frame))


def searched(table: Table, racing: str, *, rows: int, seconds: float, seed: int) -> Searched:
    """Search for so many seconds, and judge what is selected."""
    search, fresh = plan(table, rows, seconds=seconds, seed=seed)
    worker = Clocked(search.problem)
    begin = time.process_time()
    terms = Terms(
        space=search.space,
        propose=way_of(search.proposals, space=search.space, seed=seed).draw,
        limits=Limits(trials=None, stop_at=begin + seconds, seconds=seconds),
        costs=search.costs,
        seed=seed,
        racing=racing_of(racing),
    )
    events = [event for event in tune(terms, worker, clock=time.process_time) if isinstance(event, Finished)]
    spent = time.process_time() - begin
    found = {event.trial.number: event for event in events}
    trials = [found[number].trial for number in sorted(found)]
    winner = found[trials[select(search.problem.truth, trials, rule="best")].number]
    return Searched(
        table=table.name,
        seed=seed,
        racing=racing,
        loss=fresh_loss(search.problem, worker.samples(winner.trial.config), winner, fresh),
        validation_loss=winner.trial.loss,
        trials=len(trials),
        complete=sum(trial.status == "complete" for trial in trials),
        network_epochs=sum(int(trial.epochs[-1]) * int(trial.seen.sum()) for trial in trials),
        seconds=round(spent, 2),
    )


def fresh_loss(problem: Problem, prepared: Prepared, winner: Finished, rows: np.ndarray) -> float:
    """Log loss or RMSE of the mean prediction of a config's networks."""
    if winner.state is None:
        raise RuntimeError("what is selected has no networks")
    splits = range(len(problem.splits))
    members = [Member(config=winner.trial.config, split=number, seed=0) for number in splits]
    outputs = Fleet(members, prepared.samples).outputs([rows] * len(splits), winner.state["weights"])
    target = problem.target[rows]
    if problem.task != "regression":
        chance = np.mean([np.exp(log_softmax(each)) for each in outputs], axis=0)
        return float(-np.log(np.clip(chance[np.arange(len(rows)), target], 1e-15, 1)).mean())
    restored = [prepared.encodings[n].restore(outputs[n], winner.state["residuals"][n]) for n in splits]
    return float(np.sqrt(np.mean((np.mean(restored, axis=0)[:, 0] - target) ** 2)))


def summary(results: Sequence[Searched]) -> list[dict[str, Any]]:
    """Each way beside the default: mean rank, and the ratio of losses, with intervals from resampled tables."""
    frame = pd.DataFrame([vars(one) for one in results])
    wide = frame.pivot(index=["table", "seed"], columns="racing", values="loss").dropna()
    ranks = wide.rank(axis=1).groupby("table").mean()
    ratios = np.log(wide.div(wide[RACING], axis=0)).groupby("table").mean()
    drawn = np.random.default_rng(0).integers(0, len(ranks), size=(RESAMPLES, len(ranks)))
    means = frame.groupby("racing")[["trials", "complete", "network_epochs", "seconds"]].mean()
    said = []
    for name in [known for known in RACINGS if known in wide]:
        rank = np.quantile(ranks[name].to_numpy()[drawn].mean(axis=1), [0.025, 0.975])
        ratio = np.exp(np.quantile(ratios[name].to_numpy()[drawn].mean(axis=1), [0.025, 0.975]))
        said.append(
            {
                "name": f"racing-{name}",
                "ratio": round(float(np.exp(ratios[name].mean())), 4),
                "ratio_interval": [round(float(end), 4) for end in ratio],
                "rank": round(float(ranks[name].mean()), 2),
                "rank_interval": [round(float(end), 2) for end in rank],
                "won_tables": int((ratios[name] < 0).sum()),
                "tables": len(ranks),
                "searches": len(wide),
                **{column: round(float(means.loc[name, column]), 1) for column in means},
            }
        )
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the tables")
    parser.add_argument("--tables", default=TABLES, help="names, as tables.py takes them")
    parser.add_argument("--racing", default=",".join(RACINGS))
    parser.add_argument("--rows", type=int, default=1_000, help="to tune and train on")
    parser.add_argument("--seconds", type=float, default=6.0, help="of processor time, a search")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--cache", type=Path, help="JSON lines: what is there is not measured again")
    parser.add_argument("--json", action="store_true", help="an object a line")
    options = parser.parse_args()
    warm_engine(ignore)
    results = read(options.cache)
    known = {(one.table, one.seed, one.racing) for one in results}
    tasks = read_tasks(options.folder)
    tables = [read_table(options.folder, spec, tasks=tasks, max_rows=READ_ROWS) for spec in options.tables.split(",")]
    for seed in range(options.seeds):
        for table in tables:
            for racing in options.racing.split(","):
                if (table.name, seed, racing) in known:
                    continue
                one = searched(table, racing, rows=options.rows, seconds=options.seconds, seed=seed)
                results.append(one)
                print(one, file=sys.stderr)
                if options.cache is not None:
                    with options.cache.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(vars(one)) + "\n")
    for said in summary(results):
        print(json.dumps(said) if options.json else "  ".join(f"{name} {value}" for name, value in said.items()))


def read(cache: Path | None) -> list[Searched]:
    if cache is None or not cache.exists():
        return []
    return [Searched(**json.loads(line)) for line in cache.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
