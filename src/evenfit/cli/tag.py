"""evenfit tag: words to find a run by."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import stored_run


def tag(
    run: Annotated[str, Parameter(help="Its name, or the path of its folder.")],
    /,
    *tags: Annotated[str, Parameter(help="To give. Default: none; then the run's tags are printed.")],
    remove: Annotated[list[str] | None, Parameter(help="To take away: A,B.", negative="")] = None,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Give a run tags, or take them away; evenfit runs --tag finds it."""
    from evenfit.runs.marking import tag as run_tag

    name, home = stored_run(run, runs=runs)
    removed = [word for text in remove or () for word in text.split(",") if word]
    print_answer(run_tag(name, runs=home, add=tags, remove=removed), as_json=json)
    return 0
