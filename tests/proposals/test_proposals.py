"""What all ways of proposing configs have in common, and what each is for."""

import numpy as np
import pytest
from tests.proposals.trials import trial_of

from evenfit.data.encodings import InputShape
from evenfit.experiments.sizing import SHARED, make_space
from evenfit.proposals.draws import draw_random
from evenfit.proposals.gp import draw_gp
from evenfit.proposals.near import draw_near
from evenfit.proposals.tpe import WARM_UP, draw_tpe
from evenfit.proposals.ways import WAYS as ALL_WAYS
from evenfit.results.trial import DIVERGED, DROPPED, PLANNED
from evenfit.specs.config import REGULARISERS, Config
from evenfit.specs.space import Above, Choice, Range, Space

SPACE = Space(
    default=Config(width=64, dropout=0.2, l2=0.01),
    values={
        "width": Choice(values=(32, 64, 128)),
        "epochs": Choice(values=(8, 64)),
        "learning_rate": Range(low=1e-4, high=1e-1, log=True),
        "dropout": Range(low=0.05, high=0.5, zero=0.2),
        "l1": Range(low=1e-4, high=1.0, log=True, zero=0.5),
        "l2": Range(low=1e-4, high=1.0, log=True),
        "depth": Range(low=1, high=3, whole=True),
    },
)
WAYS = {name: way.draw for name, way in ALL_WAYS.items() if name != "grid"}  # which has tests of its own
BLIND = ("quasi-random", "portfolio")  # a batch's seed has no part in it, or only where it fills a fleet


