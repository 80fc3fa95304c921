"""with_dropout puts dropout where it belongs and nowhere else, changes nothing besides, or says why it cannot."""

import copy
import pickle

import pytest
import torch
from tests.regularize.dropout import nets
from torch import fx, nn
from torch.nn.utils import parametrizations

from evenfit.errors import RegularizeError
from evenfit.regularize.dropout.droppers import dropout_rates, set_dropout_rates_
from evenfit.regularize.dropout.insertion.insert import dropout_plan, with_dropout
from evenfit.regularize.dropout.modules import (
    AlphaDropout,
    Dropout,
    DropoutLayer,
    InputDropout,
    SpatialDropout,
    VariationalDropout,
)

EVERY = pytest.mark.parametrize("name", nets.NETS)


def made(name, seed=0):
    torch.manual_seed(seed)
    make, arguments, places, stays = nets.NETS[name]
    return make(), arguments(), places, stays


def layers_of(model):
    return [module for module in model.modules() if isinstance(module, DropoutLayer)]


def close(one, other):
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(close(one[key], other[key]) for key in one)
    return torch.allclose(one, other, rtol=1e-5, atol=1e-5)


@EVERY
def test_dropout_goes_where_it_belongs(name):
    model, _, places, _ = made(name)
    plan = dropout_plan(model)
    found = {place.name: f"{place.kind}{place.dimensions or ''} {place.after}" for place in plan.places}
    assert found == places
    kinds = {"units": Dropout, "maps": SpatialDropout, "times": VariationalDropout, "alpha": AlphaDropout}
    dropped = with_dropout(model, 0.3)
    for place in plan.places:
        layer = dropped.get_submodule(place.name)
        assert type(layer) is kinds[place.kind]
        assert layer.rate == 0.3
    assert len(layers_of(dropped)) == len(places)


@EVERY
def test_nothing_else_changes(name):
    model, arguments, _, stays = made(name)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    modules = dict(model.named_modules())
    dropped = with_dropout(model, 0.3)
    assert (type(dropped) is type(model)) == stays
    assert isinstance(dropped, type(model))
    assert dropped is not model
    assert dict(model.named_modules()) == modules  # the one given is as it was
    assert list(dropped.state_dict()) == list(before)
    assert all(one is other for one, other in zip(model.parameters(), dropped.parameters(), strict=True))
    assert close(dropped.eval()(*arguments), model.eval()(*arguments))
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in before.items())


@EVERY
def test_what_is_dropped_is_what_the_plan_says(name):
    # A model that is its own twin but for rates of 0: with layers of rate 0 it trains like the one given.
    model, arguments, _, _ = made(name)
    other = copy.deepcopy(model)
    dropped = with_dropout(model, 0.0)
    torch.manual_seed(1)
    expected = other.train()(*arguments)
    torch.manual_seed(1)
    assert close(dropped.train()(*arguments), expected)
    for layer in layers_of(dropped):
        layer.rate = 0.9
        calls = []
        handle = layer.register_forward_hook(lambda *_, calls=calls: calls.append(1))
        results = [dropped(*arguments) for _ in range(4)]
        assert calls
        if name not in {"one relu", "convolutional", "mode"}:  # ends in ReLU, or drops by itself
            assert not all(close(results[0], each) for each in results[1:])
        handle.remove()
        layer.rate = 0.0


@EVERY
def test_the_model_can_be_copied_pickled_traced_and_given_dropout_no_second_time(name):
    model, arguments, _, _ = made(name)
    dropped = with_dropout(model, 0.3, seed=1).eval()
    expected = dropped(*arguments)
    copied = copy.deepcopy(dropped)
    assert close(copied(*arguments), expected)
    assert not any(one is other for one, other in zip(copied.parameters(), dropped.parameters(), strict=True))
    assert list(copied.state_dict()) == list(dropped.state_dict())
    restored = pickle.loads(pickle.dumps(dropped))  # noqa: S301 - our own
    assert close(restored(*arguments), expected)
    if name != "packed":  # of which torch.fx by itself cannot trace the packing
        traced = fx.symbolic_trace(dropped)
        assert close(traced(*arguments), expected)
        names = {node.target for node in traced.graph.nodes if node.op == "call_module"}
        assert {layer for layer, module in dropped.named_modules() if isinstance(module, DropoutLayer)} <= names
    with pytest.raises(RegularizeError, match=r"has no place for dropout.*dropout follows already"):
        with_dropout(dropped, 0.3)


