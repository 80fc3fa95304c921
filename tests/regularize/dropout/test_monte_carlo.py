"""Monte-Carlo prediction leaves dropout on and nothing else, and all things as they were."""

import copy
import math

import pytest
import torch
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.monte_carlo import monte_carlo


def network(outputs=2, drop=None):
    torch.manual_seed(0)
    drop = drop or nn.Dropout(0.5)
    return nn.Sequential(nn.Linear(3, 32), nn.BatchNorm1d(32), nn.ReLU(), drop, nn.Linear(32, outputs))


def rows(count=7):
    return torch.randn(count, 3, generator=torch.Generator().manual_seed(1))


@pytest.mark.statistical  # five standard errors of 3 numbers: once in 500,000, but the seed is fixed
@pytest.mark.parametrize("drop", [nn.Dropout(0.25), er.Dropout(0.25), er.Dropout(0.25, form="original", seed=3)])
def test_mean_and_variance_are_those_of_a_sum_of_dropped_units(drop):
    weight = torch.tensor([[1.0, -2.0, 3.0]])
    model = nn.Sequential(drop, nn.Linear(3, 1, bias=False))
    model[1].weight.data = weight
    given, samples = torch.tensor([[1.0, 2.0, 0.5]]), 4000
    found = monte_carlo(model, given, samples=samples, seed=2)
    scale = 1.0 if isinstance(drop, er.Dropout) and drop.form == "original" else 1 / 0.75
    parts = given * weight * scale
    mean, variance = 0.75 * parts.sum(), 0.25 * 0.75 * parts.square().sum()
    assert abs(found.mean.item() - mean) < 5 * (variance / samples) ** 0.5
    assert abs(found.variance.item() - variance) < 5 * variance * (2 / samples) ** 0.5
    assert found.standard_error.item() == pytest.approx((found.variance.item() / samples) ** 0.5)


