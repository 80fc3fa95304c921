import copy

import pytest
import torch
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.regularize.folding.grammar import ENDED, NETWORKS, WIDTH, Term, built, expected
from tests.regularize.folding.images import IMAGE_NETWORKS, image_network, image_reason, images
from torch import Tensor, nn

import evenfit.regularize as er
from evenfit.errors import FoldError

FEW = settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
SOME = settings(FEW, max_examples=100)
MANY = settings(FEW, max_examples=2000)


def network(term: Term, dtype: torch.dtype = torch.float64) -> nn.Module:
    """A network with weights and statistics that are no round numbers."""
    torch.manual_seed(0)
    model = built(term)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            nn.init.normal_(module.bias)
    return model.to(dtype)


def rows(dtype: torch.dtype = torch.float64) -> Tensor:
    """Rows that the networks take."""
    return torch.randn(5, WIDTH, dtype=dtype, generator=torch.Generator().manual_seed(1))


def agrees(model: nn.Module, x: Tensor, reason: str, *, sized: bool) -> None:
    """Hold folding to what is expected: equal to scaled inference, or refused for that reason in one line."""
    sample = x if sized else None
    if reason:
        with pytest.raises(FoldError, match=reason) as refused:
            er.fold_dropout(model, sample)
        names = [name for name, module in model.named_modules() if getattr(module, "form", "") == "original"]
        assert any(repr(name) in str(refused.value) for name in names), refused.value
        assert "\n" not in str(refused.value)
    else:
        scaled = model.eval()(x)
        torch.testing.assert_close(er.fold_dropout(model, sample)(x), scaled, rtol=1e-9, atol=1e-9)


@SOME
@given(term=st.one_of(ENDED, NETWORKS), sized=st.booleans())
def test_what_can_be_folded_equals_scaled_inference_and_all_else_is_refused_with_the_reason(term, sized):
    agrees(network(term), rows(), expected(term, sizes=sized), sized=sized)


@pytest.mark.slow
@MANY
@given(term=st.one_of(ENDED, NETWORKS), sized=st.booleans())
def test_the_same_of_many_more_networks(term, sized):
    agrees(network(term), rows(), expected(term, sizes=sized), sized=sized)


@SOME
@given(layers=IMAGE_NETWORKS)
def test_the_same_of_convolutions(layers):
    torch.manual_seed(0)
    agrees(image_network(layers).double(), images(), image_reason(layers), sized=False)


@FEW
@given(term=ENDED)
def test_single_precision_folds_to_a_millionth(term):
    assume(not expected(term, sizes=True))
    model, x = network(term, torch.float32), rows(torch.float32)
    folded = er.fold_dropout(model, x)
    torch.testing.assert_close(folded(x), model.eval()(x), rtol=1e-6, atol=1e-6)


@FEW
@given(term=ENDED)
def test_a_folded_model_has_no_dropout_and_folds_to_itself(term):
    assume(not expected(term, sizes=True))
    folded = er.fold_dropout(network(term), rows())
    kinds = (er.Dropout, er.InputDropout, er.DropConnect, er.StochasticDepth, er.GaussianDropout, er.AlphaDropout)
    assert not [module for module in folded.modules() if isinstance(module, (*kinds, nn.Dropout))]
    again = er.fold_dropout(folded)
    assert torch.equal(again(rows()), folded(rows()))
    assert er.folding_plan(folded) == er.folding_plan(again)
    assert not er.folding_plan(folded).scaled


@FEW
@given(term=ENDED)
def test_folding_leaves_the_given_model_as_it_was(term):
    assume(not expected(term, sizes=True))
    model = network(term)
    modes = [module.training for module in model.modules()]
    layers = list(model.modules())
    before = copy.deepcopy(model.state_dict())
    folded = er.fold_dropout(model, rows())
    assert [module.training for module in model.modules()] == modes
    assert all(one is other for one, other in zip(model.modules(), layers, strict=True))
    after = model.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())
    with torch.no_grad():
        for parameter in folded.parameters():
            parameter.add_(1)
    assert all(torch.equal(after[name], tensor) for name, tensor in before.items())


@FEW
@given(term=ENDED)
def test_a_folded_model_keeps_the_names_of_the_state_but_for_wrapped_layers(term):
    assume(not expected(term, sizes=True))
    model = network(term)
    folded = er.fold_dropout(model, rows())
    assert list(folded.state_dict()) == [name.replace(".layer.", ".") for name in model.state_dict()]


def inverted(term: Term) -> Term:
    """The same network with dropout of the inverted form alone."""
    kinds = {"dropout": "inverted", "input dropout": "torch", "drop connect": "linear", "depth": "residual"}
    return Term(
        kinds.get(term.kind, term.kind), term.rate, term.key, term.width, tuple(inverted(part) for part in term.parts)
    )


@FEW
@given(term=NETWORKS)
def test_a_model_of_inverted_dropout_is_the_same_bit_for_bit(term):
    model = network(inverted(term))
    folded = er.fold_dropout(model)
    assert torch.equal(folded(rows()), model.eval()(rows()))
    wanted = model.state_dict()
    assert all(torch.equal(tensor, wanted[name]) for name, tensor in folded.state_dict().items())
