import warnings

import pytest
import torch
from tests.regularize.folding.models import Forward, numbers, original, same
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.nn.utils import prune, rnn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import evenfit.regularize as er
from evenfit.errors import FoldError

CONVOLUTIONS = [
    (nn.Conv1d(4, 6, 3, stride=2, groups=2), (2, 4, 9)),
    (nn.Conv2d(4, 6, 3, padding=1, padding_mode="circular"), (2, 4, 9, 9)),
    (nn.Conv3d(4, 6, 3, dilation=2, bias=False), (2, 4, 9, 9, 9)),
    (nn.ConvTranspose1d(4, 6, 3, groups=2), (2, 4, 9)),
    (nn.ConvTranspose2d(4, 6, 3, output_padding=0), (2, 4, 9, 9)),
    (nn.ConvTranspose3d(4, 6, 3), (2, 4, 5, 5, 5)),
]


def test_the_scale_goes_into_the_weight_and_not_into_the_bias():
    model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), original(0.25), nn.Linear(4, 2))
    folded = er.fold_dropout(model)
    assert torch.equal(folded[3].weight, 0.75 * model[3].weight)
    assert torch.equal(folded[3].bias, model[3].bias)
    assert torch.equal(folded[0].weight, model[0].weight)


@pytest.mark.parametrize(("layer", "shape"), CONVOLUTIONS, ids=lambda one: type(one).__name__)
def test_every_convolution_takes_a_scale(layer, shape):
    same(nn.Sequential(original(), layer).double(), numbers(*shape))


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_layers_take_the_scale_of_their_inputs(kind):
    parts = {
        "drop": er.VariationalDropout(0.4, form="original"),
        "recurrent": kind(3, 5, num_layers=2, bidirectional=True, dropout=0.5),
        "head": nn.Linear(10, 2),
    }
    model = Forward(lambda m, x: m.head(m.drop(m.recurrent(m.drop(x))[0])), **parts).double()
    folded = same(model, numbers(7, 2, 3))
    assert folded.recurrent.dropout == 0
    assert torch.equal(folded.recurrent.weight_hh_l0, model.recurrent.weight_hh_l0)
    assert torch.equal(folded.recurrent.weight_ih_l1, model.recurrent.weight_ih_l1)


@pytest.mark.parametrize("kind", [nn.RNNCell, nn.LSTMCell, nn.GRUCell])
def test_recurrent_cells_take_the_scale_of_their_inputs(kind):
    model = Forward(lambda m, x: m.cell(m.drop(x)), drop=original(), cell=kind(3, 5)).double()
    same(model, numbers(2, 3))


def test_a_scaled_state_of_a_recurrent_layer_is_refused():
    model = Forward(lambda m, x: m.cell(x, m.drop(x)), drop=original(), cell=nn.GRUCell(3, 3))
    with pytest.raises(FoldError, match=r"'drop' .* reaches 'cell' \(GRUCell\), which takes it as something other"):
        er.fold_dropout(model)


def test_a_bilinear_layer_takes_the_product_of_both_scales():
    model = Forward(
        lambda m, x: m.both(m.drop(x), m.less(x)), drop=original(), less=original(0.5), both=nn.Bilinear(3, 3, 2)
    )
    folded = same(model.double(), numbers(4, 3))
    torch.testing.assert_close(folded.both.weight, 0.7 * 0.5 * model.both.weight)


@pytest.mark.parametrize(
    "layer", [nn.Linear(3, 4), nn.Conv1d(3, 4, 2), nn.GRU(3, 4)], ids=lambda one: type(one).__name__
)
def test_drop_connect_becomes_the_layer_that_it_wraps_with_scaled_weights(layer):
    model = nn.Sequential(original(), er.DropConnect(layer, rate=0.4, form="original")).double()
    folded = same(model, numbers(2, 3, 3))
    assert type(folded[1]) is type(layer)
    name = next(name for name in dict(layer.named_parameters()) if name in {"weight", "weight_hh_l0"})
    scale = 0.7 * 0.6 if name == "weight" else 0.6
    torch.testing.assert_close(folded[1].get_parameter(name), scale * layer.get_parameter(name))


