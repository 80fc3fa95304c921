"""Which parameters a penalty sees; what is refused, each with a line that names it."""

import pytest
import torch
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.parameters import KINDS, parameters_of


def kinds_of(model):
    return {name: one.kind for one in parameters_of(model) for name in one.names}


def net():
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def owner(**tensors):
    module = nn.Module()
    for name, tensor in tensors.items():
        module.register_parameter(name, nn.Parameter(tensor, requires_grad=tensor.is_floating_point()))
    return module


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Transformer(8, 2, 1, 1, 8, batch_first=True),
        lambda: nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2),
        lambda: nn.MultiheadAttention(8, 2, kdim=4, add_bias_kv=True),
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.InstanceNorm2d(4, affine=True), nn.PReLU(4), nn.Bilinear(2, 3, 4)),
        lambda: nn.AdaptiveLogSoftmaxWithLoss(32, 20, [5, 10]),
    ],
    ids=["transformer", "lstm", "attention", "mixed", "adaptive"],
)
def test_every_parameter_is_listed_once_under_its_own_name(make):
    model = make()
    listed = parameters_of(model)
    assert [one.name for one in listed] == [name for name, _ in model.named_parameters()]
    assert all(one.tensor is parameter for one, (_, parameter) in zip(listed, model.named_parameters(), strict=True))
    # of torch's own layers a weight is what has two axes or more, norms, embeddings and biases apart
    for one in listed:
        assert (one.kind == "weight") == (one.tensor.dim() >= 2 and "bias" not in one.name)


def test_kinds_are_found_by_layer_and_by_name():
    class Learned(nn.Module):
        def __init__(self):
            super().__init__()
            self.cls_token = nn.Parameter(torch.zeros(1, 1, 8))
            self.pos_embed = nn.Parameter(torch.zeros(1, 5, 8))
            self.positional_embedding = nn.Parameter(torch.zeros(5, 8))
            self.relative_position_bias_table = nn.Parameter(torch.zeros(9, 2))
            self.layer_scale = nn.Parameter(torch.zeros(8, 1, 1))
            self.gain = nn.Parameter(torch.zeros(()))
            self.mixing = nn.Parameter(torch.zeros(8, 8))
            self.column = nn.Parameter(torch.zeros(8, 1))

    class CustomRMSNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = nn.Parameter(torch.ones(1, 8, 1, 1))

    model = nn.ModuleDict(
        {
            "own": Learned(),
            "norm": CustomRMSNorm(),
            "layer_norm": nn.LayerNorm([4, 4]),
            "table": nn.EmbeddingBag(5, 3),
            "one": nn.Linear(1, 1),
        }
    )
    assert kinds_of(model) == {
        "own.cls_token": "embedding",
        "own.pos_embed": "embedding",
        "own.positional_embedding": "embedding",
        "own.relative_position_bias_table": "bias",
        "own.layer_scale": "vector",
        "own.gain": "vector",
        "own.mixing": "weight",
        "own.column": "weight",
        "norm.scale": "normalisation",
        "layer_norm.weight": "normalisation",
        "layer_norm.bias": "normalisation",
        "table.weight": "embedding",
        "one.weight": "weight",
        "one.bias": "bias",
    }


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_scripted_layers_are_known_by_their_names():
    scripted = torch.jit.script(nn.Sequential(nn.Linear(3, 4), nn.Embedding(5, 2)))
    assert kinds_of(scripted) == {"0.weight": "weight", "0.bias": "bias", "1.weight": "embedding"}


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (lambda: er.L1(1.0, only="hed.*"), r"'hed\.\*' matches no parameter; there are 0\.weight, 0\.bias, 2\.weight"),
        (lambda: er.L1(1.0, exclude="9.*"), r"'9\.\*' matches no parameter; there are 0\.weight"),
        (lambda: er.L1({"9.*": 1.0, "*": 2.0}), r"'9\.\*' matches no parameter; there are 0\.weight"),
        (lambda: er.L1(1.0, only=nn.LSTM), "the kind of layer LSTM matches no parameter; there are 0"),
        (lambda: er.L1(1.0, only="*.bias"), r"'\*\.bias' matches only 0\.bias \(bias\), 2\.bias \(bias\)"),
        (lambda: er.L1({"*": 1.0, "2.*": 2.0}), r"'2\.\*' is never used: patterns before it"),
        (lambda: er.L1({"2.*": 2.0}, exclude="2.*"), "nothing is left to penalise: of 0.weight, 0.bias, 2.weight"),
        (lambda: er.L1(1.0, exclude=nn.Linear), "nothing is left to penalise"),
        (lambda: er.L1(1.0, kinds="embedding"), r"no embedding to penalise: it has 0\.weight \(weight\), 0\.bias"),
        (lambda: er.GroupLasso(1.0, groups="filters"), "GroupLasso of filters needs convolutions"),
        (lambda: er.GroupLasso(1.0, kinds="bias"), r"two or more dimensions; 0\.bias has the shape \[4\]"),
    ],
)
def test_what_matches_nothing_is_named_beside_what_there_is(penalty, message):
    for use in (penalty(), er.L2(1.0) + penalty()):
        with pytest.raises(RegularizeError, match=message):
            use(net())


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (nn.ReLU, "the model has no parameters"),
        (lambda: nn.BatchNorm1d(3), r"the model has no weight to penalise: it has weight \(normalisation\)"),
        (lambda: nn.LazyLinear(3), "weight has no shape yet: run the model on one batch first"),
        (lambda: nn.Sequential(nn.Linear(2, 2), nn.LazyConv2d(3, 2)), r"1\.weight has no shape yet"),
        (lambda: nn.Linear(2, 2).requires_grad_(requires_grad=False), "weight is frozen .*exclude='weight'"),
        (lambda: nn.Linear(2, 2, dtype=torch.complex64), r"weight is complex \(torch\.complex64\)"),
        (lambda: owner(matrix=torch.ones(2, 2, dtype=torch.int8)), r"matrix holds torch\.int8"),
        (lambda: owner(mask=torch.ones(2, 2, dtype=torch.bool)), r"mask holds torch\.bool"),
        (lambda: owner(matrix=torch.eye(2).to_sparse()), r"matrix is a sparse tensor \(torch\.sparse_coo\)"),
    ],
)
def test_parameters_that_cannot_be_penalised_are_named(make, message):
    with pytest.raises(RegularizeError, match=message):
        er.L1(0.1)(make())


