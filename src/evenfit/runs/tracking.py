"""Tracking: a stored run as entries of a tracker, and written to one."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import TrackingError
from evenfit.results.metrics import Metric
from evenfit.results.trial import DIVERGED, Trial
from evenfit.runs.stored import deviation_over_splits, factor_of_run, metric_of_run, over_splits, part
from evenfit.store import Finish, Run, open_store
from evenfit.tracking.tracker_run import FOLD, RUN, TRIAL, Curve, TrackerRun, Value
from evenfit.tracking.trackers import Tell, Tracked, load, place_of

PROJECT = "evenfit"
_PROJECT = re.compile(r"(?=.*\w)[\w. -]{1,128}")  # also a folder's name


@dataclass(frozen=True, kw_only=True)
class TrackedRun:
    """What has been tracked, ready to be printed."""

    run: str
    tracked: Tracked
    trials: int

    def text(self) -> str:
        """What was written where, and how to look at it."""
        found = self.tracked
        if found.written:
            kept = f", {found.unchanged} were there already" if found.unchanged else ""
            said = f"{self.run}: {found.written} entries for {self.trials} trials written to {found.uri}{kept}"
        else:
            said = f"{self.run}: nothing has changed; all {found.unchanged} entries are in {found.uri} already"
        return f"{said}\nlook with: {found.look}\n"

    def json(self) -> Mapping[str, object]:
        """The same for programs."""
        found = self.tracked
        return {
            "run": self.run,
            "tracker": found.tracker,
            "uri": found.uri,
            "trials": self.trials,
            "written": found.written,
            "unchanged": found.unchanged,
            "look": found.look,
        }


def track(name: str, *, runs: str, to: str, uri: str | None, project: str, tell: Tell) -> TrackedRun:
    """Write a stored run to a tracker: the run, its trials, and their folds as children.

    Raises:
        StoreError: there is no such run.
        TrackingError: there is no such tracker, its package is missing, or it cannot be written; or the project's name
            is none.
    """
    if not _PROJECT.fullmatch(project):
        raise TrackingError(f"project must be a name of letters, digits, spaces and - _ . alone; got {project!r}")
    where = place_of(to, uri, runs=Path(runs))
    with open_store(Path(runs), create=False) as store:
        run = store.run(name)
        trials, finishes = store.trials(run), store.finishes(run)
    if not run.folder.is_dir():
        raise TrackingError(f"{run.folder} is missing: the run's folder was moved or deleted")
    entry = tracker_run(run, trials, finishes)
    return TrackedRun(run=run.name, tracked=load(to)(entry, uri=where, project=project, tell=tell), trials=len(trials))


def split_target(text: str) -> tuple[str, str | None]:
    """A tracker and where it writes, as ``fit --track`` takes them.

    Example:
        >>> split_target("mlflow=http://127.0.0.1:5000"), split_target("tensorboard")
        (('mlflow', 'http://127.0.0.1:5000'), ('tensorboard', None))
    """
    name, given, uri = text.partition("=")
    return name, uri if given else None


def check_targets(targets: Sequence[str], *, runs: str) -> None:
    """Make sure before a search that what it finds can be tracked afterwards.

    Raises:
        TrackingError: there is no such tracker, its package is missing, or its server does not answer.
    """
    for target in targets:
        name, uri = split_target(target)
        place_of(name, uri, runs=Path(runs))


def tracker_run(run: Run, trials: Sequence[Trial], finishes: Sequence[Finish]) -> TrackerRun:
    """Turn a stored run into the entries of a tracker: the run, its trials, and their folds."""
    metric = metric_of_run(run)
    factor = factor_of_run(run, tuple(trials))
    began = datetime.fromisoformat(run.created).timestamp()
    seconds = {finish.trial: finish.seconds for finish in finishes if math.isfinite(finish.seconds)}
    selected = part(run.summary, "selected").get("trial")
    identity = _identity(run.name, run.created, run.fingerprint)
    children = tuple(
        _trial(
            trial,
            run=run,
            identity=identity,
            metric=metric,
            factor=factor,
            ended=began + seconds.get(trial.number, 0.0),
            selected=trial.number == selected,
        )
        for trial in trials
    )
    return TrackerRun(
        identity=identity,
        name=run.name,
        kind=RUN,
        parameters=_request(run.request),
        values=_finite(_run_values(run)),
        step=len(trials),
        curves=_search_curves(finishes),
        facts=_run_facts(run, metric),
        tags=run.tags,
        note=run.note,
        text=run.report,
        files=tuple(_files(run.folder)),
        status=run.status,
        began=began,
        ended=began + run.seconds_spent,
        children=children,
    )


def _trial(
    trial: Trial, *, run: Run, identity: str, metric: Metric | None, factor: float, ended: float, selected: bool
) -> TrackerRun:
    """A trial: its config, its mean over folds with its interval, and the folds below it."""
    best, seen = trial.best, trial.seen
    loss = over_splits(trial.selection_loss[best][seen], factor=factor)
    training, validation = trial.training_loss[best][seen], trial.validation_loss[best][seen]
    values = {
        "loss": loss.mean,
        "loss_low": loss.low,
        "loss_high": loss.high,
        "loss_deviation": deviation_over_splits(trial.selection_loss[best][seen]),
        "best_training_loss": float(np.mean(training)),
        "best_validation_loss": float(np.mean(validation)),
        "gap": float(np.mean(validation - training)),
        "best_epoch": float(trial.epoch),
        "seconds": trial.seconds,
    }
    values |= _score(metric, loss.mean)
    name = f"{run.name}/trial-{trial.number}"
    began = ended - (trial.seconds if math.isfinite(trial.seconds) else 0.0)
    facts = {
        "status": trial.status,
        "round": str(trial.round),
        "selected": "yes" if selected else "no",
        "default": "yes" if trial.number == 0 else "no",
    }
    own = f"{identity}/{trial.number}"
    status = "failed" if trial.status == DIVERGED else "done"
    about: dict[str, Any] = {"began": began, "ended": ended, "status": status}
    return TrackerRun(
        identity=_identity(own),
        name=name,
        kind=TRIAL,
        parameters=trial.config.to_json(),
        values=_finite(values),
        step=trial.epoch,
        curves=_mean_curves(trial, factor=factor),
        facts=facts,
        children=tuple(
            _fold(trial, int(place), name=name, identity=own, metric=metric, **about) for place in np.flatnonzero(seen)
        ),
        **about,
    )


def _fold(trial: Trial, split: int, *, name: str, identity: str, metric: Metric | None, **about: Any) -> TrackerRun:
    """One fold of a trial: its losses, by epoch and at the trial's epoch."""
    values = {
        "loss": float(trial.selection_loss[trial.best, split]),
        "best_training_loss": float(trial.training_loss[trial.best, split]),
        "best_validation_loss": float(trial.validation_loss[trial.best, split]),
        "best_epoch": float(trial.epoch),
    }
    values["gap"] = values["best_validation_loss"] - values["best_training_loss"]
    return TrackerRun(
        identity=_identity(f"{identity}/{split}"),
        name=f"{name}/split-{split}",
        kind=FOLD,
        parameters={"trial": trial.number, "split": split},
        values=_finite(values | _score(metric, values["loss"])),
        step=trial.epoch,
        curves={
            "training_loss": _curve(trial.epochs, trial.training_loss[:, split]),
            "validation_loss": _curve(trial.epochs, trial.validation_loss[:, split]),
            "selection_loss": _curve(trial.epochs, trial.selection_loss[:, split]),
        },
        **about,
    )


