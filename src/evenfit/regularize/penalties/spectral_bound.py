"""Spectral bound: a bound for the largest singular value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from evenfit.regularize.penalties.terms import Terms
from evenfit.regularize.penalties.weight_penalty import Bound


@final
@dataclass(frozen=True)
class SpectralBound(Bound):
    """Spectral bound: the largest singular value of each weight's matrix is at most the bound.

    The matrix is ``[units, inputs x kernel]``, for each group of a convolution and each projection of attention; the
    gates of a recurrent layer stand below one another. Of a convolution it bounds that matrix, not the map of images.
    The projection takes a singular value decomposition of each weight that may be beyond the bound, after every step:
    tens of milliseconds for 512 x 512.

    Raises:
        RegularizeError: a bound that is not above 0.

    Source: Yoshida & Miyato, "Spectral norm regularization for improving the generalizability of deep learning", 2017.

    Example:
        >>> import torch
        >>> layer = torch.nn.Linear(2, 2)
        >>> _ = layer.weight.data.copy_(torch.diag(torch.tensor([3.0, 1.0])))
        >>> SpectralBound(bound=2.0)(layer).item(), SpectralBound(bound=3.0)(layer).item()
        (inf, 0.0)
    """

    def terms(self, amount: float) -> Terms:
        """Give the bound of singular values."""
        return Terms(spectral=amount)