def test_drop_connect_of_the_inverted_form_becomes_the_layer_as_it_is():
    model = nn.Sequential(er.DropConnect(nn.Linear(3, 2), rate=0.4))
    folded = er.fold_dropout(model)
    assert torch.equal(folded[0].weight, model[0].layer.weight)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_recurrent_dropout_becomes_the_layer_that_it_wraps_with_its_four_scales(kind):
    rates = {"input_rate": 0.1, "between_rate": 0.2, "output_rate": 0.3, "weight_rate": 0.4}
    layer = kind(3, 5, num_layers=3, bidirectional=True)
    parts = {"recurrent": er.RecurrentDropout(layer, form="original", **rates), "head": nn.Linear(10, 2)}

    def run(m, x):
        output, state = m.recurrent(m.drop(x))
        return m.head(output), torch.tanh(state[0])

    model = Forward(run, drop=original(0.5), **parts).double()
    folded = same(model, numbers(4, 2, 3))
    assert type(folded.recurrent) is kind
    wanted = {"weight_ih_l0_reverse": 0.9 * 0.5, "weight_ih_l2": 0.8, "weight_hh_l1": 0.6, "bias_ih_l1": 1.0}
    for name, scale in wanted.items():
        torch.testing.assert_close(folded.recurrent.get_parameter(name), scale * layer.get_parameter(name))
    torch.testing.assert_close(folded.head.weight, 0.7 * model.head.weight)


def test_scales_pass_packed_sequences():
    def run(m, x):
        packed = rnn.pack_padded_sequence(m.drop(x), m.lengths, batch_first=True, enforce_sorted=False)
        output, (last, _) = m.recurrent(packed)
        output, lengths = rnn.pad_packed_sequence(m.less(output), batch_first=True)
        return m.head(output), lengths, m.head(m.less(last[-1]))

    parts = {
        "drop": er.VariationalDropout(0.1, batch_first=True, form="original"),
        "less": er.VariationalDropout(0.5, batch_first=True, form="original"),
    }
    model = Forward(run, recurrent=nn.LSTM(3, 5, batch_first=True), head=nn.Linear(5, 2), **parts)
    model.register_buffer("lengths", torch.tensor([4, 2]))
    folded = same(model.double(), numbers(2, 4, 3))
    torch.testing.assert_close(folded.recurrent.weight_ih_l0, 0.9 * model.recurrent.weight_ih_l0)
    torch.testing.assert_close(folded.head.weight, 0.5 * model.head.weight)


def test_packed_sequences_padded_with_other_numbers_than_0_are_refused():
    def run(m, x):
        packed = rnn.pack_padded_sequence(m.drop(x), torch.tensor([4, 2]))
        return m.head(rnn.pad_packed_sequence(packed, padding_value=-1.0)[0])

    with pytest.raises(FoldError, match=r"reaches pad_packed_sequence .* pads with a number other than 0"):
        er.fold_dropout(Forward(run, drop=original(), head=nn.Linear(3, 2)))


def test_recurrent_dropout_on_outputs_that_no_layer_takes_is_refused():
    model = Forward(
        lambda m, x: m.recurrent(x)[0], recurrent=er.RecurrentDropout(nn.GRU(3, 3), output_rate=0.5, form="original")
    )
    with pytest.raises(FoldError, match=r"'recurrent.outputs' \(rate 0.5\): the scale 0.5 reaches the model's output"):
        er.fold_dropout(model)
    model = Forward(
        lambda m, x: m.recurrent(x)[1], recurrent=er.RecurrentDropout(nn.GRU(3, 3), output_rate=0.5, form="original")
    )
    same(model.double(), numbers(4, 2, 3))


def test_recurrent_dropout_of_the_inverted_form_becomes_the_layer_as_it_is():
    model = er.RecurrentDropout(nn.LSTM(3, 4, 2), input_rate=0.1, between_rate=0.2, output_rate=0.3, weight_rate=0.4)
    folded = er.fold_dropout(model)
    assert type(folded) is nn.LSTM
    assert torch.equal(folded.weight_hh_l1, model.weights.layer.weight_hh_l1)


def test_weights_used_where_two_scales_reach_are_refused():
    shared = nn.Linear(3, 3)
    with pytest.raises(FoldError, match=r"'2' \(rate 0.3\): the weights '0.weight' are shared: '0' .* by 1, .* by 0.7"):
        er.fold_dropout(nn.Sequential(shared, nn.ReLU(), original(), shared))


def test_weights_used_where_one_scale_reaches_twice_are_folded():
    shared = nn.Linear(3, 3)
    same(nn.Sequential(original(), shared, nn.ReLU(), original(), shared).double(), numbers(4, 3))


