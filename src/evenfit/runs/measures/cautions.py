"""Cautions: what is to be said of training sets and of the rows that judge them, before the numbers are believed."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from evenfit.data.cells import times
from evenfit.data.equal_rows import equal_rows
from evenfit.experiments.bias_variance import Gathered, TrainingSets
from evenfit.runs.measures.material import Material

Integers = npt.NDArray[np.int64]

SHARED = "to judge by equal a training row, target and all"
FEW_ROWS = 10  # of a replicate: fewer say little about the model on more


def cautions(material: Material, sets: TrainingSets) -> tuple[str, ...]:
    """Say what is doubtful about the training sets: rows that both judge and train, and classes that are missing."""
    return tuple(note for note in (_inside(material, sets), _missing(material, sets)) if note)


def few_rows(sets: TrainingSets) -> tuple[str, ...]:
    """Say that replicates train on few rows."""
    if sets.training_rows >= FEW_ROWS:
        return ()
    return (
        f"a replicate trains on only {sets.training_rows} rows: ask for fewer replicates, or for more rows of each",
    )


def constant_note(gathered: Gathered, point: int, *, fits: int) -> tuple[str, ...]:
    """Say that models predict the same for every row."""
    count = gathered.constant[point]
    return (f"{count:,} of {times(fits, 'fit')} predict the same for every row",) if count else ()


def row_numbers(material: Material) -> Integers:
    """Number a material's rows by what they hold: equal rows have the same number."""
    table = material.subject.table
    if table is not None:  # a table from a file has its categories elsewhere
        return equal_rows(np.concatenate([table.numeric, table.codes.astype(np.float64)], axis=1))
    return equal_rows(material.subject.rows.X)


def _inside(material: Material, sets: TrainingSets) -> str:
    """Rows to judge by that equal a training row, target and all."""
    rows = np.stack([row_numbers(material), np.unique(material.subject.rows.target, return_inverse=True)[1]], axis=1)
    alike = equal_rows(rows)
    judged = np.unique(np.concatenate([split.validate for split in sets.splits]))
    trained = np.unique(np.concatenate([split.train for split in sets.splits]))
    if sets.sampling == "out-of-bag":  # every row is judged by replicates that did not draw it, but for its copies
        count = len(alike) - len(np.unique(alike))
        return (
            f"{times(count, 'row')} repeat another, which may have trained a replicate that they judge" if count else ""
        )
    count = int(np.isin(alike[judged], alike[trained]).sum())
    if not count:
        return ""
    return f"{count:,} of {times(len(judged), 'row')} {SHARED}: what models know by heart makes the loss too low"


def _missing(material: Material, sets: TrainingSets) -> str:
    """Classes that some training sets lack."""
    about = material.subject.rows.about
    if about.task == "regression":
        return ""
    target, classes = material.subject.rows.target, len(about.classes)
    lacking = np.stack([np.bincount(target[split.train], minlength=classes) == 0 for split in sets.splits])
    if not lacking.any():
        return ""
    names = ", ".join(str(about.classes[code]) for code in np.flatnonzero(lacking.any(axis=0))[:9])
    return (
        f"{int(lacking.any(axis=1).sum()):,} of {times(len(sets.splits), 'training set')} lack a class ({names}): they "
        "are judged as they are"
    )
