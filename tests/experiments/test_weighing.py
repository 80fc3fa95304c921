"""Weighing: the batch from which most is to be expected a second."""

import numpy as np
import pytest
from tests.experiments.fakes import COSTS, SPACE, FakeWorkers
from tests.proposals.trials import trial_of

from evenfit.experiments.heat import Finished
from evenfit.experiments.tuning import Limits, Planned, Terms, tune
from evenfit.experiments.weighing import LEAST_TRIALS, weigh
from evenfit.proposals.draws import draw_random
from evenfit.proposals.near import draw_near
from evenfit.results.trial import DIVERGED


def loss(config):
    return (np.log10(config.learning_rate) + 2) ** 2 + config.dropout


def history(count):
    drawn = draw_random(SPACE, (), count, shared=(), seed=1)
    return [trial_of(number, config, loss(config)) for number, config in enumerate(drawn)]


def batch(rate, *, width=32, count=4):
    configs = [SPACE.default.with_values(learning_rate=rate * (1 + 0.05 * i), width=width) for i in range(count)]
    return tuple(configs)


def same(config):
    return 1.0


GOOD, BAD = batch(1e-2), batch(9e-2)


@pytest.mark.parametrize("seed", range(5))
def test_of_equal_cost_the_batch_of_lower_loss_is_taken_wherever_it_stands(seed):
    seen = history(60)
    assert weigh(SPACE, seen, [BAD, GOOD, BAD], seconds=same, seed=seed) == 1
    assert weigh(SPACE, seen, [GOOD, BAD], seconds=same, seed=seed) == 0


@pytest.mark.parametrize("seed", range(5))
def test_of_equal_promise_the_cheaper_batch_is_taken(seed):
    batches = [batch(1e-2, width=64), batch(1e-2, width=32)]
    assert weigh(SPACE, history(60), batches, seconds=lambda config: config.width, seed=seed) == 1
    assert weigh(SPACE, history(60), batches[::-1], seconds=lambda config: config.width, seed=seed) == 0


def test_with_little_known_the_first_is_taken():
    batches, few, enough = [batch(1e-2, width=64), batch(1e-2)], history(LEAST_TRIALS - 1), history(LEAST_TRIALS)
    assert weigh(SPACE, few, batches, seconds=lambda config: config.width**9, seed=0) == 0
    assert weigh(SPACE, enough, batches, seconds=lambda config: config.width**9, seed=0) == 1
    broken = [trial_of(t.number, t.config, np.nan, DIVERGED) for t in history(60)]
    assert weigh(SPACE, broken, [BAD, GOOD], seconds=same, seed=0) == 0
    assert weigh(SPACE, history(60), [BAD], seconds=same, seed=0) == 0


def weighed(workers, **options):
    terms = Terms(
        space=SPACE,
        propose=draw_near,
        limits=Limits(trials=options.get("trials"), stop_at=options.get("seconds"), seconds=options.get("seconds")),
        costs=COSTS,
        seed=5,
        weighed=3,
    )
    given = {name: options[name] for name in ("history", "planned") if name in options}
    events = list(tune(terms, workers, clock=workers.clock, **given))
    found = {event.trial.number: event.trial for event in events if isinstance(event, Finished)}
    return found, [event.heat for event in events if isinstance(event, Planned)]


def test_any_number_of_workers_gives_the_same_study_and_so_does_a_resumed_one():
    alone, heats = weighed(FakeWorkers(1), trials=60)
    together, _ = weighed(FakeWorkers(3), trials=60)
    configs = {number: trial.config for number, trial in alone.items()}
    assert {number: trial.config for number, trial in together.items()} == configs
    half = [alone[number] for number in range(30)]
    resumed, _ = weighed(FakeWorkers(2), trials=60, history=half, planned=heats[:4])
    assert configs | {number: trial.config for number, trial in resumed.items()} == configs
    assert set(range(60)) - set(range(30)) <= set(resumed)


def test_a_timed_search_weighs_too_and_ends_in_time():
    workers = FakeWorkers(1, seconds=lambda heat: 8 * sum(COSTS.config(entry.config) for entry in heat.entries))
    found, _ = weighed(workers, seconds=20.0)
    assert len(found) > 10
    assert workers.now < 23
