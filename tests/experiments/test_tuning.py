"""Tuning: which configs are tried, in what order, and when it ends; with workers that take no time."""

from dataclasses import replace

import numpy as np
import pytest
from tests.experiments.fakes import COSTS, SPACE, FakeWorkers
from tests.proposals.trials import trial_of

from evenfit.experiments.as_raced import as_raced
from evenfit.experiments.heat import Finished, Heat
from evenfit.experiments.rounds import is_cut
from evenfit.experiments.spending import most_epochs, trained_epochs
from evenfit.experiments.terms import make_entries
from evenfit.experiments.tuning import Ended, Limits, Planned, Terms, tune
from evenfit.proposals.draws import draw_random
from evenfit.proposals.mixed import draw_mixed
from evenfit.proposals.near import draw_near
from evenfit.proposals.ways import WAYS, way_of
from evenfit.specs.racing import RACINGS
from evenfit.specs.space import Choice, Space


def tuned(
    workers,
    *,
    trials=None,
    seconds=None,
    history=(),
    planned=(),
    until=None,
    propose=draw_mixed,
    space=SPACE,
    racing="halving",
):
    """The trials by number and the heats that were planned; ``until`` stops after so many events, as a kill would."""
    limits = Limits(trials=trials, stop_at=seconds, seconds=seconds)
    terms = Terms(space=space, propose=propose, limits=limits, costs=COSTS, seed=5, racing=RACINGS[racing])
    events = tune(terms, workers, history=history, planned=planned, clock=workers.clock)
    found, heats = {}, []
    for count, event in enumerate(events):
        if isinstance(event, Planned):
            heats.append(event.heat)
        if isinstance(event, Finished):
            found[event.trial.number] = event.trial
        if until is not None and count >= until:
            break
    return found, heats


def configs(found):
    return {number: trial.config for number, trial in found.items()}


def test_the_default_is_tried_first_alone_and_is_never_dropped():
    found, heats = tuned(FakeWorkers(2), trials=20)
    assert found[0].config == SPACE.default
    assert heats[0].entries[0].protected
    assert len(heats[0].entries) == 1
    assert not any(entry.protected for heat in heats[1:] for entry in heat.entries)


@pytest.mark.parametrize("trials", [1, 2, 7, 30])
def test_a_budget_in_trials_is_spent_to_the_last_and_no_further(trials):
    found, _ = tuned(FakeWorkers(2), trials=trials)
    assert sorted(found) == list(range(trials))


def test_any_number_of_workers_gives_the_same_study():
    alone, _ = tuned(FakeWorkers(1), trials=60)
    for count in (2, 3, 5):
        together, _ = tuned(FakeWorkers(count), trials=60)
        assert configs(together) == configs(alone)


@pytest.mark.parametrize("until", [0, 1, 3, 9, 25, 44])
def test_a_study_that_was_killed_and_resumed_equals_one_that_was_not(until):
    whole, _ = tuned(FakeWorkers(2), trials=50)
    found, heats = tuned(FakeWorkers(2), trials=50, until=until)
    resumed, _ = tuned(FakeWorkers(2), trials=50, history=list(found.values()), planned=heats)
    assert configs(found | resumed) == configs(whole)


def test_a_resumed_study_does_not_race_again_what_had_ended():
    found, heats = tuned(FakeWorkers(1), trials=50)
    workers = FakeWorkers(1)
    tuned(workers, trials=50, history=list(found.values()), planned=heats)
    assert not workers.submitted


def test_all_configs_of_a_heat_fit_one_fleet():
    _, heats = tuned(FakeWorkers(2), trials=60)
    for heat in heats:
        assert len({(entry.config.shape(), entry.config.inputs, entry.config.epochs) for entry in heat.entries}) == 1


def slow(heat):
    """Seconds of a heat on a machine eight times as slow as the model thinks: the slower, the fewer proposals."""
    return 8 * sum(COSTS.config(entry.config) for entry in heat.entries)