def test_the_place_in_a_sequence_is_right_behind_the_layer():
    model = with_dropout(
        nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1)), 0.3, input_rate=0.1, form="original"
    )
    assert [type(layer) for layer in model] == [InputDropout, nn.Linear, nn.ReLU, Dropout, nn.Linear]
    assert [layer.form for layer in layers_of(model)] == ["original", "original"]
    assert dropout_rates(model) == {"input_dropout": 0.1, "1_dropout": 0.3}
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    given = torch.rand(4, 3)
    weights = [model[1].weight, model[4].weight]
    expected = torch.relu(given * 0.9 @ weights[0].T + model[1].bias) * 0.7 @ weights[1].T + model[4].bias
    torch.testing.assert_close(model.eval()(given), expected)


def test_an_optimiser_of_the_model_trains_the_one_with_dropout():
    model = nets.Functional()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    dropped = with_dropout(model, 0.3)
    before = dropped.first.weight.clone()
    dropped(torch.rand(5, 4)).sum().backward()
    optimiser.step()
    assert not torch.equal(dropped.first.weight, before)
    assert model.first.weight is dropped.first.weight


def test_modes_are_kept_and_obeyed():
    model = nets.Functional().eval()
    model.second.train()
    dropped = with_dropout(model, 0.5)
    assert not dropped.training
    assert not any(layer.training for layer in layers_of(dropped))
    assert dropped.second.training
    dropped.train()
    assert not model.training
    assert all(layer.training for layer in layers_of(dropped))


def test_functional_dropout_obeys_the_mode_of_its_module_afterwards():
    inner = nets.Mode()
    model = with_dropout(nets.nested(inner.second and nn.Sequential(inner, nn.Linear(2, 4))), 0.0)
    given = torch.rand(50, 4)
    model.eval()
    assert torch.equal(model(given), model(given))
    model.train()
    assert not torch.equal(model(given), model(given))
    model.part[0].eval()
    assert torch.equal(model(given), model(given))


def test_a_seed_makes_masks_a_function_of_it_and_layers_unlike_one_another():
    def masks(seed):
        model = with_dropout(nets.Functional(), 0.5, seed=seed)
        return [layer(torch.ones(50)) for layer in layers_of(model)]

    one, again, other = masks(1), masks(1), masks(2)
    assert all(map(torch.equal, one, again))
    assert not any(map(torch.equal, one, other))
    assert not torch.equal(*one)


@pytest.mark.parametrize(
    ("name", "layer"),
    [("lstm", None), ("functional", InputDropout), ("convolutional", InputDropout), ("packed", VariationalDropout)],
)
def test_inputs_are_dropped_where_layers_take_them_as_they_are(name, layer):
    model, arguments, _, _ = made(name)
    plan = dropout_plan(model, inputs=True)
    dropped = with_dropout(model, 0.0, input_rate=0.2)
    inputs = [module for module in layers_of(dropped) if module.rate == 0.2]
    assert [type(module) for module in inputs] == ([layer] if layer else [])
    dropped(*arguments)
    if layer is None:
        (reason,) = [one.reason for one in plan.left_out if one.after == "the input 'x'"]
        assert reason == "no dense, convolution or recurrent layer takes it as it is"


def test_norms_can_be_spared():
    model = nets.NETS["convolutional"][0]()
    plan = dropout_plan(model, spare_norms=True)
    assert [place.name for place in plan.places] == ["relu_1_dropout", "clamp_dropout"]
    assert "none after relu of 'conv1': batch normalisation follows" in str(plan)


def test_what_is_left_out_is_said_with_the_reason():
    reasons = {
        name: {one.after: one.reason for one in dropout_plan(nets.NETS[name][0]()).left_out} for name in nets.NETS
    }
    assert reasons["one relu"] == {"'1' (ReLU)": "it reaches the output without another layer"}
    assert reasons["convolutional"] == {"relu of 'dense1'": "dropout follows already"}
    assert reasons["squeeze"] == {"sigmoid of 'up'": "it is a gate, which multiplies other units"}
    assert reasons["transformer"] == {
        "'attention' (MultiheadAttention)": "attention drops by itself, at a rate of its own (0)"
    }
    cell = nets.nested(nn.Sequential(nn.GRUCell(4, 4), nn.Linear(4, 4)))
    assert [one.after for one in dropout_plan(cell).left_out] == ["'part.0' (GRUCell)"]
    encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, dropout=0.1), 1, enable_nested_tensor=False)
    plan = dropout_plan(nn.Sequential(encoder, nn.Linear(8, 4), nn.ReLU(), nn.Linear(4, 1)))
    assert [one.reason for one in plan.left_out] == ["attention drops by itself, at a rate of its own (0.1)"]


