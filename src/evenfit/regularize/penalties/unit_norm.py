"""Unit norm: each unit's incoming weights have norm 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import WeightPenalty


@final
@dataclass(frozen=True)
class UnitNorm(WeightPenalty):
    """Unit norm: the norm of each unit's incoming weights is 1.

    Units whose weights are all 0 have no direction: they stay, and count as kept. As a value it is 0 where it is kept,
    and infinite where not.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> _ = layer.weight.data.copy_(torch.tensor([[0.6, 0.8]]))
        >>> UnitNorm()(layer).item()
        0.0
    """

    @property
    def amount(self) -> float:
        """The norm."""
        return 1.0

    def share(self, progress: float | None) -> float:  # noqa: ARG002 - it has no schedule
        """Give 1: it does not change."""
        return 1.0

    def terms(self, amount: float) -> Terms:  # noqa: ARG002 - it is always 1
        """Ask for norms of 1."""
        return Terms(unit_norm=True)
