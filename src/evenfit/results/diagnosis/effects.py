"""Effects: what changes of a model did to its loss, tested all together, with placebos among them.

Every change is measured on the splits of the model as it is. Differences are paired over splits and taken against
the mean over the model's seeds, so that one lucky seed is nobody's effect. Intervals and probabilities are of the t
distribution with the corrected variance of overlapping training sets (Nadeau & Bengio, "Inference for the
generalization error", Machine Learning, 2003); probabilities are Holm's over all that was tested, placebos included.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from evenfit.results.ablation import chance_of, holm
from evenfit.results.diagnosis.remedy import HARMS, HELPS, NO_USE, UNDECIDED
from evenfit.results.intervals import corrected_interval, correction
from evenfit.results.study import Interval

Numbers = npt.NDArray[np.floating]
Counts = npt.NDArray[np.integer]

LEVEL = 0.95
SAME = 0.01  # of the loss: what differs by less is not worth trying


@dataclass(frozen=True, kw_only=True)
class Effect:
    """A change of the loss, changed minus as it is, and what is to be said of it."""

    change: Interval
    chance: float  # Holm's
    loss: float
    outcome: str  # one of `remedy.OUTCOMES`


@dataclass(frozen=True, kw_only=True)
class Effects:
    """All that was tested, by name, and how far seeds alone move the mean loss."""

    remedies: Mapping[str, Effect]
    placebos: tuple[Effect, ...]  # one for each seed, against the mean of the others
    loss: float  # of the model as it is, mean over seeds and splits
    spread: float  # standard deviation over seeds of the mean loss over splits


def measure_effects(
    own: Numbers,
    changed: Mapping[str, Numbers],
    *,
    training_rows: Counts,
    validation_rows: Counts,
    members: Mapping[str, int] | None = None,
) -> Effects:
    """Test all changes of a model at once.

    A change helps where Holm's probability is below 5% and its mean effect is beyond what one more seed does. It is of
    no use where its whole interval lies within a hundredth of the loss. A loss that is not finite harms.

    Args:
        own: the model's losses as it is, [seeds, splits]; the first seed's model and its placebos.
        changed: by name, the losses on the same splits: [splits].
        training_rows: [splits].
        validation_rows: [splits].
        members: of a change that is the mean of several models, how many; the chance of seeds is that much less.

    Example:
        >>> own = np.array([[1.0, 1.2, 0.9, 1.1, 1.0], [1.02, 1.18, 0.91, 1.11, 0.99]])
        >>> rows = np.full(5, 80)
        >>> found = measure_effects(own, {"wider": own[0] - 0.5}, training_rows=rows, validation_rows=rows // 4)
        >>> found.remedies["wider"].outcome, len(found.placebos)
        ('helps', 2)
    """
    rows = {"training_rows": training_rows, "validation_rows": validation_rows}
    own = np.asarray(own, dtype=np.float64)
    seeds = len(own)
    middle = own.mean(axis=0)
    loss = float(middle.mean())
    spread = float(own.mean(axis=1).std(ddof=1)) if seeds > 1 else 0.0
    differences: dict[object, Numbers] = {name: losses - middle for name, losses in changed.items()}
    if seeds > 1:
        total = own.sum(axis=0)
        differences |= {seed: own[seed] - (total - own[seed]) / (seeds - 1) for seed in range(seeds)}
    factor = correction(**rows)
    chances = {
        str(name): chance_of(each, factor=factor) if np.isfinite(each).all() else 0.0
        for name, each in differences.items()
    }
    adjusted = holm(chances)
    reach = seed_reach(spread, seeds=seeds)
    known: dict[object, int] = dict((members or {}).items())
    effects: dict[object, Effect] = {}
    for name, each in differences.items():
        change = corrected_interval(each, **rows, level=LEVEL)
        if not np.isfinite(each).all():
            change = Interval(mean=math.inf, low=math.inf, high=math.inf, level=LEVEL)
        effects[name] = Effect(
            change=change,
            chance=adjusted[str(name)],
            loss=loss + change.mean,
            outcome=outcome_of(
                change, chance=adjusted[str(name)], reach=reach / math.sqrt(known.get(name, 1)), loss=loss
            ),
        )
    return Effects(
        remedies={name: effects[name] for name in changed},
        placebos=tuple(effects[seed] for seed in range(seeds)) if seeds > 1 else (),
        loss=loss,
        spread=spread,
    )


def seed_reach(spread: float, *, seeds: int) -> float:
    """How far one more seed's mean loss lies from the mean of the others, but for 5% of them: by Student's t.

    Example:
        >>> round(seed_reach(1.0, seeds=6), 2)
        2.78
    """
    if seeds < 2:
        return 0.0
    return spread * math.sqrt(1 + 1 / seeds) * float(special.stdtrit(seeds - 1, (1 + LEVEL) / 2))


def outcome_of(change: Interval, *, chance: float, reach: float, loss: float) -> str:
    """Say what a change did: helps, harms, no use or undecided."""
    if chance < 1 - LEVEL and abs(change.mean) > reach:
        return HELPS if change.mean < 0 else HARMS
    margin = SAME * abs(loss)
    return NO_USE if -margin < change.low and change.high < margin else UNDECIDED


def percent(change: Interval, loss: float) -> Interval:
    """Give a change of a loss in percent of it.

    Example:
        >>> percent(Interval(mean=-0.1, low=-0.2, high=0.0), 0.5).mean
        -20.0
    """
    if not loss > 0:
        return Interval(mean=math.nan, low=math.nan, high=math.nan, level=change.level)
    factor = 100 / loss
    return Interval(mean=factor * change.mean, low=factor * change.low, high=factor * change.high, level=change.level)
