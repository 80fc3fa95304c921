"""Config: every hyperparameter of one network and of its training, as one frozen value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from evenfit.errors import ConfigError

ACTIVATIONS = ("relu", "selu", "mish", "silu", "gelu")
OPTIMISERS = ("adamw", "sgd")
SCHEDULES = ("constant", "cosine", "coslog4", "flat-cosine")
NUMERIC_EMBEDDINGS = ("none", "pbld")
INPUT_ENCODINGS = ("robust", "quantile")
TARGET_ENCODINGS = ("standard", "log", "quantile")
DROPOUT_KINDS = ("elementwise", "gaussian", "alpha")
STRENGTH_SCHEDULES = ("constant", "cosine", "curriculum", "early", "flat-cosine", "late", "linear", "rising")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Everything that is chosen before a multilayer perceptron is trained.

    The first group shapes tensors: members that differ there train in different fleets. All
    other values are per member. Strengths refer to the loss on the encoded target (log loss, or
    squared error on the standardised target) and follow the founding notes: L1 is
    ``l1 * sum|w|``, L2 is ``l2 * sum w^2`` without a half, and the elastic net is
    ``elastic_net * sum(beta |w| + (1 - beta) / 2 w^2)``, the group lasso is the sum of the groups'
    norms. They add, and see weights only; behind each step comes the proximal operator of their sum, then
    the projection on each bound, in the order of their names here.

    Raises:
        ConfigError: a value is outside its range; the message names it, the range and the value.

    Example:
        >>> Config(width=64, dropout=0.2).dropout
        0.2
    """

    # shape
    width: int = 128  # units of each hidden layer
    depth: int = 2  # hidden layers; 0 is a linear model
    activation: str = "mish"
    batch_rows: int = 128  # rows of one step; never more than the split's training rows
    numeric_embedding: str = "pbld"  # periodic embedding of each numeric column, or none
    embedding_size: int = 8  # numbers that stand for one level of a column of many levels

    # encodings
    inputs: str = "robust"
    target: str = "standard"  # regression only
    balanced_classes: bool = False  # classification only: every class weighs the same in training

    # training
    epochs: int = 64
    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    momentum: float = 0.9  # of SGD; the decay of the first moment for AdamW
    second_momentum: float = 0.95  # the decay of the second moment, AdamW only
    nesterov: bool = False  # SGD only
    schedule: str = "flat-cosine"
    input_scale_rate: float = 6.0  # learning rate of the input scaling layer, as a multiple

    # penalties and bounds on weights
    l1: float = 0.0
    l2: float = 0.0
    elastic_net: float = 0.0
    beta: float = 0.5
    group_lasso: float = 0.0  # groups: all weights that leave one column, or one hidden unit
    max_norm: float = 0.0  # most that the norm of a unit's incoming weights may be; 0 is no bound
    unit_norm: bool = False  # hidden units' incoming weights have norm 1
    spectral_bound: float = 0.0  # most that a weight matrix may stretch a vector; 0 is no bound
    penalty_schedule: str = "constant"  # of l1, l2, elastic_net and group_lasso, over the epochs

    # what is dropped
    dropout: float = 0.0  # probability that a hidden unit is dropped
    dropout_kind: str = "elementwise"  # of hidden units; alpha belongs to the activation selu
    dropout_schedule: str = "constant"  # of the three rates, over the epochs
    input_dropout: float = 0.0  # probability that an input is dropped
    drop_connect: float = 0.0  # probability that a weight behind a hidden unit is dropped

    # noise, targets, and how a step is taken
    input_noise: float = 0.0  # standard deviation of Gaussian noise on the encoded numeric inputs
    weight_noise: float = 0.0  # standard deviation of Gaussian noise on the weights of a step
    mixup: float = 0.0  # alpha of the Beta distribution of shares; 0 mixes nothing
    label_smoothing: float = 0.0  # classification only
    r_drop: float = 0.0  # weight of the disagreement of two passes, each with chance of its own
    activity_l1: float = 0.0  # strength of sum|activation| over hidden units, mean over rows
    sam_radius: float = 0.0  # how far sharpness-aware steps look uphill; 0 is a plain step
    gradient_clip: float = 0.0  # most that the norm of a step's gradient may be; 0 is no bound
    weight_averaging: float = 0.0  # decay of the moving average of weights, per epoch; 0 is none
    swa_share: float = 0.0  # last share of the epochs, of which weights are averaged equally; 0 is none

    def __post_init__(self) -> None:
        for name, least, most in _INTEGERS:
            whole = getattr(self, name)
            if isinstance(whole, bool) or int(whole) != whole or not least <= whole <= most:
                raise ConfigError(f"{name} must be a whole number between {least} and {most}, got {whole!r}")
            object.__setattr__(self, name, int(whole))
        for name, low, high, closed in _NUMBERS:
            number = float(getattr(self, name))
            inside = low <= number <= high if closed else low <= number < high
            if not inside:
                raise ConfigError(f"{name} must be in [{low}, {high}{']' if closed else ')'}, got {number!r}")
            object.__setattr__(self, name, number)
        for name in _BOOLEANS:
            truth = getattr(self, name)
            if truth not in (0, 1):
                raise ConfigError(f"{name} must be true or false, got {truth!r}")
            object.__setattr__(self, name, bool(truth))
        if self.learning_rate == 0:
            raise ConfigError("learning_rate must be above 0, got 0.0")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name} must be one of {', '.join(choices)}; got {getattr(self, name)!r}")

    def shape(self) -> tuple[object, ...]:
        """Give the values that shape tensors: members train together where these are equal."""
        return tuple(getattr(self, name) for name in SHAPE_NAMES)

    def to_json(self) -> dict[str, Any]:
        """Give the values by name, ready for JSON and TOML."""
        return dict(vars(self))  # all are plain values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Config:
        """Make a config from values by name; names that are left out keep their default.

        Raises:
            ConfigError: a name is not one of a config's.
        """
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise ConfigError(f"a config has no value named {name!r}; it has {', '.join(sorted(known))}")
        return cls(**dict(values))

    def regularisers(self) -> tuple[str, ...]:
        """Give the names of the regularisers that this config uses."""
        return tuple(name for name in REGULARISERS if getattr(self, name))

    def without(self, regulariser: str) -> Config:
        """Give a copy that does not use one of its regularisers."""
        return self.with_values(**{regulariser: type(getattr(self, regulariser))(0)})

    def with_values(self, **values: Any) -> Config:
        """Give a copy with some values changed, checked like a new one."""
        return Config(**(vars(self) | values))

    def tidied(self) -> Config:
        """Give the config that does the same with nothing in it that does nothing.

        Without hidden layers nothing can be done to hidden units; two passes agree unless something is left to
        chance; kinds and schedules are of something; and alpha dropout is for units that normalise themselves.

        Example:
            >>> Config(r_drop=1.0, dropout_kind="gaussian").tidied() == Config()
            True
        """
        off: dict[str, Any] = {}
        if self.depth == 0:
            off |= {"dropout": 0.0, "drop_connect": 0.0, "activity_l1": 0.0, "unit_norm": False}
        held = {name for name in REGULARISERS if getattr(self, name) and name not in off}
        chances = {"dropout", "input_dropout", "drop_connect", "input_noise", "weight_noise"}
        if not held & chances:
            off["r_drop"] = 0.0
        if "dropout" not in held or (self.dropout_kind == "alpha" and self.activation != "selu"):
            off["dropout_kind"] = "elementwise"
        if not held & {"dropout", "input_dropout", "drop_connect"}:
            off["dropout_schedule"] = "constant"
        if not held & {"l1", "l2", "elastic_net", "group_lasso"}:
            off["penalty_schedule"] = "constant"
        changes = {name: value for name, value in off.items() if getattr(self, name) != value}
        return self.with_values(**changes) if changes else self


