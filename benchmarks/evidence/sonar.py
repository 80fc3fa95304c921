"""Sonar: a comparison that changes more than dropout cannot say what dropout does."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from benchmarks.evidence.intervals import effect, mean_of
from benchmarks.evidence.networks import PLAIN, Array, Effort, accuracies, make_samples
from benchmarks.evidence.study import Study, Table
from sklearn.model_selection import StratifiedKFold

from evenfit.fleet.samples import Samples
from evenfit.specs.config import Config

TABLE = Path(__file__).parents[2] / "examples" / "sonar.csv"
FOLDS, EPOCHS, RATE = 10, 300, 0.2
ARMS = {"none": {}, f"inputs {RATE:g}": {"input_dropout": RATE}, f"hidden {RATE:g}": {"dropout": RATE}}
PUBLISHED = (86.0, 83.5, 83.5)
SETTING = """
[examples/sonar.csv](../examples/README.md): 208 rows, 60 columns, two classes; stratified ten-fold cross-validation,
columns standardised by each fold's training rows. Published: a Keras tutorial's network of layers of 60, 30 and 1
units, one assignment to folds. Ours: two hidden layers of 60 ReLU units (a fleet's layers have one width), SGD at
0.01 with momentum 0.8, batches of 16, {epochs} epochs, as the tutorial's network without dropout; {count} assignments
to folds, {networks} networks of each kind, paired. The intervals are over assignments and seeds, and speak of these
208 rows, not of fresh ones.
"""


def study(effort: Effort) -> Study:
    """Cross-validate three networks, on as many assignments of rows to folds as there are seeds."""
    count, (x, y) = effort.seeds, read()
    samples = folded(x, y, repeats=count)
    base = Config(
        **PLAIN,
        optimiser="sgd",
        learning_rate=0.01,
        momentum=0.8,
        width=60,
        depth=2,
        batch_rows=16,
        epochs=effort.epochs(EPOCHS),
    )
    splits = range(FOLDS * count)
    found = accuracies(
        [base.with_values(**arm) for arm in ARMS.values()],
        samples,
        seeds=[1 + split for split in splits],
        splits=splits,
        effort=effort,
    )[1]
    # One cross-validation's accuracy is that over all rows: folds of 21 rows weigh more than those of 20.
    sizes = np.array([len(rows) for rows in samples.validation]).reshape(count, FOLDS)
    percent = 100 * (found.reshape(len(ARMS), count, FOLDS) * sizes).sum(axis=2) / sizes.sum(axis=1)
    gains = [mean_of(one - percent[0]) for one in percent]
    return Study(
        name="sonar",
        title="Sonar: dropout on 208 rows",
        setting=SETTING.format(epochs=base.epochs, count=count, networks=FOLDS * count),
        table=Table(
            columns=["dropout, accuracy in %", "published", "ours", "gain, paired"],
            rows=[
                [
                    name,
                    f"{PUBLISHED[i]:.1f}",
                    mean_of(percent[i]).text(1),
                    gains[i].text(1, sign=True) if i else "",
                ]
                for i, name in enumerate(ARMS)
            ],
        ),
        findings=[
            f"With nothing but dropout changed, {name} is {effect(gain)}: {gain.text(1, sign=True)} points; the "
            f"published {published - PUBLISHED[0]:+.1f} lies {gain.beside(published - PUBLISHED[0])}."
            for name, gain, published in list(zip(ARMS, gains, PUBLISHED, strict=True))[1:]
        ]
        + [
            "The tutorial's networks with dropout also had ten times the learning rate, momentum 0.9 and a bound of 3 "
            "on the norm of each unit's weights, so the 2.5 points that they lost are not dropout's alone."
        ],
    )


def read() -> tuple[Array, Array]:
    """Energies [rows, 60], and whether the object is a mine."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    return np.array([row[:-1] for row in rows], dtype=np.float64), np.array([row[-1] == "mine" for row in rows])


def folded(x: Array, y: Array, *, repeats: int) -> Samples:
    """Ten splits a repeat, each standardised by its training rows."""
    values, training, validation = [], [], []
    for repeat in range(repeats):
        for known, held in StratifiedKFold(FOLDS, shuffle=True, random_state=repeat).split(x, y):
            values.append((x - x[known].mean(axis=0)) / x[known].std(axis=0))
            training.append(known)
            validation.append(held)
    return make_samples(
        np.stack(values), np.stack([y] * len(values)), classes=2, training=training, validation=validation
    )
