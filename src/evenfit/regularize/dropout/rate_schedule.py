"""Rate schedule: sets the rates of a model's dropout as training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import nn

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.droppers import dropout_rates, set_dropout_rates_
from evenfit.regularize.schedules import SCHEDULES, Schedule

_NONE: Mapping[str, float] = MappingProxyType({})


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
