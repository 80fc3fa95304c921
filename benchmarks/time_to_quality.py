"""The seconds in which `evenfit fit` reaches what a hand-written loop reaches in ten minutes.

    python benchmarks/time_to_quality.py FOLDER
    python benchmarks/time_to_quality.py FOLDER --tables a,b --minutes 10 --cache peers.jsonl --json

The goal of a table is the loss on its test rows of Optuna and a plain PyTorch loop over five folds (dropout, AdamW,
pruning: peers/optuna_torch.py) after `--minutes`, on the same cores in the same run. Then evenfit is run as a user
calls it, a process each time, with rising budgets. Its time is the median, over the seeds, of the seconds from the
start of the process to its end, under the first budget at which the deployed models of most seeds have a loss on the
same test rows that is at or below the goal.

FOLDER holds `<table>.csv` (or .csv.gz, .csv.xz), as for tables.py; without it the tables of examples/ are taken, and
without `--tables` ten of a larger folder, spread evenly over the sizes of the files. A table that fails is said, and
the next is taken.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from peers import load
from peers.judging import Result, add_to_cache, judged, key, outcome, quality, read_cache, row_losses
from peers.table import Table, read_table, read_tasks
from tables import EXAMPLES, now, run_evenfit, since, split

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

PEER = "optuna-torch"
BUDGETS = (10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 90.0, 120.0)
TABLES = 10  # of a folder that holds more
TARGET = 60.0  # seconds, for the median over the tables


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One run of evenfit under one budget."""

    budget: float
    seed: int
    seconds: float | None = None  # from the start of the process to its end
    quality: float = math.inf  # the loss on the test rows; none where there is no model
    outcome: str = "failed"  # beside the peer's final model: better, level or worse, by the rows' losses
    complaint: str = ""  # why there is no model


def tune_peer(table: Table, *, seconds: float, seed: int, threads: int, by_processor: bool = False) -> Result:
    """The peer in a fresh process, with the quality that it would have had if it had ended earlier."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_tuned, table, seconds, seed, threads, by_processor).result()


def _tuned(table: Table, seconds: float, seed: int, threads: int, by_processor: bool) -> Result:  # noqa: FBT001
    fit = partial(load(PEER), by_processor=by_processor)
    begin = now()
    tuned = fit(table.train, table.y_train, task=table.task, seconds=seconds, seed=seed, threads=threads)
    spent = since(begin)
    course = tuple(
        (round(moment, 1), quality(table, row_losses(table, model.predict(table.test))))
        for moment, model in tuned.course  # type: ignore[attr-defined]
    )
    return judged(table, PEER, tuned.predict(table.test), budget=seconds, seed=seed, spent=spent, course=course)


def attempts(
    run: Callable[[float, int], Attempt], *, goal: float, budgets: Sequence[float], seeds: int
) -> Iterator[Attempt]:
    """Runs under rising budgets until most seeds reach the goal; a seed that cannot decide any more is not run."""
    needed = seeds // 2 + 1
    for budget in budgets:
        reached = missed = 0
        for seed in range(seeds):
            attempt = run(budget, seed)
            yield attempt
            reached += attempt.quality <= goal
            missed += attempt.quality > goal
            if max(reached, missed) == needed:
                break
        if reached == needed:
            return


def reached_under(made: Sequence[Attempt], goal: float, *, seeds: int) -> float | None:
    """The first budget under which most seeds reached the goal, if one is: the one that ended the attempts."""
    last = [each for each in made if each.budget == made[-1].budget]
    return last[0].budget if sum(each.quality <= goal for each in last) > seeds // 2 else None


def run_once(table: Table, peer: Result, options: argparse.Namespace, budget: float, seed: int) -> Attempt:
    """evenfit under one budget with one seed, from a file to predictions of the test rows."""
    try:
        ours = run_evenfit(table, options.evenfit, seconds=budget, seed=seed, runs=None)
    except (RuntimeError, KeyError, ValueError, OSError) as error:
        said = " ".join(str(error).split()).rpartition(" ended with ")[2]  # without the command
        attempt = Attempt(budget=budget, seed=seed, complaint=f"no model: {said[-300:]}")
    else:
        attempt = Attempt(
            budget=budget, seed=seed, seconds=ours.seconds, quality=ours.quality, outcome=outcome(ours, peer)
        )
    said = attempt.complaint or f"{attempt.quality:.5g} in {attempt.seconds:.1f} s, {attempt.outcome}"
    tell(f"{table.name}: goal {peer.quality:.5g}; evenfit with {budget:g} s, seed {seed}: {said}")
    return attempt


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for each table, as it is ready."""
    stored = read_cache(options.cache)
    tasks = read_tasks(options.folder)
    warm = False
    for spec in options.tables or chosen(options.folder):
        try:
            table = read_table(options.folder, spec, tasks=tasks, max_rows=options.max_rows)
            rows = len(table.y_train) + len(table.y_test)
            seconds = options.minutes * 60
            peer = stored.get(key(table.name, PEER, rows, seconds, options.seed))
            if peer is None:
                tell(f"{table.name}: the peer has {seconds:g} s")
                peer = tune_peer(
                    table,
                    seconds=seconds,
                    seed=options.seed,
                    threads=options.threads,
                    by_processor=options.by_processor,
                )
                add_to_cache(options.cache, peer)
            else:
                tell(f"{table.name}: the peer's result is that of {options.cache}")
            if options.peer_only:
                yield row_of(peer, (), seeds=options.seeds)
                continue
            if not warm:  # a new installation compiles its engine once, which is no part of any budget
                run_evenfit(table, options.evenfit, seconds=options.budgets[0], seed=0, runs=None)
                warm = True
            made = attempts(
                lambda budget, seed, table=table, peer=peer: run_once(table, peer, options, budget, seed),
                goal=peer.quality,
                budgets=options.budgets,
                seeds=options.seeds,
            )
            yield row_of(peer, tuple(made), seeds=options.seeds)
        except Exception as error:  # noqa: BLE001  hours of measurement do not end with one table
            yield {"name": spec.split(":")[0], "error": f"{type(error).__name__}: {error}"}


