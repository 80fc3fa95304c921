"""Warm: compile what a fleet runs on, once, so that no study waits for it.

``python -m evenfit.fleet.warm`` is part of installing. Compiled code is kept beside its source, or in the
folder that NUMBA_CACHE_DIR names; a machine that cannot keep it compiles it again in every process.
"""

from __future__ import annotations

import numpy as np

from evenfit.data.encodings import InputShape
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.kernels import steps
from evenfit.fleet.member import Member
from evenfit.fleet.samples import Samples
from evenfit.specs.config import Config

_ROWS = 8


def is_cold() -> bool:
    """Whether training would begin with compiling: nothing is kept for this machine, or its sources have changed."""
    if steps.train.signatures:
        return False
    kept = getattr(getattr(steps.train, "_cache", None), "_cache_file", None)
    return kept is None or not kept._load_index()


def warm() -> None:
    """Train and ask one small network. All kinds of networks and tasks run on the same compiled code."""
    ones = np.ones((1, _ROWS), dtype=np.float32)
    samples = Samples(
        shape=InputShape(numeric=1, features=1, cardinalities=()),
        outputs=2,
        classification=True,
        values=np.zeros((1, _ROWS, 1), dtype=np.float32),
        codes=np.zeros((1, _ROWS, 0), dtype=np.int32),
        target=np.zeros((1, _ROWS), dtype=np.float32),
        row_weights=ones,
        balanced_weights=ones,
        prior=np.zeros((1, 2)),
        training=[np.arange(_ROWS)],
        validation=[np.arange(_ROWS)],
    )
    fleet = Fleet([Member(config=Config(width=4, epochs=1), split=0, seed=0)], samples)
    fleet.train_epoch()
    fleet.outputs(samples.validation, fleet.learnt())


if __name__ == "__main__":
    warm()
