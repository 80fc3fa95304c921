"""Terms: what penalties ask of one weight, all of them together, in one form that adds."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evenfit.errors import RegularizeError
from evenfit.regularize.layouts import Layout
from evenfit.regularize.penalties.amounts import Amount
from evenfit.regularize.penalties.bounds import divisors_to_one, shares_within, spectral_excess
from evenfit.regularize.penalties.elementwise import l1_gradient, l1_value, l2_gradient, l2_value
from evenfit.regularize.penalties.groups import axes_of, norms, shares_left
from evenfit.regularize.penalties.in_place import shrink_, soft_threshold_


@dataclass(frozen=True, kw_only=True)
class Terms:
    """l1 sum|w| + l2 sum w^2 + inputs sum_i ||w_i|| + units sum_u ||w_u||, within bounds.

    Groups and bounds are those of the weight's layout: i goes over its inputs, u over its units; the norm of a sum is
    that of one unit's incoming weights, for each gate of a recurrent layer by itself.
    """

    l1: float = 0.0
    l2: float = 0.0
    inputs: float = 0.0
    units: float = 0.0
    max_norm: float = math.inf  # bound of each sum's norm
    unit_norm: bool = False  # each sum's norm is 1, or 0
    spectral: float = math.inf  # bound of the largest singular value

    def __add__(self, other: Terms) -> Terms:
        """Ask both at once."""
        return Terms(
            l1=self.l1 + other.l1,
            l2=self.l2 + other.l2,
            inputs=self.inputs + other.inputs,
            units=self.units + other.units,
            max_norm=min(self.max_norm, other.max_norm),
            unit_norm=self.unit_norm or other.unit_norm,
            spectral=min(self.spectral, other.spectral),
        )

    @property
    def grouped(self) -> bool:
        """Whether it matters which axes are inputs and which units."""
        return (self.inputs, self.units, self.max_norm, self.unit_norm, self.spectral) != (
            (0.0, 0.0, math.inf, False, math.inf)
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Placed:
    """A weight by name, with its layout where that matters."""

    name: str
    weight: Tensor
    layout: Layout | None  # None where terms are not grouped

    @property
    def view(self) -> Tensor:
        """Give the weight as ``[parts, gates, units, inputs, ...kernel]``."""
        if self.layout is None:
            raise RegularizeError(f"{self.name} has no layout")
        return self.layout.view(self.weight)

    def axes(self, groups: str) -> tuple[int, ...]:
        """Give the axes of the view that a group extends over."""
        if self.layout is None:
            raise RegularizeError(f"{self.name} has no layout")
        return axes_of(groups, self.layout, self.view, name=self.name)

    def matrices(self) -> Tensor:
        """Give ``[parts, sums, inputs x kernel]``, a copy where memory demands it."""
        return self.view.flatten(3).flatten(1, 2)


def value(terms: Terms, placed: Placed) -> Tensor:
    """Give the terms' value, differentiable; infinite where a bound is broken by more than rounding."""
    weight, parts = placed.weight, []
    if terms.l1:
        parts.append(l1_value(weight, strength=terms.l1))
    if terms.l2:
        parts.append(l2_value(weight, strength=terms.l2))
    for groups, strength in (("inputs", terms.inputs), ("units", terms.units)):
        if strength:
            parts.append(strength * norms(placed.view, placed.axes(groups)).sum())
    if _bounded(terms):
        parts.append(_barrier(terms, placed))
    zero = torch.zeros((), dtype=torch.promote_types(weight.dtype, torch.float32), device=weight.device)
    return sum(parts[1:], parts[0]) if parts else zero


def gradient(terms: Terms, placed: Placed) -> Tensor:
    """Give the gradient of the value; of all subgradients the smallest.

    Raises:
        RegularizeError: there is a bound in the terms.
    """
    if _bounded(terms):
        raise RegularizeError(f"a bound has no gradient: {placed.name} can only be projected on it")
    total = torch.zeros_like(placed.weight)
    if terms.l1:
        total += l1_gradient(placed.weight, strength=terms.l1)
    if terms.l2:
        total += l2_gradient(placed.weight, strength=terms.l2)
    for groups, strength in (("inputs", terms.inputs), ("units", terms.units)):
        if strength:
            view = placed.view
            norm = norms(view, placed.axes(groups))
            placed_total = total if placed.layout is None else placed.layout.view(total)
            placed_total += strength * (view / torch.where(norm > 0, norm, 1.0))
    return total


