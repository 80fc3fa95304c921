"""Conversions: to torch and scikit-learn and back, and between both forms of dropout, each held to what it equals."""

import copy
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import linear_model
from sklearn.neural_network import MLPClassifier, MLPRegressor
from torch import nn

import evenfit.regularize as er
from evenfit.errors import RegularizeError

STRENGTHS = st.floats(1e-6, 1e3)
X = np.random.default_rng(0).standard_normal((50, 4))
Y = X @ [1.0, -0.5, 0.2, 0.0] + 0.3 * np.random.default_rng(1).standard_normal(50)


def gradient_of(penalty, weight):
    layer = nn.Linear(1, 1)
    layer.weight = nn.Parameter(weight)
    return penalty.gradient(layer)["weight"]


@given(strength=STRENGTHS, rate=st.floats(1e-6, 1.0), beta=st.floats(0, 1), rows=st.integers(1, 1000))
def test_there_and_back_is_where_it_was(strength, rate, beta, rows):
    near = pytest.approx(strength, rel=1e-9)
    l2, net = er.L2(strength), er.ElasticNet(strength, beta=beta)
    assert er.from_weight_decay(er.to_weight_decay(l2)).strength == near
    decoupled = er.to_weight_decay(er.L2(strength), learning_rate=rate)
    assert er.from_weight_decay(decoupled, learning_rate=rate).strength == pytest.approx(strength, rel=1e-6)
    assert er.from_lasso(er.to_lasso(er.L1(strength), targets=3), targets=3).strength == near
    assert er.from_ridge(er.to_ridge(l2, rows=rows), rows=rows).strength == near
    alpha, l1_ratio = er.to_elastic_net(net)
    back = er.from_elastic_net(alpha, l1_ratio=l1_ratio)
    assert (back.strength, back.beta) == (near, beta)
    C, l1_ratio = er.to_logistic_regression(net, rows=rows)
    back = er.from_logistic_regression(C, rows=rows, l1_ratio=l1_ratio)
    assert (back.strength, back.beta) == (near, beta)
    for classification in (True, False):
        alpha = er.to_mlp(l2, batch_rows=rows, classification=classification)
        assert er.from_mlp(alpha, batch_rows=rows, classification=classification).strength == near


def test_weight_decay_of_sgd_is_the_gradient_of_the_penalty():
    for penalty in (er.L2(0.3), er.ElasticNet(0.6, beta=0.0)):
        decay = er.to_weight_decay(penalty)
        weight = torch.randn(3, 2, dtype=torch.float64)
        torch.testing.assert_close(gradient_of(penalty, weight), decay * weight)
        one, other = nn.Linear(4, 2), nn.Linear(4, 2)
        other.load_state_dict(one.state_dict())
        plain = torch.optim.SGD(one.parameters(), lr=0.1, momentum=0.9)
        decayed = torch.optim.SGD(
            [{"params": [other.weight], "weight_decay": decay}, {"params": [other.bias]}], lr=0.1, momentum=0.9
        )
        x = torch.randn(6, 4)
        for _ in range(5):
            plain.zero_grad()
            (one(x).square().mean() + penalty(one)).backward()
            plain.step()
            decayed.zero_grad()
            other(x).square().mean().backward()
            decayed.step()
        torch.testing.assert_close(one.weight, other.weight)


def test_weight_decay_of_adamw_shrinks_in_a_step_as_the_proximal_step_does():
    decay = er.to_weight_decay(er.L2(0.7), learning_rate=0.2)
    weight = torch.randn(3, 2)
    one, other = nn.Parameter(weight.clone()), nn.Parameter(weight.clone())
    one.grad = other.grad = torch.zeros(3, 2)
    torch.optim.AdamW([one], lr=0.2, weight_decay=decay).step()
    er.Proximal(torch.optim.AdamW([other], lr=0.2, weight_decay=0.0), er.L2(0.7)).step()
    torch.testing.assert_close(one, other)
    torch.testing.assert_close(one.detach(), weight / (1 + 2 * 0.2 * 0.7))


