"""Intervention: one change of a model, strong enough to be seen and mild enough to be sane."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LESS_VARIANCE, LESS_BIAS, EITHER = "less variance", "less bias", "either"


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """A model with one change, ready for its learner."""

    name: str  # wider, more_dropout, ...: two that undo each other are more_x and less_x, or are OPPOSITES
    words: str  # in a few words: "a network twice as wide"
    direction: str  # what it is meant to lower: less variance, less bias, or either
    variant: Any  # what the learner fits
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)  # by name of the value: (as it is, changed)
    cost: float = 1.0  # of a fit, as a multiple of the model's as it is; an estimate
    priority: int = 0  # among those of a direction, the lowest first


@dataclass(frozen=True, kw_only=True)
class NotApplicable:
    """A change that this model cannot have, and why."""

    name: str
    words: str
    reason: str
