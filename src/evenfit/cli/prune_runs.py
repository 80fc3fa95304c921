"""evenfit prune-runs: runs that are no longer needed."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_answer


def prune_runs(
    *names: Annotated[str, Parameter(help="Runs to delete, by name, tagged or not.")],
    status: Annotated[
        list[str] | None, Parameter(help="Delete those that are: failed,interrupted,done.", negative="")
    ] = None,
    older: Annotated[str | None, Parameter(help="Delete those older than this: 12h, 30d.")] = None,
    keep: Annotated[int | None, Parameter(help="Keep the latest so many of these.")] = None,
    yes: Annotated[bool, Parameter(negative="", help="Delete. Default: say what would be deleted.")] = False,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Delete runs with their folders. What has a tag is kept unless it is named; what is running is kept always."""
    from evenfit.runs.pruning import Chosen, prune

    states = tuple(word for text in status or () for word in text.split(",") if word)
    chosen = Chosen.parse(names=names, status=states, older=older, keep=keep)
    print_answer(prune(chosen, runs=runs, yes=yes), as_json=json)
    return 0
