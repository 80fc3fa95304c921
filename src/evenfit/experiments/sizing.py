"""Sizing: what a network costs, and the default config and space that fit a table and a budget.

The cost model is fixed, never measured, so that a study with a budget in trials packs the same
fleets on every machine. Where the budget is in seconds, the measured speed corrects it.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from evenfit.data.encodings import InputShape
from evenfit.fleet.layout import layout
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Distribution, Range, Space

# seconds on one core, fitted to measurements on a 4 GHz x86 core with 512-bit vectors
_PRODUCT = 1 / 200e9  # a floating-point operation of a product
_UNIT = 0.8e-9  # a hidden unit of one row: activation, mask, way back
_PERIODIC = 12e-9  # a numeric column of one row: periodic embedding, both ways
_INPUT = 0.4e-9  # another input of one row
_PARAMETER = 0.4e-9  # a parameter in one step: optimiser and proximal step
_STEP = 1e-6  # calling a step
_NORMAL = 1.4e-9  # a normal number: of Gaussian dropout, and of noise on inputs or weights
_DROPPED_WEIGHT = 2e-9  # a weight that may be dropped, there and back
_GROUPED = 1e-9  # a weight in a group, or of a unit whose norm is bounded
_STRETCH = 0.7e-9  # the singular values of a matrix: times inputs, outputs, and the smaller of the two

_DEFAULT_SHARE = 0.16  # of the core-seconds of a budget that the default's folds may take
_MOST_EMBEDDED = 64  # numeric columns; more make the first layer too wide for a search
MEMBERS = 40  # of a fleet: any number runs as fast, and this one leaves a race something to choose from
SHARED = (  # what all configs of a heat have in common: what shapes tensors, and what the data looks like
    "width",
    "depth",
    "activation",
    "batch_rows",
    "numeric_embedding",
    "embedding_size",
    "optimiser",
    "inputs",
    "target",
    "epochs",
)


def step_seconds(config: Config, shape: InputShape, outputs: int) -> float:
    """Estimate the seconds that one member's training step takes on one core, with all its regularisers.

    A sharpness-aware step looks twice, and two passes that are to agree are two.
    """
    plan = layout(config, shape, outputs)
    products = sum(math.prod(block.shape) for block in plan.weights())
    units = sum(plan.widths) + 3 * outputs
    periodic = shape.numeric if plan.periodic else 0
    row = 6 * products * _PRODUCT + units * _UNIT + periodic * _PERIODIC + (plan.assembled - 4 * periodic) * _INPUT
    hidden = products - math.prod(plan.weights()[0].shape)
    if config.dropout_kind == "gaussian" and config.dropout > 0:
        row += sum(plan.widths) * _NORMAL
    if config.input_noise > 0:
        row += shape.numeric * _NORMAL
    passing = config.batch_rows * row
    passing += products * _NORMAL * (config.weight_noise > 0) + hidden * _DROPPED_WEIGHT * (config.drop_connect > 0)
    passes = (2 if config.r_drop > 0 else 1) * (2 if config.sam_radius > 0 else 1)
    bounds = (config.group_lasso > 0) + (config.max_norm > 0) + config.unit_norm
    stretches = sum(math.prod(block.shape) * min(block.shape) for block in plan.weights())
    held = products * bounds * _GROUPED + stretches * _STRETCH * (config.spectral_bound > 0)
    return passes * passing + plan.parameters * _PARAMETER + held + _STEP


def epoch_seconds(config: Config, shape: InputShape, outputs: int, rows: int) -> float:
    """Estimate the seconds that one epoch over ``rows`` training rows takes one member on one core."""
    batch = min(config.batch_rows, rows)
    return (rows // batch) * step_seconds(config.with_values(batch_rows=batch), shape, outputs) * 1.15


def default_config(
    *, rows: int, shape: InputShape, outputs: int, splits: int, budget: Budget, workers: int, classification: bool
) -> Config:
    """Choose the config that is tried first: as good a network as the budget lets all folds complete.

    Its values were chosen by hand from trials of one change at a time, on eleven tables of 500 to 5,300
    training rows; larger tables take the same. Log loss is overfitted within a few epochs, squared error is
    not: hence fewer epochs for classes than for numbers.

    Args:
        rows: training rows of a split.
        shape: encoded inputs.
        outputs: classes, or 1.
        splits: members of one config.
        budget: of the study; where it is in trials alone, nothing is cut.
        workers: processes that train.
        classification: classes or numbers.
    """
    batch = 2 ** max(5, min(8, round(math.log2(max(rows, 1) / 80))))
    base = Config(
        width=128,
        depth=2,
        activation="mish",
        batch_rows=batch,
        epochs=32 if classification else 64,
        learning_rate=3e-3 if classification else 5e-3,
        schedule="flat-cosine",
        dropout=0.3 if classification else 0.0,
        l2=0.3 if classification else 0.01,
        inputs="quantile" if shape.numeric else "robust",
        weight_averaging=0.7 if classification else 0.0,
        numeric_embedding="pbld" if 0 < shape.numeric <= _MOST_EMBEDDED else "none",
    )
    if budget.seconds is None:
        return base.with_values(width=64)
    affordable = budget.seconds * workers * _DEFAULT_SHARE / splits
    longer: tuple[dict[str, float], ...] = () if classification else ({"epochs": 2},)
    for values in (*longer, *_CHEAPER):
        config = base.with_values(**{name: _scaled(base, name, factor) for name, factor in values.items()})
        if config.epochs * epoch_seconds(config, shape, outputs, rows) <= affordable:
            return config
    return config.with_values(epochs=1)


_CHEAPER: tuple[dict[str, float], ...] = (  # what the default gives up where time is short, as factors
    {},
    {"epochs": 0.7},
    {"epochs": 0.5},
    {"epochs": 0.5, "width": 0.5},
    {"epochs": 0.35, "width": 0.5},
    {"epochs": 0.25, "width": 0.5, "batch_rows": 2},
    {"epochs": 0.17, "width": 0.5, "batch_rows": 2},
    {"epochs": 0.12, "width": 0.5, "batch_rows": 2},
    {"epochs": 0.08, "width": 0.5, "batch_rows": 4},
    {"epochs": 0.05, "width": 0.25, "batch_rows": 4},
    {"epochs": 0.02, "width": 0.25, "batch_rows": 4},
)


def _scaled(base: Config, name: str, factor: float) -> int:
    value: int = getattr(base, name)
    return max(1, round(value * factor))


def make_space(
    default: Config,
    *,
    costs: Callable[[Config], float],
    most_seconds: float,
    shape: InputShape,
    inputs: tuple[str, ...] = ("robust",),
    targets: tuple[str, ...] = ("standard",),
    classification: bool,
    small: bool = False,
) -> Space:
    """Make the space around a default config: its shape halved and doubled, and the regularisers.

    Those that mattered on most tables are usually there. The others are mostly at zero, so that each is tried without
    making the search for the first ones any poorer; what makes a step so slow that a config would take too large a
    share of the budget is left out. The elastic net is there by its parts, L1 and L2.

    Args:
        default: the config that is tried first.
        costs: core-seconds of a config on all splits.
        most_seconds: what one config may cost; more epochs than that are left out.
        shape: encoded inputs.
        inputs: encodings of the inputs that are worth a search.
        targets: encodings of the target that are worth a search.
        classification: classes or numbers.
        small: much smaller networks are searched, too, since they are wanted.
    """
    widths = {max(16, default.width // 2), default.width, default.width * 2}
    widths |= {default.width // 2**halved for halved in range(2, 6)} if small else set()
    epochs = {count for count in _EPOCHS if costs(default.with_values(epochs=count)) <= most_seconds}
    values: dict[str, Distribution] = {
        "epochs": Choice(values=tuple(sorted(epochs | {default.epochs}))),
        "width": Choice(values=tuple(sorted(width for width in widths if width >= _LEAST_WIDTH))),
        "depth": Choice(values=(1, 2, 3)),
        "batch_rows": Choice(values=tuple(sorted({max(16, default.batch_rows // 2), default.batch_rows}))),
        "activation": Choice(values=("mish", "relu", "selu", "silu")),
        "learning_rate": Range(low=5e-4, high=2e-2, log=True),
        "schedule": Choice(values=("flat-cosine", "cosine", "coslog4")),
        "input_scale_rate": Range(low=1.0, high=12.0, log=True, zero=0.1),
        "l1": Range(low=1e-3, high=0.3, log=True, zero=0.6),
        "l2": Range(low=1e-3, high=3.0, log=True, zero=0.1),
        "dropout": Range(low=0.05, high=0.6, zero=0.15) if classification else Range(low=0.02, high=0.3, zero=0.5),
        "input_dropout": Range(low=0.02, high=0.25, zero=0.7),
        "input_noise": Range(low=0.01, high=0.3, log=True, zero=0.7),
        "weight_averaging": Range(low=0.4, high=0.95, zero=0.35),
        "dropout_kind": Choice(values=("elementwise", "gaussian", "alpha"), first=0.9),
        "dropout_schedule": Choice(values=("constant", "linear", "early", "flat-cosine"), first=0.85),
        "penalty_schedule": Choice(values=("constant", "linear", "flat-cosine"), first=0.9),
    }
    values |= {
        name: known
        for name, known in _RARE.items()
        if costs(default.with_values(**{name: known.low})) <= _MOST_SLOWER * costs(default)
        and costs(default.with_values(**{name: known.low})) <= _MOST_BUDGET * most_seconds
    }
    if classification:
        values["label_smoothing"] = Range(low=0.01, high=0.15, zero=0.75)
    if shape.numeric and default.numeric_embedding == "pbld":
        values["numeric_embedding"] = Choice(values=("pbld", "none"), probabilities=(2 / 3, 1 / 3))
    if len(inputs) > 1:
        values["inputs"] = Choice(values=inputs)
    if len(targets) > 1:
        values["target"] = Choice(values=targets)
    return Space(default=default, values=values)


_RARE = {  # regularisers that few tables need
    "mixup": Range(low=0.05, high=1.0, log=True, zero=0.92),
    "swa_share": Range(low=0.1, high=0.5, zero=0.95),
    "group_lasso": Range(low=1e-3, high=0.3, log=True, zero=0.96),
    "max_norm": Range(low=0.5, high=4.0, log=True, zero=0.96),
    "unit_norm": Range(low=1, high=1, whole=True, zero=0.98),
    "spectral_bound": Range(low=1.0, high=8.0, log=True, zero=0.98),
    "drop_connect": Range(low=0.02, high=0.3, zero=0.97),
    "weight_noise": Range(low=1e-3, high=0.1, log=True, zero=0.97),
    "activity_l1": Range(low=1e-5, high=1e-2, log=True, zero=0.97),
    "gradient_clip": Range(low=0.05, high=2.0, log=True, zero=0.96),
    "sam_radius": Range(low=0.02, high=0.3, log=True, zero=0.97),
    "r_drop": Range(low=0.1, high=3.0, log=True, zero=0.98),
}
_MOST_SLOWER = 4.0  # times the default: what costs more is not searched
_MOST_BUDGET = 0.6  # of what one config may cost

_LEAST_WIDTH = 4
_EPOCHS = (4, 8, 16, 32, 64, 128, 256)
