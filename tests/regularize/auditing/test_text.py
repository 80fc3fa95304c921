"""An audit as text, JSON and HTML: 80 columns, worst first, one paragraph for each kind of mistake."""

import copy
import json
import pickle

import pytest
import torch
from tests.regularize.auditing.architectures import numbers
from tests.regularize.auditing.mistakes import KeepProbability
from torch import nn

import evenfit.regularize as er
from evenfit.regularize.auditing.finding import SEVERITIES


class Much(nn.Module):
    """Many mistakes, and many places of one."""

    def __init__(self):
        super().__init__()
        layers = []
        for _ in range(10):
            layers += [nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.25)]
        self.a_body_with_a_rather_long_name = nn.Sequential(*layers)
        self.inner = KeepProbability()
        self.first = nn.Linear(4, 8)

    def forward(self, x):
        x = self.a_body_with_a_rather_long_name(x).mean((2, 3))
        return nn.functional.softmax(self.inner(self.first(nn.functional.dropout(x, 0.1))), dim=1)


@pytest.fixture(scope="module")
def found():
    torch.manual_seed(0)
    model = Much()
    optimiser = torch.optim.Adam(model.parameters(), weight_decay=0.1)
    return er.audit(model, numbers(8, 4, 6, 6), optimiser=optimiser, loss=nn.CrossEntropyLoss())


def paragraphs(found):
    return str(found).split("\n\n")


def test_no_line_is_longer_than_a_terminal(found):
    assert max(map(len, str(found).splitlines())) <= 80


def test_the_worst_comes_first(found):
    order = [SEVERITIES.index(each.severity) for each in found.findings]
    assert order == sorted(order)
    assert set(order) == {0, 1, 2}
    told = [each.split()[0].lower() for each in paragraphs(found)[1:-1]]
    assert told == sorted(told, key=SEVERITIES.index)
    assert found.worst == "error"


def test_one_kind_of_mistake_is_one_paragraph_whatever_the_number_of_layers(found):
    heads = [tuple(each.splitlines()[0].split(maxsplit=1)) for each in paragraphs(found)[1:-1]]
    assert heads == list(dict.fromkeys((each.severity.upper(), each.title) for each in found.findings))
    [many] = [each for each in paragraphs(found) if "elementwise dropout between" in each]
    assert len(found.of("elementwise-between-convolutions")) == 9
    assert "also" in many
    assert "and 2 more" in many
    assert len(many.splitlines()) < 20


def test_each_paragraph_says_what_to_do_and_who_says_so(found):
    for each in paragraphs(found)[1:-1]:
        labels = [line[:9].strip() for line in each.splitlines()]
        assert labels.count("mend") == labels.count("source") == 1


def test_the_first_line_counts_and_the_last_paragraph_says_how_it_was_seen(found):
    counts = found.counts
    first = paragraphs(found)[0]
    assert first == f"Much: {counts['error']} errors, {counts['warning']} warnings, {counts['note']} notes"
    assert paragraphs(found)[-1].startswith("looked   run on [8, 4, 6, 6], twice in evaluation and once in training")


def test_nothing_found_is_said_so():
    assert str(er.audit(nn.Linear(2, 2), numbers(2, 2))).startswith("Linear: nothing found\n")


def test_json_holds_all_of_it(found):
    plain = json.loads(json.dumps(found.to_json()))
    assert plain["counts"] == found.counts
    assert [each["check"] for each in plain["findings"]] == [each.check for each in found.findings]
    assert plain["findings"][0].keys() == {
        *("check", "title", "severity", "layer", "layers", "evidence", "figure", "data", "mend", "source")
    }
    assert (plain["model"], plain["way"], plain["unseen"]) == ("Much", "run", [])


def test_html_shows_layers_and_escapes_what_it_is_given():
    class Odd(nn.Module):
        def forward(self, x):
            return nn.functional.dropout(x, 0.1) * (1 if "<b>" else 0)

    page = er.audit(Odd(), numbers(2, 2))._repr_html_()
    assert "<td>error</td>" in page
    assert "&lt;b&gt;" in page
    assert '"<b>"' not in page


def test_at_least_gives_the_worse_ones_too(found):
    assert {each.severity for each in found.at_least("warning")} == {"error", "warning"}
    assert found.at_least("note") == found.findings
    assert all(each.severity == "error" for each in found.at_least("error"))


def test_an_audit_can_be_copied_and_kept(found):
    assert copy.deepcopy(found) == found
    assert pickle.loads(pickle.dumps(found)) == found  # noqa: S301 - our own
