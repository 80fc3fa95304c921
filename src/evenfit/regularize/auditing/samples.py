"""Samples: what a model is run on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.auditing.targets import Model
from evenfit.regularize.auditing.tensors import mapped, tensors_in


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The arguments of one call of a model."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """The length of the first axis of the first tensor; 1 where there is none."""
        first = next((each for each in tensors_in(self.args, self.kwargs) if each.dim()), None)
        return 1 if first is None else len(first)

    def __str__(self) -> str:
        shapes = [str(list(each.shape)) for each in tensors_in(self.args, self.kwargs)]
        return ", ".join(shapes) or "no tensor"

    def fresh(self) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Give copies, since a forward may write into what it is given."""
        return mapped(self.args, torch.clone), {name: mapped(value, torch.clone) for name, value in self.kwargs.items()}


def sample_for(model: nn.Module, value: Any) -> Sample:
    """Read a sample: a tuple is the positional arguments, a mapping the keyword arguments, all else one argument.

    Arrays become tensors, and all are brought to the device of the model's first parameter.
    """
    device = next((each.device for each in (*model.parameters(), *model.buffers())), torch.device("cpu"))

    def brought(each: Tensor) -> Tensor:
        with torch.inference_mode(mode=False):
            return each.detach().clone().to(device)

    if isinstance(value, Sample):
        return Sample(args=mapped(value.args, brought), kwargs=mapped(dict(value.kwargs), brought))
    if isinstance(value, Mapping):
        return Sample(kwargs={str(name): mapped(each, brought) for name, each in value.items()})
    args = tuple(value) if type(value) is tuple else (value,)
    return Sample(args=mapped(args, brought))


def sample_of_shapes(model: Model, shapes: Any, *, dtypes: Sequence[str] = (), seed: int = 0) -> Sample:
    """Draw a sample: a shape is one argument, a list of shapes the positional arguments, a mapping those by name.

    Numbers come from N(0, 1), in the model's own dtype unless ``dtypes`` say another, one for all or one for each;
    whole numbers are such as the model's embeddings know, and 0 or 1 if it has none.

    Raises:
        RegularizeError: a shape is none, or there is no such dtype.

    Example:
        >>> str(sample_of_shapes(nn.Linear(3, 1), [8, 3]))
        '[8, 3]'
    """
    named = dict(shapes) if isinstance(shapes, Mapping) else None
    many = isinstance(shapes, list | tuple) and any(isinstance(each, list | tuple) for each in shapes)
    listed = list(named.values()) if named is not None else list(shapes) if many else [shapes]
    if len(dtypes) not in (0, 1, len(listed)):
        raise RegularizeError(
            f"there must be one dtype, or one for each of the {len(listed)} inputs; got {len(dtypes)}"
        )
    kinds = list(dtypes) * (len(listed) if len(dtypes) == 1 else 1) or [""] * len(listed)
    tensors = [
        _drawn(model, shape, dtype=kind, seed=seed + number)
        for number, (shape, kind) in enumerate(zip(listed, kinds, strict=True))
    ]
    if named is not None:
        return Sample(kwargs=dict(zip(named, tensors, strict=True)))
    return Sample(args=tuple(tensors))


def sample_of_file(model: Model, path: str) -> Sample:
    """Read a sample: an .npy file is one argument; an .npz file the arguments by name, or in order if named arr_0, ...

    Floating numbers are brought to the model's dtype. Pickled objects are not read.

    Raises:
        RegularizeError: the file cannot be read, or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) if path.endswith(".npz") else nullcontext() as archive:
            held = dict(archive) if archive is not None else {"arr_0": np.load(path, allow_pickle=False)}
    except (ValueError, EOFError, BadZipFile) as error:
        raise RegularizeError(f"{path} cannot be read as arrays of numbers: {error}") from error
    if not held:
        raise RegularizeError(f"{path} holds no arrays")
    tensors = {name: _typed(model, path, name, array) for name, array in held.items()}
    if all(name.startswith("arr_") for name in tensors):
        return Sample(args=tuple(tensors.values()))
    return Sample(kwargs=tensors)


def _typed(model: Model, path: str, name: str, array: Any) -> Tensor:
    try:
        tensor = torch.as_tensor(array)
    except TypeError as error:
        raise RegularizeError(f"{name} in {path} is no array of numbers: its dtype is {array.dtype}") from error
    return tensor.to(float_dtype(model)) if tensor.is_floating_point() else tensor


def _drawn(model: Model, shape: Any, *, dtype: str, seed: int) -> Tensor:
    if not isinstance(shape, list | tuple) or not shape or any(type(size) is not int or size < 1 for size in shape):
        raise RegularizeError(f"a shape must be a list of whole numbers above 0, such as [8, 3, 32, 32]; got {shape!r}")
    kind = getattr(torch, dtype, None) if dtype else float_dtype(model)
    if not isinstance(kind, torch.dtype):
        raise RegularizeError(f"dtype must be one of torch's, such as float32 or int64; got {dtype!r}")
    generator = torch.Generator().manual_seed(seed)
    if kind.is_floating_point or kind.is_complex:
        return torch.randn(tuple(shape), generator=generator).to(kind)
    modules = model.modules() if isinstance(model, nn.Module) else ()
    known = [each.num_embeddings for each in modules if isinstance(each, nn.Embedding | nn.EmbeddingBag)]
    most = 2 if kind is torch.bool or not known else min(known)
    return torch.randint(most, tuple(shape), generator=generator).to(kind)


def float_dtype(model: Model) -> torch.dtype:
    """Give the dtype of a model's first parameter of floating numbers."""
    kinds = (each.dtype for each in (*model.parameters(), *model.buffers()) if each.is_floating_point())
    return next(kinds, torch.get_default_dtype())
