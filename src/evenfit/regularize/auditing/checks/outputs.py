"""Outputs: an activation of the last layer that the loss brings along itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.auditing.checks.check import Sight
from evenfit.regularize.auditing.graph import Graph, Step
from evenfit.regularize.auditing.kinds import word_of
from evenfit.regularize.auditing.view import View

# What each loss does to the model's outputs first; "log": it takes them for logarithms of probabilities.
_TAKES = {
    "crossentropy": "softmax",
    "binarycrossentropywithlogits": "sigmoid",
    "bcewithlogits": "sigmoid",
    "smoothedcrossentropy": "softmax",
    "multilabelsoftmargin": "sigmoid",
    "nll": "log",
    "kldiv": "log",
}
_NAMES = {"crossentropy": "cross-entropy", "nll": "the negative log-likelihood", "kldiv": "the KL divergence"}
_NAMES |= dict.fromkeys(("binarycrossentropywithlogits", "bcewithlogits"), "binary cross-entropy with logits")
_ENDS = {"softmax": "softmax", "log_softmax": "log-softmax", "sigmoid": "sigmoid"}
_NEAR = 1e-3  # how far from 1 a row of probabilities may sum, in half precision too


def doubled_activation(view: View) -> Iterator[Sight]:
    """Find softmax before cross-entropy, sigmoid before its binary kin, and their like."""
    inside = False
    for graph in view.flows:
        for step in graph.steps:
            takes = _TAKES.get(_loss_word(step.name)) if step.kind == "loss" else None
            if takes and step.inputs:
                inside = True
                given = graph.steps[step.inputs[0]]
                last = given if given.kind in _ENDS else _last(graph, given)
                yield from _judged(takes, _loss_word(step.name), last, rows="")
    whole = [graph for graph in view.flows if graph.whole]
    if inside or not (whole or view.outputs):
        return
    last = _last_of_output(whole[0]) if whole else None
    rows = _rows(view.outputs)
    takes = _TAKES.get(view.loss, "") if view.loss else ""
    if takes:
        yield from _judged(takes, view.loss, last, rows=rows)
        if view.loss == "nll" and last is None and rows != "softmax":
            yield from _not_logarithms(view.outputs)
    elif not view.loss and ((last is not None and last.kind == "softmax") or (last is None and rows == "softmax")):
        yield Sight(
            severity="note",
            layers=(last.layer if last else "forward",),
            evidence=f"the model ends in softmax{_sum_to_one(rows)}; nn.CrossEntropyLoss takes the outputs before it, "
            "and would do softmax again.",
            data={"activation": "softmax", "loss": None, "rows_sum_to_one": rows == "softmax"},
            mend="return the logits if the loss is cross-entropy, and softmax them to predict",
        )


def _judged(takes: str, loss: str, last: Step | None, *, rows: str) -> Iterator[Sight]:
    """Say what is wrong with an activation before a loss, if anything."""
    kind = last.kind if last is not None else {"softmax": "softmax", "log": "log_softmax"}.get(rows, "")
    if not kind:
        return
    title = _NAMES.get(loss, loss)
    name = last.layer if last is not None else "forward"
    severity = "error"
    if takes == "softmax" and kind == "log_softmax":
        severity, does, mend = (
            "note",
            "does that again: the same numbers, worked out twice",
            "take nn.NLLLoss, or delete it",
        )
    elif takes == "softmax" and kind in ("softmax", "sigmoid"):
        does = "does softmax to them: of numbers between 0 and 1 it is never sharp"
        mend = "return the logits, and softmax them to predict"
    elif takes == "sigmoid" and kind in ("sigmoid", "softmax"):
        does = "takes their sigmoid: no prediction is below 0.5"
        mend = "return the logits, and take their sigmoid to predict"
    elif takes == "log" and kind in ("softmax", "sigmoid"):
        does, mend = "takes them for logarithms of probabilities", "log_softmax in its place"
    else:
        return
    yield Sight(
        severity=severity,
        layers=(name,),
        evidence=f"{title} is given the outputs of {_ENDS[kind]}{_sum_to_one(rows)}, and {does}.",
        data={"activation": kind, "loss": loss, "rows_sum_to_one": rows == "softmax"},
        mend=mend,
    )


def _not_logarithms(outputs: tuple[Tensor, ...]) -> Iterator[Sight]:
    """Say that the outputs are no logarithms of probabilities, which the loss takes them for, if they are not."""
    if not outputs or not _has_rows(outputs[0]):
        return
    sums = outputs[0].detach().double().exp().sum(1) if outputs[0].device.type == "cpu" else outputs[0].exp().sum(1)
    if not _ones(sums):
        mean = float(sums.mean())
        yield Sight(
            severity="error",
            layers=("forward",),
            evidence="the negative log-likelihood takes outputs for logarithms of probabilities; the exponentials of a "
            f"row sum to {mean:.3g}, not to 1.",
            data={"activation": None, "loss": "nll", "sum_of_exponentials": mean},
            mend="return F.log_softmax(logits, dim=1), or take nn.CrossEntropyLoss",
        )


def _last_of_output(graph: Graph) -> Step | None:
    """Give the activation that the first output comes from, through changes of shape alone."""
    return _last(graph, graph.steps[graph.outputs[0]]) if graph.outputs else None


def _last(graph: Graph, step: Step) -> Step | None:
    if step.kind in _ENDS:
        return step
    if step.kind != "shape":
        return None
    found = list(graph.before(step, through=lambda each: each.kind == "shape"))
    return found[0] if len(found) == 1 and found[0].kind in _ENDS else None


def _rows(outputs: tuple[Tensor, ...]) -> str:
    """Say of the first output whether its rows are probabilities ("softmax"), or logarithms of some ("log")."""
    if not outputs:
        return ""
    rows = outputs[0].detach()
    if not _has_rows(rows):
        return ""
    rows = rows.double() if rows.device.type == "cpu" else rows.float()
    if bool((rows >= 0).all()) and _ones(rows.sum(1)):
        return "softmax"
    return "log" if bool((rows <= 0).all()) and _ones(rows.exp().sum(1)) else ""


def _has_rows(rows: Tensor) -> bool:
    """Whether a tensor is [rows, classes, ...], with numbers to look at."""
    known = rows.is_floating_point() and rows.device.type != "meta"
    return known and rows.dim() > 1 and rows.shape[1] > 1 and rows.numel() > 0


def _ones(sums: Tensor) -> bool:
    return bool(torch.isclose(sums, torch.ones_like(sums), atol=_NEAR, rtol=0).all())


def _sum_to_one(rows: str) -> str:
    return " (its rows sum to 1)" if rows == "softmax" else ""


def _loss_word(name: str) -> str:
    word = word_of(name.rpartition(".")[2])
    return word.removesuffix("loss") if word.endswith("loss") else word


def loss_name(loss: nn.Module | Callable[..., object] | type | str) -> str:
    """Give the word of a loss: a module, its class, a function, or the name of one.

    Raises:
        RegularizeError: it is none of these, or torch has no loss of that name.
    """
    if isinstance(loss, str):
        names = [loss]
        if not is_known(_loss_word(loss)):
            raise RegularizeError(f"torch has no loss {loss!r}; say cross_entropy, BCEWithLogitsLoss, mse_loss, ...")
    elif isinstance(loss, nn.Module):
        names = [each.__name__ for each in type(loss).__mro__]
    elif isinstance(loss, type):
        names = [each.__name__ for each in loss.__mro__]
    elif callable(loss):
        names = [getattr(loss, "__name__", type(loss).__name__)]
    else:
        raise RegularizeError(f"loss must be a module, a function or a name, such as cross_entropy; got {loss!r}")
    words = [_loss_word(each) for each in names]
    return next((word for word in words if word in _TAKES), words[0])


def is_known(word: str) -> bool:
    """Whether it is known what a loss does to the outputs of a model: of torch's own losses."""
    names = (*vars(nn), *vars(nn.functional))
    return word in _TAKES or word in {_loss_word(name) for name in names if name.lower().endswith(("loss", "entropy"))}
