"""The model as it is: itself and its copies, on rows given to judge by, and on fewer rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from evenfit.data.splits import Split
from evenfit.errors import BudgetError, DataError
from evenfit.experiments.diagnosis import (
    CHECKPOINTS,
    Outcome,
    Wish,
    joined,
    on_splits,
)
from evenfit.experiments.diagnosis_plan import PLACEBOS, Scale, affordable_scale
from evenfit.experiments.nested import nested
from evenfit.runs.measures.changes import own_variant
from evenfit.runs.measures.examining.examination import Examination

SHARES = (0.5, 0.71)  # of the training rows, for the slope of more
_MOST_FAILED = 1 / 3  # of the splits, where the model itself could not be fitted
_ROWS_FOR_FEWER = 20  # training rows; fewer are not cut further


def own_outcomes(examination: Examination) -> list[Outcome]:
    """Fit the model and its copies: on as many splits, and from as many seeds, as half of the time allows."""
    variant = own_variant(examination.subject)
    folds = sum(split.repeat == 0 for split in examination.splits)
    first = examination.splits[:folds]
    wishes = [
        Wish(name="0", variant=variant, splits=first),
        Wish(name="other", variant=variant, splits=first[:1], draw=1),
    ]
    probe = examination.round("the model", wishes, checkpoints=CHECKPOINTS)
    if "0" not in probe or "other" not in probe:
        raise BudgetError(f"the budget is too small: the model could not be fitted to {folds} splits in it")
    if np.isnan(probe["0"].losses).all():
        why = "; ".join(probe["0"].failures) or "its losses are no numbers"
        raise DataError(f"the model could not be fitted to any split: {why}")
    chance = not _same(probe["0"], probe["other"])
    if not chance:
        examination.notes.append("The model leaves nothing to chance: copies from other seeds would be the same.")
    scale = _scale(examination, folds, chance=chance)
    copies: dict[str, Outcome] = {}
    if scale.repeats < examination.truth.split_of.shape[0] or scale.copies < PLACEBOS:
        # The first fits of a process pay for much that comes once: look again before anything is given up.
        examination.found.forget_pace()
        again = [Wish(name=str(draw), variant=variant, splits=first, draw=draw) for draw in (1, 2) if chance]
        again = again or [Wish(name="0", variant=variant, splits=first)]
        looked = examination.round("the model and its copies", again, checkpoints=CHECKPOINTS)
        copies = {name: one for name, one in looked.items() if name != "0"}
        scale = _scale(examination, folds, chance=chance)
    examination.rescale(scale, folds)
    names = [str(draw) for draw in range(scale.copies + 1)]
    begun = {"0": probe["0"]} | copies
    wishes = [
        Wish(
            name=name,
            variant=variant,
            splits=examination.splits[folds * (name in begun) :],
            draw=int(name),
        )
        for name in names
    ]
    wishes = [wish for wish in wishes if wish.splits]
    outcomes = examination.round("the model and its copies", wishes, checkpoints=CHECKPOINTS) if wishes else {}
    if scale.repeats > 1 and "0" not in outcomes:
        examination.rescale(Scale(repeats=1, copies=0), folds)
        return _without_failures(examination, [probe["0"], *copies.values()])
    whole = []
    for name in names:
        parts = [known[name] for known in (begun, outcomes) if name in known]
        if sum(len(part.losses) for part in parts) == len(examination.splits):
            whole.append(joined(*parts) if len(parts) == 2 else parts[0])
    return _without_failures(examination, whole)


def _scale(examination: Examination, folds: int, *, chance: bool) -> Scale:
    """How often the model itself is fitted, by what a fit has taken so far."""
    return affordable_scale(
        each=examination.found.each,
        left=examination.left() * examination.workers,
        folds=folds,
        repeats=examination.truth.split_of.shape[0],
        leaves_chance=chance,
    )


def _without_failures(examination: Examination, own: list[Outcome]) -> list[Outcome]:
    """Leave out the splits on which the model itself failed, and copies that failed on another.

    Raises:
        DataError: the model failed on more than a third of the splits.
    """
    whole = own[0]
    good = np.flatnonzero(np.isfinite(whole.losses))
    failed = len(whole.losses) - len(good)
    if failed:
        why = "; ".join(whole.failures) or "its losses are no numbers"
        told = f"failed on {failed} of {len(whole.losses)} splits"
        if failed > _MOST_FAILED * len(whole.losses):
            raise DataError(f"the model {told}, too many to judge it by the others: {why}")
        examination.notes.append(f"The model {told}, which are left out: {why}.")
        examination.leave(good)
        own = [on_splits(one, good.tolist()) for one in own]
    whole, *copies = own
    kept = [one for one in copies if np.isfinite(one.losses).all()]
    if len(kept) < len(copies):
        examination.notes.append(f"{len(copies) - len(kept)} of {len(copies)} copies failed, and were left out.")
    return [whole, *kept]


def judged_outcomes(examination: Examination, seeds: int) -> list[Outcome]:
    """Fit the model to all rows that may train, and judge it by those given apart."""
    if examination.validation is None:
        return []
    train = np.unique(np.concatenate([split.train for split in examination.splits]))
    split = Split(train=train, validate=examination.validation, repeat=0, fold=0)
    wishes = [
        Wish(name=str(draw), variant=own_variant(examination.subject), splits=(split,), draw=draw)
        for draw in range(seeds)
    ]
    outcomes = examination.round("rows given to judge by", wishes)
    return [one for one in outcomes.values() if np.isfinite(one.validation).all()]


def training_headline(examination: Examination) -> float | None:
    """The headline loss on training rows, where it is no multiple of the loss that training lowers."""
    folds = sum(split.repeat == 0 for split in examination.splits)
    splits = tuple(replace(split, validate=split.train) for split in examination.splits[:folds])
    wishes = [Wish(name="training", variant=own_variant(examination.subject), splits=splits)]
    outcomes = examination.round("training rows", wishes)
    return float(outcomes["training"].losses.mean()) if "training" in outcomes else None


def fewer_rows(examination: Examination) -> dict[float, Outcome]:
    """Fit the model to fewer rows, for as many epochs, as `learning_curve` does."""
    if min(len(split.train) for split in examination.splits) < _ROWS_FOR_FEWER or examination.stop():
        return {}
    sets = nested(
        examination.splits,
        target=examination.truth.target,
        sizes=list(SHARES),
        groups=examination.subject.groups,
        seed=examination.seed,
    )
    size = len(examination.splits)
    wishes = [
        Wish(
            name=str(share),
            variant=own_variant(examination.subject),
            splits=sets.splits[place * size : (place + 1) * size],
        )
        for place, share in enumerate(SHARES)
        if place < len(sets.sizes)
    ]
    outcomes = examination.round("fewer rows", wishes)
    return {
        share: outcomes[str(share)]
        for share in SHARES
        if str(share) in outcomes and np.isfinite(outcomes[str(share)].losses).all()
    }


def _same(one: Outcome, other: Outcome) -> bool:
    """Whether two models of the first split predict the same to the last bit."""
    return bool(len(other.predictions[0]) and np.array_equal(one.predictions[0], other.predictions[0]))
