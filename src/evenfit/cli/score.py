"""evenfit score: the loss on fresh rows, beside what a run promised."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import folder_of


def score(
    run: Annotated[str, Parameter(help="The run: its name, or the path of its folder.")],
    table: Annotated[str, Parameter(help="Rows with their target.")],
    /,
    *,
    delimiter: Annotated[str | None, Parameter(help="Default: found from the table.")] = None,
    encoding: Annotated[str | None, Parameter(help="Default: found from the table.")] = None,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Measure a run's model on labelled rows that it has not seen, beside what the run promised."""
    from evenfit.runs.options import spelled_out
    from evenfit.runs.predict import score as run_score

    found = run_score(
        folder_of(run, runs=runs), Path(table), delimiter=delimiter and spelled_out(delimiter), encoding=encoding
    )
    print_answer(found, as_json=json)
    return 0
