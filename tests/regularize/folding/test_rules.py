import pytest
import torch
from tests.regularize.folding.steps import (
    ASKED,
    FUNCTION_USES,
    IMAGE,
    LAYER_USES,
    REFUSED_FUNCTIONS,
    REFUSED_LAYERS,
)
from torch import Tensor, nn

import evenfit.regularize as er
from evenfit.errors import FoldError
from evenfit.regularize.folding.rules import FUNCTIONS, LAYERS


class Through(nn.Module):
    """Dropout, a step, and a linear layer of all that it gives."""

    def __init__(self, step, shape):
        super().__init__()
        self.drop = er.Dropout(0.3, form="original")
        self.step = step
        given = step(torch.zeros(shape, dtype=torch.float64))
        self.head = nn.Linear(given.numel(), 2, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.step(self.drop(x)).reshape(-1))


class Doubled(nn.Module):
    """Twice its input."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


def numbers(shape):
    return torch.randn(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def folds(step, shape):
    torch.manual_seed(0)
    model = Through(step, shape)
    scaled = model.eval()(numbers(shape))
    torch.testing.assert_close(er.fold_dropout(model)(numbers(shape)), scaled, rtol=1e-12, atol=1e-12)
    assert [one.name for one in er.folding_plan(model).scaled] == ["head.weight"]


def test_every_rule_has_a_use_that_is_tried():
    assert LAYER_USES.keys() == LAYERS.keys()
    assert FUNCTION_USES.keys() | ASKED.keys() == FUNCTIONS.keys()


@pytest.mark.parametrize("kind", LAYER_USES, ids=lambda kind: kind.__name__)
def test_a_layer_with_a_rule_passes_a_scale_on_exactly(kind):
    layers, shape = LAYER_USES[kind]
    for layer in layers:
        # In front of it something that gives a new tensor, since some change theirs in place.
        folds(nn.Sequential(Doubled(), layer.double()), shape)


@pytest.mark.parametrize("name", FUNCTION_USES)
def test_a_function_with_a_rule_passes_a_scale_on_exactly(name):
    for use in FUNCTION_USES[name]:
        folds(lambda x, use=use: use(2 * x), IMAGE)


@pytest.mark.parametrize("name", ASKED)
def test_what_a_tensor_is_like_does_not_depend_on_its_scale(name):
    class Asks(nn.Module):
        def __init__(self):
            super().__init__()
            self.drop = er.Dropout(0.3, form="original")

        def forward(self, x):
            return ASKED[name](self.drop(x))

    assert er.fold_dropout(Asks())(numbers(IMAGE)) == Asks().eval()(numbers(IMAGE))


def refuses(step):
    torch.manual_seed(0)
    step_eval = step.double().eval() if isinstance(step, nn.Module) else step
    model = Through(step_eval, IMAGE).eval()
    with pytest.raises(FoldError, match=r"cannot fold dropout layer 'drop' \(rate 0.3\): the scale 0.7\d* reaches ."):
        er.fold_dropout(model)


@pytest.mark.parametrize("layer", REFUSED_LAYERS, ids=lambda layer: type(layer).__name__)
def test_a_layer_that_is_not_homogeneous_is_refused(layer):
    refuses(layer)


@pytest.mark.parametrize("number", range(len(REFUSED_FUNCTIONS)))
def test_a_function_that_is_not_homogeneous_is_refused(number):
    refuses(REFUSED_FUNCTIONS[number])


# The last is random in evaluation too.
@pytest.mark.parametrize("layer", REFUSED_LAYERS[:-1], ids=lambda layer: type(layer).__name__)
def test_what_is_refused_would_be_wrong(layer):
    layer, x = layer.double().eval(), 9 * numbers(IMAGE)
    if isinstance(layer, nn.BatchNorm2d):
        layer.running_mean.fill_(0.5)
    with torch.no_grad():
        assert not torch.allclose(layer(0.7 * x), 0.7 * layer(x))
