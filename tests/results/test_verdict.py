from dataclasses import replace

import numpy as np
import pytest

from evenfit.results.baseline import constant_loss
from evenfit.results.summary import side
from evenfit.results.verdict import judge

SPREAD = np.array([-0.002, 0.001, -0.001, 0.002])


def verdict_of(make_search, *, training, validation, spread=SPREAD, task="binary"):
    """The verdict on curves, given as parts of the constant prediction's loss."""
    truth, trials = make_search(task=task, epochs=len(training))
    constant = constant_loss(truth)
    validation_loss = constant * (np.array(validation)[:, None] + spread)
    trial = replace(
        trials[0],
        training_loss=constant * np.repeat(np.array(training)[:, None], 4, axis=1),
        validation_loss=validation_loss,
        selection_loss=validation_loss,
        best=int(np.argmin(validation)),
    )
    return judge(truth, trial, side(truth, trial))


@pytest.mark.parametrize("task", ["binary", "regression"])
@pytest.mark.parametrize(
    ("training", "validation", "name"),
    [
        ([0.9, 0.6, 0.4, 0.2], [0.9, 0.7, 0.62, 0.60], "overfit"),  # a gap of half the way
        ([0.9, 0.6, 0.4, 0.2], [0.9, 0.70, 0.75, 0.9], "overfit"),  # turned up, a quarter of the way lost
        ([0.9, 0.6, 0.55, 0.5], [0.9, 0.69, 0.68, 0.68], "overfit"),
        ([0.5, 0.2, 0.02, 0.01], [0.5, 0.3, 0.10, 0.09], "overfit"),  # most of a small loss is gap
        ([0.5, 0.2, 0.006, 0.005], [0.5, 0.3, 0.04, 0.04], "balanced"),  # the same of a loss that is almost nothing
        ([0.9, 0.7, 0.64, 0.6], [0.9, 0.72, 0.62, 0.62], "balanced"),  # falls no more, small gap
        ([0.9, 0.8, 0.7, 0.5], [0.9, 0.81, 0.72, 0.52], "underfit"),  # still falling
        ([0.999, 0.995, 0.99, 0.99], [1.0, 1.0, 1.0, 1.0], "underfit"),  # nothing learnt
    ],
)
def test_the_verdict_follows_the_curves(make_search, task, training, validation, name):
    found = verdict_of(make_search, training=training, validation=validation, task=task)
    assert found.name == name
    assert found.sentence.lower().startswith(name)


def test_a_gap_that_may_be_zero_is_not_called_overfit(make_search):
    noisy = np.array([-0.9, 0.9, -0.6, 0.6])
    found = verdict_of(make_search, training=[0.6, 0.5], validation=[0.75, 0.65], spread=noisy)
    assert found.gap.low < 0 < found.gap.mean
    assert found.name == "balanced"


def test_a_curve_that_turned_up_by_chance_is_no_evidence(make_search):
    calm = verdict_of(make_search, training=[0.6, 0.5, 0.4], validation=[0.9, 0.58, 0.64])
    assert calm.name == "overfit"
    truth, trials = make_search(epochs=3)
    constant = constant_loss(truth)
    validation = np.array([[0.9] * 4, [0.58] * 4, [0.58, 0.70, 0.52, 0.76]]) * constant
    trial = replace(
        trials[0],
        training_loss=np.array([[0.6] * 4, [0.5] * 4, [0.4] * 4]) * constant,
        validation_loss=validation,
        best=1,
    )
    assert judge(truth, trial, side(truth, trial)).name == "balanced"


def test_a_diverged_config_is_said_to_have_diverged(make_search):
    found = verdict_of(make_search, training=[np.nan, np.nan], validation=[0.9, 0.9])
    assert "diverged" in found.sentence
