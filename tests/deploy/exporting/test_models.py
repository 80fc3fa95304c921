"""A deployed model's files give what the model gives, whatever its columns, encodings and networks."""

import json
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import polars as pl
import pytest
from tests.deploy.exporting.models import KINDS, SMALL, make_frame, make_model

from evenfit.deploy import Card, export
from evenfit.deploy.exporting import checking, onnx_file
from evenfit.deploy.exporting.inputs import cells_of
from evenfit.deploy.exporting.recipe import make_recipe
from evenfit.deploy.exporting.rows import hard_rows, made_rows
from evenfit.errors import DataError, ExportError
from evenfit.specs.config import ACTIVATIONS, Config

LINEAR = Config(depth=0, numeric_embedding="none", embedding_size=2)
CASES = {
    **{
        f"{activation} {inputs}": ("binary", (SMALL.with_values(activation=activation, inputs=inputs),), KINDS)
        for activation, inputs in zip(ACTIVATIONS, ("robust", "quantile") * 3, strict=False)
    },
    "linear": ("multiclass", (LINEAR,), KINDS),
    "ensemble": ("multiclass", (SMALL, LINEAR.with_values(inputs="quantile"), SMALL.with_values(depth=1)), KINDS),
    "whole numbers as classes": ("numbered", (SMALL,), KINDS),
    "booleans as classes": ("truth", (SMALL,), KINDS),
    "standard": ("regression", (SMALL,), KINDS),
    "log": ("regression", (SMALL.with_values(target="log"),), KINDS),
    "quantile": ("regression", (SMALL.with_values(target="quantile", inputs="quantile"), LINEAR), KINDS),
    "numbers alone": ("binary", (SMALL.with_values(inputs="quantile"),), ("numbers",)),
    "a number of two values alone": ("binary", (SMALL.with_values(inputs="quantile"),), ("binary",)),
    "categories alone": ("binary", (SMALL,), ("few", "two", "many")),
    "categories with embeddings alone": ("regression", (SMALL,), ("many",)),
    "a date alone": ("binary", (SMALL,), ("date",)),
    "a boolean alone": ("regression", (SMALL,), ("boolean",)),
}
FORMATS = [
    "onnx",
    "safetensors",
]


def outputs_of(path, frame, model):
    """What onnxruntime makes of a frame: outputs by name."""
    session = onnxruntime.InferenceSession(path / "model.onnx")
    inputs = onnx_file.graph_inputs(make_recipe(model))
    feed = {known.name: cells_of(known, frame[known.column.name]) for known in inputs}
    return dict(zip([one.name for one in session.get_outputs()], session.run(None, feed), strict=True))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("format", FORMATS)
def test_files_give_what_the_model_gives(format, name, tmp_path):
    task, configs, kinds = CASES[name]
    frame = make_frame(kinds)
    made = export(make_model(task, configs, frame=frame), format=format, path=tmp_path / "made", rows=frame)
    assert made.check.difference <= (2e-6 if format == "onnx" else 5e-8)
    assert "90 rows of the frame given and 10 made of missing" in made.check.rows


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_programs_give_what_the_model_gives(name, tmp_path):
    task, configs, kinds = CASES[name]
    frame = make_frame(kinds)
    made = export(make_model(task, configs, frame=frame), format="torch", path=tmp_path / "made", rows=frame)
    assert made.check.difference <= 2e-6


def test_a_program_gives_what_the_model_gives(tmp_path):
    frame = make_frame(("boolean", "few"))
    model = make_model("regression", (SMALL.with_values(target="log", depth=1),), frame=frame)
    made = export(model, format="torch", path=tmp_path / "made", rows=frame)
    assert made.check.difference <= 2e-6


@pytest.mark.slow
def test_a_program_s_example_runs_without_evenfit(tmp_path, run_example):
    made = export(make_model("regression"), format="torch", path=tmp_path / "made")
    assert run_example(made.folder).startswith("tensor([")


