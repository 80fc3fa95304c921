"""Plain configs: tried where the default learns nothing, and nowhere else."""

import numpy as np
import pytest
from tests.proposals.test_portfolio import space_for
from tests.proposals.test_proposals import SHARED
from tests.proposals.trials import trial_of

from evenfit.proposals.plain import LEARNT, RATES, UNLEARNT, PlainFirst, plain_configs
from evenfit.results.trial import DROPPED, PLANNED
from evenfit.specs.config import REGULARISERS, Config
from evenfit.specs.space import Choice, Range, Space

CONSTANT = 0.7
KINDS = ("classification", "regression")


FIRST = PlainFirst(
    constant=CONSTANT,
    epochs=256,
    draw=lambda space, history, count, *, shared, seed: ("draw",),
    then=lambda space, history, count, *, shared, seed: ("then",),
)


def proposed(space, trials, *, count=8):
    return FIRST(space, trials, count, shared=SHARED, seed=1)


@pytest.mark.parametrize("kind", KINDS)
def test_a_default_that_learns_is_followed_as_the_other_way_says(kind):
    space = space_for(kind)
    assert proposed(space, []) == ("draw",)
    assert proposed(space, [trial_of(0, space.default, np.nan, PLANNED)]) == ("draw",)
    for share in (LEARNT, 0.5, UNLEARNT):
        assert proposed(space, [trial_of(0, space.default, share * CONSTANT)]) == ("draw",)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("loss", [1.01 * UNLEARNT * CONSTANT, 2 * CONSTANT, np.nan, np.inf])
def test_a_default_that_learns_nothing_is_followed_by_long_training_without_regularisers(kind, loss):
    space = space_for(kind)
    trials, batches = [trial_of(0, space.default, loss)], []
    while (configs := proposed(space, trials)) != ("then",):
        assert len({tuple(getattr(config, name) for name in SHARED) for config in configs}) == 1
        batches.append(configs)
        trials += [trial_of(len(trials) + place, config, loss) for place, config in enumerate(configs)]
    tried = [config for batch in batches for config in batch]
    assert len(tried) == len(set(tried)) == 2 * len(RATES)
    assert batches[0][0].inputs == space.default.inputs
    for config in tried:
        assert config.epochs == 256
        assert not [name for name in REGULARISERS if getattr(config, name)]
    assert {config.learning_rate for config in batches[0]} == {rate * space.default.learning_rate for rate in RATES}


def test_what_one_of_them_has_learnt_is_followed_from_there_and_not_from_the_default():
    space = space_for("classification")
    trials = [trial_of(0, space.default, CONSTANT)]
    plain = proposed(space, trials)
    learnt = [*trials, trial_of(1, plain[0], 0.5 * CONSTANT)]
    assert proposed(space, learnt) == ("then",)
    dropped = [*trials, trial_of(1, plain[0], 0.5 * CONSTANT, DROPPED)]
    assert proposed(space, dropped)[0] in plain


@pytest.mark.parametrize(("gained", "way"), [(0.5, "then"), (2.0, "draw")])
def test_a_default_that_learns_nearly_all_is_followed_by_the_same_without_regularisers_for_twice_as_long(gained, way):
    space = space_for("classification")
    loss = 0.9 * LEARNT * CONSTANT
    trials = [trial_of(0, space.default, loss)]
    configs = proposed(space, trials)
    assert len(configs) == len(RATES)
    assert {(config.epochs, config.inputs) for config in configs} == {(2 * space.default.epochs, space.default.inputs)}
    assert not [name for config in configs for name in REGULARISERS if getattr(config, name)]
    trials += [trial_of(1 + place, config, gained * loss) for place, config in enumerate(configs)]
    assert proposed(space, trials) == (way,)


def test_a_batch_holds_no_more_than_was_asked_for_and_nothing_is_tried_twice():
    space = space_for("classification")
    trials = [trial_of(0, space.default, CONSTANT)]
    one = proposed(space, trials, count=1)
    assert len(one) == 1
    assert proposed(space, [*trials, trial_of(1, one[0], np.nan, PLANNED)], count=1) not in (one, ("then",))


def test_what_the_space_does_not_vary_stays_the_defaults():
    default = Config(epochs=10, dropout=0.3, l2=0.2, learning_rate=0.01)
    space = Space(default=default, values={"l2": Range(low=0.1, high=1.0), "epochs": Choice(values=(5, 10, 40, 400))})
    (config,) = plain_configs(space, epochs=100)
    assert config == default.with_values(l2=0.1, epochs=40)
    assert plain_configs(space, epochs=1)[0].epochs == 10
    assert plain_configs(Space(default=default, values={}), epochs=100) == ()


def test_epochs_without_steps_are_as_many_as_may_be():
    space = Space(default=Config(epochs=10), values={"epochs": Range(low=1, high=70, whole=True, log=True)})
    assert plain_configs(space, epochs=80)[0].epochs == 70
    assert plain_configs(space, epochs=60)[0].epochs == 60
