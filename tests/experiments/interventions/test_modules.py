"""What can be tried on a module: every change is one of its training, and can be trained."""

import numpy as np
import pytest
from torch import nn

from evenfit.data.splits import make_splits
from evenfit.experiments.fitting.fits import Fit
from evenfit.experiments.fitting.modules import fit_modules
from evenfit.experiments.interventions.intervention import EITHER, LESS_BIAS, LESS_VARIANCE
from evenfit.experiments.interventions.modules import (
    ModuleSetting,
    combined_module,
    module_interventions,
    module_setting_of,
)
from evenfit.runs.measures.subject import make_subject
from evenfit.specs.training import Training

PLAIN = Training(epochs=4, batch_rows=16)
FULL = PLAIN.with_values(
    weight_decay=0.1, l1=0.01, mixup=0.2, input_noise=0.1, label_smoothing=0.1, inserted_dropout=0.2, optimiser="sgd"
)


def network():
    return nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Linear(6, 2))


def dropping():
    return nn.Sequential(nn.Linear(3, 6), nn.ReLU(), nn.Dropout(0.3), nn.Linear(6, 2))


def rows():
    X = np.random.default_rng(0).normal(size=(60, 3))
    return make_subject(network, [(X, np.where(X[:, 0] > 0, "a", "b"))]).rows


def setting(**values):
    return ModuleSetting(
        **{"rows": 800, "classification": True, "whole": False, "drops": False, "may_drop": True} | values
    )


@pytest.mark.parametrize(
    ("factory", "training"),
    [(network, PLAIN), (network, FULL), (dropping, PLAIN), (dropping, FULL.with_values(inserted_dropout=0.0))],
)
def test_every_change_is_named_once_and_can_be_trained(factory, training):
    known = rows()
    own = module_setting_of(known, (factory, training), train=48)
    found, left = module_interventions((factory, training), own)
    names = [each.name for each in (*found, *left)]
    assert len(set(names)) == len(names)
    assert len(found) >= 11
    for each in found:
        assert each.direction in (LESS_BIAS, LESS_VARIANCE, EITHER)
        assert each.variant[0] is factory
        assert each.variant[1] == training.with_values(**{name: new for name, (_, new) in each.changes.items()})
        assert each.variant[1] != training
    splits = make_splits(known.target, folds=5, seed=0)
    fits = [Fit(variant=place, split=0, seed=0) for place in range(len(found))]
    told = list(fit_modules(known, [each.variant for each in found], fits, splits))
    assert [one.failure for one in told] == [""] * len(found)


def test_shapes_are_named_as_not_tried():
    _, left = module_interventions((network, PLAIN), setting())
    assert {"wider", "narrower", "deeper", "shallower"} <= {each.name for each in left}


def test_dropout_is_shifted_where_there_is_some_and_put_in_where_there_is_none():
    def changes(factory_setting, name="more_dropout"):
        found, _ = module_interventions((network, PLAIN), factory_setting)
        return next((each.changes for each in found if each.name == name), None)

    assert changes(setting(drops=True)) == {"dropout_shift": (0.0, 0.2)}
    assert changes(setting(drops=False)) == {"inserted_dropout": (0.0, 0.2)}
    assert changes(setting(may_drop=False)) is None
    assert changes(setting(drops=True), "less_dropout") == {"dropout_shift": (0.0, -1.0)}


def test_what_depends_on_the_task_or_the_inputs_is_left_out_with_its_reason():
    _, left = module_interventions((network, PLAIN), setting(classification=False, whole=True))
    reasons = {each.name: each.reason for each in left}
    assert reasons["label_smoothing"] == "the target is no class"
    assert reasons["mixup"] == reasons["input_noise"] == "its inputs are whole numbers"


def test_strengths_that_begin_at_nothing_are_of_a_size_that_can_be_seen():
    for training in (PLAIN, PLAIN.with_values(optimiser="sgd"), PLAIN.with_values(epochs=400, schedule="cosine")):
        found, _ = module_interventions((network, training), setting())
        decay = next(each.variant[1].weight_decay for each in found if each.name == "more_weight_decay")
        assert 1e-4 <= decay <= 10


def test_longer_training_costs_more_and_two_changes_make_one():
    found, _ = module_interventions((network, PLAIN), setting())
    named = {each.name: each for each in found}
    assert named["longer"].cost == 2.0
    both = combined_module((network, PLAIN), (named["longer"], named["mixup"]), setting())
    assert (both.variant[1].epochs, both.variant[1].mixup) == (8, 0.2)
    assert combined_module((network, PLAIN), (named["longer"], named["shorter"]), setting()) is None
