"""Heat: some configs of one shape, raced on all splits inside one fleet; and what it tells while it runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from evenfit.results.trial import Trial
from evenfit.specs.config import Config

Array = npt.NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One config in a heat, under the number that its trial will have."""

    number: int
    config: Config
    protected: bool = False  # the default: never dropped, and an answer even where time runs out


@dataclass(frozen=True, kw_only=True)
class Heat:
    """What one fleet is to do.

    All configs of a heat have the same shape, encodings and epochs.

    ``rungs`` are shares of the epochs at which ``1 / thinning`` of the configs that are left survive. Where there
    are ``first`` splits, a config whose mean loss on them is above the ``bar`` is not tried on the others.
    """

    round: int
    entries: tuple[Entry, ...]
    rungs: tuple[float, ...] = (0.25, 0.5)
    thinning: float = 2.0
    first: float = 0.0  # share of the splits that are trained before the others; 0 trains all together
    bar: float = math.inf
    checkpoints: int = 20  # epochs at which a config is validated
    stop_at: float | None = None  # time.monotonic() after which no step begins
    cut: bool = False  # a limit has left it less than was proposed
    draw: int = 0  # of the members' seeds: 0 is the search's, others begin and go elsewhere


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A trial that has ended; ``state`` has its networks where it is complete."""

    trial: Trial
    state: dict[str, Array] | None  # weights [S, parameters], residuals [S, RESIDUALS]


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """A heat has validated its configs: how far it is, and the best loss that it has seen."""

    round: int
    epoch: int
    epochs: int
    running: int  # configs that are left
    trained: int  # epochs of single networks, by the configs that are left
    best_loss: float
    seconds_a_step: float  # measured, of one member; 0 before it can be known


@dataclass(frozen=True, kw_only=True)
class HeatDone:
    """A heat has yielded all it will."""

    round: int
    process: int = 0  # that raced it, where it is not this one
    memory: int = 0  # the most bytes that this process has held so far; 0 where that is not known


Event = Finished | Epoch | HeatDone
