"""safetensors: a deployed model as tensors, JSON, and a short program of numpy that predicts from the two."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
from safetensors.numpy import save_file

from evenfit.data.cells import as_numbers, as_text, tidy
from evenfit.data.columns import Column
from evenfit.data.dates import read as read_dates
from evenfit.deploy.exporting import alone
from evenfit.deploy.exporting.inputs import name_inputs
from evenfit.deploy.exporting.operations import FLOAT64
from evenfit.deploy.exporting.recipe import Recipe
from evenfit.deploy.exporting.signature import ROWS, column_of, outputs_of

TENSORS, JSON, PROGRAM = "model.safetensors", "model.json", "predict.py"
PRECISIONS = (FLOAT64,)  # that the program counts in; the weights are float32, as they were trained
PACKAGES = ("evenfit", "numpy", "safetensors")
VERSION = 1  # of the layout of the two files


def signature(recipe: Recipe) -> dict[str, Any]:
    """Give the inputs of ``predict.py``: a list of cells for every column."""
    columns = [
        {"name": known.column.name, "type": "cells", "shape": [ROWS], "missing": None}
        | column_of(known)
        | (
            {"meaning": "a date as numpy reads it; a time of day alone is on 2000-01-01"}
            if known.form == "seconds"
            else {}
        )
        for known in name_inputs(recipe.columns, taken=())
    ]
    return {"file": TENSORS, "inputs": columns, "outputs": outputs_of(recipe, label=False)}


def write(recipe: Recipe, folder: Path, *, precision: str, facts: Mapping[str, str]) -> str:
    """Write tensors, JSON and program."""
    del precision
    about = {"format": "evenfit-export", "version": VERSION} | dict(facts) | recipe.to_json()
    save_file({name: np.ascontiguousarray(array) for name, array in recipe.tensors.items()}, folder / TENSORS)
    (folder / JSON).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    source = files("evenfit.deploy.exporting").joinpath("alone.py").read_text(encoding="utf-8")
    (folder / PROGRAM).write_text(source, encoding="utf-8")
    return f"{len(recipe.tensors):,} tensors; the program neither drops nor draws"


def opened(recipe: Recipe, folder: Path) -> Callable[[pl.DataFrame], npt.NDArray[Any]]:
    """Give the program that was written, with the files that were written."""

    def predict(frame: pl.DataFrame) -> npt.NDArray[Any]:
        columns = {column.name: _cells(column, frame[column.name]) for column in recipe.columns}
        with np.errstate(all="ignore"):  # extremes overflow, and are then clipped
            return alone.predict(columns, folder).reshape(len(frame), -1)

    return predict


def example(recipe: Recipe, cells: Mapping[str, list[Any]]) -> str:
    """Give Python that predicts some cells."""
    del recipe
    lines = ["from predict import predict", "", "rows = {"]
    lines += [f"    {name!r}: {values!r}," for name, values in cells.items()]
    return "\n".join([*lines, "}", "print(predict(rows))"])


def _cells(column: Column, series: pl.Series) -> list[Any]:
    """Give a column's cells as Python has them."""
    if column.kind == "numeric":
        return [None if np.isnan(number) else number for number in as_numbers(series)[0]]
    if column.kind == "date":
        return list(read_dates(tidy(series), column.format).dt.to_string("%Y-%m-%dT%H:%M:%S%.6f"))
    text = as_text(series) if column.kind == "categorical" else tidy(series).cast(pl.String)
    return text.to_list()