@pytest.mark.parametrize("task", ["binary", "numbered", "truth"])
def test_labels_are_the_classes_that_the_model_predicts(task, tmp_path):
    frame = make_frame()
    model = make_model(task, frame=frame)
    export(model, format="onnx", path=tmp_path / "made", rows=frame)
    found = outputs_of(tmp_path / "made", frame, model)
    assert found["label"].tolist() == model.predict(frame).tolist()
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(frame), atol=1e-6)


@pytest.mark.parametrize("format", FORMATS)
def test_numbers_of_almost_no_spread_do_not_overflow(format, tmp_path):
    frame = pl.DataFrame({"tiny": np.random.default_rng(0).normal(size=90) * 1e-250})
    made = export(make_model(frame=frame), format=format, path=tmp_path / "made", rows=frame)
    assert made.check.difference <= 2e-6


def test_one_row_or_many_give_the_same(tmp_path):
    frame = make_frame()
    model = make_model(frame=frame)
    export(model, format="onnx", path=tmp_path / "made", rows=frame)
    whole = outputs_of(tmp_path / "made", frame, model)["probabilities"]
    rows = [outputs_of(tmp_path / "made", frame[row : row + 1], model)["probabilities"][0] for row in range(5)]
    np.testing.assert_allclose(rows, whole[:5], atol=1e-7)


def test_raw_cells_are_read_as_in_python(tmp_path):
    frame = make_frame(("numbers", "boolean", "few", "codes"))
    model = make_model(frame=frame)
    export(model, format="onnx", path=tmp_path / "made", rows=frame)
    session = onnxruntime.InferenceSession(tmp_path / "made" / "model.onnx")
    text = {
        "own er": ["YES", " no", "1", "0.0", "", "nan", "perhaps"],
        "few": [" très vert", "red ", "Red", "", "None", "blue", " red "],
    }
    numbers = {
        "ties": [0.0, -0.0, 1e31, np.nan, np.inf, 5.0, -1e30],
        "stamp": [1.7e9, 1.7e9 + 0.5, np.nan, 0.0, 1e12, -np.inf, 1.70001e9],
        "size": [0.0, 1.0, 2.0, -1.0, np.nan, 3.0, 1e-300],
        "codes": [1.0, 2.0, 10.0, 300.0, 3.0, np.nan, 2.5],
    }
    feed = {name: np.array(cells, dtype=object) for name, cells in text.items()}
    feed |= {name: np.array(cells) for name, cells in numbers.items()}
    asked = pl.DataFrame(text | numbers)
    found = session.run(["probabilities"], feed)[0]
    np.testing.assert_allclose(found, model.outputs(asked), atol=1e-6)


def test_column_names_of_every_sort_are_inputs(tmp_path):
    names = {
        "ties": "label",
        "stamp": "0.weight0",
        "size": "",
        "few": "probabilities",
        "two": "add",
        "many": 'a "b"\n|',
    }
    frame = make_frame(("numbers", "few", "two", "many")).rename(names)
    model = make_model(frame=frame)
    made = export(model, format="onnx", path=tmp_path / "made", rows=frame)
    inputs = {value["column"]: value["name"] for value in made.signature["inputs"]}
    assert inputs["0.weight0"] == "0.weight0"
    assert inputs["label"] not in ("label", "probabilities", "")
    assert len(set(inputs.values())) == len(frame.columns)
    assert [value["name"] for value in made.signature["outputs"]] == ["label", "probabilities"]


def test_the_signature_says_what_the_graph_takes(tmp_path):
    made = export(make_model(), format="onnx", path=tmp_path / "made")
    graph = onnx.load(tmp_path / "made" / "model.onnx").graph
    types = {onnx.TensorProto.DOUBLE: "float64", onnx.TensorProto.STRING: "string"}
    assert [(value["name"], value["type"]) for value in made.signature["inputs"]] == [
        (value.name, types[value.type.tensor_type.elem_type]) for value in graph.input
    ]
    assert [value["name"] for value in made.signature["outputs"]] == [value.name for value in graph.output]
    assert json.loads((tmp_path / "made" / "signature.json").read_text(encoding="utf-8")) == made.signature


