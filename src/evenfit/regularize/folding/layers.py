"""Which layers drop something, what they do in evaluation, and what stands in their place once they are folded."""

from __future__ import annotations

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.dropout import _DropoutNd

from evenfit.errors import FoldError
from evenfit.regularize.dropout.modules import (
    AlphaDropout,
    DropConnect,
    Dropout,
    GaussianDropout,
    InputDropout,
    SpatialDropout,
    StochasticDepth,
    VariationalDropout,
)
from evenfit.regularize.dropout.recurrent import RecurrentDropout

WITH_FORM = (Dropout, InputDropout, SpatialDropout, VariationalDropout, StochasticDepth, DropConnect)
TORCH = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout, _DropoutNd)
WITHOUT_FORM = (GaussianDropout, AlphaDropout, *TORCH)  # evaluation passes their input on
WRAPPERS = (DropConnect, RecurrentDropout)  # call a layer with weights
WITH_RATE_INSIDE = (nn.MultiheadAttention, nn.RNNBase)  # torch's layers that drop by themselves, always inverted


def is_dropout(module: nn.Module) -> bool:
    """Whether a layer is dropout, of this library or of torch."""
    return isinstance(module, (*WITH_FORM, *WITHOUT_FORM, *WRAPPERS))


def drops_units(module: nn.Module) -> bool:
    """Whether a layer is dropout that gives its input, all of it or less."""
    return is_dropout(module) and not isinstance(module, WRAPPERS)


def is_original(module: nn.Module) -> bool:
    """Whether a layer scales in evaluation, so that there is something to fold."""
    return isinstance(module, WITH_FORM) and module.form == "original" and module.rate != 0


def holds_original(module: nn.Module) -> bool:
    """Whether a module is, or has below it, dropout of the original form."""
    return any(is_original(part) for part in module.modules())


def dropout_layers(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Yield each dropout layer with every name that it has, a layer inside another one after it.

    Raises:
        FoldError: what a layer does in evaluation cannot be known.
    """
    for name, module in model.named_modules(remove_duplicate=False):
        if is_dropout(module):
            _check(name, module)
            yield name, module


def in_its_place(module: nn.Module) -> nn.Module:
    """Give the plain layer that takes a dropout layer's place."""
    if isinstance(module, WRAPPERS):
        return innermost(module)
    identity = nn.Identity().train(module.training)
    # Some forwards read the rate of their layer: F.scaled_dot_product_attention(..., dropout_p=self.drop.p).
    setattr(identity, "p" if isinstance(module, TORCH) else "rate", 0.0)
    return identity


def innermost(module: nn.Module) -> nn.Module:
    """Give the layer that has the weights: what a wrapper wraps, or the layer itself."""
    while isinstance(module, WRAPPERS):
        module = module.layer if isinstance(module, DropConnect) else module.weights
    return module


def described(name: str, module: nn.Module) -> str:
    """Name a layer for a message.

    Example:
        >>> described("features.3", nn.Dropout(0.5))
        "'features.3' (Dropout)"
    """
    return f"{name!r} ({type(module).__name__})" if name else f"the model itself ({type(module).__name__})"


def rate_of(module: nn.Module) -> float:
    """Give the rate of a layer that has a form."""
    return float(getattr(module, "rate"))  # noqa: B009 - which nn.Module does not declare


def source(name: str, module: nn.Module) -> str:
    """Name a dropout layer as where a scale comes from."""
    return f"dropout layer {name!r} (rate {rate_of(module):g})"


def _check(name: str, module: nn.Module) -> None:
    """Refuse a dropout layer that may do anything in evaluation."""
    kind = next(kind for kind in (*WITH_FORM, *WITHOUT_FORM, *WRAPPERS) if isinstance(module, kind))
    classes = type(module).__mro__
    own = [*map(vars, classes[: classes.index(kind)]), vars(module)]
    if any(method in names for names in own for method in ("forward", "dropped", "__call__")):
        raise FoldError(
            f"cannot fold dropout layer {described(name, module)}: it has a forward of its own, so what it does in "
            f"evaluation is not known; replace it by one of the plain dropout layers"
        )
    if module._forward_hooks or module._forward_pre_hooks:
        raise FoldError(
            f"cannot fold dropout layer {described(name, module)}: hooks are registered on it, and they would go with "
            f"it; remove them first"
        )
