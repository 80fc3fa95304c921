"""Constraints applied once: a model's weights are brought within a bound, in place."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from evenfit.regularize.parameters import parameters_of
from evenfit.regularize.penalties.max_norm import MaxNorm
from evenfit.regularize.penalties.spectral_bound import SpectralBound
from evenfit.regularize.penalties.terms import project_
from evenfit.regularize.penalties.unit_norm import UnitNorm
from evenfit.regularize.penalties.weight_penalty import WeightPenalty
from evenfit.regularize.selection import Strength, Where

_WEIGHTS = ("weight",)


def max_norm_(
    model: nn.Module,
    bound: Strength,
    *,
    kinds: str | Sequence[str] = _WEIGHTS,
    only: Where | Sequence[Where] = (),
    exclude: Where | Sequence[Where] = (),
) -> nn.Module:
    """Bring the norm of each unit's incoming weights down to the bound, where it is above; give the model.

    To keep the bound in training call it after each step of the optimiser, or let ``Proximal`` do so with ``MaxNorm``,
    whose arguments these are. Frozen weights are brought within the bound too.

    Raises:
        RegularizeError: as of ``MaxNorm``; a weight that is computed from others.

    Example:
        >>> layer = max_norm_(nn.Linear(8, 2), 0.1)
        >>> bool((layer.weight.norm(dim=1) <= 0.1).all())
        True
    """
    return _project(model, MaxNorm(bound, kinds=kinds, only=only, exclude=exclude))


def unit_norm_(
    model: nn.Module,
    *,
    kinds: str | Sequence[str] = _WEIGHTS,
    only: Where | Sequence[Where] = (),
    exclude: Where | Sequence[Where] = (),
) -> nn.Module:
    """Scale each unit's incoming weights to norm 1, units of zeros left; give the model.

    The arguments are those of ``UnitNorm``.

    Raises:
        RegularizeError: as of ``UnitNorm``; a weight that is computed from others.

    Example:
        >>> layer = unit_norm_(nn.Linear(8, 2))
        >>> layer.weight.detach().norm(dim=1)
        tensor([1.0000, 1.0000])
    """
    return _project(model, UnitNorm(kinds=kinds, only=only, exclude=exclude))


def spectral_bound_(
    model: nn.Module,
    bound: Strength,
    *,
    kinds: str | Sequence[str] = _WEIGHTS,
    only: Where | Sequence[Where] = (),
    exclude: Where | Sequence[Where] = (),
) -> nn.Module:
    """Cut the singular values of each weight's matrix at the bound; give the model.

    The arguments are those of ``SpectralBound``.

    Raises:
        RegularizeError: as of ``SpectralBound``; a weight that is computed from others, or is not finite.

    Example:
        >>> layer = spectral_bound_(nn.Linear(8, 2), 0.1)
        >>> bool(layer.weight.svd().S.max() < 0.10001)
        True
    """
    return _project(model, SpectralBound(bound, kinds=kinds, only=only, exclude=exclude))


def _project(model: nn.Module, constraint: WeightPenalty) -> nn.Module:
    # All weights are looked at before the first is changed: an error leaves the model as it was.
    seen = constraint.selection(parameters_of(model)).seen
    work = [
        (constraint.terms(amount), constraint.place(one, wanted="projection", frozen=False)) for one, amount in seen
    ]
    for terms, placed in work:
        project_(terms, placed)
    return model
