"""The plan of a proximal step: which of an optimiser's parameters it changes, and what is asked of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import ModelParameter, parameters_of
from evenfit.regularize.penalties.terms import Placed, Terms, check_exact
from evenfit.regularize.penalties.weight_penalty import WeightPenalty
from evenfit.regularize.selection import check_tensor

Asked = tuple[tuple[int, float], ...]  # (number of the penalty, its amount) for each that sees a weight
Plan = list[list["Planned"]]  # by parameter group


@dataclass(frozen=True, kw_only=True, eq=False)
class Planned:
    """One weight, and what penalties ask of it."""

    placed: Placed
    asked: Asked

    def terms(self, penalties: Sequence[WeightPenalty], shares: Sequence[float]) -> Terms:
        """Give what is asked in all, at the shares of the amounts that are in force."""
        total = Terms()
        for number, amount in self.asked:
            total += penalties[number].terms(amount * shares[number])
        return total


def make_plan(optimiser: Optimizer, penalties: Sequence[WeightPenalty], model: nn.Module | None) -> Plan:
    """Find the weights that penalties see among an optimiser's parameters.

    Raises:
        RegularizeError: there are none, or one of them cannot be changed by a proximal step; penalties that have no
            exact step together; without the model, a penalty that needs it.
    """
    found = _without_model(optimiser, penalties) if model is None else _of_model(optimiser, penalties, model)
    full = [1.0] * len(penalties)
    places: dict[tuple[torch.device, int], str] = {}
    for one in found.values():
        check_exact(one.terms(penalties, full), one.placed)
        weight = one.placed.weight
        place = (weight.device, weight.data_ptr())
        if weight.numel() and place[1]:  # 0 is no place: a weight on no device, or one that is spread over several
            if place in places:
                raise RegularizeError(
                    f"{places[place]} and {one.placed.name} are two parameters in the same memory, which would be "
                    "shrunk twice: share the parameter itself"
                )
            places[place] = one.placed.name
    return [[found[id(one)] for one in group["params"] if id(one) in found] for group in optimiser.param_groups]


def _of_model(optimiser: Optimizer, penalties: Sequence[WeightPenalty], model: nn.Module) -> dict[int, Planned]:
    parameters = parameters_of(model)
    own = {id(one) for group in optimiser.param_groups for one in group["params"]}
    if not any(id(one) in own for one in model.parameters()):
        raise RegularizeError(
            "the optimiser and the model share no parameters: make the optimiser from model.parameters(), of the same "
            "model, after it was copied or loaded"
        )
    placed: dict[int, Placed] = {}
    asked: dict[int, Asked] = {}
    for number, penalty in enumerate(penalties):
        seen = [pair for pair in penalty.selection(parameters).seen if _is_optimised(pair[0], own)]
        if not seen:
            raise RegularizeError(
                f"no parameter that {type(penalty).__name__} sees is in the optimiser: add it there, or leave the "
                "penalty away"
            )
        for one, amount in seen:
            this = penalty.place(one, wanted="proximal step")
            key = id(this.weight)
            kept = placed.get(key)
            placed[key] = this if kept is None or kept.layout is None else kept
            asked[key] = (*asked.get(key, ()), (number, amount))
    return {key: Planned(placed=placed[key], asked=asked[key]) for key in placed}


def _is_optimised(one: ModelParameter, own: set[int]) -> bool:
    if one.made_of:
        return any(id(parameter) in own for parameter in one.layer.parameters())
    return id(one.tensor) in own


def _without_model(optimiser: Optimizer, penalties: Sequence[WeightPenalty]) -> dict[int, Planned]:
    for penalty in penalties:
        _check_needs_no_model(penalty)
    found: dict[int, Planned] = {}
    for number, group in enumerate(optimiser.param_groups):
        for position, parameter in enumerate(group["params"]):
            if parameter.dim() < 2:
                continue
            name = _name(group, number, position, parameter)
            check_tensor(name, parameter)
            if not parameter.requires_grad:
                raise RegularizeError(f"{name} is frozen (requires_grad=False): leave it out of the optimiser")
            found[id(parameter)] = Planned(
                placed=Placed(name=name, weight=parameter, layout=None),
                asked=tuple((i, float(penalty.amount)) for i, penalty in enumerate(penalties)),  # type: ignore[arg-type] # no mapping, as checked
            )
    if not found:
        raise RegularizeError(
            "the optimiser has no weights: without the model, tensors of two or more dimensions are penalised, and it "
            "has none; give model=model, and the kinds of parameters to penalise"
        )
    return found


def _check_needs_no_model(penalty: WeightPenalty) -> None:
    wishes = {
        "strengths by patterns of names": isinstance(penalty.amount, Mapping),
        "only=": bool(penalty.only),
        "exclude=": bool(penalty.exclude),
        "kinds= of parameters": tuple(penalty.kinds) != ("weight",),
        "knowing inputs from units": penalty.terms(1.0).grouped,
    }
    for wish, wished in wishes.items():
        if wished:
            raise RegularizeError(
                f"{type(penalty).__name__} needs the model for {wish}: Proximal(optimiser, penalty, model=model)"
            )


def _name(group: Mapping[str, Any], number: int, position: int, parameter: Tensor) -> str:
    names = group.get("param_names")
    return names[position] if names else f"parameter {position} of group {number}, {list(parameter.shape)},"
