"""Plan: where dropout goes in a model, and where not and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Place:
    """One dropout layer that goes into a model."""

    after: str  # the layer, or the function and what it follows, whose result it drops
    kind: str  # what is dropped: units, maps, times, inputs, alpha
    dimensions: int = 0  # of maps: how many axes one has
    batch_first: bool = False  # of recurrent layers: whether rows come before time
    name: str = ""  # the layer's, in the model


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """One step of a model after which dropout might have gone, and did not."""

    after: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class DropoutPlan:
    """Where dropout goes in a model, and where not."""

    places: tuple[Place, ...]
    left_out: tuple[LeftOut, ...]

    def __str__(self) -> str:
        """Give a line for each place, and for each that was left out."""
        lines = [f"{place.name}: {_KINDS[place.kind]} after {place.after}" for place in self.places]
        return "\n".join(lines + [f"none after {one.after}: {one.reason}" for one in self.left_out])


_KINDS = {
    "units": "elementwise dropout",
    "maps": "spatial dropout",
    "times": "variational dropout",
    "inputs": "input dropout",
    "alpha": "alpha dropout",
}
