"""Call: one step of a traced graph, with the scales of what goes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Size, Tensor, dtype, fx, nn

from evenfit.regularize.folding.scale import ONE, Scale

MISSING = object()


class Refused(Exception):  # noqa: N818 - not an error yet: the walk makes one of it, which names the layers
    """A scale cannot pass here; the message is the reason, a clause that follows "which"."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of a layer, a function or a method."""

    node: fx.Node
    name: str  # of the function or method, however it was reached: "add" for +, torch.add, x.add and x += y
    module: nn.Module | None  # the layer, if it is one
    scales: Mapping[fx.Node, Scale]  # of every input
    shapes: Mapping[fx.Node, Size]  # of the whole graph's tensors, if a sample was given

    def argument(self, name: str, position: int, default: object = MISSING) -> object:
        """Give an argument by its position, 0 for the tensor that a method is called on, or by its name."""
        if position < len(self.node.args):
            return self.node.args[position]
        return self.node.kwargs.get(name, default)

    @property
    def subject(self) -> fx.Node:
        """The first argument."""
        first = self.node.args[0] if self.node.args else next(iter(self.node.kwargs.values()), None)
        if not isinstance(first, fx.Node):
            raise Refused("takes it in a way that is not known")
        return first

    @property
    def unscaled(self) -> bool:
        """Whether all inputs have the scale 1."""
        return all(scale.is_one for scale in self.scales.values())

    def scale(self, argument: object) -> Scale:
        """Give the scale of an argument; that of a number is 1."""
        return self.scales[argument] if isinstance(argument, fx.Node) else ONE

    def others(self, *those: object) -> None:
        """Refuse a scale in any input but those, and a result that is not of a floating type."""
        for argument in (*self.node.args, *self.node.kwargs.values()):
            if isinstance(argument, dtype) and not argument.is_floating_point:
                raise Refused(f"converts it to {argument}")
        for node in self.node.all_input_nodes:
            if not any(node is one for one in those) and not self.scales[node].is_one:
                raise Refused("takes it as something other than its input")

    def run(self, units: Tensor) -> object:
        """Call the function or method on another subject, its other arguments as they are."""
        args = (units, *self.node.args[1:])
        if self.node.op == "call_method":
            return getattr(units, str(self.node.target))(*args[1:], **self.node.kwargs)
        if not callable(self.node.target):
            raise Refused("cannot be repeated")
        return self.node.target(*args, **self.node.kwargs)
