"""evenfit sweep: a W&B sweep file, run locally."""

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from evenfit.cli.output import print_json, print_table


def sweep(
    file: Annotated[str, Parameter(help="The sweep file, YAML or JSON.")],
    /,
    *,
    count: Annotated[int | None, Parameter(help="Trials at most; run_cap holds too.")] = None,
    jobs: Annotated[int, Parameter(help="Programs that run at the same time.")] = 1,
    seed: Annotated[int, Parameter(help="Same seed, same proposals.")] = 0,
    folds: Annotated[int, Parameter(help="Runs per trial, told by fold and folds; the mean counts.")] = 0,
    seeds: Annotated[int, Parameter(help="Runs per trial and fold, told by seed; the mean counts.")] = 0,
    engine: Annotated[str, Parameter(help="optuna, in place of the file's method.")] = "",
    timeout: Annotated[float | None, Parameter(help="Seconds after which a run is killed.")] = None,
    folder: Annotated[str | None, Parameter(help="Where to keep it. Default: sweeps/NAME.")] = None,
    to_space: Annotated[bool, Parameter(negative="", help="Print the search as an evenfit space.")] = False,
    json: Annotated[bool, Parameter(negative="", help="Print one JSON object.")] = False,
) -> int:
    """Run a W&B sweep without an account, a server or a network; the same command goes on after a stop."""
    from evenfit.errors import SweepError
    from evenfit.sweeps import reading, running
    from evenfit.sweeps.journal import Journal
    from evenfit.sweeps.sweep import make_sweep
    from evenfit.sweeps.to_space import to_space as space_of

    given = reading.read(Path(file))
    asked = make_sweep(given)
    if to_space:
        print_json(space_of(asked))
        return 0
    options = running.Options(
        jobs=jobs, seed=seed, folds=folds, seeds=seeds, count=count, engine=engine, timeout=timeout
    )
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in Path(file).stem)
    home = Path(folder) if folder else Path("sweeps") / name
    about = {"sweep": given, "seed": seed, "folds": folds, "seeds": seeds, "engine": engine}
    if any("${program}" in word for word in asked.command) and not Path(asked.program).exists():
        raise SweepError(f"there is no program {asked.program} in {Path.cwd()}")
    for warning in asked.warnings:
        _say(f"warning: {warning}")
    journal = Journal(home, about)
    loop = running.Loop(asked, options, name=name, folder=home.absolute(), journal=journal)
    if asked.method != "grid" and asked.run_cap is None and count is None:
        _say("neither run_cap nor --count: it runs until the target, or until you stop it")
    said = 0
    try:
        for trial in loop.run():
            value = trial.value()
            _say(f"trial {trial.number} {trial.status()}" + ("" if value is None else f", {asked.metric} {value:.6g}"))
            for warning in loop.warnings[said:]:
                _say(f"warning: {warning}")
            said = len(loop.warnings)
    except KeyboardInterrupt:
        _say(f"stopped, and kept in {home}; to go on, give the same command again")
        return 3
    except running.ProgramError as error:
        sys.stderr.write(error.lines + "\n")
        raise
    finally:
        journal.close()
    ended = [trial for trial in loop.trials if trial.value() is not None]
    ended.sort(key=lambda trial: asked.better(trial.value() or 0.0))
    if json:
        trials = [trial.json() for trial in loop.trials]
        print_json(
            {
                "folder": os.fspath(home),
                "metric": asked.metric,
                "best": ended[0].json() if ended else None,
                "trials": trials,
            }
        )
        return 0
    rows = [
        {"trial": trial.number, asked.metric: trial.value()} | {".".join(n): v for n, v in trial.chosen.items()}
        for trial in ended[:10]
    ]
    if rows:
        print_table(rows)
    counts = {
        status: sum(t.status() == status for t in loop.trials) for status in ("finished", "stopped", "failed", "killed")
    }
    _say(", ".join(f"{number} {status}" for status, number in counts.items() if number) + f"; kept in {home}")
    return 0


def _say(message: str) -> None:
    print(f"evenfit: {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress
