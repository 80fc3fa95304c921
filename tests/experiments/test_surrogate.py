import math
from dataclasses import replace

import numpy as np
import pytest
from tests.proposals.trials import trial_of

from evenfit.errors import ConfigError, DataError
from evenfit.experiments.surrogate import search_curve
from evenfit.results.trial import DIVERGED
from evenfit.specs.config import Config


def searched(count, *, seed=0, noise=0.05, slope=2.0):
    """Trials of a search that tried high rates with high dropout; the loss is lowest at a rate of 1e-2."""
    generator = np.random.default_rng(seed)
    found = []
    for number in range(count):
        power = generator.uniform(-4, 0)
        dropout = float(np.clip((power + 4) / 8 + 0.1 * generator.standard_normal(), 0, 0.9))
        activation = str(generator.choice(["relu", "mish"]))
        config = Config(learning_rate=10**power, dropout=dropout, activation=activation, epochs=1)
        loss = (power + 2) ** 2 + slope * dropout + 0.7 * (activation == "relu") + noise * generator.standard_normal()
        found.append(trial_of(number, config, loss + 1))
    return found


def curve_of(trials, name):
    return search_curve(trials, name, metric="log_loss", loss="log loss")


def test_the_average_over_a_search_finds_the_best_value_and_is_not_called_controlled():
    found = curve_of(searched(120), "learning_rate")
    assert 3e-3 < found.values[found.best] < 3e-2
    assert found.explained > 0.7
    assert not found.controlled
    assert "average over the search" in found.notes[0]
    assert "on average over the 120 configs of a search" in found.sentence


def test_what_varied_together_with_a_value_is_not_taken_for_its_effect():
    trials = searched(200, slope=0.0)
    found = curve_of(trials, "dropout")
    effect = max(one.mean for one in found.loss_intervals) - min(one.mean for one in found.loss_intervals)
    losses, rates = [trial.loss for trial in trials], [trial.config.dropout for trial in trials]
    apart = [
        np.mean([loss for loss, rate in zip(losses, rates, strict=True) if low <= rate < low + 0.1])
        for low in (0.0, 0.2, 0.4)
    ]
    assert effect < 0.5 * (max(apart) - min(apart))


def test_words_have_a_place_each():
    found = curve_of(searched(80), "activation")
    assert found.values == ("mish", "relu")
    assert found.best == 0
    assert found.differences[1].low > 0


def test_losses_of_noise_are_not_to_be_trusted():
    generator = np.random.default_rng(3)
    trials = [trial_of(n, Config(dropout=n / 100), generator.standard_normal() + 5) for n in range(60)]
    assert any("do not trust this curve" in note for note in curve_of(trials, "dropout").notes)


def test_a_curve_of_a_search_is_the_same_again():
    trials = searched(40)
    assert curve_of(trials, "dropout").loss_intervals == curve_of(trials, "dropout").loss_intervals


def test_trials_without_losses_are_left_out_and_terrible_ones_bounded():
    trials = searched(60)
    trials += [trial_of(60, Config(learning_rate=0.5), math.nan, DIVERGED), trial_of(61, Config(), 1e12)]
    found = curve_of(trials, "learning_rate")
    assert found.trials == 61
    assert max(one.mean for one in found.loss_intervals) < 100
    assert any("without finite losses" in note for note in found.notes)


def test_trials_that_were_dropped_early_do_not_raise_the_curve():
    generator = np.random.default_rng(4)
    trials = []
    for number in range(120):
        epochs = int(generator.choice([1, 2, 4, 8]))
        trial = trial_of(number, Config(dropout=generator.random(), epochs=8), 1 + 5 * (1 - epochs / 8))
        trials.append(replace(trial, epochs=np.array([epochs])))
    assert max(one.mean for one in curve_of(trials, "dropout").loss_intervals) < 2.2  # on average they lost 3.7


@pytest.mark.parametrize(
    ("trials", "name", "error", "message"),
    [
        (searched(5), "dropout", DataError, "needs 12 trials"),
        (searched(20), "width", DataError, "all trials have the same width"),
        (searched(20), "widht", ConfigError, "no value named 'widht'"),
        ([], "width", ConfigError, "without trials"),
    ],
)
def test_a_search_that_cannot_tell_is_one_clear_line(trials, name, error, message):
    with pytest.raises(error, match=message):
        curve_of(trials, name)
