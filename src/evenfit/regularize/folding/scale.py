"""Scale: what a value of the original model is, at one place of its graph, as a multiple of the folded model's value.

A scale is a positive fraction, so that equal products are equal whatever their order was. Where parts of different
scales were put side by side it is *uneven*: a tensor of the value's own shape, one scale for each of its units.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import torch
from torch import Tensor

CLOSE = 1e-12  # between products of the same scales in double precision, taken in another order


@dataclass(frozen=True, eq=False)
class Scale:
    """One positive scale, or one for each unit, and the dropouts that it comes from."""

    factor: Fraction | Tensor
    sources: tuple[str, ...] = ()

    @property
    def even(self) -> bool:
        """Whether all units have the same scale."""
        return isinstance(self.factor, Fraction)

    @property
    def is_one(self) -> bool:
        """Whether the folded model's value is the original's."""
        return isinstance(self.factor, Fraction) and self.factor == 1

    def equals(self, other: Scale) -> bool:
        """Whether both scale alike, wherever they come from."""
        if isinstance(self.factor, Fraction) and isinstance(other.factor, Fraction):
            return self.factor == other.factor
        mine, theirs = self.units(()), other.units(())
        if mine.shape != theirs.shape and mine.ndim and theirs.ndim:
            return False
        return torch.allclose(mine, theirs, rtol=CLOSE, atol=0)

    def times(self, other: Scale) -> Scale:
        """Give the scale of a product."""
        if isinstance(self.factor, Fraction) and isinstance(other.factor, Fraction):
            return Scale(self.factor * other.factor, all_sources((self, other)))
        return Scale(self.units(()) * other.units(()), all_sources((self, other)))

    def over(self, other: Scale) -> Scale:
        """Give the scale of a quotient."""
        if isinstance(self.factor, Fraction) and isinstance(other.factor, Fraction):
            return Scale(self.factor / other.factor, all_sources((self, other)))
        return Scale(self.units(()) / other.units(()), all_sources((self, other)))

    def units(self, shape: tuple[int, ...]) -> Tensor:
        """Give the scale as a tensor of double precision: of ``shape`` if it is even, of its own if not."""
        if isinstance(self.factor, Fraction):
            return torch.full(shape, float(self.factor), dtype=torch.float64)
        return self.factor

    def __str__(self) -> str:
        """Show the scale, or the range of an uneven one."""
        if isinstance(self.factor, Fraction):
            return f"{float(self.factor):g}"
        return f"{float(self.factor.min()):g} to {float(self.factor.max()):g}"


ONE = Scale(Fraction(1))


def kept(rate: float, source: str) -> Scale:
    """Give the scale by which dropout of the original form multiplies in evaluation: 1 - rate, as torch rounds it."""
    return Scale(Fraction(1 - rate), (source,))


def all_sources(scales: Iterable[Scale]) -> tuple[str, ...]:
    """Give the dropouts that scales come from, each once, in order."""
    return tuple(dict.fromkeys(name for scale in scales for name in scale.sources))