def test_with_a_budget_in_seconds_heats_stop_being_planned_in_time():
    workers = FakeWorkers(1, seconds=slow)
    found, heats = tuned(workers, seconds=30.0)
    assert len(found) > 10
    assert workers.now < 33.0
    assert all(heat.stop_at == 30.0 for heat in workers.submitted)
    assert len({trial.number for trial in found.values()}) == sum(len(heat.entries) for heat in heats)


def test_a_budget_that_is_spent_already_still_tries_the_default():
    workers = FakeWorkers(1, seconds=slow)
    workers.now = 29.9999
    found, _ = tuned(workers, seconds=30.0)
    assert list(found) == [0]


def test_nothing_is_proposed_when_the_time_is_over():
    moments = []

    def propose(*arguments, **options):
        moments.append(workers.now)
        return draw_mixed(*arguments, **options)

    workers = FakeWorkers(1, seconds=lambda heat: 7.0)
    tuned(workers, seconds=30.0, propose=propose)
    assert workers.now > 30.0
    assert moments
    assert max(moments) < 30.0


def test_what_is_too_dear_is_passed_over_while_something_cheap_is_left_and_the_time_is_used():
    listed = [
        SPACE.default.with_values(epochs=epochs, dropout=0.01 * place)
        for place, epochs in enumerate([40_000, 8, 9, 12])
    ]

    def propose(space, history, count, *, shared, seed):
        tried = {trial.config for trial in history}
        return tuple([config for config in listed if config not in tried][:1])

    workers = FakeWorkers(1, seconds=lambda heat: 10.0 if heat.round == 0 else 1.0)
    found, heats = tuned(workers, seconds=30.0, propose=propose)
    cheap = [trial.config for trial in found.values() if trial.config in listed]
    assert set(cheap) == set(listed[1:])
    last = heats[-1].entries[0].config  # at the end the dear one has what is left
    assert 9 < last.epochs < 40_000
    assert last == listed[0].with_values(epochs=last.epochs)


def test_a_timed_study_goes_on_after_the_trials_of_before():
    found, _ = tuned(FakeWorkers(1, seconds=slow), seconds=10.0)
    workers = FakeWorkers(1, seconds=slow)
    more, _ = tuned(workers, seconds=20.0, history=list(found.values()))
    assert 0 not in more
    assert not set(found) & set(more)
    assert {trial.round for trial in more.values()}.isdisjoint({trial.round for trial in found.values()})


SMALL = Space(
    default=SPACE.default,
    values={
        "width": Choice(values=(32, 64)),
        "dropout": Choice(values=(0.0, 0.1, 0.2, 0.3, 0.4)),
        "depth": Choice(values=(1, 2)),
    },
)


def proposing(name):
    """A way of proposing, and a space for it."""
    space = SMALL if name == "grid" else SPACE
    return {"propose": way_of(name, space=space, seed=5, classification=True).draw, "space": space}


@pytest.mark.parametrize("name", WAYS)
def test_whatever_the_proposals_any_number_of_workers_gives_the_same_study(name):
    alone, heats = tuned(FakeWorkers(1), trials=20, **proposing(name))
    together, _ = tuned(FakeWorkers(2), trials=20, **proposing(name))
    assert configs(together) == configs(alone)
    assert len(set(configs(alone).values())) > 10
    resumed, _ = tuned(FakeWorkers(2), trials=20, history=[alone[0], alone[3]], planned=heats[:2], **proposing(name))
    assert configs({0: alone[0], 3: alone[3]} | resumed) == configs(alone)


@pytest.mark.parametrize("limits", [{"trials": 100}, {"seconds": 1000.0}])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_search_ends_where_the_grid_does_and_says_so(limits, count):
    workers = FakeWorkers(count, seconds=slow)
    terms = Terms(
        space=SMALL,
        propose=way_of("grid", space=SMALL, seed=0, classification=True).draw,
        limits=Limits(trials=limits.get("trials"), stop_at=limits.get("seconds"), seconds=limits.get("seconds")),
        costs=COSTS,
        seed=0,
    )
    events = list(tune(terms, workers, clock=workers.clock))
    tried = [event.trial.config for event in events if isinstance(event, Finished)]
    assert len(tried) == len(set(tried)) == 20
    assert events[-1] == Ended(why="exhausted")
    assert sum(isinstance(event, Ended) for event in events) == 1


