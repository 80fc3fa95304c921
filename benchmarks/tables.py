"""evenfit beside its peers on real tables: the loss on rows that no contender has seen, for the same seconds.

    python benchmarks/tables.py --data DIR --tables a,b,c --seconds 60 --cache peers.jsonl --json

DIR holds `<table>.csv` (or .csv.gz, .csv.xz), the target in the last column unless named; without it, the tables of
examples/ are taken. The peers are in peers/; benchmarks/README.md says how they spend their seconds.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from peers import PEERS, load
from peers.judging import Result, Spent, add_to_cache, compared, judged, key, read_cache, summary, text
from peers.table import Table, TableError, read_table, read_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXAMPLES = Path(__file__).parents[1] / "examples"


def run_peer(table: Table, peer: str, *, seconds: float, seed: int, threads: int) -> Result:
    """A peer in a fresh process, so that no contender inherits another's threads or memory."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        predicted, spent = pool.submit(fit_and_predict, table, peer, seconds, seed, threads).result()
    return judged(table, peer, predicted, budget=seconds, seed=seed, spent=spent)


def fit_and_predict(table: Table, peer: str, seconds: float, seed: int, threads: int) -> tuple[np.ndarray, Spent]:
    """Predictions on the test rows, and what the fit took."""
    fit = load(peer)
    begin = now()
    model = fit(table.train, table.y_train, task=table.task, seconds=seconds, seed=seed, threads=threads)
    spent = since(begin)
    return model.predict(table.test), spent


def now() -> Spent:
    """The clock, and the processor's time of this process and of those it has waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return Spent(seconds=time.monotonic(), cpu_seconds=sum(usage.ru_utime + usage.ru_stime for usage in usages))


def since(begin: Spent) -> Spent:
    end = now()
    return Spent(seconds=end.seconds - begin.seconds, cpu_seconds=end.cpu_seconds - begin.cpu_seconds)


def run_evenfit(table: Table, command: Sequence[str], *, seconds: float, seed: int, runs: Path | None) -> Result:
    """evenfit as a user calls it, the start of its process included in the seconds."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        runs = (runs or folder / "runs").resolve()
        train, test, out = folder / f"{table.name}.csv", folder / "test.csv", folder / "out.csv"
        labels = np.array(table.classes, dtype=object)[table.y_train] if table.classes else table.y_train
        table.train.assign(**{table.target: labels}).to_csv(train, index=False)
        table.test.to_csv(test, index=False)
        options = {"target": table.target, "task": table.task, "budget": f"{seconds:g}s", "seed": seed, "runs": runs}
        flags = [part for option, value in options.items() for part in (f"--{option}", str(value))]
        begin = now()
        fitted = json.loads(called([*command, "fit", str(train), *flags, "--json"]))
        spent = since(begin)
        called([*command, "predict", fitted["run"]["folder"], str(test), "--out", str(out)])
        predicted = read_predictions(out, table)
    promised = {bound: fitted["estimate"]["score"][bound] for bound in ("mean", "low", "high")}
    return judged(table, "evenfit", predicted, budget=seconds, seed=seed, spent=spent, promised=promised)


def called(command: list[str]) -> str:
    """What a command prints; its complaint, if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    return done.stdout


def read_predictions(file: Path, table: Table) -> np.ndarray:
    """evenfit's file as the peers predict: [rows, classes] probabilities, or [rows] means."""
    frame = pd.read_csv(file)
    if not table.classes:
        return frame["prediction"].to_numpy(dtype=float)
    return frame[[f"probability_{each}" for each in table.classes]].to_numpy(dtype=float)


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One object for each table and peer, as they are ready."""
    stored = {} if options.again else read_cache(options.cache)
    tasks = read_tasks(options.data)
    for spec in options.tables:
        table = read_table(options.data, spec, tasks=tasks, max_rows=options.max_rows)
        rows = len(table.y_train) + len(table.y_test)
        ours = None
        if not options.peers_only:
            try:
                ours = run_evenfit(
                    table, options.evenfit, seconds=options.seconds, seed=options.seed, runs=options.runs
                )
            except (RuntimeError, KeyError, ValueError) as error:
                print(f"{table.name}: evenfit: {error}", file=sys.stderr)
        for peer in options.peers:
            result = stored.get(key(table.name, peer, rows, options.seconds, options.seed))
            if result is None:
                try:
                    result = run_peer(table, peer, seconds=options.seconds, seed=options.seed, threads=options.threads)
                except Exception as error:  # noqa: BLE001  a peer that fails must not end the others' measurement
                    print(f"{table.name}: {peer}: {type(error).__name__}: {error}", file=sys.stderr)
                    continue
                add_to_cache(options.cache, result)
            yield compared(ours, result)


def split(given: str) -> list[str]:
    return [each for each in given.split(",") if each]


def parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=EXAMPLES, help="the folder of the tables; default: examples/")
    parser.add_argument("--tables", type=split, default=["bank", "abalone"], help="name[:task[:target]],...")
    parser.add_argument("--peers", type=split, default=[*PEERS], help=f"default: {','.join(PEERS)}")
    parser.add_argument("--peers-only", action="store_true", help="do not run evenfit: fill the cache")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0, help="of the contenders; the split is always the same")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--max-rows", type=int, default=50_000)
    parser.add_argument("--cache", type=Path, help="JSON lines: peers' results are taken from here, and added")
    parser.add_argument("--again", action="store_true", help="measure the peers again, whatever the cache holds")
    parser.add_argument("--runs", type=Path, help="where evenfit's runs are kept; else they are removed")
    parser.add_argument("--evenfit", type=str.split, default=[sys.executable, "-m", "evenfit"], help="its command")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args(arguments)
    if not options.tables or not options.peers:
        parser.error("at least one table and one peer are needed")
    if unknown := set(options.peers) - set(PEERS):
        parser.error(f"peers must be among {', '.join(PEERS)}; got {', '.join(sorted(unknown))}")
    return options


def main() -> None:
    options = parsed(sys.argv[1:])
    rows = []
    try:
        for row in measure(options):
            rows.append(row)
            print(json.dumps(row) if options.json else text(row), flush=True)
    except TableError as error:
        sys.exit(f"tables.py: {error}")
    if not options.json:
        print(*summary(rows), sep="\n")
    if not options.peers_only and any(row["ratio"] is None for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
