"""evenfit show: what a run found."""

from pathlib import Path
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
    """Print what a run found, as fit printed it; of a sweep, its best trials."""
    from evenfit.runs.listing import show as stored
    from evenfit.sweeps.stored import is_sweep, read_sweep

    folder = next((each for each in (Path(run), Path(runs) / run, Path("sweeps") / run) if is_sweep(each)), None)
    if folder is not None:
        print_answer(read_sweep(folder), as_json=json)
        return 0
    name, home = stored_run(run, runs=runs)
    print_answer(stored(name, home), as_json=json)
    return 0
