"""Sequences: dropout put into the ``nn.Sequential`` that holds a layer, so that every class and forward stays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import fx, nn

from evenfit.regularize.dropout.insertion.plan import Place
from evenfit.regularize.dropout.insertion.tracing import Trace


def sequence_names(trace: Trace, places: Mapping[fx.Node, Place]) -> dict[fx.Node, str] | None:
    """Give each place the name that its layer has inside of an ``nn.Sequential``; None if one is not in any.

    A layer that is called several times has to be followed by dropout each time, and by the same.
    """
    names: dict[fx.Node, str] = {}
    for node, place in places.items():
        if node.op == "placeholder" and _is_sequence(trace.model):
            names[node] = "input_dropout"
            continue
        if node.op != "call_module":
            return None
        path = str(node.target)
        calls = trace.graph.find_nodes(op="call_module", target=node.target)
        others = [places.get(call) for call in calls]
        if not _is_sequence(trace.model.get_submodule(path.rpartition(".")[0])):
            return None
        if any(other is None or _shape(other) != _shape(place) for other in others):
            return None
        names[node] = f"{path}_dropout"
    return names


def put_into_sequences(model: nn.Module, layers: Mapping[str, nn.Module]) -> None:
    """Put layers, by the names that ``sequence_names`` gives them, into the sequences of a model, in place."""
    for name, layer in layers.items():
        path, _, last = name.rpartition(".")
        parent = model.get_submodule(path)
        before = last.removesuffix("_dropout")
        modules: dict[str, nn.Module | None] = {"input_dropout": layer} if name == "input_dropout" else {}
        for key, module in parent._modules.items():
            modules[key] = module
            if key == before:
                modules[last] = layer
        parent._modules.clear()
        parent._modules.update(modules)


def does_the_same(graph: fx.Graph, wanted: fx.Graph, names: set[str]) -> bool:
    """Say whether two graphs take the same steps, whatever layers of these names are called in each."""
    return _steps(graph, names) == _steps(wanted, names)


def _steps(graph: fx.Graph, names: set[str]) -> list[Any]:
    numbers = {node: number for number, node in enumerate(graph.nodes)}

    def numbered(arguments: Any) -> str:
        return repr(fx.map_arg(arguments, lambda node: f"step {numbers[node]}"))

    return [
        (
            node.op,
            "dropout" if node.target in names else node.target,
            numbered(node.args),
            numbered(node.kwargs),
        )
        for node in graph.nodes
    ]


def _is_sequence(module: nn.Module) -> bool:
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _shape(place: Place) -> tuple[str, int, bool]:
    return place.kind, place.dimensions, place.batch_first
