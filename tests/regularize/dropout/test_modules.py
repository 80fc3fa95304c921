"""A dropout layer obeys train() and eval(), leaves state_dict alone, and is one step of every trace."""

import copy
import io
import pickle

import pytest
import torch
from torch import fx, nn
from torch.func import functional_call
from torch.nn.utils import parametrizations
from torch.utils.checkpoint import checkpoint

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.dropout import functional
from evenfit.regularize.dropout.modules import DropoutLayer
from evenfit.regularize.dropout.streams import derived

LAYERS = {  # a layer of each kind, its function, and an input
    "dropout": (er.Dropout, functional.dropout, (4, 30)),
    "input": (er.InputDropout, functional.input_dropout, (4, 30)),
    "spatial": (er.SpatialDropout, functional.spatial_dropout, (4, 10, 2, 2)),
    "gaussian": (er.GaussianDropout, functional.gaussian_dropout, (4, 30)),
    "alpha": (er.AlphaDropout, functional.alpha_dropout, (4, 30)),
    "variational": (er.VariationalDropout, functional.variational_dropout, (6, 4, 10)),
    "depth": (er.StochasticDepth, functional.stochastic_depth, (20, 3)),
}
EXTRA = {"variational": {"batch_first": False}}
FORMED = [name for name in LAYERS if name not in {"gaussian", "alpha"}]


def made(name, rate=0.5, **settings):
    kind, _, shape = LAYERS[name]
    return kind(rate, **settings), torch.randn(shape, generator=torch.Generator().manual_seed(1))


def by_function(name, given, **settings):
    return LAYERS[name][1](given, **EXTRA.get(name, {}), **settings)


@pytest.mark.parametrize("name", LAYERS)
def test_a_seeded_layer_gives_the_masks_of_its_seed_and_of_the_count_of_its_calls(name):
    layer, given = made(name, seed=7)
    for call in (1, 2, 3):
        expected = by_function(name, given, rate=0.5, training=True, seed=derived(7, call))
        assert torch.equal(layer(given), expected)
        assert layer.calls == call
    layer.eval()
    layer(given)
    assert layer.calls == 3  # evaluation draws nothing
    layer.train()
    layer.calls = 1
    assert torch.equal(layer(given), by_function(name, given, rate=0.5, training=True, seed=derived(7, 2)))


@pytest.mark.parametrize("name", LAYERS)
def test_a_layer_without_a_seed_follows_torchs_generator(name):
    layer, given = made(name)
    torch.manual_seed(3)
    first, second = layer(given), layer(given)
    assert not torch.equal(first, second)
    torch.manual_seed(3)
    assert torch.equal(layer(given), first)


@pytest.mark.parametrize("name", FORMED)
def test_evaluation_passes_on_or_scales_by_the_form(name):
    for form, scale in (("inverted", 1.0), ("original", 0.5)):
        layer, given = made(name, form=form)
        torch.testing.assert_close(layer.eval()(given), given * scale)
        layer.rate = 0.25
        torch.testing.assert_close(layer(given), given * (1.0 if form == "inverted" else 0.75))


def test_the_rate_may_be_set_at_any_time_and_only_to_a_rate():
    layer, given = made("dropout", seed=1)
    layer.rate = 0
    assert torch.equal(layer(given), given)
    layer.rate = 0.9
    assert layer(given).count_nonzero() < 0.25 * given.numel()
    for rate in (1.0, -0.5, float("nan"), "half", [0.1, 0.2]):
        with pytest.raises(RegularizeError, match="rate"):
            layer.rate = rate
    assert layer.rate == 0.9


@pytest.mark.parametrize("name", LAYERS)
def test_layers_add_nothing_to_state_dict_and_can_be_copied_and_pickled(name):
    layer, given = made(name, seed=5)
    layer(given)
    assert not layer.state_dict()
    assert not list(layer.parameters())
    assert not list(layer.buffers())
    copies = [copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))]  # noqa: S301 - our own
    expected = layer(given)
    for each in copies:
        assert each.calls == 1
        assert torch.equal(each(given), expected)
        assert each.calls == 2
    file = io.BytesIO()
    torch.save(layer, file)


