"""Each mistake is found where it is, with evidence; its right twin has none."""

import json
import re

import pytest
import torch
from tests.regularize.auditing.mistakes import MISTAKES

import evenfit.regularize as er
from evenfit.regularize.auditing.checks import CHECKS

WAYS = [
    pytest.param(mistake, sampled, id=f"{mistake.label}-{'run' if sampled else 'traced'}")
    for mistake in MISTAKES
    for sampled in (True, False)
    if sampled or not mistake.measured
]


def look(model, mistake, *, sampled, keywords):
    torch.manual_seed(1)
    sample = torch.randn(mistake.shape) if sampled else None
    return er.audit(model, sample, **keywords(model))


@pytest.mark.parametrize(("mistake", "sampled"), WAYS)
def test_a_mistake_is_found_at_its_layer_with_its_evidence(mistake, sampled):
    torch.manual_seed(0)
    found = look(mistake.wrong(), mistake, sampled=sampled, keywords=mistake.keywords).of(mistake.check)
    [finding] = found
    assert finding.layer == mistake.layer
    assert finding.severity == mistake.severity
    assert re.search(mistake.evidence, finding.evidence), finding.evidence
    assert finding.title == CHECKS[mistake.check].title
    assert finding.source == CHECKS[mistake.check].source
    assert finding.mend
    assert json.loads(json.dumps(finding.to_json()))["layer"] == mistake.layer


@pytest.mark.parametrize(("mistake", "sampled"), WAYS)
def test_the_right_twin_has_no_such_finding(mistake, sampled):
    torch.manual_seed(0)
    keywords = mistake.right_keywords or mistake.keywords
    assert look(mistake.right(), mistake, sampled=sampled, keywords=keywords).of(mistake.check) == ()


def test_every_check_has_a_mistake():
    assert {mistake.check for mistake in MISTAKES} == set(CHECKS)


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_names_its_source_and_can_be_told_in_a_line(name):
    check = CHECKS[name]
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", name)
    assert re.search(r"\b(19|20)\d\d\b|#\d+|documentation", check.source)
    assert len(check.title) <= 60
