"""Modules: a user's own ``nn.Module``, made anew and trained as a `Training` says.

A module is given its inputs as they are: they are not standardised. A quantity that is predicted is standardised on
the training rows, and predictions are restored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.optim import SGD, Adam, AdamW, Optimizer

from evenfit.errors import ConfigError
from evenfit.fleet import chance
from evenfit.fleet.module_outputs import as_outputs, row_losses
from evenfit.regularize.chance import key
from evenfit.regularize.dropout.droppers import dropout_rates, set_dropout_rates_
from evenfit.regularize.dropout.insertion.insert import with_dropout
from evenfit.regularize.mixing import mixup
from evenfit.regularize.parameters import parameters_of
from evenfit.regularize.penalties.l1 import L1
from evenfit.regularize.proximal import Proximal
from evenfit.specs.training import Training

Factory = Callable[[], nn.Module]
Array = npt.NDArray[Any]

MOST_DROPPED = 0.95  # a shifted rate of dropout
_BEGIN, _TRAIN = 31, 32  # streams of torch's generator: before training, and in it
_AT_ONCE = 2048  # rows of one pass in evaluation mode


@dataclass(frozen=True, eq=False, kw_only=True)
class Lesson:
    """What one module learns from."""

    inputs: Array  # [n, ...] floats, or int64
    target: Array  # [n] int64 class codes, or numbers
    weights: Array | None  # [n] how much each row counts; None is alike
    classes: int  # how many; 0 for a regression


@dataclass(frozen=True, eq=False, kw_only=True)
class Outputs:
    """What a module gives after some epoch."""

    epoch: int
    values: npt.NDArray[np.float64]  # [rows, classes] logits, or [rows, 1] numbers in the target's own units


def train_module(
    factory: Factory,
    training: Training,
    lesson: Lesson,
    *,
    judged: Array,
    epochs: Collection[int],
    seed: int,
    stop: Callable[[], bool],
) -> list[Outputs]:
    """Make a module, train it, and give its outputs for other rows after some epochs.

    Training ends early where a loss is no finite number: the last outputs then are no numbers either.
    Torch's global generator starts from the seed and is put back, so a run repeats exactly. It has one thread.

    Args:
        factory: makes a new module at each call.
        training: how it is trained.
        lesson: what it is trained on.
        judged: inputs ``[rows, ...]`` that outputs are given for, in evaluation mode.
        epochs: after which of them; after the last one always.
        seed: of weights, of the order of rows, and of all else that is left to chance.
        stop: asked before each epoch; where it says so, nothing is given.

    Raises:
        ConfigError: what the module returns has the wrong shape, or it has nothing to train.
    """
    found: list[Outputs] = []
    with apart(key(seed, _BEGIN)):
        module = begun(factory, lesson.inputs)
        shift_dropout_(module, training.dropout_shift)
        if training.inserted_dropout:
            module = with_dropout(module, training.inserted_dropout)
        torch.manual_seed(key(seed, _TRAIN))
        course = _Course(module, training, lesson, seed=seed)
        for epoch in range(training.epochs):
            if stop():
                return []
            diverged = not course.train_epoch(epoch)
            if epoch + 1 in epochs or epoch + 1 == training.epochs or diverged:
                values = course.outputs(judged)
                found.append(Outputs(epoch=epoch + 1, values=np.full_like(values, np.nan) if diverged else values))
            if diverged:
                break
    return found


@contextmanager
def apart(seed: int) -> Iterator[None]:
    """Compute with gradients, on one thread, with torch's generator started from a seed; then as it was before."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode(mode=False), torch.enable_grad():
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def begun(factory: Factory, inputs: Array) -> nn.Module:
    """Make a module, and show lazy layers two rows, so that they take their shapes."""
    module = factory()
    if any(is_lazy(parameter) for parameter in (*module.parameters(), *module.buffers())):
        module.eval()
        with torch.no_grad():
            module(tensor(inputs[:2]))
    return module


def shift_dropout_(module: nn.Module, shift: float) -> None:
    """Add to the rate of every dropout layer, of torch's kind too; rates stay within [0, 0.95].

    Example:
        >>> module = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
        >>> shift_dropout_(module, 0.25)
        >>> module[1].p
        0.75
    """
    if shift:
        rates = dropout_rates(module)
        set_dropout_rates_(module, {name: min(max(rate + shift, 0.0), MOST_DROPPED) for name, rate in rates.items()})


def tensor(values: Array) -> Tensor:
    """Give an array as a tensor; of an array that may not be written to, a copy."""
    return torch.from_numpy(values if values.flags.writeable else values.copy())


