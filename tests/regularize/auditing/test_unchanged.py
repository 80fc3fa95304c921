"""An audit leaves a model, its gradients and all generators as they were, bit for bit."""

import copy
import random

import numpy as np
import pytest
import torch
from tests.regularize.auditing.architectures import ARCHITECTURES, numbers
from tests.regularize.auditing.mistakes import Forward
from torch import nn

import evenfit.regularize as er

F = nn.functional

HELD = ("_parameters", "_buffers")


def photograph(model):
    """All that a module has, with what identifies it."""
    seen = {}
    for name, module in model.named_modules():
        for key, value in vars(module).items():
            known = copy.copy(value) if isinstance(value, list | dict | set) and key not in HELD else value
            seen[name, key] = (id(value), str(known))
        for held in HELD:
            for key, tensor in getattr(module, held).items():
                if tensor is not None:
                    grad = None if tensor.grad is None else (id(tensor.grad), tensor.grad.numpy().tobytes())
                    bits = tensor.detach().numpy().tobytes()
                    seen[name, held, key] = (id(tensor), tensor.data_ptr(), tensor._version, bits, grad)
    return seen


def chance():
    return torch.get_rng_state().numpy().tobytes(), random.getstate(), str(np.random.get_state())  # noqa: NPY002


def check_unchanged(model, sample, **keywords):
    before, generators = photograph(model), chance()
    found = er.audit(model, sample, **keywords)
    assert photograph(model) == before
    assert chance() == generators
    return found


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_model_is_as_it_was(name, sampled, training):
    make, sample = ARCHITECTURES[name]
    model = make().train(training)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1)
    check_unchanged(model, sample() if sampled else None, optimiser=optimiser)


def test_gradients_statistics_and_modes_of_single_layers_are_kept():
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.Linear(8, 2))
    model(numbers(16, 8)).sum().backward()
    model.eval()
    model[2].train()
    model.register_forward_hook(lambda *values: None)
    check_unchanged(model, numbers(16, 8), optimiser=torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1))
    assert [each.training for each in model] == [False, False, True, False]


def test_a_loss_whose_graph_was_made_before_still_gives_gradients():
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.3), nn.BatchNorm1d(8))
    loss = model(numbers(16, 8)).square().sum()
    er.audit(model, numbers(16, 8), optimiser=torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.1))
    loss.backward()


class Meddler(nn.Module):
    """Changes itself, its input and all chance in each forward."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(8, 8)
        self.register_buffer("seen", torch.zeros(1))
        self.calls, self.past, self.named, self.kinds = 0, [], {"a": 1}, {1}
        self.drop = er.Dropout(0.3, seed=7)

    def forward(self, x):
        self.layer.weight.data = torch.renorm(self.layer.weight.data, 2, 0, 0.1)
        self.layer.bias.data.add_(1)
        self.seen += 1
        self.calls += 1
        self.past.append(x)
        self.named["b"] = x
        self.kinds.add(self.calls)
        self.new = x
        x.mul_(0.5 + random.random() + np.random.rand())  # noqa: NPY002, S311
        return self.drop(self.layer(x))


def test_a_model_that_changes_itself_is_as_it_was():
    model, sample = Meddler(), numbers(16, 8)
    before = sample.clone()
    check_unchanged(model, sample)
    assert sample.equal(before)
    assert not hasattr(model, "new")


def test_tied_parameters_stay_one():
    layer = nn.Linear(8, 8)
    model = nn.Sequential(layer, nn.ReLU(), layer)
    check_unchanged(model, numbers(4, 8))
    assert model[0].weight is model[2].weight


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(
    "wrap",
    [
        nn.utils.parametrizations.weight_norm,
        nn.utils.parametrizations.spectral_norm,
        nn.utils.weight_norm,
        nn.utils.spectral_norm,
    ],
    ids=["weight norm", "spectral norm", "old weight norm", "old spectral norm"],
)
def test_weights_that_are_computed_are_as_they_were(wrap):
    model = nn.Sequential(wrap(nn.Linear(8, 8)), nn.ReLU(), nn.Dropout(0.2), nn.Linear(8, 2))
    model(numbers(4, 8))
    check_unchanged(model, numbers(16, 8))


def test_a_forward_that_fails_leaves_the_model_as_it_was():
    def fails(self, x):
        self.layer.weight.data.zero_()
        raise ValueError("no")

    model = Forward(fails, layer=nn.Linear(8, 8))
    before, generators = photograph(model), chance()
    with pytest.raises(er.audit.__globals__["RegularizeError"], match="ValueError: no"):
        er.audit(model, numbers(4, 8))
    assert photograph(model) == before
    assert chance() == generators
    assert not nn.modules.module._global_forward_hooks
    assert not nn.modules.module._global_forward_pre_hooks


def test_an_exported_program_is_as_it_was():
    program = torch.export.export(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.3)), (numbers(4, 8),))
    before = {name: each.clone() for name, each in program.state_dict.items()}
    code = str(program)
    er.audit(program, numbers(4, 8))
    assert str(program) == code
    assert all(program.state_dict[name].equal(each) for name, each in before.items())


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_compiled_script_is_as_it_was():
    script = torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Dropout(0.3)))
    before = {name: each.clone() for name, each in script.state_dict().items()}
    er.audit(script, numbers(4, 8))
    er.audit(nn.Sequential(script, nn.Linear(8, 2)), numbers(4, 8))
    assert script.training
    assert all(script.state_dict()[name].equal(each) for name, each in before.items())


def test_nothing_is_printed_and_no_warning_is_given(capsys):
    model = nn.Sequential(nn.Linear(8, 8), nn.Dropout2d(0.3), nn.Softmax())  # torch warns of both
    er.audit(model, F.pad(numbers(4, 5, 6), (1, 1)))
    assert capsys.readouterr() == ("", "")
