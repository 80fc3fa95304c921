"""Mixup mixes rows and their targets by the same share."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.regularize.zoo import equal_bits
from torch.nn.functional import cross_entropy, mse_loss

from evenfit.errors import RegularizeError
from evenfit.regularize.mixing import mixup, mixup_loss
from evenfit.regularize.smoothing import smooth_labels

ALPHAS = st.just(0.0) | st.floats(0.01, 10)
SEEDS = st.integers(0, 2**64 - 1)


def batch(*, members=3, rows=5):
    random = torch.Generator().manual_seed(0)
    x = torch.randn(members, rows, 2, 3, generator=random, dtype=torch.float64)
    return x, torch.randint(4, (members, rows), generator=random)


@given(alpha=ALPHAS, seed=SEEDS)
def test_every_input_is_the_mixture_that_its_targets_are(alpha, seed):
    x, y = batch()
    mixed = mixup(x[0], y[0], alpha=alpha, seed=seed)
    torch.testing.assert_close(mixed.inputs, mixed.share * x[0] + (1 - mixed.share) * x[0][mixed.order])
    assert sorted(mixed.order.tolist()) == list(range(5))
    assert torch.equal(mixed.first, y[0])
    assert torch.equal(mixed.second, y[0][mixed.order])
    assert 0 <= mixed.share <= 1


@given(alpha=ALPHAS, seed=SEEDS)
def test_the_loss_is_that_against_mixed_probabilities(alpha, seed):
    x, y = batch()
    logits = torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    of_labels = mixup(x[0].float(), y[0], alpha=alpha, seed=seed)
    of_chances = mixup(x[0].float(), smooth_labels(y[0], 4, amount=0.0), alpha=alpha, seed=seed)
    torch.testing.assert_close(
        mixup_loss(logits, of_labels, criterion=cross_entropy), cross_entropy(logits, of_chances.targets)
    )


@given(alpha=ALPHAS, seed=SEEDS)
def test_the_gradient_of_squared_error_is_that_against_mixed_numbers(alpha, seed):
    x, y = batch()
    mixed = mixup(x[0], y[0].double(), alpha=alpha, seed=seed)
    gradients = []
    for loss in (lambda z: mixup_loss(z, mixed, criterion=mse_loss), lambda z: mse_loss(z, mixed.targets)):
        outputs = torch.linspace(-1, 1, 5, dtype=torch.float64).requires_grad_()
        loss(outputs).backward()
        gradients.append(outputs.grad)
    torch.testing.assert_close(*gradients)


@given(alphas=st.lists(ALPHAS, min_size=3, max_size=3), seeds=st.lists(SEEDS, min_size=3, max_size=3))
def test_a_member_is_mixed_as_if_it_were_alone(alphas, seeds):
    x, y = batch()
    together = mixup(x, y, alpha=alphas, seed=seeds)
    by_member = mixup(x, y, alpha=torch.tensor(alphas, dtype=torch.float64), seed=seeds)
    for m in range(3):
        alone = mixup(x[m], y[m], alpha=alphas[m], seed=seeds[m])
        for name in ("inputs", "first", "second", "share", "order"):
            assert equal_bits(getattr(together, name)[m], getattr(alone, name))
            assert equal_bits(getattr(by_member, name)[m], getattr(alone, name))


def test_each_member_s_loss_mixes_by_its_own_share():
    x, y = batch()
    mixed = mixup(x, y.double(), alpha=[0.0, 1.0, 5.0], seed=[1, 2, 3])
    outputs = torch.randn(3, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    losses = mixup_loss(outputs, mixed, criterion=lambda o, t: (o - t).square().mean(1))
    for m in range(3):
        alone = mixup(x[m], y[m].double(), alpha=[0.0, 1.0, 5.0][m], seed=[1, 2, 3][m])
        torch.testing.assert_close(losses[m], mixup_loss(outputs[m], alone, criterion=mse_loss))
    assert equal_bits(losses[0], (outputs[0] - y[0]).square().mean())
    torch.testing.assert_close(
        mixed.targets[1], mixed.share[1] * mixed.first[1] + (1 - mixed.share[1]) * mixed.second[1]
    )
    assert equal_bits(mixed.targets[0], y[0].double())


def test_a_partner_s_infinite_loss_does_not_reach_a_member_that_mixes_nothing():
    x, y = batch()
    mixed = mixup(x, y.double(), alpha=[0.0, 1.0, 1.0], seed=[1, 2, 3])
    losses = mixup_loss(x, mixed, criterion=lambda _, t: torch.full((3,), 1.0 if t is mixed.first else float("inf")))
    assert losses.isfinite().tolist() == [True, False, False]


def test_an_alpha_of_zero_changes_nothing():
    x, y = batch()
    x[0, 0] = float("inf")  # 0 times it would be NaN
    mixed = mixup(x, y, alpha=0.0, seed=3)
    assert equal_bits(mixed.inputs, x)
    outputs = torch.randn(15, 4)
    flat = mixup(x.flatten(0, 1), y.flatten(), alpha=0.0, seed=3)
    calls = []
    loss = mixup_loss(outputs, flat, criterion=lambda o, t: calls.append(t) or cross_entropy(o, t))
    assert equal_bits(loss, cross_entropy(outputs, y.flatten()))
    assert len(calls) == 1


def test_one_seed_gives_one_pairing_and_a_generator_a_new_one_each_time():
    x, y = batch(rows=50)
    first, again, other = (mixup(x[0], y[0], alpha=1.0, seed=seed) for seed in (7, 7, 8))
    assert equal_bits(first.inputs, again.inputs)
    assert not torch.equal(first.order, other.order)
    assert first.share != other.share
    generator = torch.Generator().manual_seed(0)
    drawn = [mixup(x[0], y[0], alpha=1.0, seed=generator) for _ in range(2)]
    assert not torch.equal(drawn[0].order, drawn[1].order)


@pytest.mark.statistical  # five standard errors of two numbers, at fixed seeds
def test_shares_follow_the_beta_distribution():
    x, y, alpha, count = torch.zeros(1, 1, dtype=torch.float64), torch.zeros(1), 0.4, 4000
    shares = torch.stack([mixup(x, y, alpha=alpha, seed=seed).share for seed in range(count)])
    spread = 1 / (4 * (2 * alpha + 1))  # of Beta(alpha, alpha)
    assert abs(shares.mean() - 0.5) < 5 * (spread / count) ** 0.5
    assert abs(shares.var() - spread) < 5 * ((shares - 0.5) ** 2).std() / count**0.5


def test_gradients_reach_the_inputs():
    x, y = batch()
    x.requires_grad_()
    mixup(x[0], y[0], alpha=1.0, seed=1).inputs.sum().backward()
    torch.testing.assert_close(x.grad[0], torch.ones_like(x[0]))


@pytest.mark.parametrize("alpha", [-1.0, float("inf"), float("nan"), [0.1, -1.0, 0.1]])
def test_an_alpha_that_no_beta_distribution_has_is_refused(alpha):
    x, y = batch()
    with pytest.raises(RegularizeError, match="alpha must be a number of at least 0"):
        mixup(x, y, alpha=alpha, seed=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": torch.zeros(3, 5, dtype=torch.uint8)}, r"real numbers, got torch\.uint8: turn images with \.float"),
        ({"y": torch.zeros(2)}, r"a target for each row of the inputs, both \[rows, \.\.\.\]; got .* and \[2\]"),
        ({"y": torch.zeros(3), "alpha": [0.1] * 3}, r"both \[members, rows, \.\.\.\]; got .* and \[3\]"),
        ({"alpha": [0.1, 0.2], "seed": [1, 2]}, r"one for each of the 3 members; got the shape \[2\]"),
        ({"alpha": [0.1] * 3}, "each of the 3 members needs a seed of its own"),
        ({"seed": [1, 2, 3]}, "a seed must be one whole number"),
    ],
)
def test_what_cannot_be_mixed_is_refused(change, message):
    x, y = batch()
    values = {"x": x, "y": y, "alpha": 0.1, "seed": 1} | change
    with pytest.raises(RegularizeError, match=message):
        mixup(values.pop("x"), values.pop("y"), **values)


def test_class_numbers_have_no_mixture():
    x, y = batch()
    with pytest.raises(RegularizeError, match=r"targets of torch\.int64 have no mixture: use mixup_loss"):
        _ = mixup(x, y, alpha=1.0, seed=1).targets


def test_a_loss_for_all_members_together_is_refused():
    x, y = batch()
    mixed = mixup(x, y.double(), alpha=[1.0] * 3, seed=[1, 2, 3])
    with pytest.raises(RegularizeError, match=r"mixed for 3 members: the criterion must give a loss for each"):
        mixup_loss(y.double(), mixed, criterion=mse_loss)
