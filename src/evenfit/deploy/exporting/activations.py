"""Activations, as ``fleet.evaluation`` has them, in the operations that every format knows."""

from __future__ import annotations

from collections.abc import Callable

from evenfit.deploy.exporting.operations import Operations, Value


def relu(operations: Operations, x: Value) -> Value:
    """Give x above 0, else 0."""
    return operations.maximum(x, 0.0)


def selu(operations: Operations, x: Value) -> Value:
    """Self-normalising: a multiple of x above 0, a falling exponential below."""
    below = (operations.exp(operations.minimum(x, 0.0)) - 1.0) * 1.7580993408473766
    return operations.maximum(x, 0.0) * 1.0507009873554805 + below


def mish(operations: Operations, x: Value) -> Value:
    """Give x tanh(log(1 + exp(x))), without a logarithm."""
    power = operations.exp(operations.minimum(x, 20.0))
    part = power * (power + 2.0)
    return x * (part / (part + 2.0))


def silu(operations: Operations, x: Value) -> Value:
    """Give x times its logistic."""
    return x / (operations.exp(operations.minimum(x * -1.0, 80.0)) + 1.0)


def gelu(operations: Operations, x: Value) -> Value:
    """Give x times the normal distribution's probability below it, by its usual approximation."""
    return x * 0.5 * (operations.tanh((x + x * x * x * 0.044715) * 0.7978845608028654) + 1.0)


ACTIVATIONS: dict[str, Callable[[Operations, Value], Value]] = {
    "relu": relu,
    "selu": selu,
    "mish": mish,
    "silu": silu,
    "gelu": gelu,
}
