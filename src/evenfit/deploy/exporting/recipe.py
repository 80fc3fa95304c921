"""Recipe: what a deployed model computes, as plain values and named tensors: the one source of every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.data.columns import Column
from evenfit.data.encodings import Encoding, Layout
from evenfit.data.target_encodings import restore_target
from evenfit.data.targets import Class
from evenfit.deploy.exporting.moments import wave_tables
from evenfit.deploy.exporting.operations import FLOAT32
from evenfit.deploy.exporting.ranks import rank_tables
from evenfit.deploy.model import Model
from evenfit.deploy.part import Part
from evenfit.errors import ExportError
from evenfit.fleet.layout import layout

Array = npt.NDArray[Any]
Tensors = Mapping[str, Array]

# Where a network's output is tabulated when its target was transformed: `data.target_encodings` interpolates here, too.
GRID_LOW, GRID_HIGH, GRID_POINTS = -8.0, 8.0, 513
_TABULATED = ("log", "quantile")


@dataclass(frozen=True, kw_only=True)
class PartRecipe:
    """The networks of one config: one a split, side by side in the tensors that begin with its number."""

    share: float  # of the whole prediction
    encoding: str  # of the inputs: whose tensors to use
    activation: str
    depth: int  # hidden layers
    periodic: bool  # whether numbers have periodic embeddings
    restore: str  # "none", "standard" or "table": how an output becomes a number in the target's own units
    splits: int  # networks


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that turns a table's columns into predictions."""

    task: str
    target: str  # the column's name
    classes: tuple[Class, ...]
    columns: tuple[Column, ...]
    layout: Layout  # which of them goes where in a network's inputs
    longest: int  # points of the longest table of ranks; 0 where there is none
    parts: tuple[PartRecipe, ...]
    tensors: Tensors

    @property
    def numbers(self) -> tuple[Column, ...]:
        """Columns that come as numbers: numeric, boolean and date."""
        return tuple(column for column in self.columns if column.kind != "categorical")

    @property
    def categories(self) -> tuple[Column, ...]:
        """Columns that come as level codes."""
        return tuple(column for column in self.columns if column.kind == "categorical")

    def at(self, precision: str) -> Recipe:
        """Give the same with the networks' tensors, which are float32, in another precision."""
        if precision == FLOAT32:
            return self
        tensors = {
            name: array.astype(precision) if array.dtype == np.float32 else array
            for name, array in self.tensors.items()
        }
        return replace(self, tensors=tensors)

    def to_json(self) -> dict[str, Any]:
        """Give everything but the tensors, ready for JSON."""
        return {name: value for name, value in asdict(self).items() if name != "tensors"}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], tensors: Tensors) -> Recipe:
        """Make a recipe from what ``to_json`` gave, and its tensors."""
        return cls(
            task=values["task"],
            target=values["target"],
            classes=tuple(values["classes"]),
            columns=tuple(Column.from_json(column) for column in values["columns"]),
            layout=Layout(**{name: tuple(places) for name, places in values["layout"].items()}),
            longest=values["longest"],
            parts=tuple(PartRecipe(**part) for part in values["parts"]),
            tensors=tensors,
        )


def make_recipe(model: Model) -> Recipe:
    """Write down what a model computes; parts that it keeps for comparison only are left out.

    Raises:
        ExportError: the model has no networks that predict.
    """
    parts = [part for part in model.parts if part.share > 0]
    if not parts or model.schema.target is None:
        raise ExportError("a model must have networks and a target to be exported; fit it again")
    tensors: dict[str, Array] = wave_tables(part for column in model.schema.columns for part in column.parts)
    recipes = []
    for number, part in enumerate(parts):
        choice = part.config.inputs
        if f"{choice}.centre" not in tensors:
            tensors |= _encoding_tensors(choice, part.encodings)
        tensors |= _network_tensors(number, part, outputs=max(len(model.classes), 1))
        restore, more = _restoring(number, part, classes=len(model.classes))
        tensors |= more
        recipes.append(
            PartRecipe(
                share=float(part.share),
                encoding=choice,
                activation=part.config.activation,
                depth=part.config.depth,
                periodic=f"{number}.frequency" in tensors,
                restore=restore,
                splits=len(part.encodings),
            )
        )
    lengths = tensors["quantile.end"] - tensors["quantile.begin"] + 1 if "quantile.end" in tensors else np.zeros(1)
    return Recipe(
        task=model.task,
        target=model.schema.target.name,
        classes=model.classes,
        columns=model.schema.columns,
        layout=parts[0].encodings[0].layout,
        longest=int(lengths.max()),
        parts=tuple(recipes),
        tensors={name: array for name, array in tensors.items() if array.size},
    )


