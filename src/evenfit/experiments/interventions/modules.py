"""Interventions on a user's own module: changes of how it is trained, and of what it drops.

To add one, write a line in `TRAININGS`; `tests/experiments/interventions/test_modules.py` then holds it to the laws
that all share. A module's own shape is the user's: wider, narrower, deeper and shallower ones are named as not tested.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evenfit.experiments.fitting.modules import inputs_of
from evenfit.experiments.fitting.rows import Rows
from evenfit.experiments.interventions.intervention import (
    EITHER,
    LESS_BIAS,
    LESS_VARIANCE,
    Intervention,
    NotApplicable,
)
from evenfit.fleet.module_checks import check_module, dropout_of
from evenfit.fleet.modules import Factory
from evenfit.specs.training import Training

ModuleVariant = tuple[Factory, Training]

_SHAPES = (("wider", "wider"), ("narrower", "narrower"), ("deeper", "deeper"), ("shallower", "shallower"))


@dataclass(frozen=True, kw_only=True)
class ModuleSetting:
    """What a module is to learn from, and what it is, as far as changes depend on that."""

    rows: int  # that a split trains on
    classification: bool
    whole: bool  # whether its inputs are whole numbers, as of an embedding
    drops: bool  # whether there is dropout in it
    may_drop: bool  # whether dropout can be put into it


Changes = Mapping[str, Any]
Change = Callable[[Training, ModuleSetting], Changes | str]  # new values by name; or why there are none


@dataclass(frozen=True)
class Line:
    """One change."""

    name: str
    direction: str
    said: str  # in a few words
    change: Change


def module_setting_of(rows: Rows, variant: ModuleVariant, *, train: int) -> ModuleSetting:
    """Say what a module is to learn from, and what it is.

    Args:
        rows: all rows.
        variant: the factory, and how its modules are trained.
        train: how many rows a split trains on.

    Raises:
        ConfigError: as `fit_modules`.
        DataError: the same.
    """
    factory, training = variant
    inputs = inputs_of(rows.X)
    kind = check_module(factory, training, inputs, classes=0 if rows.task == "regression" else rows.classes)
    drops, may_drop = dropout_of(factory, inputs[:2].astype(kind))
    return ModuleSetting(
        rows=train,
        classification=rows.task != "regression",
        whole=kind.kind == "i",
        drops=drops or training.inserted_dropout > 0,
        may_drop=may_drop,
    )


def module_interventions(
    variant: ModuleVariant, setting: ModuleSetting
) -> tuple[tuple[Intervention, ...], tuple[NotApplicable, ...]]:
    """Give the changes that a module and its training can have, and those that they cannot.

    Example:
        >>> setting = ModuleSetting(rows=800, classification=False, whole=False, drops=False, may_drop=False)
        >>> found, left = module_interventions((lambda: None, Training()), setting)
        >>> found[0].words, left[0].words, left[0].reason
        ('longer (epochs 50 to 100)', 'more dropout', 'there is none, and it cannot be put in')
    """
    factory, training = variant
    found: list[Intervention] = []
    left: list[NotApplicable] = []
    for priority, line in enumerate(TRAININGS):
        values = line.change(training, setting)
        if isinstance(values, str):
            if values:
                left.append(NotApplicable(name=line.name, words=line.said, reason=values))
            continue
        changed = training.with_values(**values)
        (name, value), *_ = values.items()
        found.append(
            Intervention(
                name=line.name,
                words=f"{line.said} ({name} {_shown(getattr(training, name))} to {_shown(value)})",
                direction=line.direction,
                variant=(factory, changed),
                changes={name: (getattr(training, name), value) for name, value in values.items()},
                cost=_seconds(changed, setting) / _seconds(training, setting),
                priority=priority,
            )
        )
    reason = "a module has the shape that its factory gives it"
    left += [NotApplicable(name=name, words=words, reason=reason) for name, words in _SHAPES]
    return tuple(found), tuple(left)


def combined_module(
    variant: ModuleVariant, parts: Sequence[Intervention], setting: ModuleSetting
) -> Intervention | None:
    """Give several changes as one; None where they change the same value."""
    factory, training = variant
    changes: dict[str, tuple[Any, Any]] = {}
    for part in parts:
        if not part.changes or changes.keys() & part.changes.keys():
            return None
        changes |= part.changes
    changed = training.with_values(**{name: new for name, (_, new) in changes.items()})
    return Intervention(
        name="+".join(part.name for part in parts),
        words=" and ".join(part.words for part in parts),
        direction=parts[0].direction if len({part.direction for part in parts}) == 1 else EITHER,
        variant=(factory, changed),
        changes=changes,
        cost=_seconds(changed, setting) / _seconds(training, setting),
    )


def _seconds(training: Training, setting: ModuleSetting) -> float:
    """Time of a fit, in some unit: a step takes as long as 64 rows and as its own."""
    batch = min(training.batch_rows, setting.rows)
    return training.epochs * (setting.rows // batch) * (64 + batch) * (1.1 if training.mixup else 1.0)


# ---- what changes: new values by name, the one that is told first; or why it cannot be


def _times(name: str, factor: float) -> Change:
    def change(training: Training, setting: ModuleSetting) -> Changes | str:
        del setting
        known = getattr(training, name)
        return {name: _rounded(known * factor)} if known else ""

    return change


def _epochs(factor: float) -> Change:
    def change(training: Training, setting: ModuleSetting) -> Changes | str:
        del setting
        value = max(1, round(training.epochs * factor))
        return {"epochs": value} if value != training.epochs else "it trains for one epoch"

    return change


def _more_decay(training: Training, setting: ModuleSetting) -> Changes | str:
    """Decay five times as fast; from 0, so that a weight without a gradient falls to a third in all of training."""
    if training.weight_decay:
        return {"weight_decay": _rounded(5 * training.weight_decay)}
    value = 1 / _distance(training, setting)
    low, high = (0.01, 10.0) if training.optimiser == "adamw" else (1e-4, 0.05)
    return {"weight_decay": _rounded(min(high, max(low, value)))}


def _more_l1(training: Training, setting: ModuleSetting) -> Changes | str:
    """Take five times as much; from 0, so much that a weight of 0.1 without a gradient just falls to 0."""
    known = training.l1
    return {"l1": _rounded(5 * known if known else min(1.0, max(1e-5, 0.1 / _distance(training, setting))))}


def _distance(training: Training, setting: ModuleSetting) -> float:
    """How far all steps together go along a gradient of 1."""
    steps = training.epochs * (setting.rows // min(training.batch_rows, setting.rows))
    share = {"constant": 1.0, "cosine": 0.5, "steps": 0.5275}[training.schedule]
    gathered = 1 / (1 - training.momentum) if training.optimiser == "sgd" else 1.0
    return max(1e-9, training.learning_rate * share * gathered * steps)


def _more_dropout(training: Training, setting: ModuleSetting) -> Changes | str:
    if training.inserted_dropout:
        return {"inserted_dropout": _rounded(1 - 0.7 * (1 - training.inserted_dropout))}
    if setting.drops:
        shift = training.dropout_shift
        return (
            {"dropout_shift": _rounded(min(1.0, shift + 0.2))} if shift < 0.9 else f"it is shifted by {shift:g} already"
        )
    return {"inserted_dropout": 0.2} if setting.may_drop else "there is none, and it cannot be put in"


def _less_dropout(training: Training, setting: ModuleSetting) -> Changes | str:
    if training.inserted_dropout:
        return {"inserted_dropout": 0.0}
    return {"dropout_shift": -1.0} if setting.drops and training.dropout_shift > -1 else "there is none"


def _smoothing(training: Training, setting: ModuleSetting) -> Changes | str:
    if not setting.classification:
        return "the target is no class"
    known = training.label_smoothing
    return {"label_smoothing": 0.1 if known == 0 else _rounded(min(0.5, 2.5 * known))}


def _on(name: str, start: float, factor: float) -> Change:
    """Begin with a regulariser of inputs, or take more of it."""

    def change(training: Training, setting: ModuleSetting) -> Changes | str:
        known = getattr(training, name)
        return "its inputs are whole numbers" if setting.whole else {name: _rounded(factor * known) if known else start}

    return change


def _off(name: str) -> Change:
    def change(training: Training, setting: ModuleSetting) -> Changes | str:
        del setting
        return {name: 0.0} if getattr(training, name) else ""

    return change


def _batches(factor: float) -> Change:
    def change(training: Training, setting: ModuleSetting) -> Changes | str:
        known = min(training.batch_rows, setting.rows)
        value = min(setting.rows, max(1, round(known * factor)))
        if factor > 1 and value > setting.rows // 2:
            return "there are too few training rows"
        return {"batch_rows": value} if value != known else f"batches have {known} rows already"

    return change


def _falls(training: Training, setting: ModuleSetting) -> Changes | str:
    del setting
    return {"schedule": "cosine"} if training.schedule == "constant" else ""


def _rounded(value: float) -> float:
    return float(f"{value:.3g}")


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


TRAININGS = (
    Line("longer", LESS_BIAS, "longer", _epochs(2)),
    Line("more_dropout", LESS_VARIANCE, "more dropout", _more_dropout),
    Line("more_weight_decay", LESS_VARIANCE, "stronger L2", _more_decay),
    Line("more_l1", LESS_VARIANCE, "stronger L1", _more_l1),
    Line("shorter", LESS_VARIANCE, "shorter", _epochs(0.4)),
    Line("higher_learning_rate", EITHER, "a higher learning rate", _times("learning_rate", 3)),
    Line("lower_learning_rate", EITHER, "a lower learning rate", _times("learning_rate", 0.3)),
    Line("label_smoothing", LESS_VARIANCE, "label smoothing", _smoothing),
    Line("mixup", LESS_VARIANCE, "mixup", _on("mixup", 0.2, 3)),
    Line("input_noise", LESS_VARIANCE, "input noise", _on("input_noise", 0.15, 2)),
    Line("falling_learning_rate", EITHER, "a learning rate that falls", _falls),
    Line("smaller_batches", EITHER, "smaller batches", _batches(0.25)),
    Line("larger_batches", EITHER, "larger batches", _batches(4)),
    Line("less_dropout", LESS_BIAS, "no dropout", _less_dropout),
    Line("less_weight_decay", LESS_BIAS, "weaker L2", _times("weight_decay", 0.2)),
    Line("less_l1", LESS_BIAS, "no L1", _off("l1")),
    Line("no_mixup", LESS_BIAS, "no mixup", _off("mixup")),
    Line("no_smoothing", LESS_BIAS, "no label smoothing", _off("label_smoothing")),
    Line("no_noise", LESS_BIAS, "no input noise", _off("input_noise")),
)