def chosen(folder: Path) -> list[str]:
    """The tables of a folder: all, or ten spread evenly over the sizes of the files."""
    files = [file for file in folder.iterdir() if file.name.endswith((".csv", ".csv.gz", ".csv.xz"))]
    files = [file for file in files if file.name != "INDEX.csv" and not file.name.endswith("-new.csv")]
    files.sort(key=lambda file: (file.stat().st_size, file.name))
    places = np.linspace(0, len(files) - 1, min(TABLES, len(files))).round().astype(int)
    return [files[place].name.partition(".csv")[0] for place in places]


def row_of(peer: Result, made: Sequence[Attempt], *, seeds: int) -> dict[str, Any]:
    """A table's line: `seconds` is none where no budget was enough; `ratio` is the peer's seconds over ours."""
    budget = reached_under(made, peer.quality, seeds=seeds) if made else None
    last = [each for each in made if each.budget == made[-1].budget]
    seconds = None
    if budget is not None:
        seconds = statistics.median(each.seconds for each in last if each.seconds is not None)
    course = peer.course or ()
    found = statistics.median(each.quality for each in last) if last else math.inf
    return {
        "name": peer.table,
        "ratio": None if seconds is None else peer.budget / seconds,
        "seconds": seconds,
        "quality": found if math.isfinite(found) else None,
        "peer_quality": peer.quality,
        "peer_seconds": peer.seconds,
        "peer_cpu_seconds": peer.cpu_seconds,
        "peer_course": [list(point) for point in course],
        "budget": budget,
        "rows": peer.rows,
        "metric": "log loss" if peer.task == "classification" else "RMSE",
        "attempts": [{**asdict(each), "quality": _finite(each.quality)} for each in made],
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The median over the tables; one on which no budget was enough counts as endless."""
    seconds = [math.inf if row["seconds"] is None else row["seconds"] for row in rows if row.get("attempts")]
    if not seconds:
        return None
    median = statistics.median(seconds)
    return {
        "name": f"median over {len(seconds)} tables",
        "seconds": _finite(median),
        "target": TARGET,
        "tables": len(seconds),
        "reached": sum(math.isfinite(each) for each in seconds),
        "within_target": sum(each <= TARGET for each in seconds),
    }


def text(row: dict[str, Any]) -> str:
    """A line for people."""
    if "error" in row:
        return f"{row['name']:24} {row['error']}"
    if "target" in row:
        median = "more than the largest budget" if row["seconds"] is None else f"{row['seconds']:.1f} s"
        reached = f"reached on {row['reached']}, within {row['target']:g} s on {row['within_target']}"
        return f"{row['name']}: {median}; {reached}"
    course = ", ".join(f"{loss:.4g} at {moment:.0f} s" for moment, loss in row["peer_course"][-6:])
    head = f"{row['name']:24} {row['metric']:9} goal {row['peer_quality']:>9.5g}"
    if not row["attempts"]:
        return f"{head}  (the peer: {course})"
    ours = "not reached" if row["seconds"] is None else f"{row['seconds']:.1f} s"
    return f"{head}  evenfit {row['quality'] or math.nan:>9.5g} in {ours:>12}  (the peer: {course})"


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=EXAMPLES, help="of the tables; default: examples/")
    parser.add_argument("--tables", type=split, default=[], help="name[:task[:target]],...")
    parser.add_argument("--minutes", type=float, default=10.0, help="of the peer, for each table")
    parser.add_argument(
        "--budgets", type=lambda text: [float(each) for each in split(text)], default=[*BUDGETS], help="seconds, rising"
    )
    parser.add_argument("--seeds", type=int, default=3, help="of evenfit; most of them must reach the goal")
    parser.add_argument("--seed", type=int, default=0, help="of the peer; the split is always the same")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of the peer: all cores")
    parser.add_argument(
        "--by-processor",
        action="store_true",
        help="the peer's minutes are those of its cores, however long they take: for a machine that others use, too",
    )
    parser.add_argument("--max-rows", type=int, default=50_000)
    parser.add_argument("--cache", type=Path, help="JSON lines: the peer's results are taken from here, and added")
    parser.add_argument("--peer-only", action="store_true", help="do not run evenfit: fill the cache")
    parser.add_argument("--evenfit", type=str.split, default=[sys.executable, "-m", "evenfit"], help="its command")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is no folder")
    if options.seeds < 1 or options.seeds % 2 == 0:
        parser.error(f"--seeds must be odd, so that most of them are more than half; got {options.seeds}")
    if not options.budgets or sorted(set(options.budgets)) != options.budgets:
        parser.error("--budgets must be seconds that rise: 10,20,30")
    return options


def main() -> None:
    options = parsed(sys.argv[1:])
    rows = []
    try:
        for row in measure(options):
            rows.append(row)
            print(json.dumps(row) if options.json else text(row), flush=True)
    except KeyboardInterrupt:
        tell("stopped; the tables so far:")
    if (found := summary(rows)) is not None:
        print(json.dumps(found) if options.json else text(found), flush=True)
    if any("error" in row for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
