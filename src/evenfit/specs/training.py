"""Training: how a module of the user's own is trained, where evenfit trains it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from evenfit.errors import ConfigError

OPTIMISERS = ("adamw", "adam", "sgd")
SCHEDULES = ("constant", "cosine", "steps")
LOSSES = ("usual", "squared")


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a module is trained for a measurement; the module itself says nothing of it.

    Raises:
        ConfigError: a value is outside its range; the message names it, the range and the value.

    Example:
        >>> Training(epochs=20, optimiser="sgd", learning_rate=0.1).batch_rows
        128
    """

    epochs: int = 50
    batch_rows: int = 128  # never more than the training rows
    optimiser: str = "adamw"
    learning_rate: float = 1e-3
    momentum: float = 0.9  # of SGD
    weight_decay: float = 0.0  # on weights of two and more axes; decoupled, but for adam and sgd, where it is L2
    schedule: str = "constant"  # of the learning rate: cosine falls to 0, steps divides by 10 at half and at 3/4
    loss: str = "usual"  # cross-entropy or squared error; "squared" of softmax and one-hot, for classes
    label_smoothing: float = 0.0  # classes only
    mixup: float = 0.0  # alpha of the Beta distribution of shares; 0 mixes nothing
    input_noise: float = 0.0  # deviation of Gaussian noise, as a multiple of each input's own
    l1: float = 0.0  # strength of sum|w|, by proximal steps
    dropout_shift: float = 0.0  # added to the rate of every dropout layer, kept within [0, 0.95]
    inserted_dropout: float = 0.0  # rate of layers that are put behind hidden activations; 0 puts none in

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_rows"):
            whole = getattr(self, name)
            if isinstance(whole, bool) or int(whole) != whole or whole < 1:
                raise ConfigError(f"{name} must be a whole number of at least 1, got {whole!r}")
        for name, choices in (("optimiser", OPTIMISERS), ("schedule", SCHEDULES), ("loss", LOSSES)):
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} must be one of {', '.join(choices)}; got {getattr(self, name)!r}")
        for name in ("learning_rate", "weight_decay", "mixup", "input_noise", "l1"):
            number = getattr(self, name)
            if not (number >= 0 and math.isfinite(number)):
                raise ConfigError(f"{name} must be a finite number of at least 0, got {number!r}")
        for name in ("momentum", "label_smoothing", "inserted_dropout"):
            number = getattr(self, name)
            if not 0 <= number < 1:
                raise ConfigError(f"{name} must be in [0, 1), got {number!r}")
        if not -1 <= self.dropout_shift <= 1:
            raise ConfigError(f"dropout_shift must be in [-1, 1], got {self.dropout_shift!r}")

    def with_values(self, **values: Any) -> Training:
        """Give a copy with some values changed, checked like a new one."""
        return replace(self, **values)
