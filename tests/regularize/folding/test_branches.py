import pytest
import torch
from tests.regularize.folding.models import Forward, numbers, original, same
from torch import nn

import evenfit.regularize as er
from evenfit.errors import FoldError
from evenfit.regularize.dropout.functional import stochastic_depth


def depth(rate=0.2):
    return er.StochasticDepth(rate, form="original")


class Block(nn.Module):
    """A residual block."""

    def __init__(self, *body, outer=None):
        super().__init__()
        self.body, self.depth, self.outer = nn.Sequential(*body), depth(), outer or nn.Identity()

    def forward(self, x):
        return self.outer(x + self.depth(self.body(x)))


def test_stochastic_depth_goes_into_the_weight_and_the_bias_of_its_branchs_last_layer():
    model = Block(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.LeakyReLU()).double()
    folded = same(model, numbers(3, 4))
    torch.testing.assert_close(folded.body[2].weight, 0.8 * model.body[2].weight)
    torch.testing.assert_close(folded.body[2].bias, 0.8 * model.body[2].bias)
    assert torch.equal(folded.body[0].weight, model.body[0].weight)


NORMS = [nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm(6), nn.RMSNorm(6)]


@pytest.mark.parametrize("norm", NORMS, ids=lambda one: type(one).__name__)
def test_a_branch_may_end_in_a_normalisation_that_has_weights(norm):
    for parameter in norm.parameters():
        nn.init.normal_(parameter)
    same(Block(nn.Conv2d(4, 4, 3, padding=1), norm).double(), numbers(2, 4, 6, 6))


def test_a_branch_may_end_in_a_layer_scale():
    class Scaled(Block):
        def __init__(self):
            super().__init__(nn.Linear(4, 4), nn.GELU())
            self.gamma = nn.Parameter(numbers(4))

        def forward(self, x):
            return x + self.depth(self.gamma * self.body(x))

    model = Scaled().double()
    folded = same(model, numbers(3, 4))
    torch.testing.assert_close(folded.gamma, 0.8 * model.gamma)
    assert torch.equal(folded.body[0].weight, model.body[0].weight)


@pytest.mark.parametrize("power", [1, 2])
def test_a_layer_scale_of_two_factors_is_scaled_once(power):
    def run(m, x):
        first = m.gamma if power == 1 else m.gamma * m.gamma
        return x + m.depth(first * m.delta * torch.tanh(m.layer(x)))

    parts = {"gamma": nn.Parameter(numbers(4)), "delta": nn.Parameter(numbers(4) + 1), "layer": nn.Linear(4, 4)}
    same(Forward(run, depth=depth(), **parts).double(), numbers(3, 4))


def test_a_squared_layer_scale_is_refused():
    model = Forward(lambda m, x: x + m.depth(m.gamma * m.gamma), gamma=nn.Parameter(numbers(4)), depth=depth())
    with pytest.raises(FoldError, match="does not carry the same scale"):
        er.fold_dropout(model)


def test_a_branch_may_end_in_functions_of_weights():
    def run(m, x):
        branch = torch.addmm(m.bias, x, m.weight)
        return x + stochastic_depth(branch, rate=0.2, training=m.training, form="original")

    model = Forward(run, weight=nn.Parameter(numbers(4, 4)), bias=nn.Parameter(numbers(4)))
    folded = same(model, numbers(3, 4))
    torch.testing.assert_close(folded.bias, 0.8 * model.bias)


def test_a_branch_may_end_in_a_sum_of_layers():
    def run(m, x):
        return x + m.depth(m.first(x) + torch.cat([m.third(x), m.third(x)], 1) * 2)

    model = Forward(run, first=nn.Linear(4, 4), third=nn.Linear(4, 2), depth=depth()).double()
    folded = same(model, numbers(3, 4))
    torch.testing.assert_close(folded.first.bias, 0.8 * model.first.bias)


def test_blocks_in_a_row_with_dropout_inside_and_behind_are_folded():
    body = (nn.Linear(4, 4), nn.ReLU(), original(), nn.Linear(4, 4))
    blocks = [Block(*(type(one)(4, 4) if isinstance(one, nn.Linear) else one for one in body)) for _ in range(3)]
    model = nn.Sequential(*blocks, original(0.5), nn.Linear(4, 2)).double()
    folded = same(model, numbers(3, 4))
    torch.testing.assert_close(folded[0].body[3].weight, 0.7 * 0.8 * model[0].body[3].weight)
    torch.testing.assert_close(folded[0].body[3].bias, 0.8 * model[0].body[3].bias)


@pytest.mark.parametrize(
    "body",
    [
        (nn.Linear(4, 4), nn.Tanh()),
        (nn.Linear(4, 4), nn.BatchNorm1d(4, affine=False)),
        (nn.ReLU(),),
        (nn.Linear(4, 4), nn.Threshold(0.5, 0.0)),
    ],
    ids=["tanh", "norm without weights", "no weights", "threshold"],
)
def test_a_branch_that_does_not_end_in_weights_is_refused(body):
    with pytest.raises(FoldError, match=r"'depth' \(rate 0.2\): the scale 0.8 reaches add .* does not carry the same"):
        er.fold_dropout(Block(*body))


def test_a_branch_that_ends_in_a_product_to_which_something_else_is_added_is_refused():
    def run(m, x):
        return x + m.depth(torch.addmm(x, x, m.weight))

    with pytest.raises(FoldError, match="does not carry the same scale"):
        er.fold_dropout(Forward(run, weight=nn.Parameter(numbers(4, 4)), depth=depth()))


def test_a_branch_whose_last_layer_has_another_use_is_refused():
    def run(m, x):
        branch = m.layer(x)
        return x + m.depth(branch) + branch

    with pytest.raises(FoldError, match="does not carry the same scale"):
        er.fold_dropout(Forward(run, layer=nn.Linear(4, 4), depth=depth()))


def test_a_branch_whose_last_layer_is_called_elsewhere_too_is_refused():
    model = Forward(lambda m, x: m.layer(x) + m.depth(m.layer(x)), layer=nn.Linear(4, 4), depth=depth())
    with pytest.raises(FoldError, match=r"'layer.weight' are shared: .* by 1, .* by 0.8|by 0.8, .* by 1"):
        er.fold_dropout(model)


def test_a_branch_that_ends_in_parametrised_weights_is_refused():
    normed = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    with pytest.raises(FoldError, match="does not carry the same scale"):
        er.fold_dropout(Block(normed))


def test_a_branch_whose_last_layer_has_hooks_is_refused():
    model = Block(nn.Linear(4, 4))
    model.body[0].register_forward_hook(lambda *_: None)
    with pytest.raises(FoldError, match="does not carry the same scale"):
        er.fold_dropout(model)


def test_other_dropout_at_the_end_of_a_branch_is_refused_as_a_residual_sum():
    model = Forward(lambda m, x: x + m.drop(m.layer(x)), layer=nn.Linear(4, 4), drop=original())
    with pytest.raises(FoldError, match=r"'drop' .* reaches add in the forward .* residual sum"):
        er.fold_dropout(model)


def test_stochastic_depth_outside_a_sum_goes_forward_where_it_cannot_go_back():
    model = nn.Sequential(nn.Linear(4, 4), nn.Sigmoid(), depth(), nn.Linear(4, 2)).double()
    folded = same(model, numbers(3, 4))
    torch.testing.assert_close(folded[3].weight, 0.8 * model[3].weight)
