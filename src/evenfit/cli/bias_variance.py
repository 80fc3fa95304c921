"""evenfit bias-variance: a network's expected error taken apart."""

from typing import Annotated, Literal

from cyclopts import Parameter

from evenfit.cli.asked import MEASURED, Columns, Places, requested
from evenfit.cli.output import print_answer
from evenfit.cli.progress import reporting
from evenfit.cli.whole import whole

_NO_COLUMNS, _NO_PLACES = Columns(), Places()


def bias_variance(
    table: Annotated[str, Parameter(help="The table: CSV, also gzip or xz; Parquet; npz.")],
    /,
    *,
    over: Annotated[
        str | None,
        Parameter(group=MEASURED, help="NAME=LOW..HIGH or NAME=A,B,C: width=4..512; rows for training rows."),
    ] = None,
    replicates: Annotated[int, Parameter(group=MEASURED, converter=whole, help="Training sets. Default: 50.")] = 50,
    loss: Annotated[
        Literal["squared", "log", "zero-one", "domingos"] | None,
        Parameter(group=MEASURED, help="Default: log for classes, squared for numbers."),
    ] = None,
    sampling: Annotated[
        Literal["bootstrap", "disjoint", "out-of-bag"],
        Parameter(group=MEASURED, help="How training sets are drawn. Default: bootstrap."),
    ] = "bootstrap",
    seeds: Annotated[
        int,
        Parameter(
            group=MEASURED, converter=whole, help="Fits of each; 2 split variance into data and seed. Default: 1."
        ),
    ] = 1,
    rows: Annotated[
        int | None, Parameter(group=MEASURED, converter=whole, help="Of each training set. Default: all there are.")
    ] = None,
    noise: Annotated[
        float | None, Parameter(group=MEASURED, help="Variance of the target's noise, where it is known.")
    ] = None,
    test: Annotated[
        str | None, Parameter(group=MEASURED, help="Labelled rows to judge by. Default: a quarter of the table.")
    ] = None,
    budget: Annotated[str | None, Parameter(group=MEASURED, help="90s, 5m: training ends then. Default: none.")] = None,
    columns: Columns = _NO_COLUMNS,
    places: Places = _NO_PLACES,
) -> int:
    """Take the error of a network apart into bias, variance and noise, by training it on many sets of rows."""
    asked = {
        "over": over,
        "replicates": None if replicates == 50 else replicates,
        "loss": loss,
        "sampling": None if sampling == "bootstrap" else sampling,
        "seeds": None if seeds == 1 else seeds,
        "rows": rows,
        "noise": noise,
    }
    request = requested("bias-variance", table, columns=columns, places=places, budget=budget, test=test, asked=asked)

    from evenfit.runs.measures.bias_variance import Options
    from evenfit.runs.measures.commands.bias_variance import bias_variance as run

    options = Options(
        loss=loss,
        replicates=replicates,
        sampling=sampling,
        seeds=seeds,
        rows=rows,
        noise=noise,
        seed=request.data.seed,
    )
    with reporting(quiet=places.json) as progress:
        found = run(request, options, over=over, progress=progress)
    print_answer(found, as_json=places.json)
    return 0