@pytest.mark.parametrize("targets", [1, 2])
@pytest.mark.parametrize(
    ("made", "model"),
    [
        (lambda targets: er.from_lasso(0.1, targets=targets), linear_model.Lasso(alpha=0.1, tol=1e-12)),
        (lambda targets: er.from_ridge(7.0, rows=50, targets=targets), linear_model.Ridge(alpha=7.0)),
        (
            lambda targets: er.from_elastic_net(0.2, l1_ratio=0.3, targets=targets),
            linear_model.ElasticNet(alpha=0.2, l1_ratio=0.3, tol=1e-12),
        ),
    ],
    ids=["lasso", "ridge", "elastic-net"],
)
def test_scikit_learns_solution_is_stationary_for_the_penalty(made, model, targets):
    y = np.stack([Y, 0.5 * Y[::-1]], axis=1)[:, :targets]
    model.fit(X, y)
    check_stationary(made(targets), np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_), y, nn.MSELoss())


def check_stationary(penalty, coefficients, intercept, y, criterion, atol=1e-6):
    """A proximal step of gradient descent on J leaves the solution where it is."""
    layer = nn.Linear(X.shape[1], len(coefficients), dtype=torch.float64)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor(coefficients))
        layer.bias.copy_(torch.tensor(intercept))
    before = copy.deepcopy(layer)
    optimiser = er.Proximal(torch.optim.SGD(layer.parameters(), lr=0.1), penalty, model=layer)
    outputs = layer(torch.tensor(X))
    target = torch.tensor(y)
    criterion(outputs.reshape(target.shape) if outputs.numel() == target.numel() else outputs, target).backward()
    optimiser.step()
    torch.testing.assert_close(layer.weight, before.weight, atol=atol, rtol=0)
    torch.testing.assert_close(layer.bias, before.bias, atol=atol, rtol=0)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5, 1.0])
def test_logistic_regressions_solution_is_stationary_for_the_penalty(l1_ratio):
    target = (Y > 0).astype(float)
    model = linear_model.LogisticRegression(C=0.3, l1_ratio=l1_ratio, solver="saga", tol=1e-10, max_iter=20000)
    model.fit(X, target)
    penalty = er.from_logistic_regression(0.3, rows=50, l1_ratio=l1_ratio)
    check_stationary(penalty, model.coef_, model.intercept_, target, nn.BCEWithLogitsLoss(), atol=1e-5)


def test_logistic_regression_of_three_classes_is_cross_entropy():
    target = np.digitize(Y, [-0.5, 0.5])
    model = linear_model.LogisticRegression(C=0.3, tol=1e-10, max_iter=20000).fit(X, target)
    penalty = er.from_logistic_regression(0.3, rows=50)
    check_stationary(penalty, model.coef_, model.intercept_, target, nn.CrossEntropyLoss(), atol=1e-5)


@pytest.mark.parametrize("classification", [True, False])
def test_the_loss_of_scikit_learns_mlp_is_the_criterion_and_the_penalty(classification):
    alpha, target = 5.0, ((Y > 0).astype(int) if classification else Y)
    kind = MLPClassifier if classification else MLPRegressor
    model = kind(
        hidden_layer_sizes=(3,),
        alpha=alpha,
        solver="sgd",
        learning_rate_init=1e-12,
        max_iter=1,
        batch_size=50,
        random_state=0,
    )
    with pytest.warns(Warning, match="Maximum iterations"):
        model.fit(X, target)
    torch_model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    with torch.no_grad():
        for layer, weight, bias in zip(torch_model[::2], model.coefs_, model.intercepts_, strict=True):
            layer.weight.copy_(torch.tensor(weight.T))
            layer.bias.copy_(torch.tensor(bias))
    outputs, wanted = torch_model(torch.tensor(X))[:, 0], torch.tensor(target, dtype=torch.float64)
    penalty = er.from_mlp(alpha, batch_rows=50, classification=classification)
    criterion = nn.BCEWithLogitsLoss() if classification else nn.MSELoss()
    loss = criterion(outputs, wanted) + penalty(torch_model)
    assert model.loss_ * (1 if classification else 2) == pytest.approx(loss.item(), rel=1e-8)


FORMS = [
    er.L1(0.3),
    er.L2(0.3),
    er.ElasticNet(0.3, beta=0.4),
    er.ElasticNet(0.3, beta=0.0),
    er.GroupLasso(0.3, groups="units"),
    er.SparseGroupLasso(0.3, beta=0.6),
    er.L1(0.3) + er.L2(0.2),
    er.L1({"*": 0.3}),
]


