"""A sweep that a program defines itself, by wandb.sweep and wandb.agent: its config, without running any of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evenfit.errors import SweepError
from evenfit.sweeps import processes
from evenfit.sweeps.command import COMMAND_OF_DEFINED, interpreter_first
from evenfit.sweeps.program import HOOK, last_lines

_LONGEST = 600.0  # seconds that a program may take to come to its wandb.agent


def define(program: Path, folder: Path, words: Sequence[str] = ()) -> tuple[dict[str, Any], int | None]:
    """Run a Python program up to its call of wandb.agent; give its sweep config, and the agent's count.

    ``words`` are the program's arguments, for its trials too.

    Raises:
        SweepError: it fails, takes too long, or calls no wandb.sweep.
    """
    folder.mkdir(parents=True, exist_ok=True)
    said, log = folder / "definition.jsonl", folder / "definition.log"
    said.unlink(missing_ok=True)
    environment = dict(os.environ) | {
        "PATH": interpreter_first(os.environ),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HOOK), os.environ.get("PYTHONPATH", "")])),
        "WANDB_MODE": "offline",
        "WANDB_DIR": str(folder),
        "EVENFIT_SWEEP_METRICS": os.devnull,
        "EVENFIT_SWEEP_DEFINITION": str(said),
        processes.COOKIE: str(folder / "definition"),
    }
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - running the user's program is the purpose
            [*(["/usr/bin/env", "python"] if os.name != "nt" else [sys.executable]), str(program), *words],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
        try:
            code = process.wait(_LONGEST)
        except subprocess.TimeoutExpired:
            raise SweepError(f"{program} came to no wandb.agent within {_LONGEST:g} s") from None
        finally:
            processes.kill(process.pid, folder / "definition")
            process.wait()
    entries = [json.loads(line) for line in said.read_text(encoding="utf-8").splitlines()] if said.exists() else []
    given = next((entry["sweep"] for entry in entries if "sweep" in entry), None)
    if given is None:
        ended = f"it ended with exit code {code}: {last_lines(log, 3)}" if code else "it ended without"
        raise SweepError(f"{program} is to call wandb.sweep with its config; {ended}; or give a sweep file")
    agent: dict[str, Any] = next((entry for entry in entries if "function" in entry), {})
    if agent.get("function", True):
        given = {**given, "program": str(program), "command": [*COMMAND_OF_DEFINED, *words]}
    return given, agent.get("count")
