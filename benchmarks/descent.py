"""Two known curves of bias and variance, as `evenfit.bias_variance` measures them.

    python benchmarks/descent.py --json
    python benchmarks/descent.py --images mnist.npz --rows 12000

Images: one hidden layer of 1 to 512 units on handwritten digits, five disjoint training sets; the variance rises and
falls with the width while the bias falls (Yang et al., "Rethinking bias-variance trade-off for generalization of
neural networks", 2020). Least squares: 40 columns, 20 to 160 rows; the variance peaks where rows and columns are as
many (Schaeffer et al., "Double descent demystified", 2023), and away from it the mean loss is what theory says,
sigma^2 (1 + d / (n - d - 1)), the peer here. `--images` takes an npz of `X` and `y`; without it the 1,797 digits that
come with scikit-learn.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LinearRegression

import evenfit
from evenfit.specs.config import Config

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTHS = (1, 2, 3, 5, 8, 12, 20, 32, 64, 128, 256, 512)
COLUMNS, NOISE = 40, 0.5
SIZES = (20, 28, 34, 38, 40, 42, 46, 55, 80, 120, 160)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=Path, default=None, help="an npz of X and y; none for scikit-learn's digits")
    parser.add_argument("--rows", type=int, default=None, help="of the images; none for all")
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--json", action="store_true", help="one object a line")
    options = parser.parse_args()
    images(options)
    least_squares(options)


def images(options: argparse.Namespace) -> None:
    """Bias and variance of probabilities (Brier) by width."""
    if options.images is None:
        X, y = load_digits(return_X_y=True)
    else:
        with np.load(options.images) as known:
            X, y = known["X"], known["y"]
    X = np.asarray(X, dtype=np.float64).reshape(len(X), -1)
    kept = np.random.default_rng(0).permutation(len(X))[: options.rows]
    config = Config(
        depth=1,
        activation="relu",
        batch_rows=32,
        epochs=options.epochs,
        learning_rate=3e-3,
        numeric_embedding="none",
        inputs="robust",
        input_scale_rate=0.0,
    )
    begin = time.perf_counter()
    found = evenfit.bias_variance(
        config,
        X[kept],
        np.asarray(y)[kept].astype(str),
        loss="squared",
        replicates=5,
        sampling="disjoint",
        over={"width": WIDTHS},
        seed=0,
    )
    told("images: width", found, time.perf_counter() - begin, options)


def least_squares(options: argparse.Namespace) -> None:
    """Bias and variance of least squares by the number of training rows."""
    generator = np.random.default_rng(1)
    rows = 40 * max(SIZES)
    X = generator.normal(size=(rows, COLUMNS))
    y = X @ generator.normal(size=COLUMNS) / np.sqrt(COLUMNS) + NOISE * generator.normal(size=rows)
    begin = time.perf_counter()
    found = evenfit.bias_variance(
        LinearRegression(fit_intercept=False),
        X,
        y,
        loss="squared",
        replicates=25,
        sampling="disjoint",
        over={"rows": SIZES},
        noise=NOISE**2,
        seed=0,
    )
    expected = [NOISE**2 * (1 + COLUMNS / (rows - COLUMNS - 1)) if rows > COLUMNS + 1 else math.nan for rows in SIZES]
    told("least squares: rows", found, time.perf_counter() - begin, options, theory=expected)


def told(name: str, found: Any, seconds: float, options: argparse.Namespace, *, theory: Sequence[float] = ()) -> None:
    """Print the curve, beside what theory says of the loss where it says something."""
    expected = list(theory) or [math.nan] * len(found.values)
    for value, one, known in zip(found.values, found.points, expected, strict=True):
        parts = {part: one.parts()[part].corrected for part in ("bias_squared", "variance", "loss")}
        if options.json:
            means = {part: each.mean for part, each in parts.items()}
            line = {"name": name, "value": value, "seconds": seconds, "ratio": known / means["loss"]} | means
            print(
                json.dumps(
                    {key: None if isinstance(each, float) and math.isnan(each) else each for key, each in line.items()}
                )
            )
        else:
            shown = "  ".join(
                f"{part} {each.mean:.4f} ({each.low:.4f} to {each.high:.4f})" for part, each in parts.items()
            )
            print(f"{name} {value}: {shown}" + ("" if math.isnan(known) else f"  theory {known:.4f}"))
    if not options.json:
        print(f"the variance: {found.variance_shape.kind}; the loss: {found.loss_shape.kind} ({seconds:.1f} s)")


if __name__ == "__main__":
    main()
