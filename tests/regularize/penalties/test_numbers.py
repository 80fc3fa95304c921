"""Precisions, sizes and layouts of memory: the arithmetic holds at the edges of what floats can be."""

import dataclasses

import pytest
import torch
from tests.regularize.penalties.samples import ALL, WITH_STRENGTH, amount, layer_of, named, prox, stepped, value
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError
from evenfit.regularize.layouts import Layout
from evenfit.regularize.penalties.in_place import shrink_, soft_threshold_
from evenfit.regularize.penalties.terms import Placed, Terms, proximal_

PRECISIONS = [torch.float16, torch.bfloat16, torch.float32, torch.float64]


def weights(*shape):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("penalty", ALL, ids=named)
def test_every_precision_gives_what_double_precision_gives_up_to_rounding(penalty, precision):
    weight = weights(5, 4).to(precision)
    expected = stepped(penalty, weight.double(), 0.1)
    close = {"atol": 4 * torch.finfo(precision).eps, "rtol": 4 * torch.finfo(precision).eps}
    for done in (stepped(penalty, weight, 0.1), prox(penalty, weight, strength=amount(penalty), step=0.1)):
        assert done.dtype == precision
        torch.testing.assert_close(done.double(), expected, **close)


@pytest.mark.parametrize("precision", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_values_of_half_precision_do_not_overflow(penalty, precision):
    layer = layer_of(torch.full((400, 400), 300.0, dtype=precision))
    assert penalty(layer).dtype == torch.float32
    assert penalty(layer).item() == pytest.approx(penalty(layer.double()).item(), rel=1e-2)
    assert penalty(layer).isfinite()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_strengths_beyond_what_a_precision_holds_are_all_zeros(penalty, precision):
    for strength in (1e6, 1e38, 1e300):
        huge = dataclasses.replace(penalty, strength=strength)
        done = stepped(huge, weights(3, 4).to(precision), 10.0)
        assert done.isfinite().all()
        assert (done.abs() < 1e-3).all()


@pytest.mark.parametrize("size", [1e-320, 1e-200, 1e-30, 1e30, 1e200])
def test_groups_of_tiny_and_huge_numbers_are_shrunk_by_their_norm(size):
    weight = torch.tensor([[3.0, 0.1], [4.0, 0.1]], dtype=torch.float64) * size
    done = er.group_lasso_prox(weight, strength=size, step=1.0)
    expected = torch.tensor([[2.4, 0.0], [3.2, 0.0]], dtype=torch.float64) * size
    torch.testing.assert_close(done, expected, rtol=1e-3, atol=0)
    bounded = er.max_norm_projection(weight, bound=1.0)
    assert (bounded.norm(dim=1) <= 1).all()
    assert size > 1 or torch.equal(bounded, weight)


def test_single_weights_that_are_subnormal_are_thresholded_to_zero():
    weight = torch.tensor([[1e-40, -1e-44, 0.0, 1.0]])
    done = er.l1_prox(weight, strength=1e-6, step=1e-6)
    assert torch.equal(done == 0, torch.tensor([[True, True, True, False]]))


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_what_is_not_a_number_stays_so(penalty):
    weight = weights(3, 4)
    weight[1, 2] = float("nan")
    assert stepped(penalty, weight, 0.1)[1, 2].isnan()


@pytest.mark.parametrize("penalty", ALL, ids=named)
def test_layouts_of_memory_do_not_matter(penalty):
    weight = weights(6, 4)
    turned = nn.Linear(4, 6, bias=False, dtype=torch.float64)
    turned.weight = nn.Parameter(weight.T.contiguous().T)
    strided = nn.Linear(4, 6, bias=False, dtype=torch.float64)
    strided.weight = nn.Parameter(torch.zeros(12, 8, dtype=torch.float64)[::2, ::2])
    with torch.no_grad():
        strided.weight.copy_(weight)
    expected = stepped(penalty, weight, 0.1)
    for layer in (turned, strided):
        assert not layer.weight.is_contiguous()
        optimiser = er.Proximal(torch.optim.SGD(layer.parameters(), lr=0.1), penalty, model=layer)
        layer.weight.grad = torch.zeros_like(layer.weight)
        place = layer.weight.data_ptr()
        optimiser.step()
        torch.testing.assert_close(layer.weight.detach(), expected)
        assert layer.weight.data_ptr() == place


@pytest.mark.parametrize("penalty", WITH_STRENGTH, ids=named)
def test_empty_weights_cost_nothing(penalty):
    layer = layer_of(torch.zeros(0, 4))
    assert penalty(layer) == 0
    assert stepped(penalty, torch.zeros(3, 0), 0.1).shape == (3, 0)


@pytest.mark.parametrize("numbers", [(0.3, 0.0, 0.5), (0.3, 2.0, 1e9)])
def test_one_launch_for_all_does_what_one_pass_each_does(numbers, monkeypatch):
    originals = [weights(3, 4), weights(5), weights(2, 3, 4)]
    each = [one.clone() for one in originals]
    soft_threshold_(each, numbers)
    shrink_(each, numbers)
    expected = [
        er.l2_prox(er.l1_prox(one, strength=number, step=1.0), strength=number / 2, step=1.0)
        for one, number in zip(originals, numbers, strict=True)
    ]
    together = [one.clone() for one in originals]
    monkeypatch.setattr(torch.Tensor, "device", torch.device("meta"))  # another device's path, on this one
    soft_threshold_(together, numbers)
    monkeypatch.undo()
    shrink_(together, numbers)
    for one, other, wanted in zip(each, together, expected, strict=True):
        torch.testing.assert_close(one, wanted, rtol=0, atol=0)
        torch.testing.assert_close(other, wanted, rtol=1e-15, atol=1e-16)
        assert torch.equal(other == 0, wanted == 0)


def test_a_step_size_that_is_a_tensor_does_what_the_number_does():
    terms = Terms(l1=1.2, units=0.3, l2=0.1, max_norm=0.5)
    one, other = (Placed(name="one", weight=weights(4, 3), layout=Layout()) for _ in range(2))
    proximal_([(terms, one, 0.5)])
    proximal_([(terms, other, torch.tensor(0.5))])
    torch.testing.assert_close(one.weight, other.weight)
    assert (one.weight == 0).any()
    nothing = Placed(name="nothing", weight=weights(4, 3), layout=Layout())
    proximal_([(Terms(l1=0.2, units=0.3, l2=0.1), nothing, torch.tensor(0.0))])
    torch.testing.assert_close(nothing.weight, weights(4, 3), rtol=0, atol=0)


def test_amounts_of_the_wrong_shape_or_sign_are_refused():
    weight = weights(3, 2, 4)
    with pytest.raises(
        RegularizeError, match=r"\[members\], like the first axis of the weight, \[3, 2, 4\]; got \[2\]"
    ):
        er.l1_prox(weight, strength=torch.ones(2), step=1.0)
    with pytest.raises(RegularizeError, match=r"got \[3, 1\]"):
        er.l1_value(weight, strength=torch.ones(3, 1))
    for wrong in (-0.1, float("nan"), torch.tensor([0.1, -0.1, 0.0])):
        for call in (er.l1_value, er.l2_value, er.group_lasso_value, er.l1_gradient, er.group_lasso_gradient):
            with pytest.raises(RegularizeError, match="strength must be at least 0"):
                call(weight, strength=wrong)
        with pytest.raises(RegularizeError, match="step must be at least 0"):
            er.l2_prox(weight, strength=1.0, step=wrong)


def test_amounts_of_double_precision_leave_weights_in_their_own():
    strengths = torch.tensor([0.1, 0.2], dtype=torch.float64)
    weight = weights(2, 3, 4).float()
    assert er.elastic_net_prox(weight, strength=strengths, beta=0.5, step=0.1).dtype == torch.float32
    assert er.group_lasso_prox(weight, strength=strengths, step=0.1).dtype == torch.float32
    assert er.l1_gradient(weight.half(), strength=strengths).dtype == torch.float16
    assert value(er.L1(1.0), weight, strength=strengths).dtype == torch.float32


def test_proximal_operators_are_differentiable():
    weight = weights(3, 4).requires_grad_()
    for penalty in WITH_STRENGTH:
        assert torch.autograd.gradcheck(lambda w, p=penalty: prox(p, w, strength=0.3, step=0.5), weight)
