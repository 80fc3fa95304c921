"""Groups are what their names say, for every kind of layer: found by what an input or a unit does to the output."""

import pytest
import torch
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError


def zero_outputs(layer, x, output_axis):
    """Which outputs of a layer do not depend on its input, nor on anything but biases."""
    difference = layer(x) - layer(torch.zeros_like(x))
    return (difference.transpose(0, output_axis).flatten(1) == 0).all(1)


# name: (layer, input, axis of inputs, axis of units)
LAYERS = {
    "linear": (lambda: nn.Linear(4, 6), (3, 4), 1, 1),
    "conv1d": (lambda: nn.Conv1d(4, 6, 3), (2, 4, 8), 1, 1),
    "conv2d": (lambda: nn.Conv2d(4, 6, (2, 3)), (2, 4, 5, 5), 1, 1),
    "conv2d, channels last": (
        lambda: nn.Conv2d(4, 6, 3).to(memory_format=torch.channels_last),
        (2, 4, 5, 5),
        1,
        1,
    ),
    "conv2d, grouped": (lambda: nn.Conv2d(4, 6, 3, groups=2), (2, 4, 5, 5), 1, 1),
    "conv2d, depthwise": (lambda: nn.Conv2d(4, 8, 3, groups=4), (2, 4, 5, 5), 1, 1),
    "conv3d": (lambda: nn.Conv3d(4, 6, 2), (2, 4, 3, 3, 3), 1, 1),
    "transposed conv1d": (lambda: nn.ConvTranspose1d(4, 6, 3), (2, 4, 5), 1, 1),
    "transposed conv2d, grouped": (lambda: nn.ConvTranspose2d(4, 6, 3, groups=2), (2, 4, 5, 5), 1, 1),
}


@pytest.mark.parametrize("name", LAYERS)
def test_group_lasso_of_units_silences_whole_units(name):
    make, shape, _, axis = LAYERS[name]
    torch.manual_seed(0)
    layer, x = make(), torch.rand(shape)
    weight = layer.weight.detach().clone()
    norms = norm_of_units(layer, weight)
    strength = norms.sort().values[2:4].mean().item()  # three units are smaller than that
    step(layer, er.GroupLasso(strength, groups="units"))
    silent = zero_outputs(layer, x, axis)
    assert torch.equal(silent, norms < strength)
    assert silent.sum() == 3


@pytest.mark.parametrize("name", LAYERS)
def test_group_lasso_of_inputs_makes_outputs_blind_to_whole_inputs(name):
    make, shape, axis, _ = LAYERS[name]
    torch.manual_seed(0)
    layer, x = make(), torch.rand(shape)
    norms = norm_of_inputs(layer, layer.weight.detach().clone())
    strength = norms.sort().values[1:3].mean().item()  # two inputs are smaller than that
    step(layer, er.GroupLasso(strength, groups="inputs"))
    blind = torch.stack([only(layer, x, axis, number) for number in range(shape[axis])])
    assert torch.equal(blind, norms < strength)
    assert blind.sum() == 2
    assert er.sparsity(layer)["weight"].inputs.zero == 2


def step(layer, penalty):
    """One proximal step of size 1."""
    optimiser = er.Proximal(torch.optim.SGD(layer.parameters(), lr=1.0), penalty, model=layer)
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimiser.step()


def only(layer, x, axis, number):
    """Whether the output does not depend on one input."""
    probe = torch.zeros_like(x)
    probe.select(axis, number).copy_(x.select(axis, number))
    return (layer(probe) == layer(torch.zeros_like(x))).all()


def norm_of_units(layer, weight):
    """The norm of each unit's incoming weights, one unit after the other."""
    if not isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        return torch.stack([one.norm() for one in weight])
    blocks = weight.chunk(layer.groups, dim=0)
    return torch.cat([torch.stack([block[:, unit].norm() for unit in range(block.shape[1])]) for block in blocks])