@pytest.mark.parametrize("trials", [20, 12])
def test_a_grid_that_the_budget_ends_is_not_called_exhausted(trials):
    terms = Terms(
        space=SMALL,
        propose=way_of("grid", space=SMALL, seed=0, classification=True).draw,
        limits=Limits(trials=trials, stop_at=None, seconds=None),
        costs=COSTS,
        seed=0,
    )
    assert list(tune(terms, FakeWorkers(1)))[-1] == Ended(why="trials")


# racing


def terms_of(heats):
    """How heats are raced, and with what, by number."""
    return {heat.round: (heat.entries, heat.rungs, heat.thinning, heat.first, heat.bar) for heat in heats}


def bare(heats):
    """Heats as a store gives them: configs alone."""
    return [Heat(round=heat.round, entries=heat.entries) for heat in heats]


@pytest.mark.parametrize("racing", RACINGS)
def test_any_number_of_workers_races_the_same_heats_alike(racing):
    alone, many = FakeWorkers(1), FakeWorkers(3)
    tuned(alone, trials=60, racing=racing)
    tuned(many, trials=60, racing=racing)
    assert terms_of(alone.submitted) == terms_of(many.submitted)


@pytest.mark.parametrize("racing", RACINGS)
@pytest.mark.parametrize("until", [0, 1, 2, 3, 4, 9, 25, 44])
def test_heats_of_a_killed_study_are_raced_again_as_they_were(racing, until):
    whole = FakeWorkers(2)
    tuned(whole, trials=50, racing=racing)
    found, heats = tuned(FakeWorkers(2), trials=50, racing=racing, until=until)
    again = FakeWorkers(2)
    tuned(again, trials=50, racing=racing, history=list(found.values()), planned=bare(heats))
    wanted = terms_of(whole.submitted)
    assert again.submitted
    for number, heat in terms_of(again.submitted).items():
        assert heat == wanted[number]


@pytest.mark.parametrize("racing", RACINGS)
@pytest.mark.parametrize("kind", ["trials", "seconds"])
def test_the_default_is_raced_by_no_means(racing, kind):
    workers = FakeWorkers(1, seconds=slow)
    tuned(workers, racing=racing, **{kind: 20})
    first = workers.submitted[0]
    assert (first.rungs, first.first) == ((), 0.0)
    assert [entry.protected for entry in first.entries] == [True]


def test_the_bar_is_the_worst_split_of_the_best_complete_trial():
    losses = np.array([[0.9, 0.9, 0.9], [0.1, 0.2, 0.6], [0.2, 0.3, 0.3], [0.3, 0.3, 0.4]])
    known = [trial_of(number, SPACE.default, 0.5, status="complete") for number in range(4)]
    for trial, own in zip(known, losses, strict=True):
        object.__setattr__(trial, "selection_loss", own[None])
        object.__setattr__(trial, "validation_loss", own[None])
    object.__setattr__(known[2], "status", "dropped")
    heat = Heat(round=3, entries=make_entries((SPACE.default, SPACE.default), first=7))
    raced = as_raced(RACINGS["forgiving"], heat, known)
    assert (raced.bar, raced.first) == (0.6, 0.4), "0.267 is lower than 0.3, but of a dropped trial"
    assert as_raced(RACINGS["forgiving"], heat, [known[2]]).first == 0.0, "without an incumbent there is no bar"
    protected = replace(heat, entries=(replace(heat.entries[0], protected=True), heat.entries[1]))
    assert as_raced(RACINGS["forgiving"], protected, known).first == 0.0


@pytest.mark.parametrize("racing", RACINGS)
def test_with_a_budget_in_seconds_heats_of_every_way_end_in_time(racing):
    workers = FakeWorkers(1, seconds=slow)
    found, heats = tuned(workers, seconds=30.0, racing=racing)
    assert len(found) > 5
    assert workers.now < 45.0
    assert all(heat.stop_at == 30.0 for heat in workers.submitted)
    for heat in heats[1:]:
        assert heat.rungs == RACINGS[racing](heat.round).rungs_of(len(heat.entries))