@pytest.mark.parametrize("name", LAYERS)
def test_a_trace_holds_the_layer_as_one_step_that_obeys_train_and_eval(name):
    layer, given = made(name)
    traced = fx.symbolic_trace(nn.Sequential(nn.Identity(), layer))
    assert [node.target for node in traced.graph.find_nodes(op="call_module", target="1")] == ["1"]
    assert len(traced.graph.nodes) == 4
    torch.manual_seed(1)
    expected = layer(given)
    torch.manual_seed(1)
    assert torch.equal(traced(given), expected)
    assert torch.equal(traced.eval()(given), given)


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = er.DropConnect(nn.Linear(5, 5), rate=0.5, form="original")
        self.depth = er.StochasticDepth(0.5, form="original")
        self.noise = er.GaussianDropout(0.5)
        self.alpha = er.AlphaDropout(0.5)

    def forward(self, x):
        return self.noise(x + self.depth(self.alpha(self.dense(x))))


def test_an_exported_model_in_evaluation_has_no_random_operation_left():
    model, given = Residual().eval(), torch.randn(3, 5)
    exported = torch.export.export(model, (given,))
    targets = {str(node.target) for node in exported.graph.nodes if node.op == "call_function"}
    assert targets <= {"aten.linear.default", "aten.mul.Tensor", "aten.add.Tensor"}
    torch.testing.assert_close(exported.module()(given), model(given))


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_an_onnx_file_has_no_random_operation_left():
    model, given = Residual().eval(), torch.randn(3, 5)
    program = torch.onnx.export(model, (given,), dynamo=True, verbose=False)
    kinds = {node.op_type for node in program.model.graph}
    assert not {kind for kind in kinds if "Random" in kind or "Bernoulli" in kind or "Dropout" in kind}
    found = program(given)[0]
    torch.testing.assert_close(found, model(given))


@pytest.mark.parametrize(
    "name", [name if name == "dropout" else pytest.param(name, marks=pytest.mark.slow) for name in LAYERS]
)
def test_torch_compile_gives_the_same_masks_and_compiles_once_for_all_rates(name):
    import torch._dynamo

    torch._dynamo.reset()
    layer, given = made(name, seed=3)
    twin = copy.deepcopy(layer)
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager")
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    for rate in (0.5, 0.1, 0.3, 0.7, 0.2):
        layer.rate = twin.rate = rate
        torch.testing.assert_close(compiled(given), twin(given), rtol=1e-5, atol=1e-5)
        assert layer.calls == twin.calls
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == graphs + 1
    assert torch.equal(compiled.eval()(given), given)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("shape", [(8, 4), (7, 5), (33,), (64, 64)])
def test_machine_code_that_torch_makes_keeps_the_same_units(shape):
    import torch._dynamo

    torch._dynamo.reset()
    given = torch.randn(shape)
    compiled = torch.compile(
        lambda x: functional.dropout(x, rate=0.3, training=True, seed=5), fullgraph=True, dynamic=False
    )
    assert torch.equal(compiled(given), functional.dropout(given, rate=0.3, training=True, seed=5))


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_repeats_the_masks_of_layers_without_a_seed_and_refuses_seeded_ones(reentrant):
    layer = er.Dropout(0.5)
    given = torch.ones(100, requires_grad=True)
    found = checkpoint(layer, given, use_reentrant=reentrant)
    found.sum().backward()
    assert torch.equal(given.grad, found.detach())
    layer.seed = 1
    found = checkpoint(nn.Sequential(layer, nn.Sigmoid()), given, use_reentrant=reentrant)
    with pytest.raises(RegularizeError, match="a seeded dropout layer counts its calls"):
        found.sum().backward()


