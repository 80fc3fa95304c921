"""Teacher: tables that a small random network made, with labels that chance decides in part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from benchmarks.evidence.networks import ADAM, Array, make_samples

from evenfit.fleet.samples import Samples
from evenfit.specs.config import Config

COLUMNS, CLASSES, HIDDEN, HELD = 20, 4, 16, 2000
SETTING = f"""
Generated tables of {COLUMNS} standard normal columns and {CLASSES} classes: a random network of {HIDDEN} tanh units
gives each row its logits, and the class is drawn from them, so that no network can be right always.
"""


def make_tables(*, trained: int, tables: Sequence[int]) -> Samples:
    """One split for each table: ``trained`` rows to train on, 2,000 to judge by.

    The table of a number is the same for every ``trained``: a smaller one is the start of a larger.
    """
    drawn = [_table(number, trained) for number in tables]
    return make_samples(
        np.stack([x for x, _ in drawn]),
        np.stack([y for _, y in drawn]),
        classes=CLASSES,
        training=[np.arange(HELD, HELD + trained)] * len(drawn),
        validation=[np.arange(HELD)] * len(drawn),
    )


def network(*, epochs: int) -> Config:
    """Two hidden layers of 64 ReLU units, trained by Adam."""
    return Config(**ADAM, width=64, depth=2, batch_rows=32, epochs=epochs, learning_rate=1e-3)


def _table(number: int, trained: int) -> tuple[Array, Array]:
    random = np.random.default_rng([number, 1])
    first = random.standard_normal((COLUMNS, HIDDEN)) / 2
    second = 1.5 * random.standard_normal((HIDDEN, CLASSES))
    rows = np.random.default_rng([number, 2]).standard_normal((HELD + trained, COLUMNS))
    chance = np.random.default_rng([number, 3]).gumbel(size=(HELD + trained, CLASSES))
    return rows, (np.tanh(rows @ first) @ second + chance).argmax(axis=1)