def test_statistics_are_those_of_the_samples():
    model, given, seen = network(3), rows(), []
    model.register_forward_hook(lambda _module, _inputs, found: seen.append(found.double()))
    found = monte_carlo(model, given, samples=9, outputs="logits")
    chances = torch.stack(seen).softmax(2)
    torch.testing.assert_close(found.mean.double(), chances.mean(0), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(found.variance.double(), chances.var(0), rtol=1e-4, atol=1e-6)
    entropy = -(chances.mean(0) * chances.mean(0).log()).sum(1)
    torch.testing.assert_close(found.entropy.double(), entropy, rtol=1e-5, atol=1e-6)
    within = -(chances * chances.log()).sum(2).mean(0)
    torch.testing.assert_close(found.mutual_information.double(), entropy - within, rtol=1e-4, atol=1e-6)
    assert (found.mutual_information > 0).all()
    assert found.samples == 9


def test_only_what_drops_is_in_training_mode():
    class Watched(nn.Sequential):
        def forward(self, x):
            modes.append({name: module.training for name, module in self.named_modules()})
            return super().forward(x)

    modes = []
    model = Watched(*network(2, er.DropConnect(nn.Linear(32, 32), rate=0.5)))
    norm = copy.deepcopy(model[1].state_dict())
    monte_carlo(model, rows(), samples=2)
    assert modes == [{"": False, "0": False, "1": False, "2": False, "3": True, "3.layer": False, "4": False}] * 2
    assert all(torch.equal(value, norm[name]) for name, value in model[1].state_dict().items())


@pytest.mark.parametrize("fails", [True, False])
def test_modes_seeds_counts_and_generators_are_what_they_were_after_an_exception_too(fails):
    class Failing(nn.Module):
        def forward(self, x):
            if fails:
                raise ZeroDivisionError
            return x

    model = nn.Sequential(network(2, er.Dropout(0.5, seed=4)), Failing())
    model[0][3].calls = 5
    model[0][1].eval()
    before = [module.training for module in model.modules()]
    state = torch.get_rng_state()
    if fails:
        with pytest.raises(ZeroDivisionError):
            monte_carlo(model, rows(), samples=3)
    else:
        monte_carlo(model, rows(), samples=3)
    assert [module.training for module in model.modules()] == before
    assert torch.equal(torch.get_rng_state(), state)
    assert (model[0][3].seed, model[0][3].calls) == (4, 5)


def test_the_seed_decides_and_nothing_else():
    model, given = network(), rows()
    first = monte_carlo(model, given, samples=5, seed=1)
    torch.manual_seed(99)
    again = monte_carlo(model.eval(), given, samples=5, seed=1)
    assert torch.equal(first.mean, again.mean)
    assert torch.equal(first.variance, again.variance)
    assert not torch.equal(first.mean, monte_carlo(model, given, samples=5, seed=2).mean)
    seeded = [monte_carlo(network(2, er.Dropout(0.5, seed=seed)), given, samples=5).mean for seed in (3, 4, None)]
    assert torch.equal(seeded[0], seeded[1])  # the seeds of layers are for training
    assert torch.equal(seeded[0], seeded[2])


def test_rows_are_taken_a_few_at_a_time_and_each_once_a_sample():
    sizes = []
    model = network()
    model.register_forward_pre_hook(lambda _module, inputs: sizes.append(len(inputs[0])))
    found = monte_carlo(model, rows(10), samples=3, rows=4)
    assert sizes == [4, 4, 4, 4, 4, 4, 2, 2, 2]
    assert found.mean.shape == (10, 2)
    assert not found.mean.requires_grad


def test_no_rows_give_statistics_of_no_rows():
    found = monte_carlo(network(), rows(0), samples=2, outputs="logits")
    assert found.mean.shape == (0, 2)
    assert found.entropy.shape == (0,)


@pytest.mark.parametrize("shape", [(7,), (7, 1), (7, 1, 2)])
def test_one_logit_is_that_of_the_second_of_two_classes(shape):
    class Shaped(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = network(math.prod(shape[1:]))

        def forward(self, x):
            return self.net(x).reshape(shape)

    found = monte_carlo(Shaped(), rows(), samples=20, outputs="logits")
    assert found.mean.shape == found.variance.shape == shape
    chance = found.mean.reshape(7, -1).double()
    entropy = -(chance * chance.log() + (1 - chance) * (1 - chance).log())
    torch.testing.assert_close(found.entropy.reshape(7, -1).double(), entropy, rtol=1e-5, atol=1e-6)


def test_probabilities_of_pixels_are_classes_on_the_second_axis():
    model = nn.Sequential(nn.Conv2d(1, 4, 1), nn.Dropout2d(0.5), nn.Conv2d(4, 3, 1), nn.Softmax(1))
    found = monte_carlo(model, torch.randn(2, 1, 5, 6), samples=4, outputs="probabilities")
    assert found.mean.shape == (2, 3, 5, 6)
    assert found.entropy.shape == found.mutual_information.shape == (2, 5, 6)


def test_values_have_no_entropy_and_keep_their_precision():
    found = monte_carlo(network(1).double(), rows().double(), samples=4)
    assert found.entropy is None
    assert found.mutual_information is None
    assert found.mean.dtype == torch.float64
    assert monte_carlo(network(1).bfloat16(), rows().bfloat16(), samples=4).variance.dtype == torch.float32


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.5)

    def forward(self, x, y):
        return self.drop(x) + y


def test_a_model_may_take_several_inputs():
    found = monte_carlo(Two(), (rows(), torch.zeros(7, 3)), samples=4, rows=2)
    assert found.mean.shape == (7, 3)


@pytest.mark.parametrize(
    "model",
    [
        nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, dropout=0.5, batch_first=True), 2),
        nn.LSTM(4, 4, num_layers=2, dropout=0.5, batch_first=True),
        nn.MultiheadAttention(4, 2, dropout=0.5, batch_first=True),
    ],
    ids=lambda model: type(model).__name__,
)
def test_dropout_inside_of_torchs_layers_is_left_on_though_they_have_short_cuts(model):
    class First(nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, x):
            found = self.model(x, x, x) if isinstance(self.model, nn.MultiheadAttention) else self.model(x)
            return found if isinstance(found, torch.Tensor) else found[0]

    found = monte_carlo(First(), torch.randn(3, 5, 4), samples=3)
    assert (found.variance > 0).all()


class Pair(nn.Module):
    def __init__(self, give):
        super().__init__()
        self.drop, self.give = nn.Dropout(0.5), give

    def forward(self, x):
        return self.give(self.drop(x))


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: monte_carlo(nn.Linear(3, 2), rows()),
            "^Linear has no dropout layer, so all samples would be the same",
        ),
        (lambda: monte_carlo(network(), rows(), samples=1), "a variance needs at least 2 samples"),
        (lambda: monte_carlo(network(), rows(), rows=0), "at least 1 row at once; got 50 of 0"),
        (
            lambda: monte_carlo(network(), rows(), outputs="odds"),
            "outputs must be one of values, logits, probabilities",
        ),
        (lambda: monte_carlo(network(), rows(), outputs="probabilities"), "must be in .* and sum to 1 over axis 1"),
        (lambda: monte_carlo(network(), rows(), seed=0.5), "seed must be a whole number"),
        (lambda: monte_carlo(Two(), (rows(), rows(3))), r"as many rows as one another, got \[3, 7\]"),
        (lambda: monte_carlo(network(), ()), "got no inputs"),
        (lambda: monte_carlo(Pair(lambda x: (x, x)), rows()), "one tensor with a row for each of 7 rows; got tuple"),
        (lambda: monte_carlo(Pair(torch.sum), rows()), r"each of 7 rows; got \(\)"),
    ],
)
def test_what_cannot_be_predicted_is_refused(call, says):
    with pytest.raises(RegularizeError, match=says):
        call()


def test_it_is_public():
    assert er.monte_carlo is monte_carlo
