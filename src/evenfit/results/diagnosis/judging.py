"""Judging: from signs to a verdict.

The regimes are those of Weinberger's CS4780 notes (Cornell, 2018). Where the user says what error is acceptable, they
are taken at their word: a training loss above it is high bias, a training loss below and a validation loss above it
high variance. Else the gap is judged as `results.verdict` does for a search, and then the remedies are heard: what was
measured to help says more than any threshold.
"""

from __future__ import annotations

import math

from evenfit.results.diagnosis.regime import (
    BALANCED,
    CANNOT_TELL,
    NOISE_LIMITED,
    OVERFIT,
    UNDERFIT,
    UNREPRESENTATIVE,
    Evidence,
    Regime,
)
from evenfit.results.diagnosis.remedy import HELPS
from evenfit.results.diagnosis.signs import (
    EXPLAINED,
    LESS_BIAS,
    LESS_VARIANCE,
    LITTLE,
    WORTH,
    Signs,
    evidence_of,
)
from evenfit.results.verdict import NOTABLE, WIDE


def judge(signs: Signs) -> Regime:
    """Name the regime, with what speaks for it. Nothing is claimed that an interval does not support."""
    if not all(map(math.isfinite, (signs.training.mean, signs.validation.mean))):
        return Regime(
            name=CANNOT_TELL,
            confidence="high",
            sentence="Cannot tell: training diverged, so that losses are no numbers.",
            action="Lower the learning rate.",
        )
    evidence = evidence_of(signs)
    name = _name(signs)
    ordered = sorted(evidence, key=lambda one: (name not in one.speaks_for, name not in one.speaks_against))
    return Regime(
        name=name,
        confidence=_confidence(name, evidence),
        sentence=_SENTENCES[name](signs),
        action=_action(name, signs),
        evidence=tuple(ordered),
    )


def _name(signs: Signs) -> str:
    check = signs.split_check
    if check is not None and check.unlike:
        return UNREPRESENTATIVE
    if signs.error is not None and signs.headline is not None and signs.training_headline is not None:
        return _by_error(signs, error=signs.error, fresh=signs.headline.mean, trained=signs.training_headline)
    return _by_gap(signs)


def _by_error(signs: Signs, *, error: float, fresh: float, trained: float) -> str:
    """The regimes of the acceptable error."""
    if fresh <= error:
        return BALANCED
    if trained <= error:
        return OVERFIT
    if signs.exhausted:
        return NOISE_LIMITED
    return UNDERFIT


def _by_gap(signs: Signs) -> str:
    bias, variance = signs.gains(direction=LESS_BIAS), signs.gains(direction=LESS_VARIANCE)
    if signs.exhausted:
        return BALANCED if signs.validation.mean < EXPLAINED * signs.constant else NOISE_LIMITED
    if signs.wide:
        return UNDERFIT if bias > 2 * max(variance, LITTLE) and signs.lost < 2 * WIDE else OVERFIT
    if bias >= WORTH and bias >= variance:
        return UNDERFIT
    if signs.still_falling:
        return UNDERFIT
    if variance >= LITTLE and signs.gap.low > 0 and signs.lost >= NOTABLE:
        return OVERFIT
    if not signs.learnt:
        return CANNOT_TELL
    if signs.gap.low <= 0 and signs.gap.high > WIDE * signs.way:
        return CANNOT_TELL
    return BALANCED


def _confidence(name: str, evidence: tuple[Evidence, ...]) -> str:
    """How many signs agree, and whether any disagrees."""
    pro = sum(name in one.speaks_for for one in evidence)
    contra = sum(name in one.speaks_against for one in evidence)
    if name == CANNOT_TELL or pro <= contra:
        return "low"
    return "high" if pro >= 3 and not contra else "moderate"


def _losses(signs: Signs) -> str:
    return (
        f"{signs.loss} is {signs.training.mean:.3g} on training rows and {signs.validation.mean:.3g} on fresh ones, "
        f"{signs.constant:.3g} for a constant prediction"
    )


def _underfit(signs: Signs) -> str:
    best = signs.best(direction=LESS_BIAS)
    if best is not None and -best.percent.mean >= WORTH:
        return f"Underfit: {_losses(signs)}; {best.words} lowers the loss by {-best.percent.mean:.1f}%."
    if signs.still_falling:
        return f"Underfit: {_losses(signs)}, and the validation loss was still falling when training ended."
    return f"Underfit: {_losses(signs)}: it is too high on the very rows that were learnt."


def _overfit(signs: Signs) -> str:
    if not signs.learnt or not math.isfinite(signs.lost):
        return f"Overfit: {_losses(signs)}."
    if signs.lost > 1:
        return f"Overfit: {_losses(signs)}: on fresh rows it is worse than a constant prediction."
    return f"Overfit: {_losses(signs)}, so that {100 * signs.lost:.0f}% of what training gained is lost on fresh rows."


def _limited(signs: Signs) -> str:
    tried = len(signs.remedies)
    return (
        f"Noise-limited: {_losses(signs)}; none of {tried} changes gained {LITTLE:.0f}%, nor would more rows: "
        "what is left is mostly noise as far as these columns go."
    )


def _unlike(signs: Signs) -> str:
    check = signs.split_check
    return "Unrepresentative split: " + ("" if check is None else check.sentence[:1].lower() + check.sentence[1:])


def _balanced(signs: Signs) -> str:
    if signs.error is not None and signs.headline is not None and signs.headline.mean <= signs.error:
        return f"Balanced: {_losses(signs)}: within the acceptable error."
    return f"Balanced: {_losses(signs)}; neither the gap nor a remedy points to too much or too little capacity."


def _cannot(signs: Signs) -> str:
    return (
        f"Cannot tell: {_losses(signs)}; the gap lies between {signs.gap.low:.3g} and {signs.gap.high:.3g}, "
        "too wide for a verdict."
    )


_SENTENCES = {
    UNDERFIT: _underfit,
    OVERFIT: _overfit,
    BALANCED: _balanced,
    NOISE_LIMITED: _limited,
    UNREPRESENTATIVE: _unlike,
    CANNOT_TELL: _cannot,
}


def _action(name: str, signs: Signs) -> str:
    """What to do next: the remedy that helps most, or what fits the regime."""
    if name == UNREPRESENTATIVE:
        return "Split anew at random, or by group or time as new rows will come, before anything else is tuned."
    helping = [one for one in signs.remedies if one.outcome == HELPS]
    if helping:
        best = min(helping, key=lambda one: one.effect.mean)
        return f"Try {best.words}: measured {best.percent.mean:+.1f}% of the loss."
    return _ACTIONS[name]


_ACTIONS = {
    UNDERFIT: "Give it better columns or a larger model: no change that was measured helps enough to be named.",
    OVERFIT: "Get more rows or leave columns out: no change that was measured helps enough to be named.",
    BALANCED: "Better columns or more rows are the likelier gain: no change that was measured helps.",
    NOISE_LIMITED: "Get other columns, or a cleaner target: more rows or another model have little to give.",
    CANNOT_TELL: "Get more rows, or more folds and repeats: the intervals are too wide.",
}
