"""Samples: what a module is called with, its batch of any size."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree

from evenfit.errors import ExportError

BATCH = "batch"


@dataclass(frozen=True, eq=False, kw_only=True)
class Sample:
    """Arguments of one call."""

    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors among the arguments, however deep, in order."""
        return [leaf for leaf in _pytree.tree_leaves((self.args, dict(self.kwargs))) if isinstance(leaf, Tensor)]

    @property
    def rows(self) -> int:
        """The batch's size: the first length of the first tensor that has one; 0 where there is none."""
        return next((tensor.shape[0] for tensor in self.tensors if tensor.ndim), 0)

    def varies(self, leaf: Any) -> bool:
        """Whether an argument grows with the batch."""
        return isinstance(leaf, Tensor) and leaf.ndim > 0 and leaf.shape[0] == self.rows

    def resized(self, rows: int) -> Sample:
        """Give the same with another number of rows, the ones that there are over and over."""
        places = torch.arange(rows) % max(self.rows, 1)

        def resize(leaf: Any) -> Any:
            return leaf.detach()[places.to(leaf.device)] if self.varies(leaf) else leaf

        return self.mapped(resize)

    def mapped(self, function: Callable[[Any], Any]) -> Sample:
        """Apply a function to every argument, however deep."""
        args, kwargs = _pytree.tree_map(function, (self.args, dict(self.kwargs)))
        return Sample(args=args, kwargs=kwargs)


def make_sample(module: nn.Module, sample: Any) -> Sample:
    """Read what a user gave: a tensor, a tuple or list of arguments, or a dict of named ones.

    Raises:
        ExportError: there is no tensor in it, or the module's forward does not take it.
    """
    if sample is None:
        raise ExportError("a module is exported with a sample: a tensor, a tuple of arguments, or a dict of named ones")
    if isinstance(sample, Mapping):
        found = Sample(args=(), kwargs={str(name): value for name, value in sample.items()})
    else:
        found = Sample(args=tuple(sample) if isinstance(sample, tuple | list) else (sample,), kwargs={})
    if not found.tensors:
        raise ExportError(f"the sample must have a tensor in it, got {type(sample).__name__}")
    if not found.rows:
        raise ExportError("the sample must have at least one row, got an empty batch")
    try:
        bound = inspect.signature(module.forward).bind(*found.args, **found.kwargs)
    except TypeError as error:
        raise ExportError(f"{type(module).__name__}.forward does not take the sample: {error}") from error
    return Sample(args=bound.args, kwargs=bound.kwargs)  # in the order of the forward's arguments


def input_names(module: nn.Module, sample: Sample) -> list[str]:
    """Name the tensors of a sample after the forward's arguments."""
    names = []
    for name, value in inspect.signature(module.forward).bind(*sample.args, **sample.kwargs).arguments.items():
        for path, leaf in _pytree.tree_flatten_with_path(value)[0]:
            if isinstance(leaf, Tensor):
                keys = [str(getattr(key, "key", getattr(key, "idx", getattr(key, "name", "")))) for key in path]
                names.append("_".join([name, *keys]))
    return names


def batch_shapes(module: nn.Module, sample: Sample) -> dict[str, Any]:
    """Say to ``torch.export`` that the first dimension of what grows with the batch may vary."""
    batch = torch.export.Dim(BATCH)
    arguments = inspect.signature(module.forward).bind(*sample.args, **sample.kwargs).arguments

    def shape(leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return None
        return {0: batch} if sample.varies(leaf) else {}

    return {name: _pytree.tree_map(shape, value) for name, value in arguments.items()}


def output_tensors(outputs: Any) -> list[Tensor]:
    """Give the tensors that a module gave, however deep, in order.

    Raises:
        ExportError: there are none.
    """
    found = [leaf.detach() for leaf in _pytree.tree_leaves(outputs) if isinstance(leaf, Tensor)]
    if not found:
        raise ExportError(f"the module must give tensors, got {type(outputs).__name__}")
    return found
