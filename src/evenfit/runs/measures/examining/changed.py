"""The model as changed: what was measured of remedies, the best two together, and the best once more on fresh folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from evenfit.data.splits import Split, make_splits
from evenfit.experiments.diagnosis import (
    Outcome,
    Wish,
    ensemble_losses,
)
from evenfit.experiments.interventions.intervention import LESS_VARIANCE, Intervention
from evenfit.results.diagnosis.concluding import Measured, weigh_remedies
from evenfit.results.diagnosis.remedy import HELPS, Remedy
from evenfit.results.diagnosis.signs import ENSEMBLE
from evenfit.results.study import Truth
from evenfit.runs.measures.changes import combine, own_variant
from evenfit.runs.measures.examining.examination import Examination, fold_count, weighing_of

FRESH_DRAW = 100  # of seeds, and of folds: those that chose a remedy would flatter it
_FRESH_REPEATS = 2
_CONFIRMED = 2  # of the remedies that help most

Numbers = npt.NDArray[np.floating]
Integers = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False, kw_only=True)
class Fresh:
    """What was measured on folds, and from seeds, that chose nothing."""

    own: Numbers  # [draws, S]
    changed: dict[str, Numbers]  # [S]
    splits: tuple[Split, ...]


def tested_remedies(examination: Examination, own: list[Outcome], known: dict[str, Intervention]) -> list[Measured]:
    """What was measured of each remedy; the mean of the copies is one that costs no fit."""
    found = [_measured(known[name], outcome) for name, outcome in examination.found.remedies.items()]
    if len(own) > 1:
        found.append(
            Measured(
                name=ENSEMBLE,
                words=f"an ensemble of {len(own)} copies",
                direction=LESS_VARIANCE,
                losses=ensemble_losses(examination.case, own, examination.splits),
                members=len(own),
            )
        )
    return found


def helping_remedies(examination: Examination, own: list[Outcome], tested: list[Measured]) -> list[Remedy]:
    """The remedies that help, the best first."""
    losses = np.stack([one.losses for one in own])
    remedies, _ = weigh_remedies(losses, tested, weighing_of(examination.splits))
    return [one for one in remedies if one.outcome == HELPS]


def combination_of_two(
    examination: Examination, helping: Sequence[Remedy], known: dict[str, Intervention]
) -> tuple[Measured | None, tuple[str, str] | None]:
    """Measure the two remedies that help most and can be had together."""
    usable = [known[one.name] for one in helping if one.name in known]
    pairs = ((one, other) for place, other in enumerate(usable) for one in usable[:place])
    for one, other in pairs:
        both = combine(examination.subject, examination.splits, examination.truth, (one, other))
        if both is None:
            continue
        if both.cost * len(examination.splits) * examination.found.each > examination.left() * examination.workers:
            return None, None
        wish = Wish(name="both", variant=both.variant, splits=examination.splits, cost=both.cost)
        outcomes = examination.round("the best two together", [wish])
        if "both" not in outcomes or not np.isfinite(outcomes["both"].losses).all():
            return None, None
        return _measured(both, outcomes["both"]), (one.name, other.name)
    return None, None


def on_fresh_folds(
    examination: Examination,
    helping: Sequence[Remedy],
    known: dict[str, Intervention],
    combination: Measured | None,
    *,
    copies: int,
) -> Fresh | None:
    """Measure what is to be recommended once more, on folds and from seeds that did not choose it."""
    if not helping:
        return None
    chosen = [one.name for one in helping[:_CONFIRMED]]
    draws = copies if ENSEMBLE in chosen else 2
    folds = fold_count(examination.splits)
    train = np.unique(np.concatenate([split.train for split in examination.splits]))
    splits = _fresh_splits(examination.truth, train, folds=folds, seed=examination.seed)
    variant = own_variant(examination.subject)
    wishes = [Wish(name=f"own{draw}", variant=variant, splits=splits, draw=FRESH_DRAW + draw) for draw in range(draws)]
    for name in chosen:
        if name in known:
            one = known[name]
            wishes.append(Wish(name=name, variant=one.variant, splits=splits, draw=FRESH_DRAW, cost=one.cost))
    if combination is not None and combination.variant is not None:
        wishes.append(Wish(name="both", variant=combination.variant, splits=splits, draw=FRESH_DRAW))
    cost = sum(wish.cost for wish in wishes) * len(splits) * examination.found.each
    if cost > examination.left() * examination.workers:
        return None
    outcomes = examination.round("the best once more, on fresh folds", wishes)
    own = [outcomes[f"own{draw}"] for draw in range(draws) if f"own{draw}" in outcomes]
    if len(own) < draws:
        return None
    changed = {name: one.losses for name, one in outcomes.items() if not name.startswith("own")}
    if ENSEMBLE in chosen:
        changed[ENSEMBLE] = ensemble_losses(examination.case, own, splits)
    return Fresh(own=np.stack([one.losses for one in own]), changed=changed, splits=splits)


def _measured(one: Intervention, outcome: Outcome) -> Measured:
    return Measured(
        name=one.name,
        words=one.words,
        direction=one.direction,
        losses=outcome.losses,
        changes=one.changes,
        seconds=outcome.seconds,
        variant=one.variant,
    )


def _fresh_splits(truth: Truth, rows: Integers, *, folds: int, seed: int) -> tuple[Split, ...]:
    """Other folds of the same rows."""
    groups = None if truth.groups is None else truth.groups[rows]
    made = make_splits(truth.target[rows], folds=folds, repeats=_FRESH_REPEATS, seed=seed + FRESH_DRAW, groups=groups)
    return tuple(replace(split, train=rows[split.train], validate=rows[split.validate]) for split in made)
