"""Run the studies and write the page: see ``benchmarks.evidence``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

from benchmarks.evidence import STUDIES

DOCS = Path(__file__).parents[2] / "docs"
SEEDS, QUICK_SEEDS, QUICK_SHORTER = 50, 3, 200


def main(arguments: Sequence[str] | None = None) -> Path:
    """Run the studies that are asked for; give the page."""
    given = parse(arguments)
    # Read by numpy and torch when they are imported: by the studies, and in processes that start later.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    networks, page = (import_module(f"benchmarks.evidence.{name}") for name in ("networks", "page"))
    seconds, studies = {}, {}
    with open_pool(given.processes) as pool:
        effort = networks.Effort(
            seeds=QUICK_SEEDS if given.quick else given.seeds,
            shorter=QUICK_SHORTER if given.quick else 1,
            pool=pool,
            processes=given.processes,
        )
        for name in given.only:
            began = time.monotonic()
            studies[name] = import_module(f"benchmarks.evidence.{name}").study(effort)
            seconds[name] = time.monotonic() - began
            print(f"{name}: {seconds[name]:.0f} s", file=sys.stderr)
    written: Path = page.write(studies, given.output, seeds=effort.seeds, seconds=seconds, processes=given.processes)
    return written


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.evidence", description="Run the studies of docs/evidence.md"
    )
    parser.add_argument("--only", nargs="+", choices=STUDIES, default=STUDIES, metavar="STUDY", help=", ".join(STUDIES))
    parser.add_argument("--output", type=Path, default=DOCS, help="the folder to write evidence.md to")
    parser.add_argument("--processes", type=int, default=2, help="of one thread each; 1 starts none")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="networks, tables or repeats of each kind, at least 2")
    parser.add_argument(
        "--quick", action="store_true", help="few seeds and short training: shows that it runs, no more"
    )
    return parser.parse_args(arguments)


def open_pool(processes: int) -> Executor:
    """Open processes, or, for one, a thread of this one."""
    if processes == 1:
        return ThreadPoolExecutor(1)
    return ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))


if __name__ == "__main__":
    main()