def test_weights_tied_to_an_embedding_are_refused_with_both_places():
    model = Forward(
        lambda m, x: m.out(m.drop(m.words(x))), words=nn.Embedding(7, 3), drop=original(), out=nn.Linear(3, 7)
    )
    model.out.weight = model.words.weight
    with pytest.raises(FoldError, match=r"'words.weight' are shared: 'words' \(Embedding\) .* 'out' \(Linear\)"):
        er.fold_dropout(model)


def test_tied_weights_stay_tied_where_both_are_scaled_alike():
    model = nn.Sequential(original(), nn.Linear(3, 3), original(), nn.Linear(3, 3)).double()
    model[3].weight = model[1].weight
    folded = same(model, numbers(4, 3))
    assert folded[3].weight is folded[1].weight
    torch.testing.assert_close(folded[1].weight, 0.7 * model[1].weight)


def test_weights_that_share_memory_with_others_are_refused():
    model = nn.Sequential(nn.Linear(3, 3), original(), nn.Linear(3, 3))
    model[2].weight = nn.Parameter(model[0].weight.data[:])
    with pytest.raises(FoldError, match=r"'2.weight', which would be scaled by 0.7, shares its memory with '0.weight'"):
        er.fold_dropout(model)


def test_weights_that_lie_side_by_side_in_one_memory_are_folded():
    memory = torch.randn(18, dtype=torch.float64)
    model = nn.Sequential(nn.Linear(3, 3), original(), nn.Linear(3, 3)).double()
    model[0].weight = nn.Parameter(memory[:9].view(3, 3))
    model[2].weight = nn.Parameter(memory[9:].view(3, 3))
    same(model, numbers(4, 3))


@pytest.mark.parametrize("norm", [weight_norm, spectral_norm])
def test_parametrised_weights_are_refused_only_where_they_would_be_scaled(norm):
    plain = nn.Sequential(norm(nn.Linear(3, 3)), original(), nn.Linear(3, 3)).double()
    same(plain, numbers(4, 3))
    with pytest.raises(FoldError, match=r"'1' \(ParametrizedLinear\), which has a weight that is computed"):
        er.fold_dropout(nn.Sequential(original(), norm(nn.Linear(3, 3))))


def test_weights_without_memory_are_folded():
    with torch.device("meta"):
        model = nn.Sequential(nn.Linear(3, 3), original(), nn.Linear(3, 3))
    assert er.fold_dropout(model)[2].weight.is_meta
    assert [one.name for one in er.folding_plan(model).scaled] == ["2.weight"]


def test_parametrised_recurrent_weights_are_refused():
    with pytest.raises(FoldError, match="has a weight_ih_l0 that is computed"):
        er.fold_dropout(nn.Sequential(original(), weight_norm(nn.LSTM(3, 3), "weight_ih_l0")))


def test_weights_normalised_by_a_hook_are_refused_only_where_they_would_be_scaled():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch would rather have parametrisations
        normed = nn.utils.weight_norm(nn.Linear(3, 3).double())
    normed(numbers(4, 3))  # its weight is now no leaf, and refuses to be copied
    same(nn.Sequential(normed, original(), nn.Linear(3, 3)).double(), numbers(4, 3))
    with pytest.raises(FoldError, match=r"'1' \(Linear\), which has a weight that is computed"):
        er.fold_dropout(nn.Sequential(original(), normed))


def test_pruned_weights_are_refused_where_they_would_be_scaled():
    pruned = nn.Linear(3, 3)
    prune.l1_unstructured(pruned, "weight", 0.5)
    with pytest.raises(FoldError, match="has a weight that is computed"):
        er.fold_dropout(nn.Sequential(original(), pruned))


def test_a_lazy_layer_is_refused_before_its_first_batch():
    with pytest.raises(FoldError, match=r"1.weight has no shape yet: run the model on one batch"):
        er.fold_dropout(nn.Sequential(original(), nn.LazyLinear(3)))
    model = nn.Sequential(original(), nn.LazyLinear(3))
    model(numbers(4, 3, dtype=torch.float32))
    same(model.double(), numbers(4, 3))


def test_weights_of_whole_numbers_are_refused():
    model = nn.Sequential(original(), nn.Linear(3, 3))
    model[1].weight = nn.Parameter(torch.ones(3, 3, dtype=torch.int8), requires_grad=False)
    with pytest.raises(FoldError, match=r"has a weight of torch.int8, which cannot be scaled exactly"):
        er.fold_dropout(model)


