"""Both ways of looking see the same, and a recorded run sees through what a trace cannot."""

import functools
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.regularize.auditing.architectures import numbers
from tests.regularize.auditing.mistakes import Forward, Listed
from torch import nn
from torch.utils.checkpoint import checkpoint

import evenfit.regularize as er

F = nn.functional

STEPS = {
    "linear": lambda: nn.Linear(6, 6),
    "bare": lambda: nn.Linear(6, 6, bias=False),
    "relu": nn.ReLU,
    "selu": nn.SELU,
    "norm": lambda: nn.BatchNorm1d(6),
    "layer norm": lambda: nn.LayerNorm(6),
    "dropout": lambda: nn.Dropout(0.5),
    "low": lambda: nn.Dropout(0.1),
    "high": lambda: nn.Dropout(0.9),
    "alpha": lambda: nn.AlphaDropout(0.2),
    "ours": lambda: er.Dropout(0.6, form="original"),
    "softmax": lambda: nn.Softmax(dim=1),
    "same": nn.Identity,
}


def plain(found):
    """What does not depend on a measurement: a shift may turn out to be none, or a warning."""
    return {(each.check, each.layers, each.severity) for each in found.findings if "batch-norm" not in each.check} | {
        (each.check, each.layers) for each in found.of("bias-before-batch-norm")
    }


@settings(max_examples=40)
@given(names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8), wrapped=st.booleans())
def test_a_run_and_a_trace_of_a_sequence_find_the_same(names, wrapped):
    layers = [STEPS[name]() for name in names]
    model = nn.Sequential(nn.Sequential(*layers[:3]), *layers[3:]) if wrapped else nn.Sequential(*layers)
    run, trace = er.audit(model, numbers(32, 6)), er.audit(model)
    assert (run.way, trace.way) == ("run", "trace")
    assert plain(run) == plain(trace)
    shifts = {each.layers for each in trace.of("dropout-before-batch-norm")}
    assert {each.layers for each in run.of("dropout-before-batch-norm")} <= shifts


def branches(self, x):
    pieces = [self.one(x), self.two(x)] if x.sum() > -1e9 else []
    return self.out(self.drop(torch.stack(pieces).sum(0)))


def modules():
    return {name: nn.Linear(6, 6) for name in ("one", "two", "out")} | {"drop": nn.Dropout(0.9)}


def test_a_forward_that_decides_by_values_is_recorded_and_not_traced():
    model = Forward(branches, **modules())
    assert er.audit(model, numbers(8, 6)).of("high-rate")[0].layer == "drop"
    found = er.audit(model)
    assert found.way == "parts"
    assert found.of("high-rate")[0].layer == "drop"
    assert "the order of the layers in Forward at" in str(found.unseen)


def test_parts_that_can_be_traced_are_where_the_whole_cannot():
    model = Forward(branches, **modules())
    model.two = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.2), nn.Dropout(0.2), nn.Linear(6, 6), nn.Dropout(0.1))
    found = er.audit(model)
    assert found.looked == "1 of its parts traced by torch.fx"
    assert found.of("dropout-twice")[0].layers == ("two.1", "two.2")
    assert found.of("dropout-on-output") == ()  # the end of a part is not that of the model


FORWARDS = {
    "in place": lambda s, x: s.out(F.relu_(s.one(x).mul_(2))),
    "loop": lambda s, x: s.out(functools.reduce(lambda h, _: F.relu(s.one(h)), range(3), x)),
    "checkpoint": lambda s, x: s.out(checkpoint(s.one, x, use_reentrant=False)),
    "old checkpoint": lambda s, x: s.out(checkpoint(s.one, x, use_reentrant=True)),
    "vmap": lambda s, x: s.out(torch.func.vmap(s.one)(x)),
    "numpy": lambda s, x: s.out(torch.from_numpy(s.one(x).detach().numpy())),
    "written into": lambda s, x: s.out(written(s.one(x))),
    "functional call": lambda s, x: s.out(torch.func.functional_call(s.one, dict(s.one.named_parameters()), (x,))),
    "gradient": lambda s, x: s.out(torch.autograd.grad(s.one(x.requires_grad_()).square().sum(), x)[0]),
}


def written(x):
    whole = torch.zeros_like(x)
    whole[:, :3] = x[:, :3]
    return whole


@pytest.mark.parametrize("name", FORWARDS)
def test_every_kind_of_forward_is_recorded(name):
    model = Forward(lambda s, x: s.drop(FORWARDS[name](s, x)), **modules())
    found = er.audit(model, numbers(8, 6))
    assert [each.layer for each in found.of("dropout-on-output")] == ["drop"]
    assert found.of("dropout-at-inference") == ()


def test_a_bias_before_a_normalisation_is_seen_through_a_transposition():
    model = Forward(lambda s, x: s.norm(s.one(x).transpose(1, 2)).mean(2), one=nn.Linear(6, 5), norm=nn.BatchNorm1d(5))
    assert [each.layer for each in er.audit(model, numbers(4, 7, 6)).of("bias-before-batch-norm")] == ["one"]


