"""Examine: a model, its copies, fewer rows and remedies, measured while time lasts, the most telling first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evenfit.data.splits import Split
from evenfit.experiments.diagnosis import (
    Outcome,
    measure_remedies,
)
from evenfit.experiments.diagnosis_plan import in_order
from evenfit.experiments.interventions.intervention import Intervention, NotApplicable
from evenfit.results.baseline import constant_loss
from evenfit.results.diagnosis.concluding import Measured
from evenfit.results.study import Truth
from evenfit.runs.measures.changes import interventions_of
from evenfit.runs.measures.examining.as_it_is import fewer_rows, judged_outcomes, own_outcomes, training_headline
from evenfit.runs.measures.examining.changed import (
    Fresh,
    combination_of_two,
    helping_remedies,
    on_fresh_folds,
    tested_remedies,
)
from evenfit.runs.measures.examining.examination import Examination

_RESERVE = 85  # fits, of 25 splits: the combination, and all that is measured on fresh folds
_MOST_RESERVED = 0.25  # of the time that is left


@dataclass(frozen=True, eq=False, kw_only=True)
class Examined:
    """All that was measured."""

    truth: Truth
    splits: tuple[Split, ...]
    own: list[Outcome]  # the model as it is, and its copies
    tested: list[Measured]
    fewer: dict[float, Outcome]
    combination: Measured | None
    parts: tuple[str, str] | None  # names of what is combined
    fresh: Fresh | None
    training_headline: float | None
    judged: list[Outcome]  # the model trained on all rows, judged by those given apart, by seed
    not_applicable: tuple[NotApplicable, ...]
    untested: tuple[Intervention, ...]
    fits: int
    failures: tuple[str, ...]
    notes: tuple[str, ...]


def examine(examination: Examination) -> Examined:
    """Measure what time allows, the most telling first."""
    own = own_outcomes(examination)
    judged = judged_outcomes(examination, len(own))
    trained = training_headline(examination) if examination.wants_training else None
    fewer = fewer_rows(examination)
    possible, impossible = interventions_of(examination.subject, examination.splits, examination.truth)
    ordered = in_order(possible, lost_share(own, examination.truth))
    known = {one.name: one for one in ordered}
    reserve = _RESERVE * len(examination.splits) / 25 * examination.found.each / examination.workers
    for _ in measure_remedies(
        examination.case,
        examination.found,
        ordered,
        examination.splits,
        seconds_left=lambda: examination.left() - min(reserve, _MOST_RESERVED * examination.left()),
        stop=examination.stop,
    ):
        examination.tell("remedies", examination.found.fits)
    tested = tested_remedies(examination, own, known)
    helping = helping_remedies(examination, own, tested)
    combination, parts = combination_of_two(examination, helping, known)
    fresh = on_fresh_folds(examination, helping, known, combination, copies=len(own))
    outcomes = [*own, *examination.found.remedies.values(), *fewer.values()]
    return Examined(
        truth=examination.truth,
        splits=examination.splits,
        own=own,
        tested=tested,
        fewer=fewer,
        combination=combination,
        parts=parts,
        fresh=fresh,
        training_headline=trained,
        judged=judged,
        not_applicable=impossible,
        untested=tuple(one for one in ordered if one.name not in examination.found.remedies),
        fits=examination.found.fits,
        failures=tuple(dict.fromkeys(failure for one in outcomes for failure in one.failures)),
        notes=tuple(dict.fromkeys([*examination.notes, *(note for one in outcomes for note in one.notes)])),
    )


def lost_share(own: Sequence[Outcome], truth: Truth) -> float:
    """The share of what training gained that fresh rows do not share: a first verdict."""
    training = float(np.mean([one.training.mean() for one in own]))
    validation = float(np.mean([one.validation.mean() for one in own]))
    way = constant_loss(truth) - training
    if way > 0:
        return (validation - training) / way
    return float("inf") if validation > training else 0.0
