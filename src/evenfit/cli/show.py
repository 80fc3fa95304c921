"""evenfit show: what a run found."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import stored_run


def show(
    run: Annotated[str, Parameter(help="Its name, or the path of its folder.")],
    /,
    *,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Print what a run found, as fit printed it."""
    from evenfit.runs.listing import show as stored

    name, home = stored_run(run, runs=runs)
    print_answer(stored(name, home), as_json=json)
    return 0
