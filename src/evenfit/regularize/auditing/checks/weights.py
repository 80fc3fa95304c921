"""Weights: biases that do nothing, and weight decay where it does not regularise."""

from __future__ import annotations

from collections.abc import Iterator

from evenfit.regularize.auditing.checks.check import Sight, count
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.kinds import NORMS
from evenfit.regularize.auditing.measuring import change_when_doubled
from evenfit.regularize.auditing.view import View

_CENTRED = ("batch_norm", "instance_norm")  # subtract each channel's mean
_DECOUPLES = ("NAdam", "RAdam")  # as AdamW does, if told to
_INVARIANT = 0.02  # change of the outputs, in their standard deviations, when scale-invariant weights are doubled


def useless_bias(view: View) -> Iterator[Sight]:
    """Find biases whose only effect the next step takes away."""
    useless: dict[str, tuple[Step, Step]] = {}
    used: set[str] = set()
    for graph in view.flows:
        for step in graph.steps:
            if step.bias is None or step.kind not in ("linear", "convolution"):
                continue
            norms = list(graph.after(step, through=lambda each: each.kind == "shape"))
            gone = norms and all(_takes_bias(view, step, each) for each in norms) and not _returned(graph, step)
            if gone:
                useless[step.bias] = (step, norms[0])
            else:
                used.add(step.bias)
    for name, (step, norm) in useless.items():
        if name in used:
            continue
        numbers = view.parameters[name].numel() if name in view.parameters else 0
        what = "batch normalisation" if norm.kind == "batch_norm" else "instance normalisation"
        yield Sight(
            severity="note",
            layers=(step.layer,),
            evidence=f"{count(numbers, 'bias')} of {step.name} shift what {norm.layer} centres at once: {what} takes "
            "away the mean, so that they never change an output in training.",
            figure=count(numbers, "bias"),
            data={"biases": numbers, "norm": norm.layer},
            mend=f"nn.{step.name}(..., bias=False)" if step.is_layer else "no bias",
        )


def decayed_biases(view: View) -> Iterator[Sight]:
    """Find weight decay on biases and normalisation parameters."""
    for decay in view.decays or ():
        found = {name: view.kinds.get(name) for name in decay.names}
        found = {name: kind for name, kind in found.items() if kind in ("bias", "normalisation")}
        if not found:
            continue
        biases = sum(kind == "bias" for kind in found.values())
        parts = [count(biases, "bias tensor")] if biases else []
        parts += [count(len(found) - biases, "normalisation parameter")] if len(found) > biases else []
        numbers = sum(view.parameters[name].numel() for name in found)
        yield Sight(
            severity="warning",
            layers=tuple(found),
            evidence=f"{decay.by} shrinks {' and '.join(parts)} ({count(numbers, 'number')}) by {decay.rate:g}.",
            figure=f"{decay.rate:g}",
            data={"by": decay.by, "weight_decay": decay.rate, "parameters": list(found), "numbers": numbers},
            mend='two groups: {"params": [p for p in model.parameters() if p.ndim > 1]} and '
            '{"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0}'
            if decay.by.startswith("group")
            else 'kinds=("weight",) in the penalty, its default',
        )


def decayed_before_norm(view: View) -> Iterator[Sight]:
    """Find weight decay on weights whose size a normalisation takes away."""
    shrunk = {name: decay.rate for decay in view.decays or () for name in decay.names}
    found = [name for name in _scale_invariant(view) if name in shrunk]
    if not found:
        return
    change = None
    if view.subject is not None:
        change = change_when_doubled(view.subject, {name: view.parameters[name] for name in found})
        if change is not None and change > _INVARIANT:
            return  # what the graph says is not so
    numbers = sum(view.parameters[name].numel() for name in found)
    rates = sorted({shrunk[name] for name in found})
    measured = ""
    if change is not None:
        measured = f"; doubled, they change the outputs in training by {change:.1g} of their standard deviation"
    yield Sight(
        severity="note",
        layers=tuple(dict.fromkeys(name.rpartition(".")[0] or name for name in found)),
        evidence=f"weight decay {' and '.join(f'{rate:g}' for rate in rates)} shrinks {count(len(found), 'weight')} "
        f"({count(numbers, 'number')}) whose size the next normalisation takes away{measured}. It does not limit what "
        "they compute, but raises their effective learning rate.",
        data={"weights": found, "numbers": numbers, "change_when_doubled": change, "weight_decay": rates},
        mend="tune it together with the learning rate; for capacity take dropout or a smaller model",
    )


def coupled_decay(view: View) -> Iterator[Sight]:
    """Find weight decay that an adaptive optimiser rescales."""
    for decay in view.decays or ():
        if not decay.coupled:
            continue
        instead = f"{decay.optimiser}(..., decoupled_weight_decay=True)" if decay.optimiser in _DECOUPLES else "AdamW"
        own = decay.by.startswith("group")
        yield Sight(
            severity="warning",
            layers=decay.names,
            evidence=f"the {decay.rate:g} of {decay.by} is added to the gradient, and {decay.optimiser} divides that "
            "by its size: weights with large gradients are shrunk less.",
            figure=f"{decay.rate:g}",
            data={"by": decay.by, "weight_decay": decay.rate, "optimiser": decay.optimiser},
            mend=f"torch.optim.{instead}; its weight_decay is of another size, so tune it anew"
            if own
            else "er.Proximal(optimiser, penalty, model=model) in place of the penalty in the loss",
        )


def _scale_invariant(view: View) -> list[str]:
    """Give the weights of which only the direction matters."""
    good: dict[str, None] = {}
    bad: set[str] = set()
    for graph in view.flows:
        for step in graph.steps:
            if step.weight is None:
                continue
            norms = list(graph.after(step, through=_homogeneous)) if step.kind in ("linear", "convolution") else []
            if norms and all(_takes_scale(view, graph, step, each) for each in norms) and not _returned(graph, step):
                good[step.weight] = None
            else:
                bad.add(step.weight)
    return [name for name in good if name not in bad and name in view.parameters]


def _takes_bias(view: View, step: Step, norm: Step) -> bool:
    """Whether a normalisation subtracts the mean of each channel that a bias shifts."""
    if norm.kind not in _CENTRED or norm.path in view.frozen:
        return False
    channels = getattr(norm.module, "num_features", None)
    bias = view.parameters.get(step.bias or "")
    numbers = channels if bias is None else bias.numel()
    # A linear layer's channels are last, a normalisation's are axis 1: of [rows, channels] they are the same.
    apart = step.kind == "linear" and norm.shape is not None and len(norm.shape) > 2 and step.number in norm.inputs
    return (channels is None or channels == numbers) and not apart


def _takes_scale(view: View, graph: Graph, step: Step, norm: Step) -> bool:
    """Whether a normalisation takes away the size of a weight."""
    if norm.kind not in NORMS or norm.path in view.frozen:
        return False
    # A bias does not grow with the weight; only where it is subtracted again does it not matter.
    return step.bias is None or (
        norm.kind in _CENTRED and norm in graph.after(step, through=lambda each: each.kind == "shape")
    )


def _returned(graph: Graph, step: Step) -> bool:
    return graph.ends(step, through=lambda each: each.kind == "shape")


def _homogeneous(step: Step) -> bool:
    """Whether twice the input is twice the output."""
    return step.kind in ("shape", "rectifier", "pool") or (
        step.kind == "dropout" and not (step.drop and step.drop.alpha)
    )
