"""Model: what predicts on new rows: an ensemble of networks, and the table's schema that reads the rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from evenfit.data.frames import to_polars
from evenfit.data.schema import Schema, Table
from evenfit.data.targets import Target
from evenfit.deploy.folder import load_parts, save_model
from evenfit.deploy.part import Part, from_parts, predictions, to_parts
from evenfit.errors import DataError, StoreError

Array = npt.NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class Model:
    """Networks that predict together: the mean of their probabilities, or of their numbers.

    Dropout and penalties are gone: the networks are in evaluation mode, with inverted dropout, so
    that their weights need no scaling. Prediction is in double precision.

    Example:
        >>> import evenfit
        >>> model = evenfit.load_model("runs/bank")  # doctest: +SKIP
        >>> model.predict(frame)  # doctest: +SKIP
    """

    schema: Schema
    parts: tuple[Part, ...]
    selected: int  # the trial that the estimate is about
    metric: str
    promised: Mapping[str, Any] = field(default_factory=dict)  # the estimate: mean, low, high, level

    @property
    def task(self) -> str:
        """Binary, multiclass or regression."""
        return _target(self.schema).task

    @property
    def classes(self) -> tuple[str | int | float | bool, ...]:
        """Names of the classes in the order of probabilities; empty for regression."""
        target = _target(self.schema)
        return () if target.task == "regression" else tuple(target.classes)

    def read(self, rows: object, *, with_target: bool = False) -> Table:
        """Read new rows, a frame of any kind or a table that was read already.

        Raises:
            DataError: a column is missing or holds something else than in training.
        """
        if isinstance(rows, Table):
            return rows
        frame = rows if isinstance(rows, pl.DataFrame) else to_polars(rows)
        return self.schema.apply(frame, with_target=with_target)

    def outputs(self, rows: object) -> Array:
        """Give probabilities ``[rows, classes]``, or numbers ``[rows, 1]`` in the target's own units."""
        table = self.read(rows)
        outputs = max(len(self.classes), 1)
        total = np.zeros((table.rows, outputs))
        for part in self.parts:
            if part.share > 0:
                for known in predictions(part, table, classes=outputs):
                    total += part.share / len(part.encodings) * (np.exp(known) if self.classes else known)
        return total

    def member_outputs(self, rows: object) -> list[Array]:
        """Give the selected config's networks one by one: log-probabilities or numbers, a ``[rows, outputs]`` each."""
        table = self.read(rows)
        part = next(part for part in self.parts if part.trial == self.selected)
        return list(predictions(part, table, classes=max(len(self.classes), 1)))

    def predict(self, rows: object) -> Array:
        """Give the likeliest class of each row by its name, or the number that is expected."""
        outputs = self.outputs(rows)
        if not self.classes:
            return np.asarray(outputs[:, 0])
        named: Array = np.array(self.classes, dtype=object)[outputs.argmax(axis=1)]
        return named

    def predict_proba(self, rows: object) -> Array:
        """Give each class's probability: ``[rows, classes]``, each row summing to 1.

        Raises:
            DataError: the model predicts a number.
        """
        if not self.classes:
            raise DataError("probabilities are for classes; this model predicts a number")
        outputs = self.outputs(rows)
        return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))

    def save(self, folder: Path) -> None:
        """Write the model to a folder, as safetensors and JSON."""
        manifest, tensors = to_parts(self.parts)
        about = {
            "schema": self.schema.to_json(),
            "parts": manifest,
            "selected": self.selected,
            "metric": self.metric,
            "promised": dict(self.promised),
        }
        save_model(folder, manifest=about, tensors=tensors)


def load_model(folder: str | Path) -> Model:
    """Load a trained model from a run's folder.

    Raises:
        StoreError: the folder is missing, damaged, of a newer version, or its run is not done.
    """
    manifest, tensors = load_parts(Path(folder))
    try:
        return Model(
            schema=Schema.from_json(manifest["schema"]),
            parts=from_parts(manifest["parts"], tensors),
            selected=manifest["selected"],
            metric=manifest["metric"],
            promised=manifest["promised"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{folder} holds a model that cannot be understood ({error}); fit it again") from error


def _target(schema: Schema) -> Target:
    if schema.target is None:
        raise DataError("a model's schema needs a target, got one without")
    return schema.target
