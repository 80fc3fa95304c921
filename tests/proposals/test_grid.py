"""Grid: every combination once, in order."""

from itertools import product

import pytest
from tests.proposals.trials import trial_of

from evenfit.errors import ConfigError
from evenfit.experiments.sizing import SHARED
from evenfit.proposals.grid import draw_grid, grid_levels
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

SPACE = Space(
    default=Config(width=64, dropout=0.5),
    values={
        "l2": Range(low=0.01, high=1.0, log=True, zero=0.3),
        "width": Choice(values=(32, 64)),
        "depth": Range(low=1, high=3, whole=True),
        "dropout": Range(low=0.0, high=0.5),
    },
)


def swept(space, count, *, points=3, history=()):
    """All batches until none is left."""
    trials, batches = list(history), []
    while batch := draw_grid(space, trials, count, shared=SHARED, seed=len(trials), points=points):
        batches.append(batch)
        trials += [trial_of(len(trials) + place, config, 0.5) for place, config in enumerate(batch)]
        assert len(batches) < 1000
    return batches


@pytest.mark.parametrize("count", [1, 3, 7, 8, 100])
def test_a_grid_covers_each_point_exactly_once_in_order_whatever_the_batches(count):
    batches = swept(SPACE, count)
    configs = [config for batch in batches for config in batch]
    expected = [
        (width, depth, l2, dropout)
        for width, depth, l2, dropout in product((32, 64), (1, 2, 3), (0.0, 0.01, 0.1, 1.0), (0.0, 0.25, 0.5))
    ]
    assert [(c.width, c.depth, c.l2, c.dropout) for c in configs] == expected
    assert max(map(len, batches)) == min(count, 12)
    for batch in batches:
        assert len({tuple(getattr(config, name) for name in SHARED) for config in batch}) == 1


def test_what_was_tried_before_is_not_tried_again_whoever_proposed_it():
    known = [SPACE.default, SPACE.config({"width": 32, "depth": 2, "l2": 0.1, "dropout": 0.25})]
    history = [trial_of(number, config, 0.5) for number, config in enumerate(known)]
    configs = [config for batch in swept(SPACE, 5, history=history) for config in batch]
    assert len(configs) == len(set(configs)) == 2 * 3 * 4 * 3 - len(known)
    assert not set(known) & set(configs)


def test_combinations_that_come_to_one_config_count_once():
    space = Space(
        default=Config(dropout=0.2),
        values={"dropout": Choice(values=(0.0, 0.2)), "dropout_kind": Choice(values=("elementwise", "gaussian"))},
    )
    configs = [config for batch in swept(space, 4) for config in batch]
    assert [(c.dropout, c.dropout_kind) for c in configs] == [
        (0.0, "elementwise"),
        (0.2, "elementwise"),
        (0.2, "gaussian"),
    ]


def test_a_grid_of_nothing_ends_at_the_default():
    assert draw_grid(Space(), [trial_of(0, Config(), 0.5)], 4, shared=SHARED, seed=0) == ()


@pytest.mark.parametrize("points", [2, 3, 5, 9])
def test_a_range_has_so_many_points_and_both_ends(points):
    values = grid_levels(Space(values={"l1": Range(low=1e-3, high=0.3, log=True)}), points=points)["l1"]
    assert len(values) == points
    assert (values[0], values[-1]) == (1e-3, 0.3)
    assert list(values) == sorted(values)


def test_an_enormous_grid_is_refused_in_one_line_that_names_the_widest():
    space = Space(values=SPACE.values | {"epochs": Range(low=1, high=5000, whole=True)})
    with pytest.raises(ConfigError, match=r"may have 10,000 points; .* epochs alone has 5,000") as raised:
        draw_grid(space, (), 4, shared=SHARED, seed=0)
    assert "\n" not in str(raised.value)
