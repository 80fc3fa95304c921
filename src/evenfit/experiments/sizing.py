"""Sizing: what a network costs, and the default config and space that fit a table and a budget.

The cost model is fixed, never measured, so that a study with a budget in trials packs the same
fleets on every machine. Where the budget is in seconds, the measured speed corrects it.
"""

from __future__ import annotations

import math

from evenfit.data.encodings import InputShape
from evenfit.fleet.layout import layout
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

# seconds on one core, fitted to measurements on a 4 GHz x86 core with 512-bit vectors
_PRODUCT = 1 / 65e9  # a floating-point operation of a batched product
_UNIT = 1.4e-9  # a hidden unit of one row: activation, mask, way back
_PERIODIC = 70e-9  # a numeric column of one row: periodic embedding, both ways
_INPUT = 3e-9  # another input of one row
_PARAMETER = 0.3e-9  # a parameter in one step: optimiser and proximal step
_STEP = 4e-6  # a member's share of one step's dispatch

_DEFAULT_SHARE = 0.16  # of the core-seconds of a budget that the default's folds may take
_MOST_MEMBERS = 40
_CACHE_BYTES = 6e6  # of the weights and moments of one fleet
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
    """Estimate the seconds that one member's training step takes on one core."""
    plan = layout(config, shape, outputs)
    products = sum(math.prod(block.shape) for block in plan.weights())
    units = sum(plan.widths) + 3 * outputs
    periodic = shape.numeric if plan.periodic else 0
    row = 6 * products * _PRODUCT + units * _UNIT + periodic * _PERIODIC + (plan.assembled - 4 * periodic) * _INPUT
    return config.batch_rows * row + plan.parameters * _PARAMETER + _STEP


def epoch_seconds(config: Config, shape: InputShape, outputs: int, rows: int) -> float:
    """Estimate the seconds that one epoch over ``rows`` training rows takes one member on one core."""
    batch = min(config.batch_rows, rows)
    return (rows // batch) * step_seconds(config.with_values(batch_rows=batch), shape, outputs) * 1.15


def fleet_members(config: Config, shape: InputShape, outputs: int) -> int:
    """Say how many members make a good fleet: enough to amortise a step's dispatch, few enough for the cache."""
    size = 16 * layout(config, shape, outputs).parameters
    return int(min(_MOST_MEMBERS, max(8, _CACHE_BYTES // size)))


def default_config(*, rows: int, shape: InputShape, outputs: int, splits: int, budget: Budget, workers: int) -> Config:
    """Choose the config that is tried first: as good a network as the budget lets all folds complete.

    Args:
        rows: training rows of a split.
        shape: encoded inputs.
        outputs: classes, or 1.
        splits: members of one config.
        budget: of the study; where it is in trials alone, nothing is cut.
        workers: processes that train.
    """
    batch = 2 ** max(5, min(9, round(math.log2(max(rows, 1) / 40))))
    base = Config(
        width=128,
        depth=2,
        activation="mish",
        batch_rows=batch,
        epochs=96,
        learning_rate=3e-3,
        schedule="flat-cosine",
        dropout=0.1,
        l2=0.01,
        numeric_embedding="pbld" if 0 < shape.numeric <= 64 else "none",
    )
    if budget.seconds is None:
        return base.with_values(width=64, epochs=48)
    affordable = budget.seconds * workers * _DEFAULT_SHARE / splits
    for values in (
        {},
        {"epochs": 64},
        {"epochs": 48},
        {"epochs": 48, "width": 64},
        {"epochs": 32, "width": 64},
        {"epochs": 24, "width": 64, "batch_rows": 2 * batch},
        {"epochs": 16, "width": 64, "batch_rows": 2 * batch},
        {"epochs": 12, "width": 64, "batch_rows": 2 * batch, "numeric_embedding": "none"},
        {"epochs": 8, "width": 64, "batch_rows": 4 * batch, "numeric_embedding": "none"},
        {"epochs": 4, "width": 32, "batch_rows": 4 * batch, "numeric_embedding": "none"},
        {"epochs": 2, "width": 32, "batch_rows": 4 * batch, "numeric_embedding": "none"},
    ):
        config = base.with_values(**values)
        if config.epochs * epoch_seconds(config, shape, outputs, rows) <= affordable:
            return config
    return config.with_values(epochs=1)


def make_space(
    default: Config,
    *,
    shape: InputShape,
    inputs: tuple[str, ...] = ("robust",),
    targets: tuple[str, ...] = ("standard",),
    classification: bool,
) -> Space:
    """Make the space around a default config: its shape halved and doubled, and every regulariser."""
    values: dict[str, Range | Choice] = {
        "width": Choice(values=tuple(sorted({max(16, default.width // 2), default.width, default.width * 2}))),
        "depth": Choice(values=(1, 2, 3)),
        "batch_rows": Choice(values=tuple(sorted({max(16, default.batch_rows // 2), default.batch_rows}))),
        "activation": Choice(values=("mish", "relu", "selu", "silu")),
        "learning_rate": Range(low=5e-4, high=2e-2, log=True),
        "schedule": Choice(values=("flat-cosine", "cosine", "coslog4")),
        "input_scale_rate": Range(low=1.0, high=12.0, log=True, zero=0.1),
        "l1": Range(low=1e-6, high=1e-2, log=True, zero=0.7),
        "l2": Range(low=1e-4, high=0.3, log=True, zero=0.1),
        "dropout": Range(low=0.0, high=0.5, zero=0.15),
        "input_dropout": Range(low=0.02, high=0.25, zero=0.7),
        "input_noise": Range(low=0.01, high=0.3, log=True, zero=0.7),
        "weight_averaging": Range(low=0.3, high=0.95, zero=0.5),
    }
    if classification:
        values["label_smoothing"] = Range(low=0.01, high=0.15, zero=0.75)
    if shape.numeric and default.numeric_embedding == "pbld":
        values["numeric_embedding"] = Choice(values=("pbld", "pbld", "none"))
    if len(inputs) > 1:
        values["inputs"] = Choice(values=inputs)
    if len(targets) > 1:
        values["target"] = Choice(values=targets)
    return Space(default=default, values=values)
