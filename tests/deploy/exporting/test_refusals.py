"""What cannot be exported is said in one line, and leaves nothing behind."""

import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from tests.deploy.exporting.models import make_model

from evenfit.deploy import export
from evenfit.deploy.exporting.place import new_folder
from evenfit.deploy.exporting.randomness import DRAWING, check_graph
from evenfit.errors import ExportError


def said(**options):
    with pytest.raises(ExportError) as caught:
        export(make_model(), **options)
    assert len(str(caught.value).splitlines()) == 1
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "near"), [("onxx", "onnx"), ("ONNX", "onnx"), ("pytorch", "torch"), ("safetensor", "safetensors")]
)
def test_an_unknown_format_is_answered_with_the_nearest(name, near, tmp_path):
    message = said(format=name, path=tmp_path / "made")
    assert message == f"format must be one of onnx, torch, safetensors; got {name!r}; did you mean {near!r}?"


@pytest.mark.parametrize("package", ["onnx", "onnxruntime"])
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(package, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    message = said(format="onnx", path=tmp_path / "made")
    assert message == "format 'onnx' needs onnx and onnxruntime; install them with: pip install 'evenfit[onnx]'"


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "thesis.txt").write_text("years of work")
    assert "exists already: name another folder, or remove it first" in said(path=tmp_path / "made")
    assert (tmp_path / "made" / "thesis.txt").read_text() == "years of work"
    assert "is a file" in said(path=tmp_path / "made" / "thesis.txt")


def test_nothing_is_written_where_something_lies(tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "thesis.txt").write_text("years of work")

    def write():
        with new_folder(tmp_path / "made"):
            pytest.fail("the folder was given")

    with pytest.raises(ExportError, match="exists already"):
        write()


def test_an_empty_folder_is_filled(tmp_path):
    (tmp_path / "made").mkdir()
    assert "model.onnx" in export(make_model(), path=tmp_path / "made").files


def test_a_folder_that_cannot_be_written_is_said(tmp_path, monkeypatch):
    def refuse(self, **options):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert said(path=tmp_path / "made") == f"{tmp_path / 'made'} cannot be written: permission denied"


def test_a_full_disk_is_said(tmp_path, monkeypatch):
    def full(self, *arguments, **options):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr(Path, "write_text", full)
    assert "is full: free some space" in said(path=tmp_path / "made")
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []


def test_a_crash_leaves_nothing_that_looks_done(tmp_path):
    def crash():
        with new_folder(tmp_path / "made") as folder:
            (folder / "model.onnx").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        crash()
    assert list(tmp_path.iterdir()) == []


def test_a_model_of_another_kind_is_said(tmp_path):
    class Estimator:
        model_ = None

    with pytest.raises(ExportError, match="or a torch module, got Estimator; give its model_"):
        export(Estimator(), path=tmp_path / "made")


def test_a_sample_is_for_modules(tmp_path):
    assert "are for a torch module" in said(path=tmp_path / "made", sample=np.zeros(3))


@pytest.mark.parametrize("operator", sorted(DRAWING))
@pytest.mark.parametrize("place", ["graph", "branch", "function"])
def test_an_operator_that_drops_or_draws_is_found_wherever_it_is(operator, place):
    node = helper.make_node(operator, ["x"], ["y"])
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "xy"]
    functions = []
    if place == "branch":
        inner = helper.make_graph([node], "inner", [], [value[1]])
        node = helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    if place == "function":
        opset = [helper.make_opsetid("", 17)]
        functions = [helper.make_function("own", "layer", ["x"], ["y"], [node], opset)]
        node = helper.make_node("layer", ["x"], ["y"], domain="own")
    graph = helper.make_graph([node], "graph", value[:1], value[1:])
    with pytest.raises(ExportError, match=f"without dropout and chance, and has {operator}"):
        check_graph(helper.make_model(graph, functions=functions))


def test_a_graph_without_chance_passes(tmp_path):
    export(make_model(), format="onnx", path=tmp_path / "made")
    assert "none of which drops or draws" in check_graph(onnx.load(tmp_path / "made" / "model.onnx"))
