"""Verdict: underfit, overfit or balanced, said with its evidence.

The regimes are those of Weinberger's CS4780 notes (Cornell, 2018): a training loss that stays
high is underfitting, a validation loss far above a low training loss is overfitting. What is
"high" and "far" has no natural unit, so both are measured on the way that training has come: from
the loss of the constant prediction down to the clean training loss. Of that way, the gap is the
part that fresh rows do not share. The thresholds on the parts are conventions, chosen and not
measured; published rules of this kind are right less than half of the time, so the sentence names
a next action to try, and `evenfit diagnose` measures remedies.
"""

from __future__ import annotations

import math

import numpy as np

from evenfit.results.baseline import constant_loss
from evenfit.results.intervals import corrected_interval
from evenfit.results.selection import validation_rows
from evenfit.results.study import Interval, Side, Truth, Verdict
from evenfit.results.trial import Trial

WIDE = 0.25  # part of the way that fresh rows do not share: a quarter alone is overfitting
MOST = 0.5  # part of the validation loss that the gap makes up: more than half is overfitting, ...
SOME = 0.05  # ... where it is also this part of the way; a hundredth of a good fit may all be gap
NOTABLE = 0.10  # a tenth is, too, where the validation loss turned up when training went on
LEARNT = 0.02  # part of the constant prediction's loss below which training has not begun to pay
FALLING = 0.02  # part of the way that the last quarter of the epochs still gained


def judge(truth: Truth, trial: Trial, side: Side) -> Verdict:
    """Name the regime of one config at its epoch. Nothing is claimed that an interval does not support."""
    constant = constant_loss(truth)
    way = constant - side.training_loss.mean
    gap = side.gap
    loss = "squared error" if truth.task == "regression" else "log loss"
    if not all(map(math.isfinite, (gap.mean, way))):
        return Verdict(name="underfit", gap=gap, sentence="Training diverged: lower the learning rate.")
    losses = (
        f"{loss} is {side.training_loss.mean:.4g} on training rows and {side.validation_loss.mean:.4g} on fresh ones"
    )
    if way <= LEARNT * abs(constant):
        return Verdict(
            name="underfit",
            gap=gap,
            sentence=f"Underfit: {losses}, while predicting the same for every row gives {constant:.4g}; either the "
            "columns say nothing about the target, or the network needs less regularisation or more epochs.",
        )
    part = gap.mean / way
    lost = f"{100 * part:.0f}% of what training gained over a constant prediction is lost on fresh rows"
    turned = _after_best(truth, trial)
    if gap.low > 0 and part >= WIDE:
        return Verdict(
            name="overfit",
            gap=gap,
            sentence=f"Overfit: {losses}, so that {lost}; try more rows, stronger penalties or more dropout.",
        )
    if gap.low > 0 and part >= SOME and gap.mean >= MOST * side.validation_loss.mean:
        return Verdict(
            name="overfit",
            gap=gap,
            sentence=f"Overfit: {losses}: most of the loss on fresh rows is absent on training rows; more rows, "
            "stronger penalties or an ensemble would lower it.",
        )
    if gap.low > 0 and part >= NOTABLE and turned.low > 0:
        return Verdict(
            name="overfit",
            gap=gap,
            sentence=f"Overfit: after epoch {side.epoch}, whose weights are kept, the validation loss rose by "
            f"{turned.mean:.3g}, and {lost}; try stronger penalties or more dropout.",
        )
    falling = _before_end(truth, trial)
    if trial.best == len(trial.epochs) - 1 and falling.high < 0 and -falling.mean > FALLING * way and part < NOTABLE:
        return Verdict(
            name="underfit",
            gap=gap,
            sentence=f"Underfit: the validation loss still fell by {-falling.mean:.3g} in the last quarter of the "
            f"epochs, and only {lost}; try more epochs, a wider network or weaker penalties.",
        )
    return Verdict(name="balanced", gap=gap, sentence=_balanced(losses, lost, gap))


def _balanced(losses: str, lost: str, gap: Interval) -> str:
    if gap.low <= 0:
        return f"Balanced: {losses}; the gap cannot be told from zero. A larger network may have more to give."
    return f"Balanced: {losses}; {lost}. More columns or more rows are the likelier gain."


def _change(truth: Truth, trial: Trial, since: int, until: int) -> Interval:
    """The change of the validation loss between two validated epochs, paired over splits."""
    change = trial.validation_loss[until] - trial.validation_loss[since]
    return corrected_interval(change, training_rows=truth.training_rows, validation_rows=validation_rows(truth))


def _after_best(truth: Truth, trial: Trial) -> Interval:
    return _change(truth, trial, trial.best, len(trial.epochs) - 1)


def _before_end(truth: Truth, trial: Trial) -> Interval:
    last = trial.epochs[-1]
    since = int(np.searchsorted(trial.epochs, 0.75 * last, side="right")) - 1
    return _change(truth, trial, max(since, 0), len(trial.epochs) - 1)
