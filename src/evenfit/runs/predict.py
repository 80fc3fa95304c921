"""Predict and score: a run's model on new rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from evenfit.data.sources import read
from evenfit.deploy.model import Model, load_model
from evenfit.errors import DataError
from evenfit.report.facts import Fresh
from evenfit.report.words import score_word
from evenfit.results.metrics import metric_of
from evenfit.runs.scoring import score_rows


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Where predictions were written, and for how many rows."""

    out: Path
    rows: int
    columns: tuple[str, ...]
    notes: tuple[str, ...]

    def text(self) -> str:
        """One line, and what was noticed."""
        lines = [f"wrote {self.rows:,} predictions to {self.out} (columns {', '.join(self.columns)})"]
        return "\n".join([*lines, *self.notes])

    def json(self) -> Mapping[str, object]:
        """The same by name."""
        return {"out": str(self.out), "rows": self.rows, "columns": list(self.columns), "notes": list(self.notes)}


@dataclass(frozen=True, kw_only=True)
class Scored:
    """The loss on fresh rows, beside what the run promised."""

    fresh: Fresh
    model: Model
    notes: tuple[str, ...] = ()  # what was noticed in the rows

    def text(self) -> str:
        """A few lines: the loss as promised and as found, network by network and as an ensemble."""
        fresh, promised = self.fresh, self.model.promised
        metric = metric_of(self.model.metric, task=self.model.task)
        name, show = metric.label, metric.score
        bounds = sorted((show(promised["low"]), show(promised["high"])))
        own = sorted((show(fresh.loss.low), show(fresh.loss.high)))
        members = show(fresh.members_loss) if fresh.members_loss is not None else float("nan")
        others = {name: value for name, value in fresh.scores.items() if name != self.model.metric}
        return "\n".join(
            [
                f"{fresh.source}: {fresh.rows:,} rows, {name}",
                f"  promised               {show(promised['mean']):.4g}  "
                f"({promised['level']:.0%} interval {bounds[0]:.4g} to {bounds[1]:.4g})",
                f"  networks, one by one   {members:.4g}  ({self._beside_promise()})",
                f"  the model as deployed  {show(fresh.loss.mean):.4g}  (95% interval {own[0]:.4g} to {own[1]:.4g})",
                "  " + ", ".join(f"{score_word(name)} {value:.4g}" for name, value in others.items()),
                *(f"  {note}" for note in self.notes),
            ]
        )

    def _beside_promise(self) -> str:
        """Where the loss of the networks, one by one, lies beside the promised interval."""
        loss, promised = self.fresh.members_loss, self.model.promised
        if loss is None:
            return "not measured"
        if loss > promised["high"]:
            return "worse than promised"
        return "better than promised" if loss < promised["low"] else "as promised"

    def json(self) -> Mapping[str, object]:
        """The same by name: losses, lower is better."""
        fresh = self.fresh
        loss: dict[str, Any] = {
            "mean": fresh.loss.mean,
            "low": fresh.loss.low,
            "high": fresh.loss.high,
            "level": fresh.loss.level,
        }
        return {
            "rows": fresh.rows,
            "metric": self.model.metric,
            "loss": loss,
            "members_loss": fresh.members_loss,
            "promised": dict(self.model.promised),
            "scores": dict(fresh.scores),
            "notes": list(self.notes),
        }


def predict(
    folder: Path, file: Path, out: Path, *, delimiter: str | None = None, encoding: str | None = None
) -> Predicted:
    """Write a run's predictions for the rows of a file as CSV: ``prediction``, and a probability for each class.

    Args:
        folder: of the run.
        file: the rows.
        out: where to.
        delimiter: of the file; None finds it.
        encoding: of the file; None finds it.

    Raises:
        EvenfitError: the folder has no model, or the file's columns are not those of training.
    """
    model = load_model(folder)
    table = model.read(read(file, delimiter=delimiter, encoding=encoding))
    outputs = model.outputs(table)
    if model.classes:
        columns: dict[str, Any] = {"prediction": [model.classes[code] for code in outputs.argmax(axis=1)]}
        columns |= {f"probability_{name}": outputs[:, code] for code, name in enumerate(model.classes)}
    else:
        columns = {"prediction": outputs[:, 0]}
    try:
        if out.parent != Path():
            out.parent.mkdir(parents=True, exist_ok=True)
        pl.DataFrame(columns).write_csv(out)
    except OSError as error:
        raise DataError(f"{out} cannot be written: {(error.strerror or str(error)).lower()}") from error
    return Predicted(out=out, rows=table.rows, columns=tuple(columns), notes=tuple(table.notes))


def score(folder: Path, file: Path, *, delimiter: str | None = None, encoding: str | None = None) -> Scored:
    """Measure a run's model on the labelled rows of a file.

    Args:
        folder: of the run.
        file: the rows, with their target.
        delimiter: of the file; None finds it.
        encoding: of the file; None finds it.

    Raises:
        EvenfitError: the folder has no model, or the file lacks the target or a column.
    """
    model = load_model(folder)
    table = model.schema.apply(read(file, delimiter=delimiter, encoding=encoding), with_target=True)
    return Scored(fresh=score_rows(model, table, source=str(file)), model=model, notes=tuple(table.notes))
