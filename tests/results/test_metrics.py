import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from evenfit.errors import ConfigError
from evenfit.results.metrics import (
    METRICS,
    default_metric,
    metric_of,
    scores,
    shares,
    split_losses,
    unit,
)
from evenfit.results.row_values import base_loss

CASES = [(metric.name, task) for metric in METRICS.values() for task in metric.tasks]
CLASSES = {"binary": 2, "multiclass": 4, "regression": 1}
EVERY_METRIC = pytest.mark.parametrize(("name", "task"), CASES)
SEEDS = st.integers(0, 2**20)


def table(task: str, *, rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Predictions [N, K] and a target [N] that has every class."""
    rng = np.random.default_rng(seed)
    if task == "regression":
        target = rng.normal(size=rows) * 1e6 + 5e6
        return (target + rng.normal(size=rows) * 7e5)[:, None], target
    target = rng.permutation(rows) % CLASSES[task]
    logits = rng.normal(size=(rows, CLASSES[task])) + np.eye(CLASSES[task])[target]
    return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)), target


def by_sklearn(name: str, predictions: np.ndarray, target: np.ndarray) -> float:
    """The loss of the metric by scikit-learn's functions."""
    if predictions.shape[1] == 1:
        judges = {"rmse": "mean_squared_error", "mae": "mean_absolute_error", "r2": "r2_score"}
        score = getattr(sklearn_metrics, judges[name])(target, predictions[:, 0])
        return 1 - score if name == "r2" else score
    probability = np.exp(predictions)
    probability /= probability.sum(axis=1, keepdims=True)
    labels = probability.argmax(axis=1)
    binary = predictions.shape[1] == 2
    if name == "log_loss":
        return sklearn_metrics.log_loss(target, probability)
    if name == "accuracy":
        return 1 - sklearn_metrics.accuracy_score(target, labels)
    if name == "balanced_accuracy":
        return 1 - sklearn_metrics.balanced_accuracy_score(target, labels)
    if name == "f1":
        return 1 - sklearn_metrics.f1_score(target, labels, average="binary" if binary else "macro")
    return 1 - sklearn_metrics.roc_auc_score(
        target, probability[:, 1] if binary else probability, multi_class="ovr", average="macro"
    )


@EVERY_METRIC
@given(rows=st.integers(12, 60), seed=SEEDS)
def test_a_metric_agrees_with_scikit_learn(name, task, rows, seed):
    predictions, target = table(task, rows=rows, seed=seed)
    metric = METRICS[name]
    loss = metric.loss(metric.values(predictions, target), target, None)
    assert loss.shape == (1,)
    assert loss[0] == pytest.approx(by_sklearn(name, predictions, target), rel=1e-5, abs=1e-6)


@EVERY_METRIC
@given(rows=st.integers(12, 40), seed=SEEDS)
def test_weights_do_what_repeated_rows_do(name, task, rows, seed):
    predictions, target = table(task, rows=rows, seed=seed)
    weights = np.random.default_rng(seed).integers(0, 4, size=(3, rows))
    metric = METRICS[name]
    values = metric.values(predictions, target)
    weighted = metric.loss(values, target, weights)
    for each, loss in zip(weights, weighted, strict=True):
        repeated = np.repeat(np.arange(rows), each)
        # The target of the whole table stays, so the rows are chosen from copies of it all.
        copies = np.concatenate([repeated, np.arange(rows)])
        chosen = np.concatenate([np.ones(len(repeated)), np.zeros(rows)])[None]
        if metric.additive:
            scale = target.std() ** {"rmse": 2, "mae": 1}.get(name, 0)
            expected = values[repeated, 0].mean(dtype=np.float64) * scale
        else:
            expected = metric.loss(values[copies], target[copies], chosen)[0]
        assert loss == pytest.approx(expected, rel=1e-6, nan_ok=True)


@EVERY_METRIC
@given(seed=SEEDS)
def test_rows_that_were_never_validated_are_left_out(name, task, seed):
    predictions, target = table(task, rows=40, seed=seed)
    metric = METRICS[name]
    values = metric.values(predictions, target)
    holes = predictions.copy()
    holes[::3] = np.nan
    kept = np.ones(40, dtype=bool)
    kept[::3] = False
    found = metric.loss(metric.values(holes, target), target, None)
    assert found == pytest.approx(metric.loss(values, target, kept[None].astype(float)))


@EVERY_METRIC
def test_values_survive_half_precision(name, task):
    predictions, target = table(task, rows=2000, seed=3)
    metric = METRICS[name]
    values = metric.values(predictions, target)
    half = values.astype(np.float16)
    assert np.isfinite(half).all()
    whole, rounded = metric.loss(values, target, None), metric.loss(half, target, None)
    assert rounded == pytest.approx(whole, rel=2e-4, abs=1e-4)


@EVERY_METRIC
def test_extreme_predictions_have_finite_values_and_nan_stays(name, task):
    predictions, target = table(task, rows=8, seed=4)
    predictions[0] = -1e30 if task != "regression" else 1e300
    predictions[1] = np.nan
    with np.errstate(over="ignore"):
        values = METRICS[name].values(predictions, target).astype(np.float16)
    assert np.isfinite(values[0]).all()
    assert np.isnan(values[1]).all()


@EVERY_METRIC
@given(seed=SEEDS)
def test_the_mean_of_the_shares_is_the_loss(name, task, seed):
    predictions, target = table(task, rows=50, seed=seed)
    metric = METRICS[name]
    values = metric.values(predictions, target)
    found = shares(metric, values[None], target, np.arange(50))
    assert found.shape == (1, 50)
    mean = found.mean(dtype=np.float64) * unit(metric, target)
    assert mean == pytest.approx(metric.loss(values, target, None)[0], rel=1e-4, abs=1e-5)


@EVERY_METRIC
def test_weighted_means_of_shares_come_near_the_weighted_loss(name, task):
    predictions, target = table(task, rows=1500, seed=5)
    metric = METRICS[name]
    values = metric.values(predictions, target)
    weights = np.random.default_rng(0).poisson(1, size=(50, 1500))
    exact = metric.loss(values, target, weights)
    found = shares(metric, values[None], target, np.arange(1500))[0] * unit(metric, target)
    near = weights @ found / weights.sum(axis=1)
    assert np.corrcoef(exact, near)[0, 1] > 0.98
    assert np.abs(exact - near).max() < 0.2 * exact.std() + 1e-6 * exact.mean()


@given(seed=SEEDS, factor=st.sampled_from([1e-3, 1.0, 1e6]))
def test_rmse_and_mae_are_in_the_units_of_the_target(seed, factor):
    predictions, target = table("regression", rows=30, seed=seed)
    for name, power in (("rmse", 2), ("mae", 1), ("r2", 0)):
        metric = METRICS[name]
        loss = metric.loss(metric.values(predictions, target), target, None)
        scaled = metric.loss(metric.values(predictions * factor, target * factor), target * factor, None)
        assert scaled == pytest.approx(loss * factor**power, rel=1e-5)


@EVERY_METRIC
@given(seed=SEEDS)
def test_split_losses_judge_each_split_by_its_own_rows(name, task, seed):
    predictions, target = table(task, rows=60, seed=seed)
    metric = METRICS[name]
    values = np.stack([metric.values(predictions, target)] * 2)[:, None]  # [E, R, N, C]
    split_of = np.random.default_rng(seed).permutation(60)[None] % 3
    split_of[0, 0] = -1
    losses = split_losses(metric, values, target, split_of)
    assert losses.shape == (2, 3)
    weights = (split_of[0] == np.arange(3)[:, None]).astype(float)
    assert losses[1] == pytest.approx(metric.loss(values[0, 0], target, weights), rel=1e-6)


def test_a_split_that_cannot_be_judged_takes_the_mean_of_the_others():
    target = np.array([0, 1, 0, 1, 1, 1])
    values = np.array([0.0, 1.0, 2.0, 1.0, 0.0, 0.0])[None, :, None]
    losses = split_losses(METRICS["auc"], values, target, np.array([[0, 0, 1, 1, 2, 2]]))
    assert losses.tolist() == [0.0, 1.0, 0.5]


@EVERY_METRIC
def test_a_split_with_a_diverged_prediction_has_no_loss(name, task):
    predictions, target = table(task, rows=40, seed=6)
    predictions[0] = np.nan
    metric = METRICS[name]
    split_of = np.arange(40)[None] // 4 % 2
    losses = split_losses(metric, metric.values(predictions, target)[None], target, split_of)
    assert math.isnan(losses[0])
    assert math.isfinite(losses[1])


@EVERY_METRIC
def test_a_class_that_a_split_lacks_breaks_nothing(name, task):
    predictions, target = table(task, rows=40, seed=7)
    metric = METRICS[name]
    split_of = (np.asarray(target) == target.max()).astype(int)[None]
    losses = split_losses(metric, metric.values(predictions, target)[None], target, split_of)
    # AUC of two classes, each alone in its split, cannot be had at all.
    assert np.isfinite(losses).all() or (name, task) == ("auc", "binary")


@given(seed=SEEDS)
def test_ties_count_half_in_auc(seed):
    rng = np.random.default_rng(seed)
    ranking, target = rng.integers(0, 3, size=30).astype(np.float32), rng.permutation(30) % 2
    metric = METRICS["auc"]
    expected = 1 - sklearn_metrics.roc_auc_score(target, ranking)
    assert metric.loss(ranking[:, None], target, None)[0] == pytest.approx(expected)
    assert shares(metric, ranking[None, :, None], target, np.arange(30)).mean() == pytest.approx(expected, abs=1e-5)


def test_scores_are_those_of_scikit_learn():
    predictions, target = table("binary", rows=50, seed=8)
    found = scores("binary", np.stack([predictions, predictions]), target)
    assert found["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(target, predictions[:, 1] - predictions[:, 0]))
    assert found["accuracy"] == pytest.approx(np.mean(predictions.argmax(1) == target))
    predictions, target = table("regression", rows=50, seed=8)
    found = scores("regression", predictions, target)
    assert found["rmse"] == pytest.approx(sklearn_metrics.root_mean_squared_error(target, predictions[:, 0]))
    assert found["r2"] == pytest.approx(sklearn_metrics.r2_score(target, predictions[:, 0]))


def test_base_loss_is_log_loss_or_squared_error():
    predictions, target = table("multiclass", rows=30, seed=9)
    assert base_loss(predictions, target).mean() == pytest.approx(by_sklearn("log_loss", predictions, target))
    stacked = np.stack([predictions, predictions])
    assert base_loss(stacked, target).shape == (2, 30)


def test_the_default_metric_fits_its_task():
    for task in CLASSES:
        assert task in METRICS[default_metric(task)].tasks


def test_an_unknown_metric_is_refused_with_those_that_fit():
    with pytest.raises(ConfigError, match="metric for regression must be one of rmse, mae, r2; got 'auc'"):
        metric_of("auc", task="regression")
