"""Penalty: what is added to a loss, J + lambda R, as a frozen value that sees a model, adds, and reports."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.penalties.report import Cost, LeftOut, PenaltyReport
from evenfit.regularize.penalties.terms import gradient

if TYPE_CHECKING:
    from evenfit.regularize.penalties.weight_penalty import WeightPenalty


class Penalty(ABC):
    """What is added to a loss, J + lambda R, or taken as a step after the optimiser's by ``Proximal``; never both.

    ``penalty(model)`` is its value, differentiable; ``first + second`` is a penalty too.
    """

    @final
    def __call__(self, model: nn.Module, *, progress: float | None = None) -> Tensor:
        """Give the penalty's value on a model: one number, differentiable, in at least single precision.

        A penalty whose strengths are all 0 gives a zero that leads to no parameter, so that no gradient changes. A
        bound is 0 where it is kept and infinite where not.

        Args:
            model: any module.
            progress: the share of training that is behind, in [0, 1), where strengths have a schedule.

        Raises:
            RegularizeError: the model has no such parameters, or one that cannot be penalised; the message names it.
        """
        values = [one.value for one in self.costs(model, progress=progress)]
        total = sum((one.to(values[0].device) for one in values[1:]), values[0])
        if total.requires_grad or not torch.is_grad_enabled() or torch._C._functorch.maybe_current_level() is not None:
            return total
        return total.requires_grad_()  # a zero or a bound: ``backward`` works, and reaches no parameter

    @abstractmethod
    def costs(self, model: nn.Module, *, progress: float | None) -> Sequence[Cost]:
        """Give what each parameter, or each layer's activity, costs."""

    @abstractmethod
    def left_out(self, model: nn.Module) -> Sequence[LeftOut]:
        """Give the parameters that are not seen, and why."""

    @abstractmethod
    def weight_penalties(self) -> tuple[WeightPenalty, ...]:
        """Give the penalties of weights that this one is the sum of.

        Raises:
            RegularizeError: a part of it is not a penalty of weights.
        """

    @abstractmethod
    def parts(self) -> tuple[Penalty, ...]:
        """Give the penalties that this one is the sum of."""

    @final
    def report(self, model: nn.Module, *, progress: float | None = None) -> PenaltyReport:
        """Say which parameters are seen and which are left out, and give the value by parameter, by layer, in all.

        Example:
            >>> import evenfit.regularize as er
            >>> [(one.name, one.reason) for one in er.L1(0.1).report(nn.Linear(2, 1)).left_out]
            [('bias', 'a parameter of kind bias')]
        """
        with torch.no_grad():
            rows = [one.noted() for one in self.costs(model, progress=progress)]
        return PenaltyReport(parameters=tuple(rows), left_out=tuple(self.left_out(model)))

    @final
    def gradient(self, model: nn.Module, *, progress: float | None = None) -> dict[str, Tensor]:
        """Give the gradient by parameter's name, in closed form; at a corner of R, the smallest of the subgradients.

        Raises:
            RegularizeError: it is a bound, or a penalty on activations; a weight is computed from others.
        """
        found: dict[str, Tensor] = {}
        with torch.no_grad():
            for one in self.weight_penalties():
                for placed, terms in one.placed(model, progress=progress, wanted="gradient in closed form"):
                    each = gradient(terms, placed)
                    found[placed.name] = found[placed.name] + each if placed.name in found else each
        return found

    @final
    def __add__(self, other: Penalty | int) -> Penalty:
        """Give the sum of two penalties; adding 0 changes nothing, so that ``sum`` works."""
        if isinstance(other, int) and other == 0:
            return self
        if not isinstance(other, Penalty):
            return NotImplemented
        return Total(penalties=(*self.parts(), *other.parts()))

    __radd__ = __add__


@final
@dataclass(frozen=True, kw_only=True)
class Total(Penalty):
    """The sum of penalties: what ``first + second`` gives.

    Example:
        >>> import evenfit.regularize as er
        >>> (er.L1(0.1) + er.MaxNorm(3.0))(nn.Linear(2, 1)).shape
        torch.Size([])
    """

    penalties: tuple[Penalty, ...]

    def __post_init__(self) -> None:
        if not self.penalties or not all(isinstance(one, Penalty) for one in self.penalties):
            raise RegularizeError("a sum of penalties needs penalties, and at least one")

    def costs(self, model: nn.Module, *, progress: float | None) -> Sequence[Cost]:
        """Give the costs of all."""
        return [cost for one in self.penalties for cost in one.costs(model, progress=progress)]

    def left_out(self, model: nn.Module) -> Sequence[LeftOut]:
        """Give what each leaves out."""
        return [out for one in self.penalties for out in one.left_out(model)]

    def weight_penalties(self) -> tuple[WeightPenalty, ...]:
        """Give the penalties of weights, all of them."""
        return tuple(each for one in self.penalties for each in one.weight_penalties())

    def parts(self) -> tuple[Penalty, ...]:
        """Give the penalties."""
        return self.penalties
