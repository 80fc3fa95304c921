"""What cannot be audited is refused in one clear line."""

import pytest
from tests.regularize.auditing.architectures import numbers
from tests.regularize.auditing.mistakes import Forward, dense
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError


@pytest.mark.parametrize(
    ("thing", "said"),
    [
        (3, "an audit needs an nn.Module, or what torch.export.export gave; got 3 (int)"),
        (None, "got None (NoneType)"),
        (nn.Linear, "got the class Linear"),
        (numbers, "got <function numbers"),
    ],
)
def test_what_is_no_model_is_refused(thing, said):
    with pytest.raises(RegularizeError) as error:
        er.audit(thing, numbers(2, 2))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("sampled", [True, False])
def test_a_lazy_layer_is_named(sampled):
    with pytest.raises(RegularizeError, match=r"1\.weight has no shape yet: run the model on one batch"):
        er.audit(nn.Sequential(nn.Linear(2, 2), nn.LazyLinear(3)), numbers(2, 2) if sampled else None)


@pytest.mark.parametrize("loss", [3, 0.5, ["cross_entropy"]])
def test_what_is_no_loss_is_refused(loss):
    with pytest.raises(RegularizeError, match="loss must be a module, a function or a name"):
        er.audit(dense(), loss=loss)


def test_a_name_that_is_no_loss_of_torch_is_refused():
    with pytest.raises(RegularizeError, match="torch has no loss 'cross_entrpy'"):
        er.audit(dense(), loss="cross_entrpy")


def test_a_loss_of_ones_own_is_known_by_what_it_is_made_from():
    class Mine(nn.CrossEntropyLoss):
        pass

    assert er.audit(nn.Sequential(*dense(), nn.Softmax(1)), loss=Mine()).of("doubled-activation")
    unseen = er.audit(dense(), loss=lambda outputs, targets: outputs).unseen
    assert any("whether the last layer fits the loss" in each for each in unseen)


def test_an_error_in_a_forward_is_told_with_its_line():
    def forward(self, x):
        raise KeyError("no such\nthing")

    with pytest.raises(RegularizeError) as error:
        er.audit(Forward(forward), numbers(2, 2))
    assert "test_bad_input.py:" in str(error.value)
    assert "KeyError: 'no such\\nthing'" in str(error.value)
    assert "\n" not in str(error.value)


def test_an_error_of_ours_in_a_forward_is_told_with_its_line():
    model = nn.Sequential(nn.Linear(4, 4), er.SpatialDropout(0.2))
    with pytest.raises(RegularizeError, match="may be"):
        er.audit(model, numbers(2, 3, 4))


def test_a_severity_that_there_is_not_is_refused():
    with pytest.raises(RegularizeError, match="severity must be one of error, warning, note; got 'bad'"):
        er.audit(dense()).at_least("bad")
