import pytest
import torch
from tests.regularize.folding.models import Answering, Checking, Deciding, Forward, numbers, original, same
from torch import nn

import evenfit.regularize as er
from evenfit.errors import FoldError


class Decides(nn.Module):
    """A block whose forward depends on data."""

    def __init__(self, drop):
        super().__init__()
        self.drop, self.layer = drop, nn.Linear(4, 4)
        self.double()

    def forward(self, x):
        return self.layer(self.drop(x)) if x.sum() > 0 else self.layer(x)


def test_a_module_that_cannot_be_traced_is_named_with_the_reason():
    model = nn.Sequential(nn.Linear(4, 4), nn.Sequential(Decides(original())))
    with pytest.raises(
        FoldError, match=r"'1.0' \(Decides\) cannot be traced \(symbolically traced variables cannot be"
    ):
        er.fold_dropout(model)
    with pytest.raises(FoldError, match=r"the model itself \(Decides\) cannot be traced"):
        er.fold_dropout(Decides(original()))


def test_a_module_that_cannot_be_traced_is_no_matter_where_no_original_form_is_inside():
    folded = same(nn.Sequential(Decides(nn.Dropout()), original(), nn.Linear(4, 2)).double(), numbers(3, 4))
    assert type(folded[0].drop) is nn.Identity
    same(Decides(er.Dropout(0.5)), numbers(3, 4))
    same(Decides(original(0.0)), numbers(3, 4))


def test_a_scale_does_not_pass_a_module_that_cannot_be_traced():
    with pytest.raises(FoldError, match=r"'0' .* reaches '1' \(Decides\), which is not known to pass a scale on"):
        er.fold_dropout(nn.Sequential(original(), Decides(nn.Dropout())))


def test_weights_used_inside_a_module_that_cannot_be_traced_are_not_scaled():
    model = nn.Sequential(Decides(nn.Dropout()), original(), nn.Linear(4, 4).double())
    model[2].weight = model[0].layer.weight
    with pytest.raises(FoldError, match=r"'0.layer.weight' are shared: '0' \(Decides\) needs them scaled by 1"):
        er.fold_dropout(model)


def test_what_only_raises_errors_does_not_stand_in_the_way():
    same(Checking().double(), numbers(3, 4))
    same(Answering().double(), numbers(3, 4))
    with pytest.raises(FoldError, match=r"the model itself \(Deciding\) cannot be traced"):
        er.fold_dropout(Deciding())


class Optional(nn.Module):
    """A model with arguments that have defaults."""

    def __init__(self):
        super().__init__()
        self.drop, self.layer, self.head = original(), nn.Linear(4, 4), nn.Linear(4, 2)
        self.double()

    def forward(self, x, mask=None, raw=False, name="plain"):
        x = self.drop(torch.relu(self.layer(x)))
        if mask is not None:
            x = x * mask
        if raw:
            return self.head(x)
        return torch.tanh(self.head(x))


def test_arguments_that_have_defaults_may_be_given_or_not():
    folded = same(Optional(), numbers(3, 4))
    model = Optional()
    folded = er.fold_dropout(model)
    mask = numbers(4)
    torch.testing.assert_close(folded(numbers(3, 4), mask, raw=True), model.eval()(numbers(3, 4), mask, raw=True))


class Flagged(Optional):
    """A model whose flag makes folding wrong."""

    def forward(self, x, raw=False):
        return self.head(self.layer(x)) if raw else self.head(self.drop(self.layer(x)))


def test_an_argument_that_would_make_folding_wrong_is_refused_until_it_is_ruled_out():
    with pytest.raises(FoldError, match=r"'head.weight' are shared: .* by 0.7, .* called with raw=True .* by 1"):
        er.fold_dropout(Flagged())
    same(Flagged(), numbers(3, 4), concrete_args={"raw": False})
    assert er.folding_plan(Flagged(), concrete_args={"raw": True}).scaled == ()


class Repeating(Optional):
    """A model that cannot be traced with one argument given."""

    def forward(self, x, steps=2):
        for _ in range(steps):
            x = self.layer(self.drop(x))
        return x


def test_an_argument_that_cannot_be_left_open_has_to_be_fixed():
    with pytest.raises(FoldError, match=r"cannot be traced with steps given .* say in concrete_args"):
        er.fold_dropout(Repeating())
    same(Repeating(), numbers(3, 4), concrete_args={"steps": 2})


