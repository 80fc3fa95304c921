"""Importance of hyperparameters, asked of searches whose losses follow a known rule."""

from dataclasses import replace

import numpy as np
import pytest
from tests.proposals.trials import trial_of

import evenfit
from evenfit.experiments.hyperparameters import FEWEST, hyperparameter_importance
from evenfit.results.trial import COMPLETE, DIVERGED, DROPPED
from evenfit.specs.config import Config


def search(loss, *, trials=80, seed=0, noise=0.0):
    """Trials at random, whose losses are a function of their config."""
    draw = np.random.default_rng(seed)
    found = []
    for number in range(trials):
        config = Config(
            learning_rate=float(10 ** draw.uniform(-4, -1)),
            dropout=float(draw.choice([0.0, draw.uniform(0.05, 0.6)])),
            l2=float(draw.uniform(0, 1)),
            width=int(draw.choice([32, 64, 128])),
            activation=str(draw.choice(["mish", "relu", "selu"])),
        )
        found.append(trial_of(number, config, loss(config) + noise * draw.normal()))
    return found


def shares(known):
    return {one.name: one.share.mean for one in known.alone}


def test_the_one_value_that_decides_is_found_by_both_ways():
    known = hyperparameter_importance(search(lambda config: abs(np.log10(config.learning_rate) + 2.5)))
    first = known.alone[0]
    assert first.name == "learning_rate"
    assert first.clear
    assert first.share.mean > 0.8
    assert first.best > 0.5
    assert not any(pair.share.mean > 0.1 for pair in known.pairs)
    assert known.explained > 0.5


def test_two_values_that_act_together_are_found_as_a_pair():
    rule = lambda config: (np.log10(config.learning_rate) + 2.5) * (config.l2 - 0.5)  # noqa: E731
    known = hyperparameter_importance(search(rule, trials=200))
    assert set(known.pairs[0].names) == {"learning_rate", "l2"}
    assert known.pairs[0].clear
    assert known.pairs[0].share.mean > max(shares(known).values())
    assert set(known.surface.names) == {"learning_rate", "l2"}
    low, high = np.array(known.surface.losses).min(), np.array(known.surface.losses).max()
    assert low < 0 < high


def test_a_word_is_one_hyperparameter():
    known = hyperparameter_importance(search(lambda config: float(config.activation == "relu")))
    assert known.alone[0].name == "activation"
    assert known.alone[0].share.mean > 0.8


def test_where_nothing_matters_nothing_is_said():
    refused = [hyperparameter_importance(search(lambda _: 0.0, noise=1.0, seed=seed)) for seed in range(4)]
    for known in refused:
        assert known.refusal or not any(one.share.low > 0.3 for one in known.alone)
    assert sum(bool(known.refusal) for known in refused) >= 3


def test_too_few_trials_are_refused_with_their_number():
    known = hyperparameter_importance(search(lambda config: config.l2, trials=FEWEST - 1))
    assert known.refusal == f"importance needs {FEWEST} configs with finite losses; there are {FEWEST - 1}"
    assert known.alone == known.pairs == ()
    assert not hyperparameter_importance(search(lambda config: config.l2, trials=FEWEST)).refusal


def test_diverged_trials_do_not_count():
    known = search(lambda config: config.l2, trials=FEWEST)
    known[3] = replace(known[3], status=DIVERGED)
    assert f"there are {FEWEST - 1}" in hyperparameter_importance(known).refusal


@pytest.mark.parametrize("change", [lambda t: replace(t, config=Config()), lambda t: trial_of(t.number, t.config, 1.0)])
def test_a_search_in_which_nothing_differs_is_refused(change):
    known = hyperparameter_importance([change(trial) for trial in search(lambda config: config.l2)])
    assert known.refusal


def test_the_same_trials_and_seed_give_the_same_numbers():
    trials = search(lambda config: config.l2 + config.dropout)
    assert hyperparameter_importance(trials, seed=3) == hyperparameter_importance(trials, seed=3)


def test_being_dropped_is_not_what_importance_is_about():
    # all gain 5 after the first epoch; every other config is dropped there, whatever its values
    rule = lambda config: config.l2  # noqa: E731
    trials = []
    for trial in search(rule, trials=120):
        dropped = trial.number % 2 == 1
        curve = rule(trial.config) + np.array([5.0] if dropped else [5.0, 0.0])
        losses = np.repeat(curve[:, None], 2, axis=1)
        trials.append(
            replace(
                trial,
                config=trial.config.with_values(epochs=2, dropout=0.5 if dropped else 0.1),
                status=DROPPED if dropped else COMPLETE,
                epochs=np.arange(1, len(curve) + 1),
                best=len(curve) - 1,
                selection_loss=losses,
                validation_loss=losses,
            )
        )
    known = hyperparameter_importance(trials)
    assert known.alone[0].name == "l2"
    assert shares(known)["dropout"] < 0.1
    assert "60 dropped configs count with the loss that they were on the way to" in known.notes


def test_where_there_is_no_time_that_is_said():
    clock = iter(range(10_000)).__next__
    known = hyperparameter_importance(search(lambda config: config.l2), seconds=3, clock=lambda: float(clock()))
    assert known.refusal == "there was no time to ask which hyperparameters mattered"


def test_the_function_takes_a_study_and_a_stored_run(tmp_path):
    x = np.random.default_rng(0).normal(size=(50, 2))
    study = evenfit.tune("mlp", x, x[:, 0], budget="3 trials", folds=2, store=tmp_path)
    [run] = [path.name for path in tmp_path.iterdir() if path.is_dir()]
    assert evenfit.hyperparameter_importance(study) == evenfit.hyperparameter_importance(run, runs=tmp_path)
    assert "there are 3" in evenfit.hyperparameter_importance(study).refusal
