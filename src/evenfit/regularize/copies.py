"""Copies of all that a model has learnt: its parameters and its buffers, by name."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from evenfit.errors import RegularizeError

Copies = dict[str, Tensor]


def tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield a model's parameters and buffers with their names, tied ones once.

    Not ``state_dict``, which leaves out the buffers that are not saved with a model.

    Raises:
        RegularizeError: a lazy module has not seen its first batch.
    """
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise RegularizeError(f"{name} has no shape yet: run the model on one batch before its weights are copied")
        yield name, tensor


def copied(model: nn.Module) -> Copies:
    """Give a copy of every parameter and buffer."""
    return {name: tensor.detach().clone() for name, tensor in tensors(model)}


@torch.no_grad()
def copy_over(copies: Copies, model: nn.Module) -> None:
    """Bring copies up to date with the model, in the memory that they have."""
    for name, tensor in tensors(model):
        if name in copies and copies[name].shape == tensor.shape:
            copies[name].copy_(tensor)
        else:
            copies[name] = tensor.detach().clone()


@torch.no_grad()
def copy_back(copies: Copies, model: nn.Module) -> None:
    """Write copies into the model, in the memory that it has, so that optimisers keep their parameters.

    Raises:
        RegularizeError: the model has other parameters than the copies, or one of another shape.
    """
    own = dict(tensors(model))
    for name in own.keys() ^ copies.keys():
        place = "has no" if name in copies else "has a new"
        raise RegularizeError(f"the copies were made of another model: this one {place} parameter or buffer {name!r}")
    for name, tensor in own.items():
        if tensor.shape != copies[name].shape:
            raise RegularizeError(
                f"{name} has the shape {list(tensor.shape)}, its copy was made of {list(copies[name].shape)}"
            )
    for name, tensor in own.items():
        tensor.copy_(copies[name])
