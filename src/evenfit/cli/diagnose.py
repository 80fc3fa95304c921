"""evenfit diagnose: what is wrong with a network on a table, and what was measured to help."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.asked import MEASURED, Columns, Places, Splits, requested
from evenfit.cli.output import print_answer
from evenfit.cli.progress import reporting

_NO_COLUMNS, _NO_SPLITS, _NO_PLACES = Columns(), Splits(), Places()


def diagnose(
    table: Annotated[str, Parameter(help="The table: CSV, also gzip or xz; Parquet; npz.")],
    /,
    *,
    budget: Annotated[str | None, Parameter(group=MEASURED, help="90s, 5m. Default: 90s.")] = None,
    error: Annotated[
        float | None, Parameter(group=MEASURED, help="The acceptable error, as the metric is printed: an RMSE, an AUC.")
    ] = None,
    test: Annotated[
        str | None,
        Parameter(group=MEASURED, help="Rows that you judge by: are they like the table's? They never train."),
    ] = None,
    columns: Columns = _NO_COLUMNS,
    splits: Splits = _NO_SPLITS,
    places: Places = _NO_PLACES,
) -> int:
    """Say whether a network underfits, overfits or neither, and measure what helps."""
    request = requested(
        "diagnose",
        table,
        columns=columns,
        places=places,
        splits=splits,
        budget=budget,
        test=test,
        asked={"error": error},
    )

    from evenfit.runs.measures.commands.diagnose import diagnose as run

    with reporting(quiet=places.json) as progress:
        found = run(request, error=error, progress=progress)
    print_answer(found, as_json=places.json)
    return 0