def _mean_curves(trial: Trial, *, factor: float) -> dict[str, Curve]:
    """The mean over folds by epoch of each loss, and the interval of the one that selection looks at."""
    seen = trial.seen
    curves = {
        "training_loss": _curve(trial.epochs, trial.training_loss[:, seen].mean(axis=1)),
        "validation_loss": _curve(trial.epochs, trial.validation_loss[:, seen].mean(axis=1)),
        "selection_loss": _curve(trial.epochs, trial.selection_loss[:, seen].mean(axis=1)),
    }
    bounds = [over_splits(losses[seen], factor=factor) for losses in trial.selection_loss]
    curves["selection_loss_low"] = _curve(trial.epochs, np.array([known.low for known in bounds]))
    curves["selection_loss_high"] = _curve(trial.epochs, np.array([known.high for known in bounds]))
    return {name: curve for name, curve in curves.items() if curve}


def _curve(epochs: npt.NDArray[Any], values: npt.NDArray[Any]) -> Curve:
    """What was measured at each epoch, without what is no number."""
    return tuple(
        (int(epoch), float(value)) for epoch, value in zip(epochs, values, strict=True) if math.isfinite(value)
    )


def _search_curves(finishes: Sequence[Finish]) -> dict[str, Curve]:
    """The search as it went: the lowest loss so far, and the seconds spent, by the number of trials."""
    best, losses, seconds = math.inf, [], []
    for place, finish in enumerate(finishes, start=1):
        if math.isfinite(finish.loss):
            best = min(best, finish.loss)
        losses.append((place, best))
        seconds.append((place, finish.seconds))
    curves = {"best_loss": losses, "seconds_spent": seconds}
    known = {name: tuple(point for point in curve if math.isfinite(point[1])) for name, curve in curves.items()}
    return {name: curve for name, curve in known.items() if curve}


