"""Activity L1: what it hears, when it forgets, and what it makes of training."""

import copy

import pytest
import torch
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 1))


def test_it_is_the_mean_over_rows_of_the_sum_of_absolute_activations():
    model, x, penalty = mlp(), torch.randn(5, 3), er.ActivityL1(0.5)
    first = model[1](model[0](x))
    second = model[3](model[2](first))
    with penalty.watch(model):
        model(x)
        torch.testing.assert_close(penalty(model), 0.5 * (first.abs().sum() + second.abs().sum()) / 5)
    torch.testing.assert_close(er.activity_l1_value(first, strength=0.5), 0.5 * first.abs().sum() / 5)


def test_its_gradient_makes_activations_sparser():
    x, y = torch.randn(64, 3), torch.randn(64, 1)
    shares = []
    for strength in (0.0, 0.3):
        model, penalty = mlp(), er.ActivityL1(strength, layers="1")
        optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
        with penalty.watch(model):
            for _ in range(100):
                optimiser.zero_grad()
                (nn.functional.mse_loss(model(x), y) + penalty(model)).backward()
                optimiser.step()
        shares.append((model[1](model[0](x)) == 0).double().mean().item())
    assert shares[1] > shares[0] + 0.2


def test_only_the_last_forward_pass_counts():
    model, penalty = mlp(), er.ActivityL1(1.0)
    with penalty.watch(model):
        model(torch.randn(5, 3))
        x = torch.randn(4, 3)
        model(x)
        again = penalty(model)
        model(x)
        torch.testing.assert_close(penalty(model), again)


def test_a_layer_that_is_called_twice_counts_twice():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.dense, self.active = nn.Linear(3, 3), nn.ReLU()

        def forward(self, x):
            return self.active(self.dense(self.active(self.dense(x))))

    model, penalty = Twice(), er.ActivityL1(1.0)
    with penalty.watch(model):
        out = model(torch.rand(2, 3))
        report = penalty.report(model)
    assert [one.name for one in report.parameters] == ["active", "active"]
    assert report.parameters[1].value == pytest.approx(out.sum().item() / 2)
    assert report.layers == {"active": pytest.approx(report.total)}


def test_nothing_is_heard_after_the_block_and_the_model_is_as_before():
    model, penalty = mlp(), er.ActivityL1(1.0)
    with penalty.watch(model) as watch:
        model(torch.randn(5, 3))
    model(torch.randn(5, 3))
    assert not model._forward_pre_hooks
    assert not any(layer._forward_hooks for layer in model)
    with pytest.raises(RegularizeError, match=r"watched: with penalty\.watch"):
        penalty(model)
    with pytest.raises(RegularizeError, match="run the watched model first"):
        watch.outputs()


def test_layers_are_named_by_pattern_or_kind_with_strengths_of_their_own():
    model, x = mlp(), torch.randn(5, 3)
    penalty = er.ActivityL1({"0": 2.0, "*": 0.5}, layers=nn.Linear)
    with penalty.watch(model):
        model(x)
        report = penalty.report(model)
    assert [(one.name, one.strength) for one in report.parameters] == [("0", 2.0), ("2", 0.5), ("4", 0.5)]
    assert report.parameters[0].value == pytest.approx(2.0 * model[0](x).abs().sum().item() / 5)


@pytest.mark.parametrize("batch_first", [True, False])
def test_a_recurrent_layer_is_heard_by_rows_wherever_they_are(batch_first):
    layer = nn.LSTM(3, 4, batch_first=batch_first)
    model, penalty = nn.Sequential(layer), er.ActivityL1(1.0, layers=nn.LSTM)
    x = torch.randn(5, 7, 3) if batch_first else torch.randn(7, 5, 3)
    with penalty.watch(model):
        model(x)
        torch.testing.assert_close(penalty(model), layer(x)[0].abs().sum() / 5)


def test_a_watched_model_can_be_copied_and_the_copy_is_watched_for_itself():
    model, penalty, x = mlp(), er.ActivityL1(1.0), torch.randn(5, 3)
    with penalty.watch(model):
        model(x)
        twin = copy.deepcopy(model)
        with pytest.raises(RegularizeError, match="run the watched model first"):
            penalty(twin)
        twin(2 * x)
        assert penalty(twin) != penalty(model)
        model(2 * x)
        torch.testing.assert_close(penalty(twin), penalty(model))


def test_it_adds_to_penalties_of_weights_and_has_schedules():
    model, x = mlp(), torch.randn(5, 3)
    active, weights = er.ActivityL1(1.0, schedule="linear"), er.L1(0.1)
    with active.watch(model):
        model(x)
        total = active + weights
        expected = active(model, progress=0.25) + weights(model)
        torch.testing.assert_close(total(model, progress=0.25), expected)


def test_it_has_no_proximal_step_and_no_gradient_by_weights():
    model = mlp()
    for penalty in (er.ActivityL1(1.0), er.L1(0.1) + er.ActivityL1(1.0)):
        with pytest.raises(RegularizeError, match="no proximal step: put it in the loss"):
            er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), penalty, model=model)
        with pytest.raises(RegularizeError, match="penalty of activations"):
            penalty.gradient(model)


def test_layers_that_are_not_there_are_named():
    model = mlp()
    with pytest.raises(RegularizeError, match=r"there are 0 \(Linear\), 1 \(ReLU\)"):
        er.ActivityL1(1.0, layers="head").watch(model)
    with pytest.raises(RegularizeError, match="'head' matches no layer that is watched; there are 1, 3"):
        er.ActivityL1({"head": 1.0}).watch(model)
    dictionary = nn.Sequential(nn.Identity())
    with (
        er.ActivityL1(1.0, layers="0").watch(dictionary),
        pytest.raises(RegularizeError, match="0 gives dict, no tensor"),
    ):
        dictionary({})
