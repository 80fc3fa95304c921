"""The tables and formulas of an exported model give what the encodings of the data give."""

import datetime
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import ndtri
from torch import nn

from evenfit.data import dates
from evenfit.data.quantiles import fit_quantiles, to_normal
from evenfit.deploy.exporting import moments, ranks
from evenfit.deploy.exporting.activations import ACTIVATIONS
from evenfit.deploy.exporting.twin import TorchOperations
from evenfit.fleet.evaluation import ACTIVATIONS as IN_PYTHON

# Ties, ends, dust around 0 and huge numbers, within what counts as a number.
NUMBERS = st.floats(-1e30, 1e30, allow_subnormal=True) | st.sampled_from([0.0, -0.0, 1.0, 1e-300, -1e-281, 3.0, 1e30])
COLUMNS = st.lists(NUMBERS, min_size=0, max_size=40)


def operations(tensors=None):
    module = nn.Module()
    for name, array in (tensors or {}).items():
        module.register_buffer(name.replace(".", "_"), torch.from_numpy(array))
    return TorchOperations(module)


@given(columns=st.lists(COLUMNS, min_size=1, max_size=3), cells=st.lists(NUMBERS, min_size=1, max_size=20))
@example(columns=[[0.0, 1e-280]], cells=[np.nextafter(1e-280, 1), -1e-280])
def test_ranks_are_those_of_the_encoding(columns, cells):
    knots = [
        [fit_quantiles(np.array(column)) for column in columns],
        [fit_quantiles(np.array(columns[0]))] * len(columns),
    ]
    tables = ranks.rank_tables(knots)
    asked = np.array([*cells, *(cell for column in columns for cell in column)])
    values = torch.from_numpy(np.tile(asked[:, None], len(columns)))
    longest = int((tables["end"] - tables["begin"]).max()) + 1
    prefixed = {f"quantile.{name}": array for name, array in tables.items()}
    found = ranks.to_normal(operations(prefixed), values, prefix="quantile.", longest=longest).numpy()
    wanted = np.stack([np.stack([to_normal(asked, one) for one in split], axis=1) for split in knots])
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)


def test_a_thousand_knots_with_ties_are_ranked_exactly():
    draw = np.random.default_rng(0)
    column = np.round(draw.exponential(20, 5000))
    knots = [[fit_quantiles(column)]]
    tables = {f"quantile.{name}": array for name, array in ranks.rank_tables(knots).items()}
    asked = np.concatenate([column, column + 0.25, [-5.0, 1e9]])
    longest = int(tables["quantile.end"].max()) + 1
    found = ranks.to_normal(
        operations(tables), torch.from_numpy(asked[:, None]), prefix="quantile.", longest=longest
    ).numpy()
    np.testing.assert_allclose(found[0, :, 0], to_normal(asked, knots[0][0]), rtol=1e-12, atol=1e-12)


def test_normal_quantiles_are_exact_from_one_end_to_the_other():
    rank = np.concatenate([np.linspace(1e-6, 1 - 1e-6, 20001), [5e-7, 0.075, 0.925, 0.5, 1 - 5e-7]])
    found = ranks.normal_quantile(operations(), torch.from_numpy(rank)).numpy()
    np.testing.assert_allclose(found, ndtri(rank), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(found[::500], [NormalDist().inv_cdf(one) for one in rank[::500]], rtol=1e-13, atol=1e-15)


# A double of seconds holds the microseconds of the years 1834 to 2106, and whole seconds of all others.
FIRST, EARLY, LATE, LAST = (datetime.datetime(year, 1, 1) for year in (1583, 1834, 2106, 3000))  # noqa: DTZ001
MOMENTS = st.datetimes(EARLY, LATE) | st.datetimes(FIRST, LAST).map(lambda moment: moment.replace(microsecond=0))


@given(st.lists(MOMENTS, min_size=1, max_size=30))
def test_parts_of_a_moment_are_those_of_the_encoding(found):
    series = pl.Series(found, dtype=pl.Datetime("us"))
    names = ["days", "year", *(f"{cycle}_{wave}" for cycle in dates.CYCLES for wave in ("sin", "cos"))]
    seconds = torch.from_numpy(series.to_physical().to_numpy() / 1e6)
    made = torch.stack(moments.parts(operations(moments.wave_tables(names)), seconds, names), dim=1).numpy()
    np.testing.assert_array_equal(made, dates.expand(series, names))


@pytest.mark.parametrize("year", [1600, 1700, 1900, 1970, 1999, 2000, 2024, 2100, 2400])
def test_every_day_of_a_year_has_its_month_and_weekday(year):
    start = datetime.datetime(year, 1, 1)  # noqa: DTZ001
    days = [start + datetime.timedelta(days=day, milliseconds=-1) for day in range(1, 368)]
    series = pl.Series(days, dtype=pl.Datetime("us"))
    names = ["year", "month_sin", "weekday_cos", "hour_sin"]
    seconds = torch.from_numpy(series.to_physical().to_numpy() / 1e6)
    made = torch.stack(moments.parts(operations(moments.wave_tables(names)), seconds, names), dim=1).numpy()
    np.testing.assert_array_equal(made, dates.expand(series, names))


@pytest.mark.parametrize("name", sorted(IN_PYTHON))
def test_activations_are_those_of_the_deployed_model(name):
    x = np.concatenate([np.linspace(-30, 30, 1001), [-1e4, 1e4, 0.0]])
    found = ACTIVATIONS[name](operations(), torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(found, IN_PYTHON[name](x), rtol=1e-12, atol=1e-12)


def test_no_activation_is_left_out():
    assert ACTIVATIONS.keys() == IN_PYTHON.keys()
