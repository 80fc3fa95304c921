"""Elastic net: L1 and L2 together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import StrengthPenalty, check_beta


@final
@dataclass(frozen=True)
class ElasticNet(StrengthPenalty):
    """Elastic net, lambda sum(beta |w| + (1 - beta) / 2 w^2), with its half.

    So beta 1 is ``L1(strength)``, and beta 0 is half of ``L2(strength)``. Of inputs that are alike it keeps all or
    none, where L1 keeps one of them. Beta is scikit-learn's ``l1_ratio``.

    Args:
        beta: the share of L1, in [0, 1].

    Raises:
        RegularizeError: a negative strength, or beta outside [0, 1].

    Source: Zou & Hastie, "Regularization and variable selection via the elastic net", 2005.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> _ = torch.nn.init.constant_(layer.weight, 2.0)
        >>> ElasticNet(strength=1.0, beta=0.5)(layer).item()
        4.0
    """

    beta: float = field(default=0.5, kw_only=True, metadata={"check": check_beta})

    def terms(self, amount: float) -> Terms:
        """Give lambda's parts for single weights and for squares."""
        return Terms(l1=amount * self.beta, l2=amount * (1 - self.beta) / 2)