def test_a_normalisation_of_another_axis_leaves_a_bias_its_effect():
    model = Forward(lambda s, x: s.norm(s.one(x)).mean(2), one=nn.Linear(6, 7), norm=nn.BatchNorm1d(7))
    assert er.audit(model, numbers(4, 7, 6)).of("bias-before-batch-norm") == ()


@pytest.mark.parametrize(
    "other",
    [lambda s, h: s.norm(h) + h, lambda s, h: (s.norm(h), h)[0] * h.mean(), lambda s, h: torch.cat([s.norm(h), h], 1)],
    ids=["added", "multiplied", "joined"],
)
def test_a_bias_that_goes_elsewhere_too_is_no_finding(other):
    model = Forward(lambda s, x: other(s, s.one(x)), one=nn.Linear(6, 5), norm=nn.BatchNorm1d(5))
    assert er.audit(model, numbers(4, 6)).of("bias-before-batch-norm") == ()


def test_a_dropped_branch_that_is_added_is_not_on_the_output():
    model = Forward(lambda s, x: x + s.drop(s.one(x)), **modules())
    assert er.audit(model, numbers(4, 6)).of("dropout-on-output") == ()


def test_a_bias_that_is_returned_too_is_no_finding():
    model = Forward(lambda s, x: (s.norm(h := s.one(x)), h), one=nn.Linear(6, 5), norm=nn.BatchNorm1d(5))
    assert er.audit(model, numbers(4, 6)).of("bias-before-batch-norm") == ()


def test_a_layer_that_is_called_elsewhere_too_needs_its_bias():
    model = Forward(lambda s, x: s.norm(s.one(x)) + s.one(2 * x), one=nn.Linear(6, 5), norm=nn.BatchNorm1d(5))
    assert er.audit(model, numbers(4, 6)).of("bias-before-batch-norm") == ()


def test_dropout_of_maps_is_a_finding_only_before_another_convolution():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Dropout(0.2), nn.Flatten(), nn.Linear(64, 2))
    assert er.audit(model, numbers(4, 3, 6, 6)).of("elementwise-between-convolutions") == ()
    behind = nn.Sequential(nn.Dropout(0.2), nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3))
    assert er.audit(behind, numbers(4, 3, 6, 6)).of("elementwise-between-convolutions") == ()


def test_single_places_have_no_neighbours():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Dropout(0.2), nn.Conv2d(4, 2, 1))
    assert er.audit(model, numbers(4, 3, 6, 6)).of("elementwise-between-convolutions") == ()
    assert er.audit(model).of("elementwise-between-convolutions") == ()


def test_an_encoder_that_ends_in_dropout_is_a_note_since_another_layer_may_follow():
    model = Forward(lambda s, x: s.drop(s.run(x)[0]), run=nn.GRU(6, 6), drop=nn.Dropout(0.2))
    [found] = er.audit(model, numbers(4, 5, 6)).of("dropout-on-output")
    assert (found.severity, found.layer) == ("note", "drop")


def test_one_layer_in_a_loop_over_time_is_not_in_several_places():
    def forward(self, x):
        state = x.new_zeros(len(x), 6)
        for step in x.unbind(1):
            state = self.drop(torch.tanh(self.one(step) + self.two(state)))
        return self.out(state)

    assert er.audit(Forward(forward, **modules()), numbers(4, 5, 6)).of("reused-dropout") == ()


def test_one_layer_in_a_loop_over_layers_is():
    def forward(self, x):
        for layer in (self.one, self.two):
            x = self.drop(F.relu(layer(x)))
        return self.out(x)

    [found] = er.audit(Forward(forward, **modules()), numbers(4, 6)).of("reused-dropout")
    assert (found.layer, found.data["places"]) == ("drop", ["one", "two"])


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
def test_what_is_done_in_evaluation_alone_does_not_meet_the_loss(sampled):
    model = Forward(lambda s, x: s.one(x) if s.training else s.one(x).softmax(1), one=nn.Linear(6, 3))
    sample = numbers(4, 6) if sampled else None
    assert er.audit(model, sample, loss="cross_entropy").of("doubled-activation") == ()


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
def test_each_line_of_a_forward_is_judged_by_itself(sampled):
    def forward(self, x):
        x = F.dropout(x, 0.2, self.training)
        x = F.dropout(self.one(x), 0.6, self.training)
        x = F.dropout(self.two(x), 0.7, self.training)
        return self.out(x)

    found = er.audit(Forward(forward, **modules()), numbers(4, 6) if sampled else None).of("high-rate")
    assert sorted(each.data["rate"] for each in found if each.layer == "forward") == [0.6, 0.7]


def test_a_mask_that_is_called_keep_is_no_rate():
    class Masked(nn.Module):
        def __init__(self):
            super().__init__()
            self.dropout = nn.Bilinear(4, 4, 2)

        def forward(self, x):
            keep_mask = x
            return self.dropout(x, keep_mask)

    assert er.audit(Masked(), numbers(3, 4)).of("keep-probability") == ()


