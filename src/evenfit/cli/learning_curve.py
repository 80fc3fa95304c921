"""evenfit learning-curve: what more rows would give."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.asked import MEASURED, Columns, Places, Splits, requested
from evenfit.cli.output import print_answer
from evenfit.cli.progress import reporting

_NO_COLUMNS, _NO_SPLITS, _NO_PLACES = Columns(), Splits(), Places()


def learning_curve(
    table: Annotated[str, Parameter(help="The table: CSV, also gzip or xz; Parquet; npz.")],
    /,
    *,
    sizes: Annotated[
        str | None,
        Parameter(group=MEASURED, help="Training rows, or shares of them: 100,200,400 or 0.1,0.5,1.0. Default: nine."),
    ] = None,
    columns: Columns = _NO_COLUMNS,
    splits: Splits = _NO_SPLITS,
    places: Places = _NO_PLACES,
) -> int:
    """Measure what a network loses by how many rows it trains on, and what twice the rows would give."""
    from evenfit.runs.measures.sizes import parse_sizes

    request = requested("learning-curve", table, columns=columns, places=places, splits=splits, asked={"sizes": sizes})
    known = None if sizes is None else parse_sizes(sizes)

    from evenfit.runs.measures.commands.learning_curve import learning_curve as run

    with reporting(quiet=places.json) as progress:
        found = run(request, sizes=known, progress=progress)
    print_answer(found, as_json=places.json)
    return 0
