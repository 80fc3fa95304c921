"""Evaluation: one trained network on new rows, in numpy and double precision, as the deployed model runs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from evenfit.fleet.layout import Layout

Array = npt.NDArray[Any]


def _selu(x: Array) -> Array:
    return np.where(x > 0, 1.0507009873554805 * x, 1.7580993408473766 * np.expm1(np.minimum(x, 0.0)))


def _mish(x: Array) -> Array:
    power = np.exp(np.minimum(x, 20.0))
    part = power * (power + 2)
    made: Array = x * (part / (part + 2))
    return made


def _silu(x: Array) -> Array:
    made: Array = x * expit(x)
    return made


def _gelu(x: Array) -> Array:
    made: Array = 0.5 * x * (1 + np.tanh(0.7978845608028654 * (x + 0.044715 * x**3)))
    return made


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "relu": lambda x: np.maximum(x, 0.0),
    "selu": _selu,
    "mish": _mish,
    "silu": _silu,
    "gelu": _gelu,
}


def evaluate(plan: Layout, weights: Array, values: Array, codes: Array) -> Array:
    """Predict with one network, in evaluation mode.

    Args:
        plan: where its parameters lie.
        weights: ``[parameters]``.
        values: encoded columns, ``[rows, features]``.
        codes: level codes, ``[rows, columns]``; below 0 is no known level.

    Returns:
        Logits or encoded targets, ``[rows, outputs]``, float64.
    """
    row = np.asarray(weights, dtype=np.float64)
    parameters = {block.name: row[block.start : block.stop].reshape(block.shape) for block in plan.blocks}
    units = _assembled(plan, parameters, np.asarray(values, dtype=np.float64), codes) * parameters["scale"]
    activate = ACTIVATIONS[plan.activation]
    for layer in range(len(plan.widths)):
        units = activate(units @ parameters[f"weight{layer}"] + parameters[f"bias{layer}"])
    outputs: Array = units @ parameters["weight_out"] + parameters["bias_out"]
    return outputs


def _assembled(plan: Layout, parameters: dict[str, Array], values: Array, codes: Array) -> Array:
    """Give what the first layer sees, before scaling."""
    numeric = plan.inputs.numeric
    parts = [values[:, :numeric]]
    if plan.periodic:
        column = values[:, :numeric, None]
        cosines = np.cos(2 * np.pi * (column * parameters["frequency"] + parameters["phase"]))
        made = np.einsum("bjf,jkf->bjk", cosines, parameters["periodic"]) + parameters["periodic_bias"]
        parts = [np.concatenate([column, made], axis=2).reshape(len(values), -1)]
    parts.append(values[:, numeric:])
    first = 0
    for position, levels in enumerate(plan.inputs.cardinalities):
        code = codes[:, position]
        parts.append(parameters["level"][first + np.maximum(code, 0)] * (code >= 0)[:, None])
        first += levels
    return np.concatenate(parts, axis=1)