def test_an_argument_that_a_sample_gives_is_left_open():
    class Gated(Optional):
        def forward(self, x, gate=None):
            x = self.drop(self.layer(x))
            return self.head(torch.cat([x, x], 1)[:, :4] if gate is None else x * gate)

    sample = {"x": numbers(3, 4), "gate": numbers(4)}
    model = Gated()
    torch.testing.assert_close(er.fold_dropout(model, sample)(**sample), model.eval()(**sample))


def test_a_way_of_calling_that_the_model_itself_refuses_is_left_out():
    class Refusing(Flagged):
        def forward(self, x, raw=False):
            if raw:
                raise NotImplementedError("raw outputs")
            return super().forward(x)

    same(Refusing(), numbers(3, 4))


def test_dropout_of_the_original_form_where_a_trace_does_not_reach_is_refused():
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = original()

        def forward(self, x):
            if isinstance(x, torch.fx.Proxy):
                return x.tracer.create_proxy("call_module", x.tracer.path_of_module(self), (x,), {})
            return self.drop(x)

    with pytest.raises(
        FoldError, match=r"'1' \(Whole\) has dropout of the original form inside, where a trace does not"
    ):
        er.fold_dropout(nn.Sequential(nn.Linear(4, 4), Whole(), nn.Linear(4, 2)))


def test_constants_that_the_forward_does_not_take_are_refused():
    with pytest.raises(FoldError, match=r"concrete_args names 'flag', which forward of .*Optional.* does not take"):
        er.fold_dropout(Optional(), concrete_args={"flag": 1})


def test_what_only_training_does_is_not_folded():
    def run(m, x):
        return m.layer(m.drop(x) if m.training else x)

    model = Forward(run, drop=original(), layer=nn.Linear(4, 2)).double()
    folded = same(model, numbers(3, 4))
    assert torch.equal(folded.layer.weight, model.layer.weight)


def test_tracing_leaves_no_mark_on_the_model_nor_on_torchs_random_numbers():
    def run(m, x):
        m.calls.add_(1)
        m.seen = x
        torch.rand(3)
        return m.layer(m.drop(x))

    model = Forward(run, drop=original(), layer=nn.Linear(4, 2))
    model.register_buffer("calls", torch.zeros(()))
    torch.manual_seed(5)
    folded = er.fold_dropout(model)
    assert torch.equal(torch.rand(2), torch.manual_seed(5) and torch.rand(2))
    assert model.calls == 0
    assert folded.calls == 0
    assert not hasattr(model, "seen")
    assert not hasattr(folded, "seen")


def test_a_model_whose_forward_was_replaced_is_refused():
    model = nn.Sequential(original(), nn.Linear(4, 2))
    model.forward = lambda x: x
    with pytest.raises(FoldError, match=r"its forward was replaced on the instance, or wrapped by torch.compile"):
        er.fold_dropout(model)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # torch.compile warns of itself
def test_a_compiled_model_is_refused():
    with pytest.raises(FoldError, match=r"its forward was replaced on the instance, or wrapped by torch.compile"):
        er.fold_dropout(torch.compile(nn.Sequential(original(), nn.Linear(4, 2))))


def test_a_layer_hidden_in_a_list_is_refused():
    model = Forward(lambda m, x: m.hidden[0](m.drop(x)), drop=original())
    model.hidden = [nn.Linear(4, 2)]
    with pytest.raises(FoldError, match=r"cannot be traced .*module is not installed as a submodule"):
        er.fold_dropout(model)


def test_torchs_own_layers_are_traced_where_dropout_of_the_original_form_was_put_into_them():
    layer = nn.TransformerDecoderLayer(8, 2, 16, batch_first=True)
    layer.dropout = original()
    model = Forward(lambda m, x: m.head(m.layer(x, x)), layer=layer, head=nn.Linear(8, 2)).double()
    folded = same(model, numbers(2, 3, 8))
    torch.testing.assert_close(folded.layer.linear2.weight, 0.7 * layer.linear2.weight)
    layer.dropout1 = original()
    with pytest.raises(FoldError, match=r"'layer.dropout1' .* reaches add .* residual sum"):
        er.fold_dropout(model)


def test_a_graph_may_be_folded_again():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), original(), nn.Linear(4, 2)).double()
    same(torch.fx.symbolic_trace(model), numbers(3, 4))