def _run_values(run: Run) -> dict[str, Any]:
    """What came of a run, as numbers."""
    summary = run.summary
    estimate, comparison = part(summary, "estimate"), part(summary, "comparison")
    difference, score, test = part(comparison, "difference"), part(estimate, "score"), part(summary, "test")
    selected, nested = part(summary, "selected"), part(part(summary, "nested"), "members")
    values = {
        "estimate": estimate.get("mean"),
        "estimate_low": estimate.get("low"),
        "estimate_high": estimate.get("high"),
        "optimism": estimate.get("optimism"),
        "nested": nested.get("mean"),
        "nested_low": nested.get("low"),
        "nested_high": nested.get("high"),
        "score": score.get("mean"),
        "score_low": score.get("low"),
        "score_high": score.get("high"),
        "selected_loss": part(selected, "selection_loss").get("mean"),
        "default_loss": part(part(summary, "default"), "selection_loss").get("mean"),
        "gap": part(selected, "gap").get("mean"),
        "gain_on_default": difference.get("mean"),
        "gain_on_default_low": difference.get("low"),
        "gain_on_default_high": difference.get("high"),
        "test_loss": part(test, "loss").get("mean"),
        "test_loss_low": part(test, "loss").get("low"),
        "test_loss_high": part(test, "loss").get("high"),
        "seconds": run.seconds_spent,
        "trials": run.trials,
    }
    return values | {f"test_{name}": value for name, value in part(test, "scores").items()}


def _run_facts(run: Run, metric: Metric | None) -> dict[str, str]:
    """What a run is looked for by."""
    summary = run.summary or {}
    facts = {
        "status": run.status,
        "fingerprint": run.fingerprint,
        "task": summary.get("task"),
        "metric": None if metric is None else metric.name,
        "selected": part(summary, "selected").get("trial"),
        "verdict": part(summary, "verdict").get("name"),
        "better_than_default": part(summary, "comparison").get("better"),
    }
    return {name: str(value) for name, value in facts.items() if value is not None}


def _request(request: Mapping[str, Any]) -> dict[str, Value]:
    """What was asked for, as names and plain values; the space is not one, and where it is kept is no part of it."""
    found: dict[str, Value] = {}
    for name, value in request.items():
        if name in ("space", "asked_space", "runs", "name", "track") or value is None or value == []:
            continue
        if isinstance(value, Mapping):
            found |= {f"{name}.{inner}": known for inner, known in value.items() if isinstance(known, Value)}
        else:
            found[name] = value if isinstance(value, Value) else ", ".join(map(str, value))
    return found


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """The report, the selected config, the numbers, the request and the model, by name."""
    names = ("report.html", "README.md", "config.toml", "metrics.json", "request.toml")
    yield from ((name, folder / name) for name in names if (folder / name).is_file())
    model = folder / "model"
    for path in sorted(model.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield f"model/{path.relative_to(model).as_posix()}", path


def _score(metric: Metric | None, loss: float) -> dict[str, float]:
    """A loss as the score that a user reads, where that is another number."""
    if metric is None or not math.isfinite(loss) or metric.name == "log_loss":
        return {}
    return {metric.name: metric.score(loss)}


def _finite(values: Mapping[str, Any]) -> dict[str, float]:
    """The values that are numbers: an interval that has no bound has none to show."""
    numbers = {name: float(value) for name, value in values.items() if value is not None}
    return {name: value for name, value in numbers.items() if math.isfinite(value)}


def _identity(*parts: str) -> str:
    """A name that is the same for the same thing, in letters that every tracker takes."""
    return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:16]
