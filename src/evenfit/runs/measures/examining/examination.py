"""Examination: what is diagnosed, its splits, and the time that is left for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split
from evenfit.experiments.diagnosis import (
    Case,
    Findings,
    Outcome,
    Wish,
    run_round,
)
from evenfit.experiments.diagnosis_plan import Scale
from evenfit.results.diagnosis.concluding import Weighing
from evenfit.results.study import Truth
from evenfit.runs.measures.subject import Subject

Integers = npt.NDArray[np.int64]
Tell = Callable[[str, int], None]


@dataclass(eq=False, kw_only=True)
class Examination:
    """One examination under way."""

    subject: Subject
    splits: tuple[Split, ...]
    truth: Truth
    seed: int
    workers: int
    deadline: float  # by the monotonic clock, of fits
    tell: Tell
    validation: Integers | None = None  # rows to judge by that were given apart
    wants_training: bool = False  # whether the headline loss on training rows is wanted
    found: Findings = field(default_factory=Findings)
    notes: list[str] = field(default_factory=list)

    @property
    def case(self) -> Case:
        """What is diagnosed, as it is fitted."""
        return Case(learner_of=self.subject.learner, truth=self.truth, seed=self.seed, workers=self.workers)

    def stop(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.deadline

    def left(self) -> float:
        """Seconds that are left."""
        return self.deadline - time.monotonic()

    def round(self, doing: str, wishes: Sequence[Wish], *, checkpoints: int = 0) -> dict[str, Outcome]:
        """Fit what is wished for."""
        self.tell(doing, self.found.fits)
        return run_round(self.case, self.found, wishes, checkpoints=checkpoints, stop=self.stop)

    def rescale(self, scale: Scale, folds: int) -> None:
        """Go on with fewer repeats, where time does not allow all."""
        if scale.repeats < self.truth.split_of.shape[0]:
            self.notes.append(f"Time allowed {scale.repeats} of {self.truth.split_of.shape[0]} repeats.")
            self.splits = self.splits[: scale.repeats * folds]
            self.truth = replace(
                self.truth,
                split_of=self.truth.split_of[: scale.repeats],
                training_rows=self.truth.training_rows[: len(self.splits)],
            )

    def leave(self, places: Integers) -> None:
        """Go on with the splits of these places alone."""
        self.splits = tuple(self.splits[place] for place in places)
        number = np.full(len(self.truth.training_rows) + 1, -1)  # the last, for -1, stays so
        number[places] = np.arange(len(places))
        self.truth = replace(
            self.truth, split_of=number[self.truth.split_of], training_rows=self.truth.training_rows[places]
        )


def weighing_of(splits: Sequence[Split]) -> Weighing:
    """How means over these splits are weighed."""
    return Weighing(
        training_rows=np.array([len(split.train) for split in splits]),
        validation_rows=np.array([len(split.validate) for split in splits]),
    )


def fold_count(splits: Sequence[Split]) -> int:
    """Give the folds of a repeat, also where some of them were left out."""
    return 1 + max(split.fold for split in splits)
