"""evenfit predict: what a run's model says of new rows."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import folder_of


def predict(
    run: Annotated[str, Parameter(help="The run: its name, or the path of its folder.")],
    table: Annotated[str, Parameter(help="The new rows.")],
    /,
    *,
    out: Annotated[str, Parameter(help="CSV file to write.")] = "predictions.csv",
    delimiter: Annotated[str | None, Parameter(help="Default: found from the table.")] = None,
    encoding: Annotated[str | None, Parameter(help="Default: found from the table.")] = None,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Write what a run's model predicts for new rows, with the probability of each class."""
    from evenfit.runs.options import spelled_out
    from evenfit.runs.predict import predict as run_predict

    done = run_predict(
        folder_of(run, runs=runs),
        Path(table),
        Path(out),
        delimiter=delimiter and spelled_out(delimiter),
        encoding=encoding,
    )
    print_answer(done, as_json=json)
    return 0
