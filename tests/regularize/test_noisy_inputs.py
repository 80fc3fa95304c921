"""Noise on inputs is what it says, for one model and for each member."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.regularize.zoo import equal_bits
from torch import fx, nn

from evenfit.errors import RegularizeError
from evenfit.regularize.noisy_inputs import InputNoise, input_noise

DEVIATIONS = st.just(0.0) | st.floats(1e-3, 10)
SEEDS = st.integers(0, 2**64 - 1)


@given(std=DEVIATIONS, seed=SEEDS)
def test_one_seed_gives_one_noise_and_the_deviation_scales_it(std, seed):
    x = torch.zeros(4, 3, dtype=torch.float64)
    made = input_noise(x, std, seed=seed)
    assert equal_bits(made, input_noise(x, std, seed=seed))
    torch.testing.assert_close(made, std * input_noise(x, 1.0, seed=seed), rtol=1e-14, atol=0)


@given(stds=st.lists(DEVIATIONS, min_size=3, max_size=3), seeds=st.lists(SEEDS, min_size=3, max_size=3))
def test_a_member_s_noise_is_what_it_would_be_alone(stds, seeds):
    x = torch.randn(3, 4, 2, generator=torch.Generator().manual_seed(0))
    together = input_noise(x, torch.tensor(stds, dtype=torch.float64), seed=seeds)
    for m in range(3):
        assert equal_bits(together[m], input_noise(x[m], stds[m], seed=seeds[m]))


def test_a_deviation_of_zero_changes_nothing():
    x = torch.tensor([[-0.0, float("nan"), float("inf")]] * 2)
    assert input_noise(x, 0.0, seed=1) is x
    assert equal_bits(input_noise(x, torch.tensor([0.0, 1.0]), seed=[1, 2])[0], x[0])


@pytest.mark.statistical  # five standard errors of three numbers, at a fixed seed
def test_noise_is_standard_normal():
    drawn = input_noise(torch.zeros(200, 1000), 1.0, seed=5).double().flatten()
    count = drawn.numel()
    assert abs(drawn.mean()) < 5 * count**-0.5
    assert abs(drawn.var() - 1) < 5 * (2 / count) ** 0.5
    assert abs((drawn**4).mean() - 3) < 5 * (96 / count) ** 0.5


@pytest.mark.statistical  # five standard errors of three numbers, at a fixed seed
def test_noise_on_inputs_is_on_average_an_l2_penalty():
    random = torch.Generator().manual_seed(0)
    x, y, w = (torch.randn(*shape, generator=random, dtype=torch.float64) for shape in ((50, 3), (50,), (3,)))
    std, count = 0.3, 4000
    noisy = torch.stack([input_noise(x, std, seed=seed) for seed in range(count)])
    losses = (noisy @ w - y).square().mean(1)
    expected = (x @ w - y).square().mean() + std**2 * w.square().sum()
    assert abs(losses.mean() - expected) < 5 * losses.std() / count**0.5


def test_precision_and_gradient_are_kept():
    x = torch.randn(2, 3).bfloat16().requires_grad_()
    made = input_noise(x, 0.5, seed=1)
    assert made.dtype == torch.bfloat16
    made.sum().backward()
    assert equal_bits(x.grad, torch.ones_like(x))


def test_a_layer_adds_noise_in_training_alone():
    x, layer = torch.randn(4, 3), InputNoise(0.5)
    assert not torch.equal(layer(x), layer(x))
    assert layer.eval()(x) is x
    assert InputNoise(0.0)(x) is x
    assert layer.state_dict() == {}


def test_a_layer_with_a_seed_draws_anew_each_call_and_the_same_again():
    x = torch.zeros(4, 3)
    first = InputNoise(0.5, seed=3)
    made = [first(x) for _ in range(2)]
    second = copy.deepcopy(first)
    third = InputNoise(0.5, seed=3)
    assert not torch.equal(made[0], made[1])
    assert equal_bits(third(x), made[0])
    assert equal_bits(second(x), first(x))  # a copy goes on where it was
    first.std = 0.0
    assert first(x) is x


def test_a_layer_without_a_seed_follows_torch_s_generator():
    x, layer = torch.zeros(4, 3), InputNoise(0.5)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first = layer(x)
        torch.manual_seed(1)
        assert equal_bits(layer(x), first)


@pytest.mark.parametrize("seed", [None, 3])
def test_a_trace_has_the_layer_as_one_node_that_obeys_the_mode(seed):
    traced = fx.symbolic_trace(nn.Sequential(InputNoise(0.5, seed=seed), nn.Flatten()))
    assert [node.op for node in traced.graph.nodes] == ["placeholder", "call_module", "call_module", "output"]
    x = torch.zeros(4, 3)
    assert not torch.equal(traced(x), x)
    assert torch.equal(traced.eval()(x), x)


@pytest.mark.parametrize("seed", [None, 3])
def test_a_compiled_layer_draws_anew_each_call(seed):
    layer = InputNoise(0.5, seed=seed)
    compiled, x = torch.compile(layer, backend="eager"), torch.zeros(4, 3)
    drawn = torch.stack([compiled(x) for _ in range(20)])
    assert len(drawn.unique()) == drawn.numel()
    if seed is not None:
        assert layer.calls == 20


@pytest.mark.parametrize("std", [-0.1, float("inf"), float("nan"), torch.tensor([0.1, -0.1])])
def test_a_deviation_that_is_none_is_refused(std):
    with pytest.raises(RegularizeError, match="standard deviation of noise must be a number of at least 0"):
        input_noise(torch.zeros(2, 3), std, seed=[1, 2])
    with pytest.raises(RegularizeError, match="standard deviation of noise must be a number of at least 0"):
        InputNoise(std)


@pytest.mark.parametrize(
    ("x", "std", "seed", "message"),
    [
        (torch.zeros(2, dtype=torch.int64), 0.1, 1, r"real numbers, got torch\.int64: add it to their embeddings"),
        (torch.zeros(3, 2), torch.ones(2), [1, 2], r"one for each member.*deviations \[2\] and inputs \[3, 2\]"),
        (torch.zeros(2, 2), torch.ones(2), 1, "each of the 2 members needs a seed of its own"),
        (torch.zeros(2, 2), 0.1, [1, 2], "a seed must be one whole number"),
    ],
)
def test_what_cannot_carry_noise_is_refused(x, std, seed, message):
    with pytest.raises(RegularizeError, match=message):
        input_noise(x, std, seed=seed)


@pytest.mark.parametrize("seed", [None, 1])
def test_a_layer_refuses_what_it_cannot_take(seed):
    with pytest.raises(RegularizeError, match=r"real numbers, got torch\.int64"):
        InputNoise(0.1, seed=seed)(torch.zeros(2, dtype=torch.int64))
    with pytest.raises(RegularizeError, match="a seed must be one whole number"):
        InputNoise(0.1, seed=-1)


def test_a_network_trains_through_it():
    model = nn.Sequential(InputNoise(0.1, seed=1), nn.Linear(3, 1))
    model(torch.randn(4, 3)).sum().backward()
    assert model[1].weight.grad.isfinite().all()
