"""evenfit sweep: a W&B sweep file, run locally."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from evenfit.cli.main import BAD_INPUT, DONE, RESUMABLE
from evenfit.cli.output import print_json, print_table

if TYPE_CHECKING:
    from evenfit.specs.space import SpaceRequest
    from evenfit.sweeps import running
    from evenfit.sweeps.sweep import Sweep


def sweep(
    file: Annotated[str, Parameter(help="The sweep file, YAML or JSON; or a Python program that calls wandb.sweep.")],
    /,
    *words: Annotated[str, Parameter(help="After --: the arguments of a program that calls wandb.sweep.")],
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
    from evenfit.sweeps import answer, running
    from evenfit.sweeps.command import place
    from evenfit.sweeps.journal import Journal
    from evenfit.sweeps.sweep import make_sweep
    from evenfit.sweeps.to_space import space_of

    path = Path(file)
    name = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in path.stem)
    home = Path(folder) if folder else Path("sweeps") / name
    given, agent_count = _read(path, home, words)
    count = agent_count if count is None else count
    asked = make_sweep(given)
    if to_space:
        _print_space(*space_of(asked.parameters), as_json=json)
        return DONE
    options = running.Options(
        jobs=jobs, seed=seed, folds=folds, seeds=seeds, count=count, engine=engine, timeout=timeout
    )
    working = place(asked.program, asked.command, beside=path.parent)
    about = {"sweep": given, "seed": seed, "folds": folds, "seeds": seeds, "engine": engine}
    for warning in asked.warnings:
        _say(f"warning: {warning}")
    journal = Journal(home, about)
    loop = running.Loop(asked, options, name=name, folder=home.absolute(), working=working, journal=journal)
    if loop.trials:
        _say(f"going on in {home}: {answer.counts(loop.trials)}")
    elif asked.method != "grid" and asked.run_cap is None and count is None:
        _say("neither run_cap nor --count: it runs until the target, or until you stop it")
    if jobs > 1 and (asked.method in {"bayes", "optuna"} or engine):
        _say("with several jobs a proposal depends on which runs have ended: a second sweep may differ")
    code = DONE
    try:
        _follow(loop, asked)
    except KeyboardInterrupt:
        _say(f"stopped, and kept in {home}; to go on, give the same command again")
        code = RESUMABLE
    except running.ProgramError as error:
        sys.stderr.write(error.lines + "\n")
        raise
    finally:
        line = answer.best_again(loop)
        text = answer.readme(loop, file=file, command=line, warnings=[*asked.warnings, *loop.warnings])
        (home / "README.md").write_text(text, encoding="utf-8")
        journal.close()
    missing = answer.missing(loop, folder=home) if code == DONE else ""
    if json:
        print_json(answer.to_json(loop, command=line, warnings=[*asked.warnings, *loop.warnings]))
    else:
        _print_answer(answer.rows(asked, loop.trials), line)
        _say(f"{answer.counts(loop.trials)}; kept in {home}, told of in its README.md")
    if missing:
        _say(missing)
        return BAD_INPUT
    return code


def _print_answer(rows: list[dict[str, Any]], line: str) -> None:
    """Print the best trials, and the command that runs the best again."""
    if rows:
        print_table(rows)
        if line:
            print(f"\nto run the best again:\n  {line}")  # noqa: T201 - the answer


def _read(path: Path, home: Path, words: tuple[str, ...]) -> tuple[dict[str, Any], int | None]:
    """What a sweep file, or a program that defines its sweep itself, asks for; and its agent's count."""
    from evenfit.errors import SweepError
    from evenfit.sweeps import reading
    from evenfit.sweeps.definition import define

    if path.suffix == ".ipynb":
        raise SweepError(f"{path} is a notebook; make it a program first: jupyter nbconvert --to script {path}")
    if path.suffix == ".py" and path.is_file():
        return define(path.absolute(), home.absolute(), words)
    if words:
        raise SweepError(
            f"{words[0]!r} is left over: a Python program takes arguments, a sweep file has them in its command"
        )
    return reading.read(path), None


def _follow(loop: "running.Loop", asked: "Sweep") -> None:
    """Run, and say what ends and what is odd."""
    said = 0
    for trial in loop.run():
        value = trial.value()
        _say(f"trial {trial.number} {trial.status()}" + ("" if value is None else f", {asked.metric} {value:.6g}"))
        for warning in loop.warnings[said:]:
            _say(f"warning: {warning}")
        said = len(loop.warnings)


def _print_space(space: "SpaceRequest", left: Mapping[str, str], *, as_json: bool) -> None:
    """Print a space as TOML that fit --space reads; what it cannot hold is said on the side."""
    from evenfit.specs.space.toml import write_space

    if as_json:
        print_json(space.to_json() | {"left_out": left})
        return
    for name, why in left.items():
        _say(f"left out: {name}, since {why}")
    sys.stdout.write(write_space(space))


def _say(message: str) -> None:
    print(f"evenfit: {message}", file=sys.stderr, flush=True)  # noqa: T201 - progress
