"""Weights carry noise within the block, and are untouched after it."""

import pytest
import torch
from tests.regularize.zoo import ZOO, equal_bits, make, same, snapshot, train
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from evenfit.errors import RegularizeError
from evenfit.regularize.noisy_weights import weight_noise


def output(model, batch):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return model.eval()(batch)


@pytest.mark.parametrize("kind", ZOO)
def test_within_the_block_outputs_differ_and_after_it_all_is_as_before_bit_for_bit(kind):
    model, batch = make(kind)
    before, plain = snapshot(model), output(model, batch)
    with weight_noise(model, 0.5, seed=1) as inside:
        assert inside is model
        noisy = output(model, batch)
    assert not torch.equal(noisy, plain)
    after = output(model, batch)
    assert equal_bits(after, plain)
    if kind == "tied":
        model.seen.copy_(before["seen"][2])  # it counts its calls
    assert same(model, before)


@pytest.mark.parametrize("kind", ["tied", "recurrent", "dense"])
def test_after_an_exception_all_is_as_before(kind):
    model, _ = make(kind)
    before = snapshot(model)
    with pytest.raises(RuntimeError, match="within"), weight_noise(model, 0.5, seed=1):
        raise RuntimeError("within")
    assert same(model, before)


@pytest.mark.parametrize("kind", set(ZOO) - {"weight_norm"})  # its gradients are not those of its weight
def test_gradients_are_those_at_the_noisy_weights_in_the_block_and_after_it(kind):
    model, batch = make(kind)
    gradients = []
    for inside in (True, False):
        model.zero_grad()
        with weight_noise(model, 0.3, seed=4):
            loss = output(model, batch).square().mean()
            if inside:
                loss.backward()
        if not inside:
            loss.backward()
        gradients.append([None if one.grad is None else one.grad.clone() for one in model.parameters()])
    for first, second in zip(*gradients, strict=True):
        assert (first is None and second is None) or equal_bits(first, second)
    # the same by hand: move the weights, take the gradient, move them back
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    with weight_noise(model, 0.3, seed=4):
        noisy = {name: one.detach().clone() for name, one in model.named_parameters()}
    with torch.no_grad():
        for name, one in model.named_parameters():
            one.copy_(noisy[name])
    model.zero_grad()
    output(model, batch).square().mean().backward()
    for one, expected in zip(model.parameters(), gradients[0], strict=True):
        if expected is not None:
            torch.testing.assert_close(one.grad, expected)
    assert any(not equal_bits(noisy[name], before[name]) for name in before)


def test_an_optimiser_trains_the_model_s_own_weights():
    model, batch = make("dense")
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(3):
        before = snapshot(model)
        optimiser.zero_grad()
        with weight_noise(model, 0.1, seed=step):
            loss = model(batch).square().mean()
        loss.backward()
        optimiser.step()
        assert not same(model, before)
        assert all(isinstance(one, nn.Parameter) and one.is_leaf for one in model.parameters())


def test_a_deviation_of_zero_changes_nothing():
    model, batch = make("tied")
    plain, weight = output(model, batch), model.mix.weight
    with weight_noise(model, 0.0, seed=1):
        assert model.mix.weight is weight
        assert equal_bits(output(model, batch), plain)


def test_one_seed_gives_one_noise_and_a_generator_a_new_one_each_time():
    model, batch = make("images")

    def noisy(seed):
        with weight_noise(model, 0.1, seed=seed):
            return output(model, batch)

    assert equal_bits(noisy(1), noisy(1))
    assert not torch.equal(noisy(1), noisy(2))
    generator = torch.Generator().manual_seed(1)
    assert not torch.equal(noisy(generator), noisy(generator))


def test_no_two_weights_carry_the_same_noise_but_tied_ones_do():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3), nn.Linear(3, 3))
    model[2].weight = model[0].weight
    with torch.no_grad():
        for one in model.parameters():
            one.zero_()
    with weight_noise(model, 1.0, seed=1):
        assert model[2].weight is model[0].weight
        assert not torch.equal(model[0].weight, model[1].weight)
        assert len(list(model.parameters())) == 5


