"""Every way of proposing searches a name only while its condition holds, and takes every distribution."""

import pytest
from tests.proposals.trials import trial_of

from evenfit.experiments.sizing import SHARED
from evenfit.proposals.draws import draw_random
from evenfit.proposals.grid import draw_grid
from evenfit.proposals.tpe import WARM_UP
from evenfit.proposals.ways import WAYS as ALL_WAYS
from evenfit.specs.config import Config
from evenfit.specs.space import Above, Beta, Choice, Constant, LogNormal, Normal, Range, Space
from evenfit.specs.space.distribution import has

SPACE = Space(
    default=Config(width=64, dropout=0.2, momentum=0.9, mixup=0.05),
    values={
        "nesterov": Choice(values=(True, False)),
        "momentum": Beta(a=2, b=2, low=0.5, high=0.95),
        "second_momentum": Choice(values=(0.95, 0.99, 0.999), probabilities=(0.5, 0.25, 0.25)),
        "optimiser": Choice(values=("adamw", "sgd")),
        "dropout": Normal(centre=0.2, width=0.2, low=0.05, zero=0.3),
        "dropout_kind": Choice(values=("elementwise", "gaussian")),
        "learning_rate": LogNormal(centre=3e-3, width=3.0, low=1e-4, high=0.1),
        "l2": Range(low=1e-3, high=1.0, log=True, width=3.0, zero=0.2),
        "l1": Range(low=0.0, high=0.1, step=0.02),
        "width": Range(low=32, high=128, step=32, log=True),
        "max_norm": Range(low=0.5, high=4.0, zero=0.96),
        "mixup": Range(low=0.1, high=1.0, log=True),
        "r_drop": Constant(value=0.5),
    },
    when={
        "nesterov": {"optimiser": "sgd"},
        "momentum": {"optimiser": "sgd"},
        "second_momentum": {"optimiser": "adamw"},
        "dropout_kind": {"dropout": Above(0.0)},
        "mixup": {"max_norm": Above(1.0)},
    },
)


def history(count):
    drawn = [config for seed in range(count) for config in draw_random(SPACE, (), 1, shared=SHARED, seed=seed)]
    return [trial_of(number, config, config.learning_rate) for number, config in enumerate(drawn)]


@pytest.mark.parametrize("way", [name for name in ALL_WAYS if name != "grid"])
@pytest.mark.parametrize("known", [0, WARM_UP + 28])
def test_configs_lie_in_the_space_and_what_is_not_searched_keeps_the_default(way, known):
    seen, default = history(known), SPACE.default
    for seed in range(3):
        for config in ALL_WAYS[way].draw(SPACE, seen, 8, shared=SHARED, seed=seed):
            assert SPACE.settled(config) == config
            for name, distribution in SPACE.values.items():
                value = getattr(config, name)
                if SPACE.reaches(name, vars(config)):
                    near = way in ("near", "mixed", "portfolio") and value == getattr(default, name)
                    assert has(distribution, value) or near or name == "r_drop", (name, value)
                else:
                    assert value == getattr(default, name) or name == "dropout_kind", name


def test_a_grid_takes_no_point_twice_where_a_name_is_not_searched():
    space = Space(
        values={"optimiser": Choice(values=("adamw", "sgd")), "nesterov": Choice(values=(True, False))},
        when={"nesterov": {"optimiser": "sgd"}},
    )
    trials = [trial_of(0, space.default, 0.5)]
    while batch := draw_grid(space, trials, 8, shared=SHARED, seed=0):
        trials += [trial_of(len(trials) + place, config, 0.5) for place, config in enumerate(batch)]
    assert [(trial.config.optimiser, trial.config.nesterov) for trial in trials] == [
        ("adamw", False),
        ("sgd", True),
        ("sgd", False),
    ]


def test_tpe_learns_of_a_name_only_where_it_was_searched():
    from evenfit.proposals.tpe import _as_params

    params, _ = _as_params(SPACE, SPACE.config({"optimiser": "adamw", "dropout": 0.0}), without=())
    assert {"nesterov", "momentum", "dropout_kind", "mixup", "r_drop"}.isdisjoint(params)
    assert {"second_momentum", "optimiser", "dropout__on"} <= set(params)