class _Course:
    """A module in training."""

    def __init__(self, module: nn.Module, training: Training, lesson: Lesson, *, seed: int) -> None:
        self._module, self._training, self._classes, self._seed = module, training, lesson.classes, seed
        self._inputs = tensor(lesson.inputs)
        self._centre, self._scale = 0.0, 1.0
        target = lesson.target
        if not self._classes:
            self._centre, self._scale = float(np.mean(target)), float(np.std(target)) or 1.0
            target = ((target - self._centre) / self._scale).astype(precision(module))
        self._target = tensor(target)
        self._weights = None
        if lesson.weights is not None:
            self._weights = tensor((lesson.weights / lesson.weights.mean()).astype(precision(module)))
        self._deviation = self._inputs.std(dim=0, correction=0) if training.input_noise else None
        self._batch = min(training.batch_rows, len(target))
        self._steps = len(target) // self._batch
        self._optimiser = _optimiser(module, training)

    def train_epoch(self, epoch: int) -> bool:
        """Take a step for each batch of the rows in a new order, and say whether the loss is finite.

        Rows at the end that do not fill a batch are left out.
        """
        self._module.train()
        order = torch.from_numpy(chance.row_order(self._seed, epoch, len(self._target)))
        generator = torch.Generator().manual_seed(key(self._seed, chance.NOISE, epoch))
        for step in range(self._steps):
            rate = self._training.learning_rate * self._share(epoch * self._steps + step)
            for group in self._optimiser.param_groups:
                group["lr"] = rate
            taken = order[step * self._batch : (step + 1) * self._batch]
            loss = self._loss(taken, epoch=epoch, step=step, generator=generator)
            self._optimiser.zero_grad()
            loss.backward()
            self._optimiser.step()
        return math.isfinite(float(loss.detach()))

    def outputs(self, judged: Array) -> npt.NDArray[np.float64]:
        """Give what the module gives in evaluation mode, in the target's own units."""
        self._module.eval()
        parts = []
        with torch.no_grad():
            for begin in range(0, len(judged), _AT_ONCE):
                batch = tensor(judged[begin : begin + _AT_ONCE])
                parts.append(as_outputs(self._module(batch), rows=len(batch), classes=self._classes).double())
        values: npt.NDArray[np.float64] = torch.cat(parts).numpy()
        return values * self._scale + self._centre

    def _loss(self, taken: Tensor, *, epoch: int, step: int, generator: torch.Generator) -> Tensor:
        """Give the mean loss of a batch."""
        inputs, partners, share = self._inputs[taken], None, 1.0
        if self._deviation is not None:
            noise = torch.randn(inputs.shape, dtype=inputs.dtype, generator=generator)
            inputs = inputs + self._training.input_noise * self._deviation * noise
        if self._training.mixup:
            seed = key(self._seed, chance.MIXTURE, epoch, step)
            mixed = mixup(inputs, taken, alpha=self._training.mixup, seed=seed)
            inputs, partners, share = mixed.inputs, mixed.second, float(mixed.share)
        outputs = as_outputs(self._module(inputs), rows=len(taken), classes=self._classes)
        losses = self._row_losses(outputs, taken)
        if partners is not None:
            losses = share * losses + (1 - share) * self._row_losses(outputs, partners)
        return losses.mean()

    def _row_losses(self, outputs: Tensor, rows: Tensor) -> Tensor:
        losses = row_losses(
            outputs,
            self._target[rows],
            classes=self._classes,
            squared=self._training.loss == "squared",
            smoothing=self._training.label_smoothing,
        )
        return losses if self._weights is None else losses * self._weights[rows]

    def _share(self, step: int) -> float:
        """Give the share of the learning rate that is in force at a step."""
        progress = step / (self._training.epochs * self._steps)
        if self._training.schedule == "cosine":
            return 0.5 * (1 + math.cos(math.pi * progress))
        if self._training.schedule == "steps":
            return 0.01 if progress >= 0.75 else 0.1 if progress >= 0.5 else 1.0
        return 1.0


def precision(module: nn.Module) -> np.dtype[Any]:
    """Give the precision of a module's numbers: double where its parameters are, else single."""
    doubled = any(parameter.dtype == torch.float64 for parameter in module.parameters())
    return np.dtype(np.float64 if doubled else np.float32)


def _optimiser(module: nn.Module, training: Training) -> Optimizer:
    """Make the optimiser: weights of two and more axes decay, and are held to few by proximal steps."""
    learnt = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not learnt:
        raise ConfigError("a module must have parameters to train, got none")
    groups = [
        {"params": [one for one in learnt if one.dim() >= 2], "weight_decay": training.weight_decay},
        {"params": [one for one in learnt if one.dim() < 2], "weight_decay": 0.0},
    ]
    groups = [group for group in groups if group["params"]]
    optimiser: Optimizer
    if training.optimiser == "sgd":
        optimiser = SGD(groups, lr=training.learning_rate, momentum=training.momentum)
    else:
        optimiser = (AdamW if training.optimiser == "adamw" else Adam)(groups, lr=training.learning_rate)
    if not training.l1:
        return optimiser
    seen = [one for one in parameters_of(module) if one.kind == "weight"]
    fixed = tuple(one.name for one in seen if one.made_of or not one.tensor.requires_grad)
    return Proximal(optimiser, L1(strength=training.l1, exclude=fixed), model=module)
