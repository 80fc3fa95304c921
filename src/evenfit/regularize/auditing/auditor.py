"""er.audit: look for known mistakes in a model, measured where they can be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from torch import nn
from torch.export import ExportedProgram
from torch.nn.parameter import is_lazy
from torch.optim import Optimizer

from evenfit.errors import RegularizeError
from evenfit.regularize.auditing.audit import Audit
from evenfit.regularize.auditing.borrowing import borrowed, plain
from evenfit.regularize.auditing.checks import CHECKS
from evenfit.regularize.auditing.checks.outputs import is_known, loss_name
from evenfit.regularize.auditing.decay import decays, kinds_of
from evenfit.regularize.auditing.finding import SEVERITIES, Finding
from evenfit.regularize.auditing.looking import Look, look_at, look_at_program
from evenfit.regularize.auditing.measuring import SEED
from evenfit.regularize.auditing.targets import Model
from evenfit.regularize.auditing.view import View
from evenfit.regularize.parameters import unwrapped
from evenfit.regularize.penalties.penalty import Penalty


def audit(
    model: Model,
    sample: Any = None,
    *,
    optimiser: Optimizer | None = None,
    penalty: Penalty | None = None,
    loss: nn.Module | Callable[..., Any] | type | str | None = None,
) -> Audit:
    """Look for known mistakes of regularisation in a model, and measure what they do.

    The model is run on copies of its tensors, and is afterwards what it was, bit for bit: parameters, buffers, modes,
    hooks, gradients, and the states of all generators. A model in evaluation mode is looked at as it stands; one in
    training mode is switched by its own ``eval()`` and ``train()``.

    Args:
        model: any ``nn.Module``, also compiled, scripted or wrapped for several devices; or what torch.export gave.
        sample: a batch to run it on, a few dozen rows of real data if possible: one tensor or array, a tuple of the
            positional arguments, a mapping of the keyword arguments. Without it the model is traced, nothing is
            measured, and the answer says what could not be seen.
        optimiser: also look at what it decays; ``Proximal`` and ``SAM`` are looked into.
        penalty: also look at what it shrinks, if it is a part of the loss.
        loss: also look whether it fits the last layer: a module, its class, a function, or the name of one.

    Raises:
        RegularizeError: it is no model, has lazy layers that have seen no batch, cannot be run on the sample (the
            message has the line that failed), or shares no parameter with the optimiser.

    Example:
        >>> import torch
        >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3), nn.Dropout(0.5))
        >>> found = audit(net, torch.randn(8, 4))
        >>> [(each.check, each.severity, each.layer) for each in found.findings]
        [('dropout-on-output', 'error', '3')]
    """
    said = "" if loss is None else loss_name(loss)
    missing = _missing(decay_given=optimiser is not None or penalty is not None, loss=said)
    if isinstance(model, ExportedProgram):
        if optimiser is not None or penalty is not None:
            raise RegularizeError("an exported program is not trained any more: audit it without optimiser and penalty")
        return _answer("ExportedProgram", look_at_program(model, sample, View(loss=said)), missing=missing[1:])
    module = unwrapped(_checked(model))
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if is_lazy(tensor):
            raise RegularizeError(f"{name} has no shape yet: run the model on one batch before it is audited")
    with borrowed(module, seed=SEED) as names:
        asked = optimiser is not None or penalty is not None
        known = View(
            layers={plain(name): each for name, each in module.named_modules()},
            parameters={plain(name): each for name, each in (*module.named_parameters(), *module.named_buffers())},
            decays=decays(module, optimiser, penalty, names=names) if asked else None,
            kinds=kinds_of(module) if asked else {},
            loss=said,
        )
        return _answer(type(module).__name__, look_at(module, sample, known, names=names), missing=missing)


def _checked(model: object) -> nn.Module:
    if isinstance(model, nn.Module):
        return model
    what = f"the class {model.__name__}" if isinstance(model, type) else f"{model!r:.60} ({type(model).__name__})"
    raise RegularizeError(f"an audit needs an nn.Module, or what torch.export.export gave; got {what}")


def _missing(*, decay_given: bool, loss: str) -> list[str]:
    """Say what nobody gave."""
    found = [] if decay_given else ["weight decay: no optimiser and no penalty was given"]
    if not loss:
        return [*found, "whether the last layer fits the loss: none was given"]
    return found if is_known(loss) else [*found, f"whether the last layer fits the loss: {loss} is not known"]


def _answer(model: str, look: Look, *, missing: Sequence[str]) -> Audit:
    """Make the checks."""
    findings, made = [], []
    for name, check in CHECKS.items():
        if "decay" in check.needs and look.view.decays is None:
            continue
        made.append(name)
        findings += [
            Finding(
                check=name,
                title=check.title,
                severity=each.severity,
                layers=each.layers,
                evidence=each.evidence,
                figure=each.figure,
                data=each.data,
                mend=each.mend,
                source=check.source,
            )
            for each in check.look(look.view)
        ]
    findings.sort(key=lambda each: SEVERITIES.index(each.severity))  # stable: in the table's order within one
    return Audit(
        model=model,
        findings=tuple(findings),
        way=look.way,
        looked=look.looked,
        unseen=(*look.unseen, *missing),
        checks=tuple(made),
    )
