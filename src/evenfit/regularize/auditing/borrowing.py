"""Borrowing: a model is run on copies of its tensors, and is then, bit for bit, what it was before."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@contextmanager
def borrowed(model: nn.Module, *, seed: int) -> Iterator[dict[int, str]]:
    """Put copies in the place of a model's parameters and buffers, and take them out again.

    Attributes (modes, counters, hooks, and the contents of lists and dicts), the states of torch's, numpy's and
    Python's generators, and gradients are as before at the end; inside, chance starts from ``seed``. While it lasts
    the model needs the memory of its parameters once more.

    Yields:
        The qualified name of each parameter and buffer, and of its copy, by the tensor's id.
    """
    names: dict[int, str] = {}
    copies: dict[int, Tensor] = {}
    with ExitStack() as back:
        back.enter_context(_chance(model, seed=seed))
        for path, module in model.named_modules():
            if isinstance(module, torch.jit.ScriptModule):
                back.callback(_script_back(module))
                continue
            back.callback(_back(module))
            for held in (module._parameters, module._buffers):
                for name, tensor in held.items():
                    if tensor is None:
                        continue
                    if id(tensor) not in copies:  # tied ones stay tied
                        copies[id(tensor)] = copy = _copy(tensor)
                        names[id(tensor)] = names[id(copy)] = plain(f"{path}.{name}")
                    held[name] = copies[id(tensor)]
        yield names


def plain(name: str) -> str:
    """Give a qualified name without what torch.compile puts into it.

    Example:
        >>> plain("head._orig_mod.weight")
        'head.weight'
    """
    return ".".join(part for part in name.split(".") if part not in ("_orig_mod", ""))


@contextmanager
def _chance(model: nn.Module, *, seed: int) -> Iterator[None]:
    """Keep the states of all generators, and begin anew."""
    kinds = {each.device.type for each in (*model.parameters(), *model.buffers())} - {"cpu", "meta"}
    python, legacy = random.getstate(), np.random.get_state()  # noqa: NPY002 - what the user's code draws from
    with ExitStack() as back:
        back.enter_context(torch.random.fork_rng(devices=[]))
        for kind in sorted(kinds):
            count = getattr(torch, kind).device_count()
            back.enter_context(torch.random.fork_rng(devices=range(count), device_type=kind))
        try:
            reseed(seed)
            yield
        finally:
            random.setstate(python)
            np.random.set_state(legacy)  # noqa: NPY002 - as above


def reseed(seed: int) -> None:
    """Start all chance that a forward may draw from anew."""
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - what the user's code draws from


def _copy(tensor: Tensor) -> Tensor:
    with torch.inference_mode(mode=False), torch.no_grad():
        copy = tensor.detach().clone()
        if isinstance(tensor, nn.Parameter):
            copy = nn.Parameter(copy, requires_grad=tensor.requires_grad)
        copy.__dict__.update(vars(tensor))
        return copy


def _back(module: nn.Module) -> Any:
    """Give a function that makes a module's attributes what they are now."""
    attributes = dict(vars(module))
    contents = [(value, value.copy()) for value in attributes.values() if isinstance(value, list | dict | set | deque)]
    generators = [(each, each.get_state()) for each in attributes.values() if isinstance(each, torch.Generator)]

    def back() -> None:
        vars(module).clear()
        vars(module).update(attributes)
        for value, before in contents:
            value.clear()
            value.extend(before) if isinstance(value, list | deque) else value.update(before)
        for generator, state in generators:
            generator.set_state(state)

    return back


def _script_back(module: torch.jit.ScriptModule) -> Any:
    """Give the same for a compiled module, whose tensors cannot be exchanged: they are written back if they changed."""
    training = module.training
    before = [
        (each, each.detach().clone()) for each in (*module.parameters(recurse=False), *module.buffers(recurse=False))
    ]

    def back() -> None:
        module.training = training
        with torch.no_grad():
            for tensor, value in before:
                if not torch.equal(tensor, value):
                    tensor.copy_(value)

    return back
