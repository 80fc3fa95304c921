"""The walk: each dropout's scale followed through the graph, step by step, to the weights that take it.

One rule at each step: what is the original model's value there, as a multiple of the folded model's? Dropout of the
original form multiplies by 1 - rate, linear layers take what reaches them and give 1, linear and positively
homogeneous steps pass it on, and everything else, the model's output too, must see 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Size, Tensor, fx, nn

from evenfit.errors import FoldError
from evenfit.regularize.dropout.modules import StochasticDepth
from evenfit.regularize.dropout.recurrent import RecurrentDropout
from evenfit.regularize.folding.absorbing import absorbs, own_scale, shares
from evenfit.regularize.folding.aliases import check_aliases
from evenfit.regularize.folding.branches import behind
from evenfit.regularize.folding.call import Call, Refused
from evenfit.regularize.folding.calls import dropped_rate, is_depth, is_drop_connect
from evenfit.regularize.folding.layers import (
    WRAPPERS,
    drops_units,
    holds_original,
    innermost,
    is_original,
    rate_of,
    source,
)
from evenfit.regularize.folding.ledger import Ledger, named
from evenfit.regularize.folding.rules import FUNCTIONS, layer_rule, name_of, why_not
from evenfit.regularize.folding.scale import ONE, Scale, all_sources, kept
from evenfit.regularize.folding.tracing import Trace
from evenfit.regularize.folding.weights import Weights, factor_of, multiplied, product_of, weights_of


@dataclass(frozen=True)
class Walk:
    """What is known of a graph so far."""

    trace: Trace
    ledger: Ledger
    shapes: Mapping[fx.Node, Size]
    weights: Weights
    scales: dict[fx.Node, Scale] = field(default_factory=dict)  # of what each step gives
    after: dict[fx.Node, Scale] = field(default_factory=dict)  # what a step's weights take from behind it
    done: set[fx.Node] = field(default_factory=set)  # stochastic depth whose scale is in ``after``
    gone: set[fx.Node] = field(default_factory=set)  # dropout that scales its input, and that a folded model has not
    calls: list[fx.Node] = field(default_factory=list)  # of dropout functions that scale


def walked(trace: Trace, ledger: Ledger, shapes: Mapping[fx.Node, Size]) -> tuple[fx.Node, ...]:
    """Enter into the ledger what every use of every parameter needs; give the calls of dropout that must go.

    Raises:
        FoldError: a scale reaches a step that it cannot pass; the message names the dropout, the step and the reason.
    """
    walk = Walk(trace, ledger, shapes, weights_of(trace))
    for node in trace.graph.nodes:
        _take_back(walk, node)
    for node in trace.graph.nodes:
        try:
            walk.scales[node] = _scale(walk, node)
        except Refused as refused:
            raise _error(walk, node, trace.use(node), str(refused)) from None
    check_aliases(trace, walk.gone)
    _check_constants(walk)
    return tuple(walk.calls)


def _check_constants(walk: Walk) -> None:
    """Refuse what was computed from parameters behind the back of the trace, as from ``self.parameters()``."""
    for node in walk.trace.graph.find_nodes(op="get_attr"):
        value = walk.trace.attribute(str(node.target))
        if isinstance(value, Tensor) and value.grad_fn is not None:
            for name, scale in walk.ledger.scaled():
                raise FoldError(
                    f"cannot fold {named(scale.sources)}: {name!r} would be scaled, and {walk.trace.place(node)} is "
                    f"computed from parameters in a way that the trace does not follow; compute it outside of forward"
                )


def _take_back(walk: Walk, node: fx.Node) -> None:
    """Take the scale of stochastic depth into the branch behind it, where that is exact."""
    module = walk.trace.module(str(node.target)) if node.op == "call_module" else None
    if not (isinstance(module, StochasticDepth) or is_depth(node)):
        return
    rate = _rate(walk, _call(walk, node))
    if not rate:
        return
    try:
        found = behind(walk.trace, walk.weights, node.all_input_nodes[0], kept(rate, _source(walk, node)))
    except Refused:
        return  # it may yet go forward, as any other dropout's
    for step, scale in found.items():
        walk.after[step] = walk.after.get(step, ONE).times(scale)
    walk.done.add(node)


def _scale(walk: Walk, node: fx.Node) -> Scale:
    """Give the scale of a step's result, and enter what its parameters need."""
    if node.op in {"placeholder", "get_attr"}:
        return ONE
    call = _call(walk, node)
    if node.op == "output":
        return _output(walk, node)
    rate = _rate(walk, call)
    if rate is not None and not is_drop_connect(node):
        return _dropped(walk, call, rate)
    if node in walk.weights:
        return ONE if call.unscaled else FUNCTIONS[call.name](call)  # a multiple of a parameter is still one
    if call.module is not None:
        return _layer(walk, call)
    return _function(walk, call, rate)


def _dropped(walk: Walk, call: Call, rate: float) -> Scale:
    """Give the scale behind dropout."""
    call.others(call.subject)
    scale = call.scale(call.subject)
    if not rate:
        return scale
    walk.gone.add(call.node)
    if call.module is None:
        walk.calls.append(call.node)
    return scale if call.node in walk.done else scale.times(kept(rate, _source(walk, call.node)))


