"""Droppers: which modules of a model drop, at what rate; those of this library, torch's own, and others by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.modules import DropoutLayer
from evenfit.regularize.dropout.rates import check_rate

# Torch's layers that drop something by themselves, and read the rate when they are called.
_INSIDE = (nn.RNNBase, nn.MultiheadAttention)
_NAMES = ("dropout", "droppath", "dropblock", "stochasticdepth", "dropconnect")
_ATTRIBUTES = ("p", "drop_prob", "rate")


def droppers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield the modules that drop something in training, with their names: a shared one once, rates of 0 too.

    They are the layers of this library, ``nn.Dropout`` and its kin, recurrent and attention layers of torch with a
    rate above 0, and modules of others whose class is named after dropout (``DropPath``, ``StochasticDepth``, ...).
    """
    for name, module in model.named_modules():
        if is_dropper(module):
            yield name, module


def is_dropper(module: nn.Module) -> bool:
    """Say whether a module itself, not one below it, drops something in training."""
    if isinstance(module, DropoutLayer | _DropoutNd):
        return True
    if isinstance(module, _INSIDE):
        return bool(module.dropout)
    kind = type(module).__name__.lower()
    return any(name in kind for name in _NAMES) and not any(module.children())


def dropout_rates(model: nn.Module) -> dict[str, float]:
    """Give the rate of each module that drops something, by its name.

    Those of other libraries are left out if they do not say their rate as ``p``, ``drop_prob`` or ``rate``.

    Example:
        >>> dropout_rates(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.25), nn.Linear(4, 1)))
        {'2': 0.25}
    """
    found = {name: getattr(module, _attribute(module), None) for name, module in droppers(model)}
    return {name: float(rate) for name, rate in found.items() if isinstance(rate, int | float)}


def set_dropout_rates_(model: nn.Module, rates: Mapping[str, float]) -> None:
    """Set the rates of modules that drop something, by their names, as ``dropout_rates`` gives them.

    Raises:
        RegularizeError: a name that is not one of the model's droppers, or a rate outside [0, 1). Nothing is set then.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.25), nn.Linear(4, 1))
        >>> set_dropout_rates_(model, {"2": 0.5})
        >>> model[2].p
        0.5
    """
    modules: dict[str, Any] = {name: module for name, module in model.named_modules() if _attribute(module)}
    for name, rate in rates.items():
        if name not in modules:
            places = ", ".join(name or "the model itself" for name, _ in droppers(model)) or "none"
            raise RegularizeError(f"the model has no dropout layer {name!r}; it has: {places}")
        check_rate(rate, name=f"rate of {name!r}")
    for name, rate in rates.items():
        setattr(modules[name], _attribute(modules[name]), float(rate))


def _attribute(module: nn.Module) -> str:
    """Give the name of the attribute that is a dropper's rate, "" for none."""
    if isinstance(module, DropoutLayer):
        return "rate"
    if isinstance(module, _INSIDE):
        return "dropout"
    if not is_dropper(module):
        return ""
    return next((name for name in _ATTRIBUTES if isinstance(getattr(module, name, None), int | float)), "")
