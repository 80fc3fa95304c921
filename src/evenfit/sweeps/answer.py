"""What a sweep found: as text for people, as JSON for programs, and as the README of its folder."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evenfit.sweeps.command import COMMAND_OF_DEFINED, fill
from evenfit.sweeps.proposals import nested
from evenfit.sweeps.running import Loop, part_config, part_name
from evenfit.sweeps.sweep import Sweep
from evenfit.sweeps.trial import FAILED, FINISHED, KILLED, STOPPED, Trial

_SHOWN = 10  # trials of the table


def ranked(sweep: Sweep, trials: Sequence[Trial]) -> list[Trial]:
    """The trials that have a value, the best first."""
    known = [(sweep.better(value), trial.number, trial) for trial in trials if (value := trial.value()) is not None]
    return [trial for _, _, trial in sorted(known, key=lambda each: each[:2])]


def rows(sweep: Sweep, trials: Sequence[Trial]) -> list[dict[str, Any]]:
    """The best trials as a table: the metric, then what was searched."""
    searched = [names for names, known in sweep.parameters.items() if not known.constant]
    return [
        {"trial": trial.number, sweep.metric or "value": trial.value()}
        | {".".join(names): trial.chosen[names] for names in searched}
        for trial in ranked(sweep, trials)[:_SHOWN]
    ]


def missing(loop: Loop, *, folder: Path) -> str:
    """What to say where trials have ended and none of them has a value of the metric; nothing where one has."""
    metric, trials = loop.sweep.metric, loop.trials
    if not metric or not trials or ranked(loop.sweep, trials):
        return ""
    first = folder / f"{trials[0].number:05d}{part_name(loop.options.parts[0], loop.options)}" / "output.log"
    return f"no trial came to a value of {metric!r} that is a number ({counts(trials)}); see what was said in {first}"


def best_again(loop: Loop) -> str:
    """The command line that runs the best trial's program again, without evenfit; nothing if there is none.

    There is none for a program that defines its sweep itself: without evenfit it would ask W&B's server.
    """
    best = next(iter(ranked(loop.sweep, loop.trials)), None)
    defined = loop.sweep.command[: len(COMMAND_OF_DEFINED)] == COMMAND_OF_DEFINED
    if best is None or (defined and Path(loop.sweep.program).is_absolute()):
        return ""
    part = loop.options.parts[0]
    home = loop.folder / f"{best.number:05d}{part_name(part, loop.options)}"
    config = nested(best.chosen) | part_config(part, loop.options)
    words = fill(
        loop.sweep.command,
        config,
        program=loop.sweep.program,
        file=home / "config.json",
        environment=os.environ,
    )
    told = {}
    if (home / "metrics.jsonl").exists():  # it calls wandb, which has its config from here
        told = {
            "WANDB_MODE": "offline",
            "WANDB_SWEEP_ID": "again",
            "WANDB_RUN_ID": f"again-{best.number:05d}",
            "WANDB_SWEEP_PARAM_PATH": str(home / "config.yaml"),
        }
    set_first = [f"{name}={shlex.quote(value)}" for name, value in told.items()]
    moved = [] if loop.working == Path.cwd() else [f"cd {shlex.quote(str(loop.working))} &&"]
    return " ".join([*moved, *set_first, shlex.join(words)])


def to_json(loop: Loop, *, command: str, warnings: Sequence[str]) -> dict[str, Any]:
    """What was found, for programs."""
    best = next(iter(ranked(loop.sweep, loop.trials)), None)
    return {
        "folder": str(loop.folder),
        "metric": loop.sweep.metric,
        "goal": "maximize" if loop.sweep.maximize else "minimize",
        "best": best.json() if best else None,
        "command": command,
        "trials": [trial.json() for trial in loop.trials],
        "warnings": list(warnings),
    }


def counts(trials: Sequence[Trial]) -> str:
    """How many trials ended how.

    >>> counts([])
    'no trials'
    """
    kinds = [trial.status() for trial in trials]
    said = [f"{kinds.count(kind)} {kind}" for kind in (FINISHED, STOPPED, FAILED, KILLED, "running") if kind in kinds]
    return ", ".join(said) or "no trials"


def readme(loop: Loop, *, file: str, command: str, warnings: Sequence[str]) -> str:
    """What a sweep's folder holds and what was found, in Markdown."""
    sweep, trials = loop.sweep, loop.trials
    goal = "highest" if sweep.maximize else "lowest"
    table = rows(sweep, trials)
    lines = [f"# {sweep.name or Path(file).stem}", ""]
    lines += [f"A sweep of `{file}` by `evenfit sweep`: {counts(trials)}.", ""]
    if sweep.description:
        lines += [sweep.description, ""]
    if table:
        lines += [f"The best trials by {sweep.metric}, {goal} first:", ""]
        lines += ["| " + " | ".join(table[0]) + " |", "|" + "---|" * len(table[0])]
        lines += ["| " + " | ".join(_cell(value) for value in row.values()) + " |" for row in table]
        if command:
            lines += ["", "To run the best again, without evenfit:", "", "    " + command]
        lines += [""]
        if len(trials) > 1:
            lines += [
                "The best of several trials looks better than it is: it was chosen for this very number. Judge it on",
                "data that had no part in the choice.",
                "",
            ]
    if warnings:
        lines += ["Warnings:", "", *(f"- {warning}" for warning in warnings), ""]
    lines += [
        "| file | what it holds |",
        "|---|---|",
        "| `sweep.json` | the sweep file and the options, by which the same command goes on |",
        "| `trials.jsonl` | every trial proposed and every run ended, one JSON object a line |",
        "| `NNNNN/output.log` | what a run's program wrote |",
        "| `NNNNN/config.yaml` | its config, as W&B's library reads it |",
        "| `NNNNN/metrics.jsonl` | what it logged by wandb.log |",
        "| `NNNNN/wandb/` | W&B's own offline files, for `wandb sync` |",
        "",
    ]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value).replace("|", "\\|")
