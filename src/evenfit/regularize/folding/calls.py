"""Dropout as functions in a forward: what a call of one does in evaluation."""

from __future__ import annotations

from torch import fx

from evenfit.errors import FoldError
from evenfit.regularize.dropout.functional import (
    alpha_dropout,
    drop_connect,
    dropout,
    gaussian_dropout,
    input_dropout,
    spatial_dropout,
    stochastic_depth,
    variational_dropout,
)
from evenfit.regularize.folding.call import Call
from evenfit.regularize.folding.rules import name_of

WITH_FORM = (dropout, input_dropout, spatial_dropout, variational_dropout, stochastic_depth, drop_connect)
WITHOUT_FORM = (gaussian_dropout, alpha_dropout)
TORCH = (
    *("alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d"),
    *("feature_alpha_dropout", "feature_dropout"),
)


def dropped_rate(call: Call, place: str) -> float | None:
    """Give the rate that a call of dropout scales by in evaluation: 0 if it scales nothing, None if it is none.

    Raises:
        FoldError: it stays on in evaluation, or its arguments cannot be known.
    """
    target, settings = call.node.target, call.node.kwargs
    if target in WITH_FORM:
        rate, form = settings["rate"], settings["form"]
        _check_off(settings["training"], rate, place)
        if form == "inverted":
            return 0.0
        if not isinstance(rate, int | float) or form != "original":
            raise FoldError(f"cannot fold {place}: its rate must be one number, got {rate!r}, and its form {form!r}")
        return float(rate)
    if target in WITHOUT_FORM:
        _check_off(settings["training"], settings["rate"], place)
        return 0.0
    if call.name in TORCH:
        _check_off(call.argument("training", 2, settings.get("train", False)), call.argument("p", 1, 0.5), place)
        return 0.0
    if call.name == "scaled_dot_product_attention":
        _check_off(True, call.argument("dropout_p", 4, 0.0), place)  # noqa: FBT003 - it has no such argument
    return None


def is_dropout_call(node: fx.Node) -> bool:
    """Whether a step is a call of a dropout function that gives its input, all of it or less."""
    if node.op != "call_function" or node.target is drop_connect:
        return False
    return node.target in (*WITH_FORM, *WITHOUT_FORM) or name_of(node) in TORCH


def is_drop_connect(node: fx.Node) -> bool:
    """Whether a step is a linear function that drops its weights."""
    return node.target is drop_connect


def is_depth(node: fx.Node) -> bool:
    """Whether a step drops whole branches."""
    return node.target is stochastic_depth


def _check_off(training: object, rate: object, place: str) -> None:
    """Refuse a call that may drop in evaluation."""
    if training is False or (isinstance(rate, int | float) and rate == 0):
        return
    if training is True and not isinstance(rate, fx.Node):
        raise FoldError(
            f"cannot fold {place}: it is on in evaluation too (rate {rate:g}); pass training=self.training, and to "
            f"attention dropout_p=0.0 unless self.training"
        )
    raise FoldError(
        f"cannot fold {place}: whether it is on in evaluation depends on an argument; say in concrete_args what that "
        f"argument is"
    )
