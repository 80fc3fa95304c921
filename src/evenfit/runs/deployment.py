"""Deployment: the networks of a search as a model that predicts."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from evenfit.data.encodings import Encoding, fit_encoding
from evenfit.data.splits import Split
from evenfit.data.target_encodings import RESIDUALS, thin
from evenfit.deploy.model import Model
from evenfit.deploy.part import Part
from evenfit.experiments.problem import make_samples
from evenfit.fleet.chance import member_seed
from evenfit.fleet.fleet import Fleet
from evenfit.fleet.member import Member
from evenfit.results.study import Study
from evenfit.runs.search import Found, Search
from evenfit.specs.config import Config

_MOST_REFITS = 4  # networks where the deployed model is trained anew on all rows


def make_model(search: Search, found: Found, study: Study) -> Model:
    """Make the model of a study: the fold members of the selected config, or of the configs that win together.

    The selected config's networks are always kept, since the estimate is about them.
    """
    shares = _shares(study)
    numbers = list(dict.fromkeys([study.selected.trial, *shares]))
    encodings: dict[tuple[str, str], tuple[Encoding, ...]] = {}  # configs share them, and they take long
    for number in numbers:
        config = found.trials[number].config
        if (config.inputs, config.target) not in encodings:
            encodings[config.inputs, config.target] = _encodings(search, config)
    parts = tuple(_fold_members(found, number, shares.get(number, 0.0), encodings) for number in numbers)
    return _model(search, study, parts)


def fold_members(search: Search, found: Found, number: int) -> Part:
    """Give the networks of one trial, one for each split."""
    config = found.trials[number].config
    return _fold_members(found, number, 1.0, {(config.inputs, config.target): _encodings(search, config)})


def refit_model(
    search: Search, study: Study, *, seconds: float = math.inf, stop: Callable[[], bool] = lambda: False
) -> Model:
    """Train the selected config anew on all rows, for the epochs that were best: for rows in order of time.

    A fold's network has never seen the latest rows; what will be predicted is later still. Several
    seeds are trained and predict together: as many as ``seconds`` allow by what the folds took, at
    least one. If ``stop`` says so, networks keep the epochs they reached.
    """
    table, config = search.problem.table, study.selected.config
    rows = np.arange(table.rows)
    encoding = fit_encoding(table, rows, inputs=config.inputs, target=config.target)  # type: ignore[arg-type]
    whole = Split(train=rows, validate=rows, repeat=0, fold=0)
    truth = search.problem.truth
    samples = make_samples(
        table,
        (encoding,),
        (whole,),
        target=truth.target,
        classes=truth.classes,
        classification=truth.task != "regression",
    )
    members = [
        Member(config=config, split=0, seed=member_seed(search.problem.seed, 1_000_000, number))
        for number in range(_refits(study, seconds))
    ]
    fleet = Fleet(members, samples)
    weights = fleet.learnt().copy()
    for _ in range(study.selected.epoch):
        if not fleet.train_epoch(stop):
            break
        weights = fleet.learnt().copy()
    outputs = fleet.outputs([rows] * len(members), weights)
    residuals = np.zeros((len(members), RESIDUALS), dtype=np.float32)
    if search.problem.task == "regression":
        wanted = encoding.target(search.problem.target)
        for number, own in enumerate(outputs):
            residuals[number] = thin(wanted - own[:, 0])
    part = Part(
        trial=study.selected.trial,
        config=config,
        share=1.0,
        weights=weights,
        residuals=residuals,
        encodings=(encoding,) * len(members),
    )
    return _model(search, study, (part,))


def _refits(study: Study, seconds: float) -> int:
    """Say how many networks can be trained on all rows in the seconds given."""
    trial = next(trial for trial in study.trials if trial.number == study.selected.trial)
    row_epochs = float(study.truth.training_rows.sum()) * float(trial.epochs[-1])
    one = trial.seconds / row_epochs * len(study.truth.target) * trial.epoch
    return _MOST_REFITS if one * _MOST_REFITS <= seconds else max(1, int(seconds / one))


def _model(search: Search, study: Study, parts: tuple[Part, ...]) -> Model:
    estimate = study.estimate
    return Model(
        schema=search.problem.table.schema,
        parts=parts,
        selected=study.selected.trial,
        metric=study.truth.metric,
        promised={"mean": estimate.mean, "low": estimate.low, "high": estimate.high, "level": estimate.level},
    )


def _shares(study: Study) -> dict[int, float]:
    ensemble = study.ensemble
    if not ensemble.used:
        return {study.selected.trial: 1.0}
    return {trial: weight for trial, weight in zip(ensemble.trials, ensemble.weights, strict=True) if weight > 0}


def _encodings(search: Search, config: Config) -> tuple[Encoding, ...]:
    """Fit the encodings of each split again: what workers fitted stayed with them."""
    return tuple(
        fit_encoding(search.problem.table, split.train, inputs=config.inputs, target=config.target)  # type: ignore[arg-type]
        for split in search.problem.splits
    )


def _fold_members(
    found: Found, number: int, share: float, encodings: Mapping[tuple[str, str], tuple[Encoding, ...]]
) -> Part:
    config, state = found.trials[number].config, found.states[number]
    return Part(
        trial=number,
        config=config,
        share=share,
        weights=state["weights"],
        residuals=state["residuals"],
        encodings=encodings[config.inputs, config.target],
    )
