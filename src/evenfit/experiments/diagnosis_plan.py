"""Plan of a diagnosis: how much of it the time allows, and in which order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from evenfit.experiments.interventions.intervention import LESS_BIAS, LESS_VARIANCE, Intervention
from evenfit.results.verdict import NOTABLE

PLACEBOS = 5  # copies of the model from other seeds
UNITS = 40  # times that all splits are fitted, each as costly as the model: itself, its copies, remedies, and the rest
_OWN_SHARE = 0.5  # of the time: what the model and its copies may take


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How often the model itself is fitted."""

    repeats: int
    copies: int


def planned_fits(*, folds: int, repeats: int) -> int:
    """Say how many fits a whole diagnosis is, each as costly as the model's: what a default config is sized to.

    Example:
        >>> planned_fits(folds=5, repeats=5)
        1000
    """
    return UNITS * folds * repeats


def affordable_scale(*, each: float, left: float, folds: int, repeats: int, leaves_chance: bool) -> Scale:
    """Choose how many repeats and copies half of the time allows: copies go first, but for two of them.

    Args:
        each: core-seconds of a fit.
        left: core-seconds that are left.
        folds: of a repeat.
        repeats: that were asked for.
        leaves_chance: whether copies from other seeds differ at all.

    Example:
        >>> affordable_scale(each=0.1, left=160, folds=5, repeats=5, leaves_chance=True)
        Scale(repeats=5, copies=5)
        >>> affordable_scale(each=1.0, left=160, folds=5, repeats=5, leaves_chance=True)
        Scale(repeats=5, copies=2)
    """
    copies = (PLACEBOS, 3, 2) if leaves_chance else (0,)
    ladder = [Scale(repeats=repeats, copies=count) for count in copies]
    ladder += [Scale(repeats=fewer, copies=copies[-1]) for fewer in range(repeats - 1, 0, -1)]
    if leaves_chance:
        ladder.append(Scale(repeats=1, copies=1))
    for scale in ladder:
        if scale.repeats * folds * (1 + scale.copies) * each <= _OWN_SHARE * left:
            return scale
    return Scale(repeats=1, copies=0)


def in_order(interventions: Sequence[Intervention], lost: float) -> list[Intervention]:
    """Sort interventions: what fits the first verdict comes two by two, with one of the others between.

    Args:
        interventions: in the order of their table.
        lost: share of what training gained that fresh rows do not share.

    Example:
        >>> each = [
        ...     Intervention(name=name, words="", direction=direction, variant=None)
        ...     for name, direction in (("a", LESS_BIAS), ("b", LESS_BIAS), ("c", LESS_VARIANCE), ("d", LESS_VARIANCE))
        ... ]
        >>> [one.name for one in in_order(each, 0.5)]
        ['c', 'd', 'a', 'b']
    """
    first = LESS_VARIANCE if lost >= NOTABLE else LESS_BIAS
    fitting = [one for one in interventions if one.direction == first]
    others = [one for one in interventions if one.direction != first]
    ordered: list[Intervention] = []
    while fitting or others:
        ordered += fitting[:2] + others[:1]
        fitting, others = fitting[2:], others[1:]
    return ordered
