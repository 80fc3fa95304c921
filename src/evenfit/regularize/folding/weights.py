"""Weights in a graph: which steps give a parameter, or a multiple of one, and which functions multiply by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import fx, nn

from evenfit.regularize.folding.absorbing import columns, in_filters
from evenfit.regularize.folding.call import Call, Refused
from evenfit.regularize.folding.calls import is_drop_connect, is_dropout_call
from evenfit.regularize.folding.passing import (
    OTHER_TERM,
    UNEVEN,
    converts,
    divides,
    elementwise,
    evaluates,
    mixes,
    moves,
    multiplies,
    pads,
    times_used,
    zero_bounds,
)
from evenfit.regularize.folding.rules import FUNCTIONS, name_of
from evenfit.regularize.folding.scale import ONE, Scale
from evenfit.regularize.folding.tracing import Trace

Weights = Mapping[fx.Node, nn.Parameter]
KEEPING = {converts, elementwise, evaluates, mixes, moves, multiplies, pads, zero_bounds}
PRODUCTS = ("bmm", "einsum", "matmul", "mm", "mv")


def weights_of(trace: Trace) -> Weights:
    """Give each step that is a positively homogeneous function of one parameter, and the parameter."""
    found: dict[fx.Node, nn.Parameter] = {}
    for node in trace.graph.nodes:
        if node.op == "get_attr":
            value = trace.attribute(str(node.target))
            if isinstance(value, nn.Parameter):
                found[node] = value
        elif node.op in {"call_function", "call_method"} and len(node.all_input_nodes) == 1:
            source, rule = node.all_input_nodes[0], FUNCTIONS.get(name_of(node))
            keeps = rule in KEEPING or is_dropout_call(node) or (rule is divides and source is node.args[0])
            if source in found and keeps and times_used(node, source) == 1:
                found[node] = found[source]
    return found


@dataclass(frozen=True)
class Product:
    """A function that multiplies by weights, taken apart."""

    operands: tuple[fx.Node, ...]  # all but the weights
    weight: fx.Node | None  # the operand that is a parameter, or a multiple of one
    bias: object  # what is added; None for nothing


def product_of(call: Call, weights: Weights) -> Product | None:
    """Take a function apart that multiplies by weights; None for any other."""
    name = call.name
    nodes: tuple[object, ...] = ()
    bias: object = None
    if name == "linear" or name.startswith("conv") or is_drop_connect(call.node):
        nodes, bias = (call.argument("input", 0), call.argument("weight", 1)), call.argument("bias", 2, None)
    elif name == "bilinear":
        nodes = tuple(call.argument(one, number) for number, one in enumerate(("input1", "input2", "weight")))
        bias = call.argument("bias", 3, None)
    elif name in {"addmm", "baddbmm"}:
        second = "mat" if name == "addmm" else "batch"
        nodes, bias = (call.argument(f"{second}1", 1), call.argument(f"{second}2", 2)), call.argument("input", 0)
    elif name in PRODUCTS:
        nodes = tuple(call.node.all_input_nodes)
    else:
        return None
    operands = tuple(node for node in nodes if isinstance(node, fx.Node))
    candidates = [node for node in operands if node in weights and times_used(call.node, node) == 1]
    weight = candidates[-1] if candidates else None
    return Product(tuple(node for node in operands if node is not weight), weight, bias)


def factor_of(call: Call, weights: Weights) -> fx.Node | None:
    """Give the weights that a step multiplies by, element by element, as layer scale does: x * gamma."""
    if call.name != "mul":
        return None
    found = (node for node in call.node.all_input_nodes if node in weights and times_used(call.node, node) == 1)
    return next(found, None)


def multiplied(
    call: Call, product: Product, weights: Weights, *, own: Scale, after: Scale
) -> tuple[Scale, dict[fx.Node, Scale]]:
    """Give the scale of a product's result, and what its weight and its bias have to be multiplied by for that.

    ``own`` is what the function itself scales its weight by, and ``after`` what its result is to be multiplied by.

    Raises:
        Refused: the bias is not a parameter and carries another scale, or the scale is too uneven for the weight.
    """
    call.others(*product.operands, product.weight, product.bias)
    before = own
    for node in product.operands:
        for _ in range(times_used(call.node, node)):
            before = before.times(call.scale(node))
    if product.weight is None:
        if not before.even:
            raise Refused(UNEVEN)
        if product.bias is not None and not call.scale(product.bias).equals(before):
            raise Refused(OTHER_TERM)
        return before, {}
    if product.bias is not None and not call.scale(product.bias).is_one:
        raise Refused(OTHER_TERM)
    laid = before if before.even else _laid(call, product, before, weights)
    taken = {product.weight: laid.times(after)}
    if isinstance(product.bias, fx.Node) and product.bias in weights:
        taken[product.bias] = after
    return ONE, taken


def _laid(call: Call, product: Product, before: Scale, weights: Weights) -> Scale:
    """Lay an uneven scale over a weight that is used as it is."""
    if product.weight is None or product.weight.op != "get_attr" or len(product.operands) != 1:
        raise Refused(UNEVEN)
    if call.name == "linear":
        return Scale(columns(before)[None], before.sources)
    groups = call.argument("groups", 6, 1)
    if not call.name.startswith("conv") or not isinstance(groups, int):
        raise Refused(UNEVEN)
    shape = weights[product.weight].shape
    return in_filters(before, shape, groups, transposed="transpose" in call.name)
