"""Tensors: those in nested values, what tells two of them apart, and how alike neighbours in one are."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Print = tuple[float, ...] | None  # sums by which two runs' tensors are told apart


def tensors_in(*values: Any) -> list[Tensor]:
    """Give the tensors in nested lists, tuples, mappings and dataclasses, in order."""
    found: list[Tensor] = []
    for value in values:
        if isinstance(value, Tensor):
            found.append(value)
        elif isinstance(value, list | tuple | set | frozenset):
            found += tensors_in(*value)
        elif isinstance(value, Mapping):
            found += tensors_in(*value.values())
        elif is_dataclass(value) and not isinstance(value, type):
            found += tensors_in(*(getattr(value, each.name, None) for each in fields(value)))
    return found


def mapped(value: Any, change: Any) -> Any:
    """Change the tensors in nested lists, tuples and dicts, and copy what holds them."""
    if isinstance(value, np.ndarray):
        value = torch.as_tensor(value)
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(mapped(each, change) for each in value))
    if isinstance(value, list | tuple):
        return type(value)(mapped(each, change) for each in value)
    if isinstance(value, dict):
        return {name: mapped(each, change) for name, each in value.items()}
    return copy.copy(value)


def has_values(tensor: Tensor) -> bool:
    """Whether a tensor is one of plain numbers."""
    plain = tensor.layout == torch.strided and not tensor.is_nested and not tensor.is_quantized
    return plain and not tensor.is_complex() and tensor.device.type != "meta"


@torch.no_grad()
def fingerprint(tensors: Sequence[Tensor]) -> Print:
    """Give sums that two different tensors hardly share; None where tensors have no values to look at."""
    try:
        sums = []
        for tensor in tensors:
            if tensor.device.type == "meta":
                return None
            values = tensor.detach()
            values = torch.view_as_real(values) if values.is_complex() else values
            values = values.float() if values.dtype != torch.float64 else values
            sums += [float(values.sum()), float(values.square().sum())]
        return tuple(sums)
    except (RuntimeError, NotImplementedError, TypeError):  # inside vmap, sparse, quantised: no values can be read
        return None


def differ(one: Print, other: Print) -> bool:
    """Whether two calls' tensors differ by more than the order in which a device adds."""
    if one is None or other is None or len(one) != len(other):
        return False
    for sum_one, squares_one, sum_other, squares_other in zip(
        one[::2], one[1::2], other[::2], other[1::2], strict=True
    ):
        size = max(squares_one, squares_other)
        if abs(squares_one - squares_other) > 1e-5 * size or abs(sum_one - sum_other) > 1e-3 * size**0.5:
            return True
    return False


@torch.no_grad()
def likeness(tensor: Tensor) -> float | None:
    """Correlate neighbouring units of maps [rows, channels, ...], along the last axis; None where there are none."""
    if tensor.dim() < 3 or tensor.shape[-1] < 3 or not tensor.is_floating_point() or tensor.device.type == "meta":
        return None
    maps = tensor.detach().to(torch.float64 if tensor.device.type == "cpu" else torch.float32)
    maps = maps - maps.mean(dim=(0, *range(2, maps.dim())), keepdim=True)
    left, right = maps[..., :-1], maps[..., 1:]
    size = float((left.square().sum() * right.square().sum()).sqrt())
    return float((left * right).sum()) / size if size > 0 else None