def _layer(walk: Walk, call: Call) -> Scale:
    """Give the scale behind a layer, which is one step of the graph."""
    module, after = call.module, walk.after.get(call.node, ONE)
    assert module is not None  # noqa: S101 - for the type: the caller has looked
    if holds_original(module) and not isinstance(module, WRAPPERS):
        raise Refused("has dropout of the original form inside, where a trace does not reach")
    asked: dict[str, Scale] = {}
    if absorbs(module):
        inputs = _inputs(call)
        call.others(*inputs)
        asked = shares(module, str(call.node.target), [call.scale(one) for one in inputs], after=after)
    elif isinstance(module, WRAPPERS) or not after.is_one:
        asked = shares(module, str(call.node.target), [], after=after)
    for name, parameter in module.named_parameters(remove_duplicate=False):
        walk.ledger.require(parameter, asked.get(name, ONE), walk.trace.use(call.node))
    given = own_scale(module.outputs, f"{call.node.target}.outputs") if isinstance(module, RecurrentDropout) else ONE
    if call.unscaled:
        return given
    if any(part._forward_hooks or part._forward_pre_hooks for part in module.modules()):
        raise Refused("has hooks registered on it, which may do anything with it")
    if absorbs(module):
        return given
    rule = layer_rule(innermost(module))
    if rule is None:
        raise Refused(why_not(innermost(module), ""))
    return rule(call)


def _inputs(call: Call) -> list[object]:
    """Give what a layer multiplies by its weights."""
    if isinstance(call.module, nn.Bilinear):
        return [call.argument("input1", 0), call.argument("input2", 1)]
    return [call.argument("input", 0)]


def _function(walk: Walk, call: Call, rate: float | None) -> Scale:
    """Give the scale behind a function or a method; ``rate`` is that of weights which it drops."""
    after, dropped = walk.after.get(call.node, ONE), ONE
    if rate:
        walk.calls.append(call.node)
        dropped = kept(rate, _source(walk, call.node))
    product = product_of(call, walk.weights)
    scale, taken = multiplied(call, product, walk.weights, own=dropped, after=after) if product else (ONE, {})
    factor = factor_of(call, walk.weights) if product is None else None
    if factor is not None:
        taken = {factor: after}
    for node in call.node.all_input_nodes:
        if node in walk.weights:
            # The weights' own dropout, if they have some, goes into them as well.
            own = walk.scales[node].times(taken.get(node, ONE))
            walk.ledger.require(walk.weights[node], own, walk.trace.use(call.node))
    if product is not None or call.unscaled:
        return scale
    if _takes_unscaled(walk.trace, call):
        return ONE
    if _takes_places(walk.trace, call):
        raise Refused("takes the places of the largest values, which rounding may change")
    rule = FUNCTIONS.get(call.name)
    if rule is None:
        raise Refused(why_not(None, call.name))
    return rule(call)


def _takes_unscaled(trace: Trace, call: Call) -> bool:
    """Whether a step takes the second of a pair that no scale is on: the last state, or the lengths of sequences."""
    if call.name != "getitem" or call.argument("", 1) != 1:
        return False
    pair = call.subject
    if pair.op == "call_module":
        return isinstance(trace.module(str(pair.target)), RecurrentDropout)
    return name_of(pair) == "pad_packed_sequence"


def _takes_places(trace: Trace, call: Call) -> bool:
    """Whether a step takes the second of a pair of values and places."""
    if call.name not in {"getitem", "indices"} or (call.name == "getitem" and call.argument("", 1) == 0):
        return False
    pair = call.subject
    if pair.op == "call_module":
        return bool(getattr(trace.module(str(pair.target)), "return_indices", False))
    if name_of(pair) in {"max", "min"}:
        axis = pair.args[1] if len(pair.args) > 1 else pair.kwargs.get("dim")
        return isinstance(axis, int)  # torch.max(x) and torch.max(x, y) give one tensor
    return name_of(pair).endswith("_with_indices")


def _output(walk: Walk, node: fx.Node) -> Scale:
    """Refuse a scale that no layer took."""
    for one in node.all_input_nodes:
        if not walk.scales[one].is_one:
            reason = "comes before any linear or convolution layer that could take it"
            raise _error(walk, node, "the model's output", reason)
        if one in walk.weights:
            walk.ledger.require(walk.weights[one], ONE, "the model's output")
    return ONE


def _call(walk: Walk, node: fx.Node) -> Call:
    """Look at a step: what it calls, and the scales that reach it."""
    module = walk.trace.module(str(node.target)) if node.op == "call_module" else None
    ends = node not in walk.weights  # here a multiple of a parameter is used, and its scale is the parameter's own
    scales = {one: ONE if ends and one in walk.weights else walk.scales.get(one, ONE) for one in node.all_input_nodes}
    name = name_of(node) if node.op in {"call_function", "call_method"} else ""
    return Call(node=node, name=name, module=module, scales=scales, shapes=walk.shapes)


def _rate(walk: Walk, call: Call) -> float | None:
    """Give the rate of the dropout that a step is: 0 for one that scales nothing in evaluation; None for no dropout."""
    if call.module is None:
        return dropped_rate(call, walk.trace.place(call.node))
    if not drops_units(call.module):
        return None
    return rate_of(call.module) if is_original(call.module) else 0.0


def _source(walk: Walk, node: fx.Node) -> str:
    """Name a dropout for a message."""
    if node.op == "call_module":
        return source(str(node.target), walk.trace.module(str(node.target)))
    return walk.trace.place(node)


def _error(walk: Walk, node: fx.Node, place: str, reason: str) -> FoldError:
    """Say which dropouts cannot be folded, and why."""
    scales = [scale for one in node.all_input_nodes if not (scale := walk.scales.get(one, ONE)).is_one]
    if not scales:
        return FoldError(f"cannot fold dropout: {place} {reason}")  # the weights' own
    return FoldError(
        f"cannot fold {named(all_sources(scales))}: the scale {scales[0]} reaches {place}, which {reason}; "
        f"the inverted form there would have nothing to fold"
    )
