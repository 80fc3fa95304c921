"""Penalties and dropout do what their mathematics say."""

import numpy as np
import pytest
from sklearn.linear_model import ElasticNet, Lasso, Ridge
from tests.fleet.networks import make_samples

from evenfit.data.encodings import InputShape
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.fleet.samples import Samples
from evenfit.specs.config import Config

ROWS, COLUMNS = 60, 8


def line(seed=0):
    """One split whose target is a line of three columns, all rows for training."""
    random = np.random.default_rng(seed)
    x = random.standard_normal((ROWS, COLUMNS))
    y = x[:, :3] @ [1.0, -0.5, 0.2] + 0.3 + 0.3 * random.standard_normal(ROWS)
    ones = np.ones((1, ROWS))
    return Samples(
        shape=InputShape(numeric=COLUMNS, features=COLUMNS, cardinalities=()),
        outputs=1,
        classification=False,
        values=x[None],
        codes=np.zeros((1, ROWS, 0), dtype=np.int32),
        target=y[None],
        row_weights=ones,
        balanced_weights=ones,
        prior=np.zeros((1, 1)),
        training=[np.arange(ROWS)],
        validation=[np.arange(ROWS)],
    )


LINEAR = {
    "depth": 0,
    "batch_rows": ROWS,
    "numeric_embedding": "none",
    "input_scale_rate": 0.0,
    "optimiser": "sgd",
    "schedule": "constant",
}


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_full_batch_sgd_reaches_the_solutions_of_scikit_learn_with_the_same_zeros(momentum):
    samples = line()
    x, y = samples.values[0], samples.target[0]
    pairs = [
        ({"l1": 0.2}, Lasso(alpha=0.1)),
        ({"l1": 0.6}, Lasso(alpha=0.3)),
        ({"l2": 0.3}, Ridge(alpha=0.3 * ROWS)),
        ({"elastic_net": 0.4, "beta": 0.5}, ElasticNet(alpha=0.2, l1_ratio=0.5)),
        ({"elastic_net": 0.4, "beta": 0.0}, Ridge(alpha=0.2 * ROWS)),  # half of L2
        ({"elastic_net": 0.2, "beta": 1.0}, Lasso(alpha=0.1)),
        ({"l1": 0.2, "l2": 0.1}, ElasticNet(alpha=0.2, l1_ratio=0.5)),
    ]
    rate = 0.2 * (1 - momentum)
    members = [
        Member(config=Config(**LINEAR, **values, momentum=momentum, learning_rate=rate, epochs=600), split=0, seed=1)
        for values, _ in pairs
    ]
    fleet = Fleet(members, samples, precision=np.float64)
    for _ in range(600):
        fleet.train_epoch()
    weight, bias = fleet.layout.block("weight_out"), fleet.layout.block("bias_out")
    for row, (values, model) in zip(fleet.learnt(), pairs, strict=True):
        model.set_params(tol=1e-10)
        model.fit(x, y)
        learnt = row[weight.start : weight.stop]
        np.testing.assert_allclose(learnt, model.coef_, atol=1e-4, err_msg=str(values))
        np.testing.assert_allclose(row[bias.start], model.intercept_, atol=1e-4)
        np.testing.assert_array_equal(learnt == 0, model.coef_ == 0)


def test_l1_gives_exact_zeros_in_hidden_weights_and_none_in_biases():
    samples = make_samples()
    members = [
        Member(config=Config(width=8, epochs=30, l1=l1, batch_rows=8, learning_rate=1e-2), split=0, seed=1)
        for l1 in (0.0, 3.0, 300.0)
    ]
    fleet = Fleet(members, samples)
    for _ in range(30):
        fleet.train_epoch()
    zeros = [
        [(row[block.start : block.stop] == 0).mean() for block in fleet.layout.weights()] for row in fleet.learnt()
    ]
    assert max(zeros[0]) == 0
    assert 0 < np.mean(zeros[1]) < 1
    assert min(zeros[2]) == 1
    bias = fleet.layout.block("bias0")
    assert (fleet.learnt()[2, bias.start : bias.stop] != 0).all()


@pytest.mark.statistical  # five standard errors, of 9 numbers, with fixed seeds
def test_dropped_inputs_are_on_average_ridge_regression():
    # Srivastava et al., "Dropout", 2014, section 9: the penalty is (1 - k) / k times sum w^2 mean(x^2)
    samples, count = line(), 4000
    config = Config(**LINEAR, momentum=0.0, learning_rate=1.0, epochs=1, input_dropout=0.25)
    fleet = Fleet([Member(config=config, split=0, seed=i) for i in range(count)], samples, precision=np.float64)
    start = fleet.weights[0].copy()
    fleet.load(fleet.state() | {"weights": np.tile(start, (count, 1))})
    fleet.train_epoch()
    steps = start - fleet.weights  # at a rate of 1 a step is the gradient
    weight, bias = fleet.layout.block("weight_out"), fleet.layout.block("bias_out")
    x, y, w = samples.values[0], samples.target[0], start[weight.start : weight.stop]
    error = x @ w + start[bias.start] - y
    expected = 2 * x.T @ error / ROWS + 2 * (0.25 / 0.75) * (x**2).mean(axis=0) * w
    for name, wanted in (("weight_out", expected), ("bias_out", [2 * error.mean()])):
        block = fleet.layout.block(name)
        drawn = steps[:, block.start : block.stop]
        off = np.abs(drawn.mean(axis=0) - wanted)
        assert (off < 5 * drawn.std(axis=0) / np.sqrt(count) + 1e-12).all()


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_a_strength_of_zero_changes_nothing(optimiser):
    samples = make_samples()
    values = {"width": 6, "epochs": 3, "batch_rows": 5, "optimiser": optimiser}
    without = {"l1": 0.0, "l2": 0.0, "elastic_net": 0.0, "dropout": 0.0, "input_dropout": 0.0, "beta": 0.9}
    with_others = [Config(**values), Config(**values, **without), Config(**values, l1=0.1, l2=0.1, dropout=0.5)]
    alone = Fleet([Member(config=with_others[0], split=0, seed=1)], samples)
    together = Fleet([Member(config=config, split=0, seed=1) for config in with_others], samples)
    for _ in range(3):
        alone.train_epoch()
        together.train_epoch()
    np.testing.assert_array_equal(together.learnt()[0], alone.learnt()[0])
    np.testing.assert_array_equal(together.learnt()[1], alone.learnt()[0])
