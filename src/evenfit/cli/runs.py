"""evenfit runs: the runs there are."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_json, print_table


def runs(
    *,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON list.")] = False,
) -> int:
    """List the runs, the latest last."""
    from evenfit.runs.listing import list_runs

    rows = list_runs(runs)
    if json:
        print_json(rows)
    elif rows:
        print_table(rows)
    else:
        print_table([{"runs": f"none in {runs} yet; evenfit fit makes one"}])
    return 0
