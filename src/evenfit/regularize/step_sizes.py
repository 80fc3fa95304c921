"""Step sizes: how far an optimiser's step goes along a constant gradient, which is what a proximal step must match."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from evenfit.errors import RegularizeError
from evenfit.regularize.penalties.amounts import Amount

StepSize = Callable[[Mapping[str, Any]], Amount]  # of a parameter group


def step_size(optimiser: Optimizer, group: Mapping[str, Any], state: Mapping[str, Any]) -> Amount:
    """Give the step size of one parameter group, right after a step.

    For SGD, where momentum gathers a constant gradient (1 - dampening) / (1 - momentum) times, it is
    eta (1 - dampening) / (1 - momentum), with Nesterov's momentum too; a proximal step of this size leaves the
    minimiser of J + lambda R where it is. RMSprop's momentum gathers alike; ASGD takes its own falling eta. For all
    others, which divide the gradient by its size and keep their momentum a mean, it is the bare learning rate.

    Args:
        optimiser: that takes the steps, without what wraps it.
        group: of its parameters.
        state: of any parameter of the group.

    Raises:
        RegularizeError: the group has no learning rate, or a momentum of 1.

    Example:
        >>> sgd = torch.optim.SGD([torch.zeros(1)], lr=0.1, momentum=0.75)
        >>> step_size(sgd, sgd.param_groups[0], {})
        0.4
    """
    rate: Amount | None = group.get("lr")
    if rate is None:
        raise RegularizeError(
            f"a group of {type(optimiser).__name__} has no learning rate 'lr': say how far its steps go with step_size="
        )
    if isinstance(rate, Tensor):
        # On a device it stays a tensor, so that a captured graph sees it change.
        rate = float(rate) if rate.device.type == "cpu" else rate.reshape(())
    if isinstance(optimiser, torch.optim.ASGD):
        return _averaged(group, state, rate)
    if isinstance(optimiser, torch.optim.SGD | torch.optim.RMSprop) and group["momentum"]:
        momentum, dampening = float(group["momentum"]), float(group.get("dampening", 0))
        if momentum >= 1:
            raise RegularizeError(f"with a momentum of {momentum} a constant gradient is gathered without end")
        return rate * ((1 - dampening) / (1 - momentum))
    return rate


def _averaged(group: Mapping[str, Any], state: Mapping[str, Any], rate: Amount) -> Amount:
    """Give ASGD's eta of the step that was taken: its state has that of the next one."""
    taken: Amount = state["step"] - 1 if "step" in state else 0.0
    if isinstance(taken, Tensor) and taken.device.type == "cpu":
        taken = float(taken)
    eta: Amount = rate / (1 + group["lambd"] * rate * taken) ** group["alpha"]
    return eta
