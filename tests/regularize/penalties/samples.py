"""Penalties of every kind, and what they are as functions of a tensor."""

import torch
from torch import nn

import evenfit.regularize as er

# One or two of each kind in PENALTIES, activities apart.
SAMPLES = {
    "elastic-net": [er.ElasticNet(0.7, beta=0.3), er.ElasticNet(0.7, beta=1.0), er.ElasticNet(0.7, beta=0.0)],
    "group-lasso": [er.GroupLasso(0.7), er.GroupLasso(0.7, groups="units")],
    "l1": [er.L1(0.7)],
    "l2": [er.L2(0.7)],
    "max-norm": [er.MaxNorm(0.8)],
    "sparse-group-lasso": [er.SparseGroupLasso(0.7, beta=0.4), er.SparseGroupLasso(0.7, beta=0.4, groups="units")],
    "spectral-bound": [er.SpectralBound(0.8)],
    "unit-norm": [er.UnitNorm()],
}
ALL = [one for listed in SAMPLES.values() for one in listed]
WITH_STRENGTH = [one for one in ALL if hasattr(one, "strength")]
BOUNDS = [one for one in ALL if not hasattr(one, "strength")]


def named(penalty):
    """A short name for the test's report."""
    kept = [str(getattr(penalty, name)) for name in ("beta", "groups") if hasattr(penalty, name)]
    return "-".join([type(penalty).__name__, *kept])


def prox(penalty, weight, *, strength, step):
    """The proximal operator of a penalty as a plain function."""
    match penalty:
        case er.L1():
            return er.l1_prox(weight, strength=strength, step=step)
        case er.L2():
            return er.l2_prox(weight, strength=strength, step=step)
        case er.ElasticNet():
            return er.elastic_net_prox(weight, strength=strength, beta=penalty.beta, step=step)
        case er.GroupLasso():
            return er.group_lasso_prox(weight, strength=strength, step=step, groups=penalty.groups)
        case er.SparseGroupLasso():
            return er.sparse_group_lasso_prox(
                weight, strength=strength, beta=penalty.beta, step=step, groups=penalty.groups
            )
        case er.MaxNorm():
            return er.max_norm_projection(weight, bound=strength)
        case er.SpectralBound():
            return er.spectral_projection(weight, bound=strength)
        case er.UnitNorm():
            return er.unit_norm_projection(weight, members=isinstance(strength, torch.Tensor))


def value(penalty, weight, *, strength):
    """The value of a penalty as a plain function."""
    match penalty:
        case er.L1():
            return er.l1_value(weight, strength=strength)
        case er.L2():
            return er.l2_value(weight, strength=strength)
        case er.ElasticNet():
            return er.elastic_net_value(weight, strength=strength, beta=penalty.beta)
        case er.GroupLasso():
            return er.group_lasso_value(weight, strength=strength, groups=penalty.groups)
        case er.SparseGroupLasso():
            return er.sparse_group_lasso_value(weight, strength=strength, beta=penalty.beta, groups=penalty.groups)


def gradient(penalty, weight, *, strength):
    """The gradient of a penalty as a plain function."""
    match penalty:
        case er.L1():
            return er.l1_gradient(weight, strength=strength)
        case er.L2():
            return er.l2_gradient(weight, strength=strength)
        case er.ElasticNet():
            return er.elastic_net_gradient(weight, strength=strength, beta=penalty.beta)
        case er.GroupLasso():
            return er.group_lasso_gradient(weight, strength=strength, groups=penalty.groups)
        case er.SparseGroupLasso():
            return er.sparse_group_lasso_gradient(weight, strength=strength, beta=penalty.beta, groups=penalty.groups)


def amount(penalty):
    """Its strength, or its bound, or 1."""
    return penalty.amount


def layer_of(weight):
    """A dense layer with that weight, without bias."""
    layer = nn.Linear(1, 1, bias=False)
    layer.weight = nn.Parameter(weight.clone())
    return layer


def stepped(penalty, weight, step):
    """What Proximal makes of a weight: a step of SGD along a gradient of 0, then the penalty's."""
    layer = layer_of(weight)
    optimiser = er.Proximal(torch.optim.SGD(layer.parameters(), lr=step), penalty, model=layer)
    layer.weight.grad = torch.zeros_like(layer.weight)
    optimiser.step()
    return layer.weight.detach().clone()
