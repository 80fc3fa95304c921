"""Sparse group lasso: L1 and group lasso together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import final

from evenfit.regularize.penalties.groups import check_groups
from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import StrengthPenalty, check_beta


@final
@dataclass(frozen=True)
class SparseGroupLasso(StrengthPenalty):
    """Sparse group lasso, lambda (beta sum|w| + (1 - beta) sum_g ||w_g||): whole groups, and weights within them.

    Args:
        beta: the share of L1, in [0, 1].
        groups: "inputs", "units" or "filters", as of ``GroupLasso``; not scaled by their size either.

    Raises:
        RegularizeError: a negative strength, beta outside [0, 1], or unknown groups.

    Source: Simon, Friedman, Hastie & Tibshirani, "A sparse-group lasso", 2013.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 2)
        >>> _ = layer.weight.data.copy_(torch.tensor([[3.0, 0.0], [4.0, 0.0]]))
        >>> SparseGroupLasso(strength=1.0, beta=0.5)(layer).item()
        6.0
    """

    beta: float = field(default=0.5, kw_only=True, metadata={"check": check_beta})
    groups: str = field(default="inputs", kw_only=True, metadata={"check": check_groups})

    def terms(self, amount: float) -> Terms:
        """Give lambda's parts for single weights and for groups."""
        shared = amount * (1 - self.beta)
        whole = Terms(inputs=shared) if self.groups == "inputs" else Terms(units=shared)
        return Terms(l1=amount * self.beta) + whole
