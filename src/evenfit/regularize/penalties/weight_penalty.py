"""Penalties of weights: what they see of a model, and how strongly."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from typing import final

from torch import nn

from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import ModelParameter, parameters_of
from evenfit.regularize.penalties.penalty import Penalty
from evenfit.regularize.penalties.report import Cost, LeftOut
from evenfit.regularize.penalties.terms import Placed, Terms, value
from evenfit.regularize.schedules import Schedule, check_schedule, share_at
from evenfit.regularize.selection import (
    Selection,
    Strength,
    Where,
    check_kinds,
    check_places,
    check_strength,
    learnt,
    select,
)


def check_bound(name: str, bound: Strength) -> Strength:
    """Give a bound, or bounds by pattern, as floats above 0."""
    return check_strength(name, bound, above_zero=True)


def check_beta(name: str, beta: object) -> float:
    """Give beta, the share of the first of two penalties, as a float.

    Raises:
        RegularizeError: it is not in [0, 1].
    """
    if isinstance(beta, bool) or not isinstance(beta, int | float) or not 0 <= beta <= 1:
        raise RegularizeError(f"{name} must be in [0, 1], got {beta!r}")
    return float(beta)


@dataclass(frozen=True)
class WeightPenalty(Penalty):
    """A penalty of a model's weights.

    Args:
        kinds: of parameters that are seen: of "bias", "embedding", "normalisation", "vector", "weight". Weights alone
            unless told otherwise.
        only: patterns of parameters' names (globs, such as "encoder.*"), or kinds of layers (such as nn.Linear), that
            are seen; all if there are none.
        exclude: the same, of what is left out.
    """

    kinds: str | Sequence[str] = field(default=("weight",), kw_only=True)
    only: Where | Sequence[Where] = field(default=(), kw_only=True)
    exclude: Where | Sequence[Where] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        checks = {"kinds": check_kinds, "only": check_places, "exclude": check_places}
        for one in fields(self):
            check = checks.get(one.name) or one.metadata["check"]
            try:
                object.__setattr__(self, one.name, check(one.name, getattr(self, one.name)))
            except RegularizeError as error:
                raise RegularizeError(f"{type(self).__name__}: {error}") from None

    @property
    @abstractmethod
    def amount(self) -> Strength:
        """The strength or the bound, or these by patterns of names."""

    @abstractmethod
    def share(self, progress: float | None) -> float:
        """Give the share of the amount that is in force."""

    @abstractmethod
    def terms(self, amount: float) -> Terms:
        """Give what is asked of one weight."""

    @final
    def selection(self, parameters: Sequence[ModelParameter]) -> Selection:
        """Choose among a model's parameters.

        Raises:
            RegularizeError: a pattern matches nothing; nothing is left.
        """
        chosen = select(
            parameters,
            strength=self.amount,
            kinds=tuple(self.kinds),
            only=tuple(self.only),  # type: ignore[arg-type] # a tuple since it was checked
            exclude=tuple(self.exclude),  # type: ignore[arg-type] # the same
        )
        if getattr(self, "groups", "") != "filters":
            return chosen
        seen = tuple((one, amount) for one, amount in chosen.seen if any(each.convolution for each in one.layouts))
        if not seen:
            raise RegularizeError(f"{type(self).__name__} of filters needs convolutions, and sees none in the model")
        kept = {id(one) for one, _ in seen}
        others = tuple((one, "not of a convolution") for one, _ in chosen.seen if id(one) not in kept)
        return Selection(seen=seen, left_out=chosen.left_out + others)

    @final
    def place(self, one: ModelParameter, *, wanted: str = "", frozen: bool = True) -> Placed:
        """Give one weight with its layout.

        Args:
            one: of a model's parameters.
            wanted: what cannot be had for a weight that is computed from parameters; empty if all can be.
            frozen: whether a frozen weight is refused.

        Raises:
            RegularizeError: it cannot be penalised; the message names it.
        """
        if wanted and one.made_of:
            raise RegularizeError(
                f"{one.name} is computed from {' and '.join(one.made_of)}, so there is no {wanted} of it: put the "
                f"penalty in the loss, or leave it out with exclude={one.name!r}"
            )
        layout = one.layout(type(self).__name__) if self.terms(1.0).grouped else None
        return Placed(name=one.name, weight=learnt(one, frozen=frozen), layout=layout)

    @final
    def placed(self, model: nn.Module, *, progress: float | None, wanted: str) -> Iterator[tuple[Placed, Terms]]:
        """Yield each weight that is seen, with what is asked of it."""
        share = self.share(progress)
        for one, amount in self.selection(parameters_of(model)).seen:
            yield self.place(one, wanted=wanted), self.terms(amount * share)

    @final
    def costs(self, model: nn.Module, *, progress: float | None) -> Sequence[Cost]:
        """Give what each parameter that is seen costs."""
        share, costs = self.share(progress), []
        for one, amount in self.selection(parameters_of(model)).seen:
            placed = self.place(one)
            each = value(self.terms(amount * share), placed)
            costs.append(
                Cost(
                    penalty=type(self).__name__,
                    names=one.names,
                    kind=one.kind,
                    shape=tuple(placed.weight.shape),
                    strength=amount * share,
                    value=each,
                )
            )
        return costs

    @final
    def left_out(self, model: nn.Module) -> Sequence[LeftOut]:
        """Give the parameters that are not seen, and why."""
        chosen = self.selection(parameters_of(model)).left_out
        return [LeftOut(penalty=type(self).__name__, name=one.name, reason=reason) for one, reason in chosen]

    @final
    def weight_penalties(self) -> tuple[WeightPenalty, ...]:
        """Give this penalty."""
        return (self,)

    @final
    def parts(self) -> tuple[Penalty, ...]:
        """Give this penalty."""
        return (self,)


@dataclass(frozen=True)
class StrengthPenalty(WeightPenalty):
    """A penalty with a strength.

    Args:
        strength: lambda, at least 0; or strengths by patterns of names, ``{"head.*": 1e-4, "*": 1e-3}``: of those that
            match, the first counts, and a parameter that none matches is left out.
        schedule: what share of the strength is in force as training goes on: a name in ``SCHEDULES``, or a function of
            progress in [0, 1).
    """

    strength: Strength = field(metadata={"check": check_strength})
    schedule: str | Schedule = field(default="constant", kw_only=True, metadata={"check": check_schedule})

    @property
    @final
    def amount(self) -> Strength:
        """The strength, or strengths by patterns of names."""
        return self.strength

    @final
    def share(self, progress: float | None) -> float:
        """Give what the schedule says."""
        return share_at(self.schedule, progress)


@dataclass(frozen=True)
class Bound(WeightPenalty):
    """A bound that a weight must keep; as a value it is 0 where it is kept, and infinite where not.

    Args:
        bound: above 0; or bounds by patterns of names, as of a strength.
    """

    bound: Strength = field(metadata={"check": check_bound})

    @property
    @final
    def amount(self) -> Strength:
        """The bound, or bounds by patterns of names."""
        return self.bound

    @final
    def share(self, progress: float | None) -> float:  # noqa: ARG002 - a bound has no schedule
        """Give 1: bounds do not change."""
        return 1.0
