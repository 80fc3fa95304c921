"""Confusion: which class was predicted for rows of which class, out of fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evenfit.report.digits import short
from evenfit.report.markup import rows, text
from evenfit.report.table import Table
from evenfit.results.study import Truth
from evenfit.results.trial import Trial

MOST_CLASSES = 12  # above this, the most frequent mistakes instead of every cell
MOST_MISTAKES = 20
SHADES = 10


def confusion(trial: Trial, truth: Truth) -> npt.NDArray[np.int64]:
    """Counts of rows, [true class, predicted class], over all repeats; rows never validated are left out."""
    predictions = np.asarray(trial.predictions, dtype=np.float64)
    known = ~np.isnan(predictions).any(axis=2)
    chosen = predictions[known].argmax(axis=1) if known.any() else np.zeros(0, dtype=np.int64)
    target = np.broadcast_to(np.asarray(truth.target, dtype=np.int64), known.shape)[known]
    counts = np.bincount(target * truth.classes + chosen, minlength=truth.classes**2)
    return counts.reshape(truth.classes, truth.classes).astype(np.int64)


def confusion_html(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> str:
    """Every cell, shaded by its share of the row; of many classes, the most frequent mistakes."""
    if len(counts) > MOST_CLASSES:
        return rows(mistakes(counts, classes), caption="Most frequent mistakes")
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    head = "".join(f'<th scope="col" class="number">{text(name)}</th>' for name in classes)
    body = []
    for place, name in enumerate(classes):
        cells = "".join(
            f'<td class="number shade{round(SHADES * share)}">{count:,}<small>{100 * share:.0f}%</small></td>'
            for count, share in zip(counts[place], shares[place], strict=True)
        )
        body.append(f'<tr><th scope="row">{text(name)}</th>{cells}</tr>')
    return (
        '<div class="scroll" role="region" tabindex="0" aria-label="Confusion table"><table class="confusion">'
        f'<thead><tr><th scope="col">true \\ predicted</th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
    )


def mistakes(counts: npt.NDArray[np.int64], classes: Sequence[str]) -> Table:
    """Pairs of true and predicted class that differ, the most frequent first."""
    wrong = counts.copy()
    np.fill_diagonal(wrong, 0)
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_MISTAKES]
    pairs = [divmod(int(place), len(counts)) for place in order]
    known = tuple(
        (
            classes[true],
            classes[predicted],
            f"{wrong[true, predicted]:,}",
            f"{short(100 * wrong[true, predicted] / counts[true].sum(), digits=2)}%",
        )
        for true, predicted in pairs
        if wrong[true, predicted]
    )
    return Table(columns=("true class", "predicted instead", "rows", "of the class"), rows=known)
