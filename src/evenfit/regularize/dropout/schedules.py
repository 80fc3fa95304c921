"""Schedules: what share of a dropout rate is in force as training goes on.

A schedule is a function of progress in [0, 1]: the share of training that is behind. To add one, write the function
and name it in ``SCHEDULES``. Any other function of progress will do as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.droppers import dropout_rates, set_dropout_rates_

Schedule = Callable[[float], float]
_NONE: Mapping[str, float] = MappingProxyType({})


def constant(progress: float) -> float:  # noqa: ARG001 - a schedule is called with progress
    """Stay at the full rate."""
    return 1.0


def early(progress: float, *, until: float = 0.5) -> float:
    """Fall linearly to 0, and stay there: for models that underfit, dropout's noise helps at the start alone.

    Source: Liu et al., "Dropout reduces underfitting", 2023.

    Example:
        >>> [early(progress) for progress in (0.0, 0.25, 0.5, 0.75)]
        [1.0, 0.5, 0.0, 0.0]
    """
    return max(0.0, 1 - progress / until)


def late(progress: float, *, start: float = 0.5) -> float:
    """Stay at 0, then at the full rate: for models that overfit, which they do in the end.

    Source: Liu et al., "Dropout reduces underfitting", 2023.
    """
    return 0.0 if progress < start else 1.0


def linear(progress: float) -> float:
    """Fall linearly to 0 over all of training."""
    return 1 - progress


def rising(progress: float) -> float:
    """Rise linearly from 0 to the full rate: as ScheduledDropPath does.

    Source: Zoph et al., "Learning transferable architectures for scalable image recognition", 2018.
    """
    return progress


def flat_cosine(progress: float, *, flat: float = 0.5) -> float:
    """Stay at the full rate for the first part, then fall along half a cosine to 0.

    Source: Holzmueller et al., "Better by default", 2024, with a flat half.
    """
    return 1.0 if progress < flat else 0.5 * (1 + math.cos(math.pi * (progress - flat) / (1 - flat)))


def curriculum(progress: float, *, steepness: float = 10.0) -> float:
    """Rise from 0 towards the full rate, fast at first: the harder examples come later.

    Source: Morerio et al., "Curriculum dropout", 2017.
    """
    return 1 - math.exp(-steepness * progress)


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "curriculum": curriculum,
    "early": early,
    "flat-cosine": flat_cosine,
    "late": late,
    "linear": linear,
    "rising": rising,
}


class RateSchedule:
    """Sets the rates of all dropout layers of a model from how far training has come.

    ``rates`` are the full ones, by the layers' names: those that the model has when the schedule is made. They and
    progress say all, so to resume keep ``rates`` with the weights, and give them again. Torch's own layers count, too
    (``dropout_rates`` says which do).

    Args:
        model: its layers' rates are set; nothing else is.
        schedule: one of ``SCHEDULES``, or a function from progress to the share of the full rate, in [0, 1].
        rates: full rates of some layers, by name, in place of those that the model has now.

    Raises:
        RegularizeError: a model without dropout layers, an unknown schedule, a name that is no dropout layer, or a
            rate outside [0, 1).

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 1))
        >>> schedule = RateSchedule(model, "early")
        >>> for step in range(100):
        ...     schedule.set(step / 100)
        >>> model[2].p, schedule.rates
        (0.0, {'2': 0.5})
    """

    def __init__(self, model: nn.Module, schedule: str | Schedule, *, rates: Mapping[str, float] = _NONE) -> None:
        if isinstance(schedule, str) and schedule not in SCHEDULES:
            raise RegularizeError(
                f"schedule must be a function of progress or one of {', '.join(SCHEDULES)}; got {schedule!r}"
            )
        self.rates = dropout_rates(model)
        if not self.rates:
            raise RegularizeError(f"{type(model).__name__} has no dropout layer whose rate could be scheduled")
        set_dropout_rates_(model, rates)
        self.rates |= rates
        self._model = model
        self._schedule: Schedule = SCHEDULES[schedule] if isinstance(schedule, str) else schedule

    def set(self, progress: float) -> None:
        """Set the rates that are in force when this share of training is behind.

        Raises:
            RegularizeError: progress is outside [0, 1], or the schedule gives a share that is.
        """
        if not 0 <= progress <= 1:
            raise RegularizeError(
                f"progress, the share of training that is behind, must be in [0, 1]; got {progress!r}"
            )
        share = self._schedule(progress)
        if not 0 <= share <= 1:
            raise RegularizeError(f"a schedule must give a share of the rate in [0, 1]; got {share!r} at {progress!r}")
        set_dropout_rates_(self._model, {name: share * rate for name, rate in self.rates.items()})
