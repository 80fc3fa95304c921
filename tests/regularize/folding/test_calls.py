import pickle

import pytest
import torch
from tests.regularize.folding.models import numbers, original, same
from torch import fx, nn
from torch.nn import functional as F  # noqa: N812

import evenfit.regularize as er
from evenfit.errors import FoldError
from evenfit.regularize.dropout import functional as drops

ORIGINAL = {"form": "original"}


class Called(nn.Module):
    """A network that calls dropout as functions."""

    def __init__(self):
        super().__init__()
        self.first, self.second, self.unused = nn.Linear(4, 6), nn.Linear(6, 2), nn.Linear(1, 1)
        self.weight, self.bias = nn.Parameter(numbers(6, 6)), nn.Parameter(numbers(6))
        self.register_buffer("shift", torch.ones(6))
        self.register_buffer("passing", torch.ones(1), persistent=False)
        self.double()

    def forward(self, x, mask=None):
        x = drops.input_dropout(x, rate=0.2, training=self.training, **ORIGINAL)
        x = F.relu(self.first(x))
        x = drops.dropout(x, rate=0.5, training=self.training, **ORIGINAL)
        x = F.dropout(drops.gaussian_dropout(x, rate=0.5, training=self.training), 0.5, self.training)
        x = drops.drop_connect(x, self.weight * 2, self.bias, rate=0.3, training=self.training, **ORIGINAL)
        x = x + self.shift
        return self.second(x if mask is None else x * mask)


def test_calls_of_the_original_form_are_folded_and_taken_out_of_the_graph():
    model = Called()
    folded = same(model, numbers(3, 4))
    assert isinstance(folded, fx.GraphModule)
    torch.testing.assert_close(folded.first.weight, 0.8 * model.first.weight)
    torch.testing.assert_close(folded.weight, 0.5 * 0.7 * model.weight)
    targets = {getattr(node.target, "__name__", "") for node in folded.graph.nodes}
    assert not [name for name in targets if "drop" in name]
    assert "taken out input_dropout" in str(er.folding_plan(model))


def test_a_folded_graph_has_the_parts_the_names_and_the_arguments_of_its_model():
    model = Called()
    folded = er.fold_dropout(model)
    assert list(folded.state_dict()) == list(model.state_dict())
    assert dict(folded.named_buffers()).keys() == dict(model.named_buffers()).keys()
    torch.testing.assert_close(folded(x=numbers(3, 4), mask=None), model.eval()(numbers(3, 4)))
    with pytest.raises(AssertionError, match="mask has been specialized"):
        folded(numbers(3, 4), mask=torch.ones(6))


def test_a_folded_graph_is_the_same_in_training_mode_and_after_it_was_stored():
    folded = er.fold_dropout(Called())
    wanted = folded(numbers(3, 4))
    assert torch.equal(folded.train()(numbers(3, 4)), wanted)
    assert torch.equal(pickle.loads(pickle.dumps(folded))(numbers(3, 4)), wanted)  # noqa: S301 - of its own making


def test_a_folded_graph_keeps_tensors_that_are_neither_parameters_nor_buffers():
    class Held(Called):
        def __init__(self):
            super().__init__()
            self.held = torch.full((2,), 3.0, dtype=torch.float64)

        def forward(self, x):
            x = super().forward(x)
            return x * self.held * torch.tensor([1.0, 2.0])

    model = Held()
    assert list(same(model, numbers(3, 4)).state_dict()) == list(model.state_dict())


def test_a_call_in_a_submodule_is_named_with_it():
    class Block(nn.Module):
        def forward(self, x):
            return torch.sigmoid(drops.dropout(x, rate=0.5, training=self.training, **ORIGINAL))

    with pytest.raises(FoldError, match=r"dropout in the forward of '0' \(Block\): the scale 0.5 reaches sigmoid"):
        er.fold_dropout(nn.Sequential(Block(), nn.Linear(2, 2)))