def _encoding_tensors(choice: str, encodings: Sequence[Encoding]) -> dict[str, Array]:
    """Give what one choice of encoding says about the inputs in each split."""
    tensors = {
        "centre": np.stack([encoding.centre for encoding in encodings]),
        "scale": np.stack([encoding.scale for encoding in encodings]),
    }
    known = encodings[0].layout
    for column, levels in zip(known.hot, known.hot_levels, strict=True):
        rows = np.array([[-1], [1], [0]]) if levels == 2 else np.eye(levels + 1, levels)  # the last: no known level
        tensors[f"hot{column}"] = np.stack([_only_seen(rows, encoding.seen[column]) for encoding in encodings])
    if choice == "quantile" and known.many:
        tensors |= rank_tables([encoding.knots for encoding in encodings])
    return {f"{choice}.{name}": array for name, array in tensors.items()}


def _network_tensors(number: int, part: Part, *, outputs: int) -> dict[str, Array]:
    """Give one part's weights, ``[splits, ...]``; level embeddings as one table a column, its last row all zeros."""
    encoding = part.encodings[0]
    plan = layout(part.config, encoding.shape, outputs)
    weights = np.asarray(part.weights, np.float32)
    tensors = {
        block.name: weights[:, block.start : block.stop].reshape(-1, *block.shape).copy() for block in plan.blocks
    }
    joined, first = tensors.pop("level", None), 0
    known = encoding.layout
    for column, levels in zip(known.embedded, known.embedded_levels, strict=True):
        if joined is None:
            break
        rows = np.concatenate([joined[:, first : first + levels], np.zeros_like(joined[:, :1])], axis=1)
        seen = [encoding.seen[column] for encoding in part.encodings]
        tensors[f"level{column}"] = np.stack([_only_seen(one, own) for one, own in zip(rows, seen, strict=True)])
        first += levels
    return {f"{number}.{name}": array for name, array in tensors.items()}


def _restoring(number: int, part: Part, *, classes: int) -> tuple[str, dict[str, Array]]:
    """Say how outputs become numbers in the target's own units, and give the tensors for it."""
    known = [encoding.target_encoding for encoding in part.encodings]
    targets = [target for target in known if target is not None]
    if classes or not targets:
        return "none", {}
    if targets[0].choice in _TABULATED:
        grid = np.linspace(GRID_LOW, GRID_HIGH, GRID_POINTS)
        if not np.size(part.residuals):
            raise ExportError(f"the model's part {number} lacks its training residuals; fit it again")
        tables = [
            restore_target(target, grid, residuals) for target, residuals in zip(targets, part.residuals, strict=True)
        ]
        begin = np.arange(len(tables), dtype=np.int64).reshape(-1, 1, 1) * GRID_POINTS  # of each split's table
        return "table", {f"{number}.table": np.stack(tables), f"{number}.begin": begin}
    names = ("mean", "deviation", "low", "high") if targets[0].choice == "standard" else ("mean", "deviation")
    values = {name: np.array([getattr(target, name) for target in targets], np.float64) for name in names}
    return targets[0].choice, {f"{number}.{name}": array for name, array in values.items()}


def _only_seen(rows: Array, seen: Array) -> Array:
    """Give a table of levels with zeros for those that the training rows lack."""
    kept: Array = (rows * np.append(seen, True)[:, None]).astype(np.float32)
    return kept
