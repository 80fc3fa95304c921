"""max_norm_, unit_norm_, spectral_bound_: bounds applied once, in place."""

import pytest
import torch
from tests.regularize.zoo import ZOO, make, same, snapshot
from torch import nn
from torch.nn.utils import parametrizations

import evenfit.regularize as er
from evenfit.errors import RegularizeError

CALLS = {
    "max_norm_": (lambda model, **where: er.max_norm_(model, 0.3, **where), er.MaxNorm(0.3)),
    "unit_norm_": (er.unit_norm_, er.UnitNorm()),
    "spectral_bound_": (lambda model, **where: er.spectral_bound_(model, 0.3, **where), er.SpectralBound(0.3)),
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("kind", sorted(set(ZOO) - {"weight_norm"}))
def test_a_bound_is_kept_by_weights_in_place_and_nothing_else_is_changed(name, kind):
    call, penalty = CALLS[name]
    model, _ = make(kind)
    before = snapshot(model)
    assert call(model) is model
    own = dict(model.named_parameters())
    changed = {key for key, (_, _, value) in before.items() if key in own and not torch.equal(own[key], value)}
    assert changed
    model.requires_grad_(requires_grad=True)
    seen = {one.name for one in penalty.report(model).parameters}
    assert changed <= seen
    assert penalty(model) == 0
    assert all(id(own[key]) == before[key][0] and own[key].data_ptr() == before[key][1] for key in own)


@pytest.mark.parametrize("name", CALLS)
def test_weights_can_be_chosen(name):
    call, _ = CALLS[name]
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    before = model[0].weight.detach().clone()
    call(model, only="1.*")
    assert torch.equal(model[0].weight, before)
    call(model, exclude="1.*")
    assert not torch.equal(model[0].weight, before)
    table = nn.Embedding(5, 3)
    call(table, kinds="embedding")
    assert (table.weight.norm(dim=0) <= 1.0001 * (1 if name == "unit_norm_" else 0.3)).all()


def test_bounds_can_differ_by_pattern():
    model = nn.Sequential(nn.Linear(30, 4), nn.Linear(40, 2))
    with torch.no_grad():
        for layer in model:
            layer.weight.fill_(1.0)
    er.max_norm_(model, {"0.*": 0.5, "*": 2.0})
    torch.testing.assert_close(model[0].weight.norm(dim=1), torch.full((4,), 0.5))
    torch.testing.assert_close(model[1].weight.norm(dim=1), torch.full((2,), 2.0))


@pytest.mark.parametrize("name", CALLS)
def test_an_error_leaves_the_model_as_it_was(name):
    call, _ = CALLS[name]
    model = nn.Sequential(nn.Linear(3, 4), parametrizations.weight_norm(nn.Linear(4, 2)))
    before = snapshot(model)
    with pytest.raises(RegularizeError, match=r"1\.weight is computed from .*so there is no projection of it"):
        call(model)
    assert same(model, before)
    with pytest.raises(RegularizeError, match="matches no parameter"):
        call(model, only="head.*")
    assert same(model, before)


def test_a_bound_must_be_above_zero():
    with pytest.raises(RegularizeError, match=r"MaxNorm: bound must be a finite number above 0, got -3\.0"):
        er.max_norm_(nn.Linear(2, 2), -3.0)
