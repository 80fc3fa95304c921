"""evenfit note: words on a run."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import stored_run


def note(
    run: Annotated[str, Parameter(help="Its name, or the path of its folder.")],
    text: Annotated[
        str | None, Parameter(help="In place of the note before; '' for none. Default: the note is printed.")
    ] = None,
    /,
    *,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Write a note on a run, or read it."""
    from evenfit.runs.marking import note as run_note

    name, home = stored_run(run, runs=runs)
    print_answer(run_note(name, runs=home, text=text), as_json=json)
    return 0