def test_biases_normalisation_and_embeddings_carry_none_and_frozen_weights_neither():
    model = nn.Sequential(nn.Embedding(3, 4), nn.Linear(4, 4), nn.LayerNorm([2, 4]), nn.Linear(4, 1))
    model[3].weight.requires_grad_(requires_grad=False)
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    with weight_noise(model, 1.0, seed=1):
        changed = [name for name, one in model.named_parameters() if not equal_bits(one, before[name])]
    assert changed == ["1.weight"]


@pytest.mark.parametrize("kind", ["recurrent", "attention", "images"])
def test_every_weight_carries_noise_and_the_outputs_know(kind):
    model, batch = make(kind)
    weights = {name: one for name, one in model.named_parameters() if one.dim() >= 2}
    assert len(weights) > 1
    for name in weights:  # one after the other
        for other, one in weights.items():
            one.requires_grad_(other == name)
        plain = output(model, batch)
        with weight_noise(model, 0.5, seed=1):
            assert [key for key, one in model.named_parameters() if one is not weights.get(key, one)] == [name]
            assert not torch.equal(output(model, batch), plain)


def test_a_weight_that_is_computed_carries_the_noise_behind_what_computes_it():
    plain, normed = nn.Linear(3, 2), weight_norm(nn.Linear(3, 2))
    own, computed = plain.weight.detach().clone(), normed.weight.detach().clone()
    with weight_noise(plain, 0.5, seed=1), weight_noise(normed, 0.5, seed=1):
        torch.testing.assert_close(normed.weight - computed, plain.weight - own)
        normed(torch.rand(4, 3)).sum().backward()
    assert equal_bits(normed.weight, computed)
    assert len(normed.parametrizations.weight) == 1
    assert all(one.grad is not None for one in normed.parameters())


# the compiler looks at .grad of what it takes for parameters
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf:UserWarning")
def test_a_compiled_model_carries_the_noise_of_the_model_itself():
    model, batch = make("frozen")
    compiled = torch.compile(model, backend="eager")
    plain = output(compiled, batch)
    with weight_noise(model, 0.5, seed=1):
        noisy = output(model, batch)
    with weight_noise(compiled, 0.5, seed=1):
        torch.testing.assert_close(output(compiled, batch), noisy)
    torch.testing.assert_close(output(compiled, batch), plain)
    assert not torch.equal(noisy, plain)


def test_the_old_weight_norm_is_refused():
    with pytest.warns(FutureWarning, match="weight_norm"):
        model = nn.Sequential(nn.utils.weight_norm(nn.Linear(3, 2)))
    with pytest.raises(RegularizeError, match=r"^0\.weight is computed by a hook"), weight_noise(model, 0.5, seed=1):
        pass


@pytest.mark.statistical  # five standard errors of two numbers, at a fixed seed
def test_noise_has_mean_zero_and_the_deviation_asked_for():
    model = nn.Linear(500, 400)
    with weight_noise(model, 0.2, seed=1):
        noisy = model.weight.detach()
    drawn = (noisy - model.weight.detach()).double() / 0.2
    assert abs(drawn.mean()) < 5 * drawn.numel() ** -0.5
    assert abs(drawn.var() - 1) < 5 * (2 / drawn.numel()) ** 0.5


@pytest.mark.parametrize("std", [-0.1, float("inf"), float("nan")])
def test_a_deviation_that_is_none_is_refused(std):
    with (
        pytest.raises(RegularizeError, match="standard deviation of noise must be a number of at least 0"),
        weight_noise(nn.Linear(1, 1), std, seed=1),
    ):
        pass


@pytest.mark.parametrize("model", [nn.ReLU(), nn.Embedding(3, 2), nn.BatchNorm1d(2)])
def test_a_model_without_weights_is_refused(model):
    with (
        pytest.raises(RegularizeError, match=f"{type(model).__name__} has no weights for noise"),
        weight_noise(model, 0.1, seed=1),
    ):
        pass


def test_a_seed_that_is_none_is_refused_before_anything_changes():
    model, batch = make("dense")
    before = snapshot(model)
    with pytest.raises(RegularizeError, match="a seed must be one whole number"), weight_noise(model, 0.1, seed=-1):
        train(model, batch)
    assert same(model, before)
