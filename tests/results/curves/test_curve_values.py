import json

import numpy as np
import pytest

from evenfit.errors import DataError
from evenfit.results.curves.epoch_curve import epoch_curve
from evenfit.results.curves.learning_curve import learning_curve
from evenfit.results.curves.validation_curve import validation_curve

ROWS = 50 * 2.0 ** (np.arange(9) / 2)
COUNTS = {"training_rows": np.full(10, 800), "validation_rows": np.full(10, 200)}
NOISE = 0.01 * np.random.default_rng(0).standard_normal((10, 9))


def curve_of(losses):
    return learning_curve(ROWS, losses / 2, losses, metric="log_loss", loss="log loss", base=True, **COUNTS)


def test_a_failed_size_is_left_out_of_the_law_and_a_failed_split_too():
    losses = 0.5 + 8 * ROWS**-0.6 + NOISE
    losses[:5, 0] = np.nan  # half of the smallest size
    losses[2, 4] = np.nan  # one split of another
    found = curve_of(losses)
    assert found.extrapolation.twice is not None
    whole = learning_curve(
        ROWS[1:],
        np.delete(losses, 2, axis=0)[:, 1:] / 2,
        np.delete(losses, 2, axis=0)[:, 1:],
        metric="log_loss",
        loss="log loss",
        base=True,
        **{name: count[:9] for name, count in COUNTS.items()},
    )
    assert found.extrapolation.twice == whole.extrapolation.twice


def test_curves_are_plain_values_without_nan():
    losses = 0.5 + 8 * ROWS**-0.6 + NOISE
    losses[:, 0] = np.nan
    found = curve_of(losses).to_json()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["validation"][0]["mean"] is None
    assert found["twice"]["rows"] == 1600


def test_validation_that_ends_at_its_best_epoch_has_not_turned_up():
    noise = np.random.default_rng(1).standard_normal((10, 20))
    flat = epoch_curve(range(1, 21), noise, 1 + 0.1 * noise, loss="log loss", **COUNTS)
    assert not flat.turned_up
    up = epoch_curve(range(1, 21), noise, np.abs(np.arange(20) - 5) + 0.1 * noise, loss="log loss", **COUNTS)
    assert up.best_epoch == 6
    assert up.turned_up


@pytest.mark.statistical
def test_choosing_the_best_epoch_does_not_make_noise_turn_up():
    # The lower end of a 95% interval is above 0 in at most 2.5% of 400 curves that do not change; seeds fixed.
    ups = [
        epoch_curve(
            range(20),
            np.zeros((10, 20)),
            np.random.default_rng(seed).standard_normal((10, 20)),
            loss="log loss",
            **COUNTS,
        ).turned_up
        for seed in range(400)
    ]
    assert np.mean(ups) <= 0.025


def test_differences_to_the_best_value_are_paired():
    generator = np.random.default_rng(0)
    hard = 10 * generator.standard_normal((10, 1))  # what validation rows add to all values
    losses = 100 + hard + np.array([[1.0, 0.0, 0.001]]) + 0.01 * generator.standard_normal((10, 3))
    found = validation_curve("depth", (1, 2, 3), losses, losses, metric="rmse", loss="squared error", **COUNTS)
    assert found.values[found.best] in {2, 3}
    assert found.differences[0].low > 0.9
    assert set(found.as_good) == {2, 3}


def test_a_value_that_failed_on_some_splits_is_not_the_best():
    losses = np.array([[1.0, 0.1], [1.1, 0.2], [1.2, np.nan]])
    counts = {name: count[:3] for name, count in COUNTS.items()}
    found = validation_curve("depth", (1, 2), losses, losses, metric="rmse", loss="squared error", **counts)
    assert found.values[found.best] == 1
    with pytest.raises(DataError, match="no model could be fitted with any value of depth"):
        validation_curve("depth", (1, 2), losses, losses * np.nan, metric="rmse", loss="squared error", **counts)


def test_curves_are_drawn_on_the_axes_that_are_given():
    from matplotlib.figure import Figure

    losses = 0.5 + 8 * ROWS**-0.6 + NOISE
    axes = Figure().add_subplot()
    assert curve_of(losses).plot(ax=axes) is axes
    assert axes.get_xlabel() == "training rows"
    assert "law" in axes.get_legend_handles_labels()[1]
    words = validation_curve(
        "activation", ("relu", "silu"), losses[:, :2], losses[:, :2], metric="log_loss", loss="log loss", **COUNTS
    )
    labels = [tick.get_text() for tick in words.plot(ax=Figure().add_subplot()).get_xticklabels()]
    assert labels == ["relu", "silu"]
