"""Gradients are clipped as torch clips them, and each member's as if it were alone."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.regularize.zoo import ZOO, equal_bits, make
from torch import nn
from torch.nn.utils import clip_grad_norm_

from evenfit.errors import RegularizeError
from evenfit.regularize.clipping import clip_gradients_

BOUNDS = st.just(0.0) | st.just(float("inf")) | st.floats(1e-3, 20)


def stacked(seed, *, members=3, dtype=torch.float64):
    """Parameters of members with gradients, one of them without, one of them not contiguous."""
    generator = torch.Generator().manual_seed(seed)
    weights = [nn.Parameter(torch.zeros(*shape, dtype=dtype)) for shape in ((members, 4, 2), (members, 3), (members,))]
    for one in weights:
        one.grad = 2 * torch.randn(one.shape, generator=generator, dtype=dtype)
    weights[0].grad = weights[0].grad.transpose(1, 2).contiguous().transpose(1, 2)
    return [*weights, nn.Parameter(torch.zeros(7))]


@pytest.mark.parametrize("kind", ZOO)
@pytest.mark.parametrize("bound", [0.0, 0.01, 1e6, float("inf")])
def test_without_members_it_is_torch_s_own(kind, bound):
    ends = []
    for clip in (clip_gradients_, lambda model, most: clip_grad_norm_(model.parameters(), most)):
        model, batch = make(kind)
        model.eval()(batch).square().mean().backward()
        norm = clip(model, bound)
        ends.append([norm, *(one.grad for one in model.parameters() if one.grad is not None)])
    assert len(ends[0]) > 1
    assert all(equal_bits(*pair) for pair in zip(*ends, strict=True))


@given(bounds=st.lists(BOUNDS, min_size=3, max_size=3), seed=st.integers(0, 999))
def test_a_member_is_clipped_as_if_it_were_alone(bounds, seed):
    together, alone = stacked(seed), stacked(seed)
    norms = clip_gradients_(together, torch.tensor(bounds, dtype=torch.float64), members=True)
    for m in range(3):
        own = [nn.Parameter(one[m].detach()) for one in alone[:3]]
        for part, one in zip(own, alone, strict=False):
            part.grad = one.grad[m].clone()
        torch.testing.assert_close(norms[m], clip_grad_norm_(own, bounds[m]))
        for part, one in zip(own, together, strict=False):
            torch.testing.assert_close(part.grad, one.grad[m])


@given(bound=st.floats(1e-3, 20), seed=st.integers(0, 999))
def test_no_member_s_norm_is_above_the_bound_and_those_below_it_are_untouched(bound, seed):
    weights, before = stacked(seed), [one.grad.clone() for one in stacked(seed)[:3]]
    norms = clip_gradients_(weights, bound, members=True)
    rows = torch.cat([one.grad.reshape(3, -1) for one in weights[:3]], dim=1)
    assert (rows.norm(dim=1) <= torch.minimum(norms, torch.tensor(bound)) * (1 + 1e-12)).all()
    for m in range(3):
        if norms[m] + 1e-6 <= bound:
            assert all(equal_bits(one.grad[m], old[m]) for one, old in zip(weights, before, strict=False))


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_member_whose_gradient_is_not_finite_does_not_reach_its_neighbours(bad):
    weights, expected = stacked(1), stacked(1)
    weights[0].grad[1, 0, 0] = bad
    norms = clip_gradients_(weights, 1.0, members=True)
    assert norms.isfinite().tolist() == [True, False, True]
    clip_gradients_(expected, 1.0, members=True)
    for one, other in zip(weights[:3], expected[:3], strict=True):
        assert equal_bits(one.grad[[0, 2]], other.grad[[0, 2]])


def test_infinity_changes_nothing():
    weights, before = stacked(2), [one.grad.clone() for one in stacked(2)[:3]]
    weights[0].grad[1, 0, 0] = before[0][1, 0, 0] = float("inf")
    clip_gradients_(weights, float("inf"), members=True)
    assert all(equal_bits(one.grad, old) for one, old in zip(weights, before, strict=False))


def test_a_large_gradient_of_half_precision_is_clipped_and_not_lost():
    weight = nn.Parameter(torch.zeros(2, 4, dtype=torch.float16))
    weight.grad = torch.full((2, 4), 6e4, dtype=torch.float16)  # the norm is beyond half precision
    norms = clip_gradients_(weight, 1.0, members=True)
    torch.testing.assert_close(norms, torch.full((2,), 1.2e5), rtol=1e-3, atol=0)
    torch.testing.assert_close(weight.grad, torch.full((2, 4), 0.5, dtype=torch.float16))


def test_complex_gradients_have_a_norm():
    weight = nn.Parameter(torch.zeros(2, 1, dtype=torch.complex64))
    weight.grad = torch.tensor([[3 + 4j], [0.3 + 0.4j]])
    torch.testing.assert_close(clip_gradients_(weight, 1.0, members=True), torch.tensor([5.0, 0.5]))
    torch.testing.assert_close(weight.grad, torch.tensor([[0.6 + 0.8j], [0.3 + 0.4j]]))


def test_members_of_torch_func_are_clipped():
    models = [nn.Linear(3, 2) for _ in range(4)]
    weights, _ = torch.func.stack_module_state(models)
    x = torch.randn(5, 3)
    outputs = torch.func.vmap(lambda w: torch.func.functional_call(models[0], w, (x,)))(weights)
    (outputs.square().sum((1, 2)) * torch.tensor([1.0, 10.0, 100.0, 1000.0])).sum().backward()
    assert (clip_gradients_(weights.values(), 0.1, members=True) > 0.1).all()
    norms = torch.cat([one.grad.reshape(4, -1) for one in weights.values()], dim=1).norm(dim=1)
    torch.testing.assert_close(norms, torch.full((4,), 0.1), rtol=1e-4, atol=0)


def test_without_a_gradient_the_norm_is_zero():
    assert clip_gradients_(nn.Linear(1, 1), 1.0) == 0
    assert clip_gradients_(nn.ReLU(), 1.0) == 0
    assert torch.equal(clip_gradients_(nn.Linear(1, 1), torch.ones(3), members=True), torch.zeros(3))


def test_what_cannot_be_clipped_is_refused():
    weight, other = nn.Parameter(torch.zeros(2, 3)), nn.Parameter(torch.zeros(3))
    weight.grad, other.grad = torch.ones(2, 3), torch.ones(3)
    for bound in (-1.0, float("nan"), torch.tensor([1.0, -1.0])):
        with pytest.raises(RegularizeError, match="bound of a gradient's norm must be at least 0"):
            clip_gradients_([weight], bound, members=True)
    with pytest.raises(RegularizeError, match="a bound for each member needs members=True"):
        clip_gradients_([weight], torch.ones(2))
    with pytest.raises(RegularizeError, match=r"first axis of every gradient .* got the shapes \[2, 3\], \[3\]"):
        clip_gradients_([weight, other], 1.0, members=True)
    with pytest.raises(RegularizeError, match=r"one for each of the 2 members; got \[3\]"):
        clip_gradients_([weight], torch.ones(3), members=True)
    weight.grad = torch.ones(2, 3).to_sparse()
    with pytest.raises(RegularizeError, match="a sparse gradient cannot be clipped for each member"):
        clip_gradients_([weight], 1.0, members=True)
