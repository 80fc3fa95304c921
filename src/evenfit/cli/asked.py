"""The options that all measurements share, each a flag: the table's columns, the network, the splits, the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Group, Parameter

from evenfit.cli.whole import whole

if TYPE_CHECKING:
    from evenfit.runs.measures.request import MeasureRequest

MEASURED = Group("What is measured", sort_key=1)
_COLUMNS = Group("Columns", sort_key=2)
_FILES = Group("Files", sort_key=3)
_OUTPUT = Group("Output", sort_key=4)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Columns:
    """How the table is to be read."""

    target: Annotated[str | None, Parameter(group=_COLUMNS, help="Column to predict.")] = None
    task: Annotated[
        Literal["classification", "regression"] | None,
        Parameter(
            group=_COLUMNS, help="classification or regression. Default: found from the target.", show_choices=False
        ),
    ] = None
    categorical: Annotated[
        list[str] | None, Parameter(group=_COLUMNS, help="Columns to read as categories: A,B.", negative="")
    ] = None
    drop: Annotated[list[str] | None, Parameter(group=_COLUMNS, help="Columns to leave out: A,B.", negative="")] = None
    group: Annotated[
        str | None, Parameter(group=_COLUMNS, help="Rows with one value of this column are never split.")
    ] = None
    weight: Annotated[str | None, Parameter(group=_COLUMNS, help="Column with the weight of each row.")] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Splits:
    """How rows are split, and what networks are judged by."""

    metric: Annotated[
        str | None,
        Parameter(
            group=MEASURED,
            help="log_loss, accuracy, balanced_accuracy, auc, f1; rmse, mae, r2. Default: log_loss or rmse.",
        ),
    ] = None
    folds: Annotated[
        int | None, Parameter(group=MEASURED, converter=whole, help="Of the cross-validation. Default: 5.")
    ] = None
    repeats: Annotated[
        int | None, Parameter(group=MEASURED, converter=whole, help="Of the folds, shuffled anew. Default: 3 or 5.")
    ] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Places:
    """The network, where the answer goes, and what is left to the machine."""

    config: Annotated[
        str | None,
        Parameter(
            group=_FILES,
            help="The network: a run, or a TOML file as its config.toml. Default: one that fits the table.",
        ),
    ] = None
    delimiter: Annotated[str | None, Parameter(group=_FILES, help="Default: found from the table.")] = None
    encoding: Annotated[str | None, Parameter(group=_FILES, help="Default: found from the table.")] = None
    seed: Annotated[int | None, Parameter(group=MEASURED, converter=whole, help="Of all chance. Default: 0.")] = None
    workers: Annotated[int | None, Parameter(group=MEASURED, converter=whole, help="Cores. Default: all.")] = None
    out: Annotated[
        str | None, Parameter(group=_OUTPUT, help="Folder to leave. Default: made from the table's name, in runs.")
    ] = None
    runs: Annotated[str | None, Parameter(group=_OUTPUT, help="Folder of the runs. Default: runs.")] = None
    json: Annotated[bool, Parameter(group=_OUTPUT, negative="", help="Print one JSON object.")] = False


def requested(
    command: str,
    table: str | None,
    *,
    columns: Columns,
    places: Places,
    splits: Splits | None = None,
    budget: str | None = None,
    test: str | None = None,
    asked: Mapping[str, Any],
) -> MeasureRequest:
    """Make a measurement's request from its flags; ``asked`` are those of the command alone."""
    from evenfit.cli.run_folder import folder_or_file
    from evenfit.runs.measures.request import measure_request

    options: dict[str, object] = {
        "table": table,
        "target": columns.target,
        "task": columns.task,
        "categorical": _names(columns.categorical),
        "drop": _names(columns.drop),
        "group": columns.group,
        "weight": columns.weight,
        "test": test,
        "metric": None if splits is None else splits.metric,
        "folds": None if splits is None else splits.folds,
        "repeats": None if splits is None else splits.repeats,
        "seed": places.seed,
        "workers": places.workers,
        "delimiter": places.delimiter,
        "encoding": places.encoding,
        "runs": places.runs,
    }
    network = None if places.config is None else folder_or_file(places.config, runs=places.runs or "runs")
    return measure_request(command, options, network=network, budget=budget, out=places.out, asked=asked)


def _names(columns: Sequence[str] | None) -> str | None:
    """Names of columns as one text."""
    return None if columns is None else ",".join(columns)