@pytest.mark.parametrize("name", WAYS)
@pytest.mark.parametrize("limits", [{"trials": 12}, {"seconds": 1.0}])
def test_configs_of_a_heat_fit_one_fleet_even_where_its_shape_hangs_on_what_they_do_not_share(name, limits):
    space = Space(
        default=SPACE.default,
        values={"batch_rows": Choice(values=(32, 64)), "dropout": Choice(values=(0.0, 0.1, 0.2, 0.3, 0.4))},
        when={"batch_rows": {"dropout": (0.3, 0.4)}},
    )
    propose = way_of(name, space=space, seed=5, classification=True).draw
    found, heats = tuned(FakeWorkers(1, seconds=slow), propose=propose, space=space, **limits)
    assert len(found) > 3
    for heat in heats:
        assert len({entry.config.shape() for entry in heat.entries}) == 1


# limits


def ended(workers, *, history=(), planned=(), racing="halving", propose=draw_random, **limits):
    """The trials by number, the heats, and what ended the search."""
    known = Limits(**({"trials": None, "stop_at": None, "seconds": None} | limits))
    terms = Terms(space=SPACE, propose=propose, limits=known, costs=COSTS, seed=5, racing=RACINGS[racing])
    events = list(tune(terms, workers, history=history, planned=planned, clock=workers.clock))
    found = {event.trial.number: event.trial for event in events if isinstance(event, Finished)}
    assert [event for event in events if isinstance(event, Ended)] == events[-1:]
    return found, [event.heat for event in events if isinstance(event, Planned)], events[-1].why


@pytest.mark.parametrize("racing", RACINGS)
@pytest.mark.parametrize("trials", [1, 9, 12, 20, 33])
def test_a_search_that_is_extended_tries_what_the_larger_budget_had_tried_at_once(racing, trials):
    whole, _, _ = ended(FakeWorkers(2), trials=40, racing=racing, propose=draw_near)
    found, before, _ = ended(FakeWorkers(1), trials=trials, racing=racing, propose=draw_near)
    most = COSTS.entries
    cut = [heat.round for heat in before if is_cut(heat, racing=RACINGS[racing], most=most)]
    kept = [heat for heat in before if not cut or heat.round < cut[0]]
    history = [found[entry.number] for heat in kept for entry in heat.entries]
    more, _, why = ended(
        FakeWorkers(2), trials=40, racing=racing, propose=draw_near, history=history, planned=bare(kept)
    )
    assert why == "trials"
    assert configs({trial.number: trial for trial in history} | more) == configs(whole)
    for number in found:
        assert found[number].config == whole[number].config  # what a smaller budget tries is the first of the larger's


class Trained(FakeWorkers):
    """Workers whose trials have trained for all their epochs, on all five splits."""

    def trial(self, heat, entry):
        found = super().trial(heat, entry)
        losses = np.repeat(found.selection_loss[:, :1], 5, axis=1)
        return replace(found, epochs=np.array([entry.config.epochs]), selection_loss=losses)


@pytest.mark.parametrize("racing", RACINGS)
@pytest.mark.parametrize("epochs", [80, 400, 1111, 3000])
def test_a_budget_in_epochs_is_not_exceeded_by_any_race_and_any_number_of_workers_spends_it_alike(racing, epochs):
    found, heats, why = ended(Trained(1), epochs=epochs, racing=racing)
    assert why == "epochs"
    assert most_epochs(heats[0], 5) == 80
    together, _, _ = ended(Trained(3), epochs=epochs, racing=racing)
    assert configs(together) == configs(found)
    if racing == "none":  # these workers train all to their ends
        assert epochs - 80 < trained_epochs(list(found.values())) <= epochs


LONG = Space(default=SPACE.default, values=SPACE.values | {"epochs": Choice(values=(4, 16, 64, 256))})


def draw_one(space, history, count, *, shared, seed):
    """One config at a time, as a portfolio has."""
    return draw_random(space, history, 1, shared=shared, seed=seed)


