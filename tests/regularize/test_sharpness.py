"""SAM steps with the gradient of the worst point nearby, from the point where it was."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.regularize.zoo import ZOO, equal_bits, make, same, snapshot
from torch import nn

from evenfit.errors import RegularizeError
from evenfit.regularize.copies import copied
from evenfit.regularize.penalties.l1 import L1
from evenfit.regularize.proximal import Proximal
from evenfit.regularize.sharpness import SAM

OPTIMISERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
}


def closure_of(model, batch, optimiser, seed=0):
    def closure():
        optimiser.zero_grad()
        with torch.random.fork_rng():
            torch.manual_seed(seed)  # both passes drop the same units
            loss = model(batch).square().mean()
        loss.backward()
        return loss

    return closure


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("kind", ["dense", "images", "tied", "recurrent", "frozen"])
def test_a_radius_of_zero_is_the_optimiser_s_own_step(name, kind):
    ends = []
    for wrapped in (True, False):
        model, batch = make(kind)
        optimiser = OPTIMISERS[name](model.parameters())
        stepping = SAM(optimiser, radius=0.0, model=model) if wrapped else optimiser
        losses = [stepping.step(closure_of(model, batch, stepping, seed)) for seed in range(3)]
        ends.append(copied(model) | {"losses": torch.stack(losses)})
    assert all(equal_bits(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.parametrize("adaptive", [False, True])
@given(radius=st.floats(1e-3, 1.0), seed=st.integers(0, 99))
def test_the_step_is_that_of_the_gradient_at_the_worst_point_nearby(adaptive, radius, seed):
    generator = torch.Generator().manual_seed(seed)
    w = torch.randn(4, generator=generator, dtype=torch.float64)
    matrix = torch.randn(4, 4, generator=generator, dtype=torch.float64)
    slope = 2 * matrix.T @ (matrix @ w)
    size = w.abs() if adaptive else torch.ones(4, dtype=torch.float64)
    away = w + radius * size**2 * slope / (size * slope).norm()
    expected = w - 0.1 * 2 * matrix.T @ (matrix @ away)

    parts = [nn.Parameter(w[:1].clone()), nn.Parameter(w[1:].clone())]  # the norm is that of all together
    sam = SAM(torch.optim.SGD([{"params": parts[:1]}, {"params": parts[1:]}], lr=0.1), radius=radius, adaptive=adaptive)

    def closure():
        sam.zero_grad()
        loss = (matrix @ torch.cat(parts)).square().sum()
        loss.backward()
        return loss

    loss = sam.step(closure)
    torch.testing.assert_close(loss, (matrix @ w).square().sum())
    torch.testing.assert_close(torch.cat(parts).detach(), expected)


def test_the_distance_is_the_radius():
    model, batch = make("images")
    sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1), radius=0.3)
    before = [one.detach().clone() for one in model.parameters()]
    closure_of(model, batch, sam)()
    sam.first_step()
    moved = torch.cat([(one - old).detach().flatten() for one, old in zip(model.parameters(), before, strict=True)])
    torch.testing.assert_close(moved.norm(), torch.tensor(0.3))
    assert all(one.grad is None for one in model.parameters())


@pytest.mark.parametrize("name", OPTIMISERS)
@pytest.mark.parametrize("kind", ZOO)
def test_two_calls_are_one_step_with_a_closure(name, kind):
    ends = []
    for by_closure in (True, False):
        model, batch = make(kind)
        sam = SAM(OPTIMISERS[name](model.parameters()), radius=0.1, model=model)
        for seed in range(2):
            closure = closure_of(model, batch, sam, seed)
            if by_closure:
                sam.step(closure)
            else:
                closure()
                sam.first_step()
                closure()
                sam.second_step()
        ends.append(copied(model))
    assert all(equal_bits(ends[0][key], ends[1][key]) for key in ends[0])


@pytest.mark.parametrize("kind", ZOO)
def test_weights_and_statistics_come_back_bit_for_bit(kind):
    model, batch = make(kind)
    sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1), radius=0.5, model=model)
    closure = closure_of(model, batch, sam)
    closure()
    before = snapshot(model)
    sam.first_step()
    assert not same(model, before)
    closure()
    sam.restore()
    if kind == "tied":
        model.seen.copy_(before["seen"][2])  # it counts its calls, and is no statistic
    assert same(model, before)


def test_without_the_model_the_second_pass_moves_statistics_too():
    counts = {}
    for known in (True, False):
        model, batch = make("dense")
        sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1), radius=0.5, model=model if known else None)
        sam.step(closure_of(model, batch, sam))
        counts[known] = int(model[1].num_batches_tracked)
    assert counts == {True: 1, False: 2}


def test_a_closure_that_fails_in_the_second_pass_leaves_the_weights_where_they_were():
    model, batch = make("dense")
    sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1), radius=0.5)
    weights, calls = [one.detach().clone() for one in model.parameters()], []

    def closure():
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("within")
        return closure_of(model, batch, sam)()

    with pytest.raises(RuntimeError, match="within"):
        sam.step(closure)
    assert all(equal_bits(*pair) for pair in zip(weights, model.parameters(), strict=True))
    sam.step(closure)  # and it can go on


def test_a_gradient_of_zero_moves_nothing_and_one_that_is_not_finite_does_no_lasting_harm():
    weight = nn.Parameter(torch.ones(3))
    sam = SAM(torch.optim.SGD([weight], lr=0.1), radius=0.5)
    weight.grad = torch.zeros(3)
    sam.first_step()
    assert equal_bits(weight, torch.ones(3))
    sam.restore()
    weight.grad = torch.tensor([1.0, float("inf"), 0.0])
    sam.first_step()
    assert not weight.isfinite().all()
    sam.restore()
    assert equal_bits(weight, torch.ones(3))


def test_a_large_gradient_of_half_precision_has_a_norm():
    weight = nn.Parameter(torch.zeros(2, dtype=torch.float16))
    sam = SAM(torch.optim.SGD([weight], lr=0.1), radius=1.0)
    weight.grad = torch.full((2,), 6e4, dtype=torch.float16)  # the norm is beyond half precision
    sam.first_step()
    torch.testing.assert_close(weight.detach().float(), torch.full((2,), 0.5**0.5), rtol=2e-3, atol=0)


def test_the_first_step_does_not_depend_on_the_scale_of_the_loss():
    ends = []
    for scale in (1.0, 2.0**16):
        model, batch = make("double")
        sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1), radius=0.5)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            (model(batch).square().mean() * scale).backward()
        sam.first_step()
        ends.append(copied(model))
    for key in ends[0]:
        torch.testing.assert_close(ends[0][key], ends[1][key])


@pytest.mark.parametrize("overflow", [False, True])
def test_a_gradient_scaler_steps_or_skips_and_the_weights_come_back_either_way(overflow):
    model, batch = make("frozen")
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    sam, scaler = SAM(optimiser, radius=0.5), torch.amp.GradScaler("cpu", init_scale=1024.0)
    weights = [one.detach().clone() for one in model.parameters()]
    scaler.scale(model(batch).square().mean()).backward()
    sam.first_step()
    scaler.scale(model(batch).square().mean() * (float("inf") if overflow else 1.0)).backward()
    sam.restore()
    scaler.step(optimiser)
    scaler.update()
    plain, _ = make("frozen")
    other = SAM(torch.optim.SGD(plain.parameters(), lr=0.1), radius=0.5)
    other.step(closure_of(plain, batch, other))
    for one, before, expected in zip(model.parameters(), weights, plain.parameters(), strict=True):
        if overflow:
            assert equal_bits(one, before)
        else:
            torch.testing.assert_close(one, expected)


def test_a_scheduler_may_hold_it_or_the_optimiser():
    model, batch = make("dense")
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    sam = SAM(optimiser, radius=0.1)
    schedulers = [torch.optim.lr_scheduler.ExponentialLR(one, gamma=0.5) for one in (sam, optimiser)]
    sam.step(closure_of(model, batch, sam))
    for scheduler in schedulers:
        scheduler.step()
    assert sam.param_groups[0]["lr"] == optimiser.param_groups[0]["lr"] == 0.025


@pytest.mark.parametrize("directly", [True, False])
def test_training_that_was_saved_and_loaded_equals_training_that_was_not(directly):
    ends = []
    for stop in (None, 2):
        model, batch = make("dense")
        optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
        sam = SAM(optimiser, radius=0.1)
        for step in range(4):
            if step == stop:
                state = copy.deepcopy(sam.state_dict())
                optimiser = torch.optim.Adam(model.parameters(), lr=0.5)
                sam = SAM(optimiser, radius=0.1)
                (optimiser if directly else sam).load_state_dict(state)
            sam.step(closure_of(model, batch, sam, step))
        ends.append(copied(model))
    assert all(equal_bits(ends[0][key], ends[1][key]) for key in ends[0])


def test_a_copy_steps_with_a_model_of_its_own():
    model, batch = make("dense")
    sam = SAM(torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9), radius=0.1, model=model)
    sam.step(closure_of(model, batch, sam))
    other_model, other = copy.deepcopy((model, sam))
    before = snapshot(model)
    other.step(closure_of(other_model, batch, other))
    assert same(model, before)
    sam.step(closure_of(model, batch, sam))
    assert all(equal_bits(one, copied(other_model)[name]) for name, one in copied(model).items())


@pytest.mark.parametrize("directly", [True, False])
def test_parameters_can_be_added_to_it_or_to_the_optimiser(directly):
    first, second = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimiser = torch.optim.SGD([first], lr=0.1)
    sam = SAM(optimiser, radius=0.1)
    (optimiser if directly else sam).add_param_group({"params": [second]})
    assert len(optimiser.param_groups) == 2
    (first + 2 * second).backward()
    sam.first_step()
    assert sam.param_groups is optimiser.param_groups
    torch.testing.assert_close(torch.cat([first, second]).detach(), 1 + 0.1 * torch.tensor([1.0, 2.0]) / 5**0.5)


def test_it_leaves_a_minimum_that_is_sharp():
    # a long slope down to the right, and on it a pit that is narrower than the radius
    def loss(w):
        return (w - 4).square() / 10 - torch.exp(-200 * w.square())

    ends = {}
    for radius in (0.0, 0.5):
        weight = nn.Parameter(torch.tensor(0.01, dtype=torch.float64))
        sam = SAM(torch.optim.SGD([weight], lr=0.004), radius=radius)

        def closure(weight=weight, sam=sam):
            sam.zero_grad()
            value = loss(weight)
            value.backward()
            return value

        for _ in range(500):
            sam.step(closure)
        ends[radius] = weight.item()
    assert abs(ends[0.0]) < 0.01
    assert ends[0.5] > 0.4


@pytest.mark.parametrize("radius", [-0.1, float("inf"), float("nan")])
def test_a_radius_that_is_none_is_refused(radius):
    with pytest.raises(RegularizeError, match="radius of SAM must be a number of at least 0"):
        SAM(torch.optim.SGD([nn.Parameter(torch.ones(1))]), radius=radius)


def test_wrong_calls_are_refused():
    weight = nn.Parameter(torch.ones(2, 2))
    sam = SAM(torch.optim.SGD([weight], lr=0.1), radius=0.1)
    with pytest.raises(RegularizeError, match="SAM takes two passes: call step"):
        sam.step()
    with pytest.raises(RegularizeError, match="first_step was not called"):
        sam.second_step()
    with pytest.raises(RegularizeError, match="no parameter has a gradient: call backward"):
        sam.first_step()
    weight.grad = torch.ones(2, 2)
    sam.first_step()
    with pytest.raises(RegularizeError, match="first_step was called twice"):
        sam.first_step()
    sam.restore()
    weight.grad = torch.ones(2, 2).to_sparse()
    with pytest.raises(RegularizeError, match="SAM needs dense gradients: make embeddings with sparse=False"):
        sam.first_step()
    with pytest.raises(RegularizeError, match=r"SAM wraps a torch\.optim\.Optimizer.* got list"):
        SAM([weight], radius=0.1)
    lbfgs = torch.optim.LBFGS([weight])
    for optimiser in (lbfgs, Proximal(lbfgs, L1(strength=0.1))):
        with pytest.raises(RegularizeError, match="LBFGS takes its own"):
            SAM(optimiser, radius=0.1)


def test_a_proximal_step_inside_acts_on_the_real_weights():
    model, batch = make("dense")
    other, _ = make("dense")
    penalty = L1(strength=0.5)
    inner = Proximal(torch.optim.SGD(model.parameters(), lr=0.1), penalty, model=model)
    sam = SAM(inner, radius=0.1, model=model)
    plain = SAM(torch.optim.SGD(other.parameters(), lr=0.1), radius=0.1, model=other)
    sam.step(closure_of(model, batch, sam))
    plain.step(closure_of(other, batch, plain))
    for name in ("0.weight", "4.weight"):
        made, stepped = model.get_parameter(name), other.get_parameter(name)
        torch.testing.assert_close(made, torch.nn.functional.softshrink(stepped, 0.05))
        assert (made == 0).any()
