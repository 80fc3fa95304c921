"""Drop: what one call of dropout, in any of its guises, says of itself: rate, what is dropped, and whether it is on.

Guises: ``F.dropout`` and its kin, torch's operators (also exported ones), the dropout inside attention and recurrent
layers, and evenfit's own functions and layers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch._ops import OpOverload

from evenfit.regularize.dropout import modules
from evenfit.regularize.dropout.droppers import dropout_rates, is_dropper

_RATES = ("p", "rate", "dropout_p", "dropout")  # what the probability is called
_SWITCHES = ("training", "train")  # what says whether to drop
_UNITS = {  # what is dropped together, by the name of the function or class
    "dropout": "unit",
    "nativedropout": "unit",
    "inputdropout": "unit",
    "dropout1d": "map",
    "dropout2d": "map",
    "dropout3d": "map",
    "featuredropout": "map",
    "spatialdropout": "map",
    "featurealphadropout": "map",
    "alphadropout": "unit",
    "gaussiandropout": "unit",
    "variationaldropout": "time",
    "stochasticdepth": "branch",
    "droppath": "branch",
    "dropblock": "map",
    "dropblock2d": "map",
    "dropblock3d": "map",
    "dropconnect": "weight",
    "multiheadattentionforward": "attention",
    "multiheadattention": "attention",
    "scaleddotproductattention": "attention",
}
_RECURRENT = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_PLAIN = ("input", "p", "train")
_POSITIONS: dict[str, tuple[str, ...]] = {  # the arguments of compiled functions, which have no signature
    **dict.fromkeys(("dropout", "alpha_dropout", "feature_dropout", "feature_alpha_dropout", "native_dropout"), _PLAIN),
    "scaled_dot_product_attention": ("query", "key", "value", "attn_mask", "dropout_p", "is_causal"),
}
_PADDED = ("input", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")
_PACKED = ("data", "batch_sizes", "hx", "params", "has_biases", "num_layers", "dropout", "train", "bidirectional")


@dataclass(frozen=True, kw_only=True)
class Drop:
    """One call of dropout."""

    rate: float  # the probability that a unit is dropped
    active: bool  # whether it dropped in this call
    unit: str  # what is dropped together: unit, map, time, branch, weight, attention, or the layers of a recurrent net
    alpha: bool = False  # sets units to SELU's floor instead of zero
    form: str = "inverted"


def drop_of_call(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Drop | None:
    """Read a call; None where it is none of dropout, or its rate is not a number."""
    name = _name(function)
    word = name.replace("_", "")
    unit = "layers" if name in _RECURRENT else _UNITS.get(word)
    if unit is None:
        return None
    given = _arguments(function, name, args, kwargs)
    rate = next((given[each] for each in _RATES if isinstance(given.get(each), int | float)), None)
    if rate is None:
        return None
    switch = next((given[each] for each in _SWITCHES if each in given), True)
    layers = given.get("num_layers", 1)
    on = switch is not False and rate > 0 and (unit != "layers" or layers > 1)
    form = given.get("form", "inverted")
    return Drop(rate=float(rate), active=bool(on), unit=unit, alpha="alpha" in word, form=str(form))


def drop_of_layer(module: nn.Module) -> Drop | None:
    """Read a layer as it stands; None where it has no dropout."""
    if isinstance(module, nn.RNNBase):
        rate, unit, on = module.dropout, "layers", module.num_layers > 1
    elif isinstance(module, nn.MultiheadAttention):
        rate, unit, on = module.dropout, "attention", True
    elif is_dropper(module) and "" in (rates := dropout_rates(module)):  # ours, torch's, and others by their names
        rate, on = rates[""], True
        unit = next((_UNITS[name] for name in _class_names(module) if name in _UNITS), "unit")
    else:
        return None
    alpha = any("alpha" in name for name in _class_names(module))
    form = module.form if isinstance(module, modules.DropoutLayer) else "inverted"
    return Drop(rate=float(rate), active=on and module.training and rate > 0, unit=unit, alpha=alpha, form=form)


def silenced(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Give the arguments of a call of dropout with dropout switched off, as in evaluation."""
    names = _names(function, _name(function), args)
    switch = next((each for each in _SWITCHES if each in names), "dropout_p")
    off = 0.0 if switch == "dropout_p" else False
    place = names.index(switch)
    if place < len(args):
        return (*args[:place], off, *args[place + 1 :]), dict(kwargs)
    return tuple(args), {**kwargs, switch: off}


def _name(function: Callable[..., Any]) -> str:
    """Give a function's name without the overload's and without underscores at its ends."""
    return getattr(function, "__name__", "").partition(".")[0].strip("_")


def _class_names(module: nn.Module) -> list[str]:
    return [each.__name__.lower() for each in type(module).__mro__]


def _names(function: Callable[..., Any], name: str, args: Sequence[Any]) -> tuple[str, ...]:
    """Give the names of a function's arguments, in order."""
    if isinstance(function, OpOverload):
        return tuple(each.name for each in function._schema.arguments)
    if name in _RECURRENT:
        return _PADDED if len(args) > 3 and isinstance(args[3], bool) else _PACKED
    if inspect.isfunction(function):
        return tuple(inspect.signature(function).parameters)
    return _POSITIONS.get(name, ())


def _arguments(
    function: Callable[..., Any], name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """Give the arguments of a call by name, defaults included."""
    defaults: dict[str, Any] = {}
    if isinstance(function, OpOverload):
        defaults = {each.name: each.default_value for each in function._schema.arguments if each.has_default_value()}
    elif inspect.isfunction(function):
        parameters = inspect.signature(function).parameters.values()
        defaults = {each.name: each.default for each in parameters if each.default is not each.empty}
    elif name == "scaled_dot_product_attention":
        defaults = {"dropout_p": 0.0}
    return defaults | dict(zip(_names(function, name, args), args, strict=False)) | dict(kwargs)
