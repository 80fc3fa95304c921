"""Documents: what a finished run tells of itself, and the files of its folder that people read."""

from __future__ import annotations

import json
import platform
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from evenfit.data.schema import Table
from evenfit.data.table import describe
from evenfit.report.facts import Before, Facts, Fresh
from evenfit.report.facts import Finish as FactsFinish
from evenfit.results.forecast import Forecast
from evenfit.results.hyperparameters import Hyperparameters
from evenfit.results.memory_use import MemoryUse
from evenfit.results.ranking import Ranking
from evenfit.results.study import Interval, Study
from evenfit.runs.options import columns_text, to_toml
from evenfit.runs.outcome import Outcome
from evenfit.runs.request import FitRequest
from evenfit.runs.stored import interval_of
from evenfit.specs.budget import budget_text
from evenfit.store import Finish, Run


def make_facts(  # noqa: PLR0913 - every part of a report is a keyword
    request: FitRequest,
    table: Table,
    study: Study,
    *,
    run: Run,
    finishes: Sequence[Finish],
    importance: tuple[tuple[str, Interval], ...],
    ranking: Ranking,
    hyperparameters: Hyperparameters | None,
    fresh: Fresh | None,
    seconds_spent: float,
    extended: Sequence[Mapping[str, Any]] = (),
    forecast: Forecast | None = None,
    memory: MemoryUse | None = None,
) -> Facts:
    """Collect what a report tells about a run beyond its study."""
    target = table.schema.target
    classes = tuple(str(name) for name in target.classes) if target and target.task != "regression" else ()
    weights = [f"each row by its {request.weight}"] if request.weight else []
    weights += ["every class as much as any other"] if request.class_weights else []
    kinds = Counter(column.kind for column in table.schema.columns)
    return Facts(
        name=run.name,
        folder=str(run.folder),
        command=command(request, folder=run.folder),
        description=describe(table),
        target=request.target,
        rows=table.rows,
        columns=tuple((str(kind), count) for kind, count in kinds.items()),
        classes=classes,
        left_out=tuple((left.name, left.reason) for left in table.schema.left_out),
        notes=tuple(table.notes),
        time=request.time or "",
        weights="; ".join(weights),
        budget=budget_text(request.budget),
        seconds=request.budget.seconds,
        seconds_spent=seconds_spent,
        forecast=forecast,
        memory=memory,
        before=tuple(map(_before, extended)),
        finishes=tuple(FactsFinish(trial=known.trial, seconds=known.seconds) for known in finishes),
        importance=importance,
        ranking=ranking,
        hyperparameters=hyperparameters,
        fresh=fresh,
        ensemble_gain=study.selected.selection_loss.mean - study.ensemble.loss if study.ensemble.used else None,
        versions=_versions(),
    )


def write_documents(outcome: Outcome, request: FitRequest) -> None:
    """Write the report, the selected config, the numbers, the request and a guide to them."""
    from evenfit.report.page import page
    from evenfit.report.readme import readme
    from evenfit.report.toml import toml

    study, facts = outcome.study, outcome.facts
    files = {
        "report.html": page(study, facts),
        "config.toml": toml(study.selected.config, title=f"The selected config of run {outcome.name}."),
        "metrics.json": json.dumps(outcome.json(), indent=2, ensure_ascii=False) + "\n",
        "request.toml": to_toml(request),
        "README.md": readme(study, facts),
    }
    for name, text in files.items():
        (outcome.folder / name).write_text(text, encoding="utf-8", errors="replace")


def command(request: FitRequest, *, folder: str | Path = ".") -> str:
    """Write the command line that asks for the same; a space is in the request that a run's folder keeps."""
    asked = request.to_json() | {"budget": budget_text(request.budget)}
    usual = FitRequest(table="-", target="-")
    words = ["evenfit", "fit", request.table]
    for name, value in asked.items():
        if name == "table" or (
            name not in ("target", "budget", "asked_space") and getattr(request, name) == getattr(usual, name)
        ):
            continue
        if name == "asked_space":
            words += ["--space", str(Path(folder) / "request.toml")]
            continue
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(columns_text(value) if isinstance(value, list) else str(value))
    return shlex.join(words)


def _before(known: Mapping[str, Any]) -> Before:
    """What a run was before it was extended, of what was stored of it."""
    estimate = known.get("estimate")
    return Before(
        budget=str(known["budget"]),
        by=str(known["by"]),
        trials=int(known["trials"]),
        loss=None if estimate is None else interval_of(estimate),
    )


def _versions() -> tuple[tuple[str, str], ...]:
    names = ("evenfit", "torch", "numba", "numpy", "optuna", "polars")
    return (("python", platform.python_version()), *((name, metadata.version(name)) for name in names))