def test_sparse_gradients_are_refused():
    table = nn.Sequential(nn.Embedding(5, 3, sparse=True), nn.Linear(3, 1))
    with pytest.raises(RegularizeError, match=r"0\.weight has sparse gradients.*sparse=False"):
        er.L1(0.1, kinds="embedding")(table)
    assert er.L1(0.1)(table) > 0


def test_a_frozen_weight_that_is_left_out_does_no_harm():
    model = net()
    model[0].requires_grad_(requires_grad=False)
    with pytest.raises(RegularizeError, match=r"0\.weight is frozen \(requires_grad=False\)"):
        er.L1(0.1)(model)
    torch.testing.assert_close(er.L1(0.1, exclude="0.*")(model), 0.1 * model[2].weight.abs().sum())
    assert er.sparsity(model).size == 20


def test_two_strengths_for_one_shared_parameter_are_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    with pytest.raises(RegularizeError, match=r"two strengths: 0\.weight has 1, 1\.weight has 2"):
        er.L1({"0.*": 1.0, "1.*": 2.0})(model)
    torch.testing.assert_close(er.L1({"1.*": 2.0})(model), 2 * model[0].weight.abs().sum())


def test_groups_of_a_weight_that_is_shared_by_unlike_layers_are_refused():
    model = nn.ModuleDict({"encode": nn.Conv1d(3, 3, 2), "decode": nn.ConvTranspose1d(3, 3, 2)})
    model["decode"].weight = model["encode"].weight
    assert er.L1(0.1)(model) > 0
    with pytest.raises(RegularizeError, match=r"encode\.weight and decode\.weight are one shared parameter whose inp"):
        er.GroupLasso(0.1)(model)


def test_whole_inputs_of_a_bilinear_layer_are_refused():
    model = nn.Bilinear(2, 3, 4)
    with pytest.raises(RegularizeError, match="weight multiplies two inputs, whose groups overlap"):
        er.GroupLasso(0.1)(model)
    by_unit = sum(one.norm() for one in model.weight)
    torch.testing.assert_close(er.GroupLasso(1.0, groups="units")(model), by_unit)


@pytest.mark.parametrize("wrong", [3, None, (nn.Linear, 3), nn.Linear(1, 1), int])
def test_a_place_is_a_pattern_or_a_kind_of_layer(wrong):
    for name in ("only", "exclude"):
        with pytest.raises(RegularizeError, match=f"L1: {name} takes patterns of names"):
            er.L1(0.1, **{name: wrong})


@pytest.mark.parametrize("wrong", ["weights", ("weight", "norm"), ()])
def test_kinds_are_of_those_that_there_are(wrong):
    with pytest.raises(RegularizeError, match=f"kinds must be some of {', '.join(sorted(KINDS))}; got"):
        er.L1(0.1, kinds=wrong)


def test_patterns_are_cut_short_when_there_are_many_names():
    model = nn.Sequential(*[nn.Linear(1, 1) for _ in range(30)])
    with pytest.raises(RegularizeError, match=r"9\.bias and 40 more$"):
        er.L1(0.1, only="head.*")(model)
