"""Comparing: what two stored runs selected, paired over folds where they share them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.errors import ConfigError, StoreError
from evenfit.results.metrics import METRICS, default_metric
from evenfit.results.run_difference import paired_difference, unpaired_difference
from evenfit.results.study import Interval
from evenfit.results.trial import Trial
from evenfit.runs.stored import factor_of_run, interval_of, over_splits, part
from evenfit.store import Run, open_store

_SHARED = {  # what decides the splits, and what rows count there, beside the table's file; how a reader knows it
    "target": "target",
    "group": "group",
    "time": "time",
    "weight": "weight column",
    "folds": "number of folds",
    "repeats": "number of repeats",
    "seed": "seed",
    "delimiter": "delimiter",
    "encoding": "encoding",
}


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Two runs side by side, ready to be printed; differences are the first's loss minus the second's."""

    names: tuple[str, str]
    metric: str  # whose loss is compared
    losses: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]  # of what each selected, over its splits
    means: tuple[Interval, Interval]
    estimates: tuple[Mapping[str, Any], Mapping[str, Any]]  # corrected for selection
    difference: Interval
    unshared: tuple[str, ...]  # why the runs' splits are not the same; empty where they are, and it is paired
    changed: Mapping[str, tuple[object, object]]  # hyperparameters that differ

    @property
    def paired(self) -> bool:
        """Whether differences are taken fold by fold."""
        return not self.unshared

    @property
    def better(self) -> str | None:
        """The run that is shown to have the lower loss, if one is."""
        if self.difference.low > 0:
            return self.names[1]
        return self.names[0] if self.difference.high < 0 else None

    def sentence(self) -> str:
        """What the difference says."""
        if self.better is None:
            return f"{self.names[0]} and {self.names[1]} are not shown to differ."
        return f"{self.better} has the lower loss: the interval of the difference does not hold 0."

    def text(self) -> str:
        """The comparison for people."""
        first, second = self.names
        loss = self.metric if self.metric == "log_loss" else f"loss of {self.metric}"
        width = max(12, *map(len, self.names))
        lines = [f"{loss.replace('_', ' ')} of what each run selected, over its splits; lower is better", ""]
        lines += [f"{name:<{width}}  {_shown(known)}" for name, known in zip(self.names, self.means, strict=True)]
        lines += [f"{'difference':<{width}}  {_shown(self.difference)}   ({first} minus {second})", ""]
        if self.paired:
            lines += ["paired, fold by fold: the runs share table, splits and seed", ""]
            rows = zip(*self.losses, strict=True)
            lines += [f"{'split':>7}  {first:>{width}}  {second:>{width}}  {'difference':>{width}}"]
            lines += [
                f"{place:>7}  {one:>{width}.5g}  {two:>{width}.5g}  {one - two:>{width}.3g}"
                for place, (one, two) in enumerate(rows)
            ]
        else:
            lines += [f"not paired, and so less sharp: {'; '.join(self.unshared)}"]
        if self.changed:
            lines += ["", f"{'config':<20}  {first:>{width}}  {second:>{width}}"]
            lines += [
                f"{name:<20}  {_cell(one):>{width}}  {_cell(two):>{width}}" for name, (one, two) in self.changed.items()
            ]
        lines += ["", self.sentence(), *self._caveat()]
        return "\n".join(lines) + "\n"

    def _caveat(self) -> list[str]:
        """What these losses do not tell, and what does."""
        known = [interval_of(each) for each in self.estimates if each.get("mean") is not None]
        if len(known) < 2 or len({each.get("metric") for each in self.estimates}) > 1:
            return []
        shown = ", ".join(f"{name} {_shown(each)}" for name, each in zip(self.names, known, strict=True))
        return [
            "Each is the winner of its own search, which flatters it; estimates that are corrected for that:",
            shown,
        ]

    def json(self) -> Mapping[str, object]:
        """The comparison for programs."""
        return {
            "runs": list(self.names),
            "metric": self.metric,
            "paired": self.paired,
            "unshared": list(self.unshared),
            "difference": _plain(self.difference),
            "better": self.better,
            "losses": [losses.tolist() for losses in self.losses],
            "means": [_plain(known) for known in self.means],
            "estimates": [dict(known) for known in self.estimates],
            "config": {name: list(values) for name, values in self.changed.items()},
        }


def compare(first: tuple[str, str], second: tuple[str, str]) -> Compared:
    """Compare two finished runs, each given by its name and its folder of runs.

    Raises:
        StoreError: there is no such run, or it is not done.
        ConfigError: it is the same run twice, or one predicts classes and the other numbers.
    """
    one, its_trials = _read(*first)
    two, other_trials = _read(*second)
    if (one.folder.resolve(), one.created) == (two.folder.resolve(), two.created):
        raise ConfigError(f"two runs are needed to compare; got {one.name} twice")
    return compare_stored((one, its_trials), (two, other_trials))


