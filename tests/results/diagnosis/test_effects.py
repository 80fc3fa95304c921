"""Effects: what helps is found, what does nothing is not, and placebos are judged like remedies."""

import numpy as np
import pytest

from evenfit.results.diagnosis.effects import measure_effects, seed_reach

FOLDS, REPEATS, SEEDS = 5, 5, 6
TRAIN, VALIDATE = np.full(FOLDS * REPEATS, 400), np.full(FOLDS * REPEATS, 100)


def losses(rng, *, effects, seed_spread, row_spread=1.0):
    """Losses of the model's copies and of changes, on folds of the same rows, each from seeds of its own."""
    rows = rng.gamma(1.0, row_spread, FOLDS * VALIDATE[0])
    by_split = np.concatenate([rng.permutation(rows).reshape(FOLDS, -1).mean(axis=1) for _ in range(REPEATS)])
    own = by_split + seed_spread * rng.normal(size=(SEEDS, len(by_split)))
    changed = {
        f"c{number}": by_split * (1 + effect) + seed_spread * rng.normal(size=len(by_split))
        for number, effect in enumerate(effects)
    }
    return own, changed


def measured(own, changed):
    return measure_effects(own, changed, training_rows=TRAIN, validation_rows=VALIDATE)


@pytest.mark.statistical
def test_a_placebo_or_an_idle_change_is_found_in_at_most_5_percent_of_runs():
    """2,000 runs of 20 changes that do nothing: the 99.9% upper limit of 5% is 131."""
    rng = np.random.default_rng(1)
    idle, placebo = 0, 0
    for _ in range(2000):
        found = measured(*losses(rng, effects=np.zeros(20), seed_spread=rng.choice([0.01, 0.1, 0.5])))
        idle += any(one.outcome == "helps" for one in found.remedies.values())
        placebo += any(one.outcome == "helps" for one in found.placebos)
    assert idle <= 131
    assert placebo <= 131


def test_a_change_that_helps_by_much_is_found_beside_twenty_that_do_nothing():
    rng = np.random.default_rng(2)
    own, changed = losses(rng, effects=[-0.3, *np.zeros(20)], seed_spread=0.02)
    found = measured(own, changed)
    assert found.remedies["c0"].outcome == "helps"
    assert found.remedies["c0"].change.high < 0
    assert sum(one.outcome == "helps" for one in found.remedies.values()) == 1


def test_a_change_within_a_hundredth_of_the_loss_is_of_no_use():
    rng = np.random.default_rng(3)
    own, changed = losses(rng, effects=[0.0], seed_spread=1e-4)
    assert measured(own, changed).remedies["c0"].outcome == "no use"


def test_a_change_that_diverged_harms():
    rng = np.random.default_rng(4)
    own, changed = losses(rng, effects=[0.0], seed_spread=0.01)
    changed["c0"][3] = np.nan
    assert measured(own, changed).remedies["c0"].outcome == "harms"


def test_a_model_without_copies_has_no_placebos_and_no_spread():
    rng = np.random.default_rng(5)
    own, changed = losses(rng, effects=[-0.5], seed_spread=0.0)
    found = measured(own[:1], changed)
    assert found.placebos == ()
    assert found.spread == 0
    assert found.remedies["c0"].outcome == "helps"


def test_a_mean_effect_within_the_spread_of_seeds_is_not_found():
    own = np.tile(np.linspace(-0.2, 0.2, SEEDS)[:, None], (1, 25)) + np.linspace(1, 1.1, 25)
    changed = {"small": own.mean(axis=0) - 0.05}  # the same on every split: its own interval is no wider than a point
    found = measured(own, changed)
    assert found.remedies["small"].chance < 0.05
    assert seed_reach(found.spread, seeds=SEEDS) > 0.05
    assert found.remedies["small"].outcome != "helps"
