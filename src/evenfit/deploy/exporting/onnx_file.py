"""ONNX: a deployed model as one graph, from the columns of a user's table, raw, to predictions."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
import polars as pl

from evenfit.deploy.exporting.computation import outputs
from evenfit.deploy.exporting.graph import Graph, GraphOperations, GraphValue
from evenfit.deploy.exporting.inputs import Input, cells_of, level_numbers, name_inputs, texts_of
from evenfit.deploy.exporting.operations import FLOAT32, FLOAT64, INT64
from evenfit.deploy.exporting.randomness import check_graph
from evenfit.deploy.exporting.recipe import Recipe
from evenfit.deploy.exporting.signature import (
    LABEL,
    PREDICTION,
    PROBABILITIES,
    ROWS,
    class_names,
    column_of,
    outputs_of,
)

Array = npt.NDArray[Any]

FILE = "model.onnx"
PRECISIONS = (FLOAT32, FLOAT64)
PACKAGES = ("evenfit", "numpy", "onnx", "onnxruntime")


def signature(recipe: Recipe) -> dict[str, Any]:
    """Give inputs, one a column, and outputs."""
    inputs = [
        {"name": known.name, "type": known.type, "shape": [ROWS], "missing": "NaN" if known.type == "float64" else ""}
        | column_of(known)
        for known in graph_inputs(recipe)
    ]
    return {"file": FILE, "inputs": inputs, "outputs": outputs_of(recipe, label=True)}


def write(recipe: Recipe, folder: Path, *, precision: str, facts: Mapping[str, str]) -> str:
    """Write the graph, without dropout or chance."""
    model = graph_of(recipe, precision=precision, facts=facts)
    said = check_graph(model)
    onnx.save(model, folder / FILE)
    return said


def opened(recipe: Recipe, folder: Path) -> Callable[[pl.DataFrame], Array]:
    """Load the file with onnxruntime."""
    session = onnxruntime.InferenceSession(folder / FILE, providers=["CPUExecutionProvider"])
    output = PROBABILITIES if recipe.classes else PREDICTION

    def predict(frame: pl.DataFrame) -> Array:
        feed = {known.name: cells_of(known, frame[known.column.name]) for known in graph_inputs(recipe)}
        return np.asarray(session.run([output], feed)[0]).reshape(len(frame), -1)

    return predict


def example(recipe: Recipe, cells: Mapping[str, list[Any]]) -> str:
    """Give Python that runs the file on some cells."""
    lines = ["import numpy as np", "import onnxruntime", "", f'session = onnxruntime.InferenceSession("{FILE}")']
    lines += ["rows = {"]
    for known in graph_inputs(recipe):
        lines.append(f"    {json_text(known.name)}: {_literal(known, cells[known.column.name])},")
    lines += ["}"]
    if recipe.classes:
        lines += ["label, probabilities = session.run(None, rows)", "print(label, probabilities)"]
    else:
        lines += ["[prediction] = session.run(None, rows)", "print(prediction)"]
    return "\n".join(lines)


def _literal(known: Input, cells: list[Any]) -> str:
    """Write cells as Python that makes an array of them."""
    if known.form == "text":
        return f"np.array([{', '.join(json_text(cell or '') for cell in cells)}], dtype=object)"
    if known.form == "seconds":
        moments = ", ".join(json_text(cell or "NaT") for cell in cells)
        return f'(np.array([{moments}], "datetime64[us]") - np.datetime64(0, "us")) / np.timedelta64(1, "s")'
    return f"np.array([{', '.join('np.nan' if cell is None else repr(float(cell)) for cell in cells)}])"


def json_text(text: str) -> str:
    """Write text as a literal of Python."""
    return json.dumps(text, ensure_ascii=False)


def graph_inputs(recipe: Recipe) -> tuple[Input, ...]:
    """Give the inputs: one a column."""
    taken = (LABEL, PROBABILITIES) if recipe.classes else (PREDICTION,)
    return name_inputs(recipe.columns, taken=taken)


def graph_of(recipe: Recipe, *, precision: str, facts: Mapping[str, str]) -> onnx.ModelProto:
    """Build the graph.

    Args:
        recipe: what to compute.
        precision: of the networks, "float32" or "float64".
        facts: what is written into the file beside it.
    """
    inputs, recipe = graph_inputs(recipe), recipe.at(precision)
    graph = Graph("evenfit", reserved=[*(known.name for known in inputs), LABEL, PROBABILITIES, PREDICTION])
    operations = GraphOperations(graph, recipe.tensors)
    values = [graph.add_input(known.name, known.type, [ROWS]) for known in inputs]
    read = [_read(graph, operations, known, value) for known, value in zip(inputs, values, strict=True)]
    numbers = [operations.unsqueeze(value, 1) for value in read if value.dtype == FLOAT64]
    codes = [value for value in read if value.dtype == INT64]
    made = outputs(operations, recipe, numbers=numbers, codes=codes, precision=precision)
    if recipe.classes:
        place = graph.node("ArgMax", made, dtype=INT64, attributes={"axis": 1, "keepdims": 0})
        names = graph.constant(class_names(recipe), name="classes")
        graph.add_output(operations.take(names, place, axis=0), LABEL, [ROWS])
        graph.add_output(made, PROBABILITIES, [ROWS, len(recipe.classes)])
    else:
        graph.add_output(operations.reshape(made, (-1,)), PREDICTION, [ROWS])
    return graph.model(facts=facts, description=f"predicts {recipe.target!r}")


def _read(graph: Graph, operations: GraphOperations, known: Input, value: GraphValue) -> GraphValue:
    """Give a column's cells as numbers, float64, or a category's as codes, int64."""
    if known.form == "level":
        levels = graph.constant(level_numbers(known.column))
        same = operations.cast(operations.equal(operations.unsqueeze(value, 1), levels), INT64)
        codes = graph.constant(np.arange(1, len(known.column.levels) + 1))
        found: GraphValue = operations.sum(same * codes, axis=1) - 1
        return found
    if known.form != "text":
        return value
    texts = texts_of(known.column)
    attributes = {"keys_strings": list(texts), "values_int64s": list(texts.values()), "default_int64": -1}
    code = graph.node("LabelEncoder", value, dtype=INT64, attributes=attributes, domain="ai.onnx.ml")
    if known.column.kind == "categorical":
        return code
    number = operations.cast(code, FLOAT64)
    yes_or_no: GraphValue = operations.where(operations.at_most(number, -1.0), float("nan"), number)
    return yes_or_no
