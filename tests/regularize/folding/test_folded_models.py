import copy
import io

import pytest
import torch
from tests.regularize.folding.models import Forward, numbers, original, same
from torch import nn
from torch.nn import functional as F  # noqa: N812

import evenfit.regularize as er
from evenfit.errors import FoldError


class Network(nn.Module):
    """A network in which everything is somewhere."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), original(0.2)) for _ in range(2))
        self.named = nn.ModuleDict({"drop": nn.Dropout(0.5), "norm": nn.BatchNorm1d(4)})
        self.drop = original(0.5)
        self.alias = self.drop
        self.head = nn.Linear(4, 2)
        self.register_buffer("shift", torch.ones(4), persistent=False)
        self.double()

    def forward(self, x):
        x = self.named["norm"](self.named["drop"](x))
        for block in self.blocks:
            x = block(x)
        return self.head(F.relu(self.alias(self.drop(x))))

    def decided(self, x):
        """What users add to their models."""
        return self(x).argmax(1)


def test_a_folded_model_is_of_its_own_class_with_identities_in_evaluation_mode():
    model = Network().train()
    folded = same(model, numbers(5, 4))
    assert type(folded) is Network
    assert not any(module.training for module in folded.modules())
    assert type(folded.blocks[0][2]) is nn.Identity
    assert folded.drop is folded.alias
    assert type(folded.named["drop"]) is nn.Identity
    assert torch.equal(folded.decided(numbers(5, 4)), model.decided(numbers(5, 4)))


def test_the_plan_says_what_was_scaled_removed_and_silenced():
    model = Network()
    model.attention = nn.MultiheadAttention(4, 2, dropout=0.1)
    assert str(er.folding_plan(model)).splitlines() == [
        "scaled    blocks.1.0.weight times 0.8: dropout layer 'blocks.0.2' (rate 0.2)",
        "scaled    head.weight times 0.2: dropout layer 'blocks.1.2' (rate 0.2), dropout layer 'drop' (rate 0.5)",
        "removed   blocks.0.2",
        "removed   blocks.1.2",
        "removed   named.drop",
        "removed   drop",
        "removed   alias",
        "silenced  attention",
    ]
    assert str(er.folding_plan(nn.Linear(2, 2))) == "nothing to fold"


def test_gradients_stay_behind():
    model = nn.Sequential(original(), nn.Linear(4, 2)).double()
    model(numbers(3, 4)).sum().backward()
    assert er.fold_dropout(model)[1].weight.grad is None
    assert model[1].weight.grad is not None


@pytest.mark.parametrize("layer", [nn.TransformerEncoderLayer, nn.TransformerDecoderLayer])
def test_dropout_inside_torchs_own_layers_is_gone_in_training_mode_too(layer):
    inputs = [numbers(2, 3, 8)] * (2 if layer is nn.TransformerDecoderLayer else 1)
    model = layer(8, 2, 16, dropout=0.5, batch_first=True).double()
    folded = er.fold_dropout(model).train()
    torch.testing.assert_close(folded(*inputs), model.eval()(*inputs))
    assert torch.equal(folded(*inputs), folded(*inputs))


def test_dropout_inside_a_recurrent_layer_is_gone_in_training_mode_too():
    model = nn.LSTM(4, 4, num_layers=2, dropout=0.5).double()
    folded = er.fold_dropout(model).train()
    torch.testing.assert_close(folded(numbers(3, 2, 4)), model.eval()(numbers(3, 2, 4)))


def test_an_exported_folded_model_has_no_random_step():
    model = nn.Sequential(
        *(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), er.SpatialDropout(0.3, form="original")),
        *(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(), original(0.5), nn.Linear(64, 2)),
    ).double()
    folded = same(model, numbers(2, 1, 8, 8))
    program = torch.export.export(folded, (numbers(2, 1, 8, 8),))
    steps = {str(node.target) for node in program.graph.nodes if node.op == "call_function"}
    assert steps
    assert not [step for step in steps if "drop" in step or "rand" in step or "bernoulli" in step]


def test_a_folded_model_loads_into_the_same_class_and_can_be_stored():
    model = Network()
    folded = er.fold_dropout(model)
    kept = io.BytesIO()
    torch.save(folded.state_dict(), kept)
    kept.seek(0)
    other = er.fold_dropout(Network())
    other.load_state_dict(torch.load(kept, weights_only=True))
    assert torch.equal(other(numbers(5, 4)), folded(numbers(5, 4)))
    assert torch.equal(copy.deepcopy(folded)(numbers(5, 4)), folded(numbers(5, 4)))


def test_a_forward_may_still_read_the_rate_of_a_layer_that_is_gone():
    def run(m, x):
        if m.own.rate > 0:
            x = m.own(x)
        return m.layer(F.dropout(x, m.torchs.p, m.training))

    model = Forward(run, own=original(), torchs=nn.Dropout(0.5), layer=nn.Linear(4, 2)).double()
    folded = same(model, numbers(3, 4))
    assert torch.equal(folded.train()(numbers(3, 4)), folded.eval()(numbers(3, 4)))


def test_a_model_without_dropout_and_an_empty_one_are_copied():
    linear = nn.Linear(4, 2)
    assert torch.equal(er.fold_dropout(linear).weight, linear.weight)
    assert torch.equal(er.fold_dropout(nn.Sequential())(numbers(3)), numbers(3))


def test_a_model_that_is_a_dropout_layer_becomes_an_identity():
    assert type(er.fold_dropout(nn.Dropout(0.5))) is nn.Identity
    assert type(er.fold_dropout(er.GaussianDropout(0.5))) is nn.Identity
    layer = er.DropConnect(nn.Linear(3, 2), rate=0.5, form="original")
    assert torch.equal(er.fold_dropout(layer).weight, 0.5 * layer.layer.weight)
    assert er.folding_plan(er.Dropout(0.5)).removed == ("0",)
    with pytest.raises(FoldError, match=r"'0' .* reaches the model's output"):
        er.folding_plan(original())
    with pytest.raises(FoldError, match="reaches the model's output, which comes before any linear or conv"):
        er.fold_dropout(original())


def test_dropout_on_the_output_is_refused_wherever_the_output_holds_it():
    model = Forward(lambda m, x: {"logits": m.layer(x), "hidden": [m.drop(x)]}, layer=nn.Linear(4, 2), drop=original())
    with pytest.raises(FoldError, match=r"'drop' \(rate 0.3\): the scale 0.7 reaches the model's output"):
        er.fold_dropout(model)


def test_both_branches_behind_one_dropout_have_to_take_its_scale():
    def run(m, x):
        x = m.drop(x)
        return m.first(x) + m.second(x).relu(), m.third(torch.sigmoid(x)) if m.bad else m.third(x)

    layers = {name: nn.Linear(4, 2) for name in ("first", "second", "third")}
    model = Forward(run, drop=original(), **layers).double()
    model.bad = False
    folded = same(model, numbers(3, 4))
    for name, layer in layers.items():
        torch.testing.assert_close(folded.get_submodule(name).weight, 0.7 * layer.weight)
    model.bad = True
    with pytest.raises(FoldError, match="reaches sigmoid in the forward of the model itself"):
        er.fold_dropout(model)


def test_a_change_in_place_that_would_reach_another_use_is_refused():
    def run(m, x):
        hidden = m.layer(x)
        return m.second(m.relu(m.drop(hidden.view(-1, 4)))) + hidden

    parts = {"layer": nn.Linear(4, 4), "second": nn.Linear(4, 4), "drop": original(), "relu": nn.ReLU(inplace=True)}
    with pytest.raises(
        FoldError, match=r"'drop' .Dropout.: 'relu' \(ReLU\) changes its result in place,.* drop inplace=True"
    ):
        er.fold_dropout(Forward(run, **parts))
    same(Forward(run, **parts | {"relu": nn.ReLU()}).double(), numbers(3, 4))


def test_a_change_in_place_of_the_models_input_is_refused():
    def run(m, x):
        x = m.drop(x)
        x *= 2
        return m.layer(x)

    with pytest.raises(FoldError, match=r"imul in the forward .* changes its result in place"):
        er.fold_dropout(Forward(run, drop=original(), layer=nn.Linear(4, 2)))


def test_a_change_in_place_that_nothing_else_sees_is_folded():
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(inplace=True), original(), nn.ReLU(inplace=True), nn.Linear(4, 2))
    same(model.double(), numbers(3, 4))


def test_a_layer_of_the_users_own_that_drops_in_another_way_is_refused():
    class Always(nn.Dropout):
        def forward(self, x):
            return F.dropout(x, self.p, training=True)

    class Halved(er.Dropout):
        def dropped(self, x):
            return x / 2

    for layer in (Always(0.5), Halved(0.5, form="original")):
        with pytest.raises(FoldError, match=r"dropout layer '1' \(\w+\): it has a forward of its own"):
            er.fold_dropout(nn.Sequential(nn.Linear(4, 4), layer, nn.Linear(4, 2)))


def test_hooks_on_what_a_scale_reaches_are_refused():
    model = nn.Sequential(original(), nn.ReLU(), nn.Linear(4, 2))
    model[2].register_forward_hook(lambda *_: None)
    with pytest.raises(FoldError, match=r"reaches '2' \(Linear\), which has hooks registered on it"):
        er.fold_dropout(model)
    model = nn.Sequential(nn.Linear(4, 4), nn.Dropout(), nn.Linear(4, 2))
    model[1].register_forward_pre_hook(lambda *_: None)
    with pytest.raises(FoldError, match=r"'1' .*: hooks are registered on it, and they would go with it"):
        er.fold_dropout(model)


def test_a_model_that_refuses_to_be_copied_is_refused_with_its_reason():
    class Locked(nn.Module):
        def __deepcopy__(self, memo):
            raise RuntimeError("there is one of me")

    with pytest.raises(FoldError, match="cannot copy the model before its dropout is folded: there is one of me"):
        er.fold_dropout(nn.Sequential(Locked(), original(), nn.Linear(4, 2)))


def test_a_rate_of_the_original_form_that_was_set_later_counts():
    model = nn.Sequential(original(), nn.Linear(4, 2)).double()
    model[0].rate = 0.9
    torch.testing.assert_close(same(model, numbers(3, 4))[1].weight, 0.1 * model[1].weight)
    model[0].rate = 0.0
    assert torch.equal(er.fold_dropout(model)[1].weight, model[1].weight)


def test_every_dropout_layer_of_the_library_is_folded_or_removed():
    layers = {
        "Dropout": original(),
        "InputDropout": er.InputDropout(0.3, form="original"),
        "SpatialDropout": er.SpatialDropout(0.3, dimensions=1, form="original"),
        "VariationalDropout": er.VariationalDropout(0.3, form="original"),
        "StochasticDepth": er.StochasticDepth(0.3, form="original"),
        "DropConnect": er.DropConnect(nn.Linear(4, 4), rate=0.3, form="original"),
        "GaussianDropout": er.GaussianDropout(0.3),
        "AlphaDropout": er.AlphaDropout(0.3),
    }
    for layer in layers.values():
        folded = same(nn.Sequential(nn.Linear(4, 4), layer, nn.Linear(4, 2)).double(), numbers(2, 3, 4))
        assert type(folded[1]) in {nn.Identity, nn.Linear}