@pytest.mark.parametrize("penalty", FORMS)
@settings(max_examples=20)
@given(rate=st.floats(0, 0.9))
def test_both_forms_of_dropout_have_equal_objectives(penalty, rate):
    original = nn.Linear(3, 2, dtype=torch.float64)
    inverted = copy.deepcopy(original)
    with torch.no_grad():
        inverted.weight.mul_(1 - rate)
    converted = er.to_inverted(penalty, rate=rate)
    torch.testing.assert_close(converted(inverted), penalty(original))
    torch.testing.assert_close(er.to_original(converted, rate=rate)(original), penalty(original))
    # and the networks are equal under one mask: x * mask for the one, x * mask / (1 - rate) for the other
    x = torch.randn(5, 3, dtype=torch.float64) * (torch.rand(5, 3) < 0.5)
    torch.testing.assert_close(original(x), inverted(x / (1 - rate)))


@pytest.mark.parametrize("kind", [er.MaxNorm, er.SpectralBound])
def test_bounds_scale_with_the_weights(kind):
    original = nn.Linear(3, 2, dtype=torch.float64)
    size = original.weight.norm(dim=1).max() if kind is er.MaxNorm else torch.linalg.matrix_norm(original.weight, 2)
    inverted = copy.deepcopy(original)
    with torch.no_grad():
        inverted.weight.mul_(0.6)
    tight = er.to_inverted(kind(size.item()), rate=0.4)
    assert tight.bound == pytest.approx(0.6 * size.item())
    assert tight(inverted) == 0
    assert er.to_inverted(kind(0.99 * size.item()), rate=0.4)(inverted) == math.inf
    assert er.to_original(tight, rate=0.4).bound == pytest.approx(size.item())


def test_the_elastic_net_converts_by_the_formula_of_the_notes():
    k = 0.7
    converted = er.to_inverted(er.ElasticNet(0.3, beta=0.4), rate=1 - k)
    assert converted.strength == pytest.approx(0.3 * (0.4 / k + 0.6 / k**2))
    assert converted.beta == pytest.approx(0.4 * k / (0.4 * k + 0.6))
    kept = er.to_inverted(er.L1(0.3, only="2.*", schedule="late"), rate=0.5)
    assert (kept.only, kept.schedule, kept.strength) == (("2.*",), "late", 0.6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: er.to_weight_decay(er.L1(0.1)), "for L2, or an elastic net with beta 0; got L1"),
        (lambda: er.to_weight_decay(er.ElasticNet(0.1, beta=0.5)), "for L2, or an elastic net with beta 0"),
        (lambda: er.to_weight_decay(er.L2({"*": 0.1})), "strengths by patterns of names have no single equal"),
        (lambda: er.from_weight_decay(-0.1), "weight_decay must be a finite number of at least 0, got -0.1"),
        (
            lambda: er.from_weight_decay(2.0, learning_rate=0.5),
            "a weight_decay of 2 at a learning rate of 0.5 leaves no",
        ),
        (lambda: er.to_lasso(er.L2(0.1)), "this is for L1; got L2"),
        (lambda: er.from_lasso(-1.0), "alpha must be a finite number of at least 0"),
        (lambda: er.from_ridge(1.0, rows=0), "rows must be above 0, got 0"),
        (lambda: er.from_elastic_net(0.1, l1_ratio=1.5), r"beta must be in \[0, 1\], got 1.5"),
        (lambda: er.from_logistic_regression(0.0, rows=5), "C must be above 0, got 0.0"),
        (lambda: er.to_inverted(er.L1(0.1), rate=1.0), r"a unit is dropped, must be in \[0, 1\), got 1.0"),
        (lambda: er.to_inverted(er.UnitNorm(), rate=0.5), "UnitNorm has no equal in the other form"),
        (lambda: er.to_original(er.ActivityL1(0.1), rate=0.5), "ActivityL1 has no equal in the other form"),
    ],
)
def test_what_does_not_convert_is_refused(call, message):
    with pytest.raises(RegularizeError, match=message):
        call()


def test_no_penalty_is_an_infinite_c():
    assert er.to_logistic_regression(er.L2(0.0), rows=10) == (math.inf, 0.0)
    assert er.to_logistic_regression(er.L1(0.5), rows=10) == (pytest.approx(0.2), 1.0)
