"""Reading a large table beside pandas: seconds until its columns are understood and encoded for one split.

    python benchmarks/reading.py --json

The peer is pandas' `read_csv` with scikit-learn's QuantileTransformer on the same columns, in the same process.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
from sklearn.preprocessing import QuantileTransformer

from evenfit.data.encodings import fit_encoding
from evenfit.data.sources import read
from evenfit.data.table import understand

if TYPE_CHECKING:
    from collections.abc import Callable


def timed(call: Callable[[], Any]) -> tuple[Any, float]:
    begin = time.perf_counter()
    return call(), time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--columns", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    generator = np.random.default_rng(0)
    columns = {f"x{position}": generator.normal(size=options.rows) for position in range(options.columns)}
    training = np.arange(options.rows * 4 // 5)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        pl.DataFrame(columns | {"target": generator.choice(["no", "yes"], options.rows)}).write_csv(path)
        frame, ours_read = timed(lambda: understand(read(path), target="target"))
        theirs, peer_read = timed(lambda: pd.read_csv(path))
        report("read and understand / pandas.read_csv", ours_read, peer_read, options)
        names = list(columns)
        encoded, ours = timed(lambda: fit_encoding(frame, training, inputs="quantile").inputs(frame).values)
        transform = QuantileTransformer(output_distribution="normal", subsample=None)
        peer_values, peer = timed(
            lambda: transform.fit(theirs.loc[training, names].to_numpy()).transform(theirs[names].to_numpy())
        )
        apart = float(np.quantile(np.abs(encoded - peer_values), 0.99))
        report("quantile encoding / QuantileTransformer", ours, peer, options, quality=apart)
        _, again = timed(lambda: fit_encoding(frame, training[::-1], inputs="quantile").inputs(frame))
        report("the same for a further split / QuantileTransformer", again, peer, options)


def report(name: str, ours: float, peer: float, options: argparse.Namespace, *, quality: float | None = None) -> None:
    found = {"name": name, "ratio": peer / ours, "seconds": ours, "quality": quality, "peer_quality": 0.0}
    if options.json:
        print(json.dumps(found))
    else:
        print(f"{name}: {ours:.2f} s, {peer / ours:.1f} times as fast as the peer's {peer:.2f} s")


if __name__ == "__main__":
    main()
