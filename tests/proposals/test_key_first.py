"""Key hyperparameters first: a few names at first, others where they pay."""

import pytest
from tests.proposals.test_proposals import COCKTAIL, SHARED
from tests.proposals.trials import trial_of

from evenfit.proposals.draws import draw_random
from evenfit.proposals.key_first import ALONE, GROUPS, KEY, TRIED, KeyFirst, searched
from evenfit.results.trial import DROPPED
from evenfit.specs.config import Config
from evenfit.specs.space import Range, Space

DRAW = KeyFirst(draw=draw_random)
DEFAULT = COCKTAIL.default


def trials_with(changes, count, *, first, loss):
    """Trials that vary learning rate and these values."""
    return [
        trial_of(first + place, DEFAULT.with_values(learning_rate=1e-3 * (1 + place), **changes), loss)
        for place in range(count)
    ]


def differing(configs):
    return {name for config in configs for name in DEFAULT.to_json() if getattr(config, name) != getattr(DEFAULT, name)}


@pytest.mark.parametrize("known", [0, 1, ALONE])
def test_the_first_batches_vary_the_key_hyperparameters_alone(known):
    seen = [trial_of(0, DEFAULT, 1.0), *trials_with({}, max(0, known - 1), first=1, loss=0.9)]
    configs = [c for seed in range(8) for c in DRAW(COCKTAIL, seen, 8, shared=SHARED, seed=seed)]
    assert differing(configs) == set(KEY)


def test_a_group_that_pays_stays_and_one_that_does_not_goes_and_all_return_in_the_end():
    seen = [trial_of(0, DEFAULT, 1.0), *trials_with({}, ALONE, first=1, loss=0.9)]
    assert searched(COCKTAIL, seen, seed=0) == {*KEY, *GROUPS[0]}
    paid = [*seen, *trials_with({"depth": 1}, TRIED, first=50, loss=0.5)]
    assert searched(COCKTAIL, paid, seed=0) & set(GROUPS[0])
    assert searched(COCKTAIL, paid, seed=0) & set(GROUPS[1])  # whose turn it is
    lost = [*seen, *trials_with({"depth": 1}, TRIED, first=50, loss=0.95)]
    assert not searched(COCKTAIL, lost, seed=0) & set(GROUPS[0])
    assert searched(COCKTAIL, lost, seed=0) & set(GROUPS[1])
    for place, changes in enumerate(({"schedule": "coslog4"}, {"activation": "relu"}, {"mixup": 0.5})):
        lost += trials_with(changes, TRIED, first=100 * (place + 1), loss=0.95)
    assert searched(COCKTAIL, lost, seed=0) == set(KEY)
    assert searched(COCKTAIL, lost, seed=1) == set(COCKTAIL.values)


def test_a_trial_that_lost_a_race_was_tried_and_did_not_pay():
    seen = [trial_of(0, DEFAULT, 1.0), *trials_with({}, ALONE, first=1, loss=0.9)]
    dropped = [
        trial_of(50 + t.number, t.config, 0.1, DROPPED) for t in trials_with({"depth": 1}, TRIED, first=0, loss=0.1)
    ]
    assert not searched(COCKTAIL, seen + dropped, seed=0) & set(GROUPS[0])


def test_a_space_without_key_hyperparameters_is_searched_whole():
    space = Space(default=Config(), values={"momentum": Range(low=0.1, high=0.9)})
    assert searched(space, (), seed=0) == {"momentum"}
