"""Runs as they are stored: a list of them, and one of them shown, without torch."""

from __future__ import annotations

import math
import shlex
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evenfit.store import FILE_NAME, Finish, Run, open_store
from evenfit.sweeps.stored import sweeps_in


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A stored run, ready to be printed: as it was when it ended, or as far as it has come."""

    run: Run
    finishes: tuple[Finish, ...]

    def text(self) -> str:
        """The report as ``fit`` printed it; of a run that has none, what is known so far."""
        if self.run.status == "done" and self.run.report:
            return self.run.report
        names = _progress(self)
        if self.run.status == "done":
            return _pairs(names)
        return f"{_pairs(names)}\n{_advice(self.run)}\n"

    def json(self) -> Mapping[str, object]:
        """The numbers as ``fit --json`` printed them; of a run that has none, what is known so far."""
        if self.run.status == "done" and self.run.summary is not None:
            return self.run.summary
        return _progress(self)


def list_runs(runs: str | Path, *, tags: Collection[str] = ()) -> list[dict[str, object]]:
    """One row a run, the latest last; with tags, runs that have them all.

    Sweeps, which no store knows, come first: those in the folder of runs, and in ``sweeps`` beside it.
    """
    home = Path(runs)
    sweeps = [
        each.row() for place in dict.fromkeys((home, home.parent / "sweeps")) for each in sweeps_in(place) if not tags
    ]
    if not (home / FILE_NAME).exists():
        return sweeps
    with open_store(home, create=False) as store:
        return sweeps + [_row(run) for run in reversed(store.runs()) if set(tags) <= set(run.tags)]


def show(run: str, runs: str | Path) -> Shown:
    """Read one run by its name.

    Raises:
        StoreError: there is no such run; the message suggests near names.
    """
    with open_store(Path(runs), create=False) as store:
        found = store.run(run)
        return Shown(run=found, finishes=store.finishes(found))


def _row(run: Run) -> dict[str, object]:
    """What a list tells about a run; the estimate as a score: a root for RMSE, higher when better for accuracy."""
    estimate = _part(run.summary, "estimate")
    score = _part(estimate, "score") or estimate
    return {
        "run": run.name,
        "kind": "fit",
        "status": run.status,
        "created": run.created,
        "table": run.request.get("table"),
        "target": run.request.get("target"),
        "trials": run.trials,
        "seconds": round(run.seconds_spent, 1),
        "metric": estimate.get("metric") or run.request.get("metric"),
        "estimate": score.get("mean"),
        "low": score.get("low"),
        "high": score.get("high"),
        "tags": list(run.tags),
        "note": run.note,
    }


def _progress(shown: Shown) -> dict[str, object]:
    """What is known of a run before it has a report."""
    run = shown.run
    default = next((finish.loss for finish in shown.finishes if finish.trial == 0), None)
    finite = [finish for finish in shown.finishes if math.isfinite(finish.loss)]
    best = min(finite, key=lambda finish: finish.loss, default=None)
    return {
        "run": run.name,
        "status": run.status,
        "created": run.created,
        "table": run.request.get("table"),
        "target": run.request.get("target"),
        "budget": _budget(run.request),
        "seconds_spent": round(run.seconds_spent, 1),
        "trials": run.trials,
        "default_loss": default,
        "best_loss": None if best is None else best.loss,
        "best_trial": None if best is None else best.trial,
        "folder": str(run.folder),
    }


_UNITS = (("seconds", "s"), ("trials", " trials"), ("epochs", " epochs"))


def _budget(request: Mapping[str, Any]) -> str | None:
    """A budget as a user writes it."""
    known = _part(request, "budget")
    said = [f"{known[name]:g}{unit}" for name, unit in _UNITS if known.get(name)]
    return ", ".join(said) or None


def _advice(run: Run) -> str:
    """What to do about a run that is not done."""
    if run.status == "running":
        return "It is running now; its numbers come when it ends."
    if run.status == "failed":
        return "It has no result, and cannot be resumed: its budget was too small, or its table cannot be learnt from."
    return f"Go on with: evenfit resume {shlex.quote(str(run.folder))}"


def _part(values: Mapping[str, Any] | None, name: str) -> Mapping[str, Any]:
    """A part of a stored JSON object; empty where there is none."""
    part = (values or {}).get(name)
    return part if isinstance(part, Mapping) else {}


def _pairs(values: Mapping[str, object]) -> str:
    """Names and values below one another."""
    width = max(map(len, values))
    lines = (f"{name.replace('_', ' '):<{width}}  {_cell(value)}" for name, value in values.items())
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    """A value in a few characters."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