def searched(*, history=(), planned=(), propose, **limits):
    """The trials by number, and the heats, of a space whose configs train for 4 to 256 epochs."""
    known = Limits(**({"trials": None, "stop_at": None, "seconds": None} | limits))
    terms = Terms(space=LONG, propose=propose, limits=known, costs=COSTS, seed=5, racing=RACINGS["none"])
    events = list(tune(terms, Trained(2), history=history, planned=planned))
    found = {event.trial.number: event.trial for event in events if isinstance(event, Finished)}
    return found, [event.heat for event in events if isinstance(event, Planned)]


@pytest.mark.parametrize("propose", [draw_random, draw_one, draw_near])
@pytest.mark.parametrize("limits", [{"epochs": 300}, {"epochs": 1500}, {"epochs": 4000}, {"trials": 7}, {"trials": 20}])
def test_an_extension_keeps_what_no_limit_had_cut_and_tries_what_the_larger_budget_had_tried(propose, limits):
    larger = {"epochs": 9000} if "epochs" in limits else {"trials": 40}
    whole, _ = searched(propose=propose, **larger)
    found, before = searched(propose=propose, **limits)
    first = next((heat.round for heat in before if heat.cut), len(before))
    assert first >= len(before) - 2, "of the last round"
    kept = [heat for heat in before if heat.round < first]
    history = [found[entry.number] for heat in kept for entry in heat.entries]
    more, _ = searched(propose=propose, history=history, planned=bare(kept), **larger)
    assert configs({trial.number: trial for trial in history} | more) == configs(whole)
    if propose is draw_one and "trials" in limits:
        assert len(kept) == len(before), "none of one config was cut"


@pytest.mark.parametrize("epochs", [200, 500, 1234, 3000])
def test_a_config_that_the_epochs_do_not_suffice_for_is_trained_for_those_that_are_left(epochs):
    found, heats = searched(propose=draw_one, epochs=epochs)
    left = epochs - trained_epochs(list(found.values()))
    assert left >= 0
    shortened = [heat for heat in heats if heat.cut]
    assert all(heat is heats[-1] for heat in shortened)
    for heat in shortened:
        assert len(heat.entries) == 1
        assert heat.entries[0].config.epochs not in (4, 16, 64, 256)
        assert left < 5, "a split's epoch is not left over"
    if not shortened:
        assert left < 0.25 * 256 * 5


def test_a_heat_counts_the_epochs_of_those_that_survive_its_rungs():
    entries = make_entries((SPACE.default,) * 8, first=1)
    epochs = SPACE.default.epochs
    assert most_epochs(Heat(round=1, entries=entries, rungs=()), 5) == 8 * 5 * epochs
    assert most_epochs(Heat(round=1, entries=entries), 5) == 5 * (8 * 4 + 4 * 4 + 2 * 8)  # of 16 epochs
    assert most_epochs(Heat(round=1, entries=entries, first=0.4), 5) == 8 * 5 * epochs


@pytest.mark.parametrize("limits", [{"trials": 60}, {"seconds": 20.0, "stop_at": 20.0}])
def test_a_target_ends_a_search_once_a_complete_config_has_reached_it(limits):
    found, _, why = ended(FakeWorkers(1, seconds=slow), target=0.2, **limits)
    assert why == "target"
    assert min(trial.loss for trial in found.values()) <= 0.2
    assert len(found) < 60
    _, _, why = ended(FakeWorkers(1, seconds=slow), target=-1.0, **limits)
    assert why in ("trials", "seconds")


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"trials": 5}, "trials"),
        ({"epochs": 500}, "epochs"),
        ({"trials": 500}, "seconds"),
        ({"epochs": 10**6}, "seconds"),
    ],
)
@pytest.mark.parametrize("rounds", [True, False])
def test_of_several_limits_the_first_that_is_reached_ends_the_search_and_is_named(limits, why, rounds):
    workers = Trained(2, seconds=slow)
    found, _, said = ended(workers, seconds=8.0, stop_at=8.0, rounds=rounds, **limits)
    assert said == why
    assert len(found) <= limits.get("trials", 10**9)
