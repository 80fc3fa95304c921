"""Max-norm, unit norm and spectral bound: which sums they see, and that they only touch what is beyond them."""

import pytest
import torch
from tests.regularize.zoo import equal_bits
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError


def weights(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3))


def test_max_norm_leaves_units_within_the_bound_alone_bit_for_bit():
    weight = weights(6, 4)
    norms = weight.norm(dim=1)
    bound = norms.median().item()
    done = er.max_norm_projection(weight, bound=bound)
    for unit in range(6):
        if norms[unit] <= bound:
            assert equal_bits(done[unit], weight[unit])
        else:
            torch.testing.assert_close(done[unit], weight[unit] * bound / norms[unit])


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
def test_max_norm_is_kept_after_rounding_and_the_second_time_changes_no_bit(precision):
    weight = 10 * weights(300, 50).to(precision)
    once = er.max_norm_projection(weight, bound=3.0)
    assert (once.norm(dim=1) <= 3.0).all()
    assert equal_bits(er.max_norm_projection(once, bound=3.0), once)


def test_gates_of_a_recurrent_layer_have_norms_of_their_own():
    layer = er.max_norm_(nn.LSTM(3, 5), 0.02)
    for name in ("weight_ih_l0", "weight_hh_l0"):
        norms = getattr(layer, name).norm(dim=1)
        torch.testing.assert_close(norms, torch.full((20,), 0.02))


def test_a_filter_of_a_transposed_convolution_is_bounded_over_its_inputs():
    layer = er.max_norm_(nn.ConvTranspose2d(4, 6, 3), 0.1)
    torch.testing.assert_close(layer.weight.transpose(0, 1).flatten(1).norm(dim=1), torch.full((6,), 0.1))


def test_unit_norms_are_one_and_zeros_stay():
    weight = weights(4, 3)
    weight[1] = 0
    done = er.unit_norm_projection(weight)
    torch.testing.assert_close(done.norm(dim=1), torch.tensor([1.0, 0.0, 1.0, 1.0]))
    torch.testing.assert_close(er.unit_norm_projection(done), done)
    members = er.unit_norm_projection(torch.stack([weight, 3 * weight]), members=True)
    torch.testing.assert_close(members[1], done)


@pytest.mark.parametrize("shape", [(4, 7), (7, 4), (5, 5), (1, 6), (3, 4, 2, 2)])
def test_the_spectral_bound_cuts_singular_values_and_keeps_directions(shape):
    weight = weights(*shape)
    before = torch.linalg.svdvals(weight.flatten(1))
    bound = before.median().item()
    done = er.spectral_projection(weight, bound=bound)
    assert done.shape == weight.shape
    torch.testing.assert_close(torch.linalg.svdvals(done.flatten(1)), before.clamp(max=bound))
    # the nearest: the distance is that of the singular values (Mirsky's theorem)
    torch.testing.assert_close((weight - done).norm(), (before - bound).clamp(min=0).norm())


def test_a_spectral_bound_that_is_kept_changes_no_bit():
    weight = weights(6, 4)
    assert equal_bits(er.spectral_projection(weight, bound=100.0), weight)
    largest = torch.linalg.matrix_norm(weight, 2).item()
    assert equal_bits(er.spectral_projection(weight, bound=1.0001 * largest), weight)


def test_members_have_spectral_bounds_of_their_own():
    weight = torch.stack([weights(3, 4), 5 * weights(3, 4)])
    done = er.spectral_projection(weight, bound=torch.tensor([0.5, 2.0]))
    torch.testing.assert_close(torch.linalg.matrix_norm(done, 2), torch.tensor([0.5, 2.0]))


def test_projections_of_attention_have_spectral_bounds_of_their_own():
    layer = nn.MultiheadAttention(8, 2)
    with torch.no_grad():
        layer.in_proj_weight[:8] *= 10  # the queries
        before = layer.in_proj_weight[8:].clone()
    bound = 1.01 * max(torch.linalg.matrix_norm(one, 2).item() for one in before.chunk(2))
    er.spectral_bound_(layer, bound)
    assert equal_bits(layer.in_proj_weight[8:], before)
    assert torch.linalg.matrix_norm(layer.in_proj_weight[:8], 2).item() == pytest.approx(bound, rel=1e-5)


def test_the_gates_of_a_recurrent_layer_are_one_matrix_for_a_spectral_bound():
    layer = nn.LSTM(3, 5)
    er.spectral_bound_(layer, 0.3)
    assert torch.linalg.matrix_norm(layer.weight_hh_l0, 2).item() == pytest.approx(0.3, rel=1e-5)


def test_numbers_that_are_not_finite_have_no_spectral_bound():
    weight = weights(3, 3)
    weight[0, 0] = float("nan")
    with pytest.raises(RegularizeError, match="finite weights"):
        er.spectral_projection(weight, bound=1.0)


@pytest.mark.parametrize("penalty", [er.MaxNorm(1.0), er.UnitNorm(), er.SpectralBound(1.0)])
def test_a_bound_has_no_gradient(penalty):
    with pytest.raises(RegularizeError, match="a bound has no gradient: weight"):
        penalty.gradient(nn.Linear(2, 2))


@pytest.mark.parametrize("bound", [0.0, -1.0, float("inf"), float("nan"), "3", True])
@pytest.mark.parametrize("kind", [er.MaxNorm, er.SpectralBound])
def test_a_bound_is_a_number_above_zero(kind, bound):
    if bound == "3":
        assert kind(bound).bound == 3.0
        return
    with pytest.raises(RegularizeError, match=f"{kind.__name__}: bound must be a finite number above 0, got"):
        kind(bound)
