"""Laws that every penalty of PENALTIES keeps."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from tests.regularize.penalties.samples import (
    ALL,
    BOUNDS,
    SAMPLES,
    WITH_STRENGTH,
    amount,
    gradient,
    layer_of,
    named,
    prox,
    stepped,
    value,
)
from tests.regularize.zoo import equal_bits
from torch import nn

import evenfit.regularize as er


def weights(**options):
    numbers = st.one_of(st.sampled_from([0.0, -0.0, 1.0, -0.5, 0.35]), st.floats(-3, 3, **options))
    shapes = st.tuples(st.integers(1, 3), st.integers(1, 3))
    return hnp.arrays(np.float64, shapes, elements=numbers).map(torch.tensor)


WEIGHTS = weights()
STEPS = st.sampled_from([0.0, 0.1, 0.5, 2.0])


def candidates_near(weight, reached):
    """Points around where a step led, on the way there, and where it came from."""
    random = torch.Generator().manual_seed(0)
    scales = torch.logspace(-4, 0.5, 40, dtype=weight.dtype)[:, None, None]
    nearby = reached + scales * torch.randn(40, *weight.shape, generator=random, dtype=weight.dtype)
    shares = torch.linspace(0, 1.2, 13, dtype=weight.dtype)[:, None, None]
    return torch.cat([nearby, shares * weight, shares * reached, weight[None], torch.zeros(1, *weight.shape)])


def test_the_table_names_every_penalty_and_is_sorted():
    assert list(er.PENALTIES) == sorted(er.PENALTIES)
    assert set(SAMPLES) == set(er.PENALTIES) - {"activity-l1"}
    assert all(type(one) is er.PENALTIES[name] for name, listed in SAMPLES.items() for one in listed)


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
@settings(max_examples=12)
@given(weight=WEIGHTS, step=STEPS)
def test_no_other_point_has_a_lower_objective_than_the_proximal_step(penalty, weight, step):
    reached = stepped(penalty, weight, step)
    points = torch.cat([reached[None], candidates_near(weight, reached)])
    costs = value(penalty, points, strength=torch.full((len(points),), penalty.strength, dtype=weight.dtype))
    objective = ((points - weight) ** 2).sum((1, 2)) / 2 + step * costs
    assert (objective >= objective[0] - 1e-9 * (1 + weight.square().sum())).all()


@pytest.mark.parametrize("penalty", BOUNDS, ids=named)
@settings(max_examples=10)
@given(weight=WEIGHTS)
def test_no_other_point_that_keeps_a_bound_is_nearer_than_the_projection(penalty, weight):
    reached = stepped(penalty, weight, 0.1)
    assert penalty(layer_of(reached)) == 0
    points = [stepped(penalty, one, 0.1) for one in candidates_near(weight, reached)[::4]]
    points += [0.97 * one for one in points]
    points = torch.stack([one for one in points if penalty(layer_of(one)) == 0])
    if isinstance(penalty, er.UnitNorm):  # the nearest of norm 1: a unit of zeros counts as kept, but is never reached
        points = points[(points.norm(dim=2) > 0).all(1)]
    distances = ((points - weight) ** 2).sum((1, 2))
    assert (distances >= ((reached - weight) ** 2).sum() - 1e-9 * (1 + weight.square().sum())).all()
    torch.testing.assert_close(stepped(penalty, reached, 0.1), reached, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
@pytest.mark.parametrize("start", [(0.5, -1.1), (0.05, 0.1), (2.0, 0.0), (-0.36, 0.36)])
def test_the_proximal_operator_minimises_its_objective_on_a_grid(penalty, start):
    axis = torch.linspace(-2.5, 2.5, 251, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 1, 2)
    weight, step = torch.tensor([start], dtype=torch.float64), 0.5
    costs = value(penalty, grid, strength=torch.full((len(grid),), penalty.strength, dtype=torch.float64))
    lowest = (((grid - weight) ** 2).sum((1, 2)) / 2 + step * costs).argmin()
    reached = prox(penalty, weight, strength=penalty.strength, step=step)
    torch.testing.assert_close(reached, grid[lowest], atol=0.0101, rtol=0)


@pytest.mark.parametrize("penalty", ALL, ids=named)
@settings(max_examples=12)
@given(weight=WEIGHTS, step=STEPS)
def test_proximal_and_the_plain_function_agree(penalty, weight, step):
    plain = prox(penalty, weight, strength=amount(penalty), step=step)
    torch.testing.assert_close(stepped(penalty, weight, step), plain, atol=1e-12, rtol=1e-12)
    assert torch.equal(stepped(penalty, weight, step) == 0, plain == 0)


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_a_strength_of_zero_changes_nothing_bit_for_bit(penalty):
    none = dataclasses.replace(penalty, strength=0.0)
    numbers = [[-0.0, 0.0, 1e-310], [float("nan"), -1.5, 3e38], [1e-45, float("inf"), -1e-30]]
    weight = torch.tensor(numbers, dtype=torch.float64)
    assert equal_bits(stepped(none, weight, 0.1), weight - 0.1 * torch.zeros(3, 3))
    assert equal_bits(prox(none, weight, strength=0.0, step=0.1), weight)
    layer = layer_of(torch.ones(2, 2))
    (layer(torch.ones(1, 2)).sum() + none(layer)).backward()
    alone = layer_of(torch.ones(2, 2))
    alone(torch.ones(1, 2)).sum().backward()
    assert equal_bits(layer.weight.grad, alone.weight.grad)
    layer.zero_grad()
    none(layer).backward()
    assert layer.weight.grad is None


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_a_members_strength_of_zero_changes_nothing_bit_for_bit(penalty):
    weight = torch.tensor([[[-0.0, 0.0, 1.0, 0.0], [-1.5, 2e-39, 3.0, -0.0], [0.0, 0.0, -0.0, 0.0]]] * 2)
    strengths = torch.tensor([0.0, 1.0])
    assert equal_bits(prox(penalty, weight, strength=strengths, step=0.5)[0], weight[0])


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
@settings(max_examples=12)
@given(weight=weights(allow_subnormal=False))
def test_the_gradient_is_that_of_the_value(penalty, weight):
    layer = layer_of(weight)
    penalty(layer).backward()
    torch.testing.assert_close(penalty.gradient(layer)["weight"], layer.weight.grad, atol=1e-10, rtol=1e-10)
    plain = gradient(penalty, weight, strength=penalty.strength)
    torch.testing.assert_close(plain, layer.weight.grad, atol=1e-10, rtol=1e-10)


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_the_gradient_is_that_of_finite_differences_away_from_corners(penalty):
    weight = torch.tensor([[0.5, -1.25, 0.3], [2.0, 0.75, -0.6]], dtype=torch.float64)
    spread = 1e-6
    for place in np.ndindex(2, 3):
        up, down = weight.clone(), weight.clone()
        up[place] += spread
        down[place] -= spread
        slope = (penalty(layer_of(up)) - penalty(layer_of(down))) / (2 * spread)
        assert penalty.gradient(layer_of(weight))["weight"][place] == pytest.approx(slope.item(), abs=1e-7)


@pytest.mark.parametrize("penalty", ALL, ids=named)
@settings(max_examples=8)
@given(weight=WEIGHTS, strengths=st.lists(st.sampled_from([0.2, 0.7, 3.0]), min_size=2, max_size=4))
def test_members_are_each_as_one_alone(penalty, weight, strengths):
    weights = torch.stack([weight + 0.1 * number for number in range(len(strengths))])
    together = prox(penalty, weights, strength=torch.tensor(strengths, dtype=torch.float64), step=0.3)
    for number, strength in enumerate(strengths):
        alone = prox(penalty, weights[number], strength=strength, step=0.3)
        torch.testing.assert_close(together[number], alone, atol=1e-12, rtol=1e-12)


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_a_member_has_its_own_value_gradient_and_step_size(penalty):
    weights = torch.randn(3, 2, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    strengths, steps = torch.tensor([0.1, 0.5, 2.0]), torch.tensor([0.3, 0.1, 0.2])
    values = value(penalty, weights, strength=strengths)
    gradients = gradient(penalty, weights, strength=strengths)
    moved = prox(penalty, weights, strength=0.7, step=steps)
    for number in range(3):
        strength, step = strengths[number].item(), steps[number].item()
        close = {"atol": 1e-7, "rtol": 1e-7}
        torch.testing.assert_close(values[number], value(penalty, weights[number], strength=strength), **close)
        torch.testing.assert_close(gradients[number], gradient(penalty, weights[number], strength=strength), **close)
        torch.testing.assert_close(moved[number], prox(penalty, weights[number], strength=0.7, step=step), **close)


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_stronger_is_never_less_and_strong_enough_is_all_zeros(penalty):
    weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(2))
    sizes = [prox(penalty, weight, strength=strength, step=0.1).abs().sum() for strength in (0.0, 0.5, 1.0, 5.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]
    if not (isinstance(penalty, er.L2) or getattr(penalty, "beta", 1.0) == 0):  # these shrink, and do not select
        assert (prox(penalty, weight, strength=1e6, step=0.1) == 0).all()


@pytest.mark.parametrize("penalty", ALL, ids=named)
def test_penalties_are_frozen_values(penalty):
    name = dataclasses.fields(penalty)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(penalty, name, 1.0)
    assert penalty == dataclasses.replace(penalty)


@pytest.mark.parametrize("penalty", ALL, ids=named)
def test_penalties_can_be_copied_and_pickled_and_sent_through_vmap(penalty):
    assert copy.deepcopy(penalty) == penalty
    assert pickle.loads(pickle.dumps(penalty)) == penalty  # noqa: S301 - its own
    if isinstance(penalty, er.SpectralBound):
        return  # a decomposition is taken only where it is needed, which a batched number cannot say
    weights = torch.randn(3, 2, 4, generator=torch.Generator().manual_seed(1))
    mapped = torch.func.vmap(lambda one: prox(penalty, one, strength=amount(penalty), step=0.1))(weights)
    each = torch.stack([prox(penalty, one, strength=amount(penalty), step=0.1) for one in weights])
    torch.testing.assert_close(mapped, each)


def test_the_elastic_net_is_the_notes_form():
    layer = nn.Linear(3, 2)
    w = layer.weight
    torch.testing.assert_close(
        er.ElasticNet(0.4, beta=0.3)(layer), 0.4 * (0.3 * w.abs() + 0.7 / 2 * w**2).sum(), rtol=1e-6, atol=0
    )
    torch.testing.assert_close(er.L2(0.4)(layer), 0.4 * (w**2).sum(), rtol=1e-6, atol=0)
    torch.testing.assert_close(2 * er.ElasticNet(0.4, beta=0.0)(layer), er.L2(0.4)(layer))
    torch.testing.assert_close(er.ElasticNet(0.4, beta=1.0)(layer), er.L1(0.4)(layer))
    torch.testing.assert_close(
        er.SparseGroupLasso(0.4, beta=0.3)(layer),
        0.4 * (0.3 * w.abs().sum() + 0.7 * w.norm(dim=0).sum()),
        rtol=1e-6,
        atol=0,
    )