class Others(nn.Module):
    """Dropout as other libraries write it."""

    def __init__(self, drop_prob):
        super().__init__()
        self.drop_prob = drop_prob

    def forward(self, x):
        if not self.training:
            return x
        return x * x.new_empty(len(x), 1).bernoulli_(1 - self.drop_prob) / (1 - self.drop_prob)


class DropPath(Others):
    pass


class OtherDropout(Others):
    pass


def test_dropout_of_other_libraries_is_known_by_its_name():
    model = nn.Sequential(nn.Linear(6, 6), OtherDropout(0.8), nn.Linear(6, 6), DropPath(0.8), nn.Linear(6, 2))
    found = er.audit(model, numbers(8, 6))
    assert [each.layer for each in found.of("high-rate")] == ["1"]  # a whole branch may be dropped more often
    assert found.of("dropout-at-inference") == ()


def test_dropout_of_other_libraries_that_is_left_in_training_is_an_error():
    model = nn.Sequential(nn.Linear(6, 6), DropPath(0.3), nn.Linear(6, 2)).eval()
    model[1].train()
    [found] = er.audit(model, numbers(8, 6)).of("dropout-at-inference")
    assert (found.severity, found.layer) == ("error", "1")


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
def test_recurrent_dropout_is_one_layer_whose_parts_may_rest(sampled):
    layer = er.RecurrentDropout(nn.LSTM(6, 6, 2), input_rate=0.6, weight_rate=0.2)
    model = Forward(lambda s, x: s.out(s.run(x)[0]), run=layer, out=nn.Linear(6, 2))
    found = er.audit(model, numbers(5, 4, 6) if sampled else None)
    assert [(each.check, each.layer) for each in found.findings] == [("high-rate", "run.inputs")]


@pytest.mark.parametrize("sampled", [True, False], ids=["run", "traced"])
def test_a_model_that_was_given_dropout_can_be_looked_at(sampled):
    plain = nn.Sequential(nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 6), nn.ReLU(), nn.Linear(6, 2))
    model = er.with_dropout(plain, rate=0.6)
    found = er.audit(model, numbers(8, 6) if sampled else None)
    assert len(found.of("high-rate")) == 2
    assert {each.check for each in found.findings} == {"high-rate"}


def test_modules_of_other_threads_are_not_taken_for_the_models():
    other, stop = nn.Linear(2, 2), threading.Event()

    def work():
        while not stop.is_set():
            other(torch.ones(1, 2))

    thread = threading.Thread(target=work)
    thread.start()
    try:
        model = nn.Sequential(*(each for _ in range(30) for each in (nn.ReLU(), nn.Dropout(0.1), nn.Linear(6, 6))))
        assert er.audit(model, numbers(4, 6)).findings == ()
    finally:
        stop.set()
        thread.join()


def test_wrappers_are_looked_into_and_names_are_the_models_own():
    inner = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.9), nn.Linear(6, 2))
    assert er.audit(nn.DataParallel(inner), numbers(4, 6)).of("high-rate")[0].layer == "1"


def test_every_device_has_a_way_to_look():
    model = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.9), nn.BatchNorm1d(6)).to("meta")
    found = er.audit(model, numbers(4, 6))
    assert found.of("high-rate")[0].layer == "1"
    assert found.of("dropout-before-batch-norm")[0].data["ratio"] is None
    assert "on the device meta" in found.unseen[0]


def test_a_batch_that_training_refuses_is_said():
    found = er.audit(nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.9), nn.BatchNorm1d(6)), numbers(1, 6))
    assert found.unseen[0].startswith("training, which failed: Sequential cannot be run on the sample [1, 6]")
    assert found.of("high-rate")[0].layer == "1"


@pytest.mark.filterwarnings("ignore:Complex modules are a new feature")
@pytest.mark.parametrize("kind", [torch.float64, torch.bfloat16, torch.float16, torch.complex64])
def test_every_kind_of_number_can_be_looked_at(kind):
    model = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5), nn.Linear(6, 2)).to(kind)
    assert er.audit(model, numbers(8, 6).to(kind)).findings == ()


def test_a_model_without_parameters_or_layers_can_be_looked_at():
    assert er.audit(nn.Sequential(), numbers(2, 2)).findings == ()
    assert er.audit(nn.Sequential(nn.ReLU())).findings == ()


def test_the_answer_says_what_it_could_not_see():
    found = er.audit(Listed())
    assert found.way == "trace"
    assert "for lack of a sample" in found.unseen[0]
    assert "no optimiser" in found.unseen[1]
    assert "none was given" in found.unseen[2]
    optimiser = torch.optim.SGD(Listed().parameters(), lr=0.1)
    model = Listed()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    assert er.audit(model, numbers(4, 8), optimiser=optimiser, loss="mse_loss").unseen == ()
