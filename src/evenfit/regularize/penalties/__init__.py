"""Penalties on weights and activations.

To add one, write a class in a file of its own, say in ``Terms`` what it asks of one weight, and name it in
``PENALTIES``: ``tests/regularize/penalties`` then holds it to the laws that all share. ``Proximal`` takes what the
terms say as a step; ``elementwise``, ``grouped`` and ``bounds`` have the same as functions of a tensor, with members.
"""

from __future__ import annotations

from evenfit.regularize.penalties.activity_l1 import ActivityL1
from evenfit.regularize.penalties.elastic_net import ElasticNet
from evenfit.regularize.penalties.group_lasso import GroupLasso
from evenfit.regularize.penalties.l1 import L1
from evenfit.regularize.penalties.l2 import L2
from evenfit.regularize.penalties.max_norm import MaxNorm
from evenfit.regularize.penalties.penalty import Penalty
from evenfit.regularize.penalties.sparse_group_lasso import SparseGroupLasso
from evenfit.regularize.penalties.spectral_bound import SpectralBound
from evenfit.regularize.penalties.unit_norm import UnitNorm

PENALTIES: dict[str, type[Penalty]] = {
    "activity-l1": ActivityL1,
    "elastic-net": ElasticNet,
    "group-lasso": GroupLasso,
    "l1": L1,
    "l2": L2,
    "max-norm": MaxNorm,
    "sparse-group-lasso": SparseGroupLasso,
    "spectral-bound": SpectralBound,
    "unit-norm": UnitNorm,
}
