"""evenfit compare-runs: what two runs selected, fold by fold."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import stored_run


def compare_runs(
    first: Annotated[str, Parameter(help="A run: its name, or the path of its folder.")],
    second: Annotated[str, Parameter(help="Another.")],
    /,
    *,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Compare the configs that two runs selected: paired over folds where the runs share them, else not."""
    from evenfit.runs.comparing import compare

    print_answer(compare(stored_run(first, runs=runs), stored_run(second, runs=runs)), as_json=json)
    return 0
