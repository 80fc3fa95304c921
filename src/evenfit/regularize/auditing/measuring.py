"""Measuring: what a mistake does on the sample: in evaluation, at batch normalisation, under weight decay."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from evenfit.regularize.auditing.drops import drop_of_call, silenced
from evenfit.regularize.auditing.kinds import kind_of
from evenfit.regularize.auditing.recording import Run
from evenfit.regularize.auditing.subject import Subject
from evenfit.regularize.auditing.tensors import differ, has_values

SEED = 0
_ROWS = 256  # that a variance is measured over: the sample is run again until there are so many ...
_FEWEST, _MOST = 4, 32  # ... but at least and at most so often


@dataclass(frozen=True, kw_only=True)
class Ratio:
    """Variance at a batch normalisation's input with dropout, as a multiple of that without; over its channels."""

    median: float
    low: float  # a tenth of the channels are below
    high: float  # a tenth are above
    channels: int
    passes: int


class Silence(TorchFunctionMode):
    """Switches every dropout off, whatever its mode."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do what was asked, without dropping."""
        del types
        kwargs = kwargs or {}
        if drop_of_call(func, args, kwargs) is not None:
            args, kwargs = silenced(func, args, kwargs)
        return func(*args, **kwargs)


class Moments(TorchFunctionMode):
    """Looks at the variance within a batch of each batch normalisation's input, in the order of the calls."""

    def __init__(self) -> None:
        super().__init__()
        self.variances: list[Tensor] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do what was asked, and look at what is normalised."""
        del types
        if kind_of(getattr(func, "__name__", "")) == "batch_norm" and args and isinstance(args[0], Tensor):
            values = args[0].detach().transpose(0, 1).flatten(1)
            self.variances.append(values.to(torch.promote_types(values.dtype, torch.float32)).var(dim=1))
        return func(*args, **(kwargs or {}))


def variance_ratios(subject: Subject) -> list[Ratio | None]:
    """Measure every batch normalisation of a model in training, in the order of the calls.

    Both runs use the batch's own statistics, so that what differs is dropout alone, and not how far running statistics
    have come. A ratio is None where no channel varies; there is none at all if the forward goes other ways without
    dropout.
    """
    passes = min(max(-(-_ROWS // subject.sample.rows), _FEWEST), _MOST)
    dropped: list[Tensor] = []
    plain: list[Tensor] = []
    for number in range(passes):
        with_drop, without = Moments(), Moments()
        subject.call(with_drop, seed=SEED + number)
        subject.call(without, Silence(), seed=SEED + number)
        dropped = _added(dropped, with_drop.variances)
        plain = _added(plain, without.variances)
    if [each.shape for each in dropped] != [each.shape for each in plain]:
        return []
    return [_ratio(one, other, passes) for one, other in zip(dropped, plain, strict=True)]


def _added(sums: list[Tensor], more: list[Tensor]) -> list[Tensor]:
    return more if len(sums) != len(more) else [one + other for one, other in zip(sums, more, strict=True)]


def _ratio(dropped: Tensor, plain: Tensor, passes: int) -> Ratio | None:
    alive = (plain > plain.max() * 1e-6) & plain.isfinite() & dropped.isfinite()
    if not bool(alive.any()):
        return None
    ratios = (dropped[alive] / plain[alive]).double().cpu()
    low, median, high = (float(each) for each in ratios.quantile(torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)))
    return Ratio(median=median, low=low, high=high, channels=int(alive.sum()), passes=passes)


def spread(one: Sequence[Tensor], other: Sequence[Tensor]) -> float | None:
    """Give the root mean square difference of two calls' outputs, as a multiple of the outputs' standard deviation."""
    pairs = [
        (first.detach().cpu().double().flatten(), second.detach().cpu().double().flatten())
        for first, second in zip(one, other, strict=False)
        if first.shape == second.shape and has_values(first) and has_values(second)
    ]
    if not pairs:
        return None
    first, second = (torch.cat([pair[side] for pair in pairs]) for side in (0, 1))
    known = first.isfinite() & second.isfinite()
    first, second = first[known], second[known]
    if not len(first):
        return None
    difference = float((first - second).square().mean().sqrt())
    scale = float(first.std(correction=0)) or float(first.abs().mean()) or 1.0
    return difference / scale


def random_steps(one: Run, other: Run) -> list[int]:
    """Give the steps that gave something else in a second call though they were given the same."""
    steps = one.graph.steps
    found: list[int] = []
    changed: set[int] = set()
    for number, step in enumerate(steps):
        if number >= len(other.graph.steps) or other.graph.steps[number].name != step.name:
            return [*found, number]  # from here on, the two calls went different ways
        if changed.intersection(step.inputs):
            changed.add(number)
        elif differ(one.prints[number], other.prints[number]):
            changed.add(number)
            if not step.strange:  # else what it was given may have differed
                found.append(number)
    return found


def change_when_doubled(subject: Subject, weights: Mapping[str, Tensor]) -> float | None:
    """Double weights, and say by how much the model's outputs in training then change, dropout off.

    The unit is the outputs' standard deviation; None where chance other than dropout makes runs differ.
    """
    before = subject.call(Silence(), seed=SEED)
    again = subject.call(Silence(), seed=SEED)
    if spread(before, again) != 0:
        return None
    kept = {name: weight.detach().clone() for name, weight in weights.items()}
    with torch.no_grad():
        for weight in weights.values():
            weight.mul_(2)
        try:
            return spread(before, subject.call(Silence(), seed=SEED))
        finally:
            for name, weight in weights.items():
                weight.copy_(kept[name])
