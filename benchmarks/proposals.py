"""How proposals do on tables: the lowest loss that searches of one length reach, by way of proposing.

    python benchmarks/proposals.py FOLDER --tables a,b,c --trials 80 --seeds 3 --json
    python benchmarks/proposals.py FOLDER --tables a,b,c --seconds 20 --ways mixed,mixed+weighed,mixed+key

A way is a name of `--proposals`, with `+weighed` (three batches are proposed for a fleet, and the one of most expected
gain a second is raced), `+key` (key hyperparameters first) or `-weighed`, `-key`, which take away what is added by
default; `portfolio>mixed` goes on with another way than near. Every table is cut to `--rows` training rows and a third
as many that no search sees. With `--seconds`, the clock of a search is the processor time of this process, proposals
included, so that what else the machine does has no part in it.

Regret is 0 for the lowest cross-validation loss that any way and seed found on a table, and 1 for the default's. It is
said at the end, and where training had cost 4, 8, 16 and 32 times what the default's did, by the cost model; a search
that had ended by then keeps its last. A rank is among the ways of one table and seed, at 16 times. `fresh` is the loss
of the deployed model on the rows that no search saw, over that of the first way: a geometric mean.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from small import fresh_rows, read_small, search_of

from evenfit.experiments.heat import Finished, Heat
from evenfit.experiments.here import Here
from evenfit.experiments.problem import prepare
from evenfit.experiments.race import race
from evenfit.experiments.tuning import Limits, Terms, tune
from evenfit.proposals.key_first import KeyFirst
from evenfit.proposals.ways import WAYS, way_of
from evenfit.results.row_values import base_loss
from evenfit.results.trial import COMPLETE
from evenfit.runs.deployment import make_model
from evenfit.runs.search import Found, Search, conclude
from evenfit.specs.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from peers.table import Table

    from evenfit.experiments.heat import Epoch
    from evenfit.proposals.ways import Way
    from evenfit.results.trial import Trial

WEIGHED = 3
COSTS, RANKED = (4, 8, 16, 32), 16  # times the default's


@dataclass(frozen=True, kw_only=True)
class Course:
    """One search: costs so far and lowest complete loss so far, trial by trial, and what it came to on fresh rows."""

    table: str
    seed: int
    way: str
    costs: np.ndarray
    lowest: np.ndarray
    fresh: float
    seconds: float

    def at(self, cost: float) -> float:
        """The lowest loss when so much had been spent."""
        return float(self.lowest[max(0, int(np.searchsorted(self.costs, cost, side="right")) - 1)])


class Processor(Here):
    """This process, by its own processor time: what else the machine does has no part in it."""

    def __init__(self, search: Search) -> None:
        super().__init__(search.problem)
        self._problem, self._prepared = search.problem, {}

    def submit(self, heat: Heat) -> None:
        config = heat.entries[0].config
        choice = (config.inputs, config.target)
        if choice not in self._prepared:
            self._prepared[choice] = prepare(self._problem, inputs=choice[0], target=choice[1])
        self._running, self._round = self._raced(heat, choice), heat.round

    def _raced(self, heat: Heat, choice: tuple[str, str]) -> Iterator[Finished | Epoch]:
        return race(self._problem, self._prepared[choice], heat, clock=time.process_time)


def asked_way(name: str, search: Search) -> tuple[Way, bool]:
    """A way by its name with what is added or taken away, and whether it is weighed."""
    plain, _, then = name.replace("-weighed", "").replace("-key", "").split("+")[0].partition(">")
    task = search.problem.task
    way = way_of(plain, space=search.space, seed=search.problem.seed, classification=task != "regression")
    if then:
        way = replace(way, draw=partial(way.draw, then=WAYS[then].draw))
    if "-key" in name and isinstance(way.draw, KeyFirst):
        way = replace(way, draw=way.draw.draw)
    if "+key" in name:
        way = replace(way, draw=KeyFirst(draw=way.draw))
    return way, "+weighed" in name or (way.weighed and "-weighed" not in name)


def searched(table: Table, name: str, *, seed: int, trials: int | None, seconds: float | None, folds: int) -> Course:
    """One search, from the default to its end."""
    search = search_of(table, folds=folds, seed=seed, budget=Budget(trials=trials, seconds=seconds))
    way, weighed = asked_way(name, search)
    begin = time.process_time()
    stop_at = None if seconds is None else begin + seconds
    terms = Terms(
        space=search.space,
        propose=way.draw,
        limits=Limits(trials=trials, stop_at=stop_at, seconds=seconds),
        costs=search.costs,
        seed=seed,
        weighed=WEIGHED if weighed else 1,
    )
    found, ended = Found(), []
    for event in tune(terms, Processor(search), clock=time.process_time):
        if isinstance(event, Finished):
            found.add(event)
            ended.append(event.trial)
    spent = time.process_time() - begin
    costs = np.cumsum([cost(search, trial) for trial in ended])
    losses = [trial.loss if trial.status == COMPLETE else np.inf for trial in ended]
    study = conclude(search, found, seconds=spent, stopped="budget")
    return Course(
        table=table.name,
        seed=seed,
        way=name,
        costs=costs,
        lowest=np.minimum.accumulate(losses),
        fresh=fresh_loss(search, found, study, table),
        seconds=spent,
    )


def cost(search: Search, trial: Trial) -> float:
    """What the cost model says of the epochs that a trial was trained for."""
    return search.costs.config(trial.config) * float(trial.epochs[-1]) / trial.config.epochs


def fresh_loss(search: Search, found: Found, study: Any, table: Table) -> float:
    """The deployed model's loss on rows that no search saw."""
    model = make_model(search, found, study)
    rows = model.schema.apply(fresh_rows(table, target=model.schema.target.name), with_target=True)
    outputs = model.outputs(rows)
    known = np.log(np.clip(outputs, 1e-15, 1.0)) if table.classes else outputs
    return float(base_loss(known, rows.target).mean())


