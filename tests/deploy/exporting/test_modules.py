"""Any torch module as a file: in evaluation mode, dropout folded or gone, whatever the batch; else refused."""

import json
import warnings
import zipfile

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn
from torch.nn import functional

from evenfit import regularize as er
from evenfit.deploy import Card, export
from evenfit.errors import ExportError, FoldError


class Attention(nn.Module):
    """Dropout of every kind: modules, functional, inside attention and recurrent layers, randomised units."""

    def __init__(self):
        super().__init__()
        self.first, self.norm = nn.Linear(4, 8), nn.BatchNorm1d(8)
        self.drops = nn.Sequential(nn.Dropout(0.5), nn.AlphaDropout(0.2), er.Dropout(0.3), nn.RReLU())
        self.attention = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)
        self.recurrent = nn.LSTM(8, 8, num_layers=2, dropout=0.3, batch_first=True)

    def forward(self, x):
        x = self.drops(self.norm(self.first(x)))
        x = x[:, None, :] * torch.linspace(0, 1, 3)[None, :, None]
        x = self.attention(x, x, x)[0]
        x = functional.dropout(self.recurrent(x)[0], 0.5, self.training)
        return functional.scaled_dot_product_attention(x, x, x)


class Named(nn.Module):
    """Named arguments, one not a tensor and one left out; a dict with a tuple comes back."""

    def __init__(self):
        super().__init__()
        self.linear, self.table = nn.Linear(3, 2), nn.Embedding(10, 2)

    def forward(self, x, *, ids, scale=2.0, mask=None):
        y = (self.linear(x) + self.table(ids)) * scale
        y = y if mask is None else y * mask[:, None]
        return {"numbers": y, "both": (y.argmax(1), y > 0)}


