"""Module outputs: what a user's module gives for a batch, checked, and what it loses."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from evenfit.errors import ConfigError

_NEAR = 1e-4  # how far from 1 a row of probabilities may sum


def as_outputs(given: Any, *, rows: int, classes: int) -> Tensor:
    """Give a module's outputs as logits ``[rows, classes]``, or as numbers ``[rows, 1]``.

    Two classes may have one logit, z, that of the second: it is [0, z]. For a single row, an axis of 1 that was
    squeezed away is put back.

    Args:
        given: what the module returned.
        rows: of the batch.
        classes: how many; 0 for a regression.

    Raises:
        ConfigError: it is no tensor of real numbers, or of another shape.

    Example:
        >>> as_outputs(torch.tensor([[1.5], [0.5]]), rows=2, classes=2)
        tensor([[0.0000, 1.5000],
                [0.0000, 0.5000]])
    """
    wanted = _wanted(rows, classes)
    if not isinstance(given, Tensor):
        raise ConfigError(f"a module must return {wanted}, got {_described(given)}; return the tensor alone")
    if given.is_complex() or not given.is_floating_point():
        raise ConfigError(f"a module must return {wanted} of floating point, got {given.dtype}")
    outputs: Tensor = given
    if rows == 1 and outputs.shape in (torch.Size([]), torch.Size([max(classes, 1)])):
        outputs = outputs.reshape(1, -1)
    shape = tuple(outputs.shape)
    if classes and shape == (rows, classes):
        return outputs
    if classes in (0, 2) and shape in ((rows,), (rows, 1)):
        numbers = outputs.reshape(rows, 1)
        return functional.pad(numbers, (1, 0)) if classes else numbers
    raise ConfigError(f"a module must return {wanted}, got the shape {list(shape)}")


def row_losses(outputs: Tensor, target: Tensor, *, classes: int, squared: bool, smoothing: float) -> Tensor:
    """Give each row's loss ``[rows]``, of outputs as `as_outputs` gives them.

    Args:
        outputs: logits, or numbers.
        target: class codes, or numbers.
        classes: how many; 0 for a regression, where it is the squared error.
        squared: of the softmax and the one-hot target, the mean over classes as in torch's ``MSELoss``, and not the
            cross-entropy.
        smoothing: share of the target that is spread over all classes.

    Source: Yang et al., "Rethinking bias-variance trade-off for generalization of neural networks", 2020, for the
    squared error of classes.

    Example:
        >>> row_losses(torch.tensor([[0.0, 0.0]]), torch.tensor([1]), classes=2, squared=True, smoothing=0.0)
        tensor([0.2500])
    """
    if not classes:
        return (outputs[:, 0] - target) ** 2
    if not squared:
        return functional.cross_entropy(outputs, target, label_smoothing=smoothing, reduction="none")
    hot = functional.one_hot(target, classes).to(outputs.dtype) * (1 - smoothing) + smoothing / classes
    return (outputs.softmax(dim=1) - hot).square().mean(dim=1)


def check_logits(given: Tensor, *, ends_in_sigmoid: bool) -> None:
    """Refuse outputs that are probabilities already, where logits are wanted.

    Logarithms of probabilities are logits too, and pass.

    Args:
        given: as the module returned them, of several rows.
        ends_in_sigmoid: whether its last layer is a sigmoid.

    Raises:
        ConfigError: the rows are at least 0 and each sums to 1, or they come from a sigmoid.
    """
    rows = given.detach().double()
    if bool(((rows < 0) | (rows > 1)).any()):
        return
    sums = rows.sum(dim=1) if rows.dim() == 2 and rows.shape[1] > 1 else None
    if sums is not None and bool(torch.isclose(sums, torch.ones_like(sums), atol=_NEAR, rtol=0).all()):
        raise ConfigError(
            "a module must return logits, got probabilities (its rows sum to 1): leave out its softmax, which the loss "
            "brings along"
        )
    if ends_in_sigmoid:
        raise ConfigError(
            "a module must return logits, got probabilities of a sigmoid: leave it out, the loss brings it along"
        )


def _wanted(rows: int, classes: int) -> str:
    if not classes:
        return f"one number a row, [{rows}] or [{rows}, 1],"
    if classes == 2:
        return f"logits [{rows}, 2], or [{rows}] or [{rows}, 1] for the second class,"
    return f"logits [{rows}, {classes}]"


def _described(given: Any) -> str:
    if isinstance(given, tuple | list):
        return f"a {type(given).__name__} of {len(given)}"
    return f"a {type(given).__name__}" if given is not None else "None"
