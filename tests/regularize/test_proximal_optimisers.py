"""Proximal around every optimiser of torch's, with schedulers, scalers, closures, checkpoints and copies."""

import copy
import io
import pickle
import warnings

import pytest
import torch
from tests.regularize.zoo import equal_bits
from torch import nn
from torch.optim import lr_scheduler

import evenfit.regularize as er

STRENGTH = 2.0


def mlp(seed=1):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, 1))


X = torch.randn(32, 5, generator=torch.Generator().manual_seed(0))
Y = torch.randn(32, 1, generator=torch.Generator().manual_seed(1))


def backward(model, optimiser):
    optimiser.zero_grad()
    loss = nn.functional.mse_loss(model(X), Y)
    loss.backward()
    return loss


def shrink(model, size, strength=STRENGTH):
    """The proximal step of L1, by hand."""
    with torch.no_grad():
        for layer in (model[0], model[2]):
            layer.weight.copy_(er.l1_prox(layer.weight, strength=strength, step=size))


def equal(one, other):
    return all(equal_bits(*pair) for pair in zip(one.parameters(), other.parameters(), strict=True))


optim = torch.optim
# name: (optimiser of a model's parameters, the step size that its proximal step must have)
OPTIMISERS = {
    "Adadelta": (lambda p: optim.Adadelta(p, lr=0.01), 0.01),
    "Adafactor": (lambda p: optim.Adafactor(p, lr=0.01), 0.01),
    "Adagrad": (lambda p: optim.Adagrad(p, lr=0.01, lr_decay=0.1), 0.01),
    "Adam": (lambda p: optim.Adam(p, lr=0.01), 0.01),
    "Adam, foreach": (lambda p: optim.Adam(p, lr=0.01, foreach=True), 0.01),
    "Adam, fused": (lambda p: optim.Adam(p, lr=0.01, fused=True), 0.01),
    "Adam, lr tensor": (lambda p: optim.Adam(p, lr=torch.tensor(0.01)), torch.tensor(0.01).item()),
    "Adam, maximize, amsgrad": (lambda p: optim.Adam(p, lr=0.01, maximize=True, amsgrad=True), 0.01),
    "AdamW": (lambda p: optim.AdamW(p, lr=0.01), 0.01),
    "AdamW, fused": (lambda p: optim.AdamW(p, lr=0.01, fused=True), 0.01),
    "Adamax": (lambda p: optim.Adamax(p, lr=0.01), 0.01),
    "NAdam": (lambda p: optim.NAdam(p, lr=0.01), 0.01),
    "RAdam": (lambda p: optim.RAdam(p, lr=0.01), 0.01),
    "RMSprop": (lambda p: optim.RMSprop(p, lr=0.01), 0.01),
    "RMSprop, momentum": (lambda p: optim.RMSprop(p, lr=0.01, momentum=0.75, centered=True), 0.04),
    "Rprop": (lambda p: optim.Rprop(p, lr=0.01), 0.01),
    "SGD": (lambda p: optim.SGD(p, lr=0.01), 0.01),
    "SGD, foreach": (lambda p: optim.SGD(p, lr=0.01, momentum=0.75, foreach=True), 0.04),
    "SGD, fused": (lambda p: optim.SGD(p, lr=0.01, momentum=0.75, fused=True), 0.04),
    "SGD, nesterov": (lambda p: optim.SGD(p, lr=0.01, momentum=0.75, nesterov=True), 0.04),
    "SGD, dampening": (lambda p: optim.SGD(p, lr=0.01, momentum=0.75, dampening=0.5), 0.02),
    "SGD, maximize": (lambda p: optim.SGD(p, lr=0.01, maximize=True), 0.01),
    "SGD, weight decay": (lambda p: optim.SGD(p, lr=0.01, weight_decay=0.1), 0.01),
    "LBFGS": (lambda p: optim.LBFGS(p, lr=0.1, max_iter=3), 0.1),
}
if hasattr(optim, "Muon"):
    OPTIMISERS["Muon"] = (lambda p: optim.Muon([one for one in p if one.dim() == 2], lr=0.01, momentum=0.75), 0.01)
