"""Averages of a model's weights over its training: EMA, which forgets, and SWA, where all count alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import index
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from evenfit.errors import RegularizeError
from evenfit.regularize.copies import check_same, copied, tensors, write

_HALF = (torch.float16, torch.bfloat16)
_STATISTICS = ("running_mean", "running_var")  # as torch's layers and those made like them name them


class WeightAverage(ABC):
    """What EMA and SWA are: an average of a model's weights, and a share by which each update moves it.

    Parameters are averaged, and so are the statistics of batch normalisation; other buffers are copied. Parameters of
    half precision are averaged in single precision, in which small steps are not lost.
    """

    def __init__(self, model: nn.Module) -> None:
        self.updates = 0
        self._average = {name: one.float() if one.dtype in _HALF else one for name, one in copied(model).items()}

    @abstractmethod
    def _share(self) -> float:
        """Say how far the newest update moves the average towards the weights: 1 is all of the way, bit for bit."""

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Move the average towards the model's weights as they are now.

        Raises:
            RegularizeError: the model is not the one that the average was made of, nor made like it.
        """
        own = tensors(model)
        check_same(self._average, own)
        self.updates += 1
        share = self._share()
        for name, tensor in own.items():
            average, now = self._average[name], tensor.detach().to(self._average[name])
            if share < 1 and _is_averaged(name, tensor):
                average.lerp_(now, share)
            else:
                average.copy_(now)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[nn.Module]:
        """Let the model have the averaged weights within a ``with`` block, and its own after it, bit for bit."""
        own = copied(model)
        write(self._average, tensors(model))
        try:
            yield model
        finally:
            write(own, tensors(model))

    def copy_to(self, model: nn.Module) -> None:
        """Write the averaged weights into the model for good."""
        write(self._average, tensors(model))

    def state_dict(self) -> dict[str, Any]:
        """Give a copy of the average and the number of updates."""
        return {"updates": self.updates, "average": {name: one.clone() for name, one in self._average.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what ``state_dict`` gave.

        Raises:
            RegularizeError: it is of another model.
        """
        write(state["average"], self._average)
        self.updates = int(state["updates"])


class EMA(WeightAverage):
    """Exponential moving average of a model's weights: each update moves it (1 - decay) of the way to the weights.

    Corrected, it starts from nothing and is divided by 1 - decay^updates, as Adam's moments are: the weights that the
    model started from do not count, and after the first update the average is the weights. Uncorrected, it starts
    from the weights that the model had when the average was made.

    The statistics of batch normalisation are averaged alike; other buffers are copied. Parameters of half precision
    are averaged in single precision, in which small steps are not lost.

    Args:
        model: whose weights are averaged; give the same one, or one of the same names, to each call.
        decay: in [0, 1): 0 is the weights themselves.
        corrected: whether the start is left out.

    Raises:
        RegularizeError: a decay outside [0, 1), or a lazy module that has no shape yet.

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
        super().__init__(model)
        self.decay = float(decay)
        self.corrected = corrected

    def _share(self) -> float:
        share = 1 - self.decay
        return share / (1 - self.decay**self.updates) if self.corrected else share


class SWA(WeightAverage):
    """Equal-weight average of a model's weights from some update on: stochastic weight averaging.

    Buffers and precision are as ``EMA`` treats them. The statistics of batch normalisation do not belong to averaged
    weights: call ``update_batch_norm`` when the average is in the model.

    Args:
        model: whose weights are averaged; give the same one, or one of the same names, to each call.
        start: updates to pass over before the average begins, at least 0; so long it is the newest weights.

    Raises:
        RegularizeError: a start that is negative or no whole number, or a lazy module that has no shape yet.

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
        try:
            self.start = index(start)
        except TypeError:
            self.start = -1
        if self.start < 0:
            raise RegularizeError(f"the start of an average must be a whole number of at least 0, got {start!r}")
        super().__init__(model)

    @property
    def averaged(self) -> int:
        """How many weights the average is made of."""
        return max(self.updates - self.start, 0)

    def _share(self) -> float:
        return 1 / max(self.averaged, 1)


@torch.no_grad()
def update_batch_norm(model: nn.Module, batches: Iterable[Any]) -> None:
    """Compute the statistics of batch normalisation anew, for the weights that the model has now.

    Only batch normalisation is in training mode meanwhile: dropout drops nothing, so that the statistics are those
    that evaluation meets (torch's ``update_bn`` lets dropout drop). They are the mean over batches, all counting alike.

    Args:
        model: all of its batch normalisations that keep statistics are recomputed; modes are as before afterwards.
        batches: inputs on the model's device, or tuples and lists whose first part they are.

    Raises:
        RegularizeError: there is no batch, or ``batches`` is one tensor. The statistics are then as they were, as they
            are when the model fails.

    Source: Izmailov et al., "Averaging weights leads to wider optima and better generalization", 2018.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
        >>> update_batch_norm(model, [torch.rand(8, 2), torch.rand(8, 2)])
        >>> int(model[1].num_batches_tracked)
        2
    """
    if isinstance(batches, Tensor):
        raise RegularizeError(f"batches must be a list or a loader of batches, got one tensor {list(batches.shape)}")
    norms = [one for one in model.modules() if isinstance(one, _BatchNorm) and one.running_mean is not None]
    if not norms:
        return
    modes = {module: module.training for module in model.modules()}
    momenta = [norm.momentum for norm in norms]
    before = [copied(norm) for norm in norms]
    model.eval()
    try:
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # torch then takes the plain mean over batches
            norm.training = True
        count = 0
        for batch in batches:
            model(batch[0] if isinstance(batch, tuple | list) else batch)
            count += 1
        if count == 0:
            raise RegularizeError("batch normalisation's statistics need at least one batch, got none")
    except BaseException:
        for norm, own in zip(norms, before, strict=True):
            write(own, tensors(norm))
        raise
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
        for module, mode in modes.items():
            module.training = mode


def _is_averaged(name: str, tensor: Tensor) -> bool:
    """Say whether a parameter or a buffer has a mean; unit vectors, masks and counts have none."""
    number = tensor.is_floating_point() or tensor.is_complex()
    return number and (isinstance(tensor, nn.Parameter) or name.rpartition(".")[2] in _STATISTICS)
