"""A bound of memory: fleets, workers and trials that are kept follow it, and the report says what was held."""

import numpy as np
import pytest

import evenfit
from evenfit.data.arrays import from_memory
from evenfit.data.splits import make_splits
from evenfit.errors import BudgetError, ConfigError
from evenfit.experiments.heat import Heat
from evenfit.experiments.here import Here
from evenfit.experiments.processes import Processes
from evenfit.experiments.tuning import Planned
from evenfit.runs.options import request_from, to_toml
from evenfit.runs.search import Found, plan_search, run_search
from evenfit.specs.budget import Budget
from evenfit.specs.config import Config
from evenfit.specs.memory import MIB
from evenfit.specs.space import Choice, Space

X = np.random.default_rng(0).normal(size=(120, 4))
Y = X[:, 0] + 0.1 * X[:, 1]
WIDE = 4096
SPACE = Space(
    default=Config(width=8, epochs=2, batch_rows=32, numeric_embedding="none"),
    values={"width": Choice(values=(8, 16, WIDE)), "dropout": Choice(values=(0.0, 0.1, 0.2, 0.3))},
)


def planned(memory, *, trials=30, proposals="random", racing="halving", workers=1):
    table = from_memory(X, Y)
    return plan_search(
        table,
        make_splits(table, folds=5, repeats=1, seed=0, holdout=None),
        metric="rmse",
        budget=Budget(trials=trials),
        workers=workers,
        seed=0,
        selection="best",
        space=SPACE,
        proposals=proposals,
        racing=racing,
        memory=memory,
    )


def found(search, *, before=(), again=(), workers=None):
    heats = []
    seen = run_search(
        search,
        workers or Here(search.problem),
        stop_at=None,
        found=Found(trials={trial.number: trial for trial in before}),
        planned=again,
        tell=lambda event: heats.append(event.heat) if isinstance(event, Planned) else None,
    )
    return seen, heats


def least():
    return planned(2**40).room.needed()


@pytest.mark.parametrize("proposals", ["random", "grid", "near", "portfolio", "tpe", "quasi-random"])
def test_networks_that_do_not_fit_are_passed_over_and_the_search_goes_on(proposals):
    search = planned(least() + 100 * MIB, trials=7, proposals=proposals)
    assert search.room.entries(SPACE.default.with_values(width=WIDE), 8) == 0
    seen, _ = found(search)
    assert len(seen.trials) == 7
    assert {trial.config.width for trial in seen.trials.values()} <= {8, 16}


def test_little_room_makes_small_fleets():
    _, heats = found(planned(None, trials=9))
    assert max(len(heat.entries) for heat in heats) == 8
    search = planned(least(), trials=9)
    most = search.room.entries(SPACE.default.with_values(width=16), 8)
    _, heats = found(search)
    assert max(len(heat.entries) for heat in heats) <= max(1, most) < 8


def test_a_search_ends_where_there_is_no_room_for_more_trials():
    search = planned(least() + MIB, trials=3000)
    seen, heats = found(search)
    assert seen.stopped == "memory"
    assert 1 <= len(seen.trials) < 3000
    held = search.room.footprint.kept(list(seen.trials.values()))
    known = search.room.footprint
    assert held <= search.room.kept() < held + known.trial(SPACE.default) + known.summed(SPACE.default)
    assert all(heat.entries for heat in heats)


@pytest.mark.parametrize("racing", ["halving", "forgiving"])
def test_a_search_that_is_resumed_where_room_was_made_ends_as_if_it_had_not_been_stopped(racing):
    search = planned(least() + 2 * MIB, trials=3000, racing=racing)
    seen, heats = found(search)
    assert len({len(heat.entries) for heat in heats}) > 2
    again = [Heat(round=heat.round, entries=heat.entries) for heat in heats]
    for kept in (1, len(seen.trials) // 2, len(seen.trials) - 2):
        before = [seen.trials[number] for number in sorted(seen.trials)[:kept]]
        rounds = [heat for heat in again if heat.entries[0].number < kept]
        more, _ = found(search, before=before, again=rounds)
        ended, wanted = ({n: (t.config, t.status, t.loss) for n, t in each.trials.items()} for each in (more, seen))
        assert ended == wanted


def test_a_bound_that_is_too_small_is_refused_before_anything_is_trained():
    with pytest.raises(BudgetError, match="memory of 50 MiB is too little: the default config on 5 splits of 120 rows"):
        planned(50 * MIB)


def test_python_bounds_memory_as_the_command_does():
    options = {"budget": "5 trials", "space": SPACE, "seed": 0}
    with pytest.raises(BudgetError, match="memory of 50 MiB is too little"):
        evenfit.tune("mlp", X, Y, **options, memory="50m")
    with pytest.raises(ConfigError, match="a memory is a size with its unit"):
        evenfit.tune("mlp", X, Y, **options, memory="much")
    free, bounded = (evenfit.tune("mlp", X, Y, **options, memory=memory) for memory in (None, "64g"))
    assert [trial.config for trial in free.trials] == [trial.config for trial in bounded.trials]


def test_with_a_bound_that_cuts_one_and_two_workers_try_the_same():
    room = planned(2**40).room
    memory = room.needed() + room.footprint.worker() + 8 * MIB  # cuts fleets and trials
    alone = planned(memory, trials=3000)
    assert alone.room == planned(memory, trials=3000, workers=2).room  # all that heats are cut by
    seen, heats = found(alone)
    assert seen.stopped == "memory"
    with Processes(count=2) as starting:
        search = planned(memory, trials=3000, workers=2)
        more, again = found(search, workers=starting.give(search.problem, stop_at=None))
    assert [heat.entries for heat in again] == [heat.entries for heat in heats]
    wanted, ended = ({n: (t.status, t.loss) for n, t in each.trials.items()} for each in (seen, more))
    assert ended == wanted


@pytest.mark.parametrize("wrong", ["2", "two gigs", 5, True, "0g"])
def test_other_sizes_are_refused(wrong):
    with pytest.raises(ConfigError, match="memory"):
        request_from({"table": "a.csv", "target": "y", "memory": wrong})


def test_a_request_is_written_as_it_is_read():
    request = request_from({"table": "a.csv", "target": "y", "memory": "1.3g"})
    (line,) = [line for line in to_toml(request).splitlines() if line.startswith("memory")]
    assert request_from({"table": "a.csv", "target": "y", "memory": line.split('"')[1]}) == request


def test_batches_that_are_weighed_may_find_nothing_that_fits_where_little_is_left():
    room = planned(2**40).room
    narrow = room.needed() + 3 * room.footprint.trial(SPACE.default)
    for memory in range(
        narrow, narrow + 90 * room.footprint.trial(SPACE.default), 30 * room.footprint.trial(SPACE.default)
    ):
        seen, _ = found(planned(memory, trials=200, proposals="near"))  # whose batches are weighed
        assert seen.stopped in ("memory", "trials")
        assert len(seen.trials) > 1