@pytest.mark.parametrize(
    "use",
    [
        lambda m, x: F.dropout(x, 0.5, m.training),
        lambda m, x: F.dropout1d(x, 0.5, m.training),
        lambda m, x: F.dropout2d(x[:, None], 0.5, m.training)[:, 0],
        lambda m, x: F.dropout3d(x[:, None, None], 0.5, m.training)[:, 0, 0],
        lambda m, x: F.alpha_dropout(x, 0.5, m.training),
        lambda m, x: F.feature_alpha_dropout(x, 0.5, m.training),
        lambda m, x: torch.dropout(x, 0.5, m.training),
        lambda m, x: drops.dropout(x, rate=0.5, training=m.training),
        lambda m, x: drops.alpha_dropout(x, rate=0.5, training=m.training),
        lambda m, x: drops.variational_dropout(x, rate=0.5, training=m.training, batch_first=True),
        lambda m, x: F.scaled_dot_product_attention(m.key, m.key, x, dropout_p=0.5 if m.training else 0.0),
    ],
)
def test_a_scale_passes_calls_that_do_nothing_in_evaluation(use):
    class Model(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop, self.layer = original(), nn.Linear(4, 2, dtype=torch.float64)
            self.register_buffer("key", numbers(2, 3, 4))

        def forward(self, x):
            return self.layer(use(self, self.drop(x)))

    model = Model()
    folded = same(model, numbers(2, 3, 4))
    assert type(folded) is Model
    assert torch.equal(folded.layer.weight, 0.7 * model.layer.weight)


@pytest.mark.parametrize(
    "use",
    [
        lambda m, x: F.dropout(x, 0.5),
        lambda m, x: F.dropout(x, p=0.5, training=True),
        lambda m, x: torch.dropout(x, 0.5, train=True),
        lambda m, x: drops.gaussian_dropout(x, rate=0.5, training=True),
        lambda m, x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.5),
    ],
)
def test_a_call_that_is_on_in_evaluation_is_refused_with_what_to_pass(use):
    class Always(nn.Module):
        def forward(self, x):
            return use(self, x)

    with pytest.raises(FoldError, match=r"in the forward of '0' \(Always\): it is on in evaluation too \(rate 0.5\)"):
        er.fold_dropout(nn.Sequential(Always()))


def test_a_call_of_rate_0_may_stay_on():
    class Never(nn.Module):
        def forward(self, x):
            return F.dropout(x, 0.0)

    assert torch.equal(er.fold_dropout(Never())(numbers(3)), numbers(3))


class Switched(nn.Module):
    """Dropout that an argument switches on."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 2, dtype=torch.float64)

    def forward(self, x, on):
        return self.layer(drops.dropout(x, rate=0.5, training=on, form="original"))


def test_a_call_that_an_argument_switches_is_refused_until_the_argument_is_known():
    with pytest.raises(FoldError, match="whether it is on in evaluation depends on an argument; say in concrete_args"):
        er.fold_dropout(Switched())
    folded = er.fold_dropout(Switched(), concrete_args={"on": False})
    assert not er.folding_plan(folded, concrete_args={"on": False}).calls
    with pytest.raises(FoldError, match="it is on in evaluation too"):
        er.fold_dropout(Switched(), concrete_args={"on": True})


def test_rates_of_members_are_refused():
    class Members(nn.Module):
        def forward(self, x):
            return drops.dropout(x, rate=[0.1, 0.5], training=self.training, **ORIGINAL)

    with pytest.raises(FoldError, match=r"its rate must be one number, got \[0.1, 0.5\]"):
        er.fold_dropout(Members())


def test_dropout_of_weights_by_hand_goes_into_the_weights():
    class ByHand(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.bias = nn.Parameter(numbers(3, 4)), nn.Parameter(numbers(3))
            self.words = nn.Parameter(numbers(5, 3))

        def forward(self, x):
            weight = drops.dropout(self.weight, rate=0.25, training=self.training, **ORIGINAL)
            bias = drops.dropout(self.bias, rate=0.5, training=self.training, **ORIGINAL)
            words = drops.variational_dropout(
                self.words, rate=0.1, training=self.training, batch_first=True, **ORIGINAL
            )
            return torch.tanh(F.linear(x, weight) + bias) @ F.embedding(torch.tensor([0, 2, 4]), words)

    model = ByHand()
    folded = same(model, numbers(2, 4))
    for name, scale in {"weight": 0.75, "bias": 0.5, "words": 0.9}.items():
        torch.testing.assert_close(folded.get_parameter(name), scale * model.get_parameter(name))