def history(count, loss=lambda config: config.dropout):
    drawn = [config for seed in range(count) for config in draw_random(SPACE, (), 1, shared=SHARED, seed=seed)]
    return [trial_of(number, config, loss(config)) for number, config in enumerate(drawn)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("known", [0, 2, WARM_UP + 8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_batch_lies_in_the_space_and_shares_what_shapes_a_fleet(way, known, seed):
    configs = WAYS[way](SPACE, history(known), 8, shared=SHARED, seed=seed)
    assert len(configs) == 8 or (way == "portfolio" and 1 <= len(configs) < 8)  # which is not filled up
    for config in configs:
        assert config.width in (32, 64, 128)
        assert config.epochs in (8, 64)
        assert 1e-4 <= config.learning_rate <= 1e-1
        assert config.dropout == 0 or 0.05 <= config.dropout <= 0.5
        assert config.l1 == 0 or 1e-4 <= config.l1 <= 1
        assert config.depth in (1, 2, 3)
        assert config.momentum == SPACE.default.momentum
    assert len({tuple(getattr(config, name) for name in SHARED) for config in configs}) == 1
    assert len(set(configs)) > 1 or len(configs) == 1


@pytest.mark.parametrize("way", WAYS)
def test_the_same_seed_and_history_give_the_same_configs_and_others_do_not(way):
    seen = history(WARM_UP + 4)
    first, again = (WAYS[way](SPACE, seen, 4, shared=SHARED, seed=3) for _ in range(2))
    assert first == again
    assert way in BLIND or WAYS[way](SPACE, seen, 4, shared=SHARED, seed=5) != first


@pytest.mark.parametrize("way", ["tpe", "near"])
def test_search_moves_to_where_losses_were_low(way):
    def loss(config):
        return (np.log10(config.learning_rate) + 2) ** 2 + config.dropout

    seen = history(60, loss)
    found = [WAYS[way](SPACE, seen, 8, shared=SHARED, seed=seed) for seed in range(6)]
    blind = [draw_random(SPACE, seen, 8, shared=SHARED, seed=seed) for seed in range(6)]
    assert np.mean([loss(c) for batch in found for c in batch]) < 0.7 * np.mean([loss(c) for b in blind for c in b])


def test_near_starts_from_the_default_and_changes_few_of_its_values():
    configs = draw_near(SPACE, (), 40, shared=SHARED, seed=1)
    kept = np.mean([config.learning_rate == SPACE.default.learning_rate for config in configs])
    assert 0.4 < kept < 0.9


def test_trials_that_diverged_teach_nothing_and_dropped_ones_do():
    broken = [trial_of(i, t.config, np.nan, DIVERGED) for i, t in enumerate(history(WARM_UP + 2))]
    assert draw_tpe(SPACE, broken, 4, shared=SHARED, seed=0) == draw_random(SPACE, (), 4, shared=SHARED, seed=0)
    dropped = [trial_of(i, t.config, t.loss, DROPPED) for i, t in enumerate(history(WARM_UP + 2))]
    assert draw_tpe(SPACE, dropped, 4, shared=SHARED, seed=0) != draw_random(SPACE, (), 4, shared=SHARED, seed=0)


def test_a_gaussian_process_knows_what_is_under_way():
    seen = history(WARM_UP + 4)
    alone = draw_gp(SPACE, seen, 4, shared=SHARED, seed=0)
    planned = [trial_of(50 + place, config, np.nan, PLANNED) for place, config in enumerate(alone)]
    assert draw_gp(SPACE, [*seen, *planned], 4, shared=SHARED, seed=0)[:3] != alone[:3]
    assert len(set(alone)) == 4


def test_a_config_outside_the_space_does_not_stop_the_search():
    odd = trial_of(99, SPACE.default.with_values(width=7, learning_rate=0.9, dropout=0.9), 0.0)
    assert len(draw_tpe(SPACE, [*history(WARM_UP), odd], 4, shared=SHARED, seed=0)) == 4
    assert len(draw_near(SPACE, [*history(WARM_UP), odd], 4, shared=SHARED, seed=0)) == 4


COCKTAIL = make_space(
    Config(width=64, dropout=0.2, l2=0.01),
    costs=lambda _: 1.0,
    most_seconds=1e9,
    shape=InputShape(numeric=4, features=6, cardinalities=()),
    classification=True,
)


@pytest.mark.parametrize("way", WAYS)
def test_no_config_has_a_regulariser_that_could_do_nothing(way):
    seen = [
        trial_of(number, config, config.dropout)
        for number, config in enumerate(draw_random(COCKTAIL, (), 30, shared=SHARED, seed=1))
    ]
    for seed in range(1 if way == "gp" else 4):  # which takes its time
        for config in WAYS[way](COCKTAIL, seen, 12, shared=SHARED, seed=seed):
            assert config == config.tidied()
            assert config.dropout_kind != "alpha" or config.activation == "selu"


def test_what_is_rare_is_drawn_as_the_space_says_and_not_learnt():
    drawn = draw_random(COCKTAIL, (), 60, shared=(), seed=1)
    seen = [trial_of(number, config, float(config.l1 == 0)) for number, config in enumerate(drawn)]
    others = [
        trial_of(number, config.with_values(max_norm=1.0, drop_connect=0.1), float(config.l1 == 0))
        for number, config in enumerate(drawn)
    ]
    same = [draw_tpe(COCKTAIL, history, 12, shared=SHARED, seed=7) for history in (seen, others)]
    assert same[0] == same[1]


def test_every_regulariser_of_a_space_is_tried_sooner_or_later():
    drawn = [c for seed in range(60) for c in draw_random(COCKTAIL, (), 40, shared=SHARED, seed=seed)]
    used = {name for config in drawn for name in config.regularisers()}
    assert used == set(REGULARISERS) - {"elastic_net"}
    assert {config.dropout_kind for config in drawn} == {"elementwise", "gaussian", "alpha"}


CONDITIONAL = Space(
    default=Config(width=64, dropout=0.2),
    values={
        "optimiser": Choice(values=("adamw", "sgd")),
        "momentum": Range(low=0.5, high=0.99),
        "dropout": Range(low=0.05, high=0.5, zero=0.5),
        "l1": Range(low=1e-3, high=1.0, log=True),
        "learning_rate": Range(low=1e-4, high=1e-1, log=True),
        "batch_rows": Choice(values=(32, 64)),
    },
    when={"momentum": {"optimiser": "sgd"}, "l1": {"dropout": Above(0.0)}, "batch_rows": {"optimiser": "sgd"}},
)


@pytest.mark.parametrize("way", ALL_WAYS)
@pytest.mark.parametrize("known", [0, WARM_UP + 12])
def test_what_a_config_does_not_reach_keeps_the_default(way, known):
    seen = [
        trial_of(number, config, config.dropout)
        for number, config in enumerate(draw_random(CONDITIONAL, (), known, shared=(), seed=1))
    ]
    reached = set()
    for seed in range(3):
        configs = ALL_WAYS[way].draw(CONDITIONAL, seen, 8, shared=SHARED, seed=seed)
        for config in configs:
            assert config == CONDITIONAL.settled(config)
            assert config.optimiser == "sgd" or config.momentum == CONDITIONAL.default.momentum
            assert config.dropout > 0 or config.l1 == CONDITIONAL.default.l1
            reached |= {config.l1 == CONDITIONAL.default.l1}
    assert reached
