"""A folded model as a graph: where dropout is called in the forward itself, only another forward can do without."""

from __future__ import annotations

import operator

import torch
from torch import fx, nn

from evenfit.regularize.folding.calls import is_drop_connect, is_dropout_call
from evenfit.regularize.folding.tracing import Trace


def as_graph(model: nn.Module, trace: Trace) -> nn.Module:
    """Give a model as the graph that was traced, without calls of dropout, with all of its own parts and names."""
    graph = fx.Graph()  # a new one: that of the trace would ask for this library where it is unpickled
    graph.output(graph.graph_copy(trace.graph, {}))
    graph.set_codegen(trace.graph._codegen)
    for node in list(graph.nodes):
        if is_drop_connect(node):
            settings = {name: node.kwargs[name] for name in ("weight", "bias") if name in node.kwargs}
            node.target, node.kwargs = nn.functional.linear, settings
        elif is_dropout_call(node):
            node.replace_all_uses_with(node.all_input_nodes[0])
            graph.erase_node(node)
        elif getattr(node.target, "__name__", "") == "_assert_is_none":
            # The same in functions that can be unpickled: torch's own spoils every later trace of the process.
            with graph.inserting_before(node):
                absent = graph.call_function(operator.eq, (node.args[0], None))
                graph.call_function(torch._assert, (absent, node.args[1]))
            graph.erase_node(node)
    constants = {str(node.target) for node in graph.find_nodes(op="get_attr") if not _has(model, str(node.target))}
    for name in constants:
        setattr(model, name, trace.attribute(name))
    folded = fx.GraphModule(model, graph, class_name=type(model).__name__)
    held = {name: buffer for name, buffer in folded.named_buffers(recurse=False) if name not in model._buffers}
    folded._modules, folded._parameters = {**model._modules}, {**model._parameters}
    folded._buffers = {**model._buffers, **held}
    folded._non_persistent_buffers_set = {*model._non_persistent_buffers_set, *held}
    return folded.eval()


def _has(model: nn.Module, name: str) -> bool:
    """Whether a model has a part of that name."""
    path, _, last = name.rpartition(".")
    try:
        return hasattr(model.get_submodule(path), last)
    except AttributeError:
        return False
