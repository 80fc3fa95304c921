"""Concluding: from losses that were measured to a diagnosis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from evenfit.results.decomposition.decompose import decompose
from evenfit.results.diagnosis.diagnosis import DataSlope, EpochCurve, Losses, Parts
from evenfit.results.diagnosis.effects import Effect, measure_effects, percent
from evenfit.results.diagnosis.remedy import (
    HARMS,
    HELPS,
    NO_USE,
    Combination,
    Confirmation,
    Placebos,
    Remedy,
)
from evenfit.results.intervals import corrected_interval
from evenfit.results.metrics import Metric
from evenfit.results.study import Interval

Numbers = npt.NDArray[np.floating]
Counts = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False, kw_only=True)
class Measured:
    """One change, and what it lost on every split."""

    name: str
    words: str
    direction: str
    losses: Numbers  # [S] of the headline metric
    changes: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    seconds: float = 0.0
    members: int = 1  # models whose mean it is
    variant: Any = None  # what was fitted


@dataclass(frozen=True, kw_only=True)
class Weighing:
    """How means over splits are weighed: rows that train and validate each, [S]."""

    training_rows: Counts
    validation_rows: Counts

    def interval(self, losses: Numbers) -> Interval:
        """Give the corrected interval of a mean over splits."""
        return corrected_interval(losses, training_rows=self.training_rows, validation_rows=self.validation_rows)

    def taking(self, splits: npt.NDArray[Any]) -> Weighing:
        """Give the weighing of some of the splits."""
        return Weighing(training_rows=self.training_rows[splits], validation_rows=self.validation_rows[splits])


def weigh_remedies(own: Numbers, tested: Sequence[Measured], weighing: Weighing) -> tuple[tuple[Remedy, ...], Placebos]:
    """Test all changes and the placebos at once, and say of each what it did.

    Args:
        own: headline losses of the model and its placebos, [seeds, S].
        tested: the changes.
        weighing: of the splits.
    """
    found = measure_effects(
        own,
        {one.name: one.losses for one in tested},
        training_rows=weighing.training_rows,
        validation_rows=weighing.validation_rows,
        members={one.name: one.members for one in tested},
    )
    remedies = [_remedy(one, found.remedies[one.name], loss=found.loss) for one in tested]
    copies = []
    for seed, effect in enumerate(found.placebos):
        name = "the model as it is" if seed == 0 else f"copy {seed}"
        placebo = Measured(name=f"placebo_{seed}", words=name, direction="none", losses=own[seed])
        copies.append(_remedy(placebo, effect, loss=found.loss))
    wrong = sum(one.outcome == HELPS for one in copies)
    share = 100 * found.spread / found.loss if found.loss > 0 else math.nan
    sentence = f"{len(copies)} copies that differ in nothing but the seed: their mean losses vary by {share:.2g}%"
    sentence += f"; {wrong} of them passed for a remedy." if wrong else "; none of them passed for a remedy."
    placebos = Placebos(
        remedies=tuple(copies),
        spread=found.spread,
        percent=share,
        found=wrong,
        sentence=sentence if copies else "There are no copies from other seeds.",
    )
    return tuple(sorted(remedies, key=_rank)), placebos


def _rank(remedy: Remedy) -> tuple[int, float]:
    """Those that help first, then those that are undecided or of no use by their means, then those that harm."""
    order = {HELPS: 0, HARMS: 2}.get(remedy.outcome, 1)
    return order, remedy.effect.mean


def _remedy(tested: Measured, effect: Effect, *, loss: float) -> Remedy:
    share = percent(effect.change, loss)
    return Remedy(
        name=tested.name,
        words=tested.words,
        direction=tested.direction,
        outcome=effect.outcome,
        effect=effect.change,
        percent=share,
        chance=effect.chance,
        loss=effect.loss,
        splits=len(tested.losses),
        sentence=_sentence(tested.words, effect.outcome, share),
        changes=tested.changes,
        seconds=tested.seconds,
    )


def _sentence(words: str, outcome: str, share: Interval) -> str:
    begin = words[:1].upper() + words[1:]
    if not math.isfinite(share.mean):
        return f"{begin} harms: it diverged, or failed, on at least one split."
    between = f"{share.mean:+.1f}% of the loss ({share.low:+.1f} to {share.high:+.1f})"
    if outcome == HELPS:
        return f"{begin} helps: {between}."
    if outcome == HARMS:
        return f"{begin} harms: {between}."
    if outcome == NO_USE:
        return f"{begin} is not worth trying: {between}."
    return f"{begin} may help or harm: {between}."


def combination_of(
    own: Numbers, both: Measured, names: tuple[str, str], tested: Sequence[Measured], weighing: Weighing
) -> Combination:
    """Say what two remedies did together, and whether the second one added anything.

    Both were chosen on these splits, so what they seem to gain is a little too good.
    """
    remedies, _ = weigh_remedies(own, [*tested, both], weighing)
    remedy = next(one for one in remedies if one.name == both.name)
    alone = {one.name: one.losses for one in tested}
    best = min((alone[name] for name in names), key=lambda losses: float(losses.mean()))
    against = weighing.interval(both.losses - best)
    share = percent(against, float(best.mean()))
    added = "beyond the better of the two alone" if against.high < 0 else "not shown to go beyond the better of the two"
    return Combination(
        remedy=remedy,
        names=names,
        against_best=against,
        sentence=f"Together they change the loss by {_percent(remedy.percent)}, {added}: {_percent(share)}. "
        "They were chosen on these very folds, which flatters them a little.",
    )


def confirmations_of(
    own: Numbers, changed: Mapping[str, Numbers], words: Mapping[str, str], weighing: Weighing
) -> tuple[Confirmation, ...]:
    """Say whether remedies that were chosen help on fresh folds and from fresh seeds, too.

    Args:
        own: headline losses of the model, [draws, S].
        changed: by name, of the remedies: [S].
        words: what they are called.
        weighing: of the fresh splits.
    """
    middle = own.mean(axis=0)
    found = []
    for name, losses in changed.items():
        effect = weighing.interval(losses - middle)
        share = percent(effect, float(middle.mean()))
        confirmed = bool(effect.high < 0)
        end = "confirmed" if confirmed else "lower again, but not surely so" if effect.mean < 0 else "not confirmed"
        begin = words[name][:1].upper() + words[name][1:]
        found.append(
            Confirmation(
                name=name,
                words=words[name],
                effect=effect,
                percent=share,
                splits=len(losses),
                confirmed=confirmed,
                sentence=f"{begin}, once more on fresh folds and seeds: {_percent(share)} of the loss, {end}.",
            )
        )
    return tuple(sorted(found, key=lambda one: one.effect.mean))


def _percent(share: Interval) -> str:
    return f"{share.mean:+.1f}% ({share.low:+.1f} to {share.high:+.1f})"


def own_losses(
    own: Numbers, training: Numbers, validation: Numbers, *, constant: float, metric: Metric, weighing: Weighing
) -> Losses:
    """Give how well the model does: losses are [seeds, S]."""
    headline = weighing.interval(own.mean(axis=0))
    scores = sorted(
        (metric.score(max(headline.low, 0.0) if metric.name == "rmse" else headline.low), metric.score(headline.high))
    )
    return Losses(
        training=weighing.interval(training.mean(axis=0)),
        validation=weighing.interval(validation.mean(axis=0)),
        gap=weighing.interval((validation - training).mean(axis=0)),
        constant=constant,
        headline=headline,
        score=metric.score(headline.mean),
        score_low=scores[0],
        score_high=scores[1],
    )


def epoch_curve(
    epochs: npt.NDArray[np.int64], training: Numbers, validation: Numbers, weighing: Weighing
) -> EpochCurve:
    """Give the curve over epochs: losses are [E, S], means over seeds."""
    bands = [[weighing.interval(at) for at in losses] for losses in (training, validation)]
    known = [np.array([getattr(at, end) for at in band]) for band in bands for end in ("mean", "low", "high")]
    return EpochCurve(
        epochs=epochs,
        training=known[0],
        training_low=known[1],
        training_high=known[2],
        validation=known[3],
        validation_low=known[4],
        validation_high=known[5],
    )


def curve_ends(epochs: npt.NDArray[np.int64], validation: Numbers, weighing: Weighing) -> tuple[Interval, Interval]:
    """Give the change over the last quarter of the epochs, and the rise since the lowest mean: [E, S]."""
    last = len(epochs) - 1
    since = max(0, int(np.searchsorted(epochs, 0.75 * epochs[-1], side="right")) - 1)
    lowest = int(np.argmin(validation.mean(axis=1)))
    return weighing.interval(validation[last] - validation[since]), weighing.interval(
        validation[last] - validation[lowest]
    )


def data_slope(own: Numbers, fewer: Mapping[float, Numbers], weighing: Weighing) -> DataSlope | None:
    """Say what fewer rows cost: headline losses [seeds, S], and by share of the rows [S]."""
    if not fewer:
        return None
    middle = own.mean(axis=0)
    shares = (*sorted(fewer), 1.0)
    losses = tuple(weighing.interval(fewer[share] if share < 1 else middle) for share in shares)
    least = shares[0]
    slope = weighing.interval(middle - fewer[least])
    share = percent(slope, losses[-1].mean)
    rows = float(np.mean(weighing.training_rows))
    between = f"{share.mean:+.1f}% ({share.low:+.1f} to {share.high:+.1f})"
    sentence = f"Going from {least * rows:,.0f} to {rows:,.0f} training rows changes the loss by {between}: "
    sentence += "more rows are likely to help." if slope.high < 0 else "more rows are not shown to help."
    return DataSlope(
        shares=shares,
        rows=tuple(round(share * rows) for share in shares),
        losses=losses,
        slope=slope,
        percent=share,
        sentence=sentence,
    )


def loss_parts(
    predictions: Numbers, target: npt.NDArray[Any], *, classification: bool, ensemble_gain: float
) -> Parts | None:
    """Take the base loss apart: predictions [R, seeds, N, K] out of fold, one training set a row and repeat."""
    if len(predictions) < 2 or predictions.shape[1] < 2:
        return None
    name = "log" if classification else "squared"
    found = decompose(predictions, target, loss=name, classification=classification)
    if found.data is None or found.seed is None:
        return None
    whole = found.loss.corrected.mean
    if not whole > 0:
        return None
    bias, rows, seed = (part.corrected.mean for part in (found.bias_squared, found.data, found.seed))
    loss = "log loss" if classification else "squared error"
    sentence = (
        f"Of the {loss}, {100 * seed / whole:.0f}% is chance of the seed, {100 * rows / whole:.0f}% chance of the "
        f"training rows (at least: training sets share rows), {100 * bias / whole:.0f}% bias and noise."
    )
    return Parts(bias=bias, rows=rows, seed=seed, loss=name, ensemble_gain=ensemble_gain, sentence=sentence)
