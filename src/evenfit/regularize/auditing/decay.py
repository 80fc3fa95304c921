"""Decay: what shrinks which parameters: an optimiser's weight decay, the L2 of a proximal step, the L2 of a penalty."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import nn
from torch.optim import Optimizer

from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import ModelParameter, parameters_of
from evenfit.regularize.penalties.penalty import Penalty
from evenfit.regularize.penalties.weight_penalty import WeightPenalty

# Those that divide a gradient by its size, and so whatever was added to it.
_ADAPTIVE = {"Adadelta", "Adafactor", "Adagrad", "Adam", "Adamax", "NAdam", "RAdam", "RMSprop"}


@dataclass(frozen=True, kw_only=True)
class Decay:
    """Parameters that are shrunk alike: by ``rate`` times the learning rate and their own size, each step."""

    by: str  # "group 0 of AdamW", "the penalty"
    rate: float  # as torch's weight_decay counts it
    optimiser: str  # its class; empty if there is none
    coupled: bool  # added to the gradient, which the optimiser then divides by its size
    names: tuple[str, ...]


def decays(
    model: nn.Module, optimiser: Optimizer | None, penalty: Penalty | None, *, names: Mapping[int, str]
) -> tuple[Decay, ...]:
    """Give all that shrinks a model's parameters; parameters of other models are left out.

    Raises:
        RegularizeError: the optimiser is none, or shares no parameters with the model; the penalty is none.
    """
    if penalty is not None and not isinstance(penalty, Penalty):
        raise RegularizeError(f"penalty must be one of evenfit's, such as L2(strength=1e-3); got {penalty!r}")
    found: list[Decay] = []
    kind, adaptive = "", False
    if optimiser is not None:
        chain = _chain(optimiser)
        groups = _groups(chain[-1], names)
        kind, adaptive = type(chain[-1]).__name__, type(chain[-1]).__name__ in _ADAPTIVE
        for number, (group, own) in enumerate(groups):
            rate = float(group.get("weight_decay") or 0.0)
            coupled = adaptive and not group.get("decoupled_weight_decay", False)
            if rate > 0 and own:
                by = f"group {number} of {kind}"
                found.append(Decay(by=by, rate=rate, optimiser=kind, coupled=coupled, names=own))
        for each in chain:
            taken = getattr(each, "penalty", None)
            if isinstance(taken, Penalty):
                found += _of_penalty(model, taken, by=f"the penalty of {type(each).__name__}", optimiser=kind)
    if penalty is not None:
        found += _of_penalty(model, penalty, by="the penalty", optimiser=kind, coupled=adaptive)
    return tuple(found)


def kinds_of(model: nn.Module) -> dict[str, str]:
    """Give the kind of each parameter: weight, bias, normalisation, embedding, vector."""
    return {name: each.kind for each in parameters_of(model) for name in _names(each)}


def _chain(optimiser: object) -> list[Any]:
    """Give an optimiser and those that it wraps, the innermost last."""
    chain: list[Any] = [optimiser]
    while isinstance(getattr(chain[-1], "optimiser", None), Optimizer):
        chain.append(chain[-1].optimiser)
    return chain


def _groups(optimiser: Any, names: Mapping[int, str]) -> list[tuple[dict[str, Any], tuple[str, ...]]]:
    """Give an optimiser's groups, each with the names of its parameters."""
    groups = getattr(optimiser, "param_groups", None)
    if not isinstance(groups, list):
        raise RegularizeError(f"optimiser must have param_groups, as torch's have; got {type(optimiser).__name__}")
    found = [(group, tuple(names[id(each)] for each in group["params"] if id(each) in names)) for group in groups]
    if not any(own for _, own in found):
        raise RegularizeError(
            "the optimiser and the model share no parameters: make the optimiser from model.parameters(), of the same "
            "model, after it was copied or loaded"
        )
    return found


def _of_penalty(
    model: nn.Module, penalty: Penalty, *, by: str, optimiser: str, coupled: bool = False
) -> Iterator[Decay]:
    """Yield what the L2 of a penalty shrinks, by strength: l2 sum w^2 is a weight decay of 2 l2."""
    parameters = parameters_of(model)
    by_rate: dict[float, list[str]] = defaultdict(list)
    for one in (each for each in penalty.parts() if isinstance(each, WeightPenalty)):
        for parameter, amount in one.selection(parameters).seen:
            if (rate := 2 * one.terms(amount).l2) > 0:
                by_rate[rate] += _names(parameter)
    for rate, names in by_rate.items():
        yield Decay(by=by, rate=rate, optimiser=optimiser, coupled=coupled, names=tuple(dict.fromkeys(names)))


def _names(parameter: ModelParameter) -> Sequence[str]:
    return parameter.made_of or parameter.names[:1]
