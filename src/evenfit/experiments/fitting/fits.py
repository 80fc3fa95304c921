"""Fits: which models are to be fitted to which rows, and what each of them then predicts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split

Numbers = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]

MOST_FOLLOWED = 1000  # training rows whose clean loss is taken, unless more rows are judged


@dataclass(frozen=True, kw_only=True)
class Fit:
    """One model to be fitted: what it is, where it trains and is judged, and its seed."""

    variant: int  # its place among the learner's variants
    split: int  # its place among the splits
    seed: int  # of everything that this model leaves to chance; at least 0, 63 bits


@dataclass(frozen=True, eq=False, kw_only=True)
class Curve:
    """Mean losses of one model by epoch: log loss, or squared error in the target's own units."""

    epochs: Integers  # [E], rising
    training: Numbers  # [E] clean: evaluation mode, no penalties
    validation: Numbers  # [E]


@dataclass(frozen=True, eq=False, kw_only=True)
class Fitted:
    """What one model has come to; predictions are those of its last epoch."""

    number: int  # its place among the fits
    predictions: Numbers  # [rows judged, K]: log-probabilities of all classes, or [rows judged, 1] numbers in the
    # target's own units; empty where it failed
    training_loss: float = float("nan")  # clean base loss on training rows
    curve: Curve | None = None  # where the model learns by epochs, and curves were asked for
    failure: str = ""  # why there are no predictions
    notes: tuple[str, ...] = field(default=())  # warnings that it gave, each in a line


class Learner(Protocol):
    """Fits models, and tells what each predicts as it ends, in any order.

    A model that fails is told as a `Fitted` with its failure; the others go on. Where ``stop`` says so, what is not
    done is never told.
    """

    def __call__(
        self,
        fits: Sequence[Fit],
        splits: Sequence[Split],
        *,
        checkpoints: int,
        workers: int,
        stop: Callable[[], bool],
    ) -> Iterator[Fitted]:
        """Fit them all.

        Args:
            fits: which variants, on which splits, from which seeds.
            splits: row numbers; ``train`` may name a row several times, as a bootstrap does.
            checkpoints: epochs at which losses are taken; 0 takes none.
            workers: cores to use.
            stop: whether to stop now; asked often.
        """
        ...


def never() -> bool:
    """Go on to the end."""
    return False


def followed(split: Split, *, seed: int) -> Integers:
    """Give the training rows whose clean loss is taken: a sample of at most `MOST_FOLLOWED`, or as many as are judged.

    Example:
        >>> rows = Split(train=np.arange(4000), validate=np.arange(10), repeat=0, fold=0)
        >>> len(followed(rows, seed=1))
        1000
    """
    wanted = max(len(split.validate), MOST_FOLLOWED)
    if len(split.train) <= wanted:
        return split.train
    drawn = np.random.default_rng([seed, 0xF0]).choice(len(split.train), wanted, replace=False)
    chosen: Integers = split.train[np.sort(drawn)]
    return chosen
