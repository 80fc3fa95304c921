"""A penalty on a model: its value, its report, its sum with others, its schedule."""

import json

import pytest
import torch
from tests.regularize.penalties.samples import ALL, named
from tests.regularize.zoo import ZOO, make
from torch import nn
from torch.nn.utils import parametrizations, prune

import evenfit.regularize as er
from evenfit.errors import RegularizeError


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.ReLU(), nn.Linear(4, 2))


def test_weights_alone_are_seen_unless_told_otherwise():
    model = nn.Sequential(nn.Embedding(5, 3), mlp(), nn.PReLU())
    weights = [model[1][0].weight, model[1][3].weight]
    torch.testing.assert_close(er.L1(0.5)(model), 0.5 * sum(one.abs().sum() for one in weights))
    every = er.L1(0.5, kinds=("bias", "embedding", "normalisation", "vector", "weight"))
    torch.testing.assert_close(every(model), 0.5 * sum(one.abs().sum() for one in model.parameters()))
    assert er.L1(1.0, kinds="embedding")(model).item() == pytest.approx(model[0].weight.abs().sum().item())


@pytest.mark.parametrize("kind", sorted(set(ZOO) - {"frozen", "tied"}))
@pytest.mark.parametrize("penalty", [er.L1(0.1), er.L2(0.1), er.GroupLasso(0.1), er.SparseGroupLasso(0.1)], ids=named)
def test_a_loss_with_a_penalty_trains_any_model(penalty, kind):
    model, batch = make(kind)
    before = penalty(model).item()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(20):
        optimiser.zero_grad()
        (model(batch).float().square().mean() + penalty(model)).backward()
        optimiser.step()
    assert penalty(model).item() < before


def test_a_shared_weight_counts_once_and_is_left_out_as_an_embedding():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    torch.testing.assert_close(er.L1(1.0)(model), model[0].weight.abs().sum())
    assert er.L1(1.0).report(model).parameters[0].names == ("0.weight", "1.weight")
    same = nn.Linear(3, 3)
    torch.testing.assert_close(er.L1(1.0)(nn.Sequential(same, nn.ReLU(), same)), same.weight.abs().sum())
    tied, _ = make("tied")
    assert [one.name for one in er.L1(1.0).report(tied).parameters] == ["mix.weight"]
    assert er.L1(1.0, kinds="embedding").report(tied).parameters[0].names == ("embedding.weight", "output.weight")
    turned = nn.ModuleDict({"output": nn.Linear(4, 5), "mix": nn.Linear(4, 4), "table": nn.Embedding(5, 4)})
    turned["table"].weight = turned["output"].weight
    assert [one.name for one in er.L1(1.0).report(turned).parameters] == ["mix.weight"]


def test_a_weight_under_a_parametrisation_is_penalised_as_it_is_computed():
    model = nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 2)))
    torch.testing.assert_close(er.L2(1.0)(model), model[0].weight.square().sum())
    er.L2(1.0)(model).backward()
    made = model[0].parametrizations.weight
    # the norm of a row is its gain: its square's gradient is twice the gain, and the direction has none
    torch.testing.assert_close(made.original0.grad, 2 * made.original0)
    torch.testing.assert_close(made.original1.grad, torch.zeros(2, 3), atol=1e-6, rtol=0)
    with pytest.raises(RegularizeError, match=r"0\.weight is computed from .*original0 and .*original1"):
        er.L2(1.0).gradient(model)


def test_a_weight_that_a_hook_computes_is_refused_by_name():
    with pytest.warns(FutureWarning, match="deprecated"):
        model = nn.Sequential(torch.nn.utils.weight_norm(nn.Linear(3, 2)))
    with pytest.raises(RegularizeError, match=r"0\.weight is computed from 0\.weight_g and 0\.weight_v before each"):
        er.L1(1.0)(model)
    spectral = nn.Sequential(torch.nn.utils.spectral_norm(nn.Linear(3, 2)), nn.Linear(2, 2))
    with pytest.raises(RegularizeError, match=r"0\.weight is computed from 0\.weight_orig"):
        er.L1(1.0)(spectral)
    torch.testing.assert_close(er.L1(1.0, exclude="0.weight")(spectral), spectral[1].weight.abs().sum())


