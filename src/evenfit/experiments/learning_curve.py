"""Learning curve: models fitted to more and more rows of the same splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from evenfit.experiments.fitting.fits import Curve, Fit, Learner, never
from evenfit.experiments.fitting.rows import Rows
from evenfit.experiments.judging import Judged, judge, seed_of
from evenfit.experiments.nested import Nested
from evenfit.results.metrics import Metric


@dataclass(frozen=True, eq=False, kw_only=True)
class SizeFitted:
    """What one model has come to: on one split, at one size."""

    size: int  # index of the size
    split: int  # index of the split
    judged: Judged
    curve: Curve | None = None  # losses by epoch, where there are any
    failure: str = ""
    notes: tuple[str, ...] = ()


def learning_curve(
    learner: Learner,
    sets: Nested,
    *,
    rows: Rows,
    metric: Metric,
    seed: int,
    checkpoints: int = 0,
    workers: int = 1,
    stop: Callable[[], bool] = never,
) -> Iterator[SizeFitted]:
    """Yield what models have come to, in any order: the learner's first variant, on every split at every size.

    All sizes of a split have the same seed: what differs between them is the rows. The number of epochs is that of the
    model, so steps grow with the rows.
    """
    fits = [Fit(variant=0, split=place, seed=seed_of(split, seed=seed)) for place, split in enumerate(sets.splits)]
    for fitted in learner(fits, sets.splits, checkpoints=checkpoints, workers=workers, stop=stop):
        size, split = divmod(fitted.number, sets.of_size)
        yield SizeFitted(
            size=size,
            split=split,
            judged=judge(fitted, sets.splits[fitted.number], rows=rows, metric=metric),
            curve=fitted.curve,
            failure=fitted.failure,
            notes=fitted.notes,
        )
