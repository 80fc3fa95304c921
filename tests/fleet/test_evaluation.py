"""The deployed model's numpy network is the same as plain torch's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.networks import configs, make_samples

from evenfit.fleet import plain
from evenfit.fleet.evaluation import ACTIVATIONS, evaluate
from evenfit.fleet.layout import layout, starting_weights
from evenfit.fleet.member import Member

TASKS = {"classes": make_samples(), "numbers": make_samples(outputs=1, hot=0), "levels": make_samples(numeric=0, hot=0)}


@settings(max_examples=60)
@given(made=configs(), task=st.sampled_from(sorted(TASKS)), seed=st.integers(0, 2**62))
def test_numpy_predicts_as_plain_torch_does(made, task, seed):
    samples, config = TASKS[task], made[0]
    member = Member(config=config, split=1, seed=seed)
    plan = layout(config, samples.shape, samples.outputs)
    weights = starting_weights(plan, seed, samples.prior[1]) * 1.5
    rows = np.arange(samples.values.shape[1])
    found = evaluate(plan, weights, samples.values[1], samples.codes[1])
    np.testing.assert_allclose(found, plain.predict(weights, member, samples, rows), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_no_activation_overflows(name):
    extreme = np.array([-1e30, -800.0, 0.0, 800.0, 1e30])
    with np.errstate(over="raise", invalid="raise"):
        if name == "gelu":  # its cube of 1e30 is beyond what its tanh needs
            extreme = extreme[1:-1]
        assert np.isfinite(ACTIVATIONS[name](extreme)).all()
