"""An ablation trains a config with all it has and without each regulariser, side by side."""

import numpy as np
from sklearn.datasets import load_breast_cancer
from tests.experiments.fakes import FakeWorkers

from evenfit.data.arrays import from_memory
from evenfit.data.splits import make_splits
from evenfit.experiments.ablation import ablate, finished
from evenfit.experiments.heat import Finished
from evenfit.experiments.here import Here
from evenfit.experiments.problem import Problem
from evenfit.experiments.race import seed_of
from evenfit.specs.config import Config

CONFIG = Config(width=16, epochs=3, batch_rows=64, dropout=0.3, l2=0.3, r_drop=1.0, numeric_embedding="none")
NAMES = ("dropout", "l2", "r_drop")


def problem_of():
    X, y = load_breast_cancer(return_X_y=True)
    table = from_memory(X, y)
    return Problem(table=table, splits=make_splits(table, folds=3, repeats=1, seed=0), metric="log_loss", seed=0)


def test_every_worker_takes_its_share_and_each_name_has_its_trial():
    for count in (1, 2, 3, 7):
        workers = FakeWorkers(count)
        events = list(ablate(CONFIG, NAMES, workers=workers))
        whole, without = finished(events, CONFIG.with_values(epochs=1), NAMES)
        assert whole.config == CONFIG
        assert {name: trial.config for name, trial in without.items()} == {
            "dropout": CONFIG.with_values(dropout=0.0, r_drop=0.0),  # no chance is left to agree about
            "l2": CONFIG.with_values(l2=0.0),
            "r_drop": CONFIG.with_values(r_drop=0.0),
        }
        assert len(workers.submitted) == min(count, 4)
        assert all(heat.rungs == () and heat.draw == 1 for heat in workers.submitted)


def test_trials_are_paired_by_seeds_that_no_search_has_used():
    problem = problem_of()
    events = list(ablate(CONFIG, NAMES, workers=Here(problem)))
    whole, without = finished(events, CONFIG, NAMES)
    again, _ = finished(list(ablate(CONFIG, (), workers=Here(problem))), CONFIG, ())
    np.testing.assert_array_equal(whole.selection_loss, again.selection_loss)  # whoever is beside it
    assert len({trial.loss for trial in (whole, *without.values())}) == 4
    search = {seed_of(problem, number) for number in range(3)}
    assert search.isdisjoint({seed_of(problem, number, draw=1) for number in range(3)})


def test_an_ablation_whose_time_is_over_is_none():
    events = list(ablate(CONFIG, NAMES, workers=Here(problem_of()), stop_at=0.0))
    assert not any(isinstance(event, Finished) for event in events)
    assert finished(events, CONFIG, NAMES) is None
