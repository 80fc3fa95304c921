"""evenfit fit: from a table to a network that generalises."""

import math
import sys
from typing import Annotated, Literal

from cyclopts import Group, Parameter

from evenfit.cli.main import DONE, GATE_FAILED
from evenfit.cli.output import print_answer
from evenfit.cli.progress import reporting
from evenfit.cli.track import check_targets, track_all
from evenfit.cli.whole import whole
from evenfit.runs.options import read_options, request_from

_COLUMNS = Group("Columns", sort_key=1)
_SEARCH = Group("Search", sort_key=2)
_FILES = Group("Files", sort_key=3)
_OUTPUT = Group("Output", sort_key=4)


def fit(
    table: Annotated[str | None, Parameter(help="The table: CSV, also gzip or xz; Parquet; npz.")] = None,
    /,
    *,
    target: Annotated[str | None, Parameter(group=_COLUMNS, help="Column to predict.")] = None,
    task: Annotated[
        Literal["classification", "regression"] | None,
        Parameter(
            group=_COLUMNS, help="classification or regression. Default: found from the target.", show_choices=False
        ),
    ] = None,
    categorical: Annotated[
        list[str] | None, Parameter(group=_COLUMNS, help="Columns to read as categories: A,B.", negative="")
    ] = None,
    drop: Annotated[list[str] | None, Parameter(group=_COLUMNS, help="Columns to leave out: A,B.", negative="")] = None,
    group: Annotated[
        str | None, Parameter(group=_COLUMNS, help="Rows with one value of this column stay in one fold.")
    ] = None,
    time: Annotated[
        str | None, Parameter(group=_COLUMNS, help="Folds follow this column: validated on later rows only.")
    ] = None,
    weight: Annotated[str | None, Parameter(group=_COLUMNS, help="Column with the weight of each row.")] = None,
    budget: Annotated[
        str | None,
        Parameter(
            group=_SEARCH, help="60s, 5m, 1h; '40 trials'; '3000 epochs'; or several: '5m, 40 trials'. Default: 60s."
        ),
    ] = None,
    metric: Annotated[
        str | None,
        Parameter(
            group=_SEARCH,
            help="What selection looks at: log_loss, accuracy, balanced_accuracy, auc, f1; rmse, mae, r2. "
            "Default: log_loss or rmse.",
        ),
    ] = None,
    folds: Annotated[
        int | None, Parameter(group=_SEARCH, converter=whole, help="Of the cross-validation. Default: 5.")
    ] = None,
    repeats: Annotated[
        int | None, Parameter(group=_SEARCH, converter=whole, help="Of the folds, shuffled anew. Default: 1.")
    ] = None,
    holdout: Annotated[
        float | None,
        Parameter(group=_SEARCH, help="Share of the rows that judges, in place of folds, for big data. Default: none."),
    ] = None,
    nested: Annotated[
        int | None,
        Parameter(
            group=_SEARCH,
            converter=whole,
            help="Outer folds of nested cross-validation; all searches share the budget. Default: none.",
        ),
    ] = None,
    seed: Annotated[int | None, Parameter(group=_SEARCH, converter=whole, help="Of all chance. Default: 0.")] = None,
    selection: Annotated[
        Literal["one-se", "best"] | None,
        Parameter(
            group=_SEARCH, help="The smallest gap within one standard error of the best, or the best. Default: best."
        ),
    ] = None,
    proposals: Annotated[
        str | None,
        Parameter(
            group=_SEARCH,
            help="How configs are chosen: grid (grid=3: 3 points a range), random, quasi-random, telescopic, "
            "portfolio, near, tpe, gp, mixed. Default: portfolio.",
        ),
    ] = None,
    racing: Annotated[
        str | None,
        Parameter(
            group=_SEARCH,
            help="When the worse configs are dropped: halving, hyperband, finish-best, forgiving, none. "
            "Default: halving.",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        Parameter(group=_SEARCH, help="The most that all processes of the run may hold in memory, such as 2g or 800m."),
    ] = None,
    target_loss: Annotated[
        float | None,
        Parameter(group=_SEARCH, help="End the search where cross-validation reaches this loss, such as an RMSE."),
    ] = None,
    stop_when_settled: Annotated[
        bool | None,
        Parameter(group=_SEARCH, negative="", help="End the search where no gain is to be expected that shows."),
    ] = None,
    from_run: Annotated[
        str | None,
        Parameter(name=("--from", "--from-run"), group=_SEARCH, help="Try the best configs of this run first."),
    ] = None,
    space: Annotated[
        str | None,
        Parameter(group=_SEARCH, help="Where to look: a TOML file, or a W&B sweep file of a config's values."),
    ] = None,
    objectives: Annotated[
        str | None,
        Parameter(group=_SEARCH, help="loss,size or loss,latency: small or fast networks are wanted, too."),
    ] = None,
    prefer: Annotated[
        str | None,
        Parameter(
            group=_SEARCH,
            help="With objectives: loss (the lowest), small (the smallest or fastest within one standard error of it), "
            "knee. Default: loss.",
        ),
    ] = None,
    class_weights: Annotated[
        bool | None,
        Parameter(group=_SEARCH, negative="", help="Let every class weigh the same in training."),
    ] = None,
    workers: Annotated[
        int | None, Parameter(group=_SEARCH, converter=whole, help="Processes. Default: one per core.")
    ] = None,
    test: Annotated[
        str | None, Parameter(group=_FILES, help="Labelled rows, scored at the end and never used before.")
    ] = None,
    config: Annotated[
        str | None, Parameter(group=_FILES, help="TOML file with any of these options; flags come first.")
    ] = None,
    delimiter: Annotated[str | None, Parameter(group=_FILES, help="Default: found from the table.")] = None,
    encoding: Annotated[str | None, Parameter(group=_FILES, help="Default: found from the table.")] = None,
    runs: Annotated[str | None, Parameter(group=_OUTPUT, help="Folder of the runs. Default: runs.")] = None,
    name: Annotated[str | None, Parameter(group=_OUTPUT, help="Of the run. Default: made from the table's.")] = None,
    track: Annotated[
        list[str] | None,
        Parameter(
            group=_OUTPUT,
            help="Write the finished run to wandb, mlflow or tensorboard; mlflow=http://HOST:PORT says where to.",
            negative="",
        ),
    ] = None,
    require: Annotated[
        float | None,
        Parameter(group=_OUTPUT, help="Exit with 1 if the estimate's upper bound exceeds this loss."),
    ] = None,
    plan: Annotated[bool, Parameter(group=_OUTPUT, negative="", help="Say what would run, and stop.")] = False,
    json: Annotated[bool, Parameter(group=_OUTPUT, negative="", help="Print one JSON object.")] = False,
) -> int:
    """Tune a network on a table by cross-validation, score it honestly, and keep it in a folder."""
    flags: dict[str, object] = {
        "table": table,
        "target": target,
        "task": task,
        "categorical": None if categorical is None else ",".join(categorical),
        "drop": None if drop is None else ",".join(drop),
        "group": group,
        "time": time,
        "weight": weight,
        "budget": budget,
        "metric": metric,
        "folds": folds,
        "repeats": repeats,
        "holdout": holdout,
        "nested": nested,
        "seed": seed,
        "selection": selection,
        "proposals": proposals,
        "racing": racing,
        "objectives": objectives,
        "prefer": prefer,
        "target_loss": target_loss,
        "stop_when_settled": stop_when_settled,
        "from_run": from_run,
        "space": space,
        "class_weights": class_weights,
        "memory": memory,
        "workers": workers,
        "test": test,
        "delimiter": delimiter,
        "encoding": encoding,
        "runs": runs,
        "name": name,
        "track": None if track is None else ",".join(track),
        "require": require,
    }
    given = {option: value for option, value in flags.items() if value is not None}
    written = {} if config is None else read_options(config)
    request = request_from({option.replace("-", "_"): value for option, value in written.items()} | given)

    from evenfit.runs.fit import fit as run_fit
    from evenfit.runs.fit import plan as run_plan

    check_targets(request.track, runs=request.runs)
    if plan:
        print_answer(run_plan(request), as_json=json)
        return 0
    with reporting(quiet=json) as progress:
        outcome = run_fit(request, progress=progress)
    print_answer(outcome, as_json=json)
    track_all(request.track, run=outcome.name, runs=request.runs)
    return gate(outcome.upper_bound, require=request.require)


def gate(upper_bound: float, *, require: float | None) -> int:
    """The exit code of a quality gate: 1 when the estimate's upper bound is above what was required."""
    if require is None or upper_bound <= require:
        return DONE
    found = " is not known, and so not below" if math.isnan(upper_bound) else f", {upper_bound:.4g}, is above"
    sys.stderr.write(f"evenfit: the estimate's upper bound{found} the required {require:g}\n")
    return GATE_FAILED
