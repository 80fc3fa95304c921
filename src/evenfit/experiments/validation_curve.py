"""Validation curve: models that differ in one hyperparameter, fitted to the same splits from the same seeds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from evenfit.data.splits import Split
from evenfit.experiments.fitting.fits import Fit, Learner, never
from evenfit.experiments.fitting.rows import Rows
from evenfit.experiments.judging import Judged, judge, seed_of
from evenfit.results.metrics import Metric


@dataclass(frozen=True, eq=False, kw_only=True)
class ValueFitted:
    """What one model has come to: with one value, on one split."""

    value: int  # index of the value
    split: int  # index of the split
    judged: Judged
    failure: str = ""
    notes: tuple[str, ...] = ()


def validation_curve(
    learner: Learner,
    splits: Sequence[Split],
    *,
    values: int,
    rows: Rows,
    metric: Metric,
    seed: int,
    workers: int = 1,
    stop: Callable[[], bool] = never,
) -> Iterator[ValueFitted]:
    """Yield what models have come to, in any order: each of the learner's variants on every split.

    Args:
        learner: its i-th variant has the i-th value.
        splits: the same for all values, and so are the seeds: differences between values are paired.
        values: how many there are.
        rows: of the subject.
        metric: what models are judged by.
        seed: of everything that is left to chance.
        workers: cores to use.
        stop: whether to stop now; asked often.
    """
    fits = [
        Fit(variant=value, split=place, seed=seed_of(split, seed=seed))
        for value in range(values)
        for place, split in enumerate(splits)
    ]
    for fitted in learner(fits, splits, checkpoints=0, workers=workers, stop=stop):
        value, split = divmod(fitted.number, len(splits))
        yield ValueFitted(
            value=value,
            split=split,
            judged=judge(fitted, splits[split], rows=rows, metric=metric),
            failure=fitted.failure,
            notes=fitted.notes,
        )
