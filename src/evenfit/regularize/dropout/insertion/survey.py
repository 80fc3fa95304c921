"""Survey: a traced model, and the answers to what the rules for dropout ask of it.

Steps fall into groups: a value and all that is a function of it alone, unit by unit. A group with an activation in it
is one activation, however many steps it takes, such as ``x * torch.sigmoid(x)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from torch import fx

from evenfit.regularize.dropout.insertion.kinds import (
    ACTIVATIONS,
    PASSING,
    POINTWISE,
    WEIGHTS,
    kinds_of,
    name_of,
)
from evenfit.regularize.dropout.insertion.tracing import Trace, place_of


class Survey:
    """A traced model, and the answers to what the rules ask of it."""

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.modules = trace.modules
        self.kinds = kinds_of(trace.graph, self.modules)
        self._roots: dict[fx.Node, fx.Node] = {}
        self._activated: set[fx.Node] = set()  # steps with an activation among them and what leads to them in the group
        for node in trace.graph.nodes:
            roots = {self._roots[one] for one in self.inputs(node)}
            alone = self.kinds[node] in POINTWISE and len(roots) == 1
            self._roots[node] = roots.pop() if alone else node
            if alone and (self.kinds[node] in ACTIVATIONS or not self._activated.isdisjoint(self.inputs(node))):
                self._activated.add(node)

    def inputs(self, node: fx.Node) -> list[fx.Node]:
        """Give the values that a step takes, but constants, sizes, and what says how to shape another."""
        first = node.args[0] if node.args else None
        taken = [first] if self.kinds[node] == "shape" and isinstance(first, fx.Node) else node.all_input_nodes
        return [one for one in taken if self.kinds[one] not in {"constant", "measure"}]

    def users(self, node: fx.Node) -> list[fx.Node]:
        """Give the steps that take a value."""
        takes = (one for one in node.users if self.kinds[one] not in {"constant", "measure"})
        return [one for one in takes if node in self.inputs(one)]

    def activations(self) -> Iterator[fx.Node]:
        """Yield the last step of each activation."""
        for node, root in self._roots.items():
            if node in self._activated and any(self._roots[one] is not root for one in self.users(node)):
                yield node

    def reaches_output(self, node: fx.Node) -> bool:
        """Say whether a value reaches the model's output without another layer with weights."""
        return any(self.kinds[one] == "output" for one in self.after(node, lambda kind: kind not in WEIGHTS))

    def is_dropped(self, node: fx.Node) -> bool:
        """Say whether dropout follows already."""
        return any(self.kinds[one] == "dropout" for one in self.after(node, lambda kind: kind in PASSING))

    def precedes_batch_norm(self, node: fx.Node) -> bool:
        """Say whether a batch normalisation follows anywhere."""
        return any(self.kinds[one] == "batch norm" for one in self.after(node, lambda _: True))

    def before_batch_norm(self, node: fx.Node) -> fx.Node | None:
        """Give the batch normalisation that takes a value as it is, or pooled; None if something else does."""
        while True:
            users = self.users(node)
            norms = [one for one in users if self.kinds[one] == "batch norm"]
            if norms:
                return norms[0]
            if len(users) != 1 or self.kinds[users[0]] not in PASSING:
                return None
            node = users[0]

    def feeds_activation(self, node: fx.Node) -> bool:
        """Say whether an activation takes a value as it is."""
        return any(self._roots[one] is node and self.kinds[one] in ACTIVATIONS for one in self._roots)

    def is_gate(self, node: fx.Node) -> bool:
        """Say whether a value between 0 and 1 is made to multiply another."""
        while self.kinds[node] == "scalar":
            node = self.inputs(node)[0]
        return self.kinds[node] == "gate" and any(self.kinds[one] == "product" for one in self.users(node))

    def origin(self, node: fx.Node) -> list[tuple[fx.Node, bool]]:
        """Give the layers with weights that a value comes from, each with whether its maps are still maps."""
        layers: list[tuple[fx.Node, bool]] = []
        seen: set[tuple[fx.Node, bool]] = set()
        waiting = [(node, True)]
        while waiting:
            one, maps = waiting.pop()
            if (one, maps) in seen:
                continue
            seen.add((one, maps))
            kind = self.kinds[one]
            if kind in WEIGHTS:
                layers.append((one, maps))
            elif kind in PASSING | POINTWISE | {"batch norm", "dropout"}:
                waiting += [(each, maps and kind != "shape") for each in self.inputs(one)]
        return layers

    def own_dropout(self, node: fx.Node) -> bool:
        """Say whether dropout lies between an activation and the layer whose units they are."""
        root = self._roots[node]
        while self.kinds[root] in PASSING | {"batch norm", "dropout", "sum"}:
            if self.kinds[root] == "dropout":
                return True
            root = self.inputs(root)[0]
        return False

    def called(self, node: fx.Node) -> str:
        """Name a step for a message."""
        if node.op == "call_module":
            return f"{node.target!r} ({type(self.modules[str(node.target)]).__name__})"
        if node.op == "placeholder":
            return f"the input {node.target!r}"
        inside = place_of(node)
        follows = next((str(one.target) for one, _ in self.origin(node) if one.op == "call_module"), "")
        where = f" of {follows!r}" if follows else f" in {inside!r}" if inside else ""
        return f"{name_of(node)}{where}"

    def after(self, node: fx.Node, through: Callable[[str], bool]) -> Iterable[fx.Node]:
        """Give the steps after a value, as far as steps of certain kinds hand it on."""
        seen: dict[fx.Node, None] = {}
        waiting = self.users(node)
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen[one] = None
                waiting += self.users(one) if through(self.kinds[one]) else []
        return seen
