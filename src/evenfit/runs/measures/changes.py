"""Changes: what can be changed of a subject, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from evenfit.data.encodings import fit_encoding
from evenfit.data.splits import Split
from evenfit.errors import DataError
from evenfit.experiments.fitting.fleets import Variant
from evenfit.experiments.interventions.configs import Setting, combined, config_interventions
from evenfit.experiments.interventions.intervention import Intervention, NotApplicable
from evenfit.results.study import Truth
from evenfit.runs.measures.subject import CONFIG, ESTIMATOR, Subject

Possible = tuple[tuple[Intervention, ...], tuple[NotApplicable, ...]]


def own_variant(subject: Subject) -> Any:
    """Give the model as it is, as a variant of itself."""
    if subject.kind == CONFIG:
        return Variant(config=subject.model, epoch=subject.epoch)
    return subject.variant


def interventions_of(subject: Subject, splits: Sequence[Split], truth: Truth) -> Possible:
    """Give the changes that a subject's model can have, and those that it cannot."""
    if subject.kind == CONFIG:
        return config_interventions(own_variant(subject), _setting(subject, splits, truth))
    if subject.kind == ESTIMATOR:
        from evenfit.experiments.interventions.estimators import estimator_interventions
        from evenfit.experiments.interventions.owners import setting_of

        return estimator_interventions(subject.model, setting_of(subject.rows, train=_train(truth)))
    from evenfit.experiments.interventions.modules import module_interventions, module_setting_of

    variant = own_variant(subject)
    return module_interventions(variant, module_setting_of(subject.rows, variant, train=_train(truth)))


def combine(
    subject: Subject, splits: Sequence[Split], truth: Truth, parts: tuple[Intervention, Intervention]
) -> Intervention | None:
    """Give two changes as one; None where they cannot be had together."""
    if subject.kind == CONFIG:
        return combined(own_variant(subject), parts, _setting(subject, splits, truth))
    if subject.kind == ESTIMATOR:
        from evenfit.experiments.interventions.estimators import combined_estimator
        from evenfit.experiments.interventions.owners import setting_of

        return combined_estimator(subject.model, parts, setting_of(subject.rows, train=_train(truth)))
    from evenfit.experiments.interventions.modules import combined_module, module_setting_of

    variant = own_variant(subject)
    return combined_module(variant, parts, module_setting_of(subject.rows, variant, train=_train(truth)))


def _train(truth: Truth) -> int:
    """How many rows a split trains on."""
    return int(np.median(truth.training_rows))


def _setting(subject: Subject, splits: Sequence[Split], truth: Truth) -> Setting:
    """What a config learns from."""
    if subject.table is None:
        raise DataError("networks need a table, got none")
    return Setting(
        shape=fit_encoding(subject.table, splits[0].train).shape,
        outputs=truth.classes,
        rows=_train(truth),
        classification=truth.task != "regression",
    )
