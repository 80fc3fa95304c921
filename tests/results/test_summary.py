import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evenfit.errors import ConfigError
from evenfit.results.bbc import OutOfBag
from evenfit.results.history import best_so_far, search_sizes
from evenfit.results.json import to_json
from evenfit.results.metrics import METRICS
from evenfit.results.summary import compare, summarise

CASES = [(metric.name, task) for metric in METRICS.values() for task in metric.tasks]


def study_of(truth, trials, *, selection="one-se", resamples=200, seed=0):
    return summarise(
        truth, trials, selection=selection, resamples=resamples, seed=seed, seconds=1.5, stopped="budget", notes=["a"]
    )


@pytest.mark.parametrize(("metric", "task"), CASES)
def test_every_metric_can_be_summarised(make_search, metric, task):
    study = study_of(*make_search(task=task, metric=metric))
    assert study.estimate.low <= study.estimate.mean <= study.estimate.high
    assert study.estimate.optimism == pytest.approx(study.estimate.mean - study.estimate.plain)
    assert study.selected.selection_loss.mean == pytest.approx(study.estimate.plain)
    assert study.steps[-1].corrected == pytest.approx(study.estimate.mean)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**20), task=st.sampled_from(["binary", "regression"]))
def test_the_order_of_rows_changes_nothing_but_which_are_drawn(make_search, make_trial, seed, task):
    truth, trials = make_search(seed=seed, task=task, rows=80)
    order = np.random.default_rng(seed).permutation(80)
    shuffled = replace(truth, target=truth.target[order], split_of=truth.split_of[:, order])
    moved = [
        replace(trial, row_values=trial.row_values[:, :, order], predictions=trial.predictions[:, order])
        for trial in trials
    ]
    one, other = study_of(truth, trials), study_of(shuffled, moved)
    assert other.selected.trial == one.selected.trial
    assert other.selected.gap == one.selected.gap
    assert other.ensemble.loss == pytest.approx(one.ensemble.loss)
    spread = one.estimate.high - one.estimate.low
    assert other.estimate.mean == pytest.approx(one.estimate.mean, abs=0.25 * spread + 1e-6)


def test_the_order_of_trials_changes_nothing(make_search):
    truth, trials = make_search()
    assert to_json(study_of(truth, trials[::-1])) == to_json(study_of(truth, trials))


def test_the_default_is_never_better_than_itself(make_search):
    truth, trials = make_search(trials=1)
    study = study_of(truth, trials)
    assert study.comparison.same
    assert not study.comparison.better
    assert study.comparison.difference.mean == pytest.approx(0)


def test_a_far_better_config_is_shown_to_be_better(make_search, make_trial):
    truth, trials = make_search(rows=400, noise=3.0, trials=1)
    _, good = make_search(rows=400, noise=0.3, trials=2)
    study = study_of(truth, [trials[0], replace(good[1], number=1)])
    assert study.comparison.better
    assert study.comparison.difference.low > 0


def test_a_config_that_loses_to_a_constant_is_not_called_better(make_search, make_trial):
    truth, _ = make_search(rows=400, trials=2)
    rng = np.random.default_rng(0)
    made = []
    for spread in (2.0, 0.3):
        logit = rng.normal(size=400) * spread  # says nothing of the target
        log_p = -np.logaddexp(0, np.stack([logit, -logit], axis=1))
        made.append(make_trial(truth, log_p[None, None], number=len(made)))
    study = study_of(truth, made)
    assert study.selected.trial == 1
    assert study.comparison.difference.low > 0
    assert study.comparison.gain is not None
    assert study.comparison.gain.low < 0
    assert not study.comparison.better


def test_better_needs_another_config_a_difference_and_a_gain():
    def better(*, default, baseline, same=False):
        losses = np.linspace(0.5, 0.6, 50)
        found = OutOfBag(
            searched=(2,),
            selected=losses[None],
            whole=losses[None],
            default=losses + default,
            baseline=losses + baseline,
            winners=np.ones(50, dtype=np.int64),
        )
        return compare(found, same=same).better

    assert better(default=0.1, baseline=0.1)
    assert not better(default=0.1, baseline=0.1, same=True)
    assert not better(default=0.0, baseline=0.1)
    assert not better(default=0.1, baseline=0.0)


@pytest.mark.parametrize("status", ["complete", "diverged"])
def test_a_default_that_diverged_is_left_without_numbers(make_search, status):
    truth, trials = make_search(trials=3)
    trials[0] = replace(
        trials[0],
        status=status,
        **{
            name: np.full_like(getattr(trials[0], name), np.nan)
            for name in ("row_values", "selection_loss", "validation_loss", "training_loss", "predictions")
        },
    )
    study = study_of(truth, trials)
    assert study.selected.trial != 0
    assert math.isfinite(study.estimate.mean)
    assert math.isnan(study.comparison.difference.mean)
    assert not study.comparison.better
    assert to_json(study)["default"]["validation_loss"]["mean"] is None


def test_the_json_has_its_keys_and_no_holes(make_search):
    found = to_json(study_of(*make_search(task="regression", repeats=2)))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert set(found) == {
        "task", "metric", "rows", "splits", "selection", "default", "selected", "estimate", "comparison", "verdict",
        "ensemble", "trials", "optimism", "nested", "front", "seconds", "stopped", "notes",
    }  # fmt: skip
    assert {"mean", "low", "high", "level", "plain", "optimism"} < set(found["estimate"])
    assert found["estimate"]["score"]["mean"] == pytest.approx(math.sqrt(found["estimate"]["mean"]))


def test_a_score_that_is_higher_when_better_has_its_bounds_in_order(make_search):
    score = to_json(study_of(*make_search(metric="auc")))["estimate"]["score"]
    assert score["low"] <= score["mean"] <= score["high"] <= 1


def test_training_scores_of_numbers_come_from_the_training_loss(make_search):
    truth, trials = make_search(task="regression")
    side = study_of(truth, trials).default
    assert side.training_scores["rmse"] == pytest.approx(math.sqrt(side.training_loss.mean))
    assert side.training_scores["r2"] == pytest.approx(1 - side.training_loss.mean / np.var(truth.target))


def test_an_unknown_rule_is_refused(make_search):
    with pytest.raises(ConfigError, match="selection must be"):
        study_of(*make_search(), selection="worst")


def test_the_best_so_far_never_rises_and_counts_complete_trials_only(make_search):
    _, trials = make_search(trials=6)
    lowest = min(range(6), key=lambda place: trials[place].loss)
    trials[lowest] = replace(trials[lowest], status="dropped")
    found = best_so_far(trials)
    known = [best for best in found if not math.isnan(best)]
    assert known == sorted(known, reverse=True)
    assert min(known) > trials[lowest].loss


@given(st.integers(1, 500))
def test_search_sizes_rise_to_all_trials(count):
    sizes = search_sizes(count)
    assert sizes[0] == 1
    assert sizes[-1] == count
    assert list(sizes) == sorted(set(sizes))