def norm_of_inputs(layer, weight):
    """The norm of each input's outgoing weights, one input after the other."""
    if isinstance(layer, nn.ConvTranspose1d | nn.ConvTranspose2d):
        return torch.stack([one.norm() for one in weight])
    blocks = weight.chunk(getattr(layer, "groups", 1), dim=0)
    return torch.cat([torch.stack([block[:, one].norm() for one in range(block.shape[1])]) for block in blocks])


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3), (nn.RNN, 1)])
def test_a_unit_of_a_recurrent_layer_has_all_of_its_gates(kind, gates):
    torch.manual_seed(0)
    layer = kind(3, 5)
    expected = 0.0
    for name in ("weight_ih_l0", "weight_hh_l0"):
        for unit in range(5):
            rows = getattr(layer, name)[unit::5]
            assert len(rows) == gates
            expected += rows.norm()
    torch.testing.assert_close(er.GroupLasso(1.0, groups="units")(layer), expected)


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN, nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_an_input_of_a_recurrent_layer_feeds_all_gates(kind):
    layer = kind(3, 5)
    expected = sum(one.norm(dim=0).sum() for name, one in layer.named_parameters() if name.startswith("weight"))
    torch.testing.assert_close(er.GroupLasso(1.0)(layer), expected)


def test_an_lstm_with_a_projection_is_penalised_whole():
    layer = nn.LSTM(3, 6, proj_size=2)
    by_unit = er.GroupLasso(1.0, groups="units").report(layer)
    assert [one.name for one in by_unit.parameters] == ["weight_ih_l0", "weight_hh_l0", "weight_hr_l0"]
    assert by_unit.parameters[2].value == pytest.approx(layer.weight_hr_l0.norm(dim=1).sum().item())


def test_queries_keys_and_values_have_inputs_of_their_own():
    layer = nn.MultiheadAttention(4, 2)
    queries, keys, values = layer.in_proj_weight.chunk(3)
    expected = sum(one.norm(dim=0).sum() for one in (queries, keys, values, layer.out_proj.weight))
    torch.testing.assert_close(er.GroupLasso(1.0)(layer), expected)
    apart = nn.MultiheadAttention(4, 2, kdim=3, vdim=5)
    names = [one.name for one in er.GroupLasso(1.0).report(apart).parameters]
    assert names == ["q_proj_weight", "k_proj_weight", "v_proj_weight", "out_proj.weight"]


def test_a_level_of_an_embedding_is_an_input():
    layer = nn.Embedding(7, 3)
    torch.testing.assert_close(er.GroupLasso(1.0, kinds="embedding")(layer), layer.weight.norm(dim=1).sum())


def test_a_dense_layer_that_keeps_inputs_first_is_known_by_its_name():
    class Conv1D(nn.Module):  # as transformers has it for GPT-2
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.rand(3, 8))

    layer = Conv1D()
    torch.testing.assert_close(er.GroupLasso(1.0)(layer), layer.weight.norm(dim=1).sum())


def test_a_layer_of_ones_own_is_laid_out_as_units_and_inputs():
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.matrix = nn.Parameter(torch.rand(3, 8, 2))

    layer = Own()
    expected = sum(layer.matrix[:, one].norm() for one in range(8))
    torch.testing.assert_close(er.GroupLasso(1.0)(layer), expected)


def test_filters_are_the_units_of_convolutions_alone():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2))
    report = er.GroupLasso(0.5, groups="filters").report(model)
    assert [one.name for one in report.parameters] == ["0.weight"]
    assert {one.name: one.reason for one in report.left_out}["3.weight"] == "not of a convolution"
    assert report.total == pytest.approx(0.5 * model[0].weight.flatten(1).norm(dim=1).sum().item())


def test_groups_of_length_zero_are_no_groups():
    weight = torch.zeros(0, 3)
    assert er.group_lasso_value(weight, strength=1.0) == 0
    assert er.group_lasso_prox(weight, strength=1.0, step=1.0).shape == (0, 3)
    assert er.max_norm_projection(torch.zeros(3, 0), bound=1.0).shape == (3, 0)
    assert er.spectral_projection(torch.zeros(3, 0), bound=1.0).shape == (3, 0)


def test_unknown_groups_are_named_in_the_error():
    with pytest.raises(RegularizeError, match="got 'rows'"):
        er.GroupLasso(1.0, groups="rows")
    with pytest.raises(RegularizeError, match="two or more dimensions"):
        er.group_lasso_prox(torch.ones(3), strength=1.0, step=1.0)
    with pytest.raises(RegularizeError, match="two or more dimensions"):
        er.group_lasso_prox(torch.ones(2, 3), strength=torch.ones(2), step=1.0)