def test_a_pruned_weight_is_penalised_under_the_name_that_it_has():
    model = nn.Sequential(nn.ConvTranspose1d(2, 3, 2))
    prune.l1_unstructured(model[0], "weight", amount=3)
    report = er.GroupLasso(1.0, groups="units").report(model)
    assert [one.name for one in report.parameters] == ["0.weight_orig"]
    expected = model[0].weight_orig.transpose(0, 1).flatten(1).norm(dim=1).sum()
    assert report.total == pytest.approx(expected.item())


def test_a_compiled_or_wrapped_model_has_the_names_of_the_model_itself():
    model = mlp()
    for wrapped in (torch.compile(model, backend="eager"), nn.DataParallel(model)):
        penalty = er.L1({"0.*": 1.0, "3.*": 2.0})
        torch.testing.assert_close(penalty(wrapped), penalty(model))
    inside = nn.Sequential(torch.compile(nn.Linear(3, 2), backend="eager"))
    assert [one.name for one in er.L1(1.0).report(inside).parameters] == ["0.weight"]


def test_a_penalty_can_be_in_a_compiled_step():
    model, x, penalty = mlp(), torch.rand(5, 3), er.ElasticNet(0.1) + er.GroupLasso(0.2)

    def loss(x):
        return model(x).square().mean() + penalty(model)

    compiled = torch.compile(loss, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), loss(x))


