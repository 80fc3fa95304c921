"""Randomness: what an exported graph must not have: dropout, and any operator that draws numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from evenfit.errors import ExportError

if TYPE_CHECKING:
    import onnx

DRAWING = frozenset(
    {"Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
)


def check_graph(model: onnx.ModelProto) -> str:
    """Look through an ONNX graph, branches, loops and functions included; give what was found, in words.

    Raises:
        ExportError: an operator drops or draws; it names it.
    """
    operators = list(_operators(model.graph.node))
    for function in model.functions:
        operators += _operators(function.node)
    drawing = sorted(DRAWING & set(operators))
    if drawing:
        raise ExportError(
            f"the graph must be without dropout and chance, and has {', '.join(drawing)}: "
            "the module drops or draws in evaluation mode too"
        )
    return f"{len(operators):,} nodes, none of which drops or draws"


def _operators(nodes: Any) -> Iterator[str]:
    """Give the operators of nodes, and of the graphs inside them."""
    for node in nodes:
        yield node.op_type
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _operators(graph.node)