def test_the_graph_tells_who_made_it_and_what_it_predicts(tmp_path):
    export(make_model("numbered"), format="onnx", path=tmp_path / "made")
    model = onnx.load(tmp_path / "made" / "model.onnx")
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert (facts["target"], facts["task"], facts["classes"]) == ("target", "multiclass", "[3, 5, 8]")


def test_rows_are_made_where_none_are_given(tmp_path):
    made = export(make_model(), format="onnx", path=tmp_path / "made")
    assert "256 rows made from the model's own statistics" in made.check.rows


def test_made_rows_have_missing_cells_and_hard_rows_are_read(tmp_path):
    model = make_model()
    assert made_rows(model).null_count().sum_horizontal()[0] > 100
    table = model.read(hard_rows(model))
    assert np.isnan(table.numeric).any(axis=0).all()
    assert (table.codes < 0).any(axis=0).all()


def test_rows_that_lack_a_column_are_refused(tmp_path):
    with pytest.raises(DataError, match="the table lacks column 'day'"):
        export(make_model(), path=tmp_path / "made", rows=make_frame().drop("day"))
    assert not (tmp_path / "made").exists()


def test_a_file_that_gives_something_else_is_not_kept(tmp_path, monkeypatch):
    build = onnx_file.graph_of

    def wrong(recipe, **options):
        tensors = {name: array * 1.01 if name == "0.bias_out" else array for name, array in recipe.tensors.items()}
        return build(replace(recipe, tensors=tensors), **options)

    monkeypatch.setattr(onnx_file, "graph_of", wrong)
    with pytest.raises(ExportError, match=r"the onnx file does not give what the model gives: .* differ by \d"):
        export(make_model(), format="onnx", path=tmp_path / "made")
    assert list(tmp_path.iterdir()) == []


def test_networks_are_in_double_precision_where_single_is_not_near_enough(tmp_path, monkeypatch):
    monkeypatch.setattr(checking, "PROBABILITIES", 1e-12)
    made = export(make_model(), format="onnx", path=tmp_path / "made")
    assert made.check.precision == "float64"
    assert made.check.difference < 1e-12


def test_one_row_alone_is_compared_too():
    frame = make_frame()
    model = make_model(frame=frame)

    def predict(rows):
        return model.outputs(rows) + (0.5 if len(rows) == 1 else 0.0)

    assert checking.compare(model, predict, {"rows": frame}, precision="float32").difference == pytest.approx(0.5)


def test_differences_are_relative_to_the_number_or_to_the_median():
    wanted = np.array([[1e-9], [10.0], [1000.0]])
    assert checking.difference(wanted, wanted + np.array([[1.0], [0.0], [0.0]]), relative=True) == pytest.approx(0.1)
    assert checking.difference(wanted, wanted * 1.5, relative=True) == pytest.approx(0.5)
    assert checking.difference(wanted, wanted[:2], relative=True) == np.inf
    assert checking.difference(wanted, wanted * np.nan, relative=False) == np.inf


@pytest.mark.parametrize("format", FORMATS)
def test_the_card_s_example_runs_without_evenfit(format, tmp_path, run_example):
    made = export(make_model("multiclass"), format=format, path=tmp_path / "made")
    assert run_example(made.folder).count("[") >= 2


