"""Sparsity: the exact zeros of a model, by parameter and in total."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import ModelParameter, parameters_of
from evenfit.regularize.penalties.groups import axes_of
from evenfit.regularize.selection import check_kinds, learnt


@dataclass(frozen=True, kw_only=True)
class Groups:
    """How many groups there are, and how many of them are zeros altogether."""

    count: int
    zero: int


@dataclass(frozen=True, kw_only=True)
class ParameterSparsity:
    """The exact zeros of one parameter."""

    name: str
    kind: str
    shape: tuple[int, ...]
    size: int
    zeros: int
    inputs: Groups | None  # None where there are none, or where they overlap
    units: Groups | None
    filters: Groups | None  # the units of a convolution

    @property
    def share(self) -> float:
        """The share of zeros, in [0, 1]."""
        return self.zeros / self.size if self.size else 0.0


@dataclass(frozen=True, kw_only=True)
class Sparsity:
    """The exact zeros of a model."""

    parameters: tuple[ParameterSparsity, ...]

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(one.size for one in self.parameters)

    @property
    def zeros(self) -> int:
        """How many of them are 0."""
        return sum(one.zeros for one in self.parameters)

    @property
    def share(self) -> float:
        """The share of zeros, in [0, 1]."""
        return self.zeros / self.size if self.size else 0.0

    def __getitem__(self, name: str) -> ParameterSparsity:
        """Give the zeros of one parameter by its name.

        Raises:
            KeyError: there is no such parameter.
        """
        for one in self.parameters:
            if one.name == name:
                return one
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Give the zeros as plain values, ready for JSON."""
        return {
            "zeros": self.zeros,
            "size": self.size,
            "share": self.share,
            "parameters": [
                {
                    "name": one.name,
                    "kind": one.kind,
                    "shape": list(one.shape),
                    "zeros": one.zeros,
                    "size": one.size,
                    "share": one.share,
                    "inputs": _json(one.inputs),
                    "units": _json(one.units),
                    "filters": _json(one.filters),
                }
                for one in self.parameters
            ],
        }

    def __repr__(self) -> str:
        """Show a line for each parameter and one for the total."""
        header = ("parameter", "shape", "zeros", "of", "share", "inputs at 0", "units at 0")
        rows = [
            (one.name, str(list(one.shape)), *_counts(one.zeros, one.size), _words(one.inputs), _words(one.units))
            for one in self.parameters
        ]
        table = [header, *rows, ("total", "", *_counts(self.zeros, self.size), "", "")]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        lines = (
            "  ".join(
                cell.ljust(width) if column < 2 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in table
        )
        return "\n".join(line.rstrip() for line in lines)


def sparsity(model: nn.Module, *, kinds: str | Sequence[str] = ("weight",)) -> Sparsity:
    """Count the exact zeros of a model's weights, and the inputs, units and filters that are zeros altogether.

    A shared weight counts once; a weight under a parametrisation, or a mask, counts as it is computed.

    Args:
        model: any module.
        kinds: of parameters that count, as of penalties: weights alone unless told otherwise.

    Raises:
        RegularizeError: the model has no parameter of these kinds, or one that is lazy, sparse, complex or of integers.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
        >>> sparsity(layer)
        parameter  shape   zeros  of  share  inputs at 0  units at 0
        weight     [2, 2]      2   4  50.0%       1 of 2      0 of 2
        total                  2   4  50.0%
    """
    wanted = check_kinds("kinds", kinds)
    chosen = [one for one in parameters_of(model) if one.kind in wanted]
    if not chosen:
        raise RegularizeError(f"the model has no {' and no '.join(wanted)} to count zeros in; name others in kinds=")
    return Sparsity(parameters=tuple(_counted(one) for one in chosen))


@torch.no_grad()
def _counted(one: ModelParameter) -> ParameterSparsity:
    learnt(one, frozen=False)
    tensor = one.effective
    dead = tensor == 0
    found: dict[str, Groups | None] = {"inputs": None, "units": None}
    known = len(one.layouts) == 1
    if known:
        view = one.layouts[0].view(dead)
        for name in found:
            if name == "units" or not one.layouts[0].two_inputs:
                axes = axes_of(name, one.layouts[0], view, name=one.name)
                whole = view.all(axes) if axes else view
                found[name] = Groups(count=whole.numel(), zero=int(whole.sum()))
    convolution = known and one.layouts[0].convolution
    return ParameterSparsity(
        name=one.name,
        kind=one.kind,
        shape=tuple(tensor.shape),
        size=tensor.numel(),
        zeros=int(dead.sum()),
        inputs=found["inputs"],
        units=found["units"],
        filters=found["units"] if convolution else None,
    )


def _json(groups: Groups | None) -> dict[str, int] | None:
    return None if groups is None else {"count": groups.count, "zero": groups.zero}


def _words(groups: Groups | None) -> str:
    return "" if groups is None else f"{groups.zero:,} of {groups.count:,}"


def _counts(zeros: int, size: int) -> tuple[str, str, str]:
    return f"{zeros:,}", f"{size:,}", f"{zeros / size:.1%}" if size else ""
