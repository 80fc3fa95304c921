"""Hyperparameter importance of a study, or of a stored run."""

from __future__ import annotations

from pathlib import Path

from evenfit.experiments.hyperparameters import hyperparameter_importance as importance_of
from evenfit.results.hyperparameters import Hyperparameters
from evenfit.results.study import Study
from evenfit.store import open_store


def hyperparameter_importance(study: Study | str, *, runs: str | Path = "runs", seed: int = 0) -> Hyperparameters:
    """Say which hyperparameters the losses of a search depended on, alone and in pairs.

    Shares of the variance of the loss by forests (Hutter, Hoos & Leyton-Brown, "An efficient approach for assessing
    hyperparameter importance", ICML 2014), with intervals over resampled trials and with what chance gives; beside
    them PED-ANOVA (Watanabe, Bansal & Hutter, IJCAI 2023). They hold over the values as they were searched. Where too
    few trials have losses, or these cannot be foretold, ``refusal`` says so, and nothing else is given.

    Args:
        study: what ``tune`` gave back, or the name of a stored run.
        runs: folder of the runs.
        seed: of the resampling and the forests.

    Raises:
        StoreError: there is no such run.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from evenfit import tune
        >>> X, y = load_iris(return_X_y=True)
        >>> study = tune("mlp", X, y, budget="2 trials")
        >>> hyperparameter_importance(study).refusal
        'importance needs 20 configs with finite losses; there are 2'
    """
    if isinstance(study, Study):
        return importance_of(study.trials, seed=seed)
    with open_store(Path(runs), create=False) as store:
        return importance_of(store.trials(store.run(study)), seed=seed)
