"""Losses of a race at its end: those that were dropped do not look worse for having been dropped early."""

from dataclasses import replace

import numpy as np
import pytest

from evenfit.results.at_the_end import losses_at_the_end
from evenfit.results.trial import COMPLETE, DIVERGED, DROPPED, Trial
from evenfit.specs.config import Config

EPOCHS = np.array([1, 2, 4, 8])


def trial(number, losses, *, status=COMPLETE, heat=1, epochs=EPOCHS):
    losses = np.repeat(np.array(losses, dtype=float)[:, None], 4, axis=1)
    return Trial(
        number=number,
        round=heat,
        config=Config(epochs=8, l1=number / 100),
        status=status,
        epochs=epochs[: len(losses)],
        training_loss=losses,
        validation_loss=losses,
        selection_loss=losses,
        row_values=np.zeros((len(losses), 1, 4, 1), dtype=np.float16),
        best=int(losses[:, 0].argmin()),
        predictions=np.zeros((1, 4, 2)),
        seconds=1.0,
    )


def test_complete_trials_keep_their_own_loss():
    known = [trial(0, [4, 3, 2, 1], heat=0), trial(1, [5, 4, 3, 2.5])]
    assert losses_at_the_end(known).tolist() == [t.loss for t in known]


def test_a_dropped_trial_gains_what_those_of_its_heat_gained_after_it():
    other = trial(0, [9, 9, 9, 0], heat=0)  # gained 9, in another heat
    whole = [trial(1, [4, 3, 2, 1]), trial(2, [4, 3.5, 2, 1.5])]  # after epoch 2: 2 and 2
    gone = trial(3, [6, 5], status=DROPPED)
    assert losses_at_the_end([other, *whole, gone])[3] == pytest.approx(3.0)


def test_a_trial_dropped_anywhere_of_a_shift_of_a_curve_ends_as_if_it_had_gone_on():
    curve = np.array([5.0, 4.0, 2.0, 1.5])
    whole = trial(0, curve)
    for reached in (1, 2, 3):
        gone = trial(1, curve[:reached] + 0.7, status=DROPPED)
        assert losses_at_the_end([whole, gone])[1] == pytest.approx(1.5 + 0.7)


def test_a_trial_of_some_splits_differs_from_the_default_elsewhere_as_there():
    default = trial(0, [1.0] * 4, heat=0)
    default = replace(default, selection_loss=np.tile([1.0, 1.0, 3.0, 3.0], (4, 1)))
    losses = np.tile([1.5, 1.5, np.nan, np.nan], (4, 1))
    gone = replace(trial(1, [9] * 4, status=DROPPED), selection_loss=losses)
    assert losses_at_the_end([default, gone])[1] == pytest.approx(2.5)


def test_a_trial_that_diverged_has_none():
    assert np.isnan(losses_at_the_end([trial(0, [1, 1, 1, 1]), trial(1, [np.nan], status=DIVERGED)])[1])