def test_frozen_weights_are_folded_and_stay_frozen():
    model = nn.Sequential(original(), nn.Linear(3, 3).requires_grad_(requires_grad=False)).double()
    assert not same(model, numbers(4, 3))[1].weight.requires_grad


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_weights_keep_their_type_and_are_rounded_once(dtype):
    model = nn.Sequential(original(), nn.Linear(3, 3)).to(dtype)
    folded = er.fold_dropout(model)
    exact = (model[1].weight.double() * 0.7).to(dtype)
    assert folded[1].weight.dtype == dtype
    torch.testing.assert_close(folded[1].weight, exact, rtol=torch.finfo(dtype).eps, atol=0)


def test_complex_weights_are_folded():
    model = Forward(lambda m, x: m.layer(m.drop(x)), drop=original(), layer=nn.Linear(3, 2, dtype=torch.complex128))
    same(model, numbers(4, 3).to(torch.complex128))


def test_weights_keep_their_memory_format():
    model = nn.Sequential(er.SpatialDropout(0.5, form="original"), nn.Conv2d(4, 4, 3)).to(
        memory_format=torch.channels_last
    )
    assert er.fold_dropout(model)[1].weight.is_contiguous(memory_format=torch.channels_last)


def test_weights_of_functions_take_a_scale():
    def run(m, x):
        x = F.relu(F.linear(m.drop(x), m.weight, m.bias))
        x = m.drop(x) @ m.square + m.bias
        x = F.linear(m.drop(x), m.square.t() * 2, bias=m.bias)
        x = torch.addmm(m.bias, m.drop(x), m.other)
        x = torch.einsum("bi,io->bo", m.drop(x), m.another)
        return F.conv1d(m.drop(x)[:, :, None], m.kernel, m.bias)

    parts = {
        name: nn.Parameter(numbers(4, 4) + number)
        for number, name in enumerate(("weight", "square", "other", "another"))
    }
    model = Forward(run, drop=original(), bias=nn.Parameter(numbers(4)), kernel=nn.Parameter(numbers(4, 4, 1)), **parts)
    folded = same(model.double(), numbers(5, 4))
    assert torch.equal(folded.bias, model.bias)


def test_weights_that_are_computed_pass_a_scale_on():
    def run(m, x):
        squared = F.linear(m.drop(x), m.weight * m.weight) + F.linear(m.drop(x), 2 / m.weight)
        sums = torch.baddbmm(m.drop(x)[None], m.drop(x)[None], x.T[None] @ x[None])[0]
        return m.head(squared) + m.head(sums)

    model = Forward(run, drop=original(), weight=nn.Parameter(numbers(4, 4)), head=nn.Linear(4, 2)).double()
    folded = same(model, numbers(5, 4))
    assert torch.equal(folded.weight, model.weight)


@pytest.mark.parametrize(
    "run",
    [
        lambda m, x: torch.addmm(m.drop(x), x, m.weight),
        lambda m, x: F.linear(m.drop(x), x[:4] * 2, m.bias),
    ],
    ids=["scaled bias", "unscaled bias"],
)
def test_a_product_to_which_something_of_another_scale_is_added_is_refused(run):
    parts = {"weight": nn.Parameter(numbers(4, 4)), "bias": nn.Parameter(numbers(4)), "head": nn.Linear(4, 2)}
    with pytest.raises(FoldError, match="adds a term that does not carry the same scale"):
        er.fold_dropout(Forward(lambda m, x: m.head(run(m, x)), drop=original(), **parts).double())


def test_a_layer_of_the_users_own_type_takes_a_scale():
    class Own(nn.Linear):
        pass

    class Halved(nn.Linear):
        def forward(self, x):
            return F.linear(x, self.weight / 2, self.bias)

    same(nn.Sequential(original(), Own(3, 3), original(0.5), Halved(3, 2)).double(), numbers(4, 3))


def test_weights_that_the_forward_also_gives_back_are_refused():
    model = Forward(lambda m, x: (m.layer(m.drop(x)), m.layer.weight), drop=original(), layer=nn.Linear(3, 3))
    with pytest.raises(FoldError, match=r"'layer.weight' are shared: .* the model's output by 1"):
        er.fold_dropout(model)


def test_a_penalty_computed_from_all_parameters_within_the_forward_is_refused():
    def run(m, x):
        return m.layer(m.drop(x)), x.sum() * 0 + sum(p.square().sum() for p in m.parameters())

    with pytest.raises(FoldError, match="computed from parameters in a way that the trace does not follow"):
        er.fold_dropout(Forward(run, drop=original(), layer=nn.Linear(3, 3)))
