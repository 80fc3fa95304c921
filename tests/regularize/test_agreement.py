"""R-Drop adds nothing where two passes agree, and the symmetric divergence where they do not."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.regularize.zoo import equal_bits
from torch import nn
from torch.nn.functional import cross_entropy, kl_div, mse_loss

from evenfit.errors import RegularizeError
from evenfit.regularize.agreement import r_drop, symmetric_kl


def logits(seed, *shape):
    return 2 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(rate):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 16), nn.ReLU(), nn.Dropout(rate), nn.Linear(16, 4))


X, Y = torch.randn(8, 3, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 4


@given(seed=st.integers(0, 2**31), leading=st.sampled_from([(5,), (2, 3), ()]))
def test_the_divergence_is_the_mean_of_torch_s_both_ways(seed, leading):
    first, second = logits(seed, *leading, 4), logits(seed + 1, *leading, 4)
    p, q = first.log_softmax(-1).reshape(-1, 4), second.log_softmax(-1).reshape(-1, 4)
    both = kl_div(p, q, reduction="batchmean", log_target=True) + kl_div(q, p, reduction="batchmean", log_target=True)
    torch.testing.assert_close(symmetric_kl(first, second), both / 2)


@given(seed=st.integers(0, 2**31))
def test_the_divergence_is_symmetric_not_negative_and_zero_only_for_equal_predictions(seed):
    first, second = logits(seed, 5, 4), logits(seed + 1, 5, 4)
    assert equal_bits(symmetric_kl(first, second), symmetric_kl(second, first))
    assert symmetric_kl(first, second) > 0
    assert symmetric_kl(first, first) == 0
    assert symmetric_kl(first, first + 3.0) < 1e-12  # the same predictions


def test_the_gradient_is_that_of_the_value():
    first, second = logits(0, 3, 4).requires_grad_(), logits(1, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(symmetric_kl, (first, second))


def test_a_class_that_both_passes_rule_out_adds_nothing():
    first, second = logits(0, 2, 4), logits(1, 2, 4)
    expected = symmetric_kl(first[:, :3], second[:, :3])
    first[:, 3] = second[:, 3] = float("-inf")
    first.requires_grad_()
    made = symmetric_kl(first, second)
    torch.testing.assert_close(made, expected)
    made.backward()
    assert first.grad.isfinite().all()


@pytest.mark.parametrize("weight", [0.0, 0.5, 3.0])
def test_without_dropout_the_loss_is_the_criterion_s_alone(weight):
    for model in (network(0.0), network(0.5).eval()):
        plain = cross_entropy(model(X), Y)
        assert equal_bits(r_drop(model, X, Y, criterion=cross_entropy, weight=weight), plain)


def test_the_loss_is_that_of_both_passes_and_their_divergence():
    model = network(0.5)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        first, second = model(X), model(X)
        torch.manual_seed(1)
        made = r_drop(model, X, Y, criterion=cross_entropy, weight=0.7)
    expected = (cross_entropy(first, Y) + cross_entropy(second, Y)) / 2 + 0.7 * symmetric_kl(first, second)
    torch.testing.assert_close(made, expected)
    assert symmetric_kl(first, second) > 0


def test_a_weight_of_zero_takes_one_pass():
    model, calls = network(0.5), []
    model.register_forward_hook(lambda *_: calls.append(1))
    r_drop(model, X, Y, criterion=cross_entropy, weight=0.0)
    assert len(calls) == 1


def test_training_with_it_makes_passes_agree():
    apart = {}
    for weight in (0.0, 10.0):
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = network(0.5)
            optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
            for _ in range(60):
                optimiser.zero_grad()
                r_drop(model, X, Y, criterion=cross_entropy, weight=weight).backward()
                optimiser.step()
            with torch.no_grad():
                apart[weight] = torch.stack([symmetric_kl(model(X), model(X)) for _ in range(20)]).mean()
    assert apart[10.0] < 0.5 * apart[0.0]


def test_numbers_take_squared_error():
    model = network(0.5)
    made = r_drop(model, X, torch.zeros(8, 4), criterion=mse_loss, weight=1.0, distance=mse_loss)
    made.backward()
    assert all(one.grad.isfinite().all() for one in model.parameters())


@pytest.mark.parametrize("weight", [-1.0, float("nan"), float("inf")])
def test_a_weight_below_zero_is_refused(weight):
    with pytest.raises(RegularizeError, match="weight of the disagreement must be a number of at least 0"):
        r_drop(network(0.5), X, Y, criterion=cross_entropy, weight=weight)


def test_what_are_no_logits_is_refused():
    with pytest.raises(RegularizeError, match=r"at least two; got \[3, 1\]: take another distance"):
        symmetric_kl(torch.zeros(3, 1), torch.zeros(3, 1))
    with pytest.raises(RegularizeError, match=r"at least two; got \[\]"):
        symmetric_kl(torch.zeros(()), torch.zeros(()))
    with pytest.raises(RegularizeError, match=r"one shape, got \[3, 2\] and \[2, 2\]"):
        symmetric_kl(torch.zeros(3, 2), torch.zeros(2, 2))
