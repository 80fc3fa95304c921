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
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Write what a run's model predicts for new rows, with the probability of each class."""
    from evenfit.runs.predict import predict as run_predict

    print_answer(run_predict(folder_of(run, runs=runs), Path(table), Path(out)), as_json=json)
    return 0
