"""Export: a run's model as files for other programs, with a card that tells of the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from evenfit.data.schema import Table
from evenfit.data.sources import read
from evenfit.deploy.exporting.card import Card, card_of, columns_of, plain
from evenfit.deploy.exporting.export import export as export_model
from evenfit.deploy.exporting.exported import Exported
from evenfit.deploy.model import Model, load_model
from evenfit.errors import EvenfitError, StoreError
from evenfit.report.words import network, regularisation
from evenfit.runs.documents import command
from evenfit.runs.options import read_options, request_from
from evenfit.runs.request import FitRequest
from evenfit.runs.source import fingerprint
from evenfit.store import open_store


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a run's folder, and the table that it was fitted to, still say of it."""

    request: FitRequest | None
    metrics: Mapping[str, Any]
    frame: pl.DataFrame | None  # the table, if it can still be read by the model's schema
    table: Table | None  # the same, read, if its file is the one that was fitted to
    notes: tuple[str, ...]


def export(
    folder: Path,
    *,
    format: str,
    out: Path | None,
    rows: Path | None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> Exported:
    """Export a run's model.

    Args:
        folder: the run's.
        format: "onnx", "torch" or "safetensors".
        out: the folder to make; None for one inside the run's folder.
        rows: a file of rows to check the export on; None for the run's own table.
        delimiter: of that file; None finds it.
        encoding: of that file; None finds it.

    Raises:
        EvenfitError: the run has no model, the format is unknown or needs a package that is not installed, the folder
            exists or cannot be written, rows cannot be read, or the file differs from the model.
    """
    model = load_model(folder)
    known = _known(folder, model)
    frame, name = known.frame, "" if known.request is None else known.request.table
    if rows is not None:
        frame, name = read(rows, delimiter=delimiter, encoding=encoding), str(rows)
    path = folder / "export" / format if out is None else out
    made = export_model(
        model, format=format, path=path, rows=frame, rows_name=name, card=_card(model, known, folder.name)
    )
    return replace(made, notes=(*made.notes, *known.notes)) if rows is None else made


def _known(folder: Path, model: Model) -> Known:
    """Read what there is to read; a run's folder may have been moved without its table."""
    try:
        request = request_from(read_options(str(folder / "request.toml")))
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    except (EvenfitError, OSError, ValueError):
        note = "the run's request or numbers cannot be read: the card says less, and made rows were checked"
        return Known(request=None, metrics={}, frame=None, table=None, notes=(note,))
    for path in dict.fromkeys((Path(request.table), folder.parent.parent / request.table)):
        try:
            frame = read(path, delimiter=request.delimiter, encoding=request.encoding)
            table = model.schema.apply(frame, with_target=True)
        except EvenfitError:
            continue
        if _was_fitted(folder, path):
            return Known(request=request, metrics=metrics, frame=frame, table=table, notes=())
        note = f"{path} is not known to be the table as it was fitted: the card does not tell its ranges"
        return Known(request=request, metrics=metrics, frame=frame, table=None, notes=(note,))
    note = f"{request.table} cannot be read by the run's columns any more: made rows were checked; see --rows"
    return Known(request=request, metrics=metrics, frame=None, table=None, notes=(note,))


def _was_fitted(folder: Path, path: Path) -> bool:
    """Whether a file is, byte for byte, the table that the run was fitted to."""
    try:
        with open_store(folder.parent, create=False) as store:
            return store.run(folder.name).fingerprint == fingerprint(path)
    except (StoreError, OSError):
        return False


def _card(model: Model, known: Known, name: str) -> Card:
    """Give the model's own card with what the run adds."""
    card, request = card_of(model), known.request
    frame = None if known.table is None else known.frame
    data = columns_of(model, known.table, frame)
    limits = card.limits
    if request is not None:
        count = known.metrics.get("rows")
        source = f"{count:,} rows of {plain(request.table)}" if isinstance(count, int) else plain(request.table)
        data = (f"{source}, fitted by: {plain(command(request))}", *data)
        limits = (*_of_splits(request), *limits)
    return replace(
        card,
        title=f"{name}: a model of {model.schema.target.name if model.schema.target else '?'}",
        data=data,
        config=_configs(model),
        estimate=(*card.estimate, *_findings(known.metrics)),
        limits=limits,
    )


def _configs(model: Model) -> tuple[str, ...]:
    """Say what the networks are and how they were regularised."""
    lines = []
    for part in model.parts:
        if part.share > 0:
            config = part.config
            lines.append(
                f"Config {part.trial}, {len(part.encodings)} networks that count {part.share:.0%}: "
                f"{network(config, task=model.task)}. Regularised by {regularisation(config, task=model.task)}."
            )
    return (*lines, "Dropout, noise and penalties acted in training alone: there is none in the file.")


def _findings(metrics: Mapping[str, Any]) -> tuple[str, ...]:
    """Say what the run found beside its estimate."""
    lines = []
    verdict = metrics.get("verdict")
    if isinstance(verdict, Mapping) and verdict.get("sentence"):
        lines.append(plain(f"Verdict: {verdict['sentence']}"))
    comparison = metrics.get("comparison")
    if isinstance(comparison, Mapping):
        shown = "is" if comparison.get("better") else "is not"
        lines.append(f"Tuning {shown} shown to beat the default config on rows that did not choose it.")
    tested = metrics.get("test")
    if isinstance(tested, Mapping):
        scores = ", ".join(f"{plain(str(one))} {value:.4g}" for one, value in dict(tested.get("scores", {})).items())
        lines.append(f"On {tested.get('rows'):,} rows of {plain(str(tested.get('source')))}, kept aside: {scores}.")
    return tuple(lines)


def _of_splits(request: FitRequest) -> tuple[str, ...]:
    """Say whom the estimate is about, where rows belong together or come in time."""
    lines = []
    if request.group is not None:
        lines.append(f"The estimate is about rows of a {plain(request.group)} that was not trained on.")
    if request.time is not None:
        lines.append(
            f"The estimate is about rows later in {plain(request.time)} than those trained on, by no more than "
            "the length of a fold; further ahead it was not tested."
        )
    return tuple(lines)