def compare_stored(first: tuple[Run, tuple[Trial, ...]], second: tuple[Run, tuple[Trial, ...]]) -> Compared:
    """Compare two runs that have been read.

    Raises:
        ConfigError: one predicts classes and the other numbers.
    """
    runs = (first[0], second[0])
    tasks = [str((run.summary or {}).get("task")) for run in runs]
    if (tasks[0] == "regression") != (tasks[1] == "regression"):
        raise ConfigError(
            f"{runs[0].name} is {tasks[0]} and {runs[1].name} is {tasks[1]}: their losses cannot be compared"
        )
    metrics = [str(part(run.summary, "metric").get("name")) for run in runs]
    same = metrics[0] == metrics[1] and metrics[0] in METRICS
    metric = metrics[0] if same else default_metric(tasks[0])
    trials = (_selected(*first), _selected(*second))
    losses = (_losses(trials[0], base=not same), _losses(trials[1], base=not same))
    factors = (factor_of_run(*first), factor_of_run(*second))
    unshared = tuple(_unshared(*runs, lengths=(len(losses[0]), len(losses[1]))))
    if unshared:
        difference = unpaired_difference(*losses, factors=factors)
    else:
        difference = paired_difference(*losses, factor=factors[0])
    return Compared(
        names=_names(*runs),
        metric=metric,
        losses=losses,
        means=(over_splits(losses[0], factor=factors[0]), over_splits(losses[1], factor=factors[1])),
        estimates=(part(runs[0].summary, "estimate"), part(runs[1].summary, "estimate")),
        difference=difference,
        unshared=unshared,
        changed=_changed(*trials),
    )


def _read(name: str, runs: str) -> tuple[Run, tuple[Trial, ...]]:
    """A finished run with its trials."""
    with open_store(Path(runs), create=False) as store:
        run = store.run(name)
        if run.status != "done" or not part(run.summary, "selected"):
            raise StoreError(f"run {run.name!r} is {run.status}, and has selected no config; runs that are done can be")
        return run, store.trials(run)


def _selected(run: Run, trials: tuple[Trial, ...]) -> Trial:
    """The trial that a run selected."""
    number = part(run.summary, "selected").get("trial")
    for trial in trials:
        if trial.number == number:
            return trial
    raise StoreError(f"the selected trial of run {run.name!r}, {number}, is not in the store")


def _losses(trial: Trial, *, base: bool) -> npt.NDArray[np.float64]:
    """A trial's losses over splits at its epoch: of the metric, or the base loss that every metric has beside it."""
    losses = trial.validation_loss if base else trial.selection_loss
    return np.asarray(losses[trial.best], dtype=np.float64)


def _unshared(one: Run, two: Run, *, lengths: tuple[int, int]) -> list[str]:
    """Why two runs did not judge on the same splits from the same seeds; nothing where they did."""
    reasons = []
    if one.fingerprint != two.fingerprint:
        tables = [str(run.request.get("table")) for run in (one, two)]
        same = "" if tables[0] != tables[1] else ", which has changed in between"
        reasons.append(f"their tables differ ({' and '.join(dict.fromkeys(tables))}{same})")
    for name, known in _SHARED.items():
        values = [run.request.get(name) for run in (one, two)]
        if values[0] != values[1]:
            reasons.append(f"their {known} differs ({_cell(values[0])} and {_cell(values[1])})")
    for name, known in (("task", "task"), ("rows", "number of rows")):
        values = [(run.summary or {}).get(name) for run in (one, two)]
        if values[0] != values[1]:
            reasons.append(f"their {known} differs ({_cell(values[0])} and {_cell(values[1])})")
    if not reasons and lengths[0] != lengths[1]:
        reasons.append(f"they have {lengths[0]} and {lengths[1]} splits")
    return reasons


def _changed(one: Trial, two: Trial) -> dict[str, tuple[object, object]]:
    """The hyperparameters that differ."""
    values, others = one.config.to_json(), two.config.to_json()
    return {name: (value, others[name]) for name, value in values.items() if value != others[name]}


def _names(one: Run, two: Run) -> tuple[str, str]:
    """The runs' names; their folders where the names are the same."""
    return (one.name, two.name) if one.name != two.name else (str(one.folder), str(two.folder))


def _shown(known: Interval) -> str:
    return f"{known.mean:.5g} [{known.low:.5g}, {known.high:.5g}]"


def _plain(known: Interval) -> dict[str, float]:
    return {"mean": known.mean, "low": known.low, "high": known.high, "level": known.level}


def _cell(value: object) -> str:
    """A value in a few characters."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
