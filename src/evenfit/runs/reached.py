"""Reached: what is said of a target that a search has reached on cross-validation."""

from __future__ import annotations

import math
from dataclasses import replace

from evenfit.results.study import Study


def with_target_note(study: Study, target_loss: float | None) -> Study:
    """Say which config reached the target, and what is to be expected of it on fresh rows; nothing where none did.

    A search that ends at the first loss below a target ends where chance helped: the note says what the corrected
    estimate is, and that even that does not count the stopping.
    """
    if target_loss is None or study.stopped != "target":
        return study
    shown = _root if study.truth.metric == "rmse" else _same
    best = min((trial for trial in study.trials if trial.status == "complete"), key=lambda trial: trial.loss)
    estimate = study.estimate
    expected = shown(estimate.mean)
    said = (
        f"the target {target_loss:.4g} was reached on cross-validation, by trial {best.number} with "
        f"{shown(best.loss):.4g}; on fresh rows {expected:.4g} is to be expected "
        f"({shown(estimate.low):.4g} to {shown(estimate.high):.4g})"
    )
    said += ", which is above the target" if expected > target_loss else ""
    return replace(study, notes=(*study.notes, f"{said}: to stop at a target is to stop where chance helps"))


def _root(loss: float) -> float:
    return math.sqrt(loss) if loss >= 0 else math.nan


def _same(loss: float) -> float:
    return loss
