"""RecurrentDropout drops the same units at all time steps, and is the layer itself where it drops nothing."""

import copy

import pytest
import torch
from torch import fx, nn
from torch.nn.utils import parametrizations, rnn

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.droppers import dropout_rates
from evenfit.regularize.dropout.functional import variational_dropout
from evenfit.regularize.dropout.masks import keep_mask
from evenfit.regularize.dropout.recurrent import RecurrentDropout
from evenfit.regularize.dropout.streams import derived

LAYERS = {
    "lstm": lambda **settings: nn.LSTM(3, 4, **settings),
    "lstm with projections": lambda **settings: nn.LSTM(3, 4, proj_size=2, **settings),
    "gru": lambda **settings: nn.GRU(3, 4, **settings),
    "rnn": lambda **settings: nn.RNN(3, 4, nonlinearity="relu", **settings),
}
STACK = {"num_layers": 3, "bidirectional": True, "batch_first": True}


def flat(found):
    output, state = found
    output = output.data if isinstance(output, rnn.PackedSequence) else output
    return [output, *(state if isinstance(state, tuple) else [state])]


def same(one, other):
    return all(torch.equal(*pair) for pair in zip(flat(one), flat(other), strict=True))


def inputs():
    torch.manual_seed(0)
    padded = torch.randn(2, 5, 3)
    lengths = torch.tensor([3, 5])
    return {
        "padded": padded,
        "packed": rnn.pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted=False),
        "one sequence": padded[0],
    }


def state_of(layer, given):
    torch.manual_seed(1)
    rows = () if isinstance(given, torch.Tensor) and given.dim() == 2 else (2,)
    hidden = torch.randn(6, *rows, getattr(layer, "proj_size", 0) or 4)
    return (hidden, torch.randn(6, *rows, 4)) if isinstance(layer, nn.LSTM) else hidden


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")  # that torch has no fast way for them
@pytest.mark.parametrize("kind", LAYERS)
@pytest.mark.parametrize("given", ["padded", "packed", "one sequence"])
@pytest.mark.parametrize("with_state", [True, False])
def test_where_nothing_is_dropped_it_is_the_layer(kind, given, with_state):
    torch.manual_seed(2)
    layer, given = LAYERS[kind](**STACK), inputs()[given]
    arguments = (given, state_of(layer, given)) if with_state else (given,)
    expected = layer(*arguments)
    # A rate that drops nothing of so few numbers takes the way of layer after layer.
    wrapped = RecurrentDropout(layer, between_rate=1e-13, seed=1)
    assert same(wrapped(*arguments), expected)
    wrapped = RecurrentDropout(layer, input_rate=0.5, between_rate=0.5, output_rate=0.5, weight_rate=0.5)
    assert same(wrapped.eval()(*arguments), expected)


@pytest.mark.parametrize("form", ["inverted", "original"])
@pytest.mark.parametrize("training", [True, False])
def test_every_part_is_dropped_by_its_rate(form, training):
    layer, given = nn.GRU(3, 4, num_layers=2), torch.randn(5, 2, 3)
    rates = {"input_rate": 0.2, "between_rate": 0.3, "output_rate": 0.4, "weight_rate": 0.5}
    wrapped = RecurrentDropout(layer, seed=3, form=form, **rates).train(training)
    seeds = [derived(derived(3, part), 1) for part in range(4)]

    def dropped(value, part, rate):
        return variational_dropout(value, rate=rate, training=training, batch_first=False, form=form, seed=seeds[part])

    weights = {}
    for number in range(2):
        name = f"weight_hh_l{number}"
        weight = getattr(layer, name)
        if training:
            mask = keep_mask(weight.shape, rate=0.5, seed=derived(seeds[3], number))
            weights[name] = weight * mask * (2 if form == "inverted" else 1)
        else:
            weights[name] = weight * (1 if form == "inverted" else 0.5)
    first, second = nn.GRU(3, 4), nn.GRU(4, 4)
    with torch.no_grad():
        for number, single in enumerate((first, second)):
            for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
                full = f"{name}_l{number}"
                getattr(single, f"{name}_l0").copy_(weights.get(full, getattr(layer, full)))
    middle, _ = first(dropped(given, 0, 0.2))
    output, last = second(dropped(middle, 1, 0.3))
    found, state = wrapped(given)
    torch.testing.assert_close(found, dropped(output, 2, 0.4))
    torch.testing.assert_close(state[1:], last)


def test_packed_and_padded_sequences_lose_the_same():
    layer, given = nn.LSTM(3, 4, num_layers=2, batch_first=True), inputs()
    wrapped = RecurrentDropout(layer, input_rate=0.4, between_rate=0.4, output_rate=0.4, seed=5)
    again = copy.deepcopy(wrapped)
    padded, _ = rnn.pad_packed_sequence(wrapped(given["packed"])[0], batch_first=True)
    whole, _ = again(given["padded"])
    torch.testing.assert_close(padded[0, :3], whole[0, :3])
    torch.testing.assert_close(padded[1], whole[1])


def test_gradients_reach_all_weights_and_the_rates_can_be_scheduled():
    wrapped = RecurrentDropout(nn.LSTM(3, 4, num_layers=2), between_rate=0.4, weight_rate=0.5)
    output, _ = wrapped(torch.randn(5, 2, 3))
    output.sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in wrapped.parameters())
    assert dropout_rates(wrapped) == {"inputs": 0.0, "between": 0.4, "outputs": 0.0, "weights": 0.5}
    assert all(name.startswith("weights.layer.") for name in wrapped.state_dict())
    assert wrapped.double()(torch.randn(5, 2, 3).double())[0].dtype == torch.float64


def test_a_trace_holds_it_as_one_step():
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.recurrent, self.head = RecurrentDropout(nn.GRU(3, 4), output_rate=0.5), nn.Linear(4, 1)

        def forward(self, x):
            output, _ = self.recurrent(x)
            return self.head(output[-1])

    model, given = Model().eval(), torch.randn(5, 2, 3)
    traced = fx.symbolic_trace(model)
    assert [node.target for node in traced.graph.nodes if node.op == "call_module"] == ["recurrent", "head"]
    torch.testing.assert_close(traced(given), model(given))


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: RecurrentDropout(nn.Linear(3, 3), input_rate=0.5), "wraps an nn.LSTM, nn.GRU or nn.RNN; got Linear"),
        (
            lambda: RecurrentDropout(nn.LSTM(3, 3, num_layers=2, dropout=0.5), input_rate=0.5),
            "LSTM has dropout=0.5 of its own, another mask at each time step: make it with dropout=0",
        ),
        (lambda: RecurrentDropout(nn.GRU(3, 3), between_rate=0.5), "num_layers is 1"),
        (lambda: RecurrentDropout(nn.GRU(3, 3), input_rate=1.0), "rate, the probability"),
        (
            lambda: RecurrentDropout(parametrizations.weight_norm(nn.GRU(3, 3), "weight_hh_l0"), input_rate=0.5),
            "weight_hh_l0 of .* is computed from other parameters",
        ),
        (lambda: RecurrentDropout(nn.GRU(3, 3), seed=0.5), "seed must be a whole number"),
    ],
)
def test_what_it_cannot_wrap_is_refused(make, says):
    with pytest.raises(RegularizeError, match=says):
        make()


def test_it_is_public():
    assert er.RecurrentDropout is RecurrentDropout
