"""Warm start: the best configs of another run, and what they mean for the estimate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evenfit.errors import ConfigError
from evenfit.results.trial import COMPLETE
from evenfit.specs.config import Config
from evenfit.store import Run, open_store


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
    if not trials:
        raise ConfigError(f"run {name!r} has no complete config to begin with")
    learnt = "regression" if trials[0].predictions.shape[-1] == 1 else "classification"
    wanted = "regression" if task == "regression" else "classification"
    if learnt != wanted:
        raise ConfigError(f"run {name!r} is of {learnt}, but this table's target is for {wanted}; fit without --from")
    ranked = sorted(trials, key=lambda trial: (trial.loss, trial.number))
    return WarmStart(
        configs=tuple(dict.fromkeys(trial.config for trial in ranked)),
        note=_note(known, same=known.fingerprint == fingerprint),
    )


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
