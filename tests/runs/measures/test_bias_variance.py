"""Bias and variance of models of every kind, held to closed forms and to what users give wrongly."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from evenfit.errors import ConfigError, DataError
from evenfit.results.decomposition.sweep import BiasVarianceSweep
from evenfit.runs.measures.bias_variance import Options, bias_variance, measure_bias_variance
from evenfit.runs.measures.material import make_material
from evenfit.specs.config import Config

RNG = np.random.default_rng(0)
X = RNG.normal(size=(240, 3))
NUMBERS = X[:, 0] ** 2 + X[:, 1] + 0.3 * RNG.normal(size=240)
CLASSES = np.array(["no", "yes"])[(X[:, 0] + 0.7 * RNG.normal(size=240) > 0).astype(int)]
SMALL = Config(width=8, depth=1, epochs=4, batch_rows=32)


def fresh_noise(inputs, mean, *, noise, replicates, seed):
    """Training sets of fixed inputs with fresh noise."""
    rng = np.random.default_rng(seed)
    return [(inputs, mean + noise * rng.normal(size=len(inputs))) for _ in range(replicates)]


def inside(part, truth, *, widen=1.5):
    """Whether the truth lies in the interval of a part, stretched so that chance seldom decides a test."""
    found = part.corrected
    return found.mean - widen * (found.mean - found.low) <= truth <= found.mean + widen * (found.high - found.mean)


@pytest.mark.parametrize(
    ("model", "y", "loss"),
    [
        (LinearRegression(), NUMBERS, None),
        (LogisticRegression(), CLASSES, "squared"),
        (LogisticRegression(), CLASSES, "log"),
        (DecisionTreeClassifier(max_depth=3), CLASSES, "zero-one"),
        (DecisionTreeClassifier(max_depth=3), CLASSES, "domingos"),
    ],
)
@pytest.mark.parametrize("sampling", ["bootstrap", "disjoint", "out-of-bag"])
@pytest.mark.parametrize("seeds", [1, 2])
def test_parts_add_up_plain_and_corrected(model, y, loss, sampling, seeds):
    found = bias_variance(model, X, y, loss=loss, sampling=sampling, replicates=8, seeds=seeds, workers=1)
    for value in (lambda part: part.plain, lambda part: part.corrected.mean):
        parts = {name: value(part) for name, part in found.parts().items()}
        assert parts["bias_squared"] + parts["variance"] == pytest.approx(parts["loss"], abs=1e-10)
        if found.data is not None:
            assert parts["data"] + parts["seed"] == pytest.approx(parts["variance"], abs=1e-10)
    assert found.includes_noise
    assert found.noise.at_most == found.bias_squared.corrected.high
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize("loss", ["squared", "log", "zero-one", "domingos"])
def test_known_noise_is_taken_out_and_parts_still_add_up(loss):
    chance = 1 / (1 + np.exp(-2 * X[:, 0]))
    known = np.stack([1 - chance, chance], axis=1)
    found = bias_variance(LogisticRegression(), X, CLASSES, loss=loss, replicates=8, noise=known, workers=1)
    for value in (lambda part: part.plain, lambda part: part.corrected.mean):
        whole = value(found.bias_squared) + value(found.variance) + value(found.noise.part)
        assert whole == pytest.approx(value(found.loss), abs=1e-10)
    assert found.noise.source == "known"


@pytest.mark.statistical
def test_nearest_neighbours_have_the_bias_and_variance_of_their_formula():
    # At fixed inputs: bias is f minus the mean of f over the neighbours, variance sigma^2 / k. Error rate below 1%.
    rng = np.random.default_rng(5)
    inputs, where = rng.uniform(-2, 2, (80, 2)), rng.uniform(-2, 2, (60, 2))
    mean, truth = np.sin(2 * inputs[:, 0]) + inputs[:, 1], np.sin(2 * where[:, 0]) + where[:, 1]
    noise, k = 0.5, 4
    nearest = KNeighborsRegressor(k).fit(inputs, mean).predict(where)
    labels = truth + noise * rng.normal(size=60)
    found = bias_variance(
        KNeighborsRegressor(k),
        training_sets=fresh_noise(inputs, mean, noise=noise, replicates=400, seed=6),
        X_test=where,
        y_test=truth,
        noise=0.0,
        workers=1,
    )
    assert found.sampling == "given"
    assert found.bias_squared.corrected.mean == pytest.approx(((truth - nearest) ** 2).mean(), rel=0.03)
    assert found.variance.corrected.mean == pytest.approx(noise**2 / k, rel=0.03)
    noisy = bias_variance(
        KNeighborsRegressor(k),
        training_sets=fresh_noise(inputs, mean, noise=noise, replicates=100, seed=6),
        X_test=where,
        y_test=labels,
        noise=noise**2,
        workers=1,
    )
    assert inside(noisy.bias_squared, ((truth - nearest) ** 2).mean())


@pytest.mark.statistical
def test_ridge_has_the_bias_and_variance_of_its_singular_values():
    # Bias and variance of U diag(d^2 / (d^2 + a)) U' y at its own inputs. Error rate below 1%.
    rng = np.random.default_rng(1)
    inputs, alpha, noise = rng.normal(size=(50, 8)), 15.0, 0.7
    mean = inputs @ rng.normal(size=8) + 0.5 * inputs[:, 0] ** 2
    left, values, _ = np.linalg.svd(inputs, full_matrices=False)
    smoother = left * (values**2 / (values**2 + alpha)) @ left.T
    found = bias_variance(
        Ridge(alpha=alpha, fit_intercept=False),
        training_sets=fresh_noise(inputs, mean, noise=noise, replicates=500, seed=2),
        X_test=inputs,
        y_test=mean,
        workers=1,
    )
    assert found.bias_squared.corrected.mean == pytest.approx(((smoother @ mean - mean) ** 2).mean(), rel=0.03)
    assert found.variance.corrected.mean == pytest.approx(noise**2 * (smoother**2).sum() / 50, rel=0.08)
    assert inside(found.variance, noise**2 * (smoother**2).sum() / 50)


@pytest.mark.statistical
def test_least_squares_has_the_variance_of_its_formula_away_from_as_many_rows_as_columns():
    # sigma^2 d / (n - d - 1) for standard normal inputs. Error rate below 1%.
    rng = np.random.default_rng(3)
    columns, rows = 5, 25
    inputs = rng.normal(size=(rows * 400, columns))
    y = inputs @ np.ones(columns) + rng.normal(size=len(inputs))
    where = rng.normal(size=(400, columns))
    found = bias_variance(
        LinearRegression(fit_intercept=False),
        inputs,
        y,
        sampling="disjoint",
        replicates=400,
        X_test=where,
        y_test=where @ np.ones(columns),
        noise=0.0,
        workers=1,
    )
    assert found.training_rows == rows
    assert found.variance.corrected.mean == pytest.approx(columns / (rows - columns - 1), rel=0.1)
    assert inside(found.variance, columns / (rows - columns - 1))
    assert inside(found.bias_squared, 0.0)


@pytest.mark.statistical
def test_the_peak_of_least_squares_is_found_where_there_are_as_many_rows_as_columns():
    # Loss falls, peaks at n = d and falls again. Error rate below 1%.
    rng = np.random.default_rng(4)
    columns = 20
    inputs = rng.normal(size=(6000, columns))
    y = inputs @ np.linspace(0, 1, columns) + 0.5 * rng.normal(size=6000)
    where = rng.normal(size=(300, columns))
    found = bias_variance(
        LinearRegression(fit_intercept=False),
        inputs,
        y,
        sampling="disjoint",
        replicates=50,
        X_test=where,
        y_test=where @ np.linspace(0, 1, columns),
        over={"rows": [5, 10, 20, 40, 100]},
        workers=1,
    )
    assert isinstance(found, BiasVarianceSweep)
    losses = [point.loss.corrected.mean for point in found.points]
    assert found.values[int(np.argmax(losses))] == columns
    assert found.variance_shape.kind == "peak"
    assert found.values[found.variance_shape.peak] == columns
    assert "rises to" in found.sentences[1]


def test_no_double_descent_is_named_where_there_is_none():
    found = bias_variance(
        DecisionTreeRegressor(), X, NUMBERS, replicates=20, over={"max_depth": [1, 2, 3, 5, 8]}, workers=1
    )
    assert found.loss_shape.kind == "none"
    assert "no double descent was shown" in found.sentences[0]
    assert [point.variance.corrected.mean > 0 for point in found.points] == [True] * 5
    json.dumps(found.to_json(), allow_nan=False)


@pytest.mark.parametrize(("loss", "y"), [("squared", NUMBERS), ("log", CLASSES)])
def test_a_config_is_measured_in_fleets_the_same_whatever_the_workers(loss, y):
    one, two = (
        bias_variance(SMALL, X, y, loss=loss, replicates=6, seeds=2, workers=workers).to_json() for workers in (1, 2)
    )
    assert one == two
    assert one["parts"]["seed"]["mean"] > 0


def test_a_factory_of_modules_is_measured():
    torch = pytest.importorskip("torch")
    from evenfit.specs.training import Training

    found = bias_variance(
        lambda: torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2)),
        X.astype(np.float32),
        CLASSES,
        replicates=4,
        training=Training(epochs=3),
        workers=1,
    )
    assert found.replicates == 4
    assert found.loss_name == "log"


def test_a_sweep_over_a_config_pairs_its_points_and_draws_them():
    found = bias_variance(SMALL, X, NUMBERS, replicates=5, over={"width": [16, 4]}, workers=1)
    assert found.values == (4, 16)
    axes = found.plot()
    assert axes.get_xlabel() == "width"
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"bias² and noise", "variance", "loss"}
    assert found.points[0].plot().get_xlabel().startswith("squared loss")


def test_a_sweep_that_is_stopped_keeps_the_values_that_it_reached():
    done = []
    material = make_material(Ridge(), X, NUMBERS, training_sets=None, test=None, task=None, groups=None, training=None)

    def measured(fits):
        done.clear()
        return measure_bias_variance(
            material,
            Options(replicates=4, over={"alpha": [1.0, 0.1, 10.0]}),
            workers=1,
            tell=lambda *count: done.append(count),
            stop=lambda: len(done) >= fits,
        )

    found = measured(7)
    assert found.values == (0.1, 1.0)
    assert found.points[0].replicates == 3
    assert "not reached: alpha 10.0" in found.notes
    with pytest.raises(DataError, match="at least 2 replicates must be fitted before the end; 1 were"):
        measured(1)


def test_pipelines_and_data_frames_are_measured():
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    model = make_pipeline(StandardScaler(), KNeighborsClassifier())
    found = bias_variance(model, frame, pd.Series(CLASSES), replicates=5, workers=1)
    again = bias_variance(model, X, CLASSES, replicates=5, workers=1)
    assert found.loss == again.loss


def test_noise_is_measured_where_rows_are_repeated():
    rng = np.random.default_rng(2)
    inputs = np.repeat(rng.normal(size=(150, 2)), 2, axis=0)
    y = inputs[:, 0] + 0.5 * rng.normal(size=300)
    found = bias_variance(
        Ridge(), inputs, y, replicates=10, noise="repeated", groups=np.repeat(range(150), 2), workers=1
    )
    assert found.noise.source == "replicated"
    assert (found.noise.groups, found.noise.rows) == (150, 300)
    assert inside(found.noise.part, 0.25)
    assert found.noise.part.corrected.low < found.noise.part.corrected.mean < found.noise.at_most
    with pytest.raises(DataError, match="at least 5 rows are repeated"):
        bias_variance(Ridge(), X, NUMBERS, replicates=3, noise="repeated", workers=1)


def test_the_maps_say_which_rows_carry_the_parts():
    found = bias_variance(LinearRegression(), X, NUMBERS, replicates=10, workers=1)
    maps = found.maps
    assert len(maps.numbers) == found.rows == 60
    for name in ("loss", "bias_squared", "variance"):
        mean = found.parts()[name].corrected.mean
        assert getattr(maps, name).mean() == pytest.approx(mean, abs=1e-12)
        assert getattr(maps, f"replicate_{name}").mean() == pytest.approx(mean, abs=1e-12)


def test_constant_predictions_have_no_variance_beyond_the_means_and_are_said():
    found = bias_variance(DummyRegressor(strategy="constant", constant=1.0), X, NUMBERS, replicates=5, workers=1)
    assert found.variance.corrected.mean == 0
    assert (found.variance.corrected.low, found.variance.corrected.high) == (0, 0)
    assert any("5 of 5 fits predict the same for every row" in note for note in found.notes)


class Failing(DecisionTreeRegressor):
    """Fails on some training sets."""

    def fit(self, X, y, **options):
        if X[:, 0].sum() > 0:
            raise ValueError("this training set is not to its taste")
        return super().fit(X, y, **options)


def test_fits_that_fail_midway_are_said_counted_and_the_rest_kept():
    found = bias_variance(Failing(), X - X.mean(axis=0), NUMBERS, replicates=20, workers=1)
    assert 2 <= found.replicates < 20
    assert found.replicates + len(found.failures) == 20
    assert "not to its taste" in found.failures[0]
    assert len(found.maps.replicate_numbers) == found.replicates


def test_test_rows_that_are_training_rows_are_warned_of():
    with pytest.warns(UserWarning, match="20 of 20 rows to judge by equal a training row"):
        bias_variance(LinearRegression(), X, NUMBERS, X_test=X[:20], y_test=NUMBERS[:20], replicates=3, workers=1)


def test_classes_that_a_training_set_lacks_are_said():
    rare = np.array(["a", "b", "c"])[np.r_[np.repeat([0, 1], 118), np.repeat(2, 4)]]
    found = bias_variance(DecisionTreeClassifier(), X, rare, sampling="disjoint", replicates=20, workers=1)
    assert any("lack a class (c)" in note for note in found.notes)


def test_a_replicate_of_few_rows_is_said():
    found = bias_variance(DummyRegressor(), X, NUMBERS, sampling="disjoint", replicates=50, workers=1)
    assert any("trains on only 3 rows" in note for note in found.notes)


class Restless(DecisionTreeRegressor):
    """Draws from a generator of its own."""

    generator = np.random.default_rng(0)

    def predict(self, X):
        return super().predict(X) + self.generator.normal(size=len(X))


def test_models_that_do_not_repeat_are_said():
    assert any(
        "does not repeat" in note for note in bias_variance(Restless(), X, NUMBERS, replicates=3, workers=1).notes
    )


def test_the_chance_in_training_is_its_own_part():
    forest = RandomForestRegressor(n_estimators=2, max_features=1)
    found = bias_variance(forest, X, NUMBERS, replicates=8, seeds=3, workers=1)
    still = bias_variance(LinearRegression(), X, NUMBERS, replicates=8, seeds=3, workers=1)
    assert found.seed.corrected.low > 0
    assert still.seed.corrected.mean == pytest.approx(0, abs=1e-20)
    assert still.data.corrected.mean == pytest.approx(still.variance.corrected.mean)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"replicates": "9"}, ConfigError, "replicates must be a whole number, got '9'"),
        ({"sampling": "disjoint", "groups": np.arange(240) // 8}, ConfigError, "as many groups to train on; there are"),
        ({"replicates": 1}, ConfigError, "at least 2: one alone has no variance"),
        ({"sampling": "jackknife"}, ConfigError, "sampling must be one of"),
        ({"seeds": 0}, ConfigError, "seeds must be at least 1"),
        ({"seed": -1}, ConfigError, "seed must be at least 0"),
        ({"workers": 0}, ConfigError, "workers must be at least 1"),
        ({"loss": "log"}, ConfigError, "loss of a quantity must be squared, got 'log'"),
        ({"loss": "absolute"}, ConfigError, "loss must be one of"),
        ({"sampling": "disjoint", "rows": 100}, ConfigError, "50 disjoint replicates of 100 rows need 5,000"),
        ({"noise": -1.0}, ConfigError, "noise must be finite"),
        ({"noise": [0.1, 0.2]}, ConfigError, "one variance, or one for each"),
        ({"noise": "lots"}, ConfigError, "noise must be numbers, or 'repeated'"),
        ({"over": {"fit_intercept": []}}, ConfigError, "over must name one hyperparameter"),
        ({"over": {"width": [1]}}, ConfigError, "no parameter named 'width'"),
        ({"over": {"rows": [5, 500]}}, ConfigError, "between 2 and 180"),
        ({"X_test": X}, DataError, "y_test must be given"),
        ({"sampling": "out-of-bag", "X_test": X, "y_test": NUMBERS}, ConfigError, "leave X_test out"),
        ({"training_sets": [(X, NUMBERS)]}, DataError, "at least 2 training sets"),
        ({"training_sets": [(X, NUMBERS)] * 2, "groups": range(240)}, ConfigError, "have none"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_line(options, error, message):
    with pytest.raises(error, match=message):
        bias_variance(LinearRegression(), X, NUMBERS, **options)


def test_rows_must_be_given():
    with pytest.raises(DataError, match="X and y must be given, or training_sets"):
        bias_variance(LinearRegression())
    with pytest.raises(DataError, match="to be judged by"):
        bias_variance(LinearRegression(), training_sets=[(X, NUMBERS)] * 2)
