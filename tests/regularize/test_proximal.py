"""Proximal: what it minimises, checked against scikit-learn, and what it refuses."""

import warnings

import numpy as np
import pytest
import torch
from sklearn import linear_model
from tests.regularize.zoo import ZOO, equal_bits, make, train
from torch import nn
from torch.nn.utils import parametrizations

import evenfit.regularize as er
from evenfit.errors import RegularizeError

ROWS, COLUMNS = 60, 8


def line(seed=0):
    """A target that is a line of three columns of eight, two of which are alike."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((ROWS, COLUMNS))
    x[:, 1] = 0.9 * x[:, 0] + 0.3 * x[:, 1]
    y = x[:, :3] @ [1.0, -0.5, 0.2] + 0.3 + 0.3 * random.standard_normal(ROWS)
    return x, y


def fitted(penalty, *, rate, steps, **options):
    """Weights and bias after full-batch proximal SGD on the mean squared error."""
    x, y = (torch.tensor(one) for one in line())
    model = nn.Linear(COLUMNS, 1, dtype=torch.float64)
    optimiser = er.Proximal(torch.optim.SGD(model.parameters(), lr=rate, **options), penalty, model=model)
    for _ in range(steps):
        optimiser.zero_grad()
        nn.functional.mse_loss(model(x)[:, 0], y).backward()
        optimiser.step()
    return model.weight.detach()[0].numpy(), model.bias.item()


PAIRS = [
    (er.L1(0.2), linear_model.Lasso(alpha=0.1)),
    (er.L1(0.6), linear_model.Lasso(alpha=0.3)),
    (er.L2(0.3), linear_model.Ridge(alpha=0.3 * ROWS)),
    (er.ElasticNet(0.4, beta=0.5), linear_model.ElasticNet(alpha=0.2, l1_ratio=0.5)),
    (er.ElasticNet(0.4, beta=0.0), linear_model.Ridge(alpha=0.2 * ROWS)),
    (er.ElasticNet(0.2, beta=1.0), linear_model.Lasso(alpha=0.1)),
    (er.L1(0.2) + er.L2(0.1), linear_model.ElasticNet(alpha=0.2, l1_ratio=0.5)),
]
OPTIONS = {
    "plain": {},
    "momentum": {"momentum": 0.9},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "dampened": {"momentum": 0.8, "dampening": 0.5},
}


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize(("penalty", "model"), PAIRS, ids=[str(number) for number in range(len(PAIRS))])
def test_full_batch_sgd_reaches_the_solutions_of_scikit_learn_with_the_same_zeros(penalty, model, name):
    options = OPTIONS[name]
    gathered = (1 - options.get("dampening", 0)) / (1 - options.get("momentum", 0))
    weight, bias = fitted(penalty, rate=0.25 / gathered, steps=400, **options)
    model.set_params(tol=1e-10)
    model.fit(*line())
    np.testing.assert_allclose(weight, model.coef_, atol=1e-4)
    np.testing.assert_allclose(bias, model.intercept_, atol=1e-4)
    np.testing.assert_array_equal(weight == 0, model.coef_ == 0)


def test_with_the_bare_learning_rate_momentum_would_reach_another_solution():
    lasso = linear_model.Lasso(alpha=0.1, tol=1e-10).fit(*line())
    tenth = linear_model.Lasso(alpha=0.01, tol=1e-10).fit(*line())
    x, y = (torch.tensor(one) for one in line())
    model = nn.Linear(COLUMNS, 1, dtype=torch.float64)
    sgd = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
    optimiser = er.Proximal(sgd, er.L1(0.2), model=model, step_size=lambda group: group["lr"])
    for _ in range(900):
        optimiser.zero_grad()
        nn.functional.mse_loss(model(x)[:, 0], y).backward()
        optimiser.step()
    np.testing.assert_allclose(model.weight.detach()[0], tenth.coef_, atol=1e-4)
    assert np.abs(tenth.coef_ - lasso.coef_).max() > 0.05


def test_group_lasso_reaches_its_own_optimality_conditions():
    # of J + lambda sum_g ||w_g||, by subgradients: ||g|| <= lambda at 0, and g = -lambda w / ||w|| elsewhere
    x, _ = (torch.tensor(one) for one in line())
    y = x[:, :2] @ torch.tensor([[1.0, -0.5, 0.3], [0.2, 0.7, -0.9]], dtype=torch.float64)
    model = nn.Linear(COLUMNS, 3, dtype=torch.float64)
    optimiser = er.Proximal(torch.optim.SGD(model.parameters(), lr=0.2), er.GroupLasso(0.3), model=model)
    for _ in range(500):
        optimiser.zero_grad()
        nn.functional.mse_loss(model(x), y).backward()
        optimiser.step()
    gradient, weight = model.weight.grad, model.weight.detach()
    alive = weight.norm(dim=0) > 0
    assert 0 < alive.sum() < COLUMNS
    assert ((weight == 0).all(0) == ~alive).all()
    torch.testing.assert_close(gradient[:, alive], -0.3 * weight[:, alive] / weight[:, alive].norm(dim=0))
    assert (gradient[:, ~alive].norm(dim=0) <= 0.3).all()


def test_maximising_subtracts_the_penalty():
    x, y = (torch.tensor(one) for one in line())
    model = nn.Linear(COLUMNS, 1, dtype=torch.float64)
    sgd = torch.optim.SGD(model.parameters(), lr=0.2, maximize=True)
    optimiser = er.Proximal(sgd, er.L1(0.2), model=model)
    for _ in range(500):
        optimiser.zero_grad()
        (-nn.functional.mse_loss(model(x)[:, 0], y)).backward()
        optimiser.step()
    lasso = linear_model.Lasso(alpha=0.1, tol=1e-10).fit(*line())
    np.testing.assert_allclose(model.weight.detach()[0], lasso.coef_, atol=1e-4)


@pytest.mark.parametrize("kind", sorted(set(ZOO) - {"frozen", "weight_norm"}))
@pytest.mark.parametrize("penalty", [er.L1(0.0), er.ElasticNet(0.0), er.GroupLasso(0.0), er.L2(0.0)])
def test_a_strength_of_zero_trains_as_the_optimiser_alone_bit_for_bit(penalty, kind):
    results = []
    for wrapped in (False, True):
        model, batch = make(kind)
        optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
        with torch.random.fork_rng():
            torch.manual_seed(5)
            train(model, batch, 5, er.Proximal(optimiser, penalty, model=model) if wrapped else optimiser)
        results.append(model)
    for one, other in zip(results[0].parameters(), results[1].parameters(), strict=True):
        assert equal_bits(one, other)


@pytest.mark.parametrize("kind", sorted(set(ZOO) - {"frozen", "weight_norm", "tied"}))
@pytest.mark.parametrize(
    "penalty", [er.L1(3.0), er.GroupLasso(3.0), er.SparseGroupLasso(3.0), er.L1(3.0) + er.MaxNorm(0.5)]
)
def test_zeros_are_exact_in_any_model(penalty, kind):
    model, batch = make(kind)
    biases = [one for name, one in model.named_parameters() if "bias" in name]
    train(model, batch, 10, er.Proximal(torch.optim.SGD(model.parameters(), lr=0.05), penalty, model=model))
    assert er.sparsity(model).share > 0.2
    assert all((one != 0).any() for one in biases)


def test_two_steps_are_the_formula_of_the_notes():
    model = nn.Linear(2, 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -0.3]]))
    optimiser = er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), er.ElasticNet(2.0, beta=0.25), model=model)
    w = np.array([1.0, -0.3])
    for _ in range(2):
        model.weight.grad = torch.tensor([[0.5, 1.0]])
        optimiser.step()
        moved = w - 0.1 * np.array([0.5, 1.0])
        w = np.sign(moved) * np.maximum(np.abs(moved) - 0.1 * 2 * 0.25, 0) / (1 + 0.1 * 2 * 0.75)
    np.testing.assert_allclose(model.weight.detach()[0], w, rtol=1e-6)


def test_a_sum_is_taken_in_one_exact_step():
    torch.manual_seed(0)
    layer = nn.Linear(4, 3, bias=False, dtype=torch.float64)
    weight = layer.weight.detach().clone() * 4
    with torch.no_grad():
        layer.weight.copy_(weight)
    penalty = er.L1(0.5) + er.L2(0.3) + er.GroupLasso(0.4, groups="units") + er.MaxNorm(1.0) + er.L1(0.2)
    optimiser = er.Proximal(torch.optim.SGD(layer.parameters(), lr=0.5), penalty, model=layer)
    layer.weight.grad = torch.zeros_like(weight)
    optimiser.step()
    reached = layer.weight.detach().clone()

    def objective(points):
        norms = points.norm(dim=2)
        cost = (0.7 * points.abs() + 0.3 * points**2).sum((1, 2)) + 0.4 * norms.sum(1)
        return ((points - weight) ** 2).sum((1, 2)) / 2 + 0.5 * cost + torch.where(norms.amax(1) > 1.0, torch.inf, 0.0)

    noise = torch.randn(4000, 3, 4, dtype=torch.float64) * torch.logspace(-4, 0, 4000)[:, None, None]
    points = reached + noise * (reached != 0) + noise * (torch.rand(4000, 3, 4) < 0.2)
    points = points * (1 / points.norm(dim=2, keepdim=True)).clamp(max=1)
    assert (objective(points) >= objective(reached[None]) - 1e-12).all()
    assert (reached.norm(dim=1) > 0.999).any()
    assert (reached == 0).any()


@pytest.mark.parametrize(
    ("penalty", "message"),
    [
        (
            er.GroupLasso(1.0) + er.GroupLasso(1.0, groups="units"),
            "groups of inputs and groups of units, which overlap",
        ),
        (er.L1(1.0) + er.SpectralBound(1.0), "a spectral bound and L1 or group lasso"),
        (er.MaxNorm(1.0) + er.SpectralBound(1.0), "a spectral bound and bounds of norms"),
        (er.L1(1.0) + er.UnitNorm(), "unit norms and L1 or group lasso"),
        (er.MaxNorm(0.5) + er.UnitNorm(), "unit norms and a max-norm below 1"),
        (er.GroupLasso(1.0) + er.MaxNorm(1.0), "a group lasso and a max-norm of other groups"),
    ],
)
def test_penalties_without_an_exact_step_together_are_refused_and_can_be_taken_in_turn(penalty, message):
    model = nn.Linear(4, 3)
    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RegularizeError, match=rf"{message}.* have no exact proximal step together \(weight\)"):
        er.Proximal(sgd, penalty, model=model)
    first, second = penalty.penalties
    both = er.Proximal(er.Proximal(sgd, first, model=model), second, model=model)
    model(torch.rand(5, 4)).sum().backward()
    both.step()
    if hasattr(second, "bound"):
        assert second(model) == 0


def test_a_max_norm_and_units_of_a_recurrent_layer_differ_in_their_gates():
    model = nn.LSTM(3, 4)
    with pytest.raises(RegularizeError, match="max-norm of other groups"):
        er.Proximal(
            torch.optim.SGD(model.parameters(), lr=0.1),
            er.GroupLasso(1.0, groups="units") + er.MaxNorm(1.0),
            model=model,
        )
    er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), er.L1(1.0) + er.MaxNorm(1.0), model=model)


@pytest.mark.parametrize("penalty", [er.L2(0.1) + er.SpectralBound(1.0), er.L2(0.1) + er.UnitNorm()])
def test_a_shrink_before_a_projection_is_exact_and_allowed(penalty):
    model = nn.Linear(4, 3)
    optimiser = er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), penalty, model=model)
    model(torch.rand(5, 4)).sum().backward()
    optimiser.step()
    assert penalty.penalties[1](model) == 0


def test_without_the_model_tensors_of_two_or_more_dimensions_are_penalised():
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 3), nn.LayerNorm(3), nn.PReLU(3))
    before = {name: one.detach().clone() for name, one in model.named_parameters()}
    optimiser = er.Proximal(torch.optim.SGD(model.parameters(), lr=1.0), er.L1(1e3))
    for one in model.parameters():
        one.grad = torch.zeros_like(one)
    optimiser.step()
    for name, one in model.named_parameters():
        assert (one == 0).all() if one.dim() >= 2 else torch.equal(one, before[name])


@pytest.mark.parametrize(
    ("penalty", "wish"),
    [
        (er.L1({"0.*": 1.0}), "strengths by patterns of names"),
        (er.L1(1.0, only="0.*"), "only="),
        (er.L1(1.0, exclude=nn.LSTM), "exclude="),
        (er.L1(1.0, kinds="bias"), "kinds= of parameters"),
        (er.GroupLasso(1.0), "knowing inputs from units"),
        (er.L1(1.0) + er.MaxNorm(1.0), "knowing inputs from units"),
        (er.SpectralBound(1.0), "knowing inputs from units"),
    ],
)
def test_what_needs_the_model_says_so(penalty, wish):
    optimiser = torch.optim.SGD(nn.Linear(3, 2).parameters(), lr=0.1)
    with pytest.raises(RegularizeError, match=rf"needs the model for {wish}: Proximal\(optimiser, penalty, model="):
        er.Proximal(optimiser, penalty)


def frozen():
    model = nn.Linear(3, 2)
    model.weight.requires_grad_(requires_grad=False)
    return model


@pytest.mark.parametrize(
    ("make_model", "with_model", "message"),
    [
        (frozen, True, "weight is frozen"),
        (frozen, False, r"parameter 0 of group 0, \[2, 3\], is frozen .*leave it out of the optimiser"),
        (lambda: nn.Linear(3, 2, dtype=torch.complex64), True, "weight is complex"),
        (lambda: nn.Linear(3, 2, dtype=torch.complex64), False, r"parameter 0 of group 0, \[2, 3\], is complex"),
        (lambda: parametrizations.weight_norm(nn.Linear(3, 2)), True, "weight is computed from .*no proximal step of"),
        (lambda: nn.Embedding(3, 2, sparse=True), True, "no weight to penalise: it has weight"),
        (lambda: nn.BatchNorm1d(3), False, "without the model, tensors of two or more dimensions"),
    ],
)
def test_a_parameter_that_cannot_be_stepped_is_named(make_model, with_model, message):
    model = make_model()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(RegularizeError, match=message):
        er.Proximal(optimiser, er.L1(0.1), model=model if with_model else None)


def test_an_optimiser_and_a_model_that_share_nothing_are_refused():
    one, other = nn.Linear(3, 2), nn.Linear(3, 2)
    with pytest.raises(RegularizeError, match="the optimiser and the model share no parameters"):
        er.Proximal(torch.optim.SGD(one.parameters(), lr=0.1), er.L1(0.1), model=other)
    with pytest.raises(RegularizeError, match="no parameter that L1 sees is in the optimiser"):
        er.Proximal(torch.optim.SGD([one.bias], lr=0.1), er.L1(0.1), model=one)
    both = nn.Sequential(one, other)
    with pytest.raises(RegularizeError, match="no parameter that L2 sees is in the optimiser"):
        er.Proximal(torch.optim.SGD(one.parameters(), lr=0.1), er.L1(0.1) + er.L2(0.1, only="1.*"), model=both)


def test_an_optimiser_of_a_part_steps_that_part_even_if_the_rest_is_frozen():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    model[0].requires_grad_(requires_grad=False)
    before = model[0].weight.detach().clone()
    optimiser = er.Proximal(torch.optim.SGD(model[1].parameters(), lr=1.0), er.L1(1e3), model=model)
    model(torch.rand(2, 3)).sum().backward()
    optimiser.step()
    assert torch.equal(model[0].weight, before)
    assert (model[1].weight == 0).all()


def test_a_weight_without_a_gradient_is_left_alone():
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(3, 4))
    optimiser = er.Proximal(torch.optim.SGD(model.parameters(), lr=1.0), er.L1(1e3), model=model)
    before = model[1].weight.detach().clone()
    model[0](torch.rand(2, 3)).sum().backward()
    optimiser.step()
    assert torch.equal(model[1].weight, before)
    assert (model[0].weight == 0).all()


def test_a_sparse_gradient_is_named():
    table = nn.Module()
    table.matrix = nn.Parameter(torch.ones(5, 3))
    optimiser = er.Proximal(torch.optim.SGD(table.parameters(), lr=0.1), er.L1(0.1), model=table)
    nn.functional.embedding(torch.tensor([1]), table.matrix, sparse=True).sum().backward()
    with pytest.raises(RegularizeError, match="matrix has a sparse gradient"):
        optimiser.step()
    embedding = nn.Embedding(5, 3, sparse=True)
    with pytest.raises(RegularizeError, match="weight has sparse gradients"):
        er.Proximal(torch.optim.SGD(embedding.parameters(), lr=0.1), er.L1(0.1, kinds="embedding"), model=embedding)
    with pytest.raises(RegularizeError, match="SparseAdam steps along sparse gradients"):
        er.Proximal(torch.optim.SparseAdam(embedding.parameters()), er.L1(0.1))


def test_two_parameters_in_the_same_memory_are_refused():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = nn.Parameter(model[0].weight.data)
    with pytest.raises(RegularizeError, match=r"0\.weight and 1\.weight are two parameters in the same memory"):
        er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), er.L1(0.1), model=model)


def test_a_shared_weight_is_shrunk_once():
    model = nn.Sequential(nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False))
    model[1].weight = model[0].weight
    before = model[0].weight.detach().clone()
    optimiser = er.Proximal(torch.optim.SGD(model.parameters(), lr=1.0), er.L1(0.1), model=model)
    model[0].weight.grad = torch.zeros(3, 3)
    optimiser.step()
    torch.testing.assert_close(model[0].weight.detach(), er.l1_prox(before, strength=0.1, step=1.0))


@pytest.mark.parametrize("penalty", [er.L2(0.1), er.ElasticNet(0.1), er.L1(0.1) + er.L2(0.1)])
def test_weight_decay_beside_l2_is_warned_of(penalty):
    model = nn.Linear(3, 2)
    with pytest.warns(UserWarning, match=r"AdamW has weight_decay=0\.01 and the penalty has L2") as caught:
        er.Proximal(torch.optim.AdamW(model.parameters()), penalty, model=model)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        er.Proximal(torch.optim.AdamW(model.parameters(), weight_decay=0.0), penalty, model=model)
        er.Proximal(torch.optim.AdamW(model.parameters()), er.L1(0.1) + er.L2(0.0), model=model)
        groups = [{"params": [model.weight], "weight_decay": 0.0}, {"params": [model.bias]}]
        er.Proximal(torch.optim.AdamW(groups), penalty, model=model)  # the bias alone decays


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((nn.Linear(1, 1), er.L1(0.1)), r"wraps a torch\.optim\.Optimizer; got Linear"),
        ((torch.optim.SGD(nn.Linear(1, 1).parameters()), 0.1), "takes a penalty, such as .*; got 0.1"),
        ((torch.optim.Adam([torch.ones(2, 2)], differentiable=True), er.L1(0.1)), "differentiable=False"),
    ],
)
def test_what_is_no_optimiser_and_what_is_no_penalty_is_refused(arguments, message):
    with pytest.raises(RegularizeError, match=message):
        er.Proximal(*arguments)


def test_a_group_without_a_learning_rate_needs_a_step_size():
    class Bare(torch.optim.Optimizer):
        def __init__(self, parameters):
            super().__init__(parameters, {"speed": 0.5})

        def step(self, closure=None):
            pass

    model = nn.Linear(3, 2)
    model.weight.grad = torch.zeros(2, 3)
    with pytest.raises(RegularizeError, match=r"Bare has no learning rate 'lr'.*step_size="):
        er.Proximal(Bare(model.parameters()), er.L1(0.1), model=model).step()
    before = model.weight.detach().clone()
    er.Proximal(Bare(model.parameters()), er.L1(0.1), model=model, step_size=lambda group: group["speed"]).step()
    torch.testing.assert_close(model.weight.detach(), er.l1_prox(before, strength=0.1, step=0.5))
    with pytest.raises(RegularizeError, match="step_size must give a finite number of at least 0, got -1"):
        er.Proximal(Bare(model.parameters()), er.L1(0.1), model=model, step_size=lambda group: -1).step()


def test_a_schedule_goes_by_the_steps_that_were_taken():
    model = nn.Linear(1, 1, bias=False)
    optimiser = er.Proximal(
        torch.optim.SGD(model.parameters(), lr=0.1), er.L1(1.0, schedule="rising") + er.L1(0.5), model=model, steps=4
    )
    with torch.no_grad():
        model.weight.fill_(10.0)
    expected = 10.0
    for taken in range(6):
        model.weight.grad = torch.zeros(1, 1)
        assert optimiser.steps_taken == taken
        optimiser.step()
        expected -= 0.1 * (min(taken / 4, 1.0) + 0.5)
        assert model.weight.item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("steps", [0, -1, 2.5])
def test_steps_are_a_whole_number(steps):
    model = nn.Linear(1, 1)
    with pytest.raises(RegularizeError, match="steps must be a whole number of at least 1, got"):
        er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), er.L1(0.1), model=model, steps=steps)


def test_a_schedule_without_steps_is_refused():
    model = nn.Linear(1, 1)
    with pytest.raises(RegularizeError, match="say how many steps training takes with steps="):
        er.Proximal(torch.optim.SGD(model.parameters(), lr=0.1), er.L1(0.1, schedule="late"), model=model)