@pytest.mark.parametrize(
    ("layer", "given", "dropped"),
    [
        (nn.Linear(6, 5), torch.randn(3, 6), ("weight",)),
        (nn.Conv2d(2, 3, 2), torch.randn(1, 2, 4, 4), ("weight",)),
        (nn.ConvTranspose1d(2, 3, 2), torch.randn(1, 2, 4), ("weight",)),
        (nn.GRUCell(6, 5), torch.randn(3, 6), ("weight_hh",)),
        (
            nn.LSTM(6, 5, num_layers=2, bidirectional=True),
            torch.randn(7, 3, 6),
            ("weight_hh_l0", "weight_hh_l0_reverse", "weight_hh_l1", "weight_hh_l1_reverse"),
        ),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_drop_connect_calls_the_layer_with_dropped_weights_and_leaves_the_layer(layer, given, dropped):
    wrapped = er.DropConnect(layer, rate=0.5, seed=3)
    assert wrapped.weights == dropped
    before = copy.deepcopy(layer.state_dict())
    weights = {
        name: functional.dropout(getattr(layer, name), rate=0.5, training=True, seed=derived(derived(3, 1), number))
        for number, name in enumerate(dropped)
    }
    found, expected = wrapped(given), functional_call(layer, weights, (given,))
    others = (found, expected) if isinstance(found, torch.Tensor) else (found[0], expected[0])
    torch.testing.assert_close(*others)
    if not isinstance(layer, nn.GRUCell):  # which starts from zeros, that no weight changes
        plain = layer(given)
        assert not torch.allclose(others[0], plain if isinstance(plain, torch.Tensor) else plain[0])
    for name, value in layer.state_dict().items():
        assert torch.equal(value, before[name])
    others[0].sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())
    assert list(wrapped.eval().state_dict()) == [f"layer.{name}" for name in before]


def test_drop_connect_scales_weights_in_evaluation_of_the_original_form():
    layer, given = nn.Linear(6, 5), torch.randn(3, 6)
    wrapped = er.DropConnect(layer, rate=0.25, form="original").eval()
    torch.testing.assert_close(wrapped(given), given @ layer.weight.T * 0.75 + layer.bias)
    assert er.DropConnect(layer, rate=0.25).eval()(given).equal(layer(given))


def test_drop_connect_hands_on_states():
    layer, given = nn.GRU(6, 5), torch.randn(7, 3, 6)
    state = torch.randn(1, 3, 5)
    torch.testing.assert_close(er.DropConnect(layer, rate=0.0)(given, state), layer(given, state))


@pytest.mark.parametrize(
    ("layer", "says"),
    [
        (nn.ReLU(), "DropConnect wraps a linear, convolution or recurrent layer; got ReLU"),
        (nn.LazyLinear(3), "weight of LazyLinear has no shape yet: run the layer on one batch first"),
        (parametrizations.weight_norm(nn.Linear(3, 3)), "is computed from other parameters, as by weight_norm"),
        (parametrizations.spectral_norm(nn.LSTM(3, 3), "weight_hh_l0"), "weight_hh_l0 of .* is computed from other"),
    ],
)
def test_drop_connect_refuses_what_it_cannot_drop(layer, says):
    with pytest.raises(RegularizeError, match=says):
        er.DropConnect(layer, rate=0.5)


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize(
    ("settings", "says"),
    [({"rate": 1.0}, "rate"), ({"seed": 0.5}, "seed must be a whole number"), ({"rate": True}, "rate")],
)
def test_a_layer_that_cannot_be_is_not_made(name, settings, says):
    with pytest.raises(RegularizeError, match=says):
        made(name, **settings)


def test_forms_and_branches_that_are_unknown_are_refused():
    with pytest.raises(RegularizeError, match="form must be one of inverted, original"):
        er.Dropout(0.5, form="keep")
    with pytest.raises(RegularizeError, match="each must be one of row, batch"):
        er.StochasticDepth(0.5, each="unit")


def test_a_layer_says_what_it_is():
    assert repr(er.Dropout(0.25, form="original", seed=3)) == "Dropout(rate=0.25, form=original, seed=3)"
    assert all(issubclass(kind, DropoutLayer) for kind, *_ in LAYERS.values())