def summary(courses: list[Course], ways: list[str]) -> list[dict[str, Any]]:
    """Regret and ranks of every way, over tables and seeds."""
    low = {t: min(c.lowest[-1] for c in courses if c.table == t) for t in {course.table for course in courses}}
    default = {t: float(np.mean([c.lowest[0] for c in courses if c.table == t])) for t in low}

    def regret(course: Course, times: float) -> float:
        span = max(default[course.table] - low[course.table], 1e-12)
        return (course.at(times * course.costs[0]) - low[course.table]) / span

    first = [course for course in courses if course.way == ways[0]]
    return [
        {
            "way": way,
            **{f"regret_{times}": mean([regret(course, times) for course in own]) for times in COSTS},
            "regret": mean([regret(course, np.inf) for course in own]),
            "standard_error": round(float(np.std([regret(course, np.inf) for course in own]) / len(own) ** 0.5), 3),
            "rank": mean(
                [
                    rank(course, [c for c in courses if (c.table, c.seed) == (course.table, course.seed)])
                    for course in own
                ]
            ),
            "fresh": round(
                float(np.exp(np.mean([np.log(c.fresh / f.fresh) for c, f in zip(own, first, strict=True)]))), 3
            ),
            "cost": mean([course.costs[-1] / course.costs[0] for course in own]),
            "trials": mean([len(course.costs) for course in own]),
            "seconds": mean([course.seconds for course in own]),
            "searches": len(own),
        }
        for way in ways
        for own in [[course for course in courses if course.way == way]]
    ]


def freshly(courses: list[Course]) -> np.ndarray:
    return np.array([course.fresh for course in courses])


def mean(values: list[float]) -> float:
    return round(float(np.mean(values)), 3)


def rank(course: Course, group: list[Course]) -> float:
    """1 for the lowest loss of all; the mean of their ranks for those that are level."""
    losses = [one.at(RANKED * one.costs[0]) for one in group]
    own = course.at(RANKED * course.costs[0])
    return 1 + sum(one < own for one in losses) + (sum(one == own for one in losses) - 1) / 2


def read_courses(file: Path | None, length: tuple[Any, ...]) -> list[Course]:
    """Searches of this length that a file has."""
    lines = file.read_text(encoding="utf-8").splitlines() if file is not None and file.exists() else []
    stored = [json.loads(line) for line in lines]
    return [
        Course(**one["course"] | {key: np.array(one["course"][key]) for key in ("costs", "lowest")})
        for one in stored
        if one["length"] == list(length)
    ]


def keep(file: Path | None, course: Course, length: tuple[Any, ...]) -> None:
    """Add a search to a file."""
    if file is not None:
        words = {key: value.tolist() if isinstance(value, np.ndarray) else value for key, value in vars(course).items()}
        with file.open("a", encoding="utf-8") as out:
            out.write(json.dumps({"length": length, "course": words}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="of the tables, as tables.py reads them")
    parser.add_argument("--tables", required=True, help="a,b,c")
    parser.add_argument("--ways", help="mixed,tpe+weighed,...; default: all but grid")
    parser.add_argument("--trials", type=int, help="of a search")
    parser.add_argument("--seconds", type=float, help="of a search, of the processor")
    parser.add_argument("--rows", type=int, default=500, help="most training rows")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--courses", type=Path, help="JSON lines: searches are taken from here, and added")
    parser.add_argument("--json", action="store_true", help="one object a way")
    options = parser.parse_args()
    if options.trials is None and options.seconds is None:
        parser.error("--trials or --seconds is needed")
    ways = options.ways.split(",") if options.ways else [name for name in WAYS if name != "grid"]
    names = options.tables.split(",")
    length = (options.trials, options.seconds, options.rows, options.folds)
    known = {(c.table, c.seed, c.way): c for c in read_courses(options.courses, length)}
    for name in names:
        table = read_small(options.folder, name, rows=options.rows)
        for seed in range(options.seeds):
            for way in ways:
                if (name, seed, way) not in known:
                    course = searched(
                        table, way, seed=seed, trials=options.trials, seconds=options.seconds, folds=options.folds
                    )
                    known[name, seed, way] = course
                    keep(options.courses, course, length)
        print(f"{name}: {time.process_time():.0f} core-seconds so far", file=sys.stderr, flush=True)
    courses = [known[name, seed, way] for name in names for seed in range(options.seeds) for way in ways]
    for row in summary(courses, ways):
        print(
            json.dumps(row) if options.json else "  ".join(f"{key} {value}" for key, value in row.items()), flush=True
        )


if __name__ == "__main__":
    main()