def test_two_activations_around_a_norm_get_one_dropout_after_both():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
    assert [place.name for place in dropout_plan(model).places] == ["3_dropout"]


class Joined(nn.Module):
    """Two activations beside one another before a norm."""

    def __init__(self):
        super().__init__()
        self.one, self.two, self.norm, self.last = nn.Linear(4, 3), nn.Linear(4, 3), nn.BatchNorm1d(6), nn.Linear(6, 2)

    def forward(self, x):
        return self.last(self.norm(torch.cat([torch.relu(self.one(x)), torch.tanh(self.two(x))], 1)))


class Split(nn.Module):
    """Maps that are split before an activation."""

    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 8, 3), nn.Conv2d(4, 2, 1)

    def forward(self, x):
        one, two = self.conv(x).chunk(2, dim=1)
        return self.last(torch.relu(one) + two)


def test_activations_that_one_norm_takes_share_one_dropout():
    plan = dropout_plan(Joined())
    assert [place.after for place in plan.places] == ["'norm' (BatchNorm1d)"]
    assert [one.reason for one in plan.left_out] == ["dropout is put there for another activation"]


def test_parts_of_split_maps_are_still_maps():
    (place,) = dropout_plan(Split()).places
    assert (place.kind, place.dimensions) == ("maps", 2)


def test_dropout_before_an_activation_is_not_doubled():
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    plan = dropout_plan(model)
    assert [place.name for place in plan.places] == ["4_dropout"]
    assert [one.reason for one in plan.left_out] == ["dropout comes just before it"]


def test_arguments_with_a_default_keep_it_unless_they_are_said_to_be_given():
    model, (given,), _, _ = made("transformer")
    mask = torch.rand(2, 5, 8)
    dropped = with_dropout(model, 0.3).eval()
    assert close(dropped(given), model.eval()(given))
    assert close(dropped(given, mask=None), model(given))
    with pytest.raises(RegularizeError, match=r"for mask=None: .* er.with_dropout\(..., given=\('mask',\)\)"):
        dropped(given, mask)
    dropped = with_dropout(model, 0.3, given=["mask"]).eval()
    assert close(dropped(given, mask), model(given, mask))
    with pytest.raises(RegularizeError, match="forward of Transformer takes no 'key'; it takes x, mask"):
        with_dropout(model, 0.3, given=["key"])
    model, (given,), _, _ = made("listed")
    dropped = with_dropout(model, 0.3).eval()
    assert close(dropped(given, scale=3.0), model.eval()(given, scale=3.0))  # a number can be left open


def test_constants_made_on_the_way_move_with_the_model_and_are_not_saved():
    model, (given,), _, _ = made("listed")
    dropped = with_dropout(model, 0.3).double().eval()
    assert dropped(given).dtype == torch.float64
    assert list(dropped.state_dict()) == list(model.state_dict())


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
@pytest.mark.parametrize(
    "change",
    [
        lambda model: parametrizations.weight_norm(model[0]),
        lambda model: parametrizations.spectral_norm(model[2]),
        lambda model: nn.utils.weight_norm(model[0]),
        lambda model: model.requires_grad_(False),
        lambda model: model.double(),
        lambda model: setattr(model[2], "weight", model[0].weight),
        lambda model: model[0].register_forward_hook(lambda module, given, found: found + 1),
    ],
)
@pytest.mark.parametrize("structural", [True, False])
def test_weights_that_are_computed_tied_frozen_or_hooked_stay_so(change, structural):
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    change(model)
    model.eval()
    if not structural:
        model = nets.nested(model).to(model[0].bias.dtype).eval()
    given = torch.rand(3, 4, dtype=next(model.parameters()).dtype)
    model(given)
    dropped = with_dropout(model, 0.3)
    assert close(dropped(given), model(given))
    assert list(dropped.state_dict()) == list(model.state_dict())
    assert len({id(parameter) for parameter in dropped.parameters()}) == len(list(model.parameters()))
    assert [one.requires_grad for one in dropped.parameters()] == [one.requires_grad for one in model.parameters()]


def test_methods_and_attributes_stay():
    class Mine(nets.Functional):
        kind = "mine"

        def __init__(self):
            super().__init__()
            self.classes = ["a", "b"]
            self.unused = nn.Linear(2, 2)

        def predict(self, x):
            return self(x).argmax(1)

    model = with_dropout(Mine(), 0.5)
    assert model.kind == "mine"
    assert model.classes == ["a", "b"]
    assert "unused.weight" in model.state_dict()
    assert not torch.equal(model.predict(torch.randn(400, 4) * 9), model.predict(torch.zeros(400, 4)))
    assert type(model).__name__ == "Mine"
    with pytest.raises(RuntimeError, match="shape"):
        model(torch.rand(5, 3))


