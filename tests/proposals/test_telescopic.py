"""Telescopic search: coarse first, then narrower and narrower around the best."""

import numpy as np
import pytest
from tests.proposals.trials import trial_of

from evenfit.experiments.sizing import SHARED
from evenfit.proposals.telescopic import NARROWEST, STEP, draw_telescopic
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

SPACE = Space(
    default=Config(),
    values={
        "learning_rate": Range(low=1e-5, high=1e-1, log=True),
        "dropout": Range(low=0.0, high=0.8),
        "l1": Range(low=1e-4, high=1.0, log=True, zero=0.5),
        "schedule": Choice(values=("flat-cosine", "cosine", "coslog4")),
        "width": Choice(values=(16, 32, 64, 128)),
    },
)
BEST = Config(learning_rate=2e-3, dropout=0.3, l1=0.01, schedule="cosine", width=32)


def history(count):
    """So many trials, the first of them the best."""
    drawn = [BEST] + [c for s in range(count) for c in draw_telescopic(SPACE, (), 1, shared=SHARED, seed=s)]
    return [trial_of(number, config, 0.1 if number == 0 else 1.0) for number, config in enumerate(drawn[:count])]


def drawn(count, *, batches=40):
    seen = history(count)
    return [c for seed in range(batches) for c in draw_telescopic(SPACE, seen, 8, shared=SHARED, seed=seed)]


def spread(configs):
    return np.std([np.log10(c.learning_rate) for c in configs]), np.std([c.dropout for c in configs])


def test_the_first_view_has_orders_of_magnitude_and_few_places():
    configs = drawn(STEP - 1)
    assert {c.learning_rate for c in configs} == {1e-5, 1e-4, 1e-3, 1e-2, 1e-1}
    assert {round(c.dropout, 9) for c in configs} == {0.0, 0.2, 0.4, 0.6, 0.8}
    assert {c.l1 for c in configs} == {0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0}
    assert {c.width for c in configs} == {16, 32, 64, 128}


@pytest.mark.parametrize("step", range(NARROWEST))
def test_each_view_is_narrower_than_the_one_before_and_finer(step):
    wide, narrow = drawn(max(1, step * STEP)), drawn((step + 1) * STEP)
    assert all(np.array(spread(narrow)) < 0.75 * np.array(spread(wide)))
    assert len({c.learning_rate for c in narrow}) > 100
    kept = [np.mean([c.schedule == "cosine" for c in configs]) for configs in (wide, narrow)]
    assert kept[1] > kept[0]


def test_the_narrowest_view_is_about_the_best_and_stays_there():
    configs = drawn(NARROWEST * STEP)
    assert drawn(NARROWEST * STEP + 10 * STEP)[0].learning_rate == pytest.approx(configs[0].learning_rate)
    assert 10 ** np.mean([np.log10(c.learning_rate) for c in configs]) == pytest.approx(2e-3, rel=0.3)
    assert np.mean([c.dropout for c in configs]) == pytest.approx(0.3, abs=0.02)
    assert np.mean([c.l1 > 0 for c in configs]) > 0.9


def test_a_best_at_the_edge_keeps_the_view_inside_the_space():
    edge = trial_of(0, BEST.with_values(learning_rate=1e-1, dropout=0.0), 0.0)
    seen = [edge, *history(3 * STEP)[1:]]
    configs = [c for s in range(20) for c in draw_telescopic(SPACE, seen, 8, shared=SHARED, seed=s)]
    assert all(1e-2 <= c.learning_rate <= 1e-1 and c.dropout <= 0.25 for c in configs)
    assert len({c.learning_rate for c in configs}) == len(configs)  # none is pushed back onto the edge