def test_numpy_alone_predicts_from_the_tensors_and_the_json(tmp_path):
    """The layout of docs/export.md is enough: the same numbers in a few lines, for one kind of model."""
    frame = make_frame(("numbers", "few", "many"))
    model = make_model("multiclass", (SMALL,), frame=frame)  # Mish, robust inputs, periodic embeddings
    export(model, format="safetensors", path=tmp_path / "made", rows=frame)
    from safetensors.numpy import load_file

    about = json.loads((tmp_path / "made" / "model.json").read_text(encoding="utf-8"))
    tensor = load_file(tmp_path / "made" / "model.safetensors")
    columns = {column["name"]: column for column in about["columns"]}
    numbers = np.array([frame[name].to_numpy() for name in ("ties", "stamp", "size")], float).T
    codes = [
        np.array([columns[name]["levels"].index(cell) if cell else -1 for cell in frame[name]])
        for name in ("few", "many")
    ]
    [part], shares = about["parts"], 0
    for split in range(part["splits"]):
        own = {name[2:]: array[split].astype(float) for name, array in tensor.items() if name.startswith("0.")}
        x = (numbers - tensor["robust.centre"][split]) * tensor["robust.scale"][split]
        x = np.nan_to_num(x / np.sqrt(1 + (x / 3) ** 2)).astype(np.float32)[:, :, None]
        waves = np.cos(2 * np.pi * (x * own["frequency"] + own["phase"]))
        x = np.concatenate([x, np.einsum("rcf,ckf->rck", waves, own["periodic"]) + own["periodic_bias"]], axis=2)
        missing = np.isnan(numbers)[:, about["layout"]["indicated"]]
        x = np.concatenate(
            [x.reshape(len(x), -1), missing, tensor["robust.hot0"][split][codes[0]], own["level1"][codes[1]]], axis=1
        )
        x = x * own["scale"]
        for layer in range(part["depth"]):
            x = x @ own[f"weight{layer}"] + own[f"bias{layer}"]
            x = x * np.tanh(np.log1p(np.exp(x)))
        logits = np.exp(x @ own["weight_out"] + own["bias_out"])
        shares = shares + logits / logits.sum(axis=1, keepdims=True) / part["splits"]
    np.testing.assert_allclose(shares, model.outputs(frame), atol=1e-6)


def test_the_card_says_what_is_known(tmp_path):
    frame = make_frame()
    made = export(make_model("regression", frame=frame), path=tmp_path / "made", rows=frame)
    card = (made.folder / "model-card.md").read_text(encoding="utf-8")
    for said in (
        "It predicts the number target",
        "| few | categorical | 3 categories: blue, red, très vert; some missing |",
        "RMSE on fresh rows: 0.7071, 90% interval 0.6325 to 0.7746",
        "It never predicts less than 1",
        f"differ by {made.check.difference:.1e} at most",
        "nodes, none of which drops or draws",
        f"onnxruntime {onnxruntime.__version__}",
        "## Licence\n\nNot stated",
    ):
        assert said in card


def test_a_card_of_one_s_own_is_written(tmp_path):
    made = export(make_model(), path=tmp_path / "made", card=Card(title="Mine", limits=("Not on Sundays.",)))
    card = (made.folder / "model-card.md").read_text(encoding="utf-8")
    assert card.startswith("# Mine\n")
    assert "## Limits\n\nNot on Sundays.\n" in card
    assert "## Training data\n\nNot stated.\n" in card


def test_names_from_outside_cannot_change_the_card(tmp_path):
    frame = make_frame(("numbers", "few")).rename({"few": "a|b\n# `x`\u202e", "size": "<script>"})
    made = export(make_model(frame=frame), path=tmp_path / "made", rows=frame)
    card = (made.folder / "model-card.md").read_text(encoding="utf-8").partition("```python")[0]
    assert "| a\\|b \\# \\`x\\`\N{REPLACEMENT CHARACTER} | categorical |" in card
    assert "\\<script\\>" in card


def test_categories_that_look_like_code_do_not_break_the_example(tmp_path, run_example):
    fence, quotes = "```\nimport os", "'\"\\"
    frame = pl.DataFrame({"a'\n\"": [fence, quotes] * 45, "size": np.arange(90.0) % 7})
    for format in FORMATS:
        assert run_example(export(make_model(frame=frame), format=format, path=tmp_path / format, rows=frame).folder)


@pytest.mark.parametrize("config", [SMALL, LINEAR])
def test_parts_kept_for_comparison_alone_are_left_out(config, tmp_path):
    model = make_model(configs=(SMALL, config))
    kept = replace(model, parts=(replace(model.parts[0], share=0.0), replace(model.parts[1], share=1.0)))
    export(kept, format="safetensors", path=tmp_path / "made")
    assert len(json.loads((tmp_path / "made" / "model.json").read_text(encoding="utf-8"))["parts"]) == 1
