"""Quasi-random: one sequence, more even than chance."""

import numpy as np
import pytest
from scipy.stats import qmc
from tests.proposals.trials import trial_of

from evenfit.experiments.sizing import SHARED
from evenfit.proposals.draws import draw_random
from evenfit.proposals.quasi_random import draw_quasi_random
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

RATES = ("dropout", "input_dropout", "label_smoothing")
SPACE = Space(
    default=Config(),
    values={name: Range(low=0.0, high=0.5) for name in RATES} | {"width": Choice(values=(16, 32, 64, 128))},
)


def drawn(draw, batches, count, **options):
    """Trials of a search of so many batches, the default first."""
    trials = [trial_of(0, SPACE.default, 0.5)]
    for batch in range(1, batches + 1):
        for config in draw(SPACE, trials, count, shared=SHARED, seed=batch, **options):
            trial = trial_of(len(trials), config, 0.5)
            object.__setattr__(trial, "round", batch)
            trials.append(trial)
    return trials


def cube(trials):
    return np.array([[getattr(trial.config, name) / 0.5 for name in RATES] for trial in trials[1:]])


@pytest.mark.parametrize("scramble", range(5))
def test_points_fill_the_space_more_evenly_than_random_ones(scramble):
    even = qmc.discrepancy(cube(drawn(draw_quasi_random, 8, 8, scramble=scramble)))
    chance = [
        qmc.discrepancy(cube(drawn(lambda *a, s=s, **k: draw_random(*a, **k | {"seed": s * 99 + k["seed"]}), 8, 8)))
        for s in range(5)
    ]
    assert even < 0.5 * min(chance)


def test_batches_of_any_size_go_on_with_one_sequence():
    whole = cube(drawn(draw_quasi_random, 1, 24, scramble=3))
    parts = cube(drawn(draw_quasi_random, 8, 3, scramble=3))
    assert np.array_equal(whole, parts)


def test_what_a_batch_shares_takes_every_value_in_as_few_batches_as_there_are_values():
    for scramble in range(5):
        trials = drawn(draw_quasi_random, 8, 8, scramble=scramble)
        widths = [trials[1 + 8 * batch].config.width for batch in range(8)]
        assert sorted(widths[:4]) == sorted(widths[4:]) == [16, 32, 64, 128]


def test_searches_with_other_seeds_have_other_points():
    first, second = (cube(drawn(draw_quasi_random, 2, 8, scramble=scramble)) for scramble in (1, 2))
    assert not np.isclose(first, second).any()
