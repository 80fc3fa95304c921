"""One run of a sweep's program: a process group with its own folder, log and metrics."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from evenfit.errors import SweepError
from evenfit.sweeps import processes
from evenfit.sweeps.command import fill, interpreter_first
from evenfit.sweeps.metrics import Metrics, Reader

HOOK = Path(__file__).parent / "hook"
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG
GRACE = 5.0  # seconds between asking a group to end and killing it


@dataclass
class Program:
    """A program that runs."""

    process: subprocess.Popen[bytes]
    metrics: Metrics
    folder: Path
    log: Path
    began: float
    asked: float | None = None  # when it was asked to end

    def ask(self) -> None:
        """Ask the group to end."""
        if self.asked is None:
            self.asked = time.monotonic()
            processes.send(self.process.pid, signal.SIGTERM)

    def poll(self) -> int | None:
        """Give its exit code once it has ended; what it left behind is killed."""
        code = self.process.poll()
        late = self.asked is not None and time.monotonic() - self.asked > GRACE
        if code is not None or late:
            processes.kill(self.process.pid, self.folder)
        return code

    def kill(self) -> None:
        """End it at once, and all that it started."""
        processes.kill(self.process.pid, self.folder)
        self.process.wait()


def start(
    command: Sequence[str],
    config: Mapping[str, Any],
    *,
    program: str,
    metric: str,
    sweep: str,
    run: str,
    group: str,
    folder: Path,
    working: Path,
    more: dict[str, str],
) -> Program:
    """Start a program in ``working`` with W&B's environment for a run of a sweep, offline, and ``more`` variables.

    Raises:
        SweepError: it cannot be started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*"):
        if old.is_file():  # of a run that a kill cut short; what is in folders is W&B's and the program's own
            old.unlink()
    parameters = folder / "config.yaml"
    wrapped = {"wandb_version": 1} | {name: {"value": value} for name, value in config.items()}
    parameters.write_text(yaml.safe_dump(wrapped, sort_keys=False), encoding="utf-8")
    calls, log = folder / "metrics.jsonl", folder / "output.log"
    environment = dict(os.environ)
    environment.pop("WANDB_API_KEY", None)  # offline: it is not needed, and a program need not see it
    environment |= {
        "PATH": interpreter_first(environment),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(HOOK), environment.get("PYTHONPATH", "")])),
        "PYTHONUNBUFFERED": "1",  # so that lines of JSON come while it runs
        "WANDB_MODE": "offline",
        "WANDB_DIR": str(folder),
        "WANDB_RUN_ID": run,
        "WANDB_SWEEP_ID": sweep,
        "WANDB_SWEEP_PARAM_PATH": str(parameters),
        "WANDB_RUN_GROUP": group,
        "EVENFIT_SWEEP_METRICS": str(calls),
        processes.COOKIE: str(folder),
    } | more
    words = fill(command, config, program=program, file=folder / "config.json", environment=environment)
    if not words:
        raise SweepError("the command is empty once its macros are filled in")
    try:
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603 - running the user's program is the purpose
                words,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,  # to a file, so that no amount of it can block
                env=environment,
                cwd=working,
                start_new_session=True,
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads here
            )
    except OSError as error:
        raise SweepError(f"{words[0]} cannot be started: {error.strerror or error}") from error
    metrics = Metrics(
        name=metric,
        calls=Reader(calls),
        output=Reader(log),
        folder=folder,
        working=working,
        pids=lambda: [process.pid, *processes.kin(folder)],
    )
    return Program(process=process, metrics=metrics, folder=folder, log=log, began=time.monotonic())


_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def _die_with_parent() -> None:
    """A sweep that is killed leaves no program running."""
    if _LIBC is not None:
        _LIBC.prctl(_DIE_WITH_PARENT, signal.SIGKILL)


def last_lines(log: Path, count: int = 15) -> str:
    """Give the end of a log."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
    except OSError:
        return ""
