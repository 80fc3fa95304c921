"""A diagnosis of 5,000 x 30 rows in 90 seconds, as a user calls it.

    python benchmarks/diagnose.py --json

`ratio` is the peer's seconds over evenfit's, process start and report included. The peer trains as many networks of one
size, batch and number of epochs, one after the other, with scikit-learn's MLPClassifier: `--peer-fits` of them, scaled.
`quality` is the number of remedies that were measured.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import polars as pl
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

ROWS, COLUMNS = 5_000, 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=90.0, help="seconds")
    parser.add_argument("--peer-fits", type=int, default=5, help="networks that the peer trains, then scaled")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    X, y = make_classification(ROWS, COLUMNS, n_informative=12, flip_y=0.1, random_state=0)
    found, seconds = diagnosed(X, y, budget=options.budget)
    peer = peer_seconds(X, y, found["config"], fits=options.peer_fits) * found["fits"]
    remedies = len(found["remedies"])
    line = {
        "name": "diagnose 5,000 x 30 / scikit-learn, one network after the other",
        "ratio": peer / seconds,
        "seconds": seconds,
        "quality": remedies,
        "peer_quality": 0,
        "verdict": found["regime"]["name"],
        "fits": found["fits"],
    }
    if options.json:
        print(json.dumps(line))
    else:
        print(
            f"{seconds:.1f} s of {options.budget:g}: {line['verdict']}, {remedies} remedies, {found['fits']} networks,"
        )
        print(f"{peer / seconds:.1f} times as fast as scikit-learn's {peer:.0f} s for as many")


def diagnosed(X: np.ndarray, y: np.ndarray, *, budget: float) -> tuple[dict, float]:
    """What `evenfit diagnose` says, and the seconds that it takes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        frame = {f"x{number}": column for number, column in enumerate(X.T)} | {"y": np.where(y == 1, "yes", "no")}
        pl.DataFrame(frame).write_csv(path)
        command = [sys.executable, "-m", "evenfit", "diagnose", str(path), "--target", "y", "--budget", f"{budget:g}s"]
        begin = time.perf_counter()
        done = subprocess.run([*command, "--json"], capture_output=True, text=True, check=True, cwd=folder)
        return json.loads(done.stdout)["result"], time.perf_counter() - begin


def peer_seconds(X: np.ndarray, y: np.ndarray, config: dict, *, fits: int) -> float:
    """Seconds of one network of the peer's."""
    splits = list(StratifiedKFold(5, shuffle=True, random_state=0).split(X, y))
    network = MLPClassifier(
        (config["width"],) * max(1, config["depth"]),
        batch_size=config["batch_rows"],
        max_iter=config["epochs"],
        n_iter_no_change=config["epochs"],
    )
    begin = time.perf_counter()
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore", ConvergenceWarning)
        for number in range(fits):
            train, _ = splits[number % len(splits)]
            network.fit(StandardScaler().fit_transform(X[train]), y[train])
    return (time.perf_counter() - begin) / fits


if __name__ == "__main__":
    main()
