"""Copies of all that a model has learnt: its parameters and its buffers, by name."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import unwrapped

Tensors = dict[str, Tensor]


def tensors(model: nn.Module) -> Tensors:
    """Give a model's parameters and buffers themselves, by name, tied ones once.

    Not ``state_dict``, which leaves out the buffers that are not saved with a model. Names are those of the model
    itself where it was compiled or wrapped for parallel training.

    Raises:
        RegularizeError: a lazy module has not seen its first batch.
    """
    inner, own = unwrapped(model), {}
    for name, tensor in (*inner.named_parameters(), *inner.named_buffers()):
        if is_lazy(tensor):
            raise RegularizeError(f"{name} has no shape yet: run the model on one batch before its weights are copied")
        own[name.replace("_orig_mod.", "")] = tensor  # which torch.compile puts into names
    return own


def copied(model: nn.Module) -> Tensors:
    """Give a copy of every parameter and buffer."""
    # In inference mode, too, the copies are tensors that can be written later.
    with torch.inference_mode(mode=False), torch.no_grad():
        return {name: tensor.clone() for name, tensor in tensors(model).items()}


@torch.no_grad()
def write(source: Tensors, target: Tensors) -> None:
    """Write tensors into others of the same names, in the memory that they have, on the device that they are on.

    Raises:
        RegularizeError: the names or the shapes differ; nothing is written then.
    """
    check_same(source, target)
    for name, tensor in target.items():
        tensor.copy_(source[name])


def check_same(source: Tensors, target: Tensors) -> None:
    """See that tensors have the names and the shapes of others.

    Raises:
        RegularizeError: they do not; the message names the first that differs.
    """
    for name in sorted(source.keys() ^ target.keys()):
        place = "is missing in" if name in source else "is new in"
        raise RegularizeError(f"these weights are of another model: {name} {place} the one given")
    for name, tensor in target.items():
        if tensor.shape != source[name].shape:
            raise RegularizeError(
                f"these weights are of another model: {name} has the shape {list(source[name].shape)}, "
                f"{list(tensor.shape)} in the one given"
            )
