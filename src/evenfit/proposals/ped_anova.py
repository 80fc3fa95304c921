"""PED-ANOVA: how different the values of the best configs are from those of all that were tried, through Optuna."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution

BEST = 0.2  # of the trials: the best
_FEW = 8  # different values: taken one by one

Array = npt.NDArray[np.float64]


def ped_anova(columns: Mapping[str, Array], losses: Sequence[float] | Array) -> dict[str, float]:
    """Give each hyperparameter's share of how different the best fifth of the trials is from all: they sum to 1.

    Watanabe, Bansal & Hutter, "PED-ANOVA: efficiently quantifying hyperparameter importance in arbitrary subspaces",
    IJCAI 2023. Values count by their rank among those that were tried, so that scales have no part in it; 0 where
    nothing differs. This stands on the values as they were searched, which is where configs were proposed.

    Args:
        columns: the values of each hyperparameter as numbers, [T]; a word's are codes.
        losses: of the trials, [T].

    Example:
        >>> draw = np.random.default_rng(0)
        >>> columns = {"a": draw.random(80), "b": draw.random(80)}
        >>> found = ped_anova(columns, (columns["a"] - 0.5) ** 2)
        >>> found["a"] > 0.9
        True
    """
    logging.getLogger("optuna").setLevel(logging.WARNING)
    distributions: dict[str, BaseDistribution] = {}
    ranked: dict[str, list[float] | list[int]] = {}
    for name, values in columns.items():
        distinct, codes = np.unique(values, return_inverse=True)
        if len(distinct) < 2:
            continue
        if len(distinct) <= _FEW:
            distributions[name] = CategoricalDistribution(list(range(len(distinct))))
            ranked[name] = [int(code) for code in codes]
        else:
            below = np.concatenate([[0], np.cumsum(np.bincount(codes))])
            middle = (below[:-1] + below[1:]) / 2 / len(values)
            distributions[name] = FloatDistribution(0.0, 1.0)
            ranked[name] = [float(middle[code]) for code in codes]
    study = optuna.create_study()
    for place, loss in enumerate(losses):
        params = {name: values[place] for name, values in ranked.items()}
        study.add_trial(optuna.trial.create_trial(params=params, distributions=dict(distributions), value=float(loss)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
        found = evaluator.evaluate(study) if distributions else {}
    total = sum(found.values())
    return {name: found.get(name, 0.0) / total if total > 0 else 0.0 for name in columns}
