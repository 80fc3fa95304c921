"""Export: a model as files for other programs, called done when they give what the model gives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

import evenfit
from evenfit.data.frames import to_polars
from evenfit.deploy.exporting.card import FILE as CARD_FILE
from evenfit.deploy.exporting.card import Card, card_of, card_text
from evenfit.deploy.exporting.checking import compare
from evenfit.deploy.exporting.examples import example_cells
from evenfit.deploy.exporting.exported import Check, Exported
from evenfit.deploy.exporting.formats import Format, format_of, load
from evenfit.deploy.exporting.place import check_free, new_folder
from evenfit.deploy.exporting.recipe import Recipe, make_recipe
from evenfit.deploy.exporting.rows import HARD, hard_rows, made_rows
from evenfit.deploy.model import Model
from evenfit.errors import ExportError

if TYPE_CHECKING:
    from torch import nn

MOST_ROWS = 2000  # that a file is checked on
SIGNATURE = "signature.json"


def export(
    model: Model | nn.Module,
    sample: Any = None,
    *,
    format: str = "onnx",
    path: str | Path,
    rows: Any = None,
    rows_name: str = "the frame given",
    card: Card | None = None,
    dynamic_shapes: Any = None,
) -> Exported:
    """Write a model to a new folder, with a signature and a model card, and check the file on real rows.

    A run's model becomes one graph: the columns of the user's table in, as they are; probabilities, or numbers in the
    target's own units, out; all its networks averaged. Any torch module is exported in evaluation mode, with original-
    form dropout folded into its weights and inverted dropout gone; the batch may be of any size.

    Args:
        model: ``evenfit.load_model(...)``, an estimator's ``model_``, or any ``nn.Module``.
        sample: for a module: what to call it with; a tensor, a tuple of arguments, or a dict of named ones.
        format: "onnx", "torch" (a program of ``torch.export``) or "safetensors" (tensors, JSON and numpy).
        path: the folder to make.
        rows: for a run's model: a frame to check it on; without, rows are made from what the model knows.
        rows_name: what to call them.
        card: what the model card says; without, what the model knows of itself.
        dynamic_shapes: for a module: which dimensions may vary, as ``torch.export`` takes it; without, the first
            dimension of every tensor of the sample that is as long there as the first tensor.

    Raises:
        ExportError: the format is unknown or needs a package that is not installed, the folder exists or cannot be
            written, the module drops or draws in evaluation mode too, or the file differs from the model.
        FoldError: original-form dropout cannot be folded exactly.
        DataError: the rows lack a column.

    Example:
        >>> import evenfit
        >>> from evenfit.deploy import export
        >>> export(evenfit.load_model("runs/bank"), format="onnx", path="bank-onnx")  # doctest: +SKIP
    """
    path = Path(path)
    if not isinstance(model, Model):
        if rows is not None:
            raise ExportError("rows are for a run's model; a module is checked on its sample")
        exporter = import_module("evenfit.deploy.exporting.modules")
        load(format, 1)
        made: Exported = exporter.export_module(
            model, sample, format=format, path=path, card=card, dynamic_shapes=dynamic_shapes
        )
        return made
    if sample is not None or dynamic_shapes is not None:
        raise ExportError("sample and dynamic_shapes are for a torch module; a run's model knows its columns")
    target = format_of(format)
    check_free(path)
    recipe = make_recipe(model)
    frames = _frames(model, rows, rows_name)
    with new_folder(path) as folder:
        graph, check = _written(model, recipe, target, folder, frames, name=format)
        signature = {"format": format, **target.signature(recipe)}
        (folder / SIGNATURE).write_text(
            json.dumps(signature, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
        )
        names = [file.name for file in folder.iterdir()]
        text = card_text(
            card or card_of(model),
            signature=signature,
            files=sorted(names),
            check=check,
            graph=graph,
            example=target.example(recipe, example_cells(model)),
            packages=target.PACKAGES,
        )
        (folder / CARD_FILE).write_text(text, encoding="utf-8", errors="replace")
        sizes = {file.name: file.stat().st_size for file in sorted(folder.iterdir())}
    return Exported(folder=path, format=format, files=sizes, signature=signature, check=check)


def _frames(model: Model, rows: Any, name: str) -> dict[str, pl.DataFrame]:
    """Give the rows to check on, by what they are in words."""
    if rows is None:
        made = made_rows(model)
        real = {f"{len(made):,} rows made from the model's own statistics, since none were given": made}
    else:
        frame = rows if isinstance(rows, pl.DataFrame) else to_polars(rows)
        if frame.is_empty():
            raise ExportError(f"{name} must have rows to check the export on, and has none")
        model.read(frame)  # says what is wrong with them
        taken = frame if len(frame) <= MOST_ROWS else frame.gather_every(-(-len(frame) // MOST_ROWS))
        count = f"{len(taken):,} of {len(frame):,}" if len(taken) < len(frame) else f"{len(frame):,}"
        real = {f"{count} rows of {name}": taken}
    hard = hard_rows(model)
    return real | {f"{len(hard)} made of {HARD}": hard}


def _written(
    model: Model, recipe: Recipe, target: Format, folder: Path, frames: Mapping[str, pl.DataFrame], *, name: str
) -> tuple[str, Check]:
    """Write the files, with networks in double precision where single is not near enough.

    Raises:
        ExportError: neither gives what the model gives.
    """
    facts = {"evenfit": evenfit.__version__, "target": recipe.target, "task": recipe.task}
    if recipe.classes:
        facts["classes"] = json.dumps(recipe.classes, ensure_ascii=False)
    for precision in target.PRECISIONS:
        graph = target.write(recipe, folder, precision=precision, facts=facts)
        check = compare(model, target.opened(recipe, folder), frames, precision=precision)
        if check.difference <= check.allowed:
            return graph, check
    raise ExportError(
        f"the {name} file does not give what the model gives: {check.text()}; nothing was kept; please report this"
    )
