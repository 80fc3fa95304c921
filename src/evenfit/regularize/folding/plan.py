"""The plan: which weights take which scale, and which dropout goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ScaledParameter:
    """A parameter of the folded model, and what it is as a multiple of the original's."""

    name: str
    scale: float | tuple[float, ...]  # one for all; or one for each input, where parts of different scales met
    dropouts: tuple[str, ...]  # where the scale comes from

    def __str__(self) -> str:
        """Show it as one line."""
        scale = f"{self.scale:g}" if isinstance(self.scale, float) else f"{min(self.scale):g} to {max(self.scale):g}"
        return f"{self.name} times {scale}: {', '.join(self.dropouts)}"


@dataclass(frozen=True, kw_only=True)
class FoldingPlan:
    """What folding does to a model; ``print`` shows it."""

    scaled: tuple[ScaledParameter, ...]  # in the order in which the model's forward comes to them
    removed: tuple[str, ...]  # dropout layers, of every kind, that a plain layer takes the place of
    silenced: tuple[str, ...]  # torch's layers that drop by themselves, whose rate becomes 0
    calls: tuple[str, ...]  # calls of dropout functions that are taken out of the graph: the result is a GraphModule

    def __str__(self) -> str:
        """Show the plan, one line for each parameter and layer."""
        lines = [f"scaled    {parameter}" for parameter in self.scaled]
        lines += [f"removed   {name or 'the model itself'}" for name in self.removed]
        lines += [f"silenced  {name or 'the model itself'}" for name in self.silenced]
        lines += [f"taken out {call}" for call in self.calls]
        return "\n".join(lines) or "nothing to fold"
