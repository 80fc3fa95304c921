"""Schedules: what share of a penalty's strength or of a dropout rate is in force as training goes on.

A schedule is a function of progress: the share of training that is behind. To add one, write the function and name it
in ``SCHEDULES``. Any other function of progress will do as well.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from evenfit.errors import RegularizeError

Schedule = Callable[[float], float]


def constant(progress: float) -> float:  # noqa: ARG001 - a schedule is called with progress
    """Stay at the full value."""
    return 1.0


def cosine(progress: float) -> float:
    """Fall along half a cosine to 0."""
    return 0.5 * (1 + math.cos(math.pi * progress))


def curriculum(progress: float, *, steepness: float = 10.0) -> float:
    """Rise from 0 towards the full value, fast at first: the harder examples come later.

    Source: Morerio et al., "Curriculum dropout", 2017.
    """
    return 1 - math.exp(-steepness * progress)


def early(progress: float, *, until: float = 0.5) -> float:
    """Fall linearly to 0, and stay there: for models that underfit, dropout's noise helps at the start alone.

    Source: Liu et al., "Dropout reduces underfitting", 2023.

    Example:
        >>> [early(progress) for progress in (0.0, 0.25, 0.5, 0.75)]
        [1.0, 0.5, 0.0, 0.0]
    """
    return max(0.0, 1 - progress / until)


def flat_cosine(progress: float, *, flat: float = 0.5) -> float:
    """Stay at the full value for the first part, then fall along half a cosine to 0.

    Source: Holzmueller et al., "Better by default", 2024, with a flat half.
    """
    return 1.0 if progress < flat else 0.5 * (1 + math.cos(math.pi * (progress - flat) / (1 - flat)))


def late(progress: float, *, start: float = 0.5) -> float:
    """Stay at 0, then at the full value: for models that overfit, which they do in the end.

    Source: Liu et al., "Dropout reduces underfitting", 2023.
    """
    return 0.0 if progress < start else 1.0


def linear(progress: float) -> float:
    """Fall linearly to 0 over all of training."""
    return 1 - progress


def rising(progress: float) -> float:
    """Rise linearly from 0 to the full value: as ScheduledDropPath does.

    Source: Zoph et al., "Learning transferable architectures for scalable image recognition", 2018.
    """
    return progress


SCHEDULES: dict[str, Schedule] = {
    "constant": constant,
    "cosine": cosine,
    "curriculum": curriculum,
    "early": early,
    "flat-cosine": flat_cosine,
    "late": late,
    "linear": linear,
    "rising": rising,
}


def check_schedule(name: str, schedule: str | Schedule) -> str | Schedule:
    """Give a schedule back.

    Raises:
        RegularizeError: it is neither a function nor a name in ``SCHEDULES``.
    """
    if callable(schedule) or schedule in SCHEDULES:
        return schedule
    raise RegularizeError(f"{name} must be a function of progress or one of {', '.join(SCHEDULES)}; got {schedule!r}")


def share_at(schedule: str | Schedule, progress: float | None) -> float:
    """Give the share of the strength that is in force at some progress; None is for constant schedules only.

    Raises:
        RegularizeError: progress is missing or outside [0, 1), or the schedule gives a share that is no strength.

    Example:
        >>> share_at("rising", 0.25)
        0.25
    """
    if schedule == "constant":
        return 1.0
    if progress is None:
        raise RegularizeError(
            f"the schedule {_name(schedule)} needs to know how far training is: "
            "penalty(model, progress=...), or Proximal(..., steps=...)"
        )
    if not 0 <= progress < 1:
        raise RegularizeError(f"progress must be in [0, 1), got {progress}")
    share = float(SCHEDULES[schedule](progress) if isinstance(schedule, str) else schedule(progress))
    if not 0 <= share < math.inf:
        raise RegularizeError(
            f"a share of a strength must be a number of at least 0; the schedule {_name(schedule)} gave {share} "
            f"at progress {progress}"
        )
    return share


def _name(schedule: str | Schedule) -> str:
    return repr(schedule) if isinstance(schedule, str) else getattr(schedule, "__name__", repr(schedule))
