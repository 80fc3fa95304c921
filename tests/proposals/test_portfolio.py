"""Portfolio: its configs first, in order, then neighbours; whatever space they are put into."""

import pytest
from tests.proposals.trials import trial_of

from evenfit.data.encodings import InputShape
from evenfit.experiments.sizing import SHARED, make_space
from evenfit.proposals.portfolio import TIMES, changed, draw_portfolio, members, stored_portfolio
from evenfit.specs.config import Config
from evenfit.specs.space import Choice, Range, Space

KINDS = ("classification", "regression")


def space_for(kind, *, width=64, epochs=32):
    return make_space(
        Config(width=width, epochs=epochs, batch_rows=32, dropout=0.2),
        costs=lambda _: 1.0,
        most_seconds=1e9,
        shape=InputShape(numeric=4, features=6, cardinalities=()),
        inputs=("robust", "quantile"),
        targets=("standard",) if kind == "classification" else ("standard", "quantile"),
        classification=kind == "classification",
    )


def searched(space, kind, *, batches, count=8):
    """The batches of a search, the default before them."""
    trials, found = [trial_of(0, space.default, 0.5)], []
    for batch in range(batches):
        configs = draw_portfolio(space, trials, count, shared=SHARED, seed=batch, kind=kind)
        assert 1 <= len(configs) <= count
        assert len({tuple(getattr(config, name) for name in SHARED) for config in configs}) == 1
        found.append(configs)
        trials += [trial_of(len(trials) + place, config, 0.5) for place, config in enumerate(configs)]
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 3, 8])
def test_the_portfolio_comes_first_and_each_of_it_once(kind, count):
    space = space_for(kind)
    wanted = members(space, stored_portfolio(kind))
    assert len(wanted) >= 6
    batches = searched(space, kind, batches=len(wanted), count=count)
    tried = [config for batch in batches for config in batch]
    assert set(wanted) <= set(tried)
    assert [tried.count(config) for config in wanted] == [1] * len(wanted)
    assert batches[0][0] == wanted[0]
    leaders = [wanted.index(batch[0]) for batch in batches if batch[0] in wanted]
    assert leaders == sorted(leaders)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "epochs"), [(16, 4), (64, 32), (256, 256), (48, 21)])
def test_a_portfolio_fits_every_size_and_lies_in_the_space(kind, width, epochs):
    space = space_for(kind, width=width, epochs=epochs)
    for config in members(space, stored_portfolio(kind)):
        for name, known in space.values.items():
            value = getattr(config, name)
            if value == getattr(space.default, name):
                continue
            inside = value in known.values if isinstance(known, Choice) else known.low <= value <= known.high
            assert inside or (value == 0 and known.zero > 0) or config.tidied() == config
        assert config.balanced_classes == space.default.balanced_classes


@pytest.mark.parametrize("kind", KINDS)
def test_the_stored_portfolio_says_how_it_was_made_and_names_values_of_a_config(kind):
    known = Config().to_json()
    for changes in stored_portfolio(kind):
        assert changes
        assert set(changes) <= set(known)
        assert all(changes[name] in (0.5, 2.0) for name in TIMES if name in changes)


def test_sizes_are_changed_by_a_factor_and_other_values_to_what_is_said():
    for width, epochs in ((32, 8), (64, 16)):
        found = changed(space_for("regression", width=width, epochs=epochs), {"width": 2.0, "epochs": 0.5, "l2": 0.1})
        assert (found.width, found.epochs, found.l2) == (2 * width, epochs // 2, 0.1)


def test_what_a_space_does_not_search_keeps_the_default_and_ranges_are_not_left():
    space = Space(
        default=Config(width=64, l2=0.5),
        values={
            "width": Choice(values=(64, 100)),
            "l1": Range(low=0.1, high=0.2),
            "depth": Range(low=1, high=3, whole=True),
        },
    )
    found = changed(space, {"width": 2.0, "l1": 0.01, "l2": 0.0, "depth": 9, "dropout": 0.4})
    assert found == space.default.with_values(l1=0.1, depth=3)


def test_a_space_of_nothing_that_the_portfolio_has_is_searched_near_the_default():
    space = Space(default=Config(), values={"momentum": Range(low=0.1, high=0.9)})
    configs = draw_portfolio(space, [trial_of(0, space.default, 0.5)], 4, shared=SHARED, seed=0)
    assert len(configs) == 4
