"""Residual branches: a scale taken backwards, from stochastic depth to the last weights of the branch that it drops.

``x + depth(branch(x))`` is evaluated as x + k branch(x). A sum lets no scale pass, but k may go into the last linear
layer of the branch, weight and bias, if that layer's output goes nowhere else and only linear or positively
homogeneous steps lie between.
"""

from __future__ import annotations

from torch import fx, nn

from evenfit.regularize.folding.absorbing import ends_in_weights, shares
from evenfit.regularize.folding.call import Call, Refused
from evenfit.regularize.folding.calls import is_dropout_call
from evenfit.regularize.folding.layers import drops_units
from evenfit.regularize.folding.passing import Rule, chooses, concatenates, elementwise, joins, multiplies, stacks
from evenfit.regularize.folding.rules import FUNCTIONS, layer_rule, name_of
from evenfit.regularize.folding.scale import ONE, Scale
from evenfit.regularize.folding.tracing import Trace
from evenfit.regularize.folding.weights import Weights, factor_of, product_of

ALL_TERMS = {chooses, concatenates, joins, stacks}


def behind(trace: Trace, weights: Weights, node: fx.Node, scale: Scale) -> dict[fx.Node, Scale]:
    """Find the steps whose weights can take a scale that their result is to be multiplied by.

    Raises:
        Refused: there are none from which nothing but linear or positively homogeneous steps lead here.
    """
    if len(node.users) != 1 or not node.op.startswith("call_"):
        raise Refused("is not part of one branch alone")
    module = trace.module(str(node.target)) if node.op == "call_module" else None
    if module is None:
        return _behind_function(trace, weights, node, scale)
    if module._forward_hooks or module._forward_pre_hooks:
        raise Refused("has hooks registered on it")
    if ends_in_weights(module):
        shares(module, str(node.target), [], after=scale)
        return {node: scale}
    rule = elementwise if drops_units(module) else layer_rule(module)
    return _through(trace, weights, _tried(node, module, {}), scale, rule)


def _behind_function(trace: Trace, weights: Weights, node: fx.Node, scale: Scale) -> dict[fx.Node, Scale]:
    """Do the same behind a function or a method."""
    call = _tried(node, None, {})
    product = product_of(call, weights)
    if product is not None:
        if product.weight is None or not (product.bias is None or product.bias in weights):
            raise Refused("does not end in weights")
        return {node: scale}
    rule = elementwise if is_dropout_call(node) else FUNCTIONS.get(call.name)
    if factor_of(call, weights) is not None:
        return {node: scale}
    return _through(trace, weights, call, scale, rule)


def _through(trace: Trace, weights: Weights, call: Call, scale: Scale, rule: Rule | None) -> dict[fx.Node, Scale]:
    """Go on behind a step that passes a scale on."""
    if rule is None:
        raise Refused("lets no scale pass")
    if rule in ALL_TERMS:
        choices = [[one for one in call.scales if one is not _condition(call)]]
    else:
        choices = [[one] for one in call.scales] if rule is multiplies else [[call.subject]]
    for choice in choices:
        found: dict[fx.Node, Scale] = {}
        try:
            if rule(_tried(call.node, call.module, dict.fromkeys(choice, scale))).equals(scale):
                for one in choice:
                    found |= behind(trace, weights, one, scale)
                return found
        except Refused:
            continue
    raise Refused("lets no scale pass")


def _tried(node: fx.Node, module: nn.Module | None, scales: dict[fx.Node, Scale]) -> Call:
    """Look at a step as if those scales reached it."""
    all_scales = dict.fromkeys(node.all_input_nodes, ONE) | scales
    name = "" if module is not None else name_of(node)
    return Call(node=node, name=name, module=module, scales=all_scales, shapes={})


def _condition(call: Call) -> object:
    """Give what a choice between tensors depends on, which carries no scale."""
    return call.argument("condition", 0, None) if call.name == "where" else None
