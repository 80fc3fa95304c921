"""What was exported, traced or compiled with dropout switched on is found out, and what was not is let be."""

import pytest
import torch
from tests.regularize.auditing.architectures import numbers
from torch import nn

import evenfit.regularize as er

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def net():
    return nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, 3))


def trace(model):
    return torch.jit.trace(model, (numbers(4, 8),), check_trace=False)


def export(model):
    return torch.export.export(model, (numbers(4, 8),))


EXPORTS = {
    "exported": export,
    "exported module": lambda model: export(model).module(),
    "traced": trace,
    "part traced": lambda model: nn.Sequential(nn.Linear(8, 8), trace(model)),
}
LAYERS = {"part traced": "1.2"}


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "read"])
@pytest.mark.parametrize("name", [name for name in EXPORTS if name != "part traced"])
def test_dropout_that_was_exported_switched_on_is_found(name, sampled):
    found = er.audit(EXPORTS[name](net().train()), numbers(4, 8) if sampled else None)
    [finding] = found.of("dropout-at-inference")
    assert (finding.severity, finding.layer) == ("error", LAYERS.get(name, "2"))
    assert "exported switched on" in finding.evidence
    assert ("differ by" in finding.evidence) == sampled
    assert (finding.data["spread"] or 0) > 0.01 or not sampled
    assert found.way == "export"


@pytest.mark.parametrize("name", EXPORTS)
def test_what_was_exported_in_evaluation_is_clean(name):
    assert er.audit(EXPORTS[name](net().eval()), numbers(4, 8)).at_least("warning") == ()


def test_a_part_that_was_traced_in_training_is_found_in_the_whole():
    [finding] = er.audit(EXPORTS["part traced"](net().train()), numbers(4, 8)).of("dropout-at-inference")
    assert (finding.severity, finding.layer) == ("error", "1.2")


def test_a_script_is_switched_as_its_user_would():
    script = torch.jit.script(net())
    assert er.audit(script.train(), numbers(4, 8)).findings == ()
    script.eval()
    script.get_submodule("2").train() if hasattr(script, "get_submodule_") else getattr(script, "2").train()
    [finding] = er.audit(script, numbers(4, 8)).of("dropout-at-inference")
    assert finding.layer == "2"


def test_the_order_of_exported_steps_is_checked_too():
    model = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Linear(8, 3), nn.Dropout(0.4)).eval()
    found = er.audit(export(model))
    assert found.of("dropout-on-output")[0].layer == "3"
    assert found.of("bias-before-batch-norm")[0].layer == "0"


def ours(*, training):
    return nn.Sequential(nn.Linear(8, 8), er.Dropout(0.4), nn.Linear(8, 2)).train(training)


def test_our_own_dropout_is_gone_in_evaluation_and_found_in_training():
    assert er.audit(export(ours(training=False)), numbers(4, 8)).findings == ()
    [found] = er.audit(export(ours(training=True)), numbers(4, 8)).findings
    assert (found.check, found.severity, found.layer) == ("dropout-at-inference", "error", "1")


class Mixed(nn.Module):
    """Drops in attention and between recurrent layers."""

    def __init__(self):
        super().__init__()
        self.mix = nn.MultiheadAttention(8, 2, dropout=0.1, batch_first=True)
        self.run = nn.LSTM(8, 8, 2, dropout=0.2, batch_first=True)

    def forward(self, x):
        return self.run(self.mix(x, x, x, need_weights=False)[0])[0]


@pytest.mark.parametrize("training", [True, False])
def test_dropout_inside_of_attention_and_recurrent_layers_is_seen(training):
    program = torch.export.export(Mixed().train(training), (numbers(2, 5, 8),))
    found = er.audit(program, numbers(2, 5, 8)).of("dropout-at-inference")
    assert [(each.layer, each.data["rate"]) for each in found] == ([("mix", 0.1), ("run", 0.2)] if training else [])


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
def test_a_trace_by_fx_in_training_keeps_functional_dropout_switched_on(sampled):
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, 8)

        def forward(self, x):
            return self.layer(nn.functional.dropout(x, 0.3, self.training))

    sample = numbers(4, 8) if sampled else None
    [found] = er.audit(torch.fx.symbolic_trace(Functional()), sample).of("dropout-without-training")
    assert "model.eval() before it is traced" in found.mend
    assert er.audit(torch.fx.symbolic_trace(Functional().eval()), sample).of("dropout-without-training") == ()


def test_an_exported_program_takes_no_optimiser():
    model = net()
    with pytest.raises(ValueError, match="not trained any more"):
        er.audit(export(model), optimiser=torch.optim.SGD(model.parameters(), lr=0.1))