BY_HAND = {"ASGD", "Optimizer", "SparseAdam"}  # tested below; the class above all; refused


def test_every_optimiser_of_torch_is_tested():
    kinds = {name for name, one in vars(optim).items() if isinstance(one, type) and issubclass(one, optim.Optimizer)}
    assert kinds - BY_HAND == {name.split(",")[0] for name in OPTIMISERS}


@pytest.mark.parametrize("with_model", [True, False], ids=["model", "no-model"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_a_step_is_the_optimisers_and_then_the_soft_threshold(name, with_model):
    make, size = OPTIMISERS[name]
    alone, model = mlp(), mlp()
    plain, inner = make(list(alone.parameters())), make(list(model.parameters()))
    optimiser = er.Proximal(inner, er.L1(STRENGTH), model=model if with_model else None)
    for _ in range(4):
        losses = [
            plain.step(lambda: backward(alone, plain)),
            optimiser.step(lambda: backward(model, optimiser)),
        ]
        shrink(alone, size)
        assert equal(alone, model)
        assert losses[0] == losses[1]
    assert er.sparsity(model).zeros > 0
    assert isinstance(optimiser, optim.Optimizer)


def test_the_falling_rate_of_asgd_is_followed():
    alone, model = mlp(), mlp()
    options = {"lr": 0.05, "lambd": 0.5, "alpha": 0.9}
    plain = optim.ASGD(alone.parameters(), **options)
    optimiser = er.Proximal(optim.ASGD(model.parameters(), **options), er.L1(STRENGTH), model=model)
    eta = 0.05
    for _ in range(4):
        backward(alone, plain)
        plain.step()
        shrink(alone, eta)
        eta = plain.state[alone[0].weight]["eta"].item()  # of the next step
        backward(model, optimiser)
        optimiser.step()
        for one, other in zip(alone.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(one, other)
    assert eta < 0.047


def test_groups_have_their_own_learning_rates_and_momenta():
    model = mlp()
    before = [model[0].weight.detach().clone(), model[2].weight.detach().clone()]
    groups = [
        {"params": model[0].parameters(), "lr": 0.1},
        {"params": model[2].parameters(), "lr": 0.2, "momentum": 0.5},
    ]
    optimiser = er.Proximal(optim.SGD(groups, lr=1.0), er.L1({"0.*": 0.5, "*": 0.25}), model=model)
    for one in model.parameters():
        one.grad = torch.zeros_like(one)
    optimiser.step()
    torch.testing.assert_close(model[0].weight.detach(), er.l1_prox(before[0], strength=0.5, step=0.1))
    torch.testing.assert_close(model[2].weight.detach(), er.l1_prox(before[1], strength=0.25, step=0.4))


def test_parameters_that_are_added_later_are_penalised_too():
    model = mlp()
    for add in ("outer", "inner"):
        inner = optim.SGD(model[0].parameters(), lr=1.0)
        optimiser = er.Proximal(inner, er.L1(1e3), model=model)
        group = {"params": list(model[2].parameters()), "lr": 0.5}
        (optimiser if add == "outer" else inner).add_param_group(group)
        with torch.no_grad():
            model[2].weight.fill_(1.0)
        for one in model.parameters():
            one.grad = torch.zeros_like(one)
        optimiser.step()
        assert (model[2].weight == 0).all()
        assert optimiser.param_groups is inner.param_groups
    unnamed = er.Proximal(optim.SGD([model[0].weight], lr=1.0), er.L1(1e3))
    unnamed.add_param_group({"params": [model[2].weight]})
    with torch.no_grad():
        model[2].weight.fill_(1.0)
    unnamed.step()
    assert (model[2].weight == 0).all()


SCHEDULERS = {
    "StepLR": lambda o: lr_scheduler.StepLR(o, 2, gamma=0.5),
    "CosineAnnealingLR": lambda o: lr_scheduler.CosineAnnealingLR(o, 6),
    "OneCycleLR": lambda o: lr_scheduler.OneCycleLR(o, max_lr=0.05, total_steps=8),
    "CyclicLR": lambda o: lr_scheduler.CyclicLR(o, base_lr=0.01, max_lr=0.05, step_size_up=2),
    "LambdaLR to zero": lambda o: lr_scheduler.LambdaLR(o, lambda step: float(step < 3)),
    "ReduceLROnPlateau": lambda o: lr_scheduler.ReduceLROnPlateau(o, patience=0, threshold=10.0),
    "SequentialLR": lambda o: lr_scheduler.SequentialLR(
        o, [lr_scheduler.LinearLR(o, total_iters=2), lr_scheduler.ExponentialLR(o, 0.5)], milestones=[2]
    ),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter:UserWarning")
@pytest.mark.parametrize("holder", ["outer", "inner"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_schedulers_may_hold_either_and_momentum_that_they_change_counts(name, holder):
    alone, model = mlp(), mlp()
    plain = optim.SGD(alone.parameters(), lr=0.02, momentum=0.8)
    inner = optim.SGD(model.parameters(), lr=0.02, momentum=0.8)
    optimiser = er.Proximal(inner, er.L1(STRENGTH), model=model)
    schedulers = [SCHEDULERS[name](plain), SCHEDULERS[name](optimiser if holder == "outer" else inner)]
    rates = []
    for _ in range(8):
        backward(alone, plain)
        plain.step()
        group = plain.param_groups[0]
        shrink(alone, group["lr"] / (1 - group["momentum"]))
        backward(model, optimiser)
        optimiser.step()
        assert all(torch.allclose(*pair) for pair in zip(alone.parameters(), model.parameters(), strict=True))
        rates.append(optimiser.param_groups[0]["lr"])
        for scheduler in schedulers:
            scheduler.step(*[1.0] if isinstance(scheduler, lr_scheduler.ReduceLROnPlateau) else [])
    assert len(set(rates)) > 1


@pytest.mark.parametrize("fused", [False, True])
def test_a_step_that_the_gradient_scaler_skips_is_skipped_whole(fused):
    model = mlp()
    optimiser = er.Proximal(optim.AdamW(model.parameters(), fused=fused), er.L1(STRENGTH), model=model)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)
    for infinite in (False, True, False):
        before = copy.deepcopy(model)
        taken = optimiser.steps_taken
        optimiser.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = nn.functional.mse_loss(model(X), Y)
        scaler.scale(loss).backward()
        if infinite:
            model[0].bias.grad[0] = float("inf")
        scaler.step(optimiser)
        scaler.update()
        assert equal(before, model) == infinite
        assert optimiser.steps_taken == taken + (not infinite)
    assert scaler.get_scale() == 2.0**7
    scaler.scale(nn.functional.mse_loss(model(X), Y)).backward()
    scaler.unscale_(optimiser)
    er.clip_gradients_(model, 1.0)
    scaler.step(optimiser)


@pytest.mark.parametrize("name", ["SGD, foreach", "AdamW, fused", "RAdam", "LBFGS"])
def test_saved_loaded_and_continued_is_as_uninterrupted(name):
    make, _ = OPTIMISERS[name]

    def wrapped(model):
        penalty = er.ElasticNet(STRENGTH, beta=1.0, schedule="rising") + er.L2(0.0)
        return er.Proximal(make(list(model.parameters())), penalty, model=model, steps=6)

    model = mlp()
    optimiser = wrapped(model)
    for _ in range(3):
        optimiser.step(lambda: backward(model, optimiser))
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimiser": optimiser.state_dict()}, file)
    for _ in range(3):
        optimiser.step(lambda: backward(model, optimiser))
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again = mlp(seed=2)
    again.load_state_dict(saved["model"])
    resumed = wrapped(again)
    resumed.load_state_dict(saved["optimiser"])
    assert resumed.steps_taken == 3
    for _ in range(3):
        resumed.step(lambda: backward(again, resumed))
    assert resumed.steps_taken == 6
    assert equal(model, again)


def test_states_pass_between_an_optimiser_alone_and_a_wrapped_one():
    model = mlp()
    plain = optim.Adam(model.parameters(), lr=0.03)
    backward(model, plain)
    plain.step()
    optimiser = er.Proximal(optim.Adam(model.parameters()), er.L1(STRENGTH), model=model)
    optimiser.load_state_dict(plain.state_dict())
    assert optimiser.param_groups[0]["lr"] == 0.03
    assert optimiser.steps_taken == 0
    optimiser.step()
    plain.load_state_dict(optimiser.state_dict())
    assert plain.state[model[0].weight]["step"] == 2
    optimiser.optimiser.load_state_dict(plain.state_dict())  # past the wrapper
    optimiser.param_groups[0]["lr"] = 0.5
    assert optimiser.optimiser.param_groups[0]["lr"] == 0.5


def test_hooks_on_the_state_and_on_the_step_are_called():
    model, heard = mlp(), []
    optimiser = er.Proximal(optim.SGD(model.parameters(), lr=0.1), er.L1(STRENGTH), model=model)
    optimiser.register_state_dict_post_hook(lambda _, state: heard.append("saved"))
    optimiser.register_load_state_dict_pre_hook(lambda _, state: heard.append("loading"))
    optimiser.register_load_state_dict_post_hook(lambda _: heard.append("loaded"))
    optimiser.register_step_post_hook(lambda one, *_: heard.append(er.sparsity(model).zeros))
    optimiser.load_state_dict(optimiser.state_dict())
    backward(model, optimiser)
    optimiser.step()
    assert heard == ["saved", "loading", "loaded", er.sparsity(model).zeros]


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_a_copy_goes_on_by_itself(how):
    model = mlp()
    optimiser = er.Proximal(
        optim.AdamW(model.parameters(), lr=0.01), er.L1(STRENGTH, schedule="rising"), model=model, steps=5
    )
    backward(model, optimiser)
    optimiser.step()
    pair = (model, optimiser)
    twin, its = copy.deepcopy(pair) if how == "deepcopy" else pickle.loads(pickle.dumps(pair))  # noqa: S301 - its own
    before = copy.deepcopy(model)
    for _ in range(2):
        backward(twin, its)
        its.step()
    assert equal(model, before)
    assert not equal(twin, before)
    assert (optimiser.steps_taken, its.steps_taken) == (1, 3)
    for _ in range(2):
        backward(model, optimiser)
        optimiser.step()
    assert equal(model, twin)
    scheduler = lr_scheduler.StepLR(its, 1)
    its.load_state_dict(optimiser.state_dict())
    its.step()
    scheduler.step()


def test_sam_around_proximal_shrinks_the_weights_themselves():
    model, alone = mlp(), mlp()
    optimiser = er.SAM(
        er.Proximal(optim.SGD(model.parameters(), lr=0.05, momentum=0.5), er.L1(STRENGTH), model=model), radius=0.1
    )
    plain = er.SAM(optim.SGD(alone.parameters(), lr=0.05, momentum=0.5), radius=0.1)
    for _ in range(3):
        optimiser.step(lambda: backward(model, optimiser))
        plain.step(lambda: backward(alone, plain))
        shrink(alone, 0.1)
        assert equal(model, alone)
    assert er.sparsity(model).zeros > 0
    around = er.Proximal(er.SAM(optim.SGD(alone.parameters(), lr=0.05, momentum=0.5), radius=0.1), er.L1(STRENGTH))
    around.step(lambda: backward(alone, around))
    state = optimiser.state_dict()
    assert state["param_groups"][0]["proximal_steps"] == 3


def test_one_proximal_around_another_takes_both_steps_and_counts_both():
    model = nn.Linear(3, 2, bias=False)
    before = model.weight.detach().clone()
    sgd = optim.SGD(model.parameters(), lr=0.1, momentum=0.5)
    inner = er.Proximal(sgd, er.L1(0.3), model=model)
    outer = er.Proximal(inner, er.MaxNorm(0.2), model=model, steps=10)
    for _ in range(2):
        model.weight.grad = torch.zeros(2, 3)
        outer.step()
        before = er.max_norm_projection(er.l1_prox(before, strength=0.3, step=0.2), bound=0.2)
        torch.testing.assert_close(model.weight.detach(), before)
    assert inner.steps_taken == outer.steps_taken == 2
    fresh = er.Proximal(er.Proximal(optim.SGD(model.parameters(), lr=1.0), er.L1(0.3)), er.L1(0.1))
    fresh.load_state_dict(outer.state_dict())
    assert fresh.steps_taken == fresh.optimiser.steps_taken == 2


def test_gradients_are_cleared_as_the_optimiser_does():
    model = mlp()
    optimiser = er.Proximal(optim.SGD(model.parameters(), lr=0.1), er.L1(STRENGTH), model=model)
    backward(model, optimiser)
    optimiser.zero_grad(set_to_none=False)
    assert (model[0].weight.grad == 0).all()
    optimiser.zero_grad()
    assert model[0].weight.grad is None


def test_no_graph_grows_through_a_step_and_the_memory_stays():
    model = mlp()
    optimiser = er.Proximal(optim.SGD(model.parameters(), lr=0.1), er.L1(STRENGTH) + er.MaxNorm(0.1), model=model)
    place, version = model[0].weight.data_ptr(), model[0].weight._version
    loss = backward(model, optimiser)
    optimiser.step()
    assert model[0].weight.is_leaf
    assert model[0].weight.data_ptr() == place
    assert model[0].weight._version > version  # autograd sees that a value was changed
    with pytest.raises(RuntimeError, match=r"second time|modified by an inplace"):
        loss.backward()


def test_named_parameters_name_what_is_refused():
    model = mlp()
    model[2].weight.requires_grad_(requires_grad=False)
    optimiser = optim.SGD(model.named_parameters(), lr=0.1)
    with pytest.raises(ValueError, match=r"2\.weight is frozen"):
        er.Proximal(optimiser, er.L1(1.0))


def test_it_shows_the_optimiser_and_the_penalty():
    model = mlp()
    optimiser = er.Proximal(optim.SGD(model.parameters(), lr=0.125), er.L1(STRENGTH), model=model)
    assert "SGD" in repr(optimiser)
    assert "lr: 0.125" in repr(optimiser)
    assert "L1(" in repr(optimiser)


@pytest.mark.slow
@pytest.mark.skipif(not torch.distributed.is_available(), reason="torch was built without it")
@pytest.mark.parametrize("penalty", [er.ElasticNet(STRENGTH), er.GroupLasso(STRENGTH), er.MaxNorm(0.3)])
def test_weights_that_are_spread_over_processes_are_shrunk_as_those_that_are_not(penalty, tmp_path):
    from torch.distributed.fsdp import fully_shard

    store = torch.distributed.FileStore(str(tmp_path / "store"), 1)
    torch.distributed.init_process_group("gloo", store=store, rank=0, world_size=1)
    try:
        alone, model = mlp(), mlp()
        fully_shard(model, mesh=torch.distributed.device_mesh.init_device_mesh("cpu", (1,)))
        for one in (alone, model):
            optimiser = er.Proximal(optim.SGD(one.parameters(), lr=0.1), penalty, model=one)
            backward(one, optimiser)
            optimiser.step()
        for one, other in zip(alone.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(other.full_tensor(), one.data)
        assert penalty(model).full_tensor().item() == pytest.approx(penalty(alone).item())
    finally:
        torch.distributed.destroy_process_group()


@pytest.mark.slow
def test_a_step_can_be_compiled():
    alone, model = mlp(), mlp()
    pairs = [
        (
            one,
            er.Proximal(
                optim.SGD(one.parameters(), lr=0.02, momentum=0.5), er.L1(STRENGTH) + er.MaxNorm(0.5), model=one
            ),
        )
        for one in (alone, model)
    ]
    compiled = torch.compile(pairs[1][1].step, backend="eager")
    for _ in range(3):
        backward(*pairs[0])
        pairs[0][1].step()
        backward(*pairs[1])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compiled()
        for one, other in zip(alone.parameters(), model.parameters(), strict=True):
            torch.testing.assert_close(one, other)
