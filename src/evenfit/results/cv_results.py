"""A study's trials as scikit-learn lists the candidates of a search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.metrics import in_units_of, metric_of
from evenfit.results.study import Study

Numbers = npt.NDArray[np.floating]
Flags = npt.NDArray[np.bool_]


def cv_results(study: Study) -> dict[str, Any]:
    """Give arrays with an entry a trial, under the names of scikit-learn's ``cv_results_``.

    Test scores are higher when better, as there: the metric's score, or minus it where lower is better
    (``neg_log_loss``, ``neg_root_mean_squared_error``). Training scores are those of the clean base loss, NaN for a
    metric that training does not lower. Trials that did not complete rank behind those that did, by what they reached;
    scores of splits that a trial was not tried on are NaN, and left out of its means.

    Keys: ``params``, ``split<s>_test_score``, ``mean_test_score``, ``std_test_score``, ``rank_test_score``,
    ``split<s>_train_score``, ``mean_train_score``, ``std_train_score``, ``fit_seconds``, ``status``, ``epochs``.
    """
    truth, trials = study.truth, study.trials
    metric = metric_of(truth.metric, task=truth.task)
    sign = 1.0 if metric.higher else -1.0
    tested = np.stack([trial.selection_loss[trial.best] for trial in trials])
    trained = np.stack([trial.training_loss[trial.best] for trial in trials])
    trained = in_units_of(metric, trained, truth.target) if metric.base else np.full_like(tested, np.nan)
    with np.errstate(invalid="ignore"):  # NaN where a network has diverged, or was never trained
        test_scores, train_scores = (
            sign * np.vectorize(metric.score, otypes=[float])(all_) for all_ in (tested, trained)
        )
    complete = np.array([trial.status == "complete" for trial in trials])
    results: dict[str, Any] = {"params": [trial.config.to_json() for trial in trials]}
    results |= {f"split{split}_test_score": column for split, column in enumerate(test_scores.T)}
    seen = [trial.seen for trial in trials]
    results |= {
        "mean_test_score": _over(seen, test_scores, np.mean),
        "std_test_score": _over(seen, test_scores, np.std),
    }
    results["rank_test_score"] = _ranks(_over(seen, tested, np.mean), complete)
    results |= {f"split{split}_train_score": column for split, column in enumerate(train_scores.T)}
    results |= {
        "mean_train_score": _over(seen, train_scores, np.mean),
        "std_train_score": _over(seen, train_scores, np.std),
    }
    results["fit_seconds"] = np.array([trial.seconds for trial in trials])
    results["status"] = np.array([trial.status for trial in trials], dtype=object)
    results["epochs"] = np.array([trial.epoch for trial in trials])
    return results


def _over(seen: Sequence[Flags], scores: Numbers, of: Callable[[Numbers], Any]) -> Numbers:
    """A number for each trial, of its scores on the splits that it was tried on."""
    return np.array([float(of(row[own])) for own, row in zip(seen, scores, strict=True)])


def _ranks(losses: npt.NDArray[np.floating], complete: npt.NDArray[np.bool_]) -> npt.NDArray[np.int32]:
    """Ranks from 1, equals sharing the best of theirs; what did not complete comes after what did."""
    losses = np.where(np.isnan(losses), np.inf, losses)
    before = (losses[None] < losses[:, None]) & (complete[None] == complete[:, None])
    before |= complete[None] & ~complete[:, None]
    return np.asarray(before.sum(axis=1) + 1, dtype=np.int32)
