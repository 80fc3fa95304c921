"""Averages of a model's weights over its training: EMA, which forgets, and SWA, where all count alike."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from evenfit.errors import RegularizeError
from evenfit.regularize.copies import Copies, copied, copy_back, tensors


class EMA:
    """Exponential moving average of a model's weights: each update moves it (1 - decay) of the way to the weights.

    Corrected, it starts from nothing and is divided by 1 - decay^updates, as Adam's moments are: the weights that the
    model started from do not count, and after the first update the average is the weights. Uncorrected, it starts
    from the weights that the model had when the average was made.

    Buffers of real numbers, such as the statistics of batch normalisation, are averaged alike; whole numbers are
    copied. Parameters of half precision are averaged in single precision, in which small steps are not lost.

    Args:
        model: whose weights are averaged; give the same one, or one of the same names, to each call.
        decay: in [0, 1): 0 is the weights themselves.
        corrected: whether the start is left out.

    Raises:
        RegularizeError: a decay outside [0, 1).

    Source: Polyak & Juditsky, "Acceleration of stochastic approximation by averaging", 1992; the correction is of
    Kingma & Ba, "Adam", 2015.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> ema = EMA(model, decay=0.99)
        >>> ema.update(model)  # after each step of the optimiser
        >>> with ema.applied(model):
        ...     prediction = model(torch.rand(3, 2))
    """

    def __init__(self, model: nn.Module, *, decay: float, corrected: bool = True) -> None:
        if not 0 <= decay < 1:
            raise RegularizeError(f"the decay of a moving average must be in [0, 1), got {decay}")
        self.decay = float(decay)
        self.corrected = corrected
        self.updates = 0
        self._average = _start(model)

    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's weights as they are now."""
        self.updates += 1
        share = 1 - self.decay
        if self.corrected:
            share /= 1 - self.decay**self.updates  # 1 at the first update: the start is forgotten
        _move(self._average, model, share=share)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[nn.Module]:
        """Let the model have the averaged weights within a ``with`` block, and its own after it, bit for bit."""
        with _applied(self._average, model):
            yield model

    def copy_to(self, model: nn.Module) -> None:
        """Write the averaged weights into the model for good."""
        _write(self._average, model)

    def state_dict(self) -> dict[str, Any]:
        """Give a copy of the average and of the number of updates."""
        return _state(self._average, self.updates)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` gave."""
        self.updates = _load(self._average, state)


class SWA:
    """Equal-weight average of a model's weights from some update on: stochastic weight averaging.

    Buffers and precision are as ``EMA`` treats them. The statistics of batch normalisation do not belong to averaged
    weights: call ``update_batch_norm`` when the average is in the model.

    Args:
        model: whose weights are averaged.
        start: updates to pass over before the average begins, at least 0; so long it is the newest weights.

    Raises:
        RegularizeError: a negative start.

    Source: Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> swa = SWA(model, start=5)
        >>> for epoch in range(10):
        ...     swa.update(model)  # after each epoch
        >>> swa.averaged
        5
    """

    def __init__(self, model: nn.Module, *, start: int = 0) -> None:
        if isinstance(start, bool) or int(start) != start or start < 0:
            raise RegularizeError(f"the start of an average must be a whole number of at least 0, got {start!r}")
        self.start = int(start)
        self.updates = 0
        self._average = _start(model)

    @property
    def averaged(self) -> int:
        """How many weights the average is made of."""
        return max(self.updates - self.start, 0)

    def update(self, model: nn.Module) -> None:
        """Take the model's weights as they are now into the average."""
        self.updates += 1
        _move(self._average, model, share=1 / max(self.averaged, 1))

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[nn.Module]:
        """Let the model have the averaged weights within a ``with`` block, and its own after it, bit for bit."""
        with _applied(self._average, model):
            yield model

    def copy_to(self, model: nn.Module) -> None:
        """Write the averaged weights into the model for good."""
        _write(self._average, model)

    def state_dict(self) -> dict[str, Any]:
        """Give a copy of the average and of the number of updates."""
        return _state(self._average, self.updates)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` gave."""
        self.updates = _load(self._average, state)


@torch.no_grad()
def update_batch_norm(model: nn.Module, batches: Iterable[Any]) -> None:
    """Compute the statistics of batch normalisation anew, for the weights that the model has now.

    Only batch normalisation is in training mode meanwhile: dropout drops nothing, so that the statistics are those
    that evaluation meets (torch's ``update_bn`` lets dropout drop). They are the mean over batches, all counting alike.

    Args:
        model: all of its batch normalisations that keep statistics are recomputed; modes are as before afterwards.
        batches: inputs on the model's device, or tuples and lists whose first part they are.

    Raises:
        RegularizeError: there is no batch.

    Source: Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        >>> update_batch_norm(model, [torch.rand(8, 2), torch.rand(8, 2)])
        >>> int(model[1].num_batches_tracked)
        2
    """
    norms = [one for one in model.modules() if isinstance(one, _BatchNorm) and one.running_mean is not None]
    if not norms:
        return
    modes = {module: module.training for module in model.modules()}
    momenta = [norm.momentum for norm in norms]
    before = [{name: buffer.clone() for name, buffer in norm.named_buffers(recurse=False)} for norm in norms]
    model.eval()
    count = 0
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # torch then takes the plain mean over batches
            norm.training = True
        for batch in batches:
            model(batch[0] if isinstance(batch, tuple | list) else batch)
            count += 1
    finally:
        for norm, momentum, buffers in zip(norms, momenta, before, strict=True):
            norm.momentum = momentum
            if not count:
                for name, buffer in norm.named_buffers(recurse=False):
                    buffer.copy_(buffers[name])
        for module, mode in modes.items():
            module.training = mode
    if not count:
        raise RegularizeError("batch normalisation's statistics need at least one batch, got none")


def _start(model: nn.Module) -> Copies:
    """Give copies to average in: half precision is widened."""
    return {name: one.float() if one.dtype in _HALF else one for name, one in copied(model).items()}


_HALF = (torch.float16, torch.bfloat16)


@torch.no_grad()
def _move(average: Copies, model: nn.Module, *, share: float) -> None:
    """Move an average towards the model's weights by a share of the way; 1 is all of it, bit for bit."""
    own = dict(tensors(model))
    _check(average, own)
    for name, tensor in own.items():
        mean, now = average[name], tensor.detach().to(average[name])
        if share == 1 or not (mean.is_floating_point() or mean.is_complex()):
            mean.copy_(now)
        else:
            # What does not move stays: minus infinity, in the buffer of a mask, must not become NaN.
            mean.copy_(torch.where(mean == now, now, torch.lerp(mean, now, share)))


def _check(average: Copies, own: dict[str, Tensor]) -> None:
    for name in own.keys() ^ average.keys():
        place = "missing in" if name in average else "new in"
        raise RegularizeError(f"the average was made of another model: {name!r} is {place} the one given")


@contextmanager
def _applied(average: Copies, model: nn.Module) -> Iterator[None]:
    kept = copied(model)
    _write(average, model)
    try:
        yield
    finally:
        copy_back(kept, model)


def _write(average: Copies, model: nn.Module) -> None:
    copy_back(average, model)


def _state(average: Copies, updates: int) -> dict[str, Any]:
    return {"updates": updates, "average": {name: tensor.clone() for name, tensor in average.items()}}


@torch.no_grad()
def _load(average: Copies, state: dict[str, Any]) -> int:
    _check(average, state["average"])
    for name, tensor in state["average"].items():
        average[name].copy_(tensor)
    return int(state["updates"])
