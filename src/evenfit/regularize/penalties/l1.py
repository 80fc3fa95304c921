"""L1: the sum of absolute values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import StrengthPenalty


@final
@dataclass(frozen=True)
class L1(StrengthPenalty):
    """L1, lambda sum|w|: drives single weights to exactly 0, if it is taken as a proximal step.

    In the loss, a step along its (sub)gradient never gives exact zeros.

    Raises:
        RegularizeError: a negative strength.

    Source: Tibshirani, "Regression shrinkage and selection via the lasso", 1996.

    Example:
        >>> import torch
        >>> model = torch.nn.Linear(3, 1)
        >>> value = L1(strength=1e-3)(model)
        >>> optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> from evenfit.regularize.proximal import Proximal
        >>> optimiser = Proximal(optimiser, L1(strength=1e-3), model=model)
    """

    def terms(self, amount: float) -> Terms:
        """Give lambda for single weights."""
        return Terms(l1=amount)
