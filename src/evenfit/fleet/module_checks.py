"""Module checks: whether a factory's modules can be trained on some inputs, before any time is spent."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from evenfit.errors import ConfigError
from evenfit.fleet.module_outputs import as_outputs, check_logits
from evenfit.fleet.modules import Array, Factory, apart, begun, precision, tensor
from evenfit.regularize.dropout.droppers import dropout_rates
from evenfit.regularize.dropout.insertion.insert import dropout_plan
from evenfit.specs.training import Training

_SHOWN = 8  # rows of the trial pass


def check_module(factory: Factory, training: Training, inputs: Array, *, classes: int) -> np.dtype[Any]:
    """See that a factory makes a new module at each call that gives what is wanted; say what numbers it takes.

    Whole numbers stay so where the module takes them, as an embedding does; else they become floats. Errors in the
    module itself are not raised here: each fit tells of its own.

    Args:
        factory: makes modules.
        training: how they are trained.
        inputs: of all rows, floats or int64.
        classes: how many; 0 for a regression.

    Raises:
        ConfigError: it gives no module, the same one twice, or one that shares parameters with another; outputs of
            another shape, or probabilities; or what is asked of training cannot be done.
    """
    if training.label_smoothing and not classes:
        raise ConfigError(f"label_smoothing is for classes, got {training.label_smoothing:g} for a quantity")
    shown = inputs[:_SHOWN]
    with apart(0):
        module = _made(factory)
        floats = precision(module)
        module.eval()
        for taken in (np.dtype(np.int64), floats) if shown.dtype.kind == "i" else (floats,):
            given = _trial(module, shown.astype(taken))
            if given is None:
                continue
            as_outputs(given, rows=len(shown), classes=classes)
            if classes:
                check_logits(given, ends_in_sigmoid=_ends_in_sigmoid(module))
            for name in ("mixup", "input_noise") if taken.kind == "i" else ():
                if getattr(training, name):
                    raise ConfigError(f"{name} needs inputs of real numbers; the module takes whole ones")
            return taken
    return floats


def dropout_of(factory: Factory, inputs: Array) -> tuple[bool, bool]:
    """Say whether a factory's modules drop anything in training, and whether dropout could be put into them.

    Args:
        factory: makes modules.
        inputs: some rows, in the precision that a module takes.

    Example:
        >>> make = lambda: nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
        >>> dropout_of(make, np.zeros((2, 2), dtype=np.float32))
        (False, True)
    """
    with apart(0):
        module = begun(factory, inputs)
        try:
            dropout_plan(module)
        except Exception:  # noqa: BLE001 - what cannot be traced is left as it is
            return bool(dropout_rates(module)), False
        return bool(dropout_rates(module)), True


def _trial(module: nn.Module, inputs: Array) -> Any:
    """Give what a module returns; None where it fails."""
    try:
        with torch.no_grad():
            return module(tensor(inputs))
    except Exception:  # noqa: BLE001 - it may refuse whole numbers; else each fit tells of its own error
        return None


def _made(factory: Factory) -> nn.Module:
    """Make two modules, and give the first if they have nothing in common that learns."""
    modules = []
    for _ in range(2):
        try:
            module = factory()
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
            raise ConfigError(
                f"a factory must make an nn.Module when called without arguments; it failed: {why}"
            ) from error
        if not isinstance(module, nn.Module):
            raise ConfigError(f"a factory must make an nn.Module, got a {type(module).__name__}")
        modules.append(module)
    first, second = modules
    again = "a factory must make a new module at each call: lambda: Net(...), and not one that was made before"
    if first is second:
        raise ConfigError(f"{again}; it gave the same one twice")
    own = {id(parameter) for parameter in first.parameters() if parameter.requires_grad}
    shared = [name for name, parameter in second.named_parameters() if id(parameter) in own]
    if shared:
        raise ConfigError(f"{again}; two of its modules share {shared[0]}")
    if not own:
        raise ConfigError(f"a module must have parameters to train, got none in {type(first).__name__}")
    return first


def _ends_in_sigmoid(module: nn.Module) -> bool:
    leaves = [each for each in module.modules() if not any(each.children())]
    return bool(leaves) and isinstance(leaves[-1], nn.Sigmoid)