class Tied(nn.Module):
    """Two layers, one weight."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
        self.second.weight = self.first.weight

    def forward(self, x):
        return self.second(self.first(x).relu())


def drops_always(x):
    return functional.dropout(x, 0.5)


class Fixed(nn.Module):
    """Works for four rows only."""

    def forward(self, x):
        return x.reshape(4, 6) * 2


class Calls(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def image(rows=2):
    return torch.randn(rows, 3, 8, 8).to(memory_format=torch.channels_last)


def convolutions():
    layers = [nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout2d(0.2), nn.ReLU(), nn.AdaptiveAvgPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(16, 2)).to(memory_format=torch.channels_last)


def parametrised():
    weight, spectral = nn.utils.parametrizations.weight_norm, nn.utils.parametrizations.spectral_norm
    return nn.Sequential(weight(nn.Linear(4, 3)), spectral(nn.Linear(3, 3)))


def named_sample():
    return {"scale": 3.0, "ids": torch.arange(3), "x": torch.randn(3, 3), "mask": torch.tensor([1.0, 0.0, 2.0])}


def original(*layers):
    return nn.Sequential(nn.Linear(4, 8), *layers, nn.Linear(8, 3))


MODULES = {
    "attention": (Attention, lambda: torch.randn(5, 4)),
    "one row": (Attention, lambda: torch.randn(1, 4)),
    "named": (Named, named_sample),
    "tied": (Tied, lambda: torch.randn(3, 4)),
    "convolutions": (convolutions, image),
    "parametrised": (parametrised, lambda: torch.randn(3, 4)),
    "recurrent": (lambda: nn.GRU(4, 5, 2, dropout=0.2, batch_first=True), lambda: torch.randn(3, 6, 4)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, batch_first=True), lambda: torch.randn(3, 5, 8)),
    "double": (lambda: nn.Linear(3, 2).double(), lambda: torch.randn(3, 3).double()),
    "half": (lambda: nn.Linear(3, 2).bfloat16(), lambda: torch.randn(3, 3).bfloat16()),
    "folded": (
        lambda: original(nn.ReLU(), er.Dropout(0.5, form="original")),
        lambda: torch.randn(3, 4),
    ),
    "without parameters": (lambda: Calls(torch.relu), lambda: torch.randn(3, 4)),
}


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


QUICK = ("named", "tied", "folded", "double", "half", "without parameters")
PROGRAMS = [name if name in QUICK else pytest.param(name, marks=pytest.mark.slow) for name in MODULES]


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_give_what_the_module_gives(name, tmp_path):
    make, sample = MODULES[name]
    made = export(make(), sample(), format="torch", path=tmp_path / "made")
    assert made.check.difference <= (1e-12 if name == "double" else 2e-6)


@pytest.mark.parametrize("name", MODULES)
def test_tensors_give_what_the_module_gives(name, tmp_path):
    make, sample = MODULES[name]
    made = export(make(), sample(), format="safetensors", path=tmp_path / "made")
    assert made.check.difference <= (1e-12 if name == "double" else 2e-6)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in MODULES if name != "half"])
def test_graphs_give_what_the_module_gives(name, tmp_path, run_example):
    make, sample = MODULES[name]
    made = export(make(), sample(), format="onnx", path=tmp_path / "made")
    assert made.check.difference <= (1e-12 if name == "double" else 5e-6)
    assert run_example(made.folder)


def test_a_graph_takes_any_batch_and_has_no_dropout(tmp_path, run_example):
    module = original(nn.ReLU(), er.Dropout(0.5, form="original"), nn.Dropout(0.5))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    made = export(module, torch.randn(2, 4), format="onnx", path=tmp_path / "made")
    session = onnxruntime.InferenceSession(made.folder / "model.onnx")
    module.eval()
    for rows in (1, 7, 64):
        x = torch.randn(rows, 4)
        [found] = session.run(None, {"input": x.numpy()})
        np.testing.assert_allclose(found, module(x).detach().numpy(), atol=1e-6)
    assert made.notes == ("its dropout of the original form was folded into the weights",)
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items()), "left as it was"
    assert made.signature["inputs"] == [{"name": "input", "type": "float32", "shape": ["batch", 4]}]
    assert made.signature["outputs"] == [{"name": "output", "type": "float32", "shape": ["batch", 3]}]
    assert run_example(made.folder)


def test_every_layer_is_in_its_mode_again_afterwards(tmp_path):
    module = original(nn.BatchNorm1d(8), nn.Dropout(0.5)).train()
    module[1].eval()
    export(module, torch.randn(3, 4), format="torch", path=tmp_path / "made")
    assert [layer.training for layer in module] == [True, False, True, True]
    assert module.training
    module[1].train()
    export(module, torch.randn(3, 4), format="safetensors", path=tmp_path / "again")
    assert module[1].num_batches_tracked == 0, "nor have statistics moved"


def test_a_file_tells_neither_the_sample_nor_where_the_code_lies(tmp_path):
    sample = torch.full((3, 4), 1234.5)
    export(Tied(), sample, format="torch", path=tmp_path / "made")
    with zipfile.ZipFile(tmp_path / "made" / "model.pt2") as archive:
        content = b"".join(archive.read(name) for name in archive.namelist())
    assert sample.numpy().tobytes() not in content
    assert b"test_modules.py" not in content


def test_dimensions_may_be_named_by_the_user(tmp_path):
    length = torch.export.Dim("length", min=4, max=64)
    made = export(
        nn.Conv1d(4, 5, 3),
        torch.randn(3, 4, 6),
        format="torch",
        path=tmp_path / "made",
        dynamic_shapes={"input": {2: length}},
    )
    loaded = torch.export.load(made.folder / "model.pt2").module()
    assert loaded(torch.randn(3, 4, 11)).shape == (3, 5, 9)


def test_a_dimension_that_cannot_vary_is_named(tmp_path):
    shapes = {"input": {1: torch.export.Dim("features")}}
    with pytest.raises(ExportError, match=r"Linear cannot be traced: .*features.*constant \(3\)"):
        export(nn.Linear(3, 2), torch.randn(4, 3), format="torch", path=tmp_path / "made", dynamic_shapes=shapes)


def test_a_batch_that_cannot_vary_is_said_and_can_be_exported_as_it_is(tmp_path):
    with pytest.raises(ExportError, match=r"Fixed takes its sample, but fails on 1 rows of it .* dynamic_shapes=\{\}"):
        export(Fixed(), torch.randn(4, 6), format="torch", path=tmp_path / "made")
    made = export(Fixed(), torch.randn(4, 6), format="torch", path=tmp_path / "made", dynamic_shapes=({},))
    assert made.signature["inputs"][0]["shape"] == [4, 6]


DRAWS = {
    "dropout": (drops_always, "aten.native_dropout.default"),
    "attention": (
        lambda x: functional.scaled_dot_product_attention(x[None], x[None], x[None], dropout_p=0.2),
        "aten.scaled_dot_product_attention.default",
    ),
    "noise": (lambda x: x + torch.randn_like(x), "aten.randn_like.default"),
    "leaky": (lambda x: functional.rrelu(x, training=True), "aten.rrelu"),
    "bernoulli": (lambda x: x * torch.bernoulli(torch.full_like(x, 0.5)), "aten.bernoulli"),
}


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize("format", ["onnx", "torch"])
def test_what_draws_in_evaluation_mode_is_refused_by_its_operator(format, name, tmp_path):
    function, operator = DRAWS[name]
    with pytest.raises(ExportError, match=f"without dropout and chance, and has {operator}"):
        export(Calls(function), torch.randn(3, 4), format=format, path=tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_what_draws_is_named_by_its_layer(tmp_path):
    module = nn.Sequential(nn.Linear(4, 4), nn.Sequential(Calls(drops_always)))
    with pytest.raises(ExportError, match=r"in 1\.0: it drops or draws"):
        export(module, torch.randn(3, 4), format="torch", path=tmp_path / "made")


def test_weights_of_a_module_that_draws_are_refused_too(tmp_path):
    with pytest.raises(ExportError, match="two calls on the same sample differ"):
        export(
            nn.Sequential(nn.Linear(4, 4), Calls(drops_always)),
            torch.randn(3, 4),
            format="safetensors",
            path=tmp_path / "made",
        )


def test_dropout_that_cannot_be_folded_is_refused(tmp_path):
    module = original(er.Dropout(0.5, form="original"), nn.Tanh())
    with pytest.raises(FoldError, match="Tanh"):
        export(module, torch.randn(3, 4), format="torch", path=tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_dropout_of_the_original_form_with_rate_0_needs_no_folding(tmp_path):
    module = original(er.Dropout(0.0, form="original"), nn.Tanh())
    assert export(module, torch.randn(3, 4), format="torch", path=tmp_path / "made").notes == ()


@pytest.mark.parametrize(
    ("module", "sample", "message"),
    [
        (nn.Linear(3, 2), None, "a module is exported with a sample"),
        (nn.Linear(3, 2), 3, "the sample must have a tensor in it, got int"),
        (nn.Linear(3, 2), torch.empty(0, 3), "at least one row"),
        (nn.Linear(3, 2), (torch.ones(2, 3), 1), r"Linear\.forward does not take the sample: too many"),
        (nn.Linear(3, 2), torch.ones(2, 4), "Linear fails on its sample: mat1 and mat2"),
        (nn.LazyLinear(3), torch.ones(2, 4), "weight has no shape yet"),
        (Calls(lambda x: x.sum().item()), torch.ones(2, 4), "the module must give tensors, got float"),
        (Calls(lambda x: x if x.sum() > 0 else -x), torch.ones(2, 4), "Calls cannot be traced"),
        (nn.Linear(3, 2).bfloat16(), torch.ones(2, 3).bfloat16(), "takes no bfloat16"),
    ],
)
def test_what_cannot_be_exported_is_said_in_one_line(module, sample, message, tmp_path):
    with pytest.raises(ExportError, match=message) as caught:
        export(module, sample, format="onnx", path=tmp_path / "made")
    assert len(str(caught.value).splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_rows_are_for_deployed_models(tmp_path):
    with pytest.raises(ExportError, match="rows are for a run's model"):
        export(nn.Linear(3, 2), torch.ones(2, 3), path=tmp_path / "made", rows=[[1]])


def test_a_file_that_gives_something_else_is_not_kept(tmp_path, monkeypatch):
    from evenfit.deploy.exporting import torch_module

    monkeypatch.setattr(torch_module, "opened", lambda module, folder: lambda sample: [module(*sample.args) * 1.01])
    with pytest.raises(ExportError, match=r"the torch file does not give what the module gives: .* differ by 1\.0e-02"):
        export(nn.Linear(3, 2), torch.ones(2, 3), format="torch", path=tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_shared_weights_are_written_once(tmp_path):
    from safetensors.torch import load_file

    export(Tied(), torch.randn(2, 4), format="safetensors", path=tmp_path / "made")
    assert set(load_file(tmp_path / "made" / "model.safetensors")) == {"first.weight", "first.bias", "second.bias"}
    about = json.loads((tmp_path / "made" / "model.json").read_text())
    assert about["shared"] == {"second.weight": "first.weight"}


def test_the_card_says_what_its_author_knows(tmp_path):
    card = Card(title="Digits", estimate=("Accuracy 0.98 on 10,000 digits.",))
    made = export(nn.Linear(3, 2), torch.ones(2, 3), format="safetensors", path=tmp_path / "made", card=card)
    text = (made.folder / "model-card.md").read_text()
    assert text.startswith("# Digits\n")
    assert "## How good it is\n\nAccuracy 0.98 on 10,000 digits.\n" in text


@pytest.mark.slow
@pytest.mark.parametrize(("format", "shown"), [("torch", "tensor"), ("safetensors", "linear.weight")])
def test_the_card_s_example_runs_without_evenfit(format, shown, tmp_path, run_example):
    made = export(Named(), named_sample(), format=format, path=tmp_path / "made")
    assert shown in run_example(made.folder)


def test_an_export_warns_of_nothing(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        export(original(nn.Dropout(0.5)), torch.randn(3, 4), format="torch", path=tmp_path / "made")