def test_a_traced_model_stays_a_traced_one():
    model = fx.symbolic_trace(nets.Functional())
    dropped = with_dropout(model, 0.3).eval()
    given = torch.rand(3, 4)
    assert isinstance(dropped, fx.GraphModule)
    assert close(dropped(given), model.eval()(given))
    assert close(copy.deepcopy(dropped)(given), model(given))


def test_compiled_and_exported_it_is_the_same_and_has_no_random_step_in_evaluation():
    model, arguments, _, _ = made("residual")
    dropped = with_dropout(model, 0.3).eval()
    exported = torch.export.export(dropped, arguments)
    assert not [node for node in exported.graph.nodes if "rand" in str(node.target) or "dropout" in str(node.target)]
    assert close(exported.module()(*arguments), model.eval()(*arguments))
    compiled = torch.compile(dropped, backend="eager", fullgraph=True)
    assert close(compiled(*arguments), model(*arguments))


def test_channels_last_stays():
    model, (given,), _, _ = made("residual")
    dropped = with_dropout(model, 0.3).to(memory_format=torch.channels_last)
    dropped(given.to(memory_format=torch.channels_last)).sum().backward()


def test_rates_can_be_set_later():
    model = with_dropout(nets.Functional(), 0.0)
    set_dropout_rates_(model, {"relu_dropout": 0.25, "tanh_dropout": 0.5})
    assert [layer.rate for layer in layers_of(model)] == [0.25, 0.5]


class Sided(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.last = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        x = torch.relu(self.layer(x))
        if self.training:
            x = x + 1
        return self.last(x)


def replaced():
    model = nets.Functional()
    model.second.forward = lambda x: x
    return model


def hooked():
    model = nets.nested(nets.Functional())
    model.part.last = nn.Linear(16, 4)
    model.part.register_forward_hook(lambda *_: None)
    return model


def uncopied():
    model = nets.Functional()
    model.lock = (one for one in range(3))
    return model


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # from inside torch.compile
@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: nn.Linear(3, 3), "Linear has no place for dropout, which goes after activations of hidden layers$"),
        (lambda: nn.Sequential(nn.Linear(3, 3), nn.ReLU()), r"\(after '1' \(ReLU\): it reaches the output without"),
        (nn.Sequential, "Sequential has no place for dropout"),
        (nets.Decided, r"^Decided cannot be traced \(symbolically traced variables .*: put dropout into parts"),
        (lambda: nets.nested(nets.Decided()), r"^'part' \(Decided\) cannot be traced"),
        (lambda: nn.ModuleList([nn.Linear(3, 3)]), "ModuleList has no forward"),
        (
            lambda: nn.Sequential(nn.LazyLinear(3), nn.ReLU(), nn.Linear(3, 1)),
            "0.weight of Sequential has no shape yet",
        ),
        (lambda: nn.DataParallel(nets.Functional()), "before DataParallel wraps it: into model.module"),
        (lambda: torch.compile(nets.Functional()), "before OptimizedModule wraps it: into model._orig_mod"),
        (Sided, "^Sided takes other steps in training than in evaluation"),
        (lambda: nets.nested(Sided()), r"^'part' \(Sided\) takes other steps"),
        (replaced, r"'second' \(Linear\) has a forward that was set on the object"),
        (hooked, r"'part' \(Functional\) has forward hooks"),
        (uncopied, "Functional cannot be copied: cannot pickle 'generator' object"),
        (lambda: nets.Functional, "dropout is put into an nn.Module; got type"),
    ],
)
def test_a_model_that_cannot_have_dropout_is_refused_in_one_line_that_names_the_part(make, says):
    with pytest.raises(RegularizeError, match=says) as error:
        with_dropout(make(), 0.3)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"rate": 1.0}, r"^rate, the probability that a unit is dropped, must be in \[0, 1\); got 1.0"),
        ({"rate": [0.1, 0.2]}, "rate of a model must be one number"),
        ({"rate": 0.3, "input_rate": -0.1}, "^input_rate, the probability"),
        ({"rate": 0.3, "form": "keep"}, "form must be one of inverted, original"),
        ({"rate": 0.3, "seed": "x"}, "seed must be a whole number"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, says):
    with pytest.raises(RegularizeError, match=says):
        with_dropout(nets.Functional(), **settings)
