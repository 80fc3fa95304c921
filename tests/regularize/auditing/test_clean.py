"""Architectures as they should be give no error and no warning, and the same answer each time."""

import pytest
import torch
from tests.regularize.auditing.architectures import ARCHITECTURES

import evenfit.regularize as er


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_clean_architecture_has_no_finding_above_a_note(name, sampled):
    torch.manual_seed(0)
    make, sample = ARCHITECTURES[name]
    found = er.audit(make(), sample() if sampled else None)
    assert found.at_least("warning") == ()
    assert found.way == "run" if sampled else found.way in ("trace", "parts")


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_parameter_groups_as_they_should_be_give_none_either(name):
    make, sample = ARCHITECTURES[name]
    model = make()
    groups = [
        {"params": [p for p in model.parameters() if p.ndim > 1]},
        {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0},
    ]
    found = er.audit(model, sample(), optimiser=torch.optim.AdamW(groups, weight_decay=0.1), loss="cross_entropy")
    assert found.at_least("warning") == ()


@pytest.mark.parametrize("name", ["resnet", "gpt"])
def test_an_audit_repeated_is_the_same(name):
    make, sample = ARCHITECTURES[name]
    model = make()
    torch.manual_seed(3)
    first = er.audit(model, sample())
    torch.manual_seed(4)
    assert str(er.audit(model, sample())) == str(first)
