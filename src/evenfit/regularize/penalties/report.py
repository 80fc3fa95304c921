"""A penalty's report: which parameters of a model it sees, and what each of them costs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Cost:
    """The value of a penalty on one parameter, or on one layer's activity, as part of a graph of gradients."""

    penalty: str
    names: tuple[str, ...]
    kind: str
    shape: tuple[int, ...]
    strength: float
    value: Tensor

    def noted(self) -> PenalisedParameter:
        """Give it as plain values."""
        return PenalisedParameter(
            penalty=self.penalty,
            name=self.names[0],
            names=self.names,
            kind=self.kind,
            shape=self.shape,
            strength=self.strength,
            value=float(self.value),
        )


@dataclass(frozen=True, kw_only=True)
class PenalisedParameter:
    """One parameter (or, of an activity penalty, one layer) that a penalty sees."""

    penalty: str  # the penalty's name
    name: str
    names: tuple[str, ...]  # more than one if it is shared
    kind: str
    shape: tuple[int, ...]
    strength: float  # in force: after its schedule; of a bound, the bound
    value: float


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One parameter that a penalty does not see, and why."""

    penalty: str
    name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class PenaltyReport:
    """What a penalty sees of a model, what it leaves out, and its value by parameter, by layer and in all."""

    parameters: tuple[PenalisedParameter, ...]
    left_out: tuple[LeftOut, ...]

    @property
    def total(self) -> float:
        """The penalty's value."""
        return sum(one.value for one in self.parameters)

    @property
    def layers(self) -> dict[str, float]:
        """The value of each layer, by its name; a parameter of the model itself is the layer ""."""
        layers: dict[str, float] = {}
        for one in self.parameters:
            layer = one.name if one.kind == "activity" else one.name.rpartition(".")[0]
            layers[layer] = layers.get(layer, 0.0) + one.value
        return layers

    def to_json(self) -> dict[str, Any]:
        """Give the report as plain values, ready for JSON; an infinite value is None."""
        return {
            "total": _finite(self.total),
            "layers": {name: _finite(value) for name, value in self.layers.items()},
            "parameters": [
                {
                    "penalty": one.penalty,
                    "name": one.name,
                    "names": list(one.names),
                    "kind": one.kind,
                    "shape": list(one.shape),
                    "strength": one.strength,
                    "value": _finite(one.value),
                }
                for one in self.parameters
            ],
            "left_out": [{"penalty": one.penalty, "name": one.name, "reason": one.reason} for one in self.left_out],
        }

    def __str__(self) -> str:
        """Show a line for each parameter that is seen, and one for each that is not."""
        rows = [
            (one.penalty, " = ".join(one.names), str(list(one.shape)), f"{one.strength:g}", f"{one.value:.6g}")
            for one in self.parameters
        ]
        header = ("penalty", "parameter", "shape", "strength", "value")
        table = [header, *rows, ("total", "", "", "", f"{self.total:.6g}")]
        widths = [max(len(row[column]) for row in table) for column in range(len(header))]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table]
        lines += [f"left out: {one.name} ({one.penalty}: {one.reason})" for one in self.left_out]
        return "\n".join(line.rstrip() for line in lines)


def _finite(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
