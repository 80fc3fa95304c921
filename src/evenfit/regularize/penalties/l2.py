"""L2: the sum of squares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import StrengthPenalty


@final
@dataclass(frozen=True)
class L2(StrengthPenalty):
    """L2, lambda sum w^2, without a half: torch's ``weight_decay`` of SGD is 2 lambda.

    ``to_weight_decay`` and ``from_weight_decay`` convert. In front of a normalisation layer L2 does not limit what a
    network can be, it raises the learning rate in effect (Zhang et al., "Three mechanisms of weight decay
    regularization", 2019).

    Raises:
        RegularizeError: a negative strength.

    Source: Hoerl & Kennard, "Ridge regression", 1970.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> _ = torch.nn.init.constant_(layer.weight, 3.0)
        >>> L2(strength=0.5)(layer).item()
        9.0
    """

    def terms(self, amount: float) -> Terms:
        """Give lambda for squares."""
        return Terms(l2=amount)
