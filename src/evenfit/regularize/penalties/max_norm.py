"""Max-norm: a bound for the norm of each unit's incoming weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import Bound


@final
@dataclass(frozen=True)
class MaxNorm(Bound):
    """Max-norm: the norm of each unit's incoming weights is at most the bound.

    A filter of a convolution is a unit; each gate of a recurrent layer's unit has a norm of its own. ``Proximal``
    projects after each step, ``max_norm_`` once.

    Raises:
        RegularizeError: a bound that is not above 0.

    Source: Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", 2014.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 1)
        >>> _ = torch.nn.init.constant_(layer.weight, 3.0)
        >>> MaxNorm(bound=1.0)(layer).item(), MaxNorm(bound=5.0)(layer).item()
        (inf, 0.0)
    """

    def terms(self, amount: float) -> Terms:
        """Give the bound of norms."""
        return Terms(max_norm=amount)
