"""evenfit track: a run in W&B, MLflow or TensorBoard."""

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from evenfit.cli.output import print_answer
from evenfit.cli.run_folder import stored_run

_LINE_SECONDS = 5.0


def track(
    run: Annotated[str, Parameter(help="Its name, or the path of its folder.")],
    /,
    *,
    to: Annotated[
        Literal["wandb", "mlflow", "tensorboard"], Parameter(help="wandb, mlflow or tensorboard.", show_choices=False)
    ],
    uri: Annotated[
        str | None,
        Parameter(
            help="A folder for wandb and tensorboard; sqlite:///FILE or http://HOST:PORT for mlflow. "
            "Default: in runs-tracked, beside the folder of runs."
        ),
    ] = None,
    project: Annotated[str, Parameter(help="Project, or MLflow's experiment. Default: evenfit.")] = "evenfit",
    runs: Annotated[str, Parameter(help="Folder of the runs.")] = "runs",
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Write a run, its trials and their folds to a tracker; what is there already stays as it is."""
    from evenfit.runs.tracking import track as run_track

    name, home = stored_run(run, runs=runs)
    tell = telling(time.monotonic)
    print_answer(run_track(name, runs=home, to=to, uri=uri, project=project, tell=tell), as_json=json)
    return 0


def check_targets(targets: Sequence[str], *, runs: str) -> None:
    """Make sure before a search that what it finds can be written to these trackers.

    Raises:
        TrackingError: a package is missing, or a server does not answer.
    """
    if targets:
        from evenfit.runs.tracking import check_targets as check

        check(targets, runs=runs)


def track_all(targets: Sequence[str], *, run: str, runs: str) -> None:
    """Write a finished run to each tracker that ``fit`` was asked for, and say so on standard error.

    Raises:
        TrackingError: a tracker refuses; the run is kept, and the message says how to track it later.
    """
    from evenfit.errors import TrackingError

    for target in targets:
        from evenfit.runs.tracking import PROJECT, split_target
        from evenfit.runs.tracking import track as run_track

        to, uri = split_target(target)
        words = ["evenfit", "track", str(Path(runs) / run), "--to", to, *(["--uri", uri] if uri else [])]
        again = f"the run itself is done and kept; to track it: {shlex.join(words)}"
        try:
            done = run_track(run, runs=runs, to=to, uri=uri, project=PROJECT, tell=telling(time.monotonic))
        except TrackingError as error:
            raise TrackingError(f"{error}; {again}") from error
        except KeyboardInterrupt:
            sys.stderr.write(f"{again}\n")
            raise
        sys.stderr.write(done.text())


def telling(clock: Callable[[], float]) -> Callable[[int, int], None]:
    """A function that says how far the writing has come, on standard error, every few seconds."""
    due = clock() + _LINE_SECONDS

    def tell(done: int, total: int) -> None:
        nonlocal due
        if (now := clock()) >= due:
            due = now + _LINE_SECONDS
            sys.stderr.write(f"{done} of {total} entries written\n")
            sys.stderr.flush()

    return tell
