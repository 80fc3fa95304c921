"""A sweep that is kept in a folder: read, without running any of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evenfit.errors import SweepError
from evenfit.sweeps.answer import counts, ranked, rows
from evenfit.sweeps.journal import ABOUT, TRIALS, in_use, trials_in
from evenfit.sweeps.sweep import Sweep, make_sweep
from evenfit.sweeps.trial import Trial


@dataclass(frozen=True, kw_only=True)
class StoredSweep:
    """What a sweep's folder holds."""

    folder: Path
    sweep: Sweep
    trials: tuple[Trial, ...]
    running: bool  # a process goes on with it now

    @property
    def status(self) -> str:
        """What it does: running, interrupted with trials that had begun, or done."""
        if self.running:
            return "running"
        return "done" if all(trial.ended for trial in self.trials) else "interrupted"

    @property
    def best(self) -> Trial | None:
        """The trial that the metric chooses."""
        return next(iter(ranked(self.sweep, self.trials)), None)

    @property
    def seconds(self) -> float:
        """The time that its runs took, one after another."""
        return sum(run.seconds for trial in self.trials for run in trial.runs.values())

    def row(self) -> dict[str, object]:
        """Itself in a list of runs."""
        best = self.best
        began = datetime.fromtimestamp((self.folder / ABOUT).stat().st_mtime, UTC)
        return {
            "run": str(self.folder),
            "kind": "sweep",
            "status": self.status,
            "created": began.isoformat(timespec="seconds"),
            "table": None,
            "target": None,
            "trials": len(self.trials),
            "seconds": round(self.seconds, 1),
            "metric": self.sweep.metric or None,
            "estimate": None if best is None else best.value(),
            "low": None,
            "high": None,
            "tags": [],
            "note": self.sweep.name,
        }

    def text(self) -> str:
        """What it found, for people: the best trials, as a table."""
        goal = "highest" if self.sweep.maximize else "lowest"
        lines = [f"{self.sweep.name or self.folder.name}: a sweep by {self.sweep.method}, {self.status}"]
        lines += [f"{counts(self.trials)}; {self.seconds:.1f} s of runs"]
        table = rows(self.sweep, self.trials)
        if table:
            cells = [list(table[0]), *([_cell(value) for value in row.values()] for row in table)]
            widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
            lines += ["", f"the best trials by {self.sweep.metric}, {goal} first:", ""]
            lines += ["  ".join(map(str.rjust, line, widths)) for line in cells]
        lines += ["", f"Each run has a folder in {self.folder}, and README.md there tells what is in them.", ""]
        return "\n".join(lines)

    def json(self) -> dict[str, Any]:
        """What it found, for programs."""
        best = self.best
        return {
            "folder": str(self.folder),
            "status": self.status,
            "method": self.sweep.method,
            "metric": self.sweep.metric,
            "goal": "maximize" if self.sweep.maximize else "minimize",
            "best": best.json() if best else None,
            "trials": [trial.json() for trial in self.trials],
        }


def is_sweep(folder: Path) -> bool:
    """Whether a folder holds a sweep."""
    return (folder / ABOUT).is_file() and (folder / TRIALS).is_file()


def read_sweep(folder: Path) -> StoredSweep:
    """Read a sweep's folder; it may be running.

    Raises:
        SweepError: what it holds is no sweep of this program's.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
        parts = max(1, about["folds"]) * max(1, about["seeds"])
        return StoredSweep(
            folder=folder,
            sweep=make_sweep(about["sweep"]),
            trials=tuple(trials_in(folder / TRIALS, parts)),
            running=in_use(folder / TRIALS),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SweepError(f"{folder} cannot be read as a sweep: {type(error).__name__}: {error}") from error


def sweeps_in(home: Path) -> list[StoredSweep]:
    """Give the sweeps in the folders of a folder, the latest last; those that cannot be read are left out."""
    found = []
    for folder in sorted(home.iterdir()) if home.is_dir() else []:
        if is_sweep(folder):
            try:
                found.append(read_sweep(folder))
            except SweepError:
                continue
    return sorted(found, key=lambda each: (each.folder / ABOUT).stat().st_mtime)


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
