"""Warm start: the best configs of another run, and what they mean for the estimate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from evenfit.errors import ConfigError
from evenfit.results.study import Study
from evenfit.results.trial import COMPLETE, Trial
from evenfit.specs.config import Config
from evenfit.store import Run, open_store

First = Study | Config | Sequence[Config] | str | Path | None
"""What a user of Python may name: a study, configs, the name or folder of a stored run, or nothing."""


@dataclass(frozen=True, kw_only=True)
class WarmStart:
    """Configs of another run, the best first, and the note that belongs to them."""

    configs: tuple[Config, ...]
    note: str


def read_warm_start(run: str, *, runs: str, task: str, fingerprint: str) -> WarmStart:
    """Read the complete configs of a run, the best first.

    Args:
        run: its name, or the path of its folder.
        runs: the folder of runs that a name is looked for in.
        task: what is to be learnt now: binary, multiclass or regression.
        fingerprint: of the table that is to be learnt from.

    Raises:
        StoreError: there is no such run.
        ConfigError: it has learnt another task, or has no complete config.
    """
    path = Path(run)
    name, home = (run, Path(runs)) if path.name == run else (path.name, path.parent)
    with open_store(home, create=False) as store:
        known = store.run(name)
        trials = [trial for trial in store.trials(known) if trial.status == COMPLETE]
    learnt = "regression" if trials and trials[0].predictions.shape[-1] == 1 else "classification"
    return WarmStart(
        configs=_ranked(trials, of=f"run {name!r}", learnt=learnt, task=task),
        note=_note(known, same=known.fingerprint == fingerprint),
    )


def warm_start_of(first: First, *, runs: str, task: str, fingerprint: str) -> WarmStart:
    """Give the configs that a user of Python wants tried first: of a study, of a stored run, or as they are.

    Args:
        first: a study; one config or several, the best first; or the name of a run, or its folder. None has none.
        runs: the folder of runs that a name is looked for in.
        task: what is to be learnt now: binary, multiclass or regression.
        fingerprint: of the table that is to be learnt from.

    Raises:
        StoreError: there is no such run.
        ConfigError: it is none of these, has learnt another task, or has no complete config.
    """
    if first is None:
        return WarmStart(configs=(), note="")
    if isinstance(first, str | Path):
        return read_warm_start(str(first), runs=runs, task=task, fingerprint=fingerprint)
    if isinstance(first, Study):
        learnt = "regression" if first.truth.task == "regression" else "classification"
        complete = [trial for trial in first.trials if trial.status == COMPLETE]
        return WarmStart(
            configs=_ranked(complete, of="the study", learnt=learnt, task=task),
            note=(
                "the search began with the best configs of another study; where they share rows, the estimate flatters "
                "a little, since it does not count that selection"
            ),
        )
    known = list(first) if isinstance(first, Iterable) else [first]
    for config in known:
        if not isinstance(config, Config):
            raise ConfigError(
                f"try_first must be a study, configs, or the name or folder of a run; got {type(config).__name__}"
            )
    return WarmStart(configs=tuple(known), note="")


def _ranked(trials: Sequence[Trial], *, of: str, learnt: str, task: str) -> tuple[Config, ...]:
    """The configs of complete trials, the best first; none where they learnt something else."""
    if not trials:
        raise ConfigError(f"{of} has no complete config to begin with")
    wanted = "regression" if task == "regression" else "classification"
    if learnt != wanted:
        raise ConfigError(f"{of} is of {learnt}, but this table's target is for {wanted}; begin without it")
    ranked = sorted(trials, key=lambda trial: (trial.loss, trial.number))
    return tuple(dict.fromkeys(trial.config for trial in ranked))


def _note(run: Run, *, same: bool) -> str:
    if same:
        return (
            f"the search began with the best configs of run {run.name}, which were chosen on the same rows: the "
            "estimate does not count that selection, so it flatters a little"
        )
    return (
        f"the search began with the best configs of run {run.name}, of another table; where they share rows, the "
        "estimate flatters a little, since it does not count that selection"
    )
