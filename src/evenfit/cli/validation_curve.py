"""evenfit validation-curve: what one value of a config does, all else equal."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.asked import MEASURED, Columns, Places, Splits, requested
from evenfit.cli.output import print_answer
from evenfit.cli.progress import reporting

_NO_COLUMNS, _NO_SPLITS, _NO_PLACES = Columns(), Splits(), Places()


def validation_curve(
    table: Annotated[str, Parameter(help="The table: CSV, Parquet, npz. Or a run, to ask its trials.")],
    /,
    *,
    over: Annotated[
        str, Parameter(group=MEASURED, help="NAME=LOW..HIGH or NAME=A,B,C: dropout=0..0.6; of a run NAME.")
    ],
    columns: Columns = _NO_COLUMNS,
    splits: Splits = _NO_SPLITS,
    places: Places = _NO_PLACES,
) -> int:
    """Measure what a network loses by one value of its config, all else equal; of a run, on average over its search."""
    if columns.target is None and not Path(table).is_file():
        return _of_run(table, over=over, places=places)
    request = requested("validation-curve", table, columns=columns, places=places, splits=splits, asked={"over": over})

    from evenfit.runs.measures.commands.validation_curve import validation_curve as run

    with reporting(quiet=places.json) as progress:
        found = run(request, over=over, progress=progress)
    print_answer(found, as_json=places.json)
    return 0


def _of_run(run: str, *, over: str, places: Places) -> int:
    """Ask the trials of a run."""
    from evenfit.cli.run_folder import folder_of

    folder = str(folder_of(run, runs=places.runs or "runs"))

    from evenfit.runs.measures.commands.search_curve import search_curve

    found = search_curve(folder, over=over, seed=places.seed or 0, out=places.out)
    print_answer(found, as_json=places.json)
    return 0
