import sys

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from evenfit.errors import ConfigError, DataError
from evenfit.runs.measures.learning_curve import learning_curve
from evenfit.runs.measures.validation_curve import validation_curve
from evenfit.specs.config import Config
from evenfit.specs.training import Training

SMALL = Config(width=16, depth=1, epochs=6, numeric_embedding="none", batch_rows=32)


def linear(rows, columns, *, noise=1.0, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.standard_normal((rows, columns))
    return X, X @ generator.standard_normal(columns) + noise * generator.standard_normal(rows)


def network():
    from torch import nn

    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


def test_the_curve_of_least_squares_is_its_closed_form():
    # Fresh rows lose sigma^2 (1 + d / (n - d - 1)) on average; twice the 480 rows 1.01 of sigma^2 = 1.
    X, y = linear(1800, 10)
    found = learning_curve(LinearRegression(), X, y, repeats=2, workers=1)
    truth = 1 + 10 / (found.rows - 11)
    for interval, loss in zip(found.loss_intervals, truth, strict=True):
        assert interval.low < loss < interval.high
    assert found.extrapolation.twice.low < 1 + 10 / (2 * 1440 - 11) < found.extrapolation.twice.high
    assert "Twice the data, 2,880 training rows, would give" in found.sentence


def test_the_peak_of_least_squares_is_refused_and_placed_where_rows_are_as_many_as_columns():
    X, y = linear(500, 40)
    found = learning_curve(LinearRegression(), X, y, sizes=[10, 20, 30, 41, 60, 100, 200, 400], workers=1)
    assert found.extrapolation.reason == "peak"
    assert "a peak near 41 training rows" in found.sentence
    assert "cannot be said" in found.sentence


def test_a_model_that_learns_nothing_is_refused_as_flat():
    X, y = linear(300, 3)
    found = learning_curve(DummyRegressor(strategy="constant", constant=0.0), X, y, workers=1)
    assert found.extrapolation.reason == "flat"
    assert found.to_json()["twice"]["loss"] is None


@pytest.mark.parametrize("model", [Ridge(), SMALL])
def test_a_curve_is_the_same_for_any_number_of_workers(model):
    X, y = linear(200, 4)
    one, two = (learning_curve(model, X, y, repeats=1, workers=workers) for workers in (1, 2))
    np.testing.assert_array_equal(one.losses, two.losses)
    np.testing.assert_array_equal(one.training, two.training)
    assert one.extrapolation.refusal == two.extrapolation.refusal


def test_a_size_does_not_depend_on_which_others_are_measured():
    X, y = linear(200, 4)
    many = learning_curve(SMALL, X, y, repeats=1, sizes=[20, 40, 80, 160], workers=1)
    few = learning_curve(SMALL, X, y, repeats=1, sizes=[40, 160], workers=1)
    np.testing.assert_array_equal(many.losses[:, [1, 3]], few.losses)


def test_a_network_has_a_curve_over_epochs_too():
    X, y = linear(200, 4)
    found = learning_curve(SMALL, X, y, repeats=1, workers=1)
    assert found.epochs.epochs.tolist() == [1, 2, 3, 4, 5, 6]
    np.testing.assert_allclose(found.epochs.validation[:, -1], found.losses[:, -1], rtol=1e-9)
    np.testing.assert_allclose(found.epochs.training[:, -1], found.training[:, -1], rtol=1e-9)
    assert any("same number of epochs" in note for note in found.notes)


def test_a_network_that_trains_too_long_is_said_to():
    X, y = linear(120, 20, noise=5.0)
    long = SMALL.with_values(width=64, epochs=40, learning_rate=2e-2)
    found = learning_curve(long, X, y, sizes=[1.0], workers=1)
    assert found.epochs.turned_up
    assert "trains too long" in found.notes[0]


def test_a_module_has_both_curves():
    X, y = linear(200, 4)
    training = Training(epochs=4, batch_rows=32)
    found = learning_curve(network, X.astype(np.float32), y, repeats=1, training=training, sizes=[40, 160], workers=1)
    assert np.isfinite(found.losses).all()
    assert found.epochs.epochs.tolist() == [1, 2, 3, 4]
    rates = validation_curve(
        network, X.astype(np.float32), y, name="learning_rate", values=[1e-6, 1e-2], repeats=1, training=training
    )
    assert rates.values[rates.best] == 1e-2


def test_a_metric_of_labels_is_measured_by_its_own_loss():
    X, y = linear(300, 3)
    found = learning_curve(LogisticRegression(), X, (y > 0).astype(int), metric="accuracy", repeats=1, workers=1)
    assert found.loss == "1 - accuracy"
    assert ((found.losses >= 0) & (found.losses <= 1)).all()
    assert np.isnan(found.gap.mean)


def test_rows_of_one_group_join_together():
    X, y = linear(240, 3)
    groups = np.arange(240) // 8
    found = learning_curve(Ridge(), X, y, groups=groups, repeats=1, workers=1)
    assert set(np.round(found.rows * 5) % 8) == {0}


def test_one_class_in_a_training_set_is_said():
    X, _ = linear(200, 3)
    rare = np.zeros(200, int)
    rare[:6] = 1
    found = learning_curve(LogisticRegression(), X, rare, sizes=[5, 10, 20, 40, 160], repeats=1, workers=1)
    assert any("rows of one class only" in note for note in found.notes)


class Broken(Ridge):
    def fit(self, X, y):
        raise RuntimeError("nothing to be done")


def test_an_estimator_that_never_fits_is_one_clear_line():
    X, y = linear(60, 3)
    with pytest.raises(DataError, match="nothing to be done"):
        learning_curve(Broken(), X, y, repeats=1, workers=1)


def test_a_value_of_a_pipelines_step_is_varied_and_the_model_left_as_it_was():
    X, y = linear(60, 40, noise=10.0)
    model = make_pipeline(StandardScaler(), Ridge())
    found = validation_curve(model, X, y, name="ridge__alpha", values=[0.001, 100.0], repeats=1, workers=1)
    assert model.get_params()["ridge__alpha"] == 1.0
    assert found.values[found.best] == 100.0
    assert found.training_intervals[0].mean < found.training_intervals[1].mean
    assert found.controlled


def test_values_of_a_config_are_compared_on_the_same_splits_and_seeds():
    X, y = linear(200, 4)
    both = validation_curve(SMALL, X, y, name="epochs", values=[1, 6], repeats=1, workers=1)
    swapped = validation_curve(SMALL, X, y, name="epochs", values=[6, 1], repeats=1, workers=2)
    np.testing.assert_array_equal(both.losses, swapped.losses[:, ::-1])
    assert both.values[both.best] == 6


@pytest.mark.parametrize(
    ("model", "name", "values", "message"),
    [
        (Ridge(), "alhpa", [1, 2], "did you mean one of alpha"),
        (SMALL, "widht", [1, 2], "did you mean one of width"),
        (SMALL, "width", [8], "at least two"),
        (SMALL, "width", [8, 8], "all different"),
        (SMALL, "width", [8, 0], "width must be a whole number"),
    ],
)
def test_a_hyperparameter_that_cannot_be_varied_is_one_clear_line(model, name, values, message):
    X, y = linear(60, 3)
    with pytest.raises(ConfigError, match=message):
        validation_curve(model, X, y, name=name, values=values)


def test_reading_a_curve_loads_neither_torch_nor_matplotlib():
    import subprocess

    code = "import sys, evenfit.results.curves.learning_curve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    assert not {"torch", "matplotlib", "sklearn"} & set(loaded)


def test_a_stored_run_and_its_study_have_the_same_curve(tmp_path):
    from evenfit.runs.functions import tune
    from evenfit.runs.measures.search_curve import curve_of_run, curve_of_study
    from evenfit.specs.space import Range, Space

    X, y = linear(80, 3)
    space = Space(default=SMALL, values={"learning_rate": Range(low=1e-4, high=1e-1, log=True)})
    study = tune("mlp", X, y, budget="16 trials", space=space, folds=2, metric="r2", store=tmp_path / "runs")
    (run,) = [path for path in (tmp_path / "runs").iterdir() if path.is_dir()]
    stored, known = curve_of_run(run, name="learning_rate"), curve_of_study(study, name="learning_rate")
    assert stored.loss_intervals == known.loss_intervals
    assert stored.training_intervals == known.training_intervals
    assert stored.metric == "r2"
    assert not stored.controlled
