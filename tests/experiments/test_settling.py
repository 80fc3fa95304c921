"""When a search has settled: what could still be gained is less than what the folds could show."""

from dataclasses import replace

import numpy as np
import pytest
from tests.experiments.fakes import COSTS, SPACE, FakeWorkers
from tests.proposals.trials import trial_of

from evenfit.experiments.settling import LEAST_TRIALS, regret, settled
from evenfit.experiments.tuning import Ended, Limits, Terms, tune
from evenfit.proposals.draws import draw_random
from evenfit.results.trial import DIVERGED


def history(count, *, spread):
    """Trials whose loss follows from their learning rate and dropout, with folds that differ by so much."""
    configs = draw_random(SPACE, (), count, shared=(), seed=3)
    found = []
    for number, config in enumerate(configs):
        loss = (np.log10(config.learning_rate) + 2) ** 2 + config.dropout
        trial = trial_of(number, config, loss)
        object.__setattr__(trial, "selection_loss", trial.selection_loss + np.array([[-spread, spread]]))
        found.append(trial)
    return found


def test_folds_that_differ_much_settle_a_search_and_folds_that_agree_do_not():
    assert settled(SPACE, history(60, spread=3.0), factor=0.75, seed=0)
    assert not settled(SPACE, history(60, spread=0.001), factor=0.75, seed=0)


def test_nothing_is_settled_by_few_trials_or_by_losses_that_are_no_numbers():
    assert not settled(SPACE, history(LEAST_TRIALS - 1, spread=3.0), factor=0.75, seed=0)
    lost = [replace(trial, status=DIVERGED) for trial in history(60, spread=3.0)]
    assert regret(SPACE, lost, factor=0.75, seed=0) is None


def test_the_bound_does_not_know_the_order_of_trials_nor_the_unit_of_losses():
    known = history(60, spread=1.0)
    bound, error = regret(SPACE, known, factor=0.75, seed=0)
    assert bound >= 0
    larger = [replace(trial, selection_loss=1000 * trial.selection_loss) for trial in known]
    assert regret(SPACE, larger, factor=0.75, seed=0) == pytest.approx((1000 * bound, 1000 * error), rel=1e-6)


@pytest.mark.parametrize("count", [1, 2])
def test_a_search_that_has_settled_ends_and_says_so_on_any_number_of_workers(count):
    limits = Limits(trials=200, stop_at=None, seconds=None, settled=lambda trials: len(trials) >= 30)
    terms = Terms(space=SPACE, propose=draw_random, limits=limits, costs=COSTS, seed=5)
    events = list(tune(terms, FakeWorkers(count)))
    assert events[-1] == Ended(why="settled")
    assert sum(hasattr(event, "trial") for event in events) == 33