SHAPE_NAMES = ("width", "depth", "activation", "batch_rows", "numeric_embedding", "embedding_size", "optimiser")
# Each does nothing at 0. In the order in which their effect is worth measuring.
REGULARISERS = (
    "dropout",
    "l2",
    "l1",
    "elastic_net",
    "weight_averaging",
    "label_smoothing",
    "mixup",
    "input_dropout",
    "input_noise",
    "swa_share",
    "group_lasso",
    "max_norm",
    "sam_radius",
    "r_drop",
    "drop_connect",
    "weight_noise",
    "gradient_clip",
    "activity_l1",
    "unit_norm",
    "spectral_bound",
)
CHOICES = {
    "activation": ACTIVATIONS,
    "optimiser": OPTIMISERS,
    "schedule": SCHEDULES,
    "numeric_embedding": NUMERIC_EMBEDDINGS,
    "inputs": INPUT_ENCODINGS,
    "target": TARGET_ENCODINGS,
    "dropout_kind": DROPOUT_KINDS,
    "dropout_schedule": STRENGTH_SCHEDULES,
    "penalty_schedule": STRENGTH_SCHEDULES,
}
_BOOLEANS = ("balanced_classes", "nesterov", "unit_norm")
_INTEGERS = (
    ("width", 1, 65536),
    ("depth", 0, 64),
    ("batch_rows", 1, 1_000_000),
    ("embedding_size", 1, 1024),
    ("epochs", 1, 1_000_000),
)
_INFINITE = float("inf")
_NUMBERS = (  # name, low, high, whether high itself is allowed
    ("learning_rate", 0.0, _INFINITE, False),
    ("momentum", 0.0, 1.0, False),
    ("second_momentum", 0.0, 1.0, False),
    ("input_scale_rate", 0.0, _INFINITE, False),
    ("l1", 0.0, _INFINITE, False),
    ("l2", 0.0, _INFINITE, False),
    ("elastic_net", 0.0, _INFINITE, False),
    ("beta", 0.0, 1.0, True),
    ("group_lasso", 0.0, _INFINITE, False),
    ("max_norm", 0.0, _INFINITE, False),
    ("spectral_bound", 0.0, _INFINITE, False),
    ("dropout", 0.0, 1.0, False),
    ("input_dropout", 0.0, 1.0, False),
    ("drop_connect", 0.0, 1.0, False),
    ("input_noise", 0.0, _INFINITE, False),
    ("weight_noise", 0.0, _INFINITE, False),
    ("mixup", 0.0, 1000.0, True),
    ("label_smoothing", 0.0, 1.0, False),
    ("r_drop", 0.0, _INFINITE, False),
    ("activity_l1", 0.0, _INFINITE, False),
    ("sam_radius", 0.0, _INFINITE, False),
    ("gradient_clip", 0.0, _INFINITE, False),
    ("weight_averaging", 0.0, 1.0, False),
    ("swa_share", 0.0, 1.0, True),
)


def limits(name: str) -> tuple[float, float]:
    """Give the least and the greatest number that a config's value may have; no limits for words.

    Example:
        >>> limits("depth"), limits("beta")
        ((0, 64), (0.0, 1.0))
    """
    for each, least, most in _INTEGERS:
        if each == name:
            return least, most
    for each, low, high, closed in _NUMBERS:
        if each == name:
            above = math.nextafter(0.0, 1.0) if name == "learning_rate" else low
            return above, high if closed or math.isinf(high) else math.nextafter(high, 0.0)
    return (0, 1) if name in _BOOLEANS else (-math.inf, math.inf)


def whole_names() -> frozenset[str]:
    """Give the names of values that are whole numbers."""
    return frozenset(name for name, _, _ in _INTEGERS)


def switches() -> frozenset[str]:
    """Give the names of values that are true or false."""
    return frozenset(_BOOLEANS)