def check_exact(terms: Terms, placed: Placed) -> None:
    """See that the terms have an exact proximal step: one after the other gives the minimiser of all.

    So it is for a soft threshold, then shrinks of groups, then of all, then a projection on balls, if the groups and
    the sums of the balls are the same; and for a shrink before a projection on unit norms or on a spectral bound.

    Raises:
        RegularizeError: they have not.
    """
    clash = ""
    sparse = [name for name in ("l1", "inputs", "units") if getattr(terms, name)]
    if terms.unit_norm and (sparse or terms.max_norm < 1):
        clash = "unit norms and " + ("L1 or group lasso" if sparse else "a max-norm below 1")
    elif terms.spectral < math.inf and (sparse or terms.max_norm < math.inf or terms.unit_norm):
        clash = "a spectral bound and " + ("L1 or group lasso" if sparse else "bounds of norms")
    elif terms.inputs and terms.units and placed.axes("inputs") != placed.axes("units"):
        clash = "groups of inputs and groups of units, which overlap,"
    elif terms.max_norm < math.inf and any(
        getattr(terms, groups) and placed.axes(groups) != placed.axes("sums") for groups in ("inputs", "units")
    ):
        clash = "a group lasso and a max-norm of other groups"
    if clash:
        raise RegularizeError(
            f"{clash} have no exact proximal step together ({placed.name}): put one of them in the loss, or wrap "
            "twice, Proximal(Proximal(optimiser, one), other), which takes one after the other"
        )


@torch.no_grad()
def proximal_(work: Sequence[tuple[Terms, Placed, Amount]]) -> None:
    """Take the proximal steps of terms in place, each with its step size; see ``check_exact`` for the order.

    A strength of 0 does not touch a weight.
    """
    _each(soft_threshold_, ((one.weight, terms.l1 * step) for terms, one, step in work if terms.l1))
    for terms, one, step in work:
        for groups, strength in (("inputs", terms.inputs), ("units", terms.units)):
            if strength and (isinstance(step, Tensor) or step > 0):
                view = one.view
                view.mul_(shares_left(norms(view, one.axes(groups)), _on(strength * step, view)))
    _each(shrink_, ((one.weight, 2 * terms.l2 * step) for terms, one, step in work if terms.l2))
    for terms, one, _ in work:
        if _bounded(terms):
            project_(terms, one)


@torch.no_grad()
def project_(terms: Terms, placed: Placed) -> None:
    """Project a weight on its bounds, in place."""
    if terms.max_norm < math.inf:
        view = placed.view
        view.mul_(shares_within(norms(view, placed.axes("sums")), terms.max_norm))
    if terms.unit_norm:
        view = placed.view
        view.div_(divisors_to_one(norms(view, placed.axes("sums"))))
    if terms.spectral < math.inf:
        matrices, view = placed.matrices(), placed.view
        view.sub_(spectral_excess(matrices, terms.spectral).reshape(view.shape))


def _each(change: Callable[..., None], pairs: Iterable[tuple[Tensor, Amount]]) -> None:
    listed = [(weight, amount) for weight, amount in pairs if isinstance(amount, Tensor) or amount > 0]
    if listed:
        change([weight for weight, _ in listed], [amount for _, amount in listed])


def _on(amount: Amount, weight: Tensor) -> Amount:
    return amount.to(weight.device) if isinstance(amount, Tensor) else amount


def _bounded(terms: Terms) -> bool:
    return terms.unit_norm or min(terms.max_norm, terms.spectral) < math.inf


def _barrier(terms: Terms, placed: Placed) -> Tensor:
    """Give 0 within all bounds, up to rounding, and infinity outside."""
    with torch.no_grad():
        kind = torch.promote_types(placed.weight.dtype, torch.float32)
        slack = torch.finfo(placed.weight.dtype).eps ** 0.5
        kept = torch.ones((), dtype=torch.bool, device=placed.weight.device)
        if terms.unit_norm or terms.max_norm < math.inf:
            norm = norms(placed.view, placed.axes("sums"))
            kept = kept & (norm <= terms.max_norm * (1 + slack)).all()
            if terms.unit_norm:
                kept = kept & ((norm == 0) | ((norm - 1).abs() <= slack)).all()
        if terms.spectral < math.inf and placed.weight.numel():
            largest = torch.linalg.matrix_norm(placed.matrices().to(kind), 2)
            kept = kept & (largest <= terms.spectral * (1 + slack)).all()
        return torch.where(kept, 0.0, math.inf).to(kind)
