"""evenfit resume: go on with a run that was stopped."""

from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.fit import gate
from evenfit.cli.output import print_answer
from evenfit.cli.progress import reporting
from evenfit.cli.run_folder import stored_run
from evenfit.cli.track import track_all
from evenfit.specs.budget import Budget


def resume(
    run: Annotated[str, Parameter(help="Its name, or the path of its folder.")],
    /,
    *,
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    extend: Annotated[
        str | None,
        Parameter(help="Give it more of its budget: 5m, '40 trials', '2000 epochs'; a run that is done goes on too."),
    ] = None,
    require: Annotated[
        float | None,
        Parameter(help="Exit with 1 if the estimate's upper bound exceeds this loss. Default: as fit was asked."),
    ] = None,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Go on with a run that was stopped, and spend what is left of its budget; or more, with --extend."""
    from evenfit.runs.fit import resume as run_resume

    more = None if extend is None else Budget.parse(extend)
    name, home = stored_run(run, runs=runs)
    with reporting(quiet=json) as progress:
        outcome = run_resume(name, runs=home, progress=progress, extend=more)
    print_answer(outcome, as_json=json)
    track_all(outcome.track, run=name, runs=home)
    return gate(outcome.upper_bound, require=outcome.require if require is None else require)
