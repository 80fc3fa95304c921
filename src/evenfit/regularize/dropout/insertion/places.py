"""Places: the rules that say after which steps of a traced model dropout belongs, and which layer it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from torch import fx, nn

from evenfit.regularize.dropout.insertion.kinds import PASSING, WEIGHTS, dimensions_of, name_of
from evenfit.regularize.dropout.insertion.plan import LeftOut, Place
from evenfit.regularize.dropout.insertion.survey import Survey
from evenfit.regularize.dropout.insertion.tracing import Trace


class _PlaceAfter(Protocol):
    def __call__(self, node: fx.Node, kind: str, *, dimensions: int = 0, batch_first: bool = False) -> None:
        """Note a place."""


_LeaveOut = Callable[[fx.Node, str], None]


def places_in(trace: Trace, *, inputs: bool, spare_norms: bool) -> tuple[dict[fx.Node, Place], tuple[LeftOut, ...]]:
    """Give the places in a traced model, by the steps that they follow and in their order; and what was left out.

    Args:
        trace: of the model.
        inputs: whether inputs are dropped, too.
        spare_norms: leave out every place that a batch normalisation follows, however far.
    """
    survey = Survey(trace)
    found: dict[fx.Node, Place] = {}
    left_out: list[LeftOut] = []

    def place(node: fx.Node, kind: str, *, dimensions: int = 0, batch_first: bool = False) -> None:
        found[node] = Place(after=survey.called(node), kind=kind, dimensions=dimensions, batch_first=batch_first)

    def leave(node: fx.Node, reason: str) -> None:
        left_out.append(LeftOut(after=survey.called(node), reason=reason))

    if inputs:
        _place_inputs(survey, place, leave)
    for node in trace.graph.nodes:
        if survey.kinds[node] in {"recurrent", "cell", "attention"}:
            _place_outputs(survey, node, place, leave)
    for node in survey.activations():
        _place_activation(survey, node, place, leave, spare_norms=spare_norms, taken=found)
    return {node: found[node] for node in trace.graph.nodes if node in found}, tuple(left_out)


def _place_activation(
    survey: Survey,
    node: fx.Node,
    place: _PlaceAfter,
    leave: _LeaveOut,
    *,
    spare_norms: bool,
    taken: Mapping[fx.Node, Place],
) -> None:
    """Decide on the end of one activation."""
    origin = survey.origin(node)
    convolutions = [layer for layer, maps in origin if survey.kinds[layer] == "convolution" and maps]
    layers = [layer for layer, _ in origin if survey.kinds[layer] in {"convolution", "dense"}]
    if not layers:
        return leave(node, "no dense or convolution layer comes before it")
    after = node
    norm = survey.before_batch_norm(node)
    if norm is not None:
        if survey.feeds_activation(norm):
            return leave(node, "batch normalisation and another activation follow")
        after = norm
    reason = _reason(survey, after, spare_norms=spare_norms)
    if survey.is_gate(node):
        reason = "it is a gate, which multiplies other units"
    elif survey.own_dropout(node):
        reason = "dropout comes just before it"
    elif after in taken:
        reason = "dropout is put there for another activation"
    if reason:
        return leave(node, reason)
    if convolutions:
        return place(after, "maps", dimensions=dimensions_of(convolutions[0], survey.modules))
    is_selu = "selu" in name_of(node).lower() or isinstance(survey.modules.get(str(node.target)), nn.SELU)
    return place(after, "alpha" if is_selu else "units")


def _reason(survey: Survey, node: fx.Node, *, spare_norms: bool) -> str:
    """Give the reason why a value is not to be dropped, "" if there is none."""
    if survey.reaches_output(node):
        return "it reaches the output without another layer"
    if survey.is_dropped(node):
        return "dropout follows already"
    if spare_norms and survey.precedes_batch_norm(node):
        return "batch normalisation follows"
    return ""


def _place_outputs(survey: Survey, node: fx.Node, place: _PlaceAfter, leave: _LeaveOut) -> None:
    """Decide on what a recurrent layer gives; and say of others that they drop by themselves or not at all."""
    module = survey.modules.get(str(node.target))
    if survey.kinds[node] == "attention":
        own = ", ".join(sorted({f"{rate:g}" for rate in _rates_inside(module)})) or "not known"
        return leave(node, f"attention drops by itself, at a rate of its own ({own})")
    if not isinstance(module, nn.RNNBase):
        return leave(node, "it is a step of a recurrent net: drop its inputs, or use er.RecurrentDropout on a layer")
    outputs, state = _part(node, 0), _part(node, 1)
    if isinstance(module, nn.LSTM) and state is not None:  # it is (hidden, cell)
        state = _part(state, 0)
    for part in (outputs, state):
        if part is None or not survey.users(part) or (part is state and not _becomes_units(survey, part)):
            continue
        reason = _reason(survey, part, spare_norms=False)
        if reason:
            leave(part, reason)
        elif part is outputs:
            place(part, "times", batch_first=module.batch_first)
        else:
            place(part, "units")
    return None


def _part(node: fx.Node, number: int) -> fx.Node | None:
    """Give the step that takes one of several results."""
    return next((one for one in node.users if name_of(one) == "getitem" and one.args[1] == number), None)


def _becomes_units(survey: Survey, node: fx.Node) -> bool:
    """Say whether a state goes into dense layers, and not into another recurrent one."""
    after = [one for one in survey.after(node, lambda kind: kind not in WEIGHTS) if survey.kinds[one] in WEIGHTS]
    return bool(after) and all(survey.kinds[one] == "dense" for one in after)


def _rates_inside(module: nn.Module | None) -> list[float]:
    """Give the rates of what drops inside of a layer of torch's."""
    if module is None:
        return []
    inside = [one.dropout for one in module.modules() if isinstance(one, nn.MultiheadAttention)]
    return inside + [one.p for one in module.modules() if isinstance(one, nn.Dropout)]


def _place_inputs(survey: Survey, place: _PlaceAfter, leave: _LeaveOut) -> None:
    """Decide on the model's inputs: those that dense, convolution or recurrent layers take as they are."""
    for node in survey.trace.graph.find_nodes(op="placeholder"):
        if str(node.target) in survey.trace.fixed or not survey.users(node):
            continue
        after = survey.after(node, lambda kind: kind in PASSING | {"batch norm", "dropout"})
        kinds = [survey.kinds[one] for one in after]
        recurrent = [one for one in after if survey.kinds[one] == "recurrent"]
        if "dropout" in kinds:
            leave(node, "dropout follows already")
        elif recurrent:
            module = survey.modules[str(recurrent[0].target)]
            place(node, "times", batch_first=bool(getattr(module, "batch_first", False)))
        elif {"dense", "convolution"} & set(kinds):
            place(node, "inputs")
        else:
            leave(node, "no dense, convolution or recurrent layer takes it as it is")
