"""Ledger: by how much each parameter has to be scaled, and whether all of its uses agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import Tensor, nn

from evenfit.errors import FoldError
from evenfit.regularize.folding.scale import Scale, all_sources


@dataclass(frozen=True)
class Demand:
    """What one use of a parameter needs it to be multiplied by."""

    scale: Scale
    place: str  # for messages: which layer, or which function in whose forward


@dataclass
class Ledger:
    """The demands on a model's parameters, tied ones under their first name."""

    names: dict[int, str]
    demands: dict[str, Demand] = field(default_factory=dict)

    def require(self, parameter: nn.Parameter, scale: Scale, place: str) -> None:
        """Enter what a use needs.

        Raises:
            FoldError: another use needs another scale.
        """
        name = self.names[id(parameter)]
        first = self.demands.setdefault(name, Demand(scale, place))
        if not first.scale.equals(scale):
            sources = all_sources((first.scale, scale))
            raise FoldError(
                f"cannot fold {named(sources)}: the weights {name!r} are shared: {first.place} needs them scaled by "
                f"{first.scale}, {place} by {scale}; give each its own weights, or use the inverted form there"
            )

    def scaled(self) -> Iterator[tuple[str, Scale]]:
        """Yield the parameters that are to be scaled, and by how much."""
        for name, demand in self.demands.items():
            if not demand.scale.is_one:
                yield name, demand.scale


def opened(model: nn.Module) -> Ledger:
    """Give a ledger without demands."""
    return Ledger({id(parameter): name for name, parameter in model.named_parameters()})


def check_memory(model: nn.Module, ledger: Ledger) -> None:
    """Refuse to scale a parameter whose memory another tensor of the model uses too.

    Raises:
        FoldError: two tensors overlap, and one of them would be scaled.
    """
    tensors = [*model.named_parameters(), *model.named_buffers()]
    own = dict(tensors)
    for name, scale in ledger.scaled():
        for other, tensor in tensors:
            if other != name and _overlap(own[name], tensor):
                raise FoldError(
                    f"cannot fold {named(scale.sources)}: {name!r}, which would be scaled by {scale}, shares its "
                    f"memory with {other!r}; give each its own memory, or use the inverted form there"
                )


def named(sources: tuple[str, ...]) -> str:
    """Name the dropouts that a scale comes from."""
    return " and ".join(sources) if sources else "dropout"


def _overlap(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors may have an element in common."""
    memory = one.untyped_storage().data_ptr()  # 0 for none, as on the device "meta"
    if one.device != other.device or not memory or memory != other.untyped_storage().data_ptr():
        return False
    (start, end), (other_start, other_end) = _extent(one), _extent(other)
    return start < other_end and other_start < end


def _extent(tensor: Tensor) -> tuple[int, int]:
    """Give the bytes of its storage that a tensor lies within."""
    if not tensor.numel():
        return 0, 0
    start, size = int(tensor.storage_offset()), tensor.element_size()
    last = start + sum((length - 1) * stride for length, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return start * size, (last + 1) * size
