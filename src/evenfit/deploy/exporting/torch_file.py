"""torch: a deployed model as a program of ``torch.export``, from numbers and level codes to predictions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import torch

from evenfit.data.columns import Column
from evenfit.deploy.exporting.inputs import Input, codes_of, numbers_of
from evenfit.deploy.exporting.operations import FLOAT32, FLOAT64
from evenfit.deploy.exporting.programs import check_program, load, save, trace
from evenfit.deploy.exporting.recipe import Recipe
from evenfit.deploy.exporting.signature import ROWS, column_of, outputs_of
from evenfit.deploy.exporting.twin import Twin

FILE = "model.pt2"
PRECISIONS = (FLOAT32, FLOAT64)
PACKAGES = ("evenfit", "numpy", "torch")
_TRACED_ROWS = 3


def signature(recipe: Recipe) -> dict[str, Any]:
    """Give the inputs: numbers of all columns together, and level codes."""
    inputs = []
    if recipe.numbers:
        forms = {"date": "seconds"}
        columns = [
            column_of(Input(name=column.name, column=column, form=forms.get(column.kind, "number")))  # type: ignore[arg-type]
            for column in recipe.numbers
        ]
        meaning = "a column each; a boolean is 0 or 1"
        shape = [ROWS, len(columns)]
        inputs.append(
            {"name": "numbers", "type": "float64", "shape": shape, "missing": "NaN", "meaning": meaning}
            | {"columns": columns}
        )
    if recipe.categories:
        columns = [column_of(Input(name=column.name, column=column, form="text")) for column in recipe.categories]
        meaning = "the position of each cell's text among its column's levels"
        shape = [ROWS, len(columns)]
        inputs.append(
            {"name": "codes", "type": "int64", "shape": shape, "missing": "-1", "meaning": meaning}
            | {"columns": columns}
        )
    return {"file": FILE, "inputs": inputs, "outputs": outputs_of(recipe, label=False)}


def write(recipe: Recipe, folder: Path, *, precision: str, facts: Mapping[str, str]) -> str:
    """Trace the model's twin, and write the program."""
    twin = Twin(recipe, precision=precision).eval()
    sample = _tensors(recipe, np.zeros((_TRACED_ROWS, len(recipe.numbers))), _codes(recipe, _TRACED_ROWS))
    rows = torch.export.Dim(ROWS)
    program = trace(twin, sample, {}, dynamic_shapes=(tuple({0: rows} for _ in sample),))
    said = check_program(program)
    save(program, folder / FILE, facts=facts)
    return said


def opened(recipe: Recipe, folder: Path) -> Callable[[pl.DataFrame], npt.NDArray[Any]]:
    """Load the program."""
    module = load(folder / FILE)

    def predict(frame: pl.DataFrame) -> npt.NDArray[Any]:
        inputs = _tensors(recipe, numbers_of(recipe.numbers, frame), codes_of(recipe.categories, frame))
        with torch.no_grad():
            made: npt.NDArray[Any] = module(*inputs).numpy()
        return made.reshape(len(frame), -1)

    return predict


def example(recipe: Recipe, cells: Mapping[str, list[Any]]) -> str:
    """Give Python that runs the program on some cells."""
    lines = [
        "import json",
        "from pathlib import Path",
        "",
        "import torch",
        "",
        f'module = torch.export.load("{FILE}").module()',
    ]
    lines += ['signature = json.loads(Path("signature.json").read_text("utf-8"))', "inputs = []"]
    if recipe.numbers:
        names = ", ".join(column.name for column in recipe.numbers)
        lines += [f"# {' '.join(names.split())}", "nan = float('nan')", "inputs.append(torch.tensor(["]
        for row in zip(*(_numbers(column, cells[column.name]) for column in recipe.numbers), strict=True):
            lines.append(f"    [{', '.join('nan' if np.isnan(cell) else repr(cell) for cell in row)}],")
        lines += ["], dtype=torch.float64))"]
    if recipe.categories:
        rows = list(zip(*(cells[column.name] for column in recipe.categories), strict=True))
        lines += ['levels = [column["levels"] for column in signature["inputs"][-1]["columns"]]', "rows = ["]
        lines += [f"    {list(row)!r}," for row in rows]
        lines += [
            "]",
            "places = [{level: code for code, level in enumerate(known)} for known in levels]",
            "codes = [[known.get(cell, -1) for known, cell in zip(places, row)] for row in rows]",
            "inputs.append(torch.tensor(codes))",
        ]
    return "\n".join([*lines, "print(module(*inputs))"])


def _numbers(column: Column, cells: list[Any]) -> list[float]:
    """Give cells as the program takes them."""
    if column.kind == "date":
        moments = np.array([cell or "NaT" for cell in cells], "datetime64[us]")
        return list(((moments - np.datetime64(0, "us")) / np.timedelta64(1, "s")).tolist())
    if column.kind == "boolean":
        cells = [None if cell is None else column.levels.index(cell) for cell in cells]
    return [float("nan") if cell is None else float(cell) for cell in cells]


def _codes(recipe: Recipe, rows: int) -> npt.NDArray[np.int64]:
    return np.zeros((rows, len(recipe.categories)), np.int64)


def _tensors(recipe: Recipe, numbers: npt.NDArray[Any], codes: npt.NDArray[np.int64]) -> tuple[torch.Tensor, ...]:
    """Give what the program takes: numbers and codes, or the one that there is."""
    given = [torch.from_numpy(np.ascontiguousarray(numbers))] if recipe.numbers else []
    return (*given, torch.from_numpy(np.ascontiguousarray(codes))) if recipe.categories else tuple(given)
