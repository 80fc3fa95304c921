"""Sketches: copies of a model that share its parameters, made to be traced and thrown away."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from evenfit.errors import FoldError


def sketched(model: nn.Module) -> nn.Module:
    """Copy a model in evaluation mode, but for its parameters, which are the same objects.

    Tracing runs the model's own forward, which may count its calls or keep what it saw: the given model is not
    touched by that, and its large weights are not copied.
    """
    return _copied(model, {id(parameter): parameter for parameter in model.parameters()})


def duplicate(model: nn.Module) -> nn.Module:
    """Copy a model in evaluation mode, gradients left behind; what was tied is tied in the copy."""
    return _copied(model, {})


def _copied(model: nn.Module, memo: dict[int, object]) -> nn.Module:
    """Copy a model deeply, but for what ``memo`` has.

    Raises:
        FoldError: some part of it refuses to be copied.
    """
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and not value.is_leaf:
                # Weights computed by a hook, as by torch.nn.utils.weight_norm, refuse to be copied.
                memo[id(value)] = value.detach().clone()
    try:
        copied = copy.deepcopy(model, memo)
    except Exception as error:
        raise FoldError(f"cannot copy the model before its dropout is folded: {_first_line(error)}") from error
    return copied.eval()


def _first_line(error: Exception) -> str:
    """Give the first line of an error's message."""
    return (str(error).splitlines() or [type(error).__name__])[0]
