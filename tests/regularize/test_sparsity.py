"""er.sparsity: exact zeros by parameter, in total, and by group."""

import dataclasses
import json

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

import evenfit.regularize as er
from evenfit.errors import RegularizeError


def test_zeros_are_counted_by_parameter_and_in_total():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    with torch.no_grad():
        model[0].weight[1] = 0.0
        model[0].weight[0, 2] = -0.0
        model[2].weight[:, 1] = 0.0
        model[0].bias.zero_()
    found = er.sparsity(model)
    assert (found["0.weight"].zeros, found["0.weight"].size, found["0.weight"].share) == (5, 12, 5 / 12)
    assert (found.zeros, found.size, found.share) == (7, 18, 7 / 18)
    assert (found["0.weight"].units.zero, found["0.weight"].units.count) == (1, 3)
    assert (found["2.weight"].inputs.zero, found["2.weight"].inputs.count) == (1, 3)
    assert found["0.weight"].filters is None
    assert er.sparsity(model, kinds=("bias", "weight")).zeros == 10
    with pytest.raises(KeyError):
        found["0.bias"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        found.parameters = ()


def test_filters_are_counted_for_convolutions_however_they_are_laid_out():
    for kind in (nn.Conv2d, nn.ConvTranspose2d):
        layer = kind(4, 6, 3, groups=2)
        units = layer.weight if kind is nn.Conv2d else layer.weight.unflatten(0, (2, 2)).transpose(1, 2).flatten(0, 1)
        with torch.no_grad():
            units[4].zero_()
            if kind is nn.ConvTranspose2d:
                layer.weight[2:, 1] = 0.0
        found = er.sparsity(layer)["weight"]
        assert found.filters == found.units
        assert (found.filters.zero, found.filters.count) == (1, 6)
        assert (found.inputs.zero, found.inputs.count) == (0, 4)


def test_a_model_after_training_with_l1_has_the_zeros_that_its_weights_have():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    optimiser = er.Proximal(torch.optim.Adam(model.parameters(), lr=0.01), er.L1(0.5), model=model)
    x, y = torch.randn(40, 8), torch.randn(40, 1)
    for _ in range(50):
        optimiser.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimiser.step()
    expected = sum(int((one.weight == 0).sum()) for one in (model[0], model[2]))
    assert er.sparsity(model).zeros == expected > 10
    assert er.sparsity(model, kinds="bias").zeros == 0


def test_computed_and_masked_weights_count_as_the_layer_uses_them():
    layer = nn.Linear(4, 3)
    prune.l1_unstructured(layer, "weight", amount=5)
    assert er.sparsity(layer).zeros == 5
    normed = parametrizations.weight_norm(nn.Linear(4, 3))
    with torch.no_grad():
        normed.parametrizations.weight.original0[1] = 0.0
    assert er.sparsity(normed)["weight"].units.zero == 1


def test_shared_weights_count_once_and_odd_shapes_count_too():
    shared = nn.Linear(3, 3)
    assert er.sparsity(nn.Sequential(shared, shared)).size == 9
    assert er.sparsity(nn.Bilinear(2, 3, 4))["weight"].inputs is None
    empty = nn.Module()
    empty.matrix = nn.Parameter(torch.zeros(0, 3))
    assert er.sparsity(empty).share == 0.0
    single = nn.Linear(1, 1)
    with torch.no_grad():
        single.weight.zero_()
    assert er.sparsity(single)["weight"].units.zero == 1
    assert er.sparsity(nn.PReLU(3), kinds="vector")["weight"].units is None


def test_it_reads_as_a_table_and_as_json():
    layer = nn.Linear(2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[1.0, 0.0], [2.0, 0.0]]))
    found = er.sparsity(layer)
    lines = [" ".join(line.split()) for line in repr(found).splitlines()]
    assert lines[1:] == ["weight [2, 2] 2 4 50.0% 1 of 2 0 of 2", "total 2 4 50.0%"]
    again = json.loads(json.dumps(found.to_json()))
    assert again["zeros"] == 2
    assert again["share"] == 0.5
    assert again["parameters"][0]["inputs"] == {"count": 2, "zero": 1}
    assert again["parameters"][0]["filters"] is None


def test_a_model_without_weights_is_refused():
    with pytest.raises(RegularizeError, match="no weight to count zeros in"):
        er.sparsity(nn.BatchNorm1d(3))
    with pytest.raises(RegularizeError, match="no shape yet"):
        er.sparsity(nn.LazyLinear(3))
