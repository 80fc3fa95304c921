"""Tables as a network sees them: every statistic from the training rows, every shape from the whole table.

The inputs, in this order: numbers of many values (these get numeric embeddings), numbers of two values, missing
indicators, categories of up to 9 levels; categories of more levels are codes for learned embeddings.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from evenfit.data.distinct import order_statistics
from evenfit.data.quantiles import fit_column, to_normal
from evenfit.data.schema import Schema, Table
from evenfit.data.target_encodings import (
    TargetChoice,
    TargetEncoding,
    encode_target,
    fit_target,
    restore_target,
)
from evenfit.data.target_encodings import target_choices as _target_choices
from evenfit.errors import ConfigError, DataError

InputChoice = Literal["robust", "quantile"]
INPUT_CHOICES: tuple[InputChoice, ...] = ("robust", "quantile")

_CACHED = 1024  # rows that are worked on at once
MOST_ONE_HOT = 9  # levels; more get a learned embedding, as in RealMLP


@dataclass(frozen=True, kw_only=True)
class InputShape:
    """How wide the inputs are."""

    numeric: int  # the first so many of the features: numbers of many values
    features: int
    cardinalities: tuple[int, ...]  # levels of each category that gets a learned embedding


@dataclass(frozen=True, eq=False)
class Encoded:
    """Rows as a network sees them."""

    values: np.ndarray  # float32 [rows, features], finite
    codes: np.ndarray  # int32 [rows, embedded], -1 where missing, unseen, or not among the training rows


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Which column of a table goes where: from the schema alone, so that it is the same for all splits."""

    many: tuple[int, ...]  # numeric columns of many values
    two: tuple[int, ...]  # numeric columns of two values
    indicated: tuple[int, ...]  # numeric columns with an indicator of missing cells
    hot: tuple[int, ...]  # categorical columns as indicators of levels
    hot_levels: tuple[int, ...]
    embedded: tuple[int, ...]  # categorical columns with a learned embedding
    embedded_levels: tuple[int, ...]

    @property
    def shape(self) -> InputShape:
        """How wide the inputs are."""
        hot = sum(1 if levels == 2 else levels for levels in self.hot_levels)
        return InputShape(
            numeric=len(self.many),
            features=len(self.many) + len(self.two) + len(self.indicated) + hot,
            cardinalities=self.embedded_levels,
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Encoding:
    """What the training rows say about the inputs and the target.

    "robust" inputs are RealMLP's (Holzmüller, Grinsztajn & Steinwart, "Better by default", 2024): minus the median,
    times 1 / (the interquartile range), or 2 / (the range) where that is 0, then x / sqrt(1 + (x / 3)^2), which
    leaves small values alone and keeps all within 3. "quantile" inputs are normal quantiles; numbers of two values
    stay robust. Missing numbers are the median.
    """

    choice: InputChoice
    layout: Layout
    centre: np.ndarray  # float64 [numeric]
    scale: np.ndarray  # float64 [numeric]
    knots: tuple[np.ndarray, ...]  # of each column of many values; empty for "robust"
    seen: tuple[np.ndarray, ...]  # bool [levels] of each categorical column: among the training rows?
    target_encoding: TargetEncoding | None  # None for classification

    @property
    def shape(self) -> InputShape:
        """How wide the inputs are."""
        return self.layout.shape

    def inputs(self, table: Table) -> Encoded:
        """The rows as a network sees them: finite, whatever the cells hold."""
        layout, numeric = self.layout, table.numeric
        codes = [_only_seen(table.codes[:, column], seen) for column, seen in enumerate(self.seen)]
        blocks = [
            self._many(table),
            _robust(numeric[:, layout.two], self.centre[list(layout.two)], self.scale[list(layout.two)]),
            np.isnan(numeric[:, layout.indicated]).astype(np.float32),
            *(_one_hot(codes[column], levels) for column, levels in zip(layout.hot, layout.hot_levels, strict=True)),
        ]
        embedded = [codes[column] for column in layout.embedded]
        return Encoded(
            values=np.concatenate(blocks, axis=1, dtype=np.float32),
            codes=np.stack(embedded, axis=1) if embedded else np.empty((table.rows, 0), np.int32),
        )

    def target(self, target: np.ndarray) -> np.ndarray:
        """The target as the network learns it: float64 [rows]; codes of classes stay what they are."""
        if self.target_encoding is None:
            return target
        return encode_target(self.target_encoding, np.asarray(target, np.float64))

    def restore(self, predictions: np.ndarray, residuals: np.ndarray | None = None) -> np.ndarray:
        """Predictions in the target's own units, to the mean: float64, any shape; see `restore_target`."""
        if self.target_encoding is None:
            return np.asarray(predictions, np.float64)
        return restore_target(self.target_encoding, predictions, residuals)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything as arrays of numbers, to be stored without pickle; `about` is JSON in bytes."""
        about = {"choice": self.choice, "layout": vars(self.layout), "target": None}
        arrays = {"centre": self.centre, "scale": self.scale}
        arrays |= {f"knots_{column}": knots for column, knots in enumerate(self.knots)}
        arrays |= {f"seen_{column}": seen for column, seen in enumerate(self.seen)}
        if self.target_encoding is not None:
            about["target"] = {name: value for name, value in vars(self.target_encoding).items() if name != "knots"}
            arrays["target_knots"] = self.target_encoding.knots
        return arrays | {"about": np.frombuffer(json.dumps(about).encode(), np.uint8).copy()}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "Encoding":
        """Make an encoding from what `to_arrays` gave.

        Raises:
            DataError: an array is missing or damaged.
        """
        try:
            about = json.loads(np.asarray(arrays["about"], np.uint8).tobytes())
            layout = Layout(**{name: tuple(value) for name, value in about["layout"].items()})
            target = TargetEncoding(**about["target"], knots=arrays["target_knots"]) if about["target"] else None
            knots = [arrays[f"knots_{at}"] for at in range(len(layout.many))] if about["choice"] == "quantile" else []
            seen = [arrays[f"seen_{at}"].astype(bool) for at in range(len(layout.hot) + len(layout.embedded))]
            return cls(
                choice=about["choice"],
                layout=layout,
                centre=arrays["centre"],
                scale=arrays["scale"],
                knots=tuple(knots),
                seen=tuple(seen),
                target_encoding=target,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"the arrays must be those of an encoding; {type(error).__name__}: {error}") from error

    def _many(self, table: Table) -> np.ndarray:
        many = list(self.layout.many)
        if self.choice == "robust":
            return _robust(table.numeric[:, many], self.centre[many], self.scale[many])
        result = np.empty((table.rows, len(many)), np.float32)
        for position, (column, knots) in enumerate(zip(many, self.knots, strict=True)):
            distinct = table.distinct[column]
            result[:, position] = np.nan_to_num(to_normal(distinct.values, knots), nan=0.0)[distinct.place]
        return result


def fit_encoding(
    table: Table, rows: np.ndarray, *, inputs: InputChoice = "robust", target: TargetChoice = "standard"
) -> Encoding:
    """Fit an encoding to the training rows given.

    Args:
        table: the table; its other rows have no part in the result.
        rows: the numbers of the training rows.
        inputs: how numbers are encoded.
        target: how a regression's target is encoded; classes are codes.

    Raises:
        ConfigError: a choice is unknown.
        DataError: there are no rows, or the target does not suit the encoding.
    """
    if inputs not in get_args(InputChoice):
        raise ConfigError(f"input encoding must be one of {', '.join(INPUT_CHOICES)}; got {inputs!r}")
    if not len(rows):
        raise DataError("an encoding must be fitted to at least one row, got none")
    layout = make_layout(table.schema)
    centre, scale = _fit_robust(table, rows)
    knots = tuple(fit_column(table.distinct[column], rows) for column in layout.many) if inputs == "quantile" else ()
    levels = [len(column.levels) for column in table.schema.categorical]
    codes = table.codes[rows]
    seen = tuple(np.isin(np.arange(count), codes[:, column]) for column, count in enumerate(levels))
    encoded = None
    if table.target is not None and table.schema.target is not None and table.schema.target.task == "regression":
        encoded = fit_target(table.target[rows], None if table.weights is None else table.weights[rows], target)
    return Encoding(
        choice=inputs, layout=layout, centre=centre, scale=scale, knots=knots, seen=seen, target_encoding=encoded
    )


def make_layout(schema: Schema) -> Layout:
    """Say which column of a table goes where."""
    many: list[int] = []
    two: list[int] = []
    indicated: list[int] = []
    before = None
    for position, (column, _) in enumerate(schema.numeric):
        (two if column.binary or column.kind == "boolean" else many).append(position)
        if column.missing and column is not before:  # the parts of a date are missing together
            indicated.append(position)
        before = column
    levels = [len(column.levels) for column in schema.categorical]
    hot = [position for position, count in enumerate(levels) if count <= MOST_ONE_HOT]
    embedded = [position for position, count in enumerate(levels) if count > MOST_ONE_HOT]
    return Layout(
        many=tuple(many),
        two=tuple(two),
        indicated=tuple(indicated),
        hot=tuple(hot),
        hot_levels=tuple(levels[position] for position in hot),
        embedded=tuple(embedded),
        embedded_levels=tuple(levels[position] for position in embedded),
    )


def target_choices(table: Table) -> tuple[TargetChoice, ...]:
    """The target encodings worth a search; see `target_encodings.target_choices`."""
    if table.target is None or table.schema.target is None or table.schema.target.task != "regression":
        return ("standard",)
    return _target_choices(table.target)


def input_choices(table: Table) -> tuple[InputChoice, ...]:
    """The input encodings worth a search: both, unless no number has more than two values."""
    return INPUT_CHOICES if make_layout(table.schema).many else ("robust",)


def balanced_weights(codes: np.ndarray, rows: np.ndarray, classes: int) -> np.ndarray:
    """The weight of each class that makes all classes of the rows weigh the same: float64 [classes].

    The mean weight of the rows is 1; a class that they lack has weight 1.

    >>> balanced_weights(np.array([0, 0, 0, 1]), np.arange(4), 2)
    array([0.66666667, 2.        ])
    """
    counts = np.bincount(codes[rows], minlength=classes)
    present = counts > 0
    return np.where(present, len(rows) / (present.sum() * np.maximum(counts, 1)), 1.0)


def _fit_robust(table: Table, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The median and the scale of every column; 0 and 0 where no cell is known."""
    columns = table.numeric.shape[1]
    centre, scale = np.zeros(columns), np.zeros(columns)
    for position, distinct in enumerate(table.distinct):
        known = order_statistics(distinct, rows, np.array([0, 0.25, 0.5, 0.75, 1]))
        if not len(known):
            continue
        low, first, median, third, high = known
        centre[position] = median
        spread = third - first if third > first else (high - low) / 2
        scale[position] = 1 / max(spread, 1e-300) if spread > 0 else 0.0
    return centre, scale


def _robust(numeric: np.ndarray, centre: np.ndarray, scale: np.ndarray) -> np.ndarray:
    clipped = np.empty(numeric.shape, np.float32)
    for start in range(0, len(numeric), _CACHED):  # what is in between stays in the cache
        with np.errstate(over="ignore"):
            # the square below must stay finite
            x = np.clip((numeric[start : start + _CACHED] - centre) * scale, -1e8, 1e8)
        clipped[start : start + _CACHED] = np.nan_to_num(x / np.sqrt(1 + (x / 3) ** 2), nan=0.0)
    return clipped


def _only_seen(codes: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The codes with levels that the training rows lack as -1."""
    known: np.ndarray = np.append(np.where(seen, np.arange(len(seen)), -1), -1)[codes].astype(np.int32)
    return known


def _one_hot(codes: np.ndarray, levels: int) -> np.ndarray:
    """A column a level, 1 where it is the row's; two levels are one column of -1 and 1; all zeros where missing."""
    rows = np.array([[-1], [1], [0]], np.float32) if levels == 2 else np.eye(levels + 1, levels, dtype=np.float32)
    indicators: np.ndarray = rows[codes]  # -1 is the last row
    return indicators
