"""Folding dropout away: a plain model for deployment, equal to scaled inference."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import fx, nn
from torch.nn.parameter import is_lazy

from evenfit.errors import FoldError
from evenfit.regularize.folding.agreement import check_on
from evenfit.regularize.folding.graphs import as_graph
from evenfit.regularize.folding.layers import WITH_RATE_INSIDE, dropout_layers, in_its_place, is_dropout
from evenfit.regularize.folding.ledger import Ledger, check_memory, opened
from evenfit.regularize.folding.plan import FoldingPlan, ScaledParameter
from evenfit.regularize.folding.scale import Scale
from evenfit.regularize.folding.shapes import Sample, arguments, shapes_of
from evenfit.regularize.folding.sketch import duplicate
from evenfit.regularize.folding.tracing import Arguments, Trace, traces
from evenfit.regularize.folding.walk import walked

NOTHING: Arguments = MappingProxyType({})


def fold_dropout(model: nn.Module, sample: Sample | None = None, *, concrete_args: Arguments = NOTHING) -> nn.Module:
    """Give a copy of a model without dropout that computes what the model computes in evaluation.

    Dropout of the inverted form, torch's own included, passes its input on in evaluation and is taken out. Dropout of
    the original form multiplies by 1 - rate: that scale is followed through the graph of the model's forward, traced
    by ``torch.fx`` in evaluation mode, and multiplied into the weights (not the biases) of the linear, convolution and
    recurrent layers that it reaches. On its way it may pass what is linear or positively homogeneous: ReLU, leaky ReLU,
    PReLU, pooling, padding with zeros, changes of shape, products, and sums and concatenations of what carries the same
    scale. Anywhere else it is refused. ``folding_plan`` shows what would be done.

    The copy is in evaluation mode. It is of the model's own class with ``nn.Identity`` in the place of dropout layers
    and the same names in its ``state_dict``, but for ``DropConnect`` and ``RecurrentDropout``, in whose place is the
    layer that they wrap. If the forward calls dropout of the original form as a function, the copy is a
    ``torch.fx.GraphModule`` without that call. Calls of ``F.dropout(x, p, self.training)`` stay in the forward: they do
    nothing in evaluation mode.

    Args:
        model: is not changed.
        sample: an input, or a tuple or a mapping of the forward's arguments. With it sizes are known, so that parts of
            different scales that were concatenated can be folded, and the result is checked on it.
        concrete_args: arguments of forward that always have the same value, by name. Without it, folding must hold
            whether or not an argument that has a default is given.

    Raises:
        FoldError: the scale would not be exact (behind it comes a sigmoid, tanh, GELU, softmax, a batch or layer
            normalisation, a residual sum, or the model's output; or the weights are shared with another place), or the
            model cannot be traced; the message names the dropout, what its scale reaches, and the reason.

    Source: weight scaling is of Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
    JMLR, 2014, section 10.

    Example:
        >>> from evenfit.regularize import Dropout
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), Dropout(0.5, form="original"), nn.Linear(8, 2))
        >>> folded = fold_dropout(model)
        >>> torch.equal(folded[3].weight, model[3].weight * 0.5)
        True
    """
    if is_dropout(model):
        # A layer cannot be taken out of itself; in messages it is called '0'.
        holder = fold_dropout(nn.Sequential(model), sample, concrete_args=concrete_args)
        return holder.get_submodule("0")
    prepared = _prepared(model, sample, concrete_args)
    folded = _without_dropout(_scaled(duplicate(model), prepared.ledger))
    if prepared.trace is not None and prepared.calls:
        folded = as_graph(folded, prepared.trace)
    if sample is not None:
        check_on(sample, model, folded)
    return folded


def folding_plan(model: nn.Module, sample: Sample | None = None, *, concrete_args: Arguments = NOTHING) -> FoldingPlan:
    """Say what ``fold_dropout`` would do to a model; its arguments and its errors are the same.

    Example:
        >>> from evenfit.regularize import Dropout
        >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), Dropout(0.5, form="original"), nn.Linear(8, 2))
        >>> print(folding_plan(model))
        scaled    3.weight times 0.5: dropout layer '2' (rate 0.5)
        removed   2
    """
    if is_dropout(model):
        return folding_plan(nn.Sequential(model), sample, concrete_args=concrete_args)
    prepared = _prepared(model, sample, concrete_args)
    return FoldingPlan(
        scaled=tuple(_reported(name, scale) for name, scale in prepared.ledger.scaled()),
        removed=tuple(name for name, _ in dropout_layers(model)),
        silenced=tuple(name for name, module in model.named_modules() if _drops_inside(module)),
        calls=() if prepared.trace is None else tuple(prepared.trace.place(call) for call in prepared.calls),
    )


@dataclass(frozen=True)
class _Prepared:
    """All that is known before a model is copied."""

    ledger: Ledger
    trace: Trace | None  # None: it cannot be traced, and has no dropout of the original form
    calls: tuple[fx.Node, ...]  # of dropout functions, which only a graph can do without


def _prepared(model: nn.Module, sample: Sample | None, concrete_args: Arguments) -> _Prepared:
    """Trace a model, and find out what its parameters have to be multiplied by.

    Raises:
        FoldError: some scale cannot be folded exactly.
    """
    for name, tensor in (*model.named_parameters(), *model.named_buffers()):
        if is_lazy(tensor):
            raise FoldError(f"{name} has no shape yet: run the model on one batch before its dropout is folded")
    for _ in dropout_layers(model):
        pass  # each is looked at as it comes by
    given = {} if sample is None else arguments(model, sample)
    ledger = opened(model)
    first: Trace | None = None
    calls: tuple[fx.Node, ...] = ()
    for trace in traces(model, concrete_args=concrete_args, given=frozenset(given)):
        shapes = shapes_of(trace, given) if given else {}
        gone = walked(trace, ledger, shapes)
        if first is None:
            first, calls = trace, gone
    check_memory(model, ledger)
    return _Prepared(ledger, first, calls)


@torch.no_grad()
def _scaled(model: nn.Module, ledger: Ledger) -> nn.Module:
    """Multiply the parameters by what the ledger says."""
    parameters = dict(model.named_parameters())
    for name, scale in ledger.scaled():
        factor = scale.units(()).to(parameters[name]) if not scale.even else float(scale.units(()))
        parameters[name].mul_(factor)
    return model


def _without_dropout(model: nn.Module) -> nn.Module:
    """Put plain layers in the place of dropout layers, one for one where a layer was used in several places."""
    places: dict[nn.Module, nn.Module] = {}
    for parent in list(model.modules()):
        for name, child in list(parent._modules.items()):  # every name of a layer, where named_children gives one
            if child is not None and is_dropout(child):
                setattr(parent, name, places.setdefault(child, in_its_place(child)))
    for module in model.modules():
        if _drops_inside(module):
            module.dropout = 0.0  # type: ignore[assignment] # which nn.Module does not declare
    return model


def _drops_inside(module: nn.Module) -> bool:
    """Whether one of torch's layers drops by itself."""
    return isinstance(module, WITH_RATE_INSIDE) and module.dropout > 0


def _reported(name: str, scale: Scale) -> ScaledParameter:
    """Report what a parameter is multiplied by."""
    units = scale.units(())
    return ScaledParameter(name, float(units) if scale.even else tuple(units.flatten().tolist()), scale.sources)
