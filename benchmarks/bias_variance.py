"""Bias and variance of a network beside mlxtend's `bias_variance_decomp`, in the same run.

    python benchmarks/bias_variance.py --json

200 bootstrap replicates of two layers of 64 units on 2,000 rows, 20 epochs, batches of 200 and of 32 rows, judged by
the 0-1 loss on 1,000 further rows. The peer is mlxtend with scikit-learn's MLPClassifier of the same size, batch,
epochs, step size and optimiser (Adam), on `--peer-rounds` of the replicates, scaled. evenfit's seconds hold all that
it does: reading the arrays, encoding every replicate by its own rows, training, and the intervals. In turns,
`--repeats` times; the median.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
import warnings
from typing import TYPE_CHECKING

import numpy as np
from mlxtend.evaluate import bias_variance_decomp
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

import evenfit
from evenfit.specs.config import Config

if TYPE_CHECKING:
    import numpy.typing as npt

ROWS, JUDGED, EPOCHS, WIDTH = 2_000, 1_000, 20, 64

Array = npt.NDArray[np.float64] if TYPE_CHECKING else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--replicates", type=int, default=200)
    parser.add_argument("--peer-rounds", type=int, default=10, help="replicates that the peer trains, then scaled")
    parser.add_argument("--peer-threads", type=int, default=1, help="of its products; small ones lose by more than one")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--workers", type=int, default=None, help="cores; none for all")
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    X, y = make_classification(n_samples=ROWS + JUDGED, n_features=20, n_informative=10, flip_y=0.05, random_state=0)
    X = StandardScaler().fit_transform(X)
    evenfit.bias_variance(config(200, epochs=1), X, y, loss="zero-one", replicates=2, seed=0)  # loads compiled code
    for batch in (200, 32):
        pairs = [measured(X, y, batch, options) for _ in range(options.repeats)]
        seconds, peer = (statistics.median(column) for column in list(zip(*pairs, strict=True))[:2])
        loss, peer_loss = pairs[-1][2:]
        found = {
            "name": f"bias-variance, batch {batch} / mlxtend",
            "ratio": peer / seconds,
            "seconds": seconds,
            "peer_seconds": peer,
            "quality": loss,
            "peer_quality": peer_loss,
        }
        if options.json:
            print(json.dumps(found))
        else:
            print(
                f"batch {batch}: {seconds:.2f} s, {peer / seconds:.1f} times as fast as mlxtend's {peer:.1f} s", end=""
            )
            print(f" (0-1 loss {loss:.4f}, mlxtend's {peer_loss:.4f})")


def config(batch: int, *, epochs: int = EPOCHS) -> Config:
    """The peer's network and optimiser: no embedding, no scaling layer that learns, Adam with a constant step."""
    return Config(
        width=WIDTH,
        depth=2,
        activation="relu",
        batch_rows=batch,
        epochs=epochs,
        learning_rate=1e-3,
        second_momentum=0.999,
        schedule="constant",
        input_scale_rate=0.0,
        numeric_embedding="none",
        inputs="robust",
    )


def measured(X: Array, y: Array, batch: int, options: argparse.Namespace) -> tuple[float, float, float, float]:
    """Seconds of evenfit, seconds of the peer, and both mean losses."""
    begin = time.perf_counter()
    found = evenfit.bias_variance(
        config(batch),
        X[:ROWS],
        y[:ROWS],
        X_test=X[ROWS:],
        y_test=y[ROWS:],
        loss="zero-one",
        replicates=options.replicates,
        sampling="bootstrap",
        seed=0,
        workers=options.workers,
    )
    ours = time.perf_counter() - begin
    network = MLPClassifier((WIDTH, WIDTH), batch_size=batch, max_iter=EPOCHS, n_iter_no_change=EPOCHS, alpha=0.0)
    begin = time.perf_counter()
    with warnings.catch_warnings(), threadpool_limits(options.peer_threads):
        warnings.simplefilter("ignore", ConvergenceWarning)
        loss, _, _ = bias_variance_decomp(
            network,
            X[:ROWS],
            y[:ROWS],
            X[ROWS:],
            y[ROWS:],
            loss="0-1_loss",
            num_rounds=options.peer_rounds,
            random_seed=0,
        )
    peer = (time.perf_counter() - begin) * options.replicates / options.peer_rounds
    return ours, peer, found.loss.corrected.mean, float(loss)


if __name__ == "__main__":
    main()
