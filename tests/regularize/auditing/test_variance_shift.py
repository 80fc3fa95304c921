"""The variance shift is what theory says where theory says it, and is measured where it does not."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.regularize.auditing.architectures import numbers
from torch import nn

import evenfit.regularize as er


def ratio(model, rows=512, width=64, shift=0.0):
    [found] = er.audit(model, numbers(rows, width) + shift).of("dropout-before-batch-norm")
    return found.data["ratio"]


@pytest.mark.statistical
@settings(max_examples=15)
@given(rate=st.floats(0.1, 0.8))
def test_units_of_mean_zero_have_one_over_k_times_the_variance(rate):
    """Fails by chance in less than one run of a million.

    The median of 64 ratios, each of variances over 4 passes of 512 rows: a standard error of at most 1%.
    """
    assert ratio(nn.Sequential(nn.Dropout(rate), nn.BatchNorm1d(64))) == pytest.approx(1 / (1 - rate), rel=0.06)


@pytest.mark.statistical
def test_units_of_another_mean_shift_by_more_as_their_second_moment_says():
    """E[x^2]/k - E[x]^2 over Var x, for x from N(1, 1) and k = 0.5: (2 / 0.5 - 1) / 1 = 3; standard error 1.5%."""
    assert ratio(nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(64)), shift=1.0) == pytest.approx(3, rel=0.08)


@pytest.mark.statistical
def test_behind_relu_and_a_linear_layer_it_is_measured_and_not_assumed():
    """ReLU of N(0, 1): E[x^2] = 1/2, Var x = 1/2 - 1/(2 pi); independent units into random weights, k = 0.5."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 64), nn.BatchNorm1d(64))
    variance = 0.5 - 1 / (2 * math.pi)
    assert ratio(model) == pytest.approx(1 + 0.5 / variance, rel=0.08)


def test_how_far_running_statistics_have_come_does_not_matter():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 8), nn.Dropout(0.5), nn.BatchNorm1d(8))
    before = ratio(model, width=8)
    model[1].running_var.fill_(1e4)
    model[4].running_mean.fill_(3.0)
    assert ratio(model, width=8) == before


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.AlphaDropout(0.3), nn.BatchNorm1d(8)),
        lambda: nn.Sequential(nn.Dropout(0.5), nn.LayerNorm(8), nn.Linear(8, 8), nn.BatchNorm1d(8)),
        lambda: nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(8, track_running_stats=False)),
        lambda: nn.Sequential(nn.Dropout(0.0), nn.BatchNorm1d(8)),
        lambda: nn.Sequential(nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 8)),
    ],
    ids=["alpha", "normalised between", "no running statistics", "rate 0", "behind"],
)
def test_where_nothing_shifts_nothing_is_found(make):
    torch.manual_seed(0)
    assert er.audit(make(), numbers(512, 8)).of("dropout-before-batch-norm") == ()


def test_a_normalisation_between_takes_the_shift_away():
    model = nn.Sequential(nn.Dropout(0.5), nn.LayerNorm(8), nn.Linear(8, 8), nn.BatchNorm1d(8))
    assert er.audit(model).of("dropout-before-batch-norm") == ()


class Frozen(nn.BatchNorm1d):
    """Keeps its statistics in training."""

    def train(self, mode=True):
        return super().train(False)


def test_a_frozen_normalisation_is_none():
    assert (
        er.audit(nn.Sequential(nn.Dropout(0.5), Frozen(8).eval()), numbers(64, 8)).of("dropout-before-batch-norm") == ()
    )
    assert er.audit(nn.Sequential(nn.Linear(8, 8), Frozen(8).eval()), numbers(64, 8)).of("bias-before-batch-norm") == ()


@pytest.mark.parametrize(
    "dropout",
    [er.Dropout(0.5, form="original"), er.Dropout(0.5, seed=3), er.GaussianDropout(0.5), nn.Dropout1d(0.5)],
    ids=["original", "seeded", "gaussian", "maps"],
)
def test_every_kind_of_dropout_is_measured(dropout):
    model = nn.Sequential(nn.Conv1d(4, 4, 3), dropout, nn.BatchNorm1d(4))
    [found] = er.audit(model, numbers(64, 4, 20)).of("dropout-before-batch-norm")
    assert found.severity == "warning"
    assert found.layers == ("1", "2")
    assert found.data["ratio_low"] <= found.data["ratio"] <= found.data["ratio_high"]


def test_each_shift_is_that_of_its_own_normalisation():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(64), nn.Dropout(0.2), nn.BatchNorm1d(64))
    found = er.audit(model, numbers(512, 64)).of("dropout-before-batch-norm")
    assert [(each.layers, round(each.data["ratio"], 1)) for each in found] == [(("0", "1"), 2.0), (("2", "3"), 1.2)]


def test_without_a_sample_the_theory_stands_alone_as_a_note():
    [found] = er.audit(nn.Sequential(nn.Dropout(0.75), nn.BatchNorm1d(8))).of("dropout-before-batch-norm")
    assert found.severity == "note"
    assert found.data["ratio"] is None
    assert "not measured" in found.evidence
    assert "1/k = 4" in found.evidence