def test_a_penalty_is_felt_in_functional_calls_and_maps_over_members():
    class Penalised(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Linear(3, 2)

        def forward(self):
            return er.L2(0.5)(self.body)

    members = [Penalised() for _ in range(3)]
    stacked, _ = torch.func.stack_module_state(members)

    def value(parameters):
        return torch.func.functional_call(members[0], parameters, ())

    values = torch.func.vmap(value)(stacked)
    gradients = torch.func.vmap(torch.func.grad(value))(stacked)["body.weight"]
    torch.testing.assert_close(values, torch.stack([one() for one in members]))
    torch.testing.assert_close(gradients, stacked["body.weight"])


def test_strengths_by_pattern_are_the_first_that_matches():
    model = mlp()
    penalty = er.L1({"3.weight": 2.0, "*": 0.5})
    expected = 0.5 * model[0].weight.abs().sum() + 2.0 * model[3].weight.abs().sum()
    torch.testing.assert_close(penalty(model), expected)
    alone = er.L1({"3.weight": 2.0})
    torch.testing.assert_close(alone(model), 2.0 * model[3].weight.abs().sum())
    assert {one.name: one.reason for one in alone.report(model).left_out}["0.weight"].startswith("no pattern")


def test_only_and_exclude_take_patterns_and_kinds_of_layers():
    model = nn.Sequential(mlp(), nn.LSTM(2, 3), nn.MultiheadAttention(4, 2))
    everything = er.L1(1.0)(model)
    for place, weights in [
        ("0.*", [model[0][0].weight, model[0][3].weight]),
        (nn.LSTM, [model[1].weight_ih_l0, model[1].weight_hh_l0]),
        (nn.MultiheadAttention, [model[2].in_proj_weight, model[2].out_proj.weight]),
        (("0.0.*", nn.LSTM), [model[0][0].weight, model[1].weight_ih_l0, model[1].weight_hh_l0]),
    ]:
        expected = sum(one.abs().sum() for one in weights)
        torch.testing.assert_close(er.L1(1.0, only=place)(model), expected)
        torch.testing.assert_close(er.L1(1.0, exclude=place)(model), everything - expected)


def test_the_report_says_what_is_seen_what_is_left_out_and_adds_up():
    model = mlp()
    penalty = er.L1(0.5) + er.GroupLasso(0.1, only="3.*") + er.L2(0.2, kinds=("bias",))
    report = penalty.report(model)
    assert report.total == pytest.approx(penalty(model).item(), rel=1e-6)
    assert sum(report.layers.values()) == pytest.approx(report.total)
    assert set(report.layers) == {"0", "3"}
    assert [(one.penalty, one.name, one.strength) for one in report.parameters] == [
        ("L1", "0.weight", 0.5),
        ("L1", "3.weight", 0.5),
        ("GroupLasso", "3.weight", 0.1),
        ("L2", "0.bias", 0.2),
        ("L2", "3.bias", 0.2),
    ]
    reasons = {(one.penalty, one.name): one.reason for one in report.left_out}
    assert reasons["GroupLasso", "0.weight"] == "not in only="
    assert reasons["L1", "1.weight"] == "a parameter of kind normalisation"
    names = {name for name, _ in model.named_parameters()}
    for kind in ("L1", "GroupLasso", "L2"):
        seen = {one.name for one in report.parameters if one.penalty == kind}
        assert seen | {name for penalty, name in reasons if penalty == kind} == names
    text = str(report)
    assert "left out: 1.bias (L1: a parameter of kind normalisation)" in text
    assert text.splitlines()[1].split()[:2] == ["L1", "0.weight"]
    again = json.loads(json.dumps(report.to_json()))
    assert again["total"] == report.total
    assert again["layers"] == report.layers
    assert len(again["parameters"]) == 5


def test_the_report_of_a_broken_bound_is_infinite_and_null_in_json():
    report = er.MaxNorm(0.01).report(mlp())
    assert report.total == float("inf")
    assert report.to_json()["total"] is None


def test_a_sum_is_the_sum_of_its_parts():
    model = mlp()
    parts = [er.L1(0.1), er.L2(0.2), er.GroupLasso(0.3)]
    total = sum(parts)
    torch.testing.assert_close(total(model), sum(one(model) for one in parts))
    assert (parts[0] + parts[1]) + parts[2] == parts[0] + (parts[1] + parts[2]) == total
    gradients = total.gradient(model)
    total(model).backward()
    for name in ("0.weight", "3.weight"):
        torch.testing.assert_close(gradients[name], model.get_parameter(name).grad)
    with pytest.raises(TypeError):
        parts[0] + 1.0


@pytest.mark.parametrize("penalty", ALL, ids=named)
def test_every_penalty_adds_to_every_other(penalty):
    model = er.unit_norm_(mlp())
    for other in ALL:
        if penalty(model).isfinite() and other(model).isfinite():
            torch.testing.assert_close((penalty + other)(model), penalty(model) + other(model))


def test_a_schedule_takes_a_share_of_the_strength():
    model = mlp()
    full = er.L1(0.5)(model)
    rising = er.L1(0.5, schedule="rising")
    torch.testing.assert_close(rising(model, progress=0.25), 0.25 * full)
    torch.testing.assert_close(er.L1(0.5, schedule=lambda progress: 2 * progress)(model, progress=0.5), full)
    assert rising.report(model, progress=0.5).parameters[0].strength == 0.25
    torch.testing.assert_close((rising + er.L1(0.5))(model, progress=0.25), 1.25 * full)
    assert rising.gradient(model, progress=0.0)["0.weight"].count_nonzero() == 0
    with pytest.raises(RegularizeError, match="'rising' needs to know how far training is"):
        rising(model)


def test_a_value_is_of_a_model_on_its_device_and_can_go_backward_at_strength_zero():
    zero = er.L1(0.0)(mlp())
    zero.backward()
    assert zero == 0
    with torch.no_grad():
        assert not er.L1(0.1)(mlp()).requires_grad
    meta = er.L1(0.1)(nn.Linear(3, 2, device="meta"))
    assert meta.device.type == "meta"


@pytest.mark.parametrize("beta", [-0.1, 1.1, float("nan"), "half", True])
@pytest.mark.parametrize("kind", [er.ElasticNet, er.SparseGroupLasso])
def test_beta_is_in_zero_to_one(kind, beta):
    with pytest.raises(RegularizeError, match=rf"{kind.__name__}: beta must be in \[0, 1\], got"):
        kind(0.1, beta=beta)


@pytest.mark.parametrize("strength", [-0.1, float("nan"), float("inf"), "much", None, True, {"*": -1.0}])
@pytest.mark.parametrize("kind", [er.L1, er.L2, er.ElasticNet, er.GroupLasso, er.SparseGroupLasso, er.ActivityL1])
def test_a_strength_is_a_number_of_at_least_zero(kind, strength):
    with pytest.raises(
        RegularizeError, match=rf"{kind.__name__}: strength (of '\*' )?must be a finite number of at le"
    ):
        kind(strength)


def test_a_penalty_is_of_a_model_and_a_sum_of_penalties():
    with pytest.raises(RegularizeError, match=r"needs a torch\.nn\.Module; got Parameter"):
        er.L1(0.1)(nn.Linear(2, 2).weight)
    from evenfit.regularize.penalties.penalty import Total

    with pytest.raises(RegularizeError, match="needs penalties"):
        Total(penalties=())
